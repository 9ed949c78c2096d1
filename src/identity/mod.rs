//! Identity: which customer an identifier, and so an event, belongs to. In: facts that events state and the guards of
//! the config. Out: the customer of every node, and which customers a batch of facts touched. A pure function of the set
//! of facts: the order of arrival changes nothing. No clock, no I/O.
//!
//! ```text
//! Event ─ facts_of ─> Fact ─ graph (kept once, edges) ─> component ─ fold (guards) ─> customers ─> Changes
//! ```
//!
//! Operators' orders (`undo`, `erase`, `retain`) change how facts stand, which events count, and nothing else.
//!
//! A batch refolds only the components it can change; what a fold decides rests on the facts alone, never on an earlier
//! fold, so any split of the facts into batches ends in the same customers.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::event::{Event, SourceId};
use crate::time::{Day, Timestamp};

mod apply;
mod displaced;
mod fold;
mod graph;
mod guards;
mod keying;
mod lookup;
mod membership;
mod operate;
mod order;
mod outside;
mod sets;
mod standing;

pub use apply::{Changes, Identity};
pub use displaced::{Displaced, displaced};
pub use guards::{Guards, Refusal};
pub use keying::Keying;
pub use lookup::{Link, Verdict};
pub use membership::{Membership, Mend, Span};
pub use order::{Member, Order, OrderRecord};
pub use outside::Outside;
pub use sets::{Erasure, Sets, Undo};

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

/// The facts an event states: its strongest identifier with each of the others, also when guards or quarantine later
/// leave the strongest out.
pub fn facts_of(event: &Event) -> SmallVec<[Fact; 2]> {
    let Some((strongest, others)) = event.identifiers.split_first() else {
        return SmallVec::new();
    };
    others
        .iter()
        .map(|other| Fact {
            a: strongest.node.clone(),
            b: other.node.clone(),
            source: event.source,
            generation: event.generation,
            day: event.occurred_at.utc_day(),
            occurred_at: event.occurred_at,
            event_id: event.event_id.clone(),
        })
        .collect()
}
