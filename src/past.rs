//! A past `as_of`: as it stood then, with what is known about identity now (semantics.md, "as_of decides silence"). In:
//! a store and a reading. Out: every customer's row computed from the sets with events up to that moment, block by block, and
//! the daily counts of those rows by the same SQL that fills the aggregates. Writes nothing that stays.

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
use crate::warehouse::{Clickhouse, Scratch, WarehouseError};

/// Customers computed together.
const CHUNK: usize = 10_000;

/// Every customer's row under one map, computed from the sets with events up to a moment.
pub struct PastRows {
    sets: FromSets,
    customers: Vec<Arc<str>>,
}

impl PastRows {
    pub async fn at(
        store: &Clickhouse,
        config: &Arc<Config>,
        map: &Arc<MapVersions>,
        as_of: Timestamp,
    ) -> Result<Self, WarehouseError> {
        let reading = Reading::new(map.clone(), Mode::Valid, config);
        let sets = FromSets::load(store, config, Arc::new(vec![reading]), Some(as_of)).await?;
        let customers = sets.identity().customers().collect();
        Ok(Self { sets, customers })
    }

    /// The next block of them; `None`: there are no more.
    pub async fn next(&mut self, store: &Clickhouse) -> Result<Option<Vec<CustomerRow>>, WarehouseError> {
        if self.customers.is_empty() {
            return Ok(None);
        }
        let chunk = self.customers.split_off(self.customers.len().saturating_sub(CHUNK));
        self.sets.rows(store, &chunk).await.map(Some)
    }
}

/// The journeys as they stood at `as_of`: the reading they were computed with, and a table of their own. `nonce` tells apart
/// the tables of concurrent askers.
pub async fn set_aside(
    store: &Clickhouse,
    config: &Arc<Config>,
    map: &Arc<MapVersions>,
    as_of: Timestamp,
    nonce: Timestamp,
) -> Result<(Reading, Scratch), WarehouseError> {
    let reading = Reading::new(map.clone(), Mode::Valid, config);
    let mut rows = PastRows::at(store, config, map, as_of).await?;
    let scratch = store.scratch(&reading, nonce).await?;
    while let Some(block) = rows.next(store).await? {
        scratch.add(&block, &reading).await?;
    }
    Ok((reading, scratch))
}

/// The empirical map as it stood at `as_of`; `paths`: every path of stages, too.
pub async fn empirical_at(
    store: &Clickhouse,
    config: &Arc<Config>,
    map: &Arc<MapVersions>,
    (as_of, paths): (Timestamp, bool),
    nonce: Timestamp,
) -> Result<(EmpiricalMap, Option<StagePaths>), WarehouseError> {
    let (reading, scratch) = set_aside(store, config, map, as_of, nonce).await?;
    let counted = store.empirical_of(&reading, &scratch, (as_of, paths)).await?;
    scratch.close().await?;
    Ok(counted)
}
