//! Warnings about touchpoints that compete for an event. One event is one touchpoint: the first declared that matches.

use serde_json::Value;

use super::scope::Scope;
use crate::map::designed::{Condition, DesignedMap};
use crate::map::glob::Glob;
use crate::map::value::as_text;

/// Pairs of touchpoints whose rules some event meets at once; each later one is named once, with all before it.
pub fn warn(scope: &mut Scope, map: &DesignedMap) {
    let rules: Vec<Vec<Rule>> = map.touchpoints.iter().map(|t| t.matching.any.iter().map(Rule::of).collect()).collect();
    for (i, later) in rules.iter().enumerate() {
        let meets = |earlier: &&Vec<Rule>| earlier.iter().any(|a| later.iter().any(|b| a.meets(b)));
        let first: Vec<&str> = (0..i).filter(|&j| meets(&&rules[j])).map(|j| &*map.touchpoints[j].id).collect();
        if !first.is_empty() {
            let message =
                format!("one event can match both {} and `{}`", crate::yaml::quoted_list(first), map.touchpoints[i].id);
            let help = "the one declared first wins; tell them apart by `source`, `event`, `path` or `props`";
            scope.warn(&format!("touchpoints/{i}/match"), message, help);
        }
    }
}

struct Rule<'a> {
    written: &'a Condition,
    events: Vec<Glob>,
    paths: Vec<Glob>,
}

impl<'a> Rule<'a> {
    fn of(written: &'a Condition) -> Self {
        // Patterns that cannot be read are faults already, and then no warning is wanted.
        let globs = |list: &[String], glob: fn(&str) -> Result<Glob, regex::Error>| {
            list.iter().filter_map(|p| glob(p).ok()).collect()
        };
        Self { written, events: globs(&written.event, Glob::name), paths: globs(&written.path, Glob::path) }
    }

    fn meets(&self, other: &Self) -> bool {
        let (a, b) = (self.written, other.written);
        let sources = a.source.is_empty() || b.source.is_empty() || a.source.iter().any(|s| b.source.contains(s));
        let globs =
            |a: &[Glob], b: &[Glob]| a.is_empty() || b.is_empty() || a.iter().any(|x| b.iter().any(|y| x.meets(y)));
        let values = |x: &[Value], y: &[Value]| x.iter().any(|v| y.iter().any(|w| as_text(v) == as_text(w)));
        let props = || a.props.iter().all(|(k, x)| b.props.get(k).is_none_or(|y| values(x, y)));
        sources && globs(&self.events, &other.events) && globs(&self.paths, &other.paths) && props()
    }
}
