//! `${NAME}` and `${NAME:-default}` inside a file's values (never its keys or comments). `$${` stands for `${`. Done in
//! the tree rather than in the text: what a variable holds can neither break the YAML nor move a column.

use super::fault::{Fault, Faults, Position};
use super::node::{Content, Node};

/// Fills in every variable. A variable without value (unset, or empty where a default is given) takes its default;
/// unset without default is a fault.
pub fn substitute(label: &str, node: &mut Node, lookup: &dyn Fn(&str) -> Option<String>) -> Faults {
    let mut faults = Faults::new();
    visit(label, node, lookup, &mut faults);
    faults
}

fn visit(label: &str, node: &mut Node, lookup: &dyn Fn(&str) -> Option<String>, faults: &mut Faults) {
    match &mut node.content {
        Content::Text(text) if text.contains("${") => {
            if let Some(filled) = fill(label, node.at, text, lookup, faults) {
                *text = filled;
                node.substituted = true;
            }
        }
        Content::List(items) => items.iter_mut().for_each(|n| visit(label, n, lookup, faults)),
        Content::Map(entries) => entries.iter_mut().for_each(|e| visit(label, &mut e.value, lookup, faults)),
        _ => {}
    }
}

fn fill(
    label: &str,
    at: Position,
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    faults: &mut Faults,
) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, before) = (text, faults.len());
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        if rest[..start].ends_with('$') {
            // `$${`: the first `$` protects the second.
            out.push('{');
            rest = &rest[start + 2..];
            continue;
        }
        let Some(length) = rest[start..].find('}') else {
            let help = "allowed: `${NAME}`, `${NAME:-default}`; a literal `${` is written `$${`";
            faults.push(Fault::new(label, at, "a variable is not closed with `}`").help(help));
            return None;
        };
        let inside = &rest[start + 2..start + length];
        rest = &rest[start + length + 1..];
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            let help = "allowed: letters, digits and `_`, as in `${NAME:-default}`";
            faults.push(Fault::new(label, at, format!("`{name}` is not the name of a variable")).help(help));
            continue;
        }
        match (lookup(name), default) {
            (Some(value), None) => out.push_str(&value),
            (Some(value), Some(_)) if !value.is_empty() => out.push_str(&value),
            (_, Some(default)) => out.push_str(default),
            (None, None) => {
                let help = format!("set it, or write a default: `${{{name}:-value}}`");
                faults.push(Fault::new(label, at, format!("variable `{name}` is not set")).help(help));
            }
        }
    }
    out.push_str(rest);
    (faults.len() == before).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use serde_json::json;

    fn filled(text: &str) -> Result<serde_json::Value, String> {
        let mut node = read("c.yaml", text).unwrap();
        let lookup = |name: &str| match name {
            "HOST" => Some("db".to_owned()),
            "EMPTY" => Some(String::new()),
            "EVIL" => Some("x: [".to_owned()),
            _ => None,
        };
        match substitute("c.yaml", &mut node, &lookup) {
            faults if faults.is_empty() => Ok(node.into_value()),
            faults => Err(faults.to_string()),
        }
    }

    #[test]
    fn variables_and_defaults_are_filled_in() {
        let text =
            "# ${NOT_READ}\nurl: http://${HOST}:${PORT:-8123}/\nb: '${EMPTY:-x}'\nc: \"$${HOST}\"\nd: ${EMPTY}\n";
        assert_eq!(filled(text), Ok(json!({"url": "http://db:8123/", "b": "x", "c": "${HOST}", "d": ""})));
    }

    #[test]
    fn what_a_variable_holds_cannot_break_the_file() {
        assert_eq!(filled("a: ${EVIL}\nb: 1\n"), Ok(json!({"a": "x: [", "b": 1})));
    }

    #[test]
    fn every_variable_without_value_is_reported() {
        let found = filled("a: ${ONE}\nb: [x, '${TWO}']\nc: ${HOST\nd: ${a b}\n").unwrap_err();
        assert!(found.starts_with("c.yaml is not usable: 4 faults"), "{found}");
        assert!(
            found.contains("c.yaml:1:4  variable `ONE` is not set\n    set it, or write a default: `${ONE:-value}`")
        );
        assert!(found.contains("c.yaml:2:8  variable `TWO` is not set"));
    }
}
