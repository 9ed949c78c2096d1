//! YAML text -> [`Node`]. Anchors, aliases and merge keys (`<<`) are resolved here, repeated keys are faults. A syntax
//! fault ends the reading, because nothing after it can be trusted; every other one does not.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Marker, Options, Parser, ScalarStyle, Span, StrInput, Tag};

use super::fault::{Fault, Faults, Position};
use super::node::{Content, Entry, Node};
use super::scalar::resolve;

/// Aliases multiply what they stand for; a file that people wrote stays far below this.
const MOST_NODES: usize = 500_000;

/// Reads one document. `label` is how messages call the file.
pub fn read(label: &str, text: &str) -> Result<Node, Faults> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.emit_unresolved_aliases = true;
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader { parser, label, text, faults: Faults::new(), anchors: HashMap::new(), nodes: 0 };
    match reader.document() {
        Some(node) => reader.faults.or(node),
        None => Err(reader.faults),
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    label: &'a str,
    text: &'a str,
    faults: Faults,
    /// Finished anchored nodes by the parser's number.
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

fn position(mark: &Marker) -> Position {
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position { line: narrow(mark.line()).max(1), column: narrow(mark.col()).saturating_add(1) }
}

/// `None` from any method: reading cannot go on, and the fault is noted.
impl<'a> Reader<'a> {
    fn fault(&mut self, at: Position, message: impl Into<String>, help: &str) {
        self.faults.push(Fault::new(self.label, at, message).help(help));
    }

    fn next(&mut self) -> Option<(Event<'a>, Span)> {
        match self.parser.next()? {
            Ok(next) => Some(next),
            Err(error) => {
                let at = position(error.marker());
                let help = if self.tab_before(at) {
                    "hint: a line is indented with a tab; YAML takes spaces only"
                } else {
                    ""
                };
                self.fault(at, format!("not readable as YAML: {}", error.info()), help);
                None
            }
        }
    }

    /// Whether a tab indents the line, one of the two before, where the parser noticed too late, or the next, up to which a
    /// value without quotes may go.
    fn tab_before(&self, at: Position) -> bool {
        let (last, first) = (at.line as usize, (at.line as usize).saturating_sub(3));
        let mut lines = self.text.lines().skip(first).take(last + 1 - first);
        lines.any(|line| line[..line.len() - line.trim_start().len()].contains('\t'))
    }

    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        while let Some((event, span)) = self.next() {
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_none() => {}
                Event::DocumentStart(..) => {
                    self.fault(position(&span.start), "a second document begins here", "a file holds one document");
                    return None;
                }
                Event::StreamEnd => break,
                other => root = Some(self.node(other, &span)?),
            }
        }
        match root {
            None if self.faults.is_empty() => Some(Node::new(Position::default(), Content::Null)),
            root => root,
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span) -> Option<Node> {
        let at = position(&span.start);
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            self.fault(at, format!("more than {MOST_NODES} values, aliases counted in full"), "");
            return None;
        }
        let (node, anchor) = match event {
            Event::Scalar(word, style, anchor, tag) => {
                (Node::new(at, self.scalar(at, &word, style, tag.as_deref())), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.collection_tag(at, tag.as_deref(), "seq");
                (Node::new(at, Content::List(self.list()?)), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.collection_tag(at, tag.as_deref(), "map");
                (Node::new(at, Content::Map(self.map()?)), anchor)
            }
            Event::Alias(anchor) => return self.alias(at, anchor),
            Event::UnresolvedAlias(name) => {
                let help = "an alias `*name` repeats an earlier `&name`; text that begins with `*` needs quotes";
                self.fault(at, format!("`*{name}` refers to no anchor"), help);
                return Some(Node::new(at, Content::Null));
            }
            _ => {
                self.fault(at, "not readable as YAML: a value is missing here", "");
                return None;
            }
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Some(node)
    }

    fn alias(&mut self, at: Position, anchor: usize) -> Option<Node> {
        let Some(node) = self.anchors.get(&anchor) else {
            self.fault(at, "an alias stands inside the value it repeats", "");
            return Some(Node::new(at, Content::Null));
        };
        let node = node.clone();
        self.nodes = self.nodes.saturating_add(size(&node));
        if self.nodes > MOST_NODES {
            self.fault(at, format!("more than {MOST_NODES} values, aliases counted in full"), "");
            return None;
        }
        Some(node)
    }

    fn scalar(&mut self, at: Position, word: &str, style: ScalarStyle, tag: Option<&Tag>) -> Content {
        match tag.map(|t| t.core_suffix().unwrap_or("")) {
            None if style == ScalarStyle::Plain => resolve(word),
            None | Some("str") => Content::Text(word.to_owned()),
            Some("null" | "bool" | "int" | "float") => resolve(word),
            Some(_) => {
                self.unknown_tag(at, tag);
                Content::Text(word.to_owned())
            }
        }
    }

    fn collection_tag(&mut self, at: Position, tag: Option<&Tag>, expected: &str) {
        if tag.is_some_and(|t| t.core_suffix() != Some(expected)) {
            self.unknown_tag(at, tag);
        }
    }

    fn unknown_tag(&mut self, at: Position, tag: Option<&Tag>) {
        let tag = tag.map(Tag::original).unwrap_or_default();
        self.fault(
            at,
            format!("the tag `{tag}` means nothing here"),
            "leave it out; text that begins with `!` needs quotes",
        );
    }

    fn list(&mut self) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Some(items),
                (event, span) => items.push(self.node(event, &span)?),
            }
        }
    }

    fn map(&mut self) -> Option<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Node> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let at = position(&span.start);
            let (key, plain) = match event {
                Event::MappingEnd => break,
                Event::Scalar(word, style, ..) => (word.into_owned(), style == ScalarStyle::Plain),
                _ => {
                    self.fault(at, "a key must be a single word", "text that begins with `[`, `{` or `*` needs quotes");
                    return None;
                }
            };
            let (event, span) = self.next()?;
            let value = self.node(event, &span)?;
            if plain && key == "<<" {
                merged.push(value);
            } else if let Some(first) = entries.iter().find(|e| e.key == key) {
                let line = first.at.line;
                self.fault(at, format!("key `{key}` is written twice (first on line {line})"), "");
            } else {
                entries.push(Entry { key, at, value });
            }
        }
        for node in merged {
            self.merge(node, &mut entries);
        }
        Some(entries)
    }

    /// `<<: *a` or `<<: [*a, *b]`: keys that the mapping does not have itself; the earlier source wins.
    fn merge(&mut self, node: Node, entries: &mut Vec<Entry>) {
        match node.content {
            Content::Map(more) => {
                for entry in more {
                    if entries.iter().all(|e| e.key != entry.key) {
                        entries.push(entry);
                    }
                }
            }
            Content::List(items) if items.iter().all(|i| matches!(i.content, Content::Map(_))) => {
                for item in items {
                    self.merge(item, entries);
                }
            }
            _ => self.fault(node.at, "`<<` merges mappings only", "allowed: an alias of a mapping, or a list of those"),
        }
    }
}

fn size(node: &Node) -> usize {
    let below: usize = match &node.content {
        Content::List(items) => items.iter().map(size).sum(),
        Content::Map(entries) => entries.iter().map(|e| size(&e.value)).sum(),
        _ => 0,
    };
    below + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(text: &str) -> serde_json::Value {
        read("f.yaml", text).unwrap().into_value()
    }

    fn faults(text: &str) -> String {
        read("f.yaml", text).unwrap_err().to_string()
    }

    #[test]
    fn a_tab_that_indents_is_named() {
        for text in ["sources:\n\tweb: {}\n", "a:\n  b: 1\n\tc: 2\n"] {
            assert!(faults(text).contains("a line is indented with a tab"), "{}", faults(text));
        }
        assert!(!faults("a: [\n").contains("tab"));
    }

    #[test]
    fn values_know_where_they_stand() {
        let node = read("f.yaml", "a: 1\nlist:\n  - { id: x, role: entry }\n  - id: y\n    role: [p, q]\n").unwrap();
        let at = |pointer: &str| (node.at(pointer).line, node.at(pointer).column);
        assert_eq!(at("a"), (1, 4));
        assert_eq!(at("list/0/role"), (3, 20));
        assert_eq!(at("list/1"), (4, 5));
        assert_eq!(at("list/1/role/1"), (5, 15));
        assert_eq!(at("list/1/absent"), (4, 5));
        assert_eq!(node.key_at("list/1/role"), Position { line: 5, column: 5 });
        assert_eq!(node.at(""), Position { line: 1, column: 1 });
    }

    #[test]
    fn aliases_and_merge_keys_are_filled_in_and_own_keys_win() {
        let text = "base: &b { x: 1, y: 2 }\nother: &o { y: 3, z: 4 }\nuse: { <<: [*b, *o], x: 9 }\nagain: *b\n";
        let v = value(text);
        assert_eq!(v["use"], json!({ "x": 9, "y": 2, "z": 4 }));
        assert_eq!(v["again"], json!({ "x": 1, "y": 2 }));
    }

    #[test]
    fn quoted_and_tagged_words_are_text() {
        assert_eq!(value("a: \"17\"\nb: !!str 17\nc: 17\n'd': ~\n"), json!({"a": "17", "b": "17", "c": 17, "d": null}));
    }

    #[test]
    fn repeated_keys_and_lost_aliases_are_all_reported() {
        let text = "a: 1\nb: *nowhere\na: 2\nc: !thing x\n";
        let found = faults(text);
        assert!(found.starts_with("f.yaml is not usable: 3 faults"), "{found}");
        assert!(found.contains("f.yaml:3:1   key `a` is written twice (first on line 1)"), "{found}");
        assert!(found.contains("f.yaml:2:4   `*nowhere` refers to no anchor"), "{found}");
        assert!(found.contains("the tag `!thing` means nothing here"), "{found}");
    }

    #[test]
    fn broken_syntax_and_second_documents_are_faults() {
        assert!(faults("a: [1, 2\nb: 3\n").contains("not readable as YAML"));
        assert!(faults("a: 1\n---\nb: 2\n").contains("a second document begins here"));
        assert!(faults("a: &x [*x]\n").contains("an alias stands inside the value it repeats"));
        assert_eq!(value(""), json!(null));
    }

    #[test]
    fn aliases_of_aliases_cannot_fill_the_memory() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let many = vec![format!("*a{}", i - 1); 10].join(", ");
            text.push_str(&format!("a{i}: &a{i} [{many}]\n"));
        }
        assert!(faults(&text).contains("more than 500000 values"));
    }
}
