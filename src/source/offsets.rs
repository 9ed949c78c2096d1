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
    /// The position stored beside the data, written once everything before it is stored.
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

/// The stored position, else `start:` on a first run, else the beginning. What the log no longer holds is read from the
/// beginning of what it does. The group's committed offset is for others to look at: it may lag behind the store, where
/// to obey it would count records twice, and one that the store knows nothing of was another store's, where to obey it
/// would leave a hole in every figure.
pub fn start(known: &Known) -> Start {
    let (wanted, reason) = match (known.stored, known.first_run) {
        (Some(stored), _) => (stored, StartReason::Resumed),
        (None, Some(first)) => (first.clamp(known.low, known.high), StartReason::FirstRun),
        (None, None) => (known.low, StartReason::NewPartition),
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
    fn start_of_the_config_counts_on_a_first_run_only() {
        let known = Known { stored: None, first_run: Some(9), low: 2, high: 9 };
        assert_eq!(start(&known), Start { offset: 9, reason: StartReason::FirstRun });
        let known = Known { first_run: None, ..known };
        assert_eq!(start(&known), Start { offset: 2, reason: StartReason::NewPartition });
        let known = Known { stored: Some(5), first_run: Some(9), ..known };
        assert_eq!(start(&known), Start { offset: 5, reason: StartReason::Resumed });
    }

    #[test]
    fn what_the_log_no_longer_holds_is_read_from_its_beginning() {
        let expired = Known { stored: Some(3), first_run: None, low: 5, high: 9 };
        assert_eq!(start(&expired), Start { offset: 5, reason: StartReason::OutOfRange { wanted: 3 } });
        let made_anew = Known { stored: Some(30), low: 0, ..expired };
        assert_eq!(start(&made_anew), Start { offset: 0, reason: StartReason::OutOfRange { wanted: 30 } });
        let at_the_end = Known { stored: Some(9), ..expired };
        assert_eq!(start(&at_the_end), Start { offset: 9, reason: StartReason::Resumed });
    }
}
