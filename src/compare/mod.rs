//! The designed map against the empirical one. In: a [`DesignedMap`] and the daily counts of the aggregates
//! ([`EmpiricalMap`]). Out: a [`Comparison`]: every stage and transition with its counts, rates and times beside what
//! the design expects. Pure arithmetic over counts; what a count means is decided where it is counted.

pub mod cell; //        a count that must not be told
mod broken; //          drop-offs that look like broken identity
mod deviations; //      where journeys stray, and what goes with it
mod expectations; //    what the file expects, held against what was measured
mod explained; //       the paths that carry most journeys
mod following; //       do people follow the map
mod interval; //        what chance alone would do
mod lost; //            where people went after a drop-off
mod personas; //        who walks the map
mod rates;
mod sheet; //           counts and the sums among them
mod stages;
mod suppress; //        what may leave the house
#[cfg(test)]
pub(crate) mod tests;
mod tracks; //          paths laid over the map once, weighed for any part of the journeys
mod transitions;
mod unmeasured; //      what we may not be measuring

pub use crate::aggregate::{
    Coverage, EmotionDay, EmpiricalMap, Histogram, JourneyDay, StageDay, TransitionDay, Unmapped, is_mature,
};
pub use broken::{Broken, BrokenStage};
pub use deviations::{AcceptedLine, AcceptedState, Association, DeviationLine, Joined, SIGNIFICANT, place_in_words};
pub use expectations::{Emotion, Expectation, Expected, Felt, Unit, Verdict};
pub use explained::{Explained, Share};
pub use following::{Followed, FollowedDay, Following, Mean, PathsRead};
pub use interval::MedianDifference;
pub use lost::{LostStage, LostThing, LostWay};
pub use personas::{PersonaLine, PersonaStageLine};
pub use rates::{Rate, bounds_of_conversion, wilson};
pub use stages::StageLine;
pub use suppress::suppressed_variants;
pub use transitions::{TransitionLine, TransitionMark};
pub use unmeasured::{Unmeasured, Why};

use crate::aggregate::mature_dates;
use crate::map::{MapVersions, Text};
use crate::time::{Day, Timestamp};

/// Everything the report shows, in the order it shows it.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub map: String,
    pub title: Text,
    pub version: u32,
    pub reading: String,
    pub as_of: Timestamp,
    pub zone: String,
    pub population: Population,
    /// completed / decided.
    pub overall: Rate,
    pub stages: Vec<StageLine>,
    pub transitions: Vec<TransitionLine>,
    pub coverage: Vec<Coverage>,
    pub unmapped: Vec<Unmapped>,
    pub following: Following,
    pub deviations: Vec<DeviationLine>,
    /// Deviations that stand in no line: only the most frequent are read.
    pub deviations_cut: u64,
    pub expectations: Vec<Expectation>,
    pub emotions: Vec<Emotion>,
    /// Empty if no version of the map knows a persona.
    pub personas: Vec<PersonaLine>,
    pub persona_stages: Vec<PersonaStageLine>,
    pub accepted: Vec<AcceptedLine>,
    pub unmeasured: Vec<Unmeasured>,
    /// Only some paths are shown, if that was asked for.
    pub explained: Option<Explained>,
    /// Stages at which anything was lost.
    pub lost: Vec<LostStage>,
    /// The map says what a contact with support is.
    pub knows_support: bool,
    pub broken: Broken,
    /// Counts below this are untold, and what would tell them; below 2: everything is told.
    pub min_cell: u64,
}

/// Which journeys the figures are about. Counts are over all entry dates; rates over mature ones only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Population {
    pub customers: u64,
    pub entered: u64,
    pub completed: u64,
    pub ended: u64,
    pub dropped: u64,
    pub in_flight: u64,
    pub order_ambiguous: u64,
    pub left_truncated: u64,
    pub oversized_customers: u64,
    pub mature_dates: u64,
    pub immature_dates: u64,
    /// Journeys of immature entry dates: inside the counts, outside the rates.
    pub left_out: u64,
    /// Journeys that began under another version than the one shown, beside which stages and transitions lay them.
    pub older_versions: u64,
    pub first_entry: Option<Day>,
    pub last_entry: Option<Day>,
}

/// Lays the real map beside the designed one.
pub fn compare(versions: &MapVersions, real: &EmpiricalMap) -> Comparison {
    let map = versions.newest();
    let mature = mature_dates(versions, &real.journeys, real.as_of);
    let days = real.days();
    let mut population = Population {
        customers: real.customers,
        oversized_customers: real.oversized_customers,
        mature_dates: days.iter().filter(|d| mature.contains(&d.entry_date)).count() as u64,
        ..Population::default()
    };
    population.immature_dates = days.len() as u64 - population.mature_dates;
    for day in &days {
        population.entered += day.entered;
        population.completed += day.completed;
        population.ended += day.ended;
        population.dropped += day.dropped;
        population.in_flight += day.in_flight;
        population.order_ambiguous += day.order_ambiguous;
        population.left_truncated += day.left_truncated;
        if !mature.contains(&day.entry_date) {
            population.left_out += day.entered;
        }
    }
    let older = real.walked.groups.iter().filter(|g| g.version != map.version);
    population.older_versions = older.map(|g| g.counts.journeys).sum();
    population.first_entry = days.iter().map(|d| d.entry_date).min();
    population.last_entry = days.iter().map(|d| d.entry_date).max();
    let keyed = map.journey_key.is_some();
    let overall = rates::overall(&days, &mature, keyed);
    let stages = stages::lines(map, real, &days, &mature);
    let transitions = transitions::lines(map, real, &mature);
    let following = following::following(versions, real, &mature);
    let (personas, persona_stages) = personas::personas(versions, (real, &mature), &following);
    let lost = lost::lost(versions, &real.walked.lost);
    let broken = broken::broken(&real.walked.broken, &stages, &lost);
    Comparison {
        map: map.id.to_string(),
        title: map.title.clone(),
        version: map.version,
        reading: real.reading.clone(),
        as_of: real.as_of,
        zone: map.zone_name.clone(),
        population,
        expectations: expectations::expectations(versions, (real, &mature), (&overall, &stages, &transitions)),
        overall,
        stages,
        transitions,
        coverage: real.coverage.clone(),
        unmapped: real.unmapped.clone(),
        deviations: deviations::lines(versions, real, &following),
        deviations_cut: real.walked.distinct_deviations.saturating_sub(real.walked.deviations.len() as u64),
        emotions: expectations::emotions(versions, (real, &mature)),
        personas,
        persona_stages,
        accepted: deviations::accepted(versions, real),
        unmeasured: unmeasured::unmeasured(versions, real),
        explained: None,
        min_cell: 0,
        broken,
        lost,
        knows_support: versions.versions.iter().any(|v| !v.support.is_empty()),
        following,
    }
}
