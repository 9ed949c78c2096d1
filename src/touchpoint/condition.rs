//! One alternative of a rule, compiled. In: a condition as written. Out: whether an event meets it, and, for `explain`,
//! which parts hold and which do not.

use serde_json::Value;

use super::Properties;
use crate::event::Event;
use crate::map::glob::Glob;
use crate::map::value::as_text;
use crate::map::{Condition, PropertyPath};

/// A property that must have one of some texts.
#[derive(Clone, Debug)]
pub(super) struct PropertyTest {
    pub written: String,
    parts: Vec<String>,
    allowed: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Compiled {
    /// Sources by name; empty: any.
    pub sources: Vec<String>,
    /// Literal event names; with `patterns` empty and this empty: any.
    pub names: Vec<String>,
    pub patterns: Vec<Glob>,
    paths: Vec<Glob>,
    properties: Vec<PropertyTest>,
}

/// One part of a condition and whether an event meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub holds: bool,
    /// Such as "props.form is `x`, not `mortgage`".
    pub words: String,
}

impl PropertyTest {
    pub fn new(path: &str, allowed: &[Value]) -> Self {
        Self {
            written: path.to_owned(),
            parts: path.split('.').map(str::to_owned).collect(),
            allowed: allowed.iter().filter_map(as_text).map(|t| t.into_owned()).collect(),
        }
    }

    pub fn holds(&self, properties: &Properties) -> bool {
        lookup(properties, &self.parts).and_then(as_text).is_some_and(|found| self.allowed.iter().any(|a| *a == *found))
    }
}

/// The value at a dotted path; a property whose name has the dots in it comes first.
pub(super) fn lookup<'a, S: AsRef<str>>(properties: &'a Properties, parts: &[S]) -> Option<&'a Value> {
    let (first, rest) = parts.split_first()?;
    if rest.is_empty() {
        return properties.get(first.as_ref());
    }
    let whole = parts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(".");
    if let Some(value) = properties.get(&whole) {
        return Some(value);
    }
    rest.iter().try_fold(properties.get(first.as_ref())?, |value, part| value.get(part.as_ref()))
}

/// The text at a property path; empty text counts as none.
pub(super) fn text_at(properties: &Properties, path: &PropertyPath) -> Option<String> {
    let value = lookup(properties, &path.parts)?;
    as_text(value).map(|t| t.into_owned()).filter(|t| !t.is_empty())
}

impl Compiled {
    /// Patterns that are no patterns were refused when the file was checked; one that still is matches nothing.
    pub fn new(written: &Condition) -> Self {
        let (literal, wild): (Vec<&String>, Vec<&String>) = written.event.iter().partition(|n| !n.contains('*'));
        Self {
            sources: written.source.clone(),
            names: literal.into_iter().cloned().collect(),
            patterns: wild.into_iter().filter_map(|n| Glob::name(n).ok()).collect(),
            paths: written.path.iter().filter_map(|p| Glob::path(p).ok()).collect(),
            properties: written.props.iter().map(|(path, values)| PropertyTest::new(path, values)).collect(),
        }
    }

    /// Whether the event's path matters.
    pub const fn wants_path(&self) -> bool {
        !self.paths.is_empty()
    }

    /// All but source and literal names, which the index has already looked at.
    pub fn holds_beyond_index(&self, event: &Event, properties: &Properties, path: Option<&str>) -> bool {
        (self.patterns.is_empty() || self.name_holds(event))
            && (self.paths.is_empty() || path.is_some_and(|p| self.paths.iter().any(|g| g.matches(p))))
            && self.properties.iter().all(|t| t.holds(properties))
    }

    pub fn source_holds(&self, source: &str) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|s| s == source)
    }

    pub fn name_holds(&self, event: &Event) -> bool {
        let any = self.names.is_empty() && self.patterns.is_empty();
        any || self.names.iter().any(|n| **n == *event.name) || self.patterns.iter().any(|p| p.matches(&event.name))
    }

    /// Every part with its verdict.
    pub fn parts(&self, source: &str, event: &Event, properties: &Properties, path: Option<&str>) -> Vec<Part> {
        let mut parts = Vec::new();
        let list = |words: &[String]| words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(" or ");
        if !self.sources.is_empty() {
            parts.push(part(self.source_holds(source), "source", Some(source), &list(&self.sources)));
        }
        if !self.names.is_empty() || !self.patterns.is_empty() {
            let names: Vec<String> =
                self.names.iter().cloned().chain(self.patterns.iter().map(|p| p.pattern().to_owned())).collect();
            parts.push(part(self.name_holds(event), "event", Some(&event.name), &list(&names)));
        }
        if self.wants_path() {
            let patterns: Vec<String> = self.paths.iter().map(|p| p.pattern().to_owned()).collect();
            let holds = path.is_some_and(|p| self.paths.iter().any(|g| g.matches(p)));
            parts.push(part(holds, "path", path, &list(&patterns)));
        }
        for test in &self.properties {
            let found =
                lookup(properties, &test.parts).map(|v| as_text(v).map_or_else(|| v.to_string(), |t| t.into_owned()));
            parts.push(part(
                test.holds(properties),
                &format!("props.{}", test.written),
                found.as_deref(),
                &list(&test.allowed),
            ));
        }
        parts
    }
}

fn part(holds: bool, what: &str, found: Option<&str>, wanted: &str) -> Part {
    let words = match (holds, found) {
        (true, Some(found)) => format!("{what} is `{found}`"),
        (true, None) => format!("{what} holds"),
        (false, Some(found)) => format!("{what} is `{found}`, not {wanted}"),
        (false, None) => format!("{what} is missing, wanted {wanted}"),
    };
    Part { holds, words }
}
