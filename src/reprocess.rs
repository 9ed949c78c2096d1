//! A topic read again through the whole flow. In: stretches of partitions that were read before. Out: events and dead
//! letters as the config decodes them now. The sets take members twice without harm; positions do not move, and what was
//! counted of deliveries is not counted again.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tokio::sync::mpsc;

use crate::source::kafka::KafkaSource;
use crate::source::kafka::again::Stretch;
use crate::source::offsets::TopicPartition;
use crate::source::{Counters, SourceError, SourceEvent};
use crate::stage::{Log, Polled, PositionRow};

/// Batches that wait between the source and the pipeline.
const WAITING: usize = 2;

/// A log of what is read again; it ends by itself.
pub struct Again {
    heard: mpsc::Receiver<SourceEvent>,
    /// Where each partition stands, and goes on standing.
    stands: FxHashMap<TopicPartition, i64>,
    reading: Arc<str>,
    counted: Counters,
    name: Arc<str>,
}

impl Again {
    pub fn start(source: KafkaSource, stretches: Vec<Stretch>) -> Self {
        let (out, heard) = mpsc::channel(WAITING);
        let stands = source.positions.iter().map(|(name, (next, _))| (name.clone(), *next)).collect();
        let (reading, name) = (source.reading.clone(), source.name.clone());
        source.read_again(stretches, out);
        Self { heard, stands, reading, counted: Counters::default(), name }
    }

    /// What was read, this time.
    pub const fn counted(&self) -> &Counters {
        &self.counted
    }
}

impl Log for Again {
    type Error = SourceError;

    async fn poll(&mut self) -> Result<Polled, SourceError> {
        match self.heard.recv().await {
            Some(SourceEvent::Batch(mut batch)) => {
                for progress in &mut batch.progress {
                    self.counted.add(&std::mem::take(&mut progress.counters));
                    let name = TopicPartition::new(progress.topic.clone(), progress.partition);
                    progress.next = self.stands.get(&name).copied().unwrap_or(progress.next);
                    progress.content = self.reading.clone();
                }
                Ok(Polled::Batch(batch))
            }
            Some(SourceEvent::CaughtUp { .. }) => Ok(Polled::End),
            Some(SourceEvent::Failed(error)) => Err(error),
            None => Err(SourceError::Gone(self.name.to_string())),
        }
    }

    async fn commit(&mut self, _: &[PositionRow]) -> Result<(), SourceError> {
        Ok(())
    }
}
