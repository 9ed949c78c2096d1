//! What becomes of records, until a batch is given out. In: raw records of one source, in the order they were read, and
//! a way to decode them. Out: a [`DecodedBatch`] with the progress of every partition it moved.

use std::ops::Deref;
use std::sync::Arc;

use super::{Counters, DecodedBatch, Progress, Recovered};
use crate::event::{Admission, Admit, DeadLetter, Envelope, Position, RawPayload, RawRecord, Rejection, SourceId};

/// Payload bytes of a batch at most, but for its last record.
const BATCH_BYTES: usize = 64 << 20;

/// What became of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    /// Events, or left out by the config.
    Used,
    Rejected,
}

pub(super) struct Gathering<A> {
    source: SourceId,
    admit: A,
    batch: DecodedBatch,
    /// Where in `batch.progress` the last record's partition stands: records of one partition come in runs.
    last: usize,
    records: usize,
    bytes: usize,
}

impl<A: Deref<Target = D>, D: Admit + ?Sized> Gathering<A> {
    pub fn new(source: SourceId, admit: A) -> Self {
        Self { source, admit, batch: DecodedBatch::default(), last: 0, records: 0, bytes: 0 }
    }

    /// One record more. `envelope` is asked for if it is a dead letter.
    pub fn take(&mut self, record: &RawRecord<'_>, envelope: impl FnOnce() -> Envelope) -> Taken {
        let position = record.position;
        let admission = self.admit.admit(record);
        self.records += 1;
        self.bytes += bytes_of(&record.payload).len();
        let progress = self.moved(&position.topic, position.partition, position.offset + 1);
        progress.counters.records += 1;
        match admission {
            Admission::Emit(events) => {
                progress.counters.decoded += 1;
                for event in &events {
                    progress.counters.blocked_identifiers += u64::from(event.blocked);
                    if event.plausible {
                        progress.max_occurred = progress.max_occurred.max(Some(event.occurred_at));
                    }
                }
                self.batch.events.extend(events);
                Taken::Used
            }
            Admission::Drop(_) => {
                progress.counters.skipped += 1;
                Taken::Used
            }
            Admission::Reject(rejection) => {
                progress.counters.rejected += 1;
                self.reject(record, rejection, envelope());
                Taken::Rejected
            }
        }
    }

    /// A dead letter that is tried again: `record` is the original, `read_at` where it was read now. It was counted when
    /// it was read first. `stands`: how far the original's partition has come, whose newest event this may be.
    pub fn take_again(
        &mut self,
        record: &RawRecord<'_>,
        read_at: &Position,
        stands: Option<i64>,
        envelope: impl FnOnce() -> Envelope,
    ) {
        let admission = self.admit.admit(record);
        self.records += 1;
        self.bytes += bytes_of(&record.payload).len();
        self.moved(&read_at.topic, read_at.partition, read_at.offset + 1);
        match admission {
            Admission::Emit(events) => {
                let newest = events.iter().filter(|e| e.plausible).map(|e| e.occurred_at).max();
                if let (Some(next), Some(newest)) = (stands, newest) {
                    let progress = self.moved(&record.position.topic, record.position.partition, next);
                    progress.max_occurred = progress.max_occurred.max(Some(newest));
                }
                self.batch.events.extend(events);
                self.batch.recovered.push(Recovered { source: self.source, position: record.position.clone() });
            }
            // What the config leaves out now is no dead letter any more.
            Admission::Drop(_) => {
                self.batch.recovered.push(Recovered { source: self.source, position: record.position.clone() });
            }
            Admission::Reject(rejection) => {
                self.reject(record, rejection, Envelope { retried: true, ..envelope() });
            }
        }
    }

    fn reject(&mut self, record: &RawRecord<'_>, rejection: Rejection, mut envelope: Envelope) {
        if let RawPayload::Row { header, .. } = &record.payload {
            envelope.columns = header.to_vec();
        }
        self.batch.dead_letters.push(DeadLetter {
            source: self.source,
            position: record.position.clone(),
            line: record.line,
            payload: bytes_of(&record.payload).to_vec(),
            received_at: record.received_at,
            rejection,
            identifiers: self.admit.named(record),
            envelope,
        });
    }

    /// The partition stands at `next` now, with or without a record.
    pub fn moved(&mut self, topic: &Arc<str>, partition: i32, next: i64) -> &mut Progress {
        let is = |p: &Progress| p.partition == partition && p.topic == *topic;
        if !self.batch.progress.get(self.last).is_some_and(is) {
            self.last = self.batch.progress.iter().position(is).unwrap_or_else(|| {
                self.batch.progress.push(Progress {
                    source: self.source,
                    topic: topic.clone(),
                    partition,
                    next,
                    counters: Counters::default(),
                    counted_before: None,
                    max_occurred: None,
                    behind: false,
                    finished: false,
                    content: Arc::from(""),
                });
                self.batch.progress.len() - 1
            });
        }
        let progress = &mut self.batch.progress[self.last];
        progress.next = next;
        progress
    }

    /// The open batch says something about this partition.
    pub fn speaks_of(&self, topic: &str, partition: i32) -> bool {
        self.batch.progress.iter().any(|p| p.partition == partition && *p.topic == *topic)
    }

    pub const fn records(&self) -> usize {
        self.records
    }

    /// Holds so many records, or so many bytes that a batch of long ones stays bounded too.
    pub const fn is_full(&self, flush_records: usize) -> bool {
        self.records >= flush_records || self.bytes >= BATCH_BYTES
    }

    pub const fn is_empty(&self) -> bool {
        self.batch.progress.is_empty()
    }

    /// Everything gathered; begins anew.
    pub fn give(&mut self) -> DecodedBatch {
        (self.last, self.records, self.bytes) = (0, 0, 0);
        std::mem::take(&mut self.batch)
    }
}

/// The record as it came.
fn bytes_of<'a>(payload: &RawPayload<'a>) -> &'a [u8] {
    match payload {
        RawPayload::Json(bytes) | RawPayload::Broken { bytes, .. } | RawPayload::Row { text: bytes, .. } => bytes,
    }
}
