//! The words in which `check` says what it found and what belongs there.

use serde_json::Value;

use super::node::{Content, Node};

pub fn expected(types: &[&str]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for name in types {
        let word = match *name {
            "boolean" => "`true` or `false`",
            "integer" => "a whole number",
            "number" => "a number",
            "string" => "text",
            "array" => "a list",
            "object" => "a mapping",
            _ => continue,
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.is_empty() { "left out".to_owned() } else { words.join(" or ") }
}

pub fn found(node: &Node) -> String {
    match &node.content {
        Content::Null => "nothing".to_owned(),
        Content::Bool(_) => found_value(node),
        Content::Number(_) => format!("the number {}", found_value(node)),
        Content::Text(_) => format!("the text {}", found_value(node)),
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "a mapping".to_owned(),
    }
}

pub fn found_value(node: &Node) -> String {
    match &node.content {
        Content::Bool(b) => format!("`{b}`"),
        Content::Number(n) => format!("`{n}`"),
        Content::Text(t) if t.chars().count() > 60 => format!("`{}…`", t.chars().take(60).collect::<String>()),
        Content::Text(t) => format!("`{t}`"),
        _ => found(node),
    }
}

/// A number or truth value where text belongs needs quotes.
pub fn quotes_hint(node: &Node, types: &[&str]) -> Option<String> {
    let plain = matches!(node.content, Content::Bool(_) | Content::Number(_));
    (plain && types.contains(&"string"))
        .then(|| format!("in quotes it is text: \"{}\"", found_value(node).replace('`', "")))
}

pub fn range(low: Option<f64>, above: Option<f64>, high: Option<f64>) -> String {
    match (low, above, high) {
        (Some(l), _, Some(h)) => format!("{l} to {h}"),
        (Some(l), _, None) => format!("{l} or more"),
        (None, Some(l), Some(h)) => format!("more than {l}, at most {h}"),
        (None, Some(l), None) => format!("more than {l}"),
        (None, None, Some(h)) => format!("at most {h}"),
        (None, None, None) => "any number".to_owned(),
    }
}

/// The first sentence of a schema's description, on one line.
pub fn first_sentence(schema: &Value) -> Option<String> {
    let text = schema.get("description")?.as_str()?.replace('\n', " ");
    let end = text.find(". ").map_or(text.len(), |i| i);
    Some(text[..end].trim_end_matches('.').to_owned()).filter(|t| !t.is_empty())
}
