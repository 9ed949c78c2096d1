//! Where to start reading a partition: arithmetic only. In: what is known about it when it is assigned. Out: the offset
//! to read from, and why. Never talks to a broker.

use std::sync::Arc;

/// A partition of a topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TopicPartition {
    pub topic: Arc<str>,
    pub partition: i32,
}

impl TopicPartition {
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.topic, self.partition)
    }
}

/// What is known about a partition at its assignment.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The group's committed offset.
    pub committed: Option<i64>,
    /// The position stored beside the data, written after each acknowledged insert.
    pub stored: Option<i64>,
    /// Where the config's `start:` points, if no partition of this topic was ever stored: a first run of this store.
    pub first_run: Option<i64>,
    /// The log still holds `low..high`.
    pub low: i64,
    pub high: i64,
}

/// Where to read a partition from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    pub offset: i64,
    pub reason: StartReason,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartReason {
    /// Goes on where it stopped.
    Resumed,
    /// Never read before: `start:` of the config.
    FirstRun,
    /// A partition that was added to a topic known before.
    NewPartition,
    /// Where it stopped is not in the log: expired (`wanted` < low), or the topic was made anew (`wanted` > high).
    OutOfRange { wanted: i64 },
}

/// The smaller of committed and stored (reading twice is harmless, reading not at all is not), else `start:` on a first
/// run, else the beginning. What the log no longer holds is read from the beginning of what it does. A committed offset
/// that this store knows nothing of was some other store's: to begin there would leave a hole in every figure.
pub fn start(known: &Known) -> Start {
    let (wanted, reason) = match (known.committed, known.stored, known.first_run) {
        (Some(committed), Some(stored), _) => (committed.min(stored), StartReason::Resumed),
        (None, Some(stored), _) => (stored, StartReason::Resumed),
        (_, None, Some(first)) => (first.clamp(known.low, known.high), StartReason::FirstRun),
        (_, None, None) => (known.low, StartReason::NewPartition),
    };
    match (known.low..=known.high).contains(&wanted) {
        true => Start { offset: wanted, reason },
        false => Start { offset: known.low, reason: StartReason::OutOfRange { wanted } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_committed_and_stored_wins() {
        let known = Known { committed: Some(7), stored: Some(5), first_run: None, low: 0, high: 9 };
        assert_eq!(start(&known), Start { offset: 5, reason: StartReason::Resumed });
        let known = Known { committed: Some(5), stored: Some(7), ..known };
        assert_eq!(start(&known), Start { offset: 5, reason: StartReason::Resumed });
    }

    #[test]
    fn what_another_store_committed_leaves_no_hole_in_this_one() {
        let known = Known { committed: Some(5), stored: None, first_run: Some(2), low: 2, high: 9 };
        assert_eq!(start(&known), Start { offset: 2, reason: StartReason::FirstRun });
    }

    #[test]
    fn start_of_the_config_counts_on_a_first_run_only() {
        let known = Known { committed: None, stored: None, first_run: Some(9), low: 2, high: 9 };
        assert_eq!(start(&known), Start { offset: 9, reason: StartReason::FirstRun });
        let known = Known { first_run: None, ..known };
        assert_eq!(start(&known), Start { offset: 2, reason: StartReason::NewPartition });
    }

    #[test]
    fn what_the_log_no_longer_holds_is_read_from_its_beginning() {
        let expired = Known { committed: Some(3), stored: Some(4), first_run: None, low: 5, high: 9 };
        assert_eq!(start(&expired), Start { offset: 5, reason: StartReason::OutOfRange { wanted: 3 } });
        let made_anew = Known { committed: Some(30), stored: Some(30), low: 0, ..expired };
        assert_eq!(start(&made_anew), Start { offset: 0, reason: StartReason::OutOfRange { wanted: 30 } });
        let at_the_end = Known { committed: Some(9), stored: Some(9), ..expired };
        assert_eq!(start(&at_the_end), Start { offset: 9, reason: StartReason::Resumed });
    }
}
