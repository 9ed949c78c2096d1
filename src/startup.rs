//! What happens before the first record (pipeline.md, I6): claim an epoch, load all facts, mend what a crash left
//! half-written, recompute everything if the reading changed. In: an open store and the checked config. Out: stages
//! that stand exactly where the tables stand.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use tracing::info;

use crate::config::Config;
use crate::identity::{Assignment, Identity, Keying, displaced};
use crate::journey::Mode;
use crate::map::MapVersions;
use crate::progress::{BarUnit, bar};
use crate::recompute::rows;
use crate::stage::cache::NodeCache;
use crate::stage::identity::IdentityStage;
use crate::stage::journeys::JourneysStage;
use crate::stage::reading::Reading;
use crate::stage::watermark::Watermark;
use crate::stage::{Positions, Rows, Version};

use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, WarehouseError};

/// Customers recomputed and written together.
pub const CHUNK: usize = 10_000;

/// The stages as they stand once the store is right.
pub struct Stages {
    pub identity: IdentityStage,
    pub journeys: JourneysStage,
    pub positions: Positions,
    pub watermark: Watermark,
    pub version: Version,
    pub readings: Arc<Vec<Reading>>,
}

/// Brings the store to where its sets and the reading say it stands, and loads the stages. `files`: the journey files'
/// names and texts, stored with a new reading.
pub async fn load(
    store: &Clickhouse,
    config: &Arc<Config>,
    maps: &[Arc<MapVersions>],
    files: &[(String, String)],
    now: Timestamp,
) -> Result<Stages, WarehouseError> {
    let epoch = store.claim_epoch().await?;
    let version = Version::first_of(epoch);
    rekey(store, config).await?;
    let facts = store.facts().await?;
    let nodes = store.nodes().await?;
    let readings: Vec<Reading> = maps.iter().map(|map| Reading::new(map.clone(), Mode::Valid, config)).collect();
    let readings = Arc::new(readings);
    info!(facts = facts.len(), nodes = nodes.len(), epoch, "store loaded");

    let cache = NodeCache::new(nodes.iter().cloned(), config.cache_bytes);
    let identity = IdentityStage::load(config.clone(), facts, nodes);
    let mut journeys = JourneysStage::new(config.clone(), readings.clone(), cache, None);
    let positions = Positions::load(store.positions(config).await?);
    let watermark = watermark(store, config, &positions, now).await?;

    let mut dirty = mend_identity(store, identity.identity(), version).await?;
    let mut activate = Vec::new();
    for reading in readings.iter() {
        if store.is_current(reading).await? {
            dirty.extend(store.stale_customers(reading, identity.identity()).await?);
        } else {
            activate.push(reading);
            dirty.extend(identity.identity().customers());
            dirty.extend(store.live_customers(reading).await?);
        }
    }
    for reading in &activate {
        store.register_reading(reading, files).await?;
    }
    let dirty: Vec<Arc<str>> = sorted(dirty);
    recompute(store, &readings, identity.identity(), &mut journeys, &dirty, version).await?;
    for reading in activate {
        store.activate_reading(reading, files).await?;
        info!(map = %reading.map.id, reading = %reading.id, "the map's figures are computed with this reading now");
    }
    Ok(Stages { identity, journeys, positions, watermark, version: version.next(), readings })
}

/// Puts events and facts under their strongest identifier, if the kinds have another order than when they were stored.
async fn rekey(store: &Clickhouse, config: &Config) -> Result<(), WarehouseError> {
    let keying = Keying::of(&config.identifiers.kinds);
    if store.keying().await?.as_deref() == Some(&*keying.as_text()) {
        return Ok(());
    }
    let events = store.count_events().await?;
    if events > 0 {
        info!(order = keying.as_text(), "kinds of identifiers stand in another order: events and facts are keyed anew");
        let progress = bar(events, "keying events anew", BarUnit::Count);
        let changed = store.rekey(&keying, |n| progress.inc(n)).await?;
        progress.finish_and_clear();
        info!(events, changed, "events and facts are keyed anew");
    }
    store.note_keying(&keying).await
}

async fn watermark(
    store: &Clickhouse,
    config: &Arc<Config>,
    positions: &Positions,
    now: Timestamp,
) -> Result<Watermark, WarehouseError> {
    let mut watermark = Watermark::new(config.clone(), store.watermark().await?, now);
    for row in positions.iter() {
        watermark.observe(row, now);
    }
    Ok(watermark)
}

/// Rewrites identity rows that differ from what the facts say; returns the customers of both.
async fn mend_identity(
    store: &Clickhouse,
    identity: &Identity,
    version: Version,
) -> Result<FxHashSet<Arc<str>>, WarehouseError> {
    let mut wrong = Vec::new();
    let mut dirty = FxHashSet::default();
    for row in displaced(identity.assignments_all(), store.assignments().await?) {
        dirty.extend(row.stands.flatten());
        dirty.extend(row.should.clone());
        wrong.push(Assignment { node: row.node, day: row.day, customer: row.should });
    }
    if !wrong.is_empty() {
        info!(rows = wrong.len(), "identity rows mended");
        store.insert_rows(Rows::Assignments(wrong, version), &[]).await?;
    }
    Ok(dirty)
}

/// Recomputes customers chunk by chunk, reading what the cache lacks.
pub async fn recompute(
    store: &Clickhouse,
    readings: &[Reading],
    identity: &Identity,
    journeys: &mut JourneysStage,
    customers: &[Arc<str>],
    version: Version,
) -> Result<(), WarehouseError> {
    let progress = bar(customers.len() as u64, "recomputing customers", BarUnit::Count);
    if customers.is_empty() {
        progress.finish_and_clear();
        return Ok(());
    }
    info!(customers = customers.len(), "recomputing");
    for chunk in customers.chunks(CHUNK) {
        let rows = rows(store, identity, journeys, chunk, version).await?;
        store.insert_rows(Rows::Customers(rows), readings).await?;
        progress.inc(chunk.len() as u64);
    }
    progress.finish_and_clear();
    Ok(())
}

fn sorted(set: FxHashSet<Arc<str>>) -> Vec<Arc<str>> {
    let mut list: Vec<_> = set.into_iter().collect();
    list.sort_unstable();
    list
}
