//! The real map as the aggregates give it: counts by entry date, summed over dimensions. Shapes only.

use std::collections::BTreeSet;

use super::WalkedMap;
use crate::map::MapVersions;
use crate::time::{Day, Timestamp};

/// Daily counts of one map and reading at one `as_of`.
#[derive(Clone, Debug)]
pub struct EmpiricalMap {
    pub reading: String,
    pub as_of: Timestamp,
    pub customers: u64,
    pub oversized_customers: u64,
    pub journeys: Vec<JourneyDay>,
    pub stages: Vec<StageDay>,
    pub transitions: Vec<TransitionDay>,
    pub emotions: Vec<EmotionDay>,
    pub coverage: Vec<Coverage>,
    pub unmapped: Vec<Unmapped>,
    pub walked: WalkedMap,
}

/// Whether an entry date's rates are points: over by the longest window, and enough of its journeys decided.
pub fn is_mature(map: &MapVersions, day: &JourneyDay, as_of: Timestamp) -> bool {
    let newest = map.newest();
    let over = as_of >= day.entry_date.end_in(&newest.time_zone) + map.longest_window();
    let decided = day.completed + day.ended + day.dropped;
    over && day.entered > 0 && decided as f64 / day.entered as f64 >= newest.maturity
}

pub fn mature_dates(map: &MapVersions, days: &[JourneyDay], as_of: Timestamp) -> BTreeSet<Day> {
    days.iter().filter(|day| is_mature(map, day, as_of)).map(|day| day.entry_date).collect()
}

impl EmpiricalMap {
    /// Entry dates on which any journey began.
    pub fn days(&self) -> Vec<JourneyDay> {
        self.journeys.iter().filter(|d| d.entered > 0).cloned().collect()
    }
}

/// Journeys that began on one day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JourneyDay {
    pub entry_date: Day,
    pub entered: u64,
    pub completed: u64,
    pub ended: u64,
    pub dropped: u64,
    pub in_flight: u64,
    /// Completed, and still inside `after_goal`.
    pub completed_open: u64,
    pub order_ambiguous: u64,
    pub left_truncated: u64,
    pub value: f64,
}

/// Journeys of one entry date that entered one stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageDay {
    pub entry_date: Day,
    pub stage: String,
    /// Journeys that entered the stage, and how many stage entries they made.
    pub entered: u64,
    pub entries: u64,
    /// Of `entered`: completed, ended or dropped by now.
    pub decided: u64,
    /// Of `decided`: went on to a later stage that is no exit, or succeeded.
    pub progressed: u64,
    pub progressed_in_flight: u64,
    pub in_flight: u64,
    pub dropped: u64,
    pub completed_open: u64,
    /// Of `dropped`: went on before they fell silent. Silence decides keyed journeys only provisionally.
    pub progressed_dropped: u64,
    /// Dropped or ended, with this the last stage entered that is no exit.
    pub lost_dropped: u64,
    pub lost_ended: u64,
    /// Journeys ended in this stage, if it is an exit.
    pub ended: u64,
    /// Stage entries that no other followed and whose journey is in flight.
    pub open_entries: u64,
    /// Journeys that met a problem in the stage, by problem id.
    pub problems: Vec<(String, u64)>,
    pub time_in_stage: Histogram,
    pub time_to_next: Histogram,
}

/// Transitions of journeys of one entry date.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransitionDay {
    pub entry_date: Day,
    /// A stage id, or `start`.
    pub from: String,
    /// A stage id, or one of the four outcomes.
    pub to: String,
    pub transitions: u64,
    /// Of them, in decided journeys.
    pub decided: u64,
    pub time: Histogram,
}

/// What told of emotion in journeys of one entry date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmotionDay {
    pub entry_date: Day,
    pub version: u32,
    /// Id of a persona or `other`; empty: computed by an older program.
    pub persona: String,
    pub stage: String,
    pub touchpoint: String,
    /// (-2..+2 in millionths, how many told it), ascending: answers to surveys and declared impacts.
    pub told: Vec<(i32, u64)>,
}

/// Events of one source and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub source: String,
    pub records: u64,
    pub skipped: u64,
    pub rejected: u64,
    pub decoded: u64,
    pub distinct: u64,
    pub mapped: u64,
    pub excluded: u64,
    pub unmapped: u64,
    pub outside: u64,
    pub no_identifier: u64,
    pub conflicts: u64,
    pub superseded: u64,
    pub blocked_identifiers: u64,
}

/// What stays unmapped, most frequent first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmapped {
    pub source: String,
    pub name: String,
    pub path: String,
    pub events: u64,
}

/// Times in logarithmic buckets (see `bucket_seconds`): (bucket, count), ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(pub Vec<(i32, u64)>);

impl Histogram {
    pub fn n(&self) -> u64 {
        self.0.iter().map(|(_, n)| n).sum()
    }

    pub fn merge(&mut self, other: &Self) {
        for &(bucket, n) in &other.0 {
            match self.0.binary_search_by_key(&bucket, |b| b.0) {
                Ok(i) => self.0[i].1 += n,
                Err(i) => self.0.insert(i, (bucket, n)),
            }
        }
    }

    /// Quantile by nearest rank, in seconds, within the buckets' relative error; `None` without a value.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let n = self.n();
        self.at_rank(((q * n as f64).ceil() as u64).clamp(1, n.max(1)))
    }

    /// The value at a place in ascending order, from 1 on, within the buckets' relative error.
    pub fn at_rank(&self, rank: u64) -> Option<f64> {
        self.bucket_at(rank).map(super::bucket_seconds)
    }

    /// Between which values the one at a place in ascending order lies.
    pub fn around_rank(&self, rank: u64) -> Option<(f64, f64)> {
        self.bucket_at(rank).map(super::bucket_edges)
    }

    fn bucket_at(&self, rank: u64) -> Option<i32> {
        let mut below = 0;
        self.0.iter().find_map(|&(bucket, count)| {
            below += count;
            (below >= rank).then_some(bucket)
        })
    }
}
