//! The Kafka source. In: a checked [`KafkaInput`], a way to decode, the stored positions. Out: [`SourceEvent`]s over a
//! bounded channel. One thread polls one consumer; it stores nothing and commits only what it is told to.
//!
//! A consumer group shares the partitions of its topics among its members. One process with one store must see all of
//! them (a customer's events may lie in any), so it reads only while every partition is assigned to it, and says so
//! otherwise. Where to read from is decided by [`offsets`](super::offsets), never by the broker's defaults.

pub mod admin;
pub mod again;
pub(crate) mod group;
mod letters;
pub mod probe;
mod reader;
mod retried;
pub mod settings;
mod starts;
pub(crate) mod words;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc::Sender;

use super::offsets::TopicPartition;
use super::{Counted, SourceEvent, on_a_thread};
use crate::config::{DeadLetterConfig, KafkaInput};
use crate::event::{Admit, SourceId};
use crate::health::{Condition, Health};
use crate::time::Timestamp;
use group::Group;
use reader::Reader;

/// A look at the stored positions.
pub type Stored = Arc<dyn Fn() -> Looked + Send + Sync>;
type Looked = Pin<Box<dyn Future<Output = Result<BTreeMap<TopicPartition, (i64, Counted)>, String>> + Send>>;

/// A Kafka source before it runs.
pub struct KafkaSource {
    pub name: Arc<str>,
    pub input: KafkaInput,
    pub dead_letters: DeadLetterConfig,
    pub source: SourceId,
    pub admit: Arc<dyn Admit>,
    /// Names this reading of the topics: stored with every position, and positions of another one do not count.
    pub reading: Arc<str>,
    /// Positions stored beside the data, as they were when the process started.
    pub positions: BTreeMap<TopicPartition, (i64, Counted)>,
    /// Asks for them again whenever a partition is taken over: other workers read the same topics. `None`: this process
    /// reads all partitions or none.
    pub stored: Option<Stored>,
    /// `group.instance.id`, stable over restarts: a killed process is then resumed at once. The config's own wins.
    pub instance: Option<String>,
    pub flush_records: usize,
    pub flush_interval: Duration,
    /// Say [`SourceEvent::CaughtUp`] at the end that the topics had when they were assigned.
    pub until_end: bool,
    pub clock: fn() -> Timestamp,
    pub health: Health,
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KafkaError {
    #[error("the Kafka settings cannot be used: {0}\n  hint: `settings:` takes librdkafka's names and values")]
    Settings(String),
    #[error(
        "{brokers} ended the membership of group `{group}` for good: {reason}\n  \
         hint: another process may use the same group and `group.instance.id`"
    )]
    Fatal { brokers: String, group: String, reason: String },
    #[error("offsets could not be committed: {0}")]
    Commit(String),
    #[error(
        "{brokers} cannot give the records again: {reason}\n  \
         hint: what was read before is stored as it was; try again, perhaps from a later offset"
    )]
    Again { brokers: String, reason: String },
}

/// A running source.
pub struct KafkaHandle {
    consumer: Arc<BaseConsumer<Group>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl KafkaSource {
    /// Everything it reads: its topics, and the one where its dead letters are tried again.
    fn topics(&self) -> Vec<String> {
        self.input.topics.iter().chain(&self.dead_letters.retry).cloned().collect()
    }

    fn is_retry(&self, topic: &str) -> bool {
        self.dead_letters.retry.as_deref() == Some(topic)
    }

    /// Starts the consumer's thread. Must be called on the runtime. Fails on settings that cannot be used, never because
    /// no broker answers: that is waited for.
    pub fn start(self, out: Sender<SourceEvent>) -> Result<KafkaHandle, KafkaError> {
        let wrong = |e: rdkafka::error::KafkaError| KafkaError::Settings(settings::plain(&e));
        let consumer: BaseConsumer<Group> =
            settings::of(&self).create_with_context(Group::new(&self)).map_err(wrong)?;
        let topics = self.topics();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(wrong)?;
        let waiting = "waiting for the group to give out the partitions";
        self.health.raise(Condition::Partitions(self.name.clone()), waiting);
        let consumer = Arc::new(consumer);
        let stop = Arc::new(AtomicBool::new(false));
        let name = self.name.clone();
        let reader = Reader::new(consumer.clone(), self, out.clone(), stop.clone());
        let thread = on_a_thread(name, out, move || reader.run());
        Ok(KafkaHandle { consumer, stop, thread })
    }
}

impl KafkaHandle {
    /// Commits positions to resume from, without waiting for the broker. Partitions that are not ours any more are left
    /// out: whoever has them now answers for them.
    pub fn commit(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), KafkaError> {
        self.send(offsets, CommitMode::Async)
    }

    fn send(&self, offsets: &[(TopicPartition, i64)], mode: CommitMode) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        for (partition, next) in offsets.iter().filter(|(p, _)| self.consumer.context().holds(p)) {
            list.add_partition_offset(&partition.topic, partition.partition, Offset::Offset(*next))
                .map_err(|e| KafkaError::Commit(e.to_string()))?;
        }
        if list.count() == 0 {
            return Ok(());
        }
        self.consumer.commit(&list, mode).map_err(|e| KafkaError::Commit(settings::plain(&e)))
    }

    /// Commits once more, for sure, and leaves the group.
    pub fn stop(self, offsets: &[(TopicPartition, i64)]) -> Result<(), KafkaError> {
        let committed = self.send(offsets, CommitMode::Sync);
        self.stop.store(true, Ordering::Relaxed);
        // A panic of the thread has been printed by itself; nothing is lost, for nothing of it was committed.
        let _ = self.thread.join();
        committed
    }

    /// Leaves without a commit.
    pub fn abandon(self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
    }
}
