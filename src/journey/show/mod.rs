//! A customer's journeys for people. In: the journeys, the map, the identity facts and `as_of`. Out: text, JSON or DOT
//! that says behind each visit which rule took it, and behind each journey what decided it. Computes no figure.

mod json;
mod text;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::graph::JourneyGraph;
use super::{CustomerJourneys, Decision, Journey, Outcome, Visit};
use crate::event::SourceId;
use crate::map::{Condition, DesignedMap, MapVersions, Touchpoint};
use crate::time::{Day, Timestamp, format_duration};

pub use json::json;
pub use text::text;

/// All that is shown of one customer.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub map: &'a MapVersions,
    pub customer: &'a str,
    pub journeys: &'a CustomerJourneys,
    /// How each of the journeys followed the map, in their order.
    pub judged: &'a [Judged],
    pub facts: &'a [IdentityFact],
    /// Names by [`SourceId`].
    pub sources: &'a [Arc<str>],
    pub as_of: Timestamp,
}

/// How a journey followed its version of the map, as whoever judges it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Else why it was not evaluated.
    pub fitness: Result<f64, &'static str>,
    pub follows: bool,
    pub deviations: Vec<Strayed>,
}

/// One deviation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strayed {
    pub kind: &'static str,
    /// Ids of a touchpoint, of a stage, of a choice, or of both stages of a change.
    pub place: String,
    pub stage: Arc<str>,
    /// Both in plain words.
    pub words: String,
    /// The map accepts it on the journey's entry date.
    pub accepted: bool,
}

/// A statement that joins, or failed to join, two identifiers of the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFact {
    pub a: Arc<str>,
    pub b: Arc<str>,
    pub source: Arc<str>,
    pub event_id: Arc<str>,
    pub day: Day,
    /// The guard that refused it.
    pub refused: Option<String>,
}

/// One digraph per journey, for Graphviz.
pub fn dot(shown: &Shown<'_>) -> String {
    let journeys = shown.journeys.journeys.iter();
    journeys
        .map(|journey| JourneyGraph::of(journey).dot(shown.map, &shown.verdict(journey), &|v| shown.behind(journey, v)))
        .collect()
}

impl<'a> Shown<'a> {
    fn version(&self, journey: &Journey) -> &'a DesignedMap {
        &self.map.versions[journey.version_ix]
    }

    fn source(&self, id: SourceId) -> &'a str {
        self.sources.get(usize::from(id.0)).map_or("?", |name| name)
    }

    /// What stands behind a visit: its rule, then its event's identity facts with their verdicts.
    fn behind(&self, journey: &Journey, visit: &Visit) -> Vec<String> {
        let touchpoint = &self.version(journey).touchpoints[usize::from(visit.touchpoint)];
        let rule = rule(touchpoint, visit.alternative);
        let mut lines = vec![format!("{} event {}: {rule}", self.source(visit.source), visit.event_id)];
        lines.extend(self.stated_by(visit).map(|fact| match &fact.refused {
            None => format!("{} = {}", fact.a, fact.b),
            Some(why) => format!("{} = {} refused: {why}", fact.a, fact.b),
        }));
        lines
    }

    /// The facts that the event of a visit states.
    fn stated_by(&self, visit: &Visit) -> impl Iterator<Item = &'a IdentityFact> {
        let source = self.source(visit.source);
        let event_id = visit.event_id.clone();
        self.facts.iter().filter(move |fact| &*fact.source == source && fact.event_id == event_id)
    }

    /// The day in the newest version's zone, as the tables have it.
    fn day(&self, t: Timestamp) -> Day {
        t.day_in(&self.map.newest().time_zone)
    }

    /// The outcome as of now, and what decided it.
    pub fn verdict(&self, journey: &Journey) -> String {
        let map = self.version(journey);
        let id =
            |visit: usize| journey.visits.get(visit).map_or("?", |v| &*map.touchpoints[usize::from(v.touchpoint)].id);
        let stage = journey.entries.last().map_or("?", |entry| &*map.stages[usize::from(entry.stage)].id);
        match (&journey.decision, journey.outcome(self.as_of)) {
            (Decision::Completed { at, visit }, _) => format!("completed: {} on {}", id(*visit), self.day(*at)),
            (Decision::Ended { at, reason, .. }, _) => format!("ended: {reason} on {}", self.day(*at)),
            (Decision::Open, Outcome::Dropped) => {
                let silence = journey.drops_at.micros().saturating_sub(journey.last_at.micros());
                let silence = Duration::from_micros(u64::try_from(silence).unwrap_or(0));
                let last = id(journey.visits.len().saturating_sub(1));
                format!("dropped: {} of silence after {last}, on {}", length(silence), self.day(journey.drops_at))
            }
            (Decision::Open, _) => {
                let (since, until) = (self.day(journey.last_at), self.day(journey.drops_at));
                format!("in flight: in {stage}, last visited on {since}; dropped on {until} if silent until then")
            }
        }
    }
}

/// Which rule took a visit: its alternative, and where the touchpoint has several, which one.
fn rule(touchpoint: &Touchpoint, alternative: u16) -> String {
    let all = &touchpoint.matching.any;
    let words = match all.get(usize::from(alternative)) {
        Some(one) => condition(one),
        None => return "rule unknown".to_owned(),
    };
    match all.len() {
        1 => words,
        n => format!("{words} (alternative {} of {n})", alternative + 1),
    }
}

/// `event form_start, path /a/**, props.form = mortgage`.
fn condition(condition: &Condition) -> String {
    let listed = |what: &str, words: &[String]| (!words.is_empty()).then(|| format!("{what} {}", words.join(" | ")));
    let mut parts: Vec<String> =
        [listed("source", &condition.source), listed("event", &condition.event), listed("path", &condition.path)]
            .into_iter()
            .flatten()
            .collect();
    for (property, allowed) in &condition.props {
        let allowed: Vec<String> = allowed.iter().map(plain).collect();
        parts.push(format!("props.{property} = {}", allowed.join(" | ")));
    }
    if parts.is_empty() { "any event".to_owned() } else { parts.join(", ") }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A window in words: `10 days`, else the shortest form.
fn length(d: Duration) -> String {
    let s = d.as_secs();
    match s / 86_400 {
        days if days > 0 && s.is_multiple_of(86_400) => format!("{days} day{}", if days == 1 { "" } else { "s" }),
        _ => format_duration(d),
    }
}
