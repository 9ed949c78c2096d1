//! How far behind each partition is: arithmetic only. In: where a log ends, what was handed on and when it was
//! written there, what is stored. Out: lag in records and in seconds.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::time::Timestamp;

/// Marks kept for one partition; batches on their way are few.
const MARKS: usize = 64;

/// (source, topic, partition).
pub type Place = (Arc<str>, Arc<str>, i32);

/// One partition.
#[derive(Clone, Debug, Default)]
pub struct Lag {
    /// Where the log ends (high watermark).
    end: i64,
    /// Everything before it is stored.
    stored: i64,
    /// Batches on their way: (position after it, when its last record was written to the topic).
    handed: VecDeque<(i64, Timestamp)>,
    /// When the last stored record was written to the topic.
    newest: Option<Timestamp>,
    /// When the log was first seen to hold something that is not stored, since it was last all stored.
    behind_since: Option<Timestamp>,
}

impl Lag {
    /// Records in the log that are not stored.
    pub fn records(&self) -> i64 {
        (self.end - self.stored).max(0)
    }

    /// The age of the oldest that is not stored, at most: the log is in order of time, so it is not older than the last
    /// stored one; before any is stored, it has waited since it was seen.
    pub fn seconds(&self, now: Timestamp) -> f64 {
        if self.records() == 0 {
            return 0.0;
        }
        self.newest.or(self.behind_since).map_or(0.0, |since| now.seconds_since(since).max(0.0))
    }

    fn note(&mut self, now: Timestamp) {
        if self.records() == 0 {
            self.behind_since = None;
        } else if self.behind_since.is_none() {
            // What came into an empty log has waited since then, however old the record before it.
            self.newest = None;
            self.behind_since = Some(now);
        }
    }
}

/// All partitions of this process.
#[derive(Debug, Default)]
pub struct Lags(BTreeMap<Place, Lag>);

impl Lags {
    /// A partition is ours and is read from here.
    pub fn starts(&mut self, place: Place, next: i64, end: i64, now: Timestamp) {
        let lag = self.0.entry(place).or_default();
        (lag.stored, lag.end) = (next, end.max(next));
        lag.handed.clear();
        lag.note(now);
    }

    pub fn ends(&mut self, place: &Place, end: i64, now: Timestamp) {
        if let Some(lag) = self.0.get_mut(place) {
            lag.end = lag.end.max(end);
            lag.note(now);
        }
    }

    /// A batch up to `next` is on its way; its last record was written to the topic at `newest`.
    pub fn handed(&mut self, place: &Place, next: i64, newest: Timestamp) {
        if let Some(lag) = self.0.get_mut(place) {
            lag.end = lag.end.max(next);
            if lag.handed.len() == MARKS {
                lag.handed.pop_front();
            }
            lag.handed.push_back((next, newest));
        }
    }

    /// Everything before `next` is stored.
    pub fn stored(&mut self, place: &Place, next: i64, now: Timestamp) {
        let Some(lag) = self.0.get_mut(place) else { return };
        lag.stored = lag.stored.max(next);
        lag.end = lag.end.max(next);
        while let Some((_, newest)) = lag.handed.pop_front_if(|(n, _)| *n <= next) {
            lag.newest = Some(newest);
        }
        lag.note(now);
    }

    pub fn lost(&mut self, place: &Place) {
        self.0.remove(place);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Place, &Lag)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::parse("2026-06-01").unwrap() + Duration::from_secs(seconds)
    }

    #[test]
    fn lag_is_what_the_log_holds_beyond_what_is_stored_and_its_age() {
        let place: Place = ("web".into(), "t".into(), 0);
        let mut lags = Lags::default();
        lags.starts(place.clone(), 10, 30, at(100));
        let lag = |lags: &Lags, now| lags.iter().map(|(_, l)| (l.records(), l.seconds(now))).next().unwrap();
        assert_eq!(lag(&lags, at(107)), (20, 7.0));
        lags.handed(&place, 20, at(50));
        lags.handed(&place, 30, at(60));
        lags.stored(&place, 20, at(110));
        assert_eq!(lag(&lags, at(110)), (10, 60.0), "not older than the last stored one");
        lags.stored(&place, 30, at(111));
        assert_eq!(lag(&lags, at(200)), (0, 0.0));
        lags.ends(&place, 31, at(300));
        assert_eq!(lag(&lags, at(302)), (1, 2.0), "an old log that gets a new record is not as late as it is old");
        lags.lost(&place);
        assert_eq!(lags.iter().count(), 0);
    }
}
