//! Orders of operators, carried out by the one writer of identity. In: a recorded order, identity and journeys as they
//! stand, the store for what identity does not remember. Out: rows in the order in which they must be written: first
//! what the order adds to the sets, then what follows, then what may be deleted, then how far orders are carried out. Cut
//! off anywhere, the same record is carried out again at the next start.

use std::sync::Arc;

use super::identity::{IdentityStage, IdentityStep};
use super::journeys::JourneysStage;
use super::{Rows, Version, Warehouse};
use crate::identity::{Erasure, Fact, Member, OrderRecord, Outside, Undo};
use crate::time::Day;

/// The source that orders count as in `positions` and in the sets.
pub const SOURCE: &str = "@operator";

/// What orders ask of the store besides rows and events of nodes.
pub trait OrderStore: Warehouse {
    /// Nodes with events before a day, each with whether it has later ones that are inside.
    fn nodes_before(
        &self,
        day: Day,
        outside: &Outside,
    ) -> impl Future<Output = Result<Vec<(Arc<str>, bool)>, Self::Error>> + Send;
}

/// Rows and deeds that only orders bring about.
#[derive(Debug)]
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
    /// What an erasure covers is deleted; of these customers' rows, those older than the version.
    SweepErased(Erasure, Vec<Arc<str>>, Version),
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

/// Carries out an order that has been accepted.
pub async fn carry_out<W: OrderStore>(
    store: &W,
    identity: &mut IdentityStage,
    journeys: &mut JourneysStage,
    (place, record): (u64, &OrderRecord),
    version: Version,
) -> Result<Carried, W::Error> {
    let member = record.member();
    let step = match &member {
        Member::Undo(undo) => identity.undo(undo.clone()),
        Member::Erasure(erasure) => {
            let reach = identity.identity().reach_of(erasure);
            let events = store.events_of(reach).await?;
            identity.erase(erasure, &events)
        }
        Member::Horizon(day) => {
            let losing = store.nodes_before(*day, identity.identity().outside()).await?;
            identity.retain(*day, &losing)
        }
    };
    let missing = journeys.missing(identity.identity(), &step.dirty);
    let events = store.events_of(missing.clone()).await?;
    journeys.fill(&missing, &events);
    let customers = journeys.recompute(identity.identity(), &step.dirty, version);
    let IdentityStep { assignments, dirty, .. } = step;
    let count = dirty.len();

    let mut rows = Vec::new();
    let mut sweep = None;
    match member {
        Member::Undo(undo) => rows.push(OrderRows::Undo(undo)),
        Member::Erasure(erasure) => {
            rows.push(OrderRows::Erasure(erasure.clone()));
            sweep = Some(OrderRows::SweepErased(erasure, dirty, version));
        }
        Member::Horizon(day) => {
            rows.extend([OrderRows::Freeze(day), OrderRows::Horizon(day)]);
            sweep = Some(OrderRows::Sweep(Arc::new(identity.identity().outside().clone())));
        }
    }
    let mut rows: Vec<Rows> = rows.into_iter().map(Rows::Orders).collect();
    rows.extend([Rows::Assignments(assignments, version), Rows::Customers(customers)]);
    rows.extend(sweep.map(Rows::Orders));
    rows.push(Rows::Orders(OrderRows::Done(place)));
    Ok(Carried { rows, customers: count })
}

/// What became of an order.
#[derive(Debug)]
pub struct Carried {
    pub rows: Vec<Rows>,
    /// Customers that were computed anew.
    pub customers: usize,
}
