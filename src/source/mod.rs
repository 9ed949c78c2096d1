//! Sources: where records come from. In: a checked source of the config and a way to decode. Out: [`DecodedBatch`]es
//! over a bounded channel, each saying how far its partitions have come. Never decides what may be committed: that is
//! told to it, after the data is stored.

pub mod delimited;
pub mod file;
mod gathering;
pub mod kafka;
pub mod limits;
pub mod offsets;
pub mod paths;
pub mod standard_input;

use std::sync::Arc;

use crate::event::{DeadLetter, Event, Position, SourceId};
use crate::health::{Condition, Health};
use crate::time::Timestamp;

/// What a source has to say, in the order it happened.
#[derive(Debug)]
pub enum SourceEvent {
    Batch(DecodedBatch),
    /// Everything up to where the source ended when it was started lies in earlier batches. Said once.
    CaughtUp {
        source: SourceId,
    },
    /// It cannot go on. Nothing follows.
    Failed(SourceError),
}

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error(transparent)]
    Kafka(#[from] kafka::KafkaError),
    #[error(transparent)]
    File(#[from] file::FileError),
    #[error("{0}")]
    Path(String),
    #[error(
        "{place} is not read on: {why}\n  \
         hint: `tropa dead-letters list` says what is wrong with them; `--keep-going` of `tropa import`, or the limits in \
         `dead_letters:` of the source, let it be read on"
    )]
    TooManyDeadLetters { place: String, why: limits::TooMany },
    #[error(
        "source `{0}` broke down; the lines above say where\n  hint: nothing of what it had not given out is stored or committed; please report it"
    )]
    Gone(String),
}

/// Notes that a partition or file is not read on, and says so once.
pub fn pause(health: &Health, source: &Arc<str>, place: &offsets::TopicPartition, why: &limits::TooMany) {
    let text = format!(
        "{place} is not read on: {why}; mend the decoder or the limits in `dead_letters:` and the change is taken, or send \
         SIGHUP to try it once more; `tropa dead-letters list` says what is wrong with them"
    );
    let (topic, partition) = (place.topic.clone(), place.partition);
    if health.raise(Condition::Paused { source: source.clone(), topic, partition }, text.as_str()) {
        tracing::error!(source = &**source, "{text}");
    }
}

/// Runs a source on a thread of its own; one that breaks down must not look like one that has ended.
pub fn on_a_thread(
    name: Arc<str>,
    out: tokio::sync::mpsc::Sender<SourceEvent>,
    body: impl FnOnce() + Send + 'static,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err() {
            // A closed channel means that nobody waits for this source any more.
            out.blocking_send(SourceEvent::Failed(SourceError::Gone(name.to_string()))).ok();
        }
    })
}

/// Decoded records of one source, cut at about `flush_records` records or `flush_interval`.
#[derive(Clone, Debug, Default)]
pub struct DecodedBatch {
    pub events: Vec<Event>,
    pub dead_letters: Vec<DeadLetter>,
    /// Dead letters that were read again and are events now.
    pub recovered: Vec<Recovered>,
    /// One entry for every partition that moved; committed together with the batch.
    pub progress: Vec<Progress>,
}

/// A dead letter that has become events: it leaves the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recovered {
    pub source: SourceId,
    /// Of the original.
    pub position: Position,
}

/// How far one partition (or file) has come within a batch.
#[derive(Clone, Debug)]
pub struct Progress {
    pub source: SourceId,
    /// Kafka topic, or a file's path as configured (`-`: standard input).
    pub topic: Arc<str>,
    pub partition: i32,
    /// The position to resume from: one past the last record of the batch.
    pub next: i64,
    pub counters: Counters,
    /// What had been counted of the partition, where that is not what this process counted last: nothing, if it is read
    /// from its beginning; what its former owner stored, if it has just been taken over.
    pub counted_before: Option<Counted>,
    /// Greatest plausible occurred_at among the batch's events.
    pub max_occurred: Option<Timestamp>,
    /// The partition is known to hold more than this: its silence is ours, and holds the watermark back.
    pub behind: bool,
    /// A file read to its end: it takes no further part in the watermark.
    pub finished: bool,
    /// What was read: of a file its content (BLAKE3, hex) once it is read to the end, of a topic the source's generation
    /// if it was raised; else "".
    pub content: Arc<str>,
}

/// What has been counted of a partition up to a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub counters: Counters,
    pub max_occurred: Option<Timestamp>,
}

/// What happened to the records of one partition; cumulative in `positions`, so that replay never counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub records: u64,
    pub skipped: u64,
    pub decoded: u64,
    pub rejected: u64,
    pub blocked_identifiers: u64,
}

impl Counters {
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.skipped += other.skipped;
        self.decoded += other.decoded;
        self.rejected += other.rejected;
        self.blocked_identifiers += other.blocked_identifiers;
    }
}
