//! YAML as people would write it. In: a [`Written`] tree, its keys in order. Out: text that [`super::read()`] gives back as
//! the same values: short values on one line, long ones below each other.

use std::fmt::Write;

use serde_json::{Number, Value};

use super::node::{Content, Node};
use super::scalar::resolve;

/// Longest line that a value is put on whole.
const WIDTH: usize = 116;

/// A value to be written.
#[derive(Clone, PartialEq, Debug)]
pub enum Written {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Self>),
    Map(Fields),
}

/// Keys in the order in which they are to stand.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Fields(pub Vec<(String, Written)>);

impl Fields {
    pub fn put(&mut self, key: &str, value: impl Into<Written>) {
        self.0.push((key.to_owned(), value.into()));
    }

    /// Nothing is written of what is not there.
    pub fn put_some(&mut self, key: &str, value: Option<impl Into<Written>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Nothing is written of an empty list.
    pub fn put_list<T: Into<Written>>(&mut self, key: &str, list: impl IntoIterator<Item = T>) {
        let list: Vec<Written> = list.into_iter().map(Into::into).collect();
        if !list.is_empty() {
            self.put(key, Written::List(list));
        }
    }

    pub fn get(&self, key: &str) -> Option<&Written> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    pub fn remove(&mut self, key: &str) -> Option<Written> {
        let at = self.0.iter().position(|(k, _)| k == key)?;
        Some(self.0.remove(at).1)
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Written {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// On one line, also to be read as a part of another text.
    pub fn on_one_line(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(b) => b.to_string(),
            Self::Number(n) => n.to_string(),
            Self::Text(text) => word(text),
            Self::List(list) => {
                format!("[{}]", list.iter().map(Self::on_one_line).collect::<Vec<_>>().join(", "))
            }
            Self::Map(fields) if fields.is_empty() => "{}".to_owned(),
            Self::Map(fields) => {
                let field = |(key, value): &(String, Self)| format!("{}: {}", word(key), value.on_one_line());
                format!("{{ {} }}", fields.0.iter().map(field).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl From<&str> for Written {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Written {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<bool> for Written {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}
impl From<u64> for Written {
    fn from(n: u64) -> Self {
        Self::Number(n.into())
    }
}
impl From<u32> for Written {
    fn from(n: u32) -> Self {
        Self::Number(n.into())
    }
}
/// What is no number stays away, as in JSON; a whole number loses its `.0`.
impl From<f64> for Written {
    fn from(n: f64) -> Self {
        let whole = (n.fract() == 0.0 && n.abs() < 1e15).then(|| Number::from(n as i64));
        whole.or_else(|| Number::from_f64(n)).map_or(Self::Null, Self::Number)
    }
}
impl From<Fields> for Written {
    fn from(fields: Fields) -> Self {
        Self::Map(fields)
    }
}
impl From<Vec<Self>> for Written {
    fn from(list: Vec<Self>) -> Self {
        Self::List(list)
    }
}
impl From<&Value> for Written {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => Self::Number(n.clone()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(list) => Self::List(list.iter().map(Self::from).collect()),
            Value::Object(map) => Self::Map(Fields(map.iter().map(|(k, v)| (k.clone(), v.into())).collect())),
        }
    }
}
impl From<&Node> for Written {
    fn from(node: &Node) -> Self {
        match &node.content {
            Content::Null => Self::Null,
            Content::Bool(b) => Self::Bool(*b),
            Content::Number(n) => Self::Number(n.clone()),
            Content::Text(text) => Self::Text(text.clone()),
            Content::List(list) => Self::List(list.iter().map(Self::from).collect()),
            Content::Map(list) => Self::Map(Fields(list.iter().map(|e| (e.key.clone(), (&e.value).into())).collect())),
        }
    }
}

/// A whole file.
pub fn write(fields: &Fields) -> String {
    let mut out = String::new();
    for (key, value) in &fields.0 {
        entry(&mut out, 0, "", key, value);
    }
    out
}

/// `key: value`, the value below where it is too long for the line, or a list of things.
fn entry(out: &mut String, indent: usize, before: &str, key: &str, value: &Written) {
    let pad = " ".repeat(indent);
    let line = format!("{pad}{before}{}: {}", word(key), value.on_one_line());
    let listed =
        indent == 0 && matches!(value, Written::List(list) if list.iter().any(|i| matches!(i, Written::Map(_))));
    let inside = indent + before.len() + 2;
    let below = listed || line.chars().count() > WIDTH;
    // Writing to a String cannot fail.
    match value {
        Written::Map(fields) if below && !fields.is_empty() => {
            let _ = writeln!(out, "{pad}{before}{}:", word(key));
            fields.0.iter().for_each(|(key, value)| entry(out, inside, "", key, value));
        }
        Written::List(list) if below => {
            let _ = writeln!(out, "{pad}{before}{}:", word(key));
            list.iter().for_each(|value| item(out, inside, value));
        }
        _ => {
            let _ = writeln!(out, "{line}");
        }
    }
}

fn item(out: &mut String, indent: usize, value: &Written) {
    let pad = " ".repeat(indent);
    let line = format!("{pad}- {}", value.on_one_line());
    match value {
        Written::Map(fields) if line.chars().count() > WIDTH => {
            for (i, (key, value)) in fields.0.iter().enumerate() {
                match i {
                    0 => entry(out, indent, "- ", key, value),
                    _ => entry(out, indent + 2, "", key, value),
                }
            }
        }
        _ => {
            let _ = writeln!(out, "{line}");
        }
    }
}

/// A word as it stands, where it cannot be mistaken for anything else; else in quotes.
fn word(text: &str) -> String {
    let begins = text.chars().next().is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '/'));
    let safe = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | ' ' | '@' | '+' | '*'));
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let plain = begins
        && safe
        && !text.ends_with(' ')
        && !words.contains(&text.to_lowercase().as_str())
        && matches!(resolve(text), Content::Text(_));
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::read;

    #[test]
    fn what_is_written_reads_as_the_same_values() {
        let long = "a long line: ".repeat(20);
        let mut inner = Fields::default();
        for (i, text) in ["", "no", "007", "1e3", "ё: \"ё\"", "# x", " y ", "a\nb\t\u{7}", "~", "- z", "14d", &long]
            .iter()
            .enumerate()
        {
            inner.put(&format!("k{i}"), *text);
        }
        inner.put("0", 1.5);
        inner.put("yes", Written::List(vec![Written::Null, true.into(), Fields::default().into()]));
        let mut file = Fields::default();
        file.put("list", Written::List(vec![inner.clone().into(), Written::List(vec![inner.clone().into()])]));
        file.put("map", inner);
        file.put_list("words", ["x"; 60]);
        let text = write(&file);
        let read = read("x", &text).unwrap_or_else(|f| panic!("{f}\n{text}"));
        assert_eq!(Written::from(&read), Written::Map(file), "{text}");
    }
}
