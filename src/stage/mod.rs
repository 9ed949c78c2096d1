//! The stages as pure state machines: identity (whose an event is) and journeys (what it changes), with all that passes
//! between them. In: stored events and committed facts. Out: rows to write and customers to recompute. They reach the
//! world only through the seams in [`seams`], so the same code runs in one process, as roles over Kafka, and under the
//! fault model.
//!
//! ```text
//!  Log ─batch─> ingest ─Notice─> identity ─Announced─> journeys ─> customer rows, then aggregates
//!               events           facts, then rows of   recompute the dirty customer
//!                                identity once all that
//!                                follows is settled
//! ```

pub mod announce;
pub mod identity;
pub mod journeys;
pub mod orders;
pub mod positions;
pub mod reading;
pub mod refold;
pub mod seams;
mod slice;
pub mod watermark;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::conformance::Followed;
use crate::event::{DeadLetter, Event};
use crate::identity::{Assignment, Fact};
use crate::journey::CustomerJourneys;
use crate::source::Recovered;

pub use announce::{Again, Announced, Announcement, Cut, Notice, Partition};
pub use positions::{PositionRow, Positions};
pub use seams::{Heard, Host, Inlet, Log, OpenOrders, Outlet, Polled, Ticket, Warehouse};

/// Rows of one table, written as one block.
#[derive(Debug)]
pub enum Rows {
    Events(Arc<Vec<Event>>),
    DeadLetters(Vec<DeadLetter>),
    /// Dead letters that are events now: they leave the table.
    Recovered(Vec<Recovered>),
    Facts(Vec<Fact>),
    /// Customers that are about to be announced because identity changed: found again if that is cut off.
    Announcing(Vec<Arc<str>>, Version),
    Assignments(Vec<Assignment>, Version),
    Customers(Vec<CustomerRow>),
    Positions(Vec<PositionRow>),
    Orders(orders::OrderRows),
}

impl Rows {
    /// The table they are for.
    pub const fn table(&self) -> &'static str {
        match self {
            Self::Events(_) => "events",
            Self::DeadLetters(_) => "dead_letters",
            Self::Recovered(_) => "replayed_letters",
            Self::Facts(_) => "identity_facts",
            Self::Announcing(..) => "announcing",
            Self::Assignments(..) => "identity",
            Self::Customers(_) => "customer_journeys",
            Self::Positions(_) => "positions",
            Self::Orders(rows) => rows.table(),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Events(rows) => rows.len(),
            Self::DeadLetters(rows) => rows.len(),
            Self::Recovered(rows) => rows.len(),
            Self::Facts(rows) => rows.len(),
            Self::Announcing(rows, _) => rows.len(),
            Self::Assignments(rows, _) => rows.len(),
            Self::Customers(rows) => rows.len(),
            Self::Positions(rows) => rows.len(),
            Self::Orders(rows) => rows.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Of derived rows: epoch << 40 | n. Only grows, so a replay or an old owner cannot win.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Version(pub u64);

impl Version {
    pub const fn first_of(epoch: u64) -> Self {
        Self(epoch << 40)
    }
    pub const fn of(epoch: u64, n: i64) -> Self {
        Self((epoch << 40) + n.unsigned_abs())
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
    /// How each of the journeys followed the map, in their order.
    pub followed: Vec<Followed>,
}

/// The slice of customers that one worker owns: a hash of the name, fixed for ever (pipeline.md).
pub fn bucket(customer: &str) -> u8 {
    blake3::hash(customer.as_bytes()).as_bytes()[0] % BUCKETS
}

pub const BUCKETS: u8 = 64;
