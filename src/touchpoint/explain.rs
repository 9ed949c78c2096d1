//! Why an event is the touchpoint it is: of every rule, which conditions held and which did not. For people, so clear
//! rather than fast; what it calls chosen is what matching itself said.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::VersionMatch;
use super::rules::{Rules, VersionRules};
use super::subject::{Property, Subject, is_any_of};
use crate::event::Event;
use crate::map::glob::Glob;
use crate::map::value::as_text;
use crate::map::{Condition, Match};

#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The page that path conditions were tested on.
    pub path: Option<String>,
    /// As in `MapVersions::versions`.
    pub versions: Vec<VersionExplanation>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct VersionExplanation {
    pub map: Arc<str>,
    pub version: u32,
    pub result: VersionMatch,
    /// Of every exclude rule, then of every touchpoint, in the order in which they are tried.
    pub excludes: Vec<RuleExplanation>,
    pub touchpoints: Vec<RuleExplanation>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RuleExplanation {
    pub id: Arc<str>,
    pub verdict: Verdict,
    /// The alternative of `match.any` that holds, or fails least.
    pub alternative: u16,
    pub checks: Vec<ConditionCheck>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Decided what the event is.
    Chosen,
    /// Holds too, but a rule before it was chosen.
    AlsoMatches,
    /// One condition failed and another held, or source and event name held.
    Nearly,
    No,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConditionCheck {
    /// `source`, `event`, `path` or `props.x`.
    pub key: String,
    /// Values or patterns, any of which is enough.
    pub wanted: Vec<String>,
    /// `None`: the event has no such thing.
    pub found: Option<String>,
    pub held: bool,
}

impl Rules {
    pub fn explain(&self, event: &Event, props: &Map<String, Value>) -> Explanation {
        let subject = self.subject(event, props);
        Explanation {
            path: subject.path().map(str::to_owned),
            versions: self.versions.iter().map(|v| explain_version(v, &subject, self)).collect(),
        }
    }
}

fn explain_version(version: &VersionRules, subject: &Subject<'_>, rules: &Rules) -> VersionExplanation {
    let map = &version.map;
    let result = version.touch(subject, rules);
    let excludes = map.exclude.iter().map(|e| explain_rule(&e.id, &e.matching, subject));
    let touchpoints = map.touchpoints.iter().map(|t| explain_rule(&t.id, &t.matching, subject));
    let mut explanation = VersionExplanation {
        map: map.id.clone(),
        version: map.version,
        excludes: excludes.collect(),
        touchpoints: touchpoints.collect(),
        result,
    };
    let chosen = match &explanation.result {
        VersionMatch::Excluded { rule, .. } => explanation.excludes.get_mut(usize::from(*rule)),
        VersionMatch::Touched(touch) => explanation.touchpoints.get_mut(usize::from(touch.touchpoint)),
        VersionMatch::Unmapped => None,
    };
    if let Some(rule) = chosen {
        rule.verdict = Verdict::Chosen;
    }
    explanation
}

fn explain_rule(id: &Arc<str>, matching: &Match, subject: &Subject<'_>) -> RuleExplanation {
    let alternatives = matching.any.iter().map(|condition| checks(condition, subject)).enumerate();
    let failed = |checks: &[ConditionCheck]| checks.iter().filter(|c| !c.held).count();
    let best = alternatives.min_by_key(|(_, checks)| failed(checks));
    let Some((alternative, checks)) = best else {
        return RuleExplanation { id: id.clone(), verdict: Verdict::No, alternative: 0, checks: Vec::new() };
    };
    let held = |key: &str| checks.iter().find(|c| c.key == key).map(|c| c.held);
    let named = held("event") == Some(true) && held("source") != Some(false);
    let verdict = match failed(&checks) {
        0 => Verdict::AlsoMatches,
        1 if checks.len() > 1 => Verdict::Nearly,
        _ if named => Verdict::Nearly,
        _ => Verdict::No,
    };
    RuleExplanation { id: id.clone(), verdict, alternative: alternative as u16, checks }
}

fn checks(condition: &Condition, subject: &Subject<'_>) -> Vec<ConditionCheck> {
    let globs = |patterns: &[String], glob: fn(&str) -> Result<Glob, regex::Error>, text: &str| {
        patterns.iter().any(|p| glob(p).is_ok_and(|g| g.matches(text)))
    };
    let mut list = Vec::new();
    let mut check = |key: String, wanted: Vec<String>, found: Option<String>, held: bool| {
        if !wanted.is_empty() {
            list.push(ConditionCheck { key, wanted, found, held });
        }
    };
    let source = subject.source_name;
    let source_held = condition.source.iter().any(|s| s == source);
    check("source".to_owned(), condition.source.clone(), Some(source.to_owned()), source_held);
    let event_held = globs(&condition.event, Glob::name, subject.name);
    check("event".to_owned(), condition.event.clone(), Some(subject.name.to_owned()), event_held);
    let path = subject.path();
    let path_held = path.is_some_and(|p| globs(&condition.path, Glob::path, p));
    check("path".to_owned(), condition.path.clone(), path.map(str::to_owned), path_held);
    for (name, wanted) in &condition.props {
        let wanted: Vec<Box<str>> = wanted.iter().filter_map(as_text).map(|t| Box::from(&*t)).collect();
        let found = subject.property(&Property::named(name));
        let held = is_any_of(found, &wanted);
        let shown = found.map(|v| as_text(v).map_or_else(|| v.to_string(), |t| t.into_owned()));
        check(format!("props.{name}"), wanted.into_iter().map(String::from).collect(), shown, held);
    }
    list
}
