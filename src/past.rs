//! A past `as_of`: as it stood then, with what is known about identity now (semantics.md, "as_of decides silence"). In:
//! a store and a reading. Out: every customer's row computed from the sets with events up to that moment, and the daily
//! counts of those rows by the same SQL that fills the aggregates. Writes nothing that stays.

use std::sync::Arc;

use crate::compare::EmpiricalMap;
use crate::config::Config;
use crate::journey::Mode;
use crate::map::MapVersions;
use crate::stage::identity::IdentityStage;
use crate::stage::reading::Reading;
use crate::stage::refold::{Chunk, Refold};
use crate::stage::{CustomerRow, Version};
use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, WarehouseError};

/// Customers computed together.
const CHUNK: usize = 10_000;

/// The empirical map as it stood at `as_of`. `nonce` tells apart the scratch tables of concurrent askers.
pub async fn empirical_at(
    store: &Clickhouse,
    config: &Arc<Config>,
    map: &Arc<MapVersions>,
    as_of: Timestamp,
    nonce: Timestamp,
) -> Result<EmpiricalMap, WarehouseError> {
    let rows = rows_at(store, config, map, as_of).await?;
    let reading = Reading::new(map.clone(), Mode::Valid, config);
    store.empirical_of(&reading, rows, as_of, nonce).await
}

/// Every customer's row under one map, computed from the sets with events up to `as_of`.
pub async fn rows_at(
    store: &Clickhouse,
    config: &Arc<Config>,
    map: &Arc<MapVersions>,
    as_of: Timestamp,
) -> Result<Vec<CustomerRow>, WarehouseError> {
    let reading = Reading::new(map.clone(), Mode::Valid, config);
    let sets = store.sets().await?;
    let outside = Arc::new(sets.outside.clone());
    let identity = IdentityStage::load(config.clone(), sets);
    let refold = Refold::new(config.clone(), Arc::new(vec![reading]), outside, Some(as_of));
    let customers: Vec<Arc<str>> = identity.identity().customers().collect();
    let mut rows = Vec::new();
    for customers in customers.chunks(CHUNK) {
        let chunk = Chunk::of(&refold, identity.identity(), customers);
        let events = store.events_of_nodes(&chunk.nodes()).await?;
        rows.extend(chunk.rows(&events, Version::default()));
    }
    Ok(rows)
}
