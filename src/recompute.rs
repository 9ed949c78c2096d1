//! Customers computed from the sets, whole: what the tables must hold, whoever asks. In: a store's sets, readings, perhaps
//! a cut in time. Out: rows, chunk by chunk. Writes nothing.

use std::sync::Arc;

use crate::config::Config;
use crate::identity::Identity;
use crate::stage::identity::IdentityStage;
use crate::stage::reading::Reading;
use crate::stage::refold::{Chunk, Refold};
use crate::stage::{CustomerRow, Version};
use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, WarehouseError};

/// Identity and journeys as the sets say now, apart from whatever a running process holds.
pub struct FromSets {
    identity: IdentityStage,
    refold: Refold,
}

impl FromSets {
    /// `cut`: events after it are left out.
    pub async fn load(
        store: &Clickhouse,
        config: &Arc<Config>,
        readings: Arc<Vec<Reading>>,
        cut: Option<Timestamp>,
    ) -> Result<Self, WarehouseError> {
        let identity = IdentityStage::load(config.clone(), store.sets().await?);
        Ok(Self::of(identity, config, readings, cut))
    }

    /// With identity as somebody has it.
    pub fn of(
        identity: IdentityStage,
        config: &Arc<Config>,
        readings: Arc<Vec<Reading>>,
        cut: Option<Timestamp>,
    ) -> Self {
        let outside = Arc::new(identity.identity().outside().clone());
        Self { identity, refold: Refold::new(config.clone(), readings, outside, cut) }
    }

    pub const fn identity(&self) -> &Identity {
        self.identity.identity()
    }

    /// The rows of these customers, one per reading; tombstones for those that are none.
    pub async fn rows(&self, store: &Clickhouse, customers: &[Arc<str>]) -> Result<Vec<CustomerRow>, WarehouseError> {
        let chunk = Chunk::of(&self.refold, self.identity(), customers);
        let events = store.events_of_nodes(&chunk.nodes()).await?;
        Ok(tokio::task::block_in_place(|| chunk.rows(&events, Version::default())))
    }
}
