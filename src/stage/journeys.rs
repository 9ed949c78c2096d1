//! The journeys stage: recompute the dirty customer. In: announcements of the slices that this worker owns, and event
//! sets that it asks for. Out: [`CustomerRow`]s that replace what the tables hold, positions that may be committed, and
//! when aggregates are due. The same function over the same sets as a batch run: it knows no order of arrival and no
//! clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::CustomerRow;
use super::announce::{Announced, Partition};
use super::refold::Refold;
use super::slice::{Answered, Slice, Wanted};
use crate::event::Event;
use crate::identity::Outside;
use crate::time::Timestamp;

/// Nodes asked for in one read.
const READ: usize = 20_000;
/// Customers in one block of rows.
const ROWS: usize = 50_000;
/// Customers that may wait for reads before nothing more is taken.
const PARKED: usize = 100_000;

#[derive(Debug)]
pub struct JourneysStage {
    refold: Refold,
    slices: BTreeMap<Partition, Slice>,
    /// Slices whose aggregates are due, and at which `as_of`.
    due: BTreeMap<Partition, Due>,
    /// Moments heard of.
    heard: u64,
    /// Bytes of event sets to keep.
    limit: u64,
}

/// Aggregates that must be counted.
#[derive(Clone, Copy, Debug)]
struct Due {
    /// The number of the moment that was heard of first.
    since: u64,
    as_of: Timestamp,
}

/// Events that must be read.
#[derive(Debug)]
pub struct Read {
    pub nodes: Vec<Arc<str>>,
    /// By partition, with the epoch it was owned under.
    wanted: Vec<(Partition, u64, Vec<Wanted>)>,
}

/// What rows that are being written answer.
#[derive(Debug, Default)]
pub struct Receipt {
    answered: Vec<(Partition, u64, Answered)>,
}

impl Receipt {
    /// How many customers the rows are of.
    pub fn customers(&self) -> usize {
        self.answered.iter().map(|(_, _, answered)| answered.len()).sum()
    }
}

impl JourneysStage {
    pub fn new(refold: Refold, limit: u64) -> Self {
        Self { refold, slices: BTreeMap::new(), due: BTreeMap::new(), heard: 0, limit }
    }

    /// Orders have left more outside of everything that is taken from now on.
    pub fn leave_outside(&mut self, outside: Outside) {
        self.refold.leave_outside(Arc::new(outside));
    }

    /// The partition is ours from here on. `epoch`: claimed for it; `writer`: the newest identity writer that whoever
    /// owned it before had heard of.
    pub fn gain(&mut self, partition: Partition, epoch: u64, writer: u64) {
        self.lose(partition);
        self.slices.insert(partition, Slice::new(epoch, writer));
    }

    /// Forgets all of a partition that is ours no more.
    pub fn lose(&mut self, partition: Partition) {
        self.slices.remove(&partition);
        self.due.remove(&partition);
    }

    pub fn take(&mut self, partition: Partition, offset: i64, message: Announced) {
        if let Some(slice) = self.slices.get_mut(&partition) {
            slice.take(offset, message, &self.refold);
        }
    }

    /// Rows of everybody who can be recomputed, one block of them.
    pub fn recompute(&mut self) -> Option<(Vec<CustomerRow>, Receipt)> {
        let (mut rows, mut receipt) = (Vec::new(), Receipt::default());
        for (&partition, slice) in &mut self.slices {
            let answered = slice.recompute(&self.refold, ROWS, &mut rows);
            if !answered.is_empty() {
                receipt.answered.push((partition, slice.epoch(), answered));
            }
            if rows.len() >= ROWS {
                break;
            }
        }
        let limit = self.limit / (self.slices.len().max(1) as u64);
        self.slices.values_mut().for_each(|slice| slice.shrink(limit));
        (!receipt.answered.is_empty()).then_some((rows, receipt))
    }

    pub fn written(&mut self, receipt: &Receipt) {
        for (partition, epoch, answered) in &receipt.answered {
            if let Some(slice) = self.slices.get_mut(partition).filter(|slice| slice.epoch() == *epoch) {
                slice.written(answered);
            }
        }
    }

    /// What must be read next, if anything.
    pub fn read(&mut self) -> Option<Read> {
        let mut read = Read { nodes: Vec::new(), wanted: Vec::new() };
        for (&partition, slice) in &mut self.slices {
            let wanted = slice.read(READ, &mut read.nodes);
            if !wanted.is_empty() {
                read.wanted.push((partition, slice.epoch(), wanted));
            }
        }
        read.nodes.sort_unstable();
        read.nodes.dedup();
        (!read.wanted.is_empty()).then_some(read)
    }

    /// The answer to a read: all stored events of its nodes.
    pub fn filled(&mut self, read: &Read, events: &[Event]) {
        let by_node = self.refold.by_node(events);
        for (partition, epoch, wanted) in &read.wanted {
            if let Some(slice) = self.slices.get_mut(partition).filter(|slice| slice.epoch() == *epoch) {
                slice.filled(wanted, &by_node);
            }
        }
    }

    /// Partitions whose position has moved: (partition, next, note).
    pub fn committable(&mut self) -> Vec<(Partition, i64, u64)> {
        let slices = self.slices.iter_mut();
        slices.filter_map(|(&p, slice)| slice.committable().map(|(next, note)| (p, next, note))).collect()
    }

    /// Partitions whose aggregates are due at the same `as_of`, which is given: counted together they cost little more than
    /// one of them. Whoever has waited longest is among them.
    pub fn due(&mut self) -> Option<(Vec<Partition>, Timestamp)> {
        if !self.is_due() {
            return None;
        }
        let as_of = self.due.values().min_by_key(|due| due.since)?.as_of;
        let due = self.due.extract_if(.., |_, due| due.as_of == as_of).map(|(p, _)| p).collect();
        Some((due, as_of))
    }

    /// Whether aggregates of any partition are due.
    pub fn is_due(&mut self) -> bool {
        for (&partition, slice) in &mut self.slices {
            if let Some(as_of) = slice.due() {
                self.heard += 1;
                self.due.entry(partition).or_insert(Due { since: self.heard, as_of }).as_of = as_of;
            }
        }
        !self.due.is_empty()
    }

    /// Nothing more should be taken until reads have come back.
    pub fn is_full(&self) -> bool {
        self.slices.values().map(Slice::parked).sum::<usize>() > PARKED
    }

    /// Bytes of event sets held.
    pub fn bytes(&self) -> u64 {
        self.slices.values().map(Slice::bytes).sum()
    }
}
