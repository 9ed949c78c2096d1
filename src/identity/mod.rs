//! Identity: which customer an identifier, and so an event, belongs to. In: facts that events state and the guards of
//! the config. Out: the customer of every node, and which customers a batch of facts touched. A pure function of the set
//! of facts: the order of arrival changes nothing. No clock, no I/O.

use std::sync::Arc;

use crate::event::SourceId;
use crate::time::{Day, Timestamp};

/// One statement of an event: its strongest identifier `a` is the same as `b`. Kept once per (a, b, source, generation,
/// UTC day): the earliest statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The event's strongest identifier, `kind:value`.
    pub a: Arc<str>,
    pub b: Arc<str>,
    pub source: SourceId,
    pub generation: u32,
    pub day: Day,
    /// Of the earliest statement; facts count in order (occurred_at, source name, event_id, a, b).
    pub occurred_at: Timestamp,
    pub event_id: Arc<str>,
}

/// What a node is, as the `identity` table holds it. `day` is set only for the days of a shared device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub node: Arc<str>,
    pub day: Option<Day>,
    /// The customer's name; `None`: quarantined, or a day that is no longer assigned apart (a tombstone).
    pub customer: Option<Arc<str>>,
}
