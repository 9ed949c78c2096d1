//! What the parts of a journey file are made of. In: texts, lengths of time, rules, property values. Out: them as written.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::map::designed::{Condition, Match, PropertyPath, Text};
use crate::yaml::{Fields, Written};

/// A text, or one for each language.
pub fn text(text: &Text) -> Option<Written> {
    match text.0.get("") {
        _ if text.0.is_empty() => None,
        Some(plain) if text.0.len() == 1 => Some(plain.as_str().into()),
        _ => Some(Fields(text.0.iter().map(|(l, t)| (l.clone(), t.as_str().into())).collect()).into()),
    }
}

/// `P14D`, `PT36H`.
pub fn length(d: Duration) -> String {
    let days = d.as_secs() / 86_400;
    if days > 0 && d.subsec_nanos() == 0 && d.as_secs().is_multiple_of(86_400) {
        return format!("P{days}D");
    }
    jiff::SignedDuration::try_from(d).map_or_else(|_| crate::time::format_duration(d), |d| d.to_string())
}

pub fn named(id: &str) -> Fields {
    let mut out = Fields::default();
    out.put("id", id);
    out
}

pub fn put_fields(out: &mut Fields, key: &str, fields: Fields) {
    if !fields.is_empty() {
        out.put(key, fields);
    }
}

pub fn path(path: &PropertyPath) -> &str {
    &path.written
}

/// A rule; none where there is none yet.
pub fn matching(rule: &Match) -> Option<Fields> {
    match rule.any.as_slice() {
        [] => None,
        [one] => Some(condition(one)),
        several => {
            let mut out = Fields::default();
            out.put_list("any", several.iter().map(condition));
            Some(out)
        }
    }
}

fn condition(c: &Condition) -> Fields {
    let mut out = Fields::default();
    for (key, words) in [("source", &c.source), ("event", &c.event), ("path", &c.path)] {
        match words.as_slice() {
            [] => {}
            [one] => out.put(key, one.as_str()),
            several => out.put_list(key, several.iter().map(String::as_str)),
        }
    }
    if !c.props.is_empty() {
        out.put("props", values_by_name(&c.props));
    }
    out
}

pub fn values_by_name(props: &BTreeMap<String, Vec<Value>>) -> Fields {
    let value = |list: &Vec<Value>| match list.as_slice() {
        [one] => Written::from(one),
        several => Written::List(several.iter().map(Written::from).collect()),
    };
    Fields(props.iter().map(|(name, list)| (name.clone(), value(list))).collect())
}
