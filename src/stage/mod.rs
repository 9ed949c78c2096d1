//! The stages as pure state machines: ingest (what to store of a batch), identity (whose it is), journeys (what it
//! changes). In: batches and committed facts. Out: rows to write and customers to recompute. They reach the world only
//! through the seams [`Warehouse`] and [`Log`], so the same code runs under tests, in one process and as roles.

pub mod cache;
pub mod identity;
pub mod journeys;
pub mod reading;
pub mod watermark;

use std::future::Future;
use std::sync::Arc;

use crate::event::{DeadLetter, Event, SourceId};
use crate::identity::{Assignment, Fact};
use crate::journey::CustomerJourneys;
use crate::source::{Counters, Progress, Recovered};
use crate::time::Timestamp;

/// Rows of one table, written as one block.
#[derive(Debug)]
pub enum Rows {
    Events(Arc<Vec<Event>>),
    DeadLetters(Vec<DeadLetter>),
    /// Dead letters that are events now: they leave the table.
    Recovered(Vec<Recovered>),
    Facts(Vec<Fact>),
    Assignments(Vec<Assignment>, Version),
    Customers(Vec<CustomerRow>),
    Positions(Vec<PositionRow>),
}

impl Rows {
    /// The table they are for.
    pub const fn table(&self) -> &'static str {
        match self {
            Self::Events(_) => "events",
            Self::DeadLetters(_) => "dead_letters",
            Self::Recovered(_) => "replayed_letters",
            Self::Facts(_) => "identity_facts",
            Self::Assignments(..) => "identity",
            Self::Customers(_) => "customer_journeys",
            Self::Positions(_) => "positions",
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Events(rows) => rows.len(),
            Self::DeadLetters(rows) => rows.len(),
            Self::Recovered(rows) => rows.len(),
            Self::Facts(rows) => rows.len(),
            Self::Assignments(rows, _) => rows.len(),
            Self::Customers(rows) => rows.len(),
            Self::Positions(rows) => rows.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The store behind the stages. An insert returns once it is acknowledged, however long that takes.
pub trait Warehouse: Send + Sync + 'static {
    type Error: std::error::Error + Send + Sync + 'static;
    fn insert(&self, rows: Rows) -> impl Future<Output = Result<(), Self::Error>> + Send;
    /// Every stored event of these nodes.
    fn events_of(&self, nodes: Vec<Arc<str>>) -> impl Future<Output = Result<Vec<Event>, Self::Error>> + Send;
}

/// What the writer asks of the store besides rows: the daily aggregates, which may trail.
pub trait Aggregates: Warehouse {
    /// Brings every due bucket to `as_of`; returns how many were refreshed.
    fn refresh(&self, as_of: Timestamp) -> impl Future<Output = Result<usize, Self::Error>> + Send;
    fn store_watermark(&self, as_of: Timestamp) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Where records come from and where it is told how far they are stored.
pub trait Log: Send {
    type Error: std::error::Error + Send + Sync + 'static;
    fn poll(&mut self) -> impl Future<Output = Result<Polled, Self::Error>> + Send;
    /// Only ever called with positions whose derived rows are all acknowledged.
    fn commit(&mut self, positions: &[PositionRow]) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

#[derive(Debug)]
pub enum Polled {
    Batch(crate::source::DecodedBatch),
    /// Nothing to do now; what is open may be written.
    Quiet,
    /// Every source is at its end.
    End,
}

/// Of derived rows: epoch << 40 | n. Only grows, so a replay or an old owner cannot win.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Version(pub u64);

impl Version {
    pub const fn first_of(epoch: u64) -> Self {
        Self(epoch << 40)
    }
    pub const fn epoch(self) -> u64 {
        self.0 >> 40
    }
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// All of one customer under one map: replaces what stood there. `journeys: None` is a tombstone.
#[derive(Clone, Debug)]
pub struct CustomerRow {
    /// Index into the reading set's maps.
    pub map: usize,
    pub customer: Arc<str>,
    pub version: Version,
    pub journeys: Option<CustomerJourneys>,
}

/// How far a partition is stored, with everything counted up to there.
#[derive(Clone, Debug)]
pub struct PositionRow {
    pub source: SourceId,
    pub topic: Arc<str>,
    pub partition: i32,
    pub next: i64,
    pub counters: Counters,
    pub max_occurred: Option<Timestamp>,
    /// More was waiting to be read; known while the process runs, not stored.
    pub behind: bool,
    pub finished: bool,
    pub content: Arc<str>,
}

/// Sums the batches' progress per partition. A file starts from nothing whenever it is read again.
#[derive(Debug, Default)]
pub struct Positions {
    rows: Vec<PositionRow>,
}

impl Positions {
    pub fn load(rows: Vec<PositionRow>) -> Self {
        Self { rows }
    }

    pub fn get(&self, source: SourceId, topic: &str, partition: i32) -> Option<&PositionRow> {
        self.rows.iter().find(|r| r.source == source && &*r.topic == topic && r.partition == partition)
    }

    pub fn iter(&self) -> impl Iterator<Item = &PositionRow> {
        self.rows.iter()
    }

    /// Adds a batch's progress; returns the rows to write with it.
    pub fn advance(&mut self, progress: &[Progress]) -> Vec<PositionRow> {
        let mut moved = Vec::with_capacity(progress.len());
        for p in progress {
            let found =
                self.rows.iter().position(|r| r.source == p.source && r.topic == p.topic && r.partition == p.partition);
            let i = found.unwrap_or_else(|| {
                self.rows.push(PositionRow {
                    source: p.source,
                    topic: p.topic.clone(),
                    partition: p.partition,
                    next: 0,
                    counters: Counters::default(),
                    max_occurred: None,
                    behind: false,
                    finished: false,
                    content: Arc::from(""),
                });
                self.rows.len() - 1
            });
            let row = &mut self.rows[i];
            if p.anew {
                (row.counters, row.max_occurred) = (Counters::default(), None);
            }
            row.next = p.next;
            row.counters.add(&p.counters);
            row.max_occurred = row.max_occurred.max(p.max_occurred);
            row.behind = p.behind;
            row.finished = p.finished;
            row.content = p.content.clone();
            moved.push(row.clone());
        }
        moved
    }
}

/// The slice of customers that one worker owns: a hash of the name, fixed for ever (pipeline.md).
pub fn bucket(customer: &str) -> u8 {
    blake3::hash(customer.as_bytes()).as_bytes()[0] % BUCKETS
}

pub const BUCKETS: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_read_again_after_a_crash_is_counted_once() {
        let progress = |records: u64, anew: bool, next: i64| Progress {
            source: SourceId(0),
            topic: Arc::from("events.csv"),
            partition: 0,
            next,
            counters: Counters { records, ..Counters::default() },
            anew,
            max_occurred: None,
            behind: false,
            finished: false,
            content: Arc::from(""),
        };
        let mut positions = Positions::default();
        positions.advance(&[progress(10, true, 10)]);
        assert_eq!(positions.advance(&[progress(5, false, 15)])[0].counters.records, 15);
        assert_eq!(positions.advance(&[progress(10, true, 10)])[0].counters.records, 10);
        assert_eq!(positions.advance(&[progress(9, false, 19)])[0].counters.records, 19);
    }
}
