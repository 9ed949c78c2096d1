//! What happens before the first record: events and facts stand under their strongest identifiers, readings are noted,
//! and customers that a new reading or an old row concerns are listed. In: an open store and the checked config. Out: the
//! stages' settings. What a crash left half-written is the identity stage's business.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tracing::info;

use crate::config::Config;
use crate::identity::{Keying, Order};
use crate::journey::Mode;
use crate::map::MapVersions;
use crate::orders::{Accepted, Asked, Ordered, Orders, Progress, Rebuilding};
use crate::pipeline::{self, Control, PipelineError, RunSummary, Stages, identity};
use crate::progress::{BarUnit, bar};
use crate::stage::orders::Known;
use crate::stage::reading::Reading;
use crate::stage::refold::Refold;
use crate::stage::{Log, Polled, PositionRow, Positions, Warehouse};
use crate::telemetry::Telemetry;
use crate::time::{Day, Timestamp};
use crate::warehouse::{Clickhouse, WarehouseError};

/// What a process begins with.
pub struct Start {
    pub stages: Stages,
    /// Those of the journey files; then, for as long as a new one is not complete, what its map is shown with.
    pub readings: Arc<Vec<Reading>>,
    /// Readings whose rows are not complete yet; shown once they are.
    pub new: Vec<usize>,
    /// Turns true when they are.
    pub switched: watch::Sender<bool>,
}

impl Start {
    /// Whether a reading is computed that nobody needs once all are complete.
    pub fn computes_more(&self, maps: &[Arc<MapVersions>]) -> bool {
        self.readings.len() > maps.len()
    }
}

/// `files`: the journey files' names and texts, stored with a new reading.
pub async fn load(
    store: &Clickhouse,
    config: &Arc<Config>,
    maps: &[Arc<MapVersions>],
    files: &[(String, String)],
) -> Result<Start, WarehouseError> {
    rekey(store, config).await?;
    let mut readings: Vec<Reading> = maps.iter().map(|map| Reading::new(map.clone(), Mode::Valid, config)).collect();
    let (mut new, mut anew, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    for (place, reading) in readings.iter().enumerate() {
        if !store.is_current(reading).await? {
            store.register_reading(reading, files).await?;
            // Rows of an earlier time when this reading was the current one may be of nobody any more.
            anew.extend(store.live_customers(reading).await?);
            new.push(place);
            shown.extend(shown_with(store, config, reading).await?);
        }
    }
    readings.extend(shown);
    let readings = Arc::new(readings);
    let known = known(store).await?;
    let outside = Arc::new(known.outside.clone());
    let identity = identity::Setting {
        config: config.clone(),
        epoch: None,
        refresh: config.refresh,
        orders: Orders::default(),
        outside: watch::channel(Arc::new(known)).0,
        anew,
        everybody: !new.is_empty(),
        hurry: watch::channel(false).1,
    };
    let positions = Positions::load(store.stored_positions(config).await?);
    let refold = Refold::new(config.clone(), readings.clone(), outside, None);
    let switched = watch::channel(false).0;
    Ok(Start { stages: Stages { positions, identity, refold }, readings, new, switched })
}

/// What is outside the function by the orders that are carried out.
pub async fn known(store: &Clickhouse) -> Result<Known, WarehouseError> {
    let orders = store.open_orders().await?;
    Ok(Known::of(&orders, store.outside().await?))
}

/// What a map is shown with until the new reading is complete, if this config can still compute it.
async fn shown_with(
    store: &Clickhouse,
    config: &Arc<Config>,
    new: &Reading,
) -> Result<Option<Reading>, WarehouseError> {
    let Some(id) = store.shown(&new.map.id, new.mode).await? else { return Ok(None) };
    let reading = store.reading(&id, config).await?;
    if reading.is_none() {
        info!(map = %new.map.id, "the figures that are shown stay as they are until the new ones are complete");
    }
    Ok(reading)
}

/// Runs the stages on a log until it ends or is told to stop; new readings are shown as soon as their figures are
/// complete.
pub async fn run<L: Log, W: Warehouse>(
    store: &Clickhouse,
    (log, warehouse): (&mut L, W),
    start: Start,
    files: &[(String, String)],
    (stop, clock, telemetry): (watch::Receiver<bool>, fn() -> Timestamp, Telemetry),
) -> Result<RunSummary, PipelineError> {
    let Start { stages, readings, new, switched } = start;
    store.forget_scratch(clock()).await.map_err(|e| PipelineError::Warehouse(Box::new(e)))?;
    let (swept, mut has_swept) = watch::channel(false);
    let control = Control { stop, swept, clock, telemetry };
    let running = pipeline::run(log, Arc::new(warehouse), stages, control);
    let showing = async {
        // Without it there is nothing to show; why, the pipeline tells.
        if has_swept.wait_for(|swept| *swept).await.is_err() {
            return Ok(());
        }
        show(store, &readings, &new, files).await?;
        switched.send_replace(true);
        Ok::<(), WarehouseError>(())
    };
    tokio::pin!(running, showing);
    let summary = tokio::select! {
        summary = &mut running => summary?,
        shown = &mut showing => {
            shown.map_err(|e| PipelineError::Warehouse(Box::new(e)))?;
            return running.await;
        }
    };
    showing.await.map_err(|e| PipelineError::Warehouse(Box::new(e)))?;
    Ok(summary)
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
    let (answer, answered) = oneshot::channel();
    // A fresh channel has room for one.
    start.stages.identity.orders.open().try_send(Asked::Order(Ordered { order, answer })).ok();
    let waited = Until::of(async { answered.await.ok() });
    let (accepted, _) = run_until((store, warehouse), start, files, clock, waited).await?;
    Ok(accepted)
}

/// Computes history once more where no flow runs: by one that ends with it. The number of customers.
pub async fn rebuild<W: Warehouse>(
    (store, warehouse): (&Clickhouse, W),
    mut start: Start,
    from: Option<Day>,
    files: &[(String, String)],
    clock: fn() -> Timestamp,
) -> Result<usize, PipelineError> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let asking = start.stages.identity.orders.open();
    // For a new reading everybody is computed in any case.
    let asked = start.new.is_empty().then_some(Asked::Rebuild(Rebuilding { from, tell }));
    // A fresh channel has room for one.
    asked.map(|asked| asking.try_send(asked).ok());
    let waited = Until::of(async move {
        let mut last = None;
        while let Some(progress) = told.recv().await {
            last = Some(progress);
        }
        last
    });
    let (last, summary) = run_until((store, warehouse), start, files, clock, waited).await?;
    Ok(last.map_or(0, |progress: Progress| progress.of).max(summary.customers_recomputed as usize))
}

/// Runs the stages until something is heard that was waited for.
async fn run_until<W: Warehouse, T: Send>(
    (store, warehouse): (&Clickhouse, W),
    start: Start,
    files: &[(String, String)],
    clock: fn() -> Timestamp,
    mut waited: Until<T>,
) -> Result<(Option<T>, RunSummary), PipelineError> {
    let (_go_on, stop) = watch::channel(false);
    let summary = run(store, (&mut waited, warehouse), start, files, (stop, clock, Telemetry::default())).await?;
    Ok((waited.heard, summary))
}

/// A log without records that ends once something is heard, or will never be.
struct Until<T> {
    waited: Option<Pin<Box<dyn Future<Output = Option<T>> + Send>>>,
    heard: Option<T>,
}

impl<T> Until<T> {
    fn of(waited: impl Future<Output = Option<T>> + Send + 'static) -> Self {
        Self { waited: Some(Box::pin(waited)), heard: None }
    }
}

impl<T: Send> Log for Until<T> {
    type Error = std::convert::Infallible;

    async fn poll(&mut self) -> Result<Polled, Self::Error> {
        if let Some(waited) = &mut self.waited {
            self.heard = waited.await;
            self.waited = None;
        }
        Ok(Polled::End)
    }

    async fn commit(&mut self, _: &[PositionRow]) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Shows readings whose rows are complete now, once their aggregates have counted them.
pub async fn show(
    store: &Clickhouse,
    readings: &[Reading],
    new: &[usize],
    files: &[(String, String)],
) -> Result<(), WarehouseError> {
    for reading in new.iter().map(|&place| &readings[place]) {
        let complete = store.row_versions(reading).await?;
        while !store.has_counted(reading, &complete).await? {
            tokio::time::sleep(COUNTING).await;
        }
        store.activate_reading(reading, files).await?;
        info!(map = %reading.map.id, reading = %reading.id, "the map's figures are computed with this reading now");
    }
    Ok(())
}

/// How often aggregates are looked at that a new reading waits for.
const COUNTING: std::time::Duration = std::time::Duration::from_millis(500);

/// Puts events and facts under their strongest identifier, if the kinds have another order than when they were stored. Nobody
/// may store any meanwhile: what comes then is not in the tables that take their place.
pub async fn rekey(store: &Clickhouse, config: &Config) -> Result<(), WarehouseError> {
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
