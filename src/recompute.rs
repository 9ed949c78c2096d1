//! Customers computed from the sets, whole: what the tables must hold, whoever asks. In: a store's sets, readings, perhaps
//! a cut in time. Out: rows, chunk by chunk. Writes nothing.

use std::sync::Arc;

use crate::config::Config;
use crate::identity::Identity;
use crate::stage::cache::NodeCache;
use crate::stage::identity::IdentityStage;
use crate::stage::journeys::JourneysStage;
use crate::stage::reading::Reading;
use crate::stage::{CustomerRow, Version};
use crate::time::Timestamp;
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
