//! Stage entries -> transitions. In: a journey and its outcome. Out: the rows that a transition table holds of it, start
//! and outcome included, and how long it stayed in each stage. The tables do the same in SQL; `show` and tests use this.

use super::{Decision, Journey, Outcome};
use crate::map::StageIx;
use crate::time::Timestamp;

/// An end of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    Start,
    Stage(StageIx),
    Outcome(Outcome),
}

/// One transition of one journey.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransitionRow {
    pub from: Place,
    pub to: Place,
    /// When it happened: first visit of the entry it leads to; of an outcome, the deciding visit, else the last one.
    pub at: Timestamp,
    /// It leads into a stage for the first time in this journey; true of an outcome.
    pub first: bool,
    /// First visit of `to` less first visit of `from`; none at start and outcome.
    pub seconds_to_next: Option<f64>,
}

/// `start -> first stage`, every change of stage, `last stage -> outcome`.
pub fn transitions(journey: &Journey, outcome: Outcome) -> Vec<TransitionRow> {
    let mut rows = Vec::with_capacity(journey.entries.len() + 1);
    let mut from = Place::Start;
    let mut since: Option<Timestamp> = None;
    for entry in &journey.entries {
        let to = Place::Stage(entry.stage);
        let seconds_to_next = since.map(|since| entry.first_at.seconds_since(since));
        rows.push(TransitionRow { from, to, at: entry.first_at, first: entry.first, seconds_to_next });
        (from, since) = (to, Some(entry.first_at));
    }
    let at = journey.decided_at().unwrap_or(journey.last_at);
    rows.push(TransitionRow { from, to: Place::Outcome(outcome), at, first: true, seconds_to_next: None });
    rows
}

/// Seconds from the first to the last visit of every stage entry, in order. An open entry, the last one of a journey in
/// flight, has no time yet: `None`.
pub fn stage_times(journey: &Journey, outcome: Outcome) -> impl Iterator<Item = (StageIx, Option<f64>)> {
    let open = (outcome == Outcome::InFlight).then(|| journey.entries.len().saturating_sub(1));
    journey.entries.iter().enumerate().map(move |(i, entry)| {
        let seconds = (Some(i) != open).then(|| entry.last_at.seconds_since(entry.first_at));
        (entry.stage, seconds)
    })
}

impl Journey {
    /// When a visit decided it.
    pub const fn decided_at(&self) -> Option<Timestamp> {
        match &self.decision {
            Decision::Open => None,
            Decision::Completed { at, .. } | Decision::Ended { at, .. } => Some(*at),
        }
    }
}
