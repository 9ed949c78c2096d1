//! What happens before the first record: events and facts stand under their strongest identifiers, readings are noted,
//! and customers that a new reading or an old row concerns are listed. In: an open store and the checked config. Out: the
//! stages' settings. What a crash left half-written is the identity stage's business.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use tracing::info;

use crate::config::Config;
use crate::identity::{Keying, Order};
use crate::journey::Mode;
use crate::map::MapVersions;
use crate::orders::{Accepted, Ordered, Orders};
use crate::pipeline::{self, Control, PipelineError, RunSummary, Stages, identity};
use crate::progress::{BarUnit, bar};
use crate::stage::orders::Known;
use crate::stage::reading::Reading;
use crate::stage::refold::Refold;
use crate::stage::{Log, Polled, PositionRow, Positions, Warehouse};
use crate::telemetry::Telemetry;
use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, WarehouseError};

/// What a process begins with.
pub struct Start {
    pub stages: Stages,
    pub readings: Arc<Vec<Reading>>,
    /// Readings whose rows are not complete yet; shown once they are.
    pub new: Vec<usize>,
}

/// `files`: the journey files' names and texts, stored with a new reading.
pub async fn load(
    store: &Clickhouse,
    config: &Arc<Config>,
    maps: &[Arc<MapVersions>],
    files: &[(String, String)],
) -> Result<Start, WarehouseError> {
    rekey(store, config).await?;
    let readings: Vec<Reading> = maps.iter().map(|map| Reading::new(map.clone(), Mode::Valid, config)).collect();
    let (mut new, mut anew) = (Vec::new(), Vec::new());
    for (place, reading) in readings.iter().enumerate() {
        if !store.is_current(reading).await? {
            store.register_reading(reading, files).await?;
            // Rows of an earlier time when this reading was the current one may be of nobody any more.
            anew.extend(store.live_customers(reading).await?);
            new.push(place);
        }
    }
    let readings = Arc::new(readings);
    let known = Known { orders: store.open_orders().await?.0 - 1, outside: store.outside().await? };
    let outside = Arc::new(known.outside.clone());
    let identity = identity::Setting {
        config: config.clone(),
        epoch: None,
        refresh: config.refresh,
        orders: Orders::default(),
        outside: watch::channel(Arc::new(known)).0,
        anew,
        everybody: !new.is_empty(),
    };
    let positions = Positions::load(store.stored_positions(config).await?);
    let refold = Refold::new(config.clone(), readings.clone(), outside, None);
    Ok(Start { stages: Stages { positions, identity, refold }, readings, new })
}

/// Runs the stages on a log until it ends or is told to stop; new readings are shown as soon as their rows are complete.
pub async fn run<L: Log, W: Warehouse>(
    store: &Clickhouse,
    (log, warehouse): (&mut L, W),
    start: Start,
    files: &[(String, String)],
    (stop, clock, telemetry): (watch::Receiver<bool>, fn() -> Timestamp, Telemetry),
) -> Result<RunSummary, PipelineError> {
    let Start { stages, readings, new } = start;
    let (started, mut has_started) = watch::channel(false);
    let control = Control { stop, started, clock, telemetry };
    let showing = async {
        // An error of the pipeline ends the wait as well, and is told by it.
        match has_started.wait_for(|started| *started).await {
            Ok(_) => show(store, &readings, &new, files).await,
            Err(_) => Ok(()),
        }
    };
    let (summary, shown) = tokio::join!(pipeline::run(log, Arc::new(warehouse), stages, control), showing);
    shown.map_err(|e| PipelineError::Warehouse(Box::new(e)))?;
    summary
}

/// Carries an order out where no flow runs: by one that ends with it.
pub async fn order<W: Warehouse>(
    store: &Clickhouse,
    warehouse: W,
    mut start: Start,
    order: Order,
    files: &[(String, String)],
    clock: fn() -> Timestamp,
) -> Result<Option<Accepted>, PipelineError> {
    let (to, answered) = oneshot::channel();
    let asking = start.stages.identity.orders.open();
    // A fresh channel has room for one.
    asking.try_send(Ordered { order, answer: to }).ok();
    let mut log = UntilAnswered { answered, accepted: None };
    let (_go_on, stop) = watch::channel(false);
    run(store, (&mut log, warehouse), start, files, (stop, clock, Telemetry::default())).await?;
    Ok(log.accepted)
}

/// A log without records that ends when an order is answered.
struct UntilAnswered {
    answered: oneshot::Receiver<Accepted>,
    accepted: Option<Accepted>,
}

impl Log for UntilAnswered {
    type Error = std::convert::Infallible;

    async fn poll(&mut self) -> Result<Polled, Self::Error> {
        if self.accepted.is_none() {
            self.accepted = (&mut self.answered).await.ok();
        }
        Ok(Polled::End)
    }

    async fn commit(&mut self, _: &[PositionRow]) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Shows readings whose rows are complete now.
pub async fn show(
    store: &Clickhouse,
    readings: &[Reading],
    new: &[usize],
    files: &[(String, String)],
) -> Result<(), WarehouseError> {
    for reading in new.iter().map(|&place| &readings[place]) {
        store.activate_reading(reading, files).await?;
        info!(map = %reading.map.id, reading = %reading.id, "the map's figures are computed with this reading now");
    }
    Ok(())
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
