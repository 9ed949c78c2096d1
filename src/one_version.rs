//! All history under one version of a map, beside what is shown: what if it had always been valid? In: a store, a reading
//! of that mode, perhaps a day. Out: its rows and counts, as the sets say now. No stream keeps them up; computing them again
//! does. Nobody else writes rows of such a reading.

use std::sync::Arc;

use crate::config::Config;
use crate::progress::{BarUnit, bar};
use crate::recompute::FromSets;
use crate::stage::reading::Reading;
use crate::stage::{BUCKETS, Version};
use crate::time::{Day, Timestamp};
use crate::warehouse::{Clickhouse, WarehouseError};

/// Customers computed together.
const CHUNK: usize = 10_000;

/// What was computed.
#[derive(Clone, Copy, Debug)]
pub struct Computed {
    pub customers: usize,
    pub as_of: Timestamp,
}

/// `from`: only customers with an event on this day or later; the others stay as they were computed before. `files`: names
/// and texts of the journey files. `now`: tells this time from the one before. `None`: the store holds no events yet.
pub async fn compute(
    store: &Clickhouse,
    config: &Arc<Config>,
    reading: Reading,
    (from, files): (Option<Day>, &[(String, String)]),
    now: Timestamp,
) -> Result<Option<Computed>, WarehouseError> {
    let Some(as_of) = store.watermark().await? else { return Ok(None) };
    store.register_reading(&reading, files).await?;
    let readings = Arc::new(vec![reading]);
    let sets = FromSets::load(store, config, readings.clone(), None).await?;
    let identity = sets.identity();
    let mut customers: Vec<Arc<str>> = match from {
        None => identity.customers().collect(),
        Some(day) => identity.customers_of(&store.nodes_since(day).await?),
    };
    let computed = Computed { customers: customers.len(), as_of };
    // Rows of those who are no customers any more are taken back.
    customers.extend(store.live_customers(&readings[0]).await?.into_iter().filter(|name| !identity.is_customer(name)));
    let version = Version::of(0, now.micros() / 1_000_000);
    let progress = bar(customers.len() as u64, "recomputing customers", BarUnit::Count);
    for chunk in customers.chunks(CHUNK) {
        let mut rows = sets.rows(store, chunk).await?;
        rows.iter_mut().for_each(|row| row.version = version);
        store.insert_rows(crate::stage::Rows::Customers(rows), &readings).await?;
        progress.inc(chunk.len() as u64);
    }
    progress.finish_and_clear();
    let buckets: Vec<u8> = (0..BUCKETS).collect();
    store.refresh_aggregates(&readings, as_of, &buckets).await?;
    store.activate_reading(&readings[0], files).await?;
    Ok(Some(computed))
}
