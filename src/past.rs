//! A past `as_of`: as it stood then, with what is known about identity now (semantics.md, "as_of decides silence"). In:
//! a store and a reading. Out: every customer's row computed from the sets with events up to that moment, and the daily
//! counts of those rows by the same SQL that fills the aggregates. Writes nothing that stays.

use std::sync::Arc;

use crate::aggregate::variants::StagePaths;
use crate::compare::EmpiricalMap;
use crate::config::Config;
use crate::journey::Mode;
use crate::map::MapVersions;
use crate::recompute::FromSets;
use crate::stage::CustomerRow;
use crate::stage::reading::Reading;
use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, WarehouseError};

/// Customers computed together.
const CHUNK: usize = 10_000;

/// The empirical map as it stood at `as_of`; `paths`: every path of stages, too. `nonce` tells apart the scratch tables of
/// concurrent askers.
pub async fn empirical_at(
    store: &Clickhouse,
    config: &Arc<Config>,
    map: &Arc<MapVersions>,
    (as_of, paths): (Timestamp, bool),
    nonce: Timestamp,
) -> Result<(EmpiricalMap, Option<StagePaths>), WarehouseError> {
    let rows = rows_at(store, config, map, as_of).await?;
    let reading = Reading::new(map.clone(), Mode::Valid, config);
    store.empirical_of(&reading, rows, (as_of, paths), nonce).await
}

/// The journeys as they stood at `as_of` in a table of their own: the reading they were computed with, and its name.
pub async fn set_aside(
    store: &Clickhouse,
    config: &Arc<Config>,
    map: &Arc<MapVersions>,
    as_of: Timestamp,
    nonce: Timestamp,
) -> Result<(Reading, String), WarehouseError> {
    let rows = rows_at(store, config, map, as_of).await?;
    let reading = Reading::new(map.clone(), Mode::Valid, config);
    let table = store.set_aside(&reading, &rows, nonce).await?;
    Ok((reading, table))
}

/// Every customer's row under one map, computed from the sets with events up to `as_of`.
pub async fn rows_at(
    store: &Clickhouse,
    config: &Arc<Config>,
    map: &Arc<MapVersions>,
    as_of: Timestamp,
) -> Result<Vec<CustomerRow>, WarehouseError> {
    let reading = Reading::new(map.clone(), Mode::Valid, config);
    let sets = FromSets::load(store, config, Arc::new(vec![reading]), Some(as_of)).await?;
    let customers: Vec<Arc<str>> = sets.identity().customers().collect();
    let mut rows = Vec::new();
    for chunk in customers.chunks(CHUNK) {
        rows.extend(sets.rows(store, chunk).await?);
    }
    Ok(rows)
}
