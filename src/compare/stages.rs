//! One line per stage: its counts, rates and times beside what the design expects. In: daily counts. Out: [`StageLine`].

use std::collections::BTreeSet;
use std::time::Duration;

use super::rates::{Rate, bounds_of_conversion};
use crate::aggregate::{EmpiricalMap, Histogram, JourneyDay, StageDay};
use crate::map::{DesignedMap, Role, Text};
use crate::time::Day;

/// A stage, designed and measured.
#[derive(Clone, Debug)]
pub struct StageLine {
    pub id: String,
    pub title: Text,
    pub role: Role,
    // Counts over all entry dates.
    pub entered: u64,
    pub entries: u64,
    pub progressed: u64,
    /// Journeys lost here by an exit, and by silence.
    pub ended: u64,
    pub dropped: u64,
    pub in_flight: u64,
    pub open_entries: u64,
    // Rates over mature entry dates; none for exit stages.
    pub conversion: Rate,
    pub drop_off_rate: Rate,
    /// Closed stage entries of all dates: how many, and their time in stage, seconds.
    pub timed: u64,
    pub time_p50: Option<f64>,
    pub time_p90: Option<f64>,
    pub time_to_next_p50: Option<f64>,
    pub time_to_next_p90: Option<f64>,
    /// The design's limit for the time in this stage.
    pub expected_max_time: Option<Duration>,
    pub expectations: Vec<Text>,
}

pub(super) fn lines(
    map: &DesignedMap,
    real: &EmpiricalMap,
    days: &[JourneyDay],
    mature: &BTreeSet<Day>,
) -> Vec<StageLine> {
    let keyed = map.journey_key.is_some();
    map.stages
        .iter()
        .map(|stage| {
            let all: Vec<&StageDay> = real.stages.iter().filter(|d| d.stage == *stage.id).collect();
            let ripe: Vec<&StageDay> = all.iter().copied().filter(|d| mature.contains(&d.entry_date)).collect();
            let (mut time, mut next) = (Histogram::default(), Histogram::default());
            for d in &all {
                time.merge(&d.time_in_stage);
                next.merge(&d.time_to_next);
            }
            let entered = sum(&all, &|d| d.entered);
            let ripe = (!mature.is_empty()).then_some(&ripe[..]);
            let (conversion, drop_off_rate) = rates(stage.role, (&all, ripe), (days, keyed));
            StageLine {
                id: stage.id.to_string(),
                title: stage.title.clone(),
                role: stage.role,
                entered,
                entries: sum(&all, &|d| d.entries),
                progressed: sum(&all, &|d| d.progressed),
                ended: sum(&all, &|d| if stage.role == Role::Exit { d.ended } else { d.lost_ended }),
                dropped: sum(&all, &|d| d.lost_dropped),
                in_flight: sum(&all, &|d| d.in_flight),
                open_entries: sum(&all, &|d| d.open_entries),
                conversion,
                drop_off_rate,
                timed: time.n(),
                time_p50: time.quantile(0.5),
                time_p90: time.quantile(0.9),
                time_to_next_p50: next.quantile(0.5),
                time_to_next_p90: next.quantile(0.9),
                expected_max_time: stage.max_time,
                expectations: stage.expectations.clone(),
            }
        })
        .collect()
}

fn sum(over: &[&StageDay], f: &dyn Fn(&StageDay) -> u64) -> u64 {
    over.iter().map(|d| f(d)).sum()
}

/// Conversion and drop-off rate of a stage: over `ripe`, the mature entry dates, or as bounds if there are none.
pub(super) fn rates(
    role: Role,
    (all, ripe): (&[&StageDay], Option<&[&StageDay]>),
    (days, keyed): (&[JourneyDay], bool),
) -> (Rate, Rate) {
    let entered = sum(all, &|d| d.entered);
    if role == Role::Exit || entered == 0 {
        return (Rate::None, Rate::None);
    }
    let Some(ripe) = ripe else {
        let (low, high) = bounds_of_conversion(days, all, keyed);
        let lost = sum(all, &|d| d.lost_ended + if keyed { 0 } else { d.lost_dropped });
        let open = sum(all, &|d| d.in_flight + if keyed { d.dropped } else { 0 });
        let drop_off = Rate::Immature {
            low: lost as f64 / entered as f64,
            high: ((lost + open) as f64 / entered as f64).min(1.0),
            entered,
        };
        return (Rate::Immature { low, high, entered }, drop_off);
    };
    let decided = sum(ripe, &|d| d.decided);
    let lost = sum(ripe, &|d| d.lost_dropped + d.lost_ended);
    (Rate::point(sum(ripe, &|d| d.progressed), decided), Rate::point(lost, decided))
}
