//! What the stages tell each other. A [`Notice`] tells identity which events are stored; an [`Announced`] tells the owner
//! of a customer to recompute it, with everything needed for that but the events it already has. Plain values: they
//! travel through a queue or a topic alike.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{BUCKETS, PositionRow, bucket};
use crate::event::Event;
use crate::identity::Membership;
use crate::time::Timestamp;

/// Ingest to identity: these events are in the table `events` (I1), and the sources have come so far.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    pub events: Arc<Vec<Event>>,
    /// Of every partition that moved; the watermark goes by them.
    pub positions: Vec<PositionRow>,
    /// The last order that was known when the events were stored: what it leaves outside was not.
    pub orders: u64,
    /// Something was lost on its way, or nobody has it yet.
    pub again: Option<Again>,
}

/// What must be said once more: a topic was emptied, made anew, or begins with a new cut of the customers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Again {
    /// Everything that follows from stored events.
    Events,
    /// Every customer of a slice, as the customers are cut since this epoch.
    Slice { since: u64, partition: Partition },
}

/// How the customers are cut into slices. Another cut begins a new epoch, with a topic of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// The epoch that it began; 0: the first.
    pub since: u64,
    pub slices: Partition,
}

impl Cut {
    /// One slice of everybody.
    pub const NONE: Self = Self { since: 0, slices: 1 };
}

/// Identity to the owner of a slice of customers.
#[derive(Clone, Debug)]
pub struct Announced {
    /// Epoch of the identity writer. One that has been replaced says nothing that its successor does not say again.
    pub writer: u64,
    /// The last order carried out: what it leaves outside is outside of everything announced here.
    pub orders: u64,
    /// The events that the announcements point into.
    pub events: Arc<Vec<Event>>,
    pub customers: Vec<Announcement>,
    /// Silence is decided up to here, once everything announced before this is written.
    pub as_of: Option<Timestamp>,
}

/// One customer must be recomputed.
#[derive(Clone, Debug)]
pub struct Announcement {
    pub customer: Arc<str>,
    /// All that belongs to it now; `None`: it is no customer, a tombstone replaces its row.
    pub membership: Option<Arc<Membership>>,
    /// Its events among those of the message.
    pub events: SmallVec<[u32; 4]>,
    /// Nodes of it that nothing was announced or stored of before: no read can bring more than what is said here.
    pub fresh: SmallVec<[Arc<str>; 2]>,
    /// Events of it have left the sets: what its owner holds of it is not to be trusted.
    pub reread: bool,
}

/// A slice of the customers: one partition of the topic of announcements.
pub type Partition = u16;

/// The slice that a customer lies in. The number of slices divides that of the buckets.
pub fn partition_of(customer: &str, partitions: Partition) -> Partition {
    Partition::from(bucket(customer)) % partitions
}

/// The buckets of a slice.
pub fn buckets_of(partition: Partition, partitions: Partition) -> Vec<u8> {
    (0..BUCKETS).filter(|b| Partition::from(*b) % partitions == partition).collect()
}
