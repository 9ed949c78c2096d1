//! Orders of operators, carried out by the one writer of identity. In: a recorded order, identity as it stands, the store
//! for what identity does not remember. Out: rows in the order in which they must be written: first what the order adds to
//! the sets, then what follows, then what may be deleted, then how far orders are carried out. Cut off anywhere, the same
//! record is carried out again at the next start.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::identity::{IdentityStage, IdentityStep};
use super::{OpenOrders, Rows, Warehouse};
use crate::identity::{Erasure, Fact, Member, OrderRecord, Outside, Undo};
use crate::time::Day;

/// The source that orders count as in `positions` and in the sets.
pub const SOURCE: &str = "@operator";

/// What is outside the function, as of an order.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Place of the last order that it takes in.
    pub orders: u64,
    pub outside: Outside,
}

impl Known {
    /// Members of an order that is still open may be missing from what was read.
    pub fn of((next, open): &OpenOrders, outside: Outside) -> Self {
        Self { orders: open.first().map_or(*next, |(place, _)| *place) - 1, outside }
    }
}

/// The first place of orders that are accepted under an epoch. No two writers share a place, so what a dead one sent and
/// arrives late stands beside the orders of its successor, never in their stead.
pub const fn first_place(epoch: u64) -> u64 {
    epoch * 1_000_000 + 1
}

/// Rows and deeds that only orders bring about.
#[derive(Clone, Debug)]
pub enum OrderRows {
    /// An order is accepted.
    Accepted(u64, OrderRecord),
    Undo(Undo),
    Erasure(Erasure),
    Horizon(Day),
    /// Facts that came although an erasure covers them: who, whom and the day.
    Erased(Vec<Fact>),
    /// Journeys that ended before the day go to a table of their own, before their rows are replaced.
    Freeze(Day),
    /// What an erasure covers is deleted; of these customers' rows, all but the newest.
    SweepErased(Erasure, Vec<Arc<str>>),
    /// Events outside are deleted.
    Sweep(Arc<Outside>),
    /// Everything that follows from the order is written.
    Done(u64),
}

impl OrderRows {
    pub const fn table(&self) -> &'static str {
        match self {
            Self::Accepted(..) => "operator_orders",
            Self::Undo(_) | Self::Erased(_) => "identity_facts",
            Self::Erasure(_) => "erasures",
            Self::Horizon(_) => "horizons",
            Self::Freeze(_) => "journeys_frozen",
            Self::SweepErased(..) | Self::Sweep(_) => "events",
            Self::Done(_) => "positions",
        }
    }

    pub const fn len(&self) -> usize {
        match self {
            Self::Erased(facts) => facts.len(),
            _ => 1,
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What an accepted order makes of the tables.
#[derive(Debug)]
pub struct Carried {
    /// Written before anything is announced.
    pub members: Vec<Rows>,
    pub step: IdentityStep,
    /// Written once everything announced is settled.
    pub last: Vec<Rows>,
}

/// Carries out an order that has been accepted. `found`: by a writer before, who may still be deleting what it forgets.
pub async fn carry_out<W: Warehouse>(
    store: &W,
    identity: &mut IdentityStage,
    (place, record): (u64, &OrderRecord),
    found: bool,
) -> Result<Carried, W::Error> {
    let member = record.member();
    let step = match &member {
        Member::Undo(undo) => identity.undo(undo.clone()),
        Member::Erasure(erasure) => {
            let mut reach = identity.identity().reach_of(erasure);
            // An event that is stored may be known by its node alone: whom else it names is told with its notice.
            reach.extend(store.nodes_naming(erasure.identifiers.clone()).await?);
            reach.sort_unstable();
            reach.dedup();
            let events = store.events_of(reach.clone()).await?;
            if found {
                reach.extend(without_events(store, identity).await?);
            }
            identity.erase(erasure, &reach, &events)
        }
        Member::Horizon(day) => {
            let mut losing = store.nodes_before(*day, identity.identity().outside()).await?;
            if found {
                losing.extend(without_events(store, identity).await?.into_iter().map(|node| (node, false)));
            }
            identity.retain(*day, &losing)
        }
    };
    let (members, sweep) = match member {
        Member::Undo(undo) => (vec![OrderRows::Undo(undo)], None),
        Member::Erasure(erasure) => {
            let sweep = OrderRows::SweepErased(erasure.clone(), step.changed.clone());
            (vec![OrderRows::Erasure(erasure)], Some(sweep))
        }
        Member::Horizon(day) => {
            let sweep = OrderRows::Sweep(Arc::new(identity.identity().outside().clone()));
            (vec![OrderRows::Freeze(day), OrderRows::Horizon(day)], Some(sweep))
        }
    };
    let members = members.into_iter().map(Rows::Orders).collect();
    let last = sweep.into_iter().chain([OrderRows::Done(place)]).map(Rows::Orders).collect();
    Ok(Carried { members, step, last })
}

/// Nodes whose events were there when identity was loaded, and are not any more. Asked last: what is deleted from now on
/// has been read.
async fn without_events<W: Warehouse>(store: &W, identity: &IdentityStage) -> Result<Vec<Arc<str>>, W::Error> {
    let there: FxHashSet<Arc<str>> = store.nodes_since(Day::SINCE_EVER).await?.into_iter().collect();
    Ok(identity.identity().unstated().filter(|node| !there.contains(*node)).cloned().collect())
}
