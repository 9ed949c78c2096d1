//! What becomes of records, until a batch is given out. In: raw records of one source, in the order they were read, and
//! a way to decode them. Out: a [`DecodedBatch`] with the progress of every partition it moved.

use std::ops::Deref;
use std::sync::Arc;

use super::{Counters, DecodedBatch, Progress};
use crate::event::{Admission, Admit, DeadLetter, RawPayload, RawRecord, SourceId};

/// Payload bytes of a batch at most, but for its last record.
const BATCH_BYTES: usize = 64 << 20;

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

    /// One record more.
    pub fn take(&mut self, record: &RawRecord<'_>) {
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
            }
            Admission::Drop(_) => progress.counters.skipped += 1,
            Admission::Reject(rejection) => {
                progress.counters.rejected += 1;
                let identifiers = self.admit.named(record);
                self.batch.dead_letters.push(DeadLetter {
                    source: self.source,
                    position: position.clone(),
                    line: record.line,
                    payload: bytes_of(&record.payload).to_vec(),
                    received_at: record.received_at,
                    rejection,
                    identifiers,
                });
            }
        }
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
