//! A journey file in the making, out of another tool's file. In: its parts, with the places they should have. Out: the text
//! of a journey file that the check accepts, or what is wrong with it.

use std::collections::BTreeSet;

use crate::map::RESERVED_STAGES;
use crate::map::arcs::arcs;
use crate::map::{self, DesignedMap};
use crate::yaml::{Fault, Faults, Fields, Position, Written, write};

/// Parts of a journey file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// What stands before the stages.
    pub head: Fields,
    pub stages: Vec<Fields>,
    pub touchpoints: Vec<Fields>,
    pub transitions: Vec<Fields>,
    /// No transition was listed: those of the draft follow from the order of stages, if they do.
    pub by_order: bool,
    pub tail: Fields,
}

/// Keys of a journey file that stand behind the transitions.
pub const TAIL: [&str; 4] = ["kpis", "experiments", "accepted_deviations", "tests"];

impl Draft {
    /// The journey file; `label` is how messages call it.
    pub fn finish(mut self, label: &str) -> Result<String, Faults> {
        if self.by_order {
            let wanted = self.pairs();
            let listed = std::mem::take(&mut self.transitions);
            let forbidden = |t: &Fields| t.get("kind").and_then(Written::text) == Some("forbidden");
            self.transitions = listed.iter().filter(|t| forbidden(t)).cloned().collect();
            let text = self.text();
            match map::parse(label, &text) {
                Ok(map) if pairs_of(&map) == wanted => return Ok(text),
                _ => self.transitions = listed,
            }
        }
        let text = self.text();
        map::parse(label, &text).map(|_| text)
    }

    /// The file as it stands, whether or not it is usable.
    pub fn text(&self) -> String {
        let mut file = self.head.clone();
        file.put_list("stages", self.stages.iter().cloned());
        file.put_list("touchpoints", self.touchpoints.iter().cloned());
        file.put_list("transitions", self.transitions.iter().cloned());
        file.0.extend(self.tail.0.iter().cloned());
        write(&file)
    }

    fn pairs(&self) -> BTreeSet<(String, String)> {
        let allowed = self.transitions.iter().filter(|t| t.get("kind").and_then(Written::text) != Some("forbidden"));
        let end = |t: &Fields, key: &str| t.get(key).and_then(Written::text).unwrap_or_default().to_owned();
        allowed.map(|t| (end(t, "from"), end(t, "to"))).collect()
    }
}

fn pairs_of(map: &DesignedMap) -> BTreeSet<(String, String)> {
    let id = |s: u16| map.stages[usize::from(s)].id.to_string();
    arcs(map).into_iter().map(|(from, to)| (id(from), id(to))).collect()
}

/// The head that every journey file has.
pub fn head(id: &str, title: Option<&str>) -> Fields {
    let mut head = Fields::default();
    head.put("schema", "journey/v1");
    head.put("id", id);
    head.put("version", 1_u32);
    head.put_some("title", title.filter(|t| !t.is_empty()));
    head
}

/// An id out of any text, distinct among those `taken`: letters, digits, `_`, `-` and `.` stay.
pub fn id_of(text: &str, taken: &mut BTreeSet<String>) -> String {
    let mut id = String::new();
    for c in text.trim().chars() {
        match c {
            c if c.is_alphanumeric() || matches!(c, '-' | '.') => id.extend(c.to_lowercase()),
            _ if id.ends_with('_') || id.is_empty() => {}
            _ => id.push('_'),
        }
    }
    let id = id.trim_end_matches('_');
    let id = if id.is_empty() { "x" } else { id };
    let mut free = if RESERVED_STAGES.contains(&id) { format!("{id}_") } else { id.to_owned() };
    let mut n = 2;
    while taken.contains(&free) {
        free = format!("{id}_{n}");
        n += 1;
    }
    taken.insert(free.clone());
    free
}

/// Where a node of an XML file begins.
pub fn place(node: roxmltree::Node<'_, '_>) -> Position {
    let at = node.document().text_pos_at(node.range().start);
    Position { line: at.row, column: at.col }
}

/// The document, or where it stops being XML.
pub fn parse_xml<'a>(label: &str, text: &'a str) -> Result<roxmltree::Document<'a>, Faults> {
    roxmltree::Document::parse(text).map_err(|error| {
        let at = error.pos();
        let mut faults = Faults::new();
        let at = Position { line: at.row, column: at.col };
        faults.push(Fault::new(label, at, format!("this is not XML: {error}")));
        faults
    })
}

/// A finding of a reader as the only one.
pub fn fault(label: &str, at: Position, message: impl Into<String>, help: &str) -> Faults {
    let mut faults = Faults::new();
    faults.push(Fault::new(label, at, message).help(help));
    faults
}
