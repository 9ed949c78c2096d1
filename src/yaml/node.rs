//! The tree of a YAML file, every value with its place. Aliases and merge keys are already resolved.

use serde_json::Value;

use super::fault::Position;

#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    pub at: Position,
    pub content: Content,
    /// A variable stood in this text: the schema, not the YAML, says whether it is a number (see `check`).
    pub(super) substituted: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Content {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    /// In file order, keys distinct.
    Map(Vec<Entry>),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    pub key: String,
    /// Where the key stands.
    pub at: Position,
    pub value: Node,
}

impl Node {
    pub(super) fn new(at: Position, content: Content) -> Self {
        Self { at, content, substituted: false }
    }

    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Self] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|e| e.key == key)
    }

    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|e| &e.value)
    }

    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Where the value at `pointer` stands (`stages/1/role`; as in a JSON pointer, `/` and `~` inside a key are `~1` and
    /// `~0`); of what is not there, the place of what would hold it.
    pub fn at(&self, pointer: &str) -> Position {
        self.walk(pointer).0
    }

    /// Like [`Node::at`], but of a key: where the key itself stands.
    pub fn key_at(&self, pointer: &str) -> Position {
        self.walk(pointer).1
    }

    fn walk(&self, pointer: &str) -> (Position, Position) {
        let (mut node, mut key_at) = (self, self.at);
        for step in pointer.split('/').filter(|s| !s.is_empty()) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let (next, place) = match &node.content {
                Content::Map(entries) => match entries.iter().find(|e| e.key == step) {
                    Some(entry) => (&entry.value, entry.at),
                    None => break,
                },
                Content::List(items) => match step.parse::<usize>().ok().and_then(|i| items.get(i)) {
                    Some(item) => (item, item.at),
                    None => break,
                },
                _ => break,
            };
            (node, key_at) = (next, place);
        }
        (node.at, key_at)
    }

    /// The plain value, for serde.
    pub fn into_value(self) -> Value {
        match self.content {
            Content::Null => Value::Null,
            Content::Bool(b) => Value::Bool(b),
            Content::Number(n) => Value::Number(n),
            Content::Text(t) => Value::String(t),
            Content::List(items) => Value::Array(items.into_iter().map(Self::into_value).collect()),
            Content::Map(entries) => {
                Value::Object(entries.into_iter().map(|e| (e.key, e.value.into_value())).collect())
            }
        }
    }
}
