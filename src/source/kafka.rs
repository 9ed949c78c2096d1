//! The Kafka source. In: a checked [`KafkaInput`], a way to decode, the stored positions. Out: [`SourceEvent`]s over a
//! bounded channel. The consumer itself is still to come: starting one says so, plainly, and nothing is read.

use std::sync::Arc;
use std::time::Duration;

use super::DecodedBatch;
use super::offsets::TopicPartition;
use crate::config::KafkaInput;
use crate::event::{Admit, SourceId};
use crate::time::Timestamp;

/// Position stored beside the data for (topic, partition), as it is now.
pub type StoredPositions = Box<dyn Fn(&str, i32) -> Option<i64> + Send>;

/// A Kafka source before it runs.
pub struct KafkaSource {
    pub input: KafkaInput,
    pub source: SourceId,
    pub admit: Arc<dyn Admit>,
    pub positions: StoredPositions,
    /// `group.instance.id`, stable over restarts: a killed process is then resumed at once. The config's own wins.
    pub instance: Option<String>,
    pub flush_records: usize,
    pub flush_interval: Duration,
    pub clock: fn() -> Timestamp,
}

/// What a source has to say, in the order it happened.
#[derive(Clone, Debug)]
pub enum SourceEvent {
    Batch(DecodedBatch),
    /// Everything up to where the source ended when the run began lies in earlier batches. Said once.
    CaughtUp {
        source: SourceId,
    },
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KafkaError {
    #[error(
        "reading from Kafka ({brokers}) is not built yet\n  hint: write the topics to files (one JSON document a line) \
         and give the source `file: {{ paths: [...] }}`"
    )]
    NotBuilt { brokers: String },
}

/// A running source.
#[derive(Debug)]
pub struct KafkaHandle {}

impl KafkaSource {
    /// Starts the consumer's thread.
    pub fn start(self, _out: tokio::sync::mpsc::Sender<SourceEvent>) -> Result<KafkaHandle, KafkaError> {
        Err(KafkaError::NotBuilt { brokers: self.input.brokers })
    }
}

impl KafkaHandle {
    /// Commits positions to resume from.
    pub async fn commit(&self, _offsets: Vec<(TopicPartition, i64)>) -> Result<(), KafkaError> {
        Ok(())
    }

    pub async fn stop(self) {}
}
