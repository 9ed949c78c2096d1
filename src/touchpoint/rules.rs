//! The rules of every version of a map, compiled into an index over exact event names. In: the map, the config's
//! sources. Out: [`Matched`] for an event: the first declared touchpoint that matches, or an exclusion.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::attributes::{Asked, Said};
use super::condition::{Compiled, PropertyTest, lookup, text_at};
use super::path::event_path;
use super::{Matched, Properties, Touch, VersionMatch};
use crate::config::Config;
use crate::event::Event;
use crate::map::value::as_number;
use crate::map::{DesignedMap, DimensionPath, MapVersions, Match, Touchpoint};

/// One alternative of a touchpoint's rule, in the order of declaration.
#[derive(Clone, Debug)]
struct Alternative {
    touchpoint: u16,
    number: u16,
    condition: Compiled,
}

/// The rules of one version.
#[derive(Clone, Debug)]
pub(super) struct VersionRules {
    pub map: Arc<DesignedMap>,
    alternatives: Vec<Alternative>,
    /// Event name -> alternatives with that literal name, ascending.
    by_name: FxHashMap<Arc<str>, Vec<u32>>,
    /// Alternatives that take any name, or a pattern of names, ascending.
    any_name: Vec<u32>,
    exclude: Vec<Vec<Compiled>>,
    support: Vec<Vec<Compiled>>,
    failed: Vec<Vec<PropertyTest>>,
    wants_path: bool,
}

/// All versions of one map, ready to match.
#[derive(Clone, Debug)]
pub struct Rules {
    versions: Vec<VersionRules>,
    sources: Vec<Arc<str>>,
    /// The source's own channel, by source.
    channels: Vec<Option<Arc<str>>>,
    asked: Asked,
    warnings: Vec<String>,
}

impl Rules {
    /// Compiled once per reading.
    pub fn compile(map: &MapVersions, config: &Config) -> Self {
        let sources: Vec<Arc<str>> = config.sources.iter().map(|s| s.name.clone()).collect();
        let mut warnings = Vec::new();
        for version in &map.versions {
            let touchpoints = version.touchpoints.iter().map(|t| (&t.id, &t.matching));
            let rules = version.exclude.iter().map(|e| (&e.id, &e.matching));
            let rules = rules.chain(version.support.iter().map(|s| (&s.id, &s.matching)));
            for (id, matching) in touchpoints.chain(rules) {
                let named = matching.any.iter().flat_map(|c| &c.source);
                for source in named.filter(|s| !sources.iter().any(|known| **known == ***s)) {
                    warnings.push(format!(
                        "{}: `{id}` names source `{source}`, which the config does not declare: it matches nothing",
                        version.file
                    ));
                }
            }
        }
        Self {
            versions: map.versions.iter().map(VersionRules::compile).collect(),
            sources,
            channels: config.sources.iter().map(|s| s.channel.clone()).collect(),
            asked: Asked::of(map),
            warnings,
        }
    }

    /// What is doubtful about the rules under this config.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What the event says of its customer, as far as personas ask.
    pub fn said(&self, properties: &Properties) -> Said {
        self.asked.said(properties)
    }

    pub(super) fn versions(&self) -> &[VersionRules] {
        &self.versions
    }

    pub(super) fn source_name(&self, event: &Event) -> &str {
        self.sources.get(usize::from(event.source.0)).map_or("", |s| s)
    }

    /// What the event is under every version of the map.
    pub fn match_event(&self, event: &Event, properties: &Properties) -> Matched {
        let path = if self.versions.iter().any(|v| v.wants_path) { event_path(properties) } else { None };
        let source = self.source_name(event);
        let channel = self.channels.get(usize::from(event.source.0)).and_then(Option::as_ref);
        self.versions.iter().map(|v| v.match_event(event, properties, (source, path.as_deref(), channel))).collect()
    }
}

type Seen<'a> = (&'a str, Option<&'a str>, Option<&'a Arc<str>>);

impl VersionRules {
    fn compile(map: &Arc<DesignedMap>) -> Self {
        let mut alternatives = Vec::new();
        for (touchpoint, t) in map.touchpoints.iter().enumerate() {
            for (number, condition) in t.matching.any.iter().enumerate() {
                alternatives.push(Alternative {
                    touchpoint: touchpoint as u16,
                    number: number as u16,
                    condition: Compiled::new(condition),
                });
            }
        }
        let mut by_name: FxHashMap<Arc<str>, Vec<u32>> = FxHashMap::default();
        let mut any_name = Vec::new();
        for (i, a) in alternatives.iter().enumerate() {
            if a.condition.patterns.is_empty() && !a.condition.names.is_empty() {
                for name in &a.condition.names {
                    by_name.entry(Arc::from(name.as_str())).or_default().push(i as u32);
                }
            } else {
                any_name.push(i as u32);
            }
        }
        let compiled = |m: &Match| m.any.iter().map(Compiled::new).collect::<Vec<_>>();
        let exclude: Vec<Vec<Compiled>> = map.exclude.iter().map(|e| compiled(&e.matching)).collect();
        let support: Vec<Vec<Compiled>> = map.support.iter().map(|s| compiled(&s.matching)).collect();
        let failed = |t: &Touchpoint| {
            let tests = t.failed_when.iter().flatten();
            tests.map(|(path, values)| PropertyTest::new(path, values)).collect::<Vec<_>>()
        };
        let beside = || exclude.iter().chain(&support).flatten();
        let wants_path = alternatives.iter().any(|a| a.condition.wants_path()) || beside().any(Compiled::wants_path);
        Self {
            map: map.clone(),
            failed: map.touchpoints.iter().map(failed).collect(),
            alternatives,
            by_name,
            any_name,
            exclude,
            support,
            wants_path,
        }
    }

    fn match_event(&self, event: &Event, properties: &Properties, seen: Seen<'_>) -> VersionMatch {
        let found = self.first(event, properties, seen);
        let holds = |c: &Compiled| {
            c.source_holds(seen.0) && c.name_holds(event) && c.holds_beyond_index(event, properties, seen.1)
        };
        let first_of = |rules: &[Vec<Compiled>]| rules.iter().position(|any| any.iter().any(holds)).map(|i| i as u16);
        if let Some(rule) = first_of(&self.exclude) {
            return VersionMatch::Excluded { rule, mapped: found.is_some() };
        }
        let support = first_of(&self.support);
        match found {
            None => VersionMatch::Unmapped { support },
            Some(a) => VersionMatch::Touched(Box::new(Touch { support, ..self.touch(a, properties, seen.2) })),
        }
    }

    /// The first alternative, in order of declaration, that holds: two ascending lists are walked side by side.
    fn first(&self, event: &Event, properties: &Properties, seen: Seen<'_>) -> Option<&Alternative> {
        let named: &[u32] = self.by_name.get(&*event.name).map_or(&[], Vec::as_slice);
        let (mut i, mut j) = (0, 0);
        loop {
            let next = match (named.get(i), self.any_name.get(j)) {
                (Some(a), Some(b)) if a < b => (a, &mut i),
                (_, Some(b)) => (b, &mut j),
                (Some(a), None) => (a, &mut i),
                (None, None) => return None,
            };
            *next.1 += 1;
            let a = &self.alternatives[*next.0 as usize];
            if a.condition.source_holds(seen.0) && a.condition.holds_beyond_index(event, properties, seen.1) {
                return Some(a);
            }
        }
    }

    fn touch(&self, a: &Alternative, properties: &Properties, source_channel: Option<&Arc<str>>) -> Touch {
        let t = &self.map.touchpoints[usize::from(a.touchpoint)];
        let at = |path| text_at(properties, path).map(Arc::<str>::from);
        let channel = t.channel_from.as_ref().and_then(at).or_else(|| source_channel.cloned());
        let empty = || Arc::from("");
        let dims = self.map.dimensions.iter().map(|d| match &d.path {
            DimensionPath::Channel => channel.clone().unwrap_or_else(empty),
            DimensionPath::Property(path) => at(path).unwrap_or_else(empty),
        });
        let tests = &self.failed[usize::from(a.touchpoint)];
        Touch {
            touchpoint: a.touchpoint,
            alternative: a.number,
            dims: dims.collect(),
            support: None,
            channel,
            key: self.map.journey_key.as_ref().and_then(at),
            failed: !tests.is_empty() && tests.iter().all(|test| test.holds(properties)),
            value: t.value.as_ref().and_then(|v| lookup(properties, &v.from.parts)).and_then(as_number),
            score: t.emotion_from.as_ref().and_then(|(path, low, high)| {
                lookup(properties, &path.parts).and_then(as_number).and_then(|score| rescaled(score, *low, *high))
            }),
        }
    }

    /// All alternatives in order of declaration: (touchpoint, number, condition).
    pub fn alternatives(&self) -> impl Iterator<Item = (u16, u16, &Compiled)> {
        self.alternatives.iter().map(|a| (a.touchpoint, a.number, &a.condition))
    }

    /// Exclude rules: (index, condition).
    pub fn exclusions(&self) -> impl Iterator<Item = (usize, &Compiled)> {
        numbered(&self.exclude)
    }

    /// Rules of support: (index, condition).
    pub fn supports(&self) -> impl Iterator<Item = (usize, &Compiled)> {
        numbered(&self.support)
    }
}

fn numbered(rules: &[Vec<Compiled>]) -> impl Iterator<Item = (usize, &Compiled)> {
    rules.iter().enumerate().flat_map(|(i, list)| list.iter().map(move |c| (i, c)))
}

/// A score on its scale, linearly on -2..+2; out of its scale it says nothing.
fn rescaled(score: f64, low: f64, high: f64) -> Option<f64> {
    ((low..=high).contains(&score) && high > low).then(|| (score - low) / (high - low) * 4.0 - 2.0)
}
