//! What happens before the first record (pipeline.md, I6): claim an epoch, load all facts, mend what a crash left
//! half-written, recompute everything if the reading changed. In: an open store and the checked config. Out: stages
//! that stand exactly where the tables stand.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tracing::info;

use crate::config::Config;
use crate::identity::{Assignment, Identity, Keying, Order, OrderRecord};
use crate::journey::Mode;
use crate::map::MapVersions;
use crate::orders::{Accepted, Orders, carry_out_now};
use crate::progress::{BarUnit, bar};
use crate::stage::cache::NodeCache;
use crate::stage::identity::IdentityStage;
use crate::stage::journeys::JourneysStage;
use crate::stage::reading::Reading;
use crate::stage::watermark::Watermark;
use crate::stage::{Positions, Rows, Version};

use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, WarehouseError, Writer};

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
    pub orders: Orders,
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
    let sets = store.sets().await?;
    let nodes = sets.nodes.clone();
    let readings: Vec<Reading> = maps.iter().map(|map| Reading::new(map.clone(), Mode::Valid, config)).collect();
    let readings = Arc::new(readings);
    info!(facts = sets.facts.len(), nodes = nodes.len(), epoch, "store loaded");

    let cache = NodeCache::new(nodes.iter().cloned(), config.cache_bytes);
    let identity = IdentityStage::load(config.clone(), sets);
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
    let version = version.next();
    let (next, open) = store.open_orders().await?;
    let orders = Orders::from(next);
    let mut stages = Stages { identity, journeys, positions, watermark, version, readings, orders };
    for (place, record) in open {
        info!(place, "an order was accepted and not carried out to the end");
        stages.carry_out(store, (place, &record)).await?;
    }
    Ok(stages)
}

impl Stages {
    /// Accepts an order and carries it out, where no flow runs.
    pub async fn order(&mut self, store: &Clickhouse, order: &Order) -> Result<Accepted, WarehouseError> {
        let writer = Writer::new(store.clone(), self.readings.clone());
        let (place, record) = self.orders.accept(&writer, &self.identity, order).await?;
        self.carry_out(store, (place, &record)).await
    }

    async fn carry_out(&mut self, store: &Clickhouse, order: (u64, &OrderRecord)) -> Result<Accepted, WarehouseError> {
        let writer = Writer::new(store.clone(), self.readings.clone());
        self.version = self.version.next();
        let stages = (&mut self.identity, &mut self.journeys);
        carry_out_now(&writer, stages, order, self.version).await
    }
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
    let key = |a: &Assignment| (a.node.clone(), a.day);
    let stored: FxHashMap<_, _> = store.assignments().await?.into_iter().map(|a| (key(&a), a.customer)).collect();
    let mut wrong = Vec::new();
    let mut dirty = FxHashSet::default();
    let mut known = FxHashSet::default();
    for assignment in identity.assignments_all() {
        known.insert(key(&assignment));
        let before = stored.get(&key(&assignment));
        if before != Some(&assignment.customer) {
            dirty.extend(before.cloned().flatten());
            dirty.extend(assignment.customer.clone());
            wrong.push(assignment);
        }
    }
    for ((node, day), customer) in stored {
        if customer.is_some() && !known.contains(&(node.clone(), day)) {
            dirty.extend(customer);
            wrong.push(Assignment { node, day, customer: None });
        }
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
        let missing = journeys.missing(identity, chunk);
        let events = store.events_of_nodes(&missing).await?;
        let rows = tokio::task::block_in_place(|| {
            journeys.fill(&missing, &events);
            journeys.recompute(identity, chunk, version)
        });
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
