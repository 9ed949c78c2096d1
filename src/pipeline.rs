//! The flow, once, top to bottom: ingest stores what the sources give, identity finds out whose it is, journeys recompute
//! those customers; each stage tells the next, and hears back when all that follows is settled. In: a log, a warehouse.
//! Out: tables that follow from the sets. The only place that logs and counts per batch; it knows nothing of the domain.
//!
//! ```text
//!  log ─batch─> ingest ─Notice─> identity ─Announced─> journeys
//!               INSERT events    INSERT facts          INSERT customer rows
//!               and rejects      ... identity rows     refresh due aggregates
//!  log.commit <─ positions <──── settled <──────────── settled
//! ```

mod again;
pub mod identity;
pub mod ingest;
pub mod journeys;
mod pace;
pub mod queue;
mod sweep;
mod writer;

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::stage::journeys::JourneysStage;
use crate::stage::refold::Refold;
use crate::stage::{Cut, Host, Log, Positions, Warehouse};
use crate::telemetry::Telemetry;
use crate::time::Timestamp;
use queue::queue;

/// What one process is run with beside its log and its warehouse.
pub struct Control {
    /// Turns true when the process shall drain, write, commit and leave.
    pub stop: watch::Receiver<bool>,
    /// Turns true when the rows of every new reading are complete.
    pub swept: watch::Sender<bool>,
    pub clock: fn() -> Timestamp,
    pub telemetry: Telemetry,
}

/// The stages' own settings.
pub struct Stages {
    pub positions: Positions,
    pub identity: identity::Setting,
    pub refold: Refold,
}

/// What a run did; printed at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunSummary {
    pub records: u64,
    pub events: u64,
    pub dead_letters: u64,
    pub customers_recomputed: u64,
    pub as_of: Option<Timestamp>,
}

#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error("the warehouse refused data: {0}")]
    Warehouse(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the source failed: {0}")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(
        "another process has begun to write to this store: this one stops, what it has not committed is read again there\n  \
         hint: one `tropa run` or `tropa import` at a time on a server; for several processes see `--role`"
    )]
    Replaced,
    #[error("a stage of the pipeline cannot be reached: {0}")]
    StageGone(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The other end of a queue has ended.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it has stopped; the log above says why")]
pub struct Gone;

fn warehouse(e: impl std::error::Error + Send + Sync + 'static) -> PipelineError {
    PipelineError::Warehouse(Box::new(e))
}

fn source(e: impl std::error::Error + Send + Sync + 'static) -> PipelineError {
    PipelineError::Source(Box::new(e))
}

fn closed(e: impl std::error::Error + Send + Sync + 'static) -> PipelineError {
    PipelineError::StageGone(Box::new(e))
}

/// The epoch of a process that runs all stages, else one claimed now.
async fn epoch<W: Warehouse>(given: Option<u64>, store: &W) -> Result<u64, PipelineError> {
    match given {
        Some(epoch) => Ok(epoch),
        None => store.claim_epoch().await.map_err(warehouse),
    }
}

/// Messages that may wait between two stages.
const WAITING: usize = 1;

/// Runs all stages in one process until the log ends or it is told to stop; then everything taken is written and
/// committed.
pub async fn run<L: Log, W: Warehouse>(
    log: &mut L,
    store: Arc<W>,
    stages: Stages,
    control: Control,
) -> Result<RunSummary, PipelineError> {
    let Control { mut stop, swept, clock, telemetry } = control;
    let Stages { positions, identity: mut setting, refold } = stages;
    let outside = setting.outside.subscribe();
    let epoch = Some(epoch(None, &*store).await?);
    setting.epoch = epoch;
    let cache = refold.config().cache_bytes;
    let host = Machine { clock, tick: setting.refresh.min(TICK) };
    let (mut notices, mut notices_in) = queue(WAITING);
    let (mut announced, mut announced_in) = queue(WAITING);
    // Only the first stage is told to stop; the others end when the one before has ended.
    let (_going, go_on) = watch::channel(false);
    let (hasten, hurry) = watch::channel(false);
    setting.hurry = hurry;

    let resolving = tokio::spawn({
        let (store, telemetry, told) = (store.clone(), telemetry.clone(), (go_on.clone(), swept));
        async move {
            let ends = (&mut notices_in, &mut announced);
            identity::run(&host, &*store, ends, setting, told, &telemetry).await
        }
    });
    let recomputing = tokio::spawn({
        let (store, stage, told) = (store.clone(), JourneysStage::new(refold, cache), (go_on, telemetry.clone()));
        async move { journeys::run(&host, store, &mut announced_in, stage, (Cut::NONE, epoch), told).await }
    });
    let watching = (stop.clone(), (telemetry, clock));
    let ingested = ingest::run(log, &*store, &mut notices, (positions, outside, epoch), watching).await;
    drop(notices);
    if ingested.is_err() {
        hasten.send_replace(true);
    }
    let ending = async { (join(resolving).await, join(recomputing).await) };
    tokio::pin!(ending);
    let (resolved, recomputed) = tokio::select! {
        ended = &mut ending => ended,
        // A log that has ended leaves time for history; somebody who wants the process to leave does not.
        true = async { stop.wait_for(|stop| *stop).await.is_ok() } => {
            hasten.send_replace(true);
            ending.await
        }
    };
    // The stage that failed first explains the others.
    let errors = [ingested.as_ref().err(), resolved.as_ref().err(), recomputed.as_ref().err()];
    let first = errors.iter().position(|e| e.is_some_and(|e| !matches!(e, PipelineError::StageGone(_))));
    match (first, ingested, resolved, recomputed) {
        (Some(0), Err(e), _, _) | (Some(1), _, Err(e), _) | (Some(2), _, _, Err(e)) => Err(e),
        (_, Ok(ingested), Ok(()), Ok(recomputed)) => Ok(RunSummary {
            records: ingested.records,
            events: ingested.events,
            dead_letters: ingested.dead_letters,
            customers_recomputed: recomputed.customers,
            as_of: recomputed.as_of,
        }),
        (_, Err(e), _, _) | (_, _, Err(e), _) | (_, _, _, Err(e)) => Err(e),
    }
}

async fn join<T>(task: JoinHandle<Result<T, PipelineError>>) -> Result<T, PipelineError> {
    task.await.map_err(closed)?
}

/// How often stages look whether something is due by time.
pub const TICK: std::time::Duration = std::time::Duration::from_secs(5);

/// The host of a real process.
#[derive(Clone, Copy)]
pub struct Machine {
    pub clock: fn() -> Timestamp,
    pub tick: std::time::Duration,
}

impl Host for Machine {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn heavy<T>(&self, work: impl FnOnce() -> T) -> T {
        tokio::task::block_in_place(work)
    }

    async fn tick(&self) {
        tokio::time::sleep(self.tick).await;
    }

    fn beside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Pin<Box<dyn Future<Output = T> + Send>> {
        let running = Aborting(tokio::spawn(work));
        Box::pin(async move {
            let mut running = running;
            match (&mut running.0).await {
                Ok(done) => done,
                Err(broken) => std::panic::resume_unwind(broken.into_panic()),
            }
        })
    }
}

/// Work that ends with its handle.
struct Aborting<T>(JoinHandle<T>);

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
