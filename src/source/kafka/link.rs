//! What the connection is like. In: what went wrong or right, as it is noticed. Out: a [`ConnectionState`] once per
//! change, in words for people.

use std::fmt;
use std::time::{Duration, Instant};

/// A connection that breaks for a moment is not worth a word: librdkafka comes back by itself.
const BLINK: Duration = Duration::from_millis(500);

/// As people are told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConnectionState {
    /// All partitions of all topics are ours.
    Reading { partitions: usize },
    /// Other members hold some of the partitions; nothing is read meanwhile.
    Partial { assigned: usize, total: usize },
    /// No broker answers; it is tried again and again.
    Unreachable { brokers: String, detail: String },
    /// The broker answers, and says no: a topic does not exist, or may not be read.
    Refused { detail: String },
    /// The consumer cannot go on, and has ended: another process runs under the same `group.instance.id`.
    Failed { detail: String },
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reading { partitions } => write!(f, "Kafka: reading {partitions} partitions"),
            Self::Partial { assigned, total } => write!(
                f,
                "Kafka: paused, only {assigned} of {total} partitions are assigned to this process; \
                 another consumer is in the group: stop it, or give this source a `group:` of its own"
            ),
            Self::Unreachable { brokers, detail } => {
                write!(f, "Kafka: no broker of `{brokers}` can be reached ({detail}); waiting for one")
            }
            Self::Refused { detail } => write!(f, "Kafka: the broker refuses: {detail}; waiting until it allows"),
            Self::Failed { detail } => write!(f, "Kafka: the consumer has ended: {detail}"),
        }
    }
}

#[derive(Default)]
pub(super) struct Link {
    brokers: String,
    down_since: Option<Instant>,
    /// Why, in librdkafka's words.
    failure: Option<String>,
    refused: Option<String>,
    failed: Option<String>,
    /// (assigned, total), once both are known.
    coverage: Option<(usize, usize)>,
    told: Option<ConnectionState>,
}

impl Link {
    pub(super) fn new(brokers: &str) -> Self {
        Self { brokers: brokers.to_owned(), ..Self::default() }
    }

    pub(super) fn down(&mut self, now: Instant) {
        self.down_since.get_or_insert(now);
    }

    pub(super) fn up(&mut self) {
        self.down_since = None;
    }

    pub(super) fn is_down(&self) -> bool {
        self.down_since.is_some()
    }

    pub(super) fn failure(&mut self, words: String) {
        self.failure = Some(words);
    }

    pub(super) fn refuse(&mut self, detail: Option<String>) {
        self.refused = detail;
    }

    pub(super) fn fail(&mut self, detail: String) {
        self.failed.get_or_insert(detail);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    pub(super) fn cover(&mut self, assigned: usize, total: usize) {
        self.coverage = Some((assigned, total));
    }

    /// Every partition of every topic is ours.
    pub(super) fn is_complete(&self) -> bool {
        self.refused.is_none() && self.coverage.is_some_and(|(assigned, total)| assigned >= total)
    }

    /// Some of the partitions are ours, and some are not.
    pub(super) fn is_partial(&self) -> bool {
        self.coverage.is_some_and(|(assigned, total)| assigned < total)
    }

    /// The state, if it is another than was told before.
    pub(super) fn change(&mut self, now: Instant) -> Option<ConnectionState> {
        let state = self.state(now)?;
        let same = match (&state, &self.told) {
            // The words of a failure change from one attempt to the next; the fact does not.
            (ConnectionState::Unreachable { .. }, Some(ConnectionState::Unreachable { .. })) => true,
            (state, Some(told)) => state == told,
            (_, None) => false,
        };
        if same {
            return None;
        }
        self.told = Some(state.clone());
        Some(state)
    }

    fn state(&self, now: Instant) -> Option<ConnectionState> {
        if let Some(detail) = self.failed.clone() {
            return Some(ConnectionState::Failed { detail });
        }
        if self.down_since.is_some_and(|since| now.duration_since(since) >= BLINK) {
            let detail = self.failure.clone().unwrap_or_else(|| "no answer".to_owned());
            return Some(ConnectionState::Unreachable { brokers: self.brokers.clone(), detail });
        }
        if let Some(detail) = self.refused.clone() {
            return Some(ConnectionState::Refused { detail });
        }
        let (assigned, total) = self.coverage?;
        Some(match assigned < total {
            true => ConnectionState::Partial { assigned, total },
            false => ConnectionState::Reading { partitions: assigned },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_broker_is_told_once_and_its_return_once() {
        let start = Instant::now();
        let later = |s| start + Duration::from_secs(s);
        let mut link = Link::new("kafka:9092");
        assert_eq!(link.change(start), None, "nothing is known yet");
        link.cover(3, 3);
        assert_eq!(link.change(start), Some(ConnectionState::Reading { partitions: 3 }));
        link.down(start);
        assert_eq!(link.change(start), None, "a blink");
        link.failure("connection refused".to_owned());
        let told = link.change(later(1)).map(|s| s.to_string());
        let words = "Kafka: no broker of `kafka:9092` can be reached (connection refused); waiting for one";
        assert_eq!(told.as_deref(), Some(words));
        link.down(later(2));
        link.failure("connection refused again".to_owned());
        assert_eq!(link.change(later(3)), None);
        link.up();
        assert_eq!(link.change(later(4)), Some(ConnectionState::Reading { partitions: 3 }));
    }

    #[test]
    fn some_partitions_are_not_enough() {
        let mut link = Link::new("kafka:9092");
        link.cover(2, 3);
        assert!(link.is_partial() && !link.is_complete());
        assert_eq!(link.change(Instant::now()), Some(ConnectionState::Partial { assigned: 2, total: 3 }));
        link.cover(0, 0);
        link.refuse(Some("topic `clicks` does not exist".to_owned()));
        assert!(!link.is_complete(), "a topic that is missing is not a topic read to its end");
    }
}
