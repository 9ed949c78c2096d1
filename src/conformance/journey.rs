//! One journey against the version of the map that judges it (semantics.md, "Conformance"). In: a [`Journey`]. Out: its
//! [`Followed`]: the verdict on its path, and the deviations that time, channels and failures tell of. Nothing here
//! depends on `as_of`: what is dropped or in flight is a prefix either way.

use std::sync::Arc;

use smallvec::SmallVec;

use super::align::NotEvaluated;
use super::deviation::{Deviation, Place};
use super::judge::{Fitness, Judge, Verdict};
use super::model::Symbol;
use crate::journey::{Decision, Journey, StageEntry};
use crate::map::{DesignedMap, DeviationKind, MapVersions};
use crate::time::Day;

/// How a journey followed the map.
#[derive(Clone, Debug, PartialEq)]
pub struct Followed {
    pub verdict: Arc<Verdict>,
    /// Kinds that do not come from the alignment, sorted.
    pub beside: SmallVec<[Deviation; 1]>,
}

impl Followed {
    /// All deviations; those of the alignment first.
    pub fn deviations(&self) -> impl Iterator<Item = &Deviation> {
        self.verdict.deviations.iter().chain(&self.beside)
    }

    pub fn fitness(&self) -> Result<Fitness, NotEvaluated> {
        self.verdict.fitness
    }

    /// It was evaluated, and has no deviation that the map does not accept on its entry date.
    pub fn follows(&self, map: &DesignedMap, entry_date: Day) -> bool {
        self.verdict.fitness.is_ok() && self.deviations().all(|d| is_accepted(map, d, entry_date))
    }
}

/// The versions of one map, compiled when a journey asks for them.
#[derive(Debug)]
pub struct Judges {
    map: Arc<MapVersions>,
    judges: Vec<Option<Box<Judge>>>,
}

impl Judges {
    pub fn new(map: Arc<MapVersions>) -> Self {
        let judges = map.versions.iter().map(|_| None).collect();
        Self { map, judges }
    }

    pub fn of(&mut self, version_ix: usize) -> &mut Judge {
        let map = &self.map.versions[version_ix];
        self.judges[version_ix].get_or_insert_with(|| Box::new(Judge::new(map.clone())))
    }

    pub fn follow(&mut self, journey: &Journey) -> Followed {
        let judge = self.of(journey.version_ix);
        let visits = journey.visits.iter().filter(|v| !v.beside);
        let path: SmallVec<[Symbol; 32]> = visits.filter_map(|v| judge.model().symbol(v.touchpoint)).collect();
        let end = match journey.decision {
            Decision::Open => None,
            Decision::Completed { visit, .. } | Decision::Ended { visit, .. } => {
                judge.model().decides(journey.visits[visit].touchpoint)
            }
        };
        let verdict = judge.judge(&path, end);
        Followed { verdict, beside: beside(judge.map(), journey) }
    }
}

fn beside(map: &DesignedMap, journey: &Journey) -> SmallVec<[Deviation; 1]> {
    let mut found = SmallVec::new();
    let mut push = |kind, place| found.push(Deviation { kind, place });
    for entry in &journey.entries {
        let limit = map.stages[usize::from(entry.stage)].max_time;
        let micros = entry.last_at.micros().saturating_sub(entry.first_at.micros());
        if limit.is_some_and(|limit| i128::from(micros) > limit.as_micros() as i128) {
            push(DeviationKind::TooSlow, Place::Stage(entry.stage));
        }
    }
    if !map.transitions.is_empty() {
        journey.entries.windows(2).for_each(|pair| too_slow_or_fast(map, pair, &mut push));
    }
    for visit in journey.visits.iter().filter(|visit| !visit.beside) {
        let touchpoint = &map.touchpoints[usize::from(visit.touchpoint)];
        let place = Place::Touchpoint(visit.touchpoint);
        let elsewhere = |channel: &Arc<str>| !touchpoint.channels.is_empty() && !touchpoint.channels.contains(channel);
        if visit.channel.as_ref().is_some_and(elsewhere) {
            push(DeviationKind::WrongChannel, place);
        }
        if visit.failed {
            push(DeviationKind::Failed, place);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Time from the first visit of an entry to that of the next.
fn too_slow_or_fast(map: &DesignedMap, pair: &[StageEntry], push: &mut impl FnMut(DeviationKind, Place)) {
    let (from, to) = (pair[0].stage, pair[1].stage);
    let Some(listed) = map.transitions.iter().find(|t| (t.from, t.to) == (from, to)) else { return };
    let micros = i128::from(pair[1].first_at.micros()) - i128::from(pair[0].first_at.micros());
    if listed.within.is_some_and(|within| micros > within.as_micros() as i128) {
        push(DeviationKind::TooSlow, Place::Change(from, to));
    }
    if listed.not_before.is_some_and(|not_before| micros < not_before.as_micros() as i128) {
        push(DeviationKind::TooFast, Place::Change(from, to));
    }
}

/// The map accepts the deviation of a journey that began on this day: same kind, same place, and not past its end. `from`
/// alone names the stage in which something is missing or takes too long.
pub fn is_accepted(map: &DesignedMap, deviation: &Deviation, entry_date: Day) -> bool {
    map.accepted_deviations.iter().any(|accepted| {
        let here = match (accepted.from, accepted.to, accepted.touchpoint) {
            (Some(from), Some(to), _) => deviation.place == Place::Change(from, to),
            (_, _, Some(touchpoint)) => deviation.place == Place::Touchpoint(touchpoint),
            (Some(from), None, None) => {
                !matches!(deviation.place, Place::Change(..)) && deviation.place.stage(map) == from
            }
            _ => false,
        };
        here && accepted.kind == deviation.kind && accepted.until.is_none_or(|until| entry_date <= until)
    })
}
