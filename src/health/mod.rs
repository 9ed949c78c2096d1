//! What the process knows of itself: what keeps it from being ready, and its figures. In: states and counts, said by
//! whoever finds them out. Out: reasons for `/readyz`, text for `/metrics`. Cheap to clone; decides nothing.

mod lag;
mod metrics;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use lag::{Lags, Place};
pub use metrics::Metrics;

use crate::time::Timestamp;

/// Something that keeps the process from being ready, as long as it holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Condition {
    /// The store is being opened, or a new reading computed.
    Starting,
    /// Told to stop: what was taken is being written.
    Draining,
    /// The warehouse does not take what is written.
    Warehouse,
    /// The broker of a source does not answer, or refuses.
    Kafka(Arc<str>),
    /// Not every partition of a source is ours (yet).
    Partitions(Arc<str>),
    /// The dead-letter topic of a source does not take what is written.
    DeadLetterTopic(Arc<str>),
    /// Too many records of a partition (or file) were dead letters: it is not read on.
    Paused { source: Arc<str>, topic: Arc<str>, partition: i32 },
}

impl Condition {
    /// The word in `/readyz` and in the label `reason` of `tropa_unready`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Draining => "draining",
            Self::Warehouse => "warehouse",
            Self::Kafka(_) => "kafka",
            Self::Partitions(_) => "partitions",
            Self::DeadLetterTopic(_) => "dead_letter_topic",
            Self::Paused { .. } => "paused_by_dead_letters",
        }
    }

    /// The source it is about.
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Starting | Self::Draining | Self::Warehouse => None,
            Self::Kafka(source) | Self::Partitions(source) | Self::DeadLetterTopic(source) => Some(source),
            Self::Paused { source, .. } => Some(source),
        }
    }
}

#[derive(Default)]
struct Inner {
    conditions: Mutex<BTreeMap<Condition, String>>,
    lags: Mutex<Lags>,
    metrics: Metrics,
}

/// Shared by everything in the process that has something to say.
#[derive(Clone, Default)]
pub struct Health(Arc<Inner>);

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Health").field(&self.reasons()).finish()
    }
}

/// Every change leaves these whole, so a panic elsewhere while one was held changes nothing.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Health {
    /// The condition holds from now on. True: it did not before.
    pub fn raise(&self, condition: Condition, why: impl Into<String>) -> bool {
        locked(&self.0.conditions).insert(condition, why.into()).is_none()
    }

    /// The condition is over. True: it did hold.
    pub fn clear(&self, condition: &Condition) -> bool {
        locked(&self.0.conditions).remove(condition).is_some()
    }

    /// Why a condition holds; `None`: it does not.
    pub fn why(&self, condition: &Condition) -> Option<String> {
        locked(&self.0.conditions).get(condition).cloned()
    }

    /// Everything that keeps the process from being ready.
    pub fn reasons(&self) -> Vec<(Condition, String)> {
        locked(&self.0.conditions).iter().map(|(c, why)| (c.clone(), why.clone())).collect()
    }

    /// What was said about sources was about a reading that has ended.
    pub fn forget_sources(&self) {
        locked(&self.0.conditions).retain(|c, _| c.source().is_none());
        *locked(&self.0.lags) = Lags::default();
    }

    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// How far the partitions are read and stored.
    pub fn lags(&self) -> MutexGuard<'_, Lags> {
        locked(&self.0.lags)
    }

    /// Every figure as Prometheus reads it.
    pub fn render(&self, now: Timestamp) -> String {
        self.0.metrics.render(&self.reasons(), &self.lags(), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_new_once_and_over_once() {
        let health = Health::default();
        assert!(health.raise(Condition::Warehouse, "away"));
        assert!(!health.raise(Condition::Warehouse, "still away"));
        assert_eq!(health.why(&Condition::Warehouse).as_deref(), Some("still away"));
        assert!(health.clear(&Condition::Warehouse));
        assert!(!health.clear(&Condition::Warehouse));
        assert!(health.reasons().is_empty());
    }

    #[test]
    fn a_figure_is_shown_from_its_first_value_on_and_by_the_active_writer_only() {
        let (health, now) = (Health::default(), Timestamp::from_micros(0));
        let shows = |line: &str| health.render(now).lines().any(|l| l == line);
        let names = ["as_of_timestamp", "source_as_of_timestamp", "coverage", "stale_rows", "identity_writer"];
        for name in names {
            assert!(!health.render(now).contains(&format!("tropa_{name}")), "{name} has no value yet");
        }
        health.metrics().writes_identity(true);
        health.metrics().as_of(Timestamp::from_micros(1_500_000));
        health.metrics().stale_rows(0);
        health.metrics().coverage("shop", 0.5);
        for line in [
            "tropa_identity_writer 1",
            "tropa_as_of_timestamp_seconds 1.5",
            "tropa_stale_rows 0",
            "tropa_coverage_ratios{map=\"shop\"} 0.5",
        ] {
            assert!(shows(line), "{line} is not in\n{}", health.render(now));
        }
        health.metrics().writes_identity(false);
        assert!(shows("tropa_identity_writer 0"));
        // Looks that end late.
        health.metrics().stale_rows(3);
        health.metrics().coverage("shop", 0.4);
        for name in &names[..4] {
            assert!(!health.render(now).contains(&format!("tropa_{name}")), "{name} is the writer's to follow");
        }
    }

    #[test]
    fn a_reading_that_ends_takes_what_was_said_of_its_sources_along() {
        let health = Health::default();
        health.raise(Condition::Warehouse, "away");
        health.raise(Condition::Kafka("web".into()), "away");
        health.forget_sources();
        assert_eq!(health.reasons(), [(Condition::Warehouse, "away".to_owned())]);
    }
}
