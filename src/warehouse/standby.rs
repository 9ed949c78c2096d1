//! Identity kept up by a process that stands by. In: a store that somebody else writes to. Out: identity as the sets say at
//! the moment of taking over, without reading all of them then. It applies only what is stored, and writes nothing.
//!
//! What is new is read by the parts of the tables that were written since the last look: a part that was merged meanwhile
//! brings more than is new, never less, and a member of a set counts once.

use std::sync::Arc;

use clickhouse::Row;
use serde::Deserialize;
use tokio::sync::Mutex;
use tracing::debug;

use super::{Clickhouse, WarehouseError};
use crate::config::Config;
use crate::stage::identity::IdentityStage;

/// Clocks of the servers of a cluster may differ by so many seconds.
const SLACK: i64 = 60;

#[derive(Row, Deserialize)]
struct Seconds {
    seconds: i64,
}

/// Identity as of the last look.
#[derive(Debug)]
struct Kept {
    stage: IdentityStage,
    /// The servers' clock before the look.
    looked_at: i64,
    /// The place of the next order: an order may take members out of the function, so all is read again after one.
    orders: u64,
}

/// Shared by whoever keeps it up and whoever takes it over.
#[derive(Clone, Debug, Default)]
pub struct Standby(Arc<Mutex<Option<Kept>>>);

impl Standby {
    /// Brings it to where the sets stand now.
    pub async fn catch_up(&self, store: &Clickhouse, config: &Arc<Config>) -> Result<(), WarehouseError> {
        let mut kept = self.0.lock().await;
        *kept = Some(caught_up(kept.take(), store, config).await?);
        Ok(())
    }

    /// Identity as the sets say now; `None`: nobody has kept it up.
    pub async fn take_over(
        &self,
        store: &Clickhouse,
        config: &Arc<Config>,
    ) -> Result<Option<IdentityStage>, WarehouseError> {
        let Some(kept) = self.0.lock().await.take() else { return Ok(None) };
        Ok(Some(caught_up(Some(kept), store, config).await?.stage))
    }
}

async fn caught_up(kept: Option<Kept>, store: &Clickhouse, config: &Arc<Config>) -> Result<Kept, WarehouseError> {
    let seconds = store.fetch::<Seconds>("SELECT toInt64(toUnixTimestamp(now())) AS seconds").await?;
    let looked_at = seconds.first().map_or(0, |s| s.seconds);
    let orders = store.open_orders().await?.0;
    if let Some(mut kept) = kept.filter(|kept| kept.orders == orders) {
        let outside = kept.stage.identity().outside().clone();
        let since = kept.looked_at - SLACK;
        let facts = store.facts_where(&store.written_since("identity_facts", since)).await?;
        let nodes = store.nodes_where(&outside, &store.written_since("events", since)).await?;
        debug!(facts = facts.len(), nodes = nodes.len(), "identity is kept up");
        tokio::task::block_in_place(|| kept.stage.learn(facts, nodes));
        return Ok(Kept { looked_at, ..kept });
    }
    let sets = store.sets().await?;
    debug!(facts = sets.facts.len(), nodes = sets.nodes.len(), "identity is loaded to be kept up");
    let stage = tokio::task::block_in_place(|| IdentityStage::load(config.clone(), sets));
    Ok(Kept { stage, looked_at, orders })
}

impl Clickhouse {
    /// A condition on rows of a table: those in parts that were written since, and perhaps more.
    fn written_since(&self, table: &str, seconds: i64) -> String {
        let (parts, table) = match &self.cluster {
            Some(cluster) => {
                (format!("clusterAllReplicas('{}', system.parts)", cluster.name), format!("{table}_local"))
            }
            None => ("system.parts".to_owned(), table.to_owned()),
        };
        format!(
            "_part IN (SELECT name FROM {parts} WHERE database = currentDatabase() AND table = '{table}' \
             AND active AND toInt64(toUnixTimestamp(modification_time)) >= {seconds})"
        )
    }
}
