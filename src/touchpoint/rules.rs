//! The rules of all versions of a map, compiled. In: an event. Out: which touchpoint it is under each version, with the
//! channel, key, value, score and dimensions that the journey needs of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use smallvec::SmallVec;

use super::index::{Index, Rule};
use super::subject::{Field, Property, Subject, is_any_of};
use super::{Matched, Touch, VersionMatch};
use crate::config::Config;
use crate::event::Event;
use crate::map::value::as_text;
use crate::map::{DesignedMap, DimensionPath, MapVersions, Match, Touchpoint};
use crate::yaml::allowed;

/// Built once per reading; shared by threads.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(super) versions: Vec<VersionRules>,
    pub(super) sources: Vec<SourceWords>,
}

#[derive(Clone, Debug)]
pub(super) struct SourceWords {
    pub name: Arc<str>,
    channel: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
pub(super) struct VersionRules {
    pub map: Arc<DesignedMap>,
    excludes: Index,
    touchpoints: Index,
    takes: Vec<Takes>,
    key: Option<Field>,
    /// `None`: the visit's channel.
    dimensions: Vec<Option<Field>>,
}

/// What is taken from an event of one touchpoint.
#[derive(Clone, Debug)]
struct Takes {
    channel: Option<Field>,
    failed_when: Vec<(Property, Vec<Box<str>>)>,
    value: Option<Field>,
    score: Option<(Field, f64, f64)>,
}

impl Rules {
    /// Compiles every version. Beside the rules, sentences about rules that can never match under this config.
    pub fn compile(map: &MapVersions, config: &Config) -> (Self, Vec<String>) {
        let mut warnings = Vec::new();
        let sources: Vec<SourceWords> =
            config.sources.iter().map(|s| SourceWords { name: s.name.clone(), channel: s.channel.clone() }).collect();
        let names: Vec<&str> = sources.iter().map(|s| &*s.name).collect();
        let versions = map.versions.iter().map(|version| VersionRules::new(version, &names, &mut warnings)).collect();
        (Self { versions, sources }, warnings)
    }

    /// What `event` is under each version. `props`: its properties, parsed.
    pub fn match_event(&self, event: &Event, props: &Map<String, Value>) -> Matched {
        let subject = self.subject(event, props);
        self.versions.iter().map(|version| version.touch(&subject, self)).collect()
    }

    pub(super) fn subject<'e>(&'e self, event: &'e Event, props: &'e Map<String, Value>) -> Subject<'e> {
        let source_name = self.sources.get(usize::from(event.source.0)).map_or("", |s| &*s.name);
        Subject::new(event.source, source_name, &event.name, props)
    }
}

impl VersionRules {
    fn new(map: &Arc<DesignedMap>, sources: &[&str], warnings: &mut Vec<String>) -> Self {
        let rules = || {
            let excludes = map.exclude.iter().map(|e| (format!("exclude rule `{}`", e.id), &e.matching));
            excludes.chain(map.touchpoints.iter().map(|t| (format!("touchpoint `{}`", t.id), &t.matching)))
        };
        for (who, matching) in rules() {
            warn_of_sources(map, &who, matching, sources, warnings);
        }
        let mut broken = Vec::new();
        let excludes = Index::new(map.exclude.iter().map(|e| &e.matching), sources, &mut broken);
        let touchpoints = Index::new(map.touchpoints.iter().map(|t| &t.matching), sources, &mut broken);
        warnings
            .extend(broken.iter().map(|p| format!("{}: the pattern `{p}` is too long and matches nothing", map.file)));
        let dimension = |path: &DimensionPath| match path {
            DimensionPath::Channel => None,
            DimensionPath::Property(property) => Some(Field::of(property)),
        };
        Self {
            excludes,
            touchpoints,
            takes: map.touchpoints.iter().map(Takes::of).collect(),
            key: map.journey_key.as_ref().map(Field::of),
            dimensions: map.dimensions.iter().map(|d| dimension(&d.path)).collect(),
            map: map.clone(),
        }
    }

    pub(super) fn touch(&self, subject: &Subject<'_>, rules: &Rules) -> VersionMatch {
        if let Some(exclude) = self.excludes.first(subject) {
            return VersionMatch::Excluded { rule: exclude.owner, mapped: self.touchpoints.first(subject).is_some() };
        }
        match self.touchpoints.first(subject) {
            None => VersionMatch::Unmapped,
            Some(rule) => VersionMatch::Touched(Box::new(self.take(rule, subject, rules))),
        }
    }

    fn take(&self, rule: &Rule, subject: &Subject<'_>, rules: &Rules) -> Touch {
        let takes = &self.takes[usize::from(rule.owner)];
        let text = |field: &Field| subject.value(field).map(|text| Arc::<str>::from(&*text));
        let own = || rules.sources.get(usize::from(subject.source.0)).and_then(|s| s.channel.clone());
        let channel = takes.channel.as_ref().and_then(text).or_else(own);
        let none = || Arc::<str>::from("");
        let dimension = |field: &Option<Field>| match field {
            None => channel.clone().unwrap_or_else(none),
            Some(field) => text(field).unwrap_or_else(none),
        };
        let failed = |(property, allowed): &(Property, Vec<Box<str>>)| is_any_of(subject.property(property), allowed);
        let dims: SmallVec<[Arc<str>; 4]> = self.dimensions.iter().map(dimension).collect();
        Touch {
            touchpoint: rule.owner,
            alternative: rule.alternative,
            channel: channel.clone(),
            key: self.key.as_ref().and_then(text),
            failed: !takes.failed_when.is_empty() && takes.failed_when.iter().all(failed),
            value: takes.value.as_ref().and_then(|field| subject.number(field)),
            score: takes.score.as_ref().and_then(|(f, low, high)| rescale(subject.number(f)?, *low, *high)),
            dims,
        }
    }
}

impl Takes {
    fn of(touchpoint: &Touchpoint) -> Self {
        let conditions = |props: &BTreeMap<String, Vec<Value>>| {
            let texts = |v: &[Value]| v.iter().filter_map(as_text).map(|t| Box::from(&*t)).collect();
            props.iter().map(|(name, v)| (Property::named(name), texts(v))).collect()
        };
        Self {
            channel: touchpoint.channel_from.as_ref().map(Field::of),
            failed_when: touchpoint.failed_when.as_ref().map(conditions).unwrap_or_default(),
            value: touchpoint.value.as_ref().map(|v| Field::of(&v.from)),
            score: touchpoint.emotion_from.as_ref().map(|(from, low, high)| (Field::of(from), *low, *high)),
        }
    }
}

/// A score on its scale -> -2..+2; off its scale it says nothing.
fn rescale(score: f64, low: f64, high: f64) -> Option<f64> {
    (low < high && (low..=high).contains(&score)).then(|| (score - low) / (high - low) * 4.0 - 2.0)
}

fn warn_of_sources(map: &DesignedMap, who: &str, matching: &Match, sources: &[&str], warnings: &mut Vec<String>) {
    for name in matching.any.iter().flat_map(|c| &c.source).filter(|n| !sources.contains(&n.as_str())) {
        let help = allowed("declared", name, sources.iter().copied());
        let warning = format!("{}: {who} names source `{name}`, which the config does not declare ({help})", map.file);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
}
