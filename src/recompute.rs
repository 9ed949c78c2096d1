//! Customers computed from the sets, whole: what the tables must hold, whoever asks. In: a store's sets, readings, perhaps
//! a cut in time. Out: rows, chunk by chunk, and where the `identity` table says something else. Writes nothing.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::config::Config;
use crate::identity::{Assignment, Identity};
use crate::stage::cache::NodeCache;
use crate::stage::identity::IdentityStage;
use crate::stage::journeys::JourneysStage;
use crate::stage::reading::Reading;
use crate::stage::{CustomerRow, Version};
use crate::time::{Day, Timestamp};
use crate::warehouse::{Clickhouse, WarehouseError};

/// Identity and journeys as the sets say now, apart from whatever a running process holds.
pub struct FromSets {
    identity: IdentityStage,
    journeys: JourneysStage,
}

impl FromSets {
    /// `cut`: events after it are left out. `cache_bytes`: how much to remember of customers that share nodes.
    pub async fn load(
        store: &Clickhouse,
        config: &Arc<Config>,
        readings: Arc<Vec<Reading>>,
        cut: Option<Timestamp>,
        cache_bytes: u64,
    ) -> Result<Self, WarehouseError> {
        let nodes = store.nodes().await?;
        let cache = NodeCache::new(nodes.iter().cloned(), cache_bytes);
        let identity = IdentityStage::load(config.clone(), store.facts().await?, nodes);
        Ok(Self { identity, journeys: JourneysStage::new(config.clone(), readings, cache, cut) })
    }

    pub fn identity(&self) -> &Identity {
        self.identity.identity()
    }

    /// The rows of these customers, one per reading; tombstones for those that are none.
    pub async fn rows(
        &mut self,
        store: &Clickhouse,
        customers: &[Arc<str>],
    ) -> Result<Vec<CustomerRow>, WarehouseError> {
        rows(store, self.identity.identity(), &mut self.journeys, customers, Version::default()).await
    }
}

/// Recomputes customers, reading what the cache lacks.
pub async fn rows(
    store: &Clickhouse,
    identity: &Identity,
    journeys: &mut JourneysStage,
    customers: &[Arc<str>],
    version: Version,
) -> Result<Vec<CustomerRow>, WarehouseError> {
    let missing = journeys.missing(identity, customers);
    let events = store.events_of_nodes(&missing).await?;
    Ok(tokio::task::block_in_place(|| {
        journeys.fill(&missing, &events);
        journeys.recompute(identity, customers, version)
    }))
}

/// A row of `identity` that does not say what the facts say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Displaced {
    pub node: Arc<str>,
    pub day: Option<Day>,
    /// `None`: there is no row; `Some(None)`: a row that says "no customer".
    pub stands: Option<Option<Arc<str>>>,
    pub should: Option<Arc<str>>,
}

/// Where stored assignments differ from what the facts say. Both sides are of the same nodes.
pub fn displaced(should: impl IntoIterator<Item = Assignment>, stored: Vec<Assignment>) -> Vec<Displaced> {
    let mut stored: FxHashMap<_, _> = stored.into_iter().map(|a| ((a.node, a.day), a.customer)).collect();
    let mut wrong = Vec::new();
    for Assignment { node, day, customer: should } in should {
        let stands = stored.remove(&(node.clone(), day));
        if stands.as_ref() != Some(&should) {
            wrong.push(Displaced { node, day, stands, should });
        }
    }
    let ghosts = stored.into_iter().filter(|(_, customer)| customer.is_some());
    wrong.extend(ghosts.map(|((node, day), stands)| Displaced { node, day, stands: Some(stands), should: None }));
    wrong
}
