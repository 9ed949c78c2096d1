//! The flow, once, top to bottom: take a batch; decode has happened on the source's thread; insert its events; find
//! whose they are; recompute those customers; write; commit. In: a log, a warehouse and the loaded stages. Out: tables
//! that follow from the sets. The only place that logs and counts per batch; it knows nothing of the domain.
//!
//! ```text
//!  log ─batch─> store ─stored─> compute ─derived─> write ─positions─> log.commit
//!               INSERT events   identity           INSERT facts, identity, customers, positions
//!               and rejects     journeys           refresh due aggregates
//! ```

mod write;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tracing::{debug, info};

use crate::event::Event;
use crate::source::{DecodedBatch, Progress};
use crate::stage::identity::IdentityStage;
use crate::stage::journeys::JourneysStage;
use crate::stage::{Aggregates, Log, Polled, PositionRow, Positions, Rows, Version, Warehouse};
use crate::startup::Stages;
use crate::telemetry::Telemetry;
use crate::time::Timestamp;

/// Where the process may be watched and told to stop.
pub struct Control {
    /// Turns true when the process shall drain, write, commit and leave.
    pub stop: watch::Receiver<bool>,
    /// Aggregates are refreshed at most this often.
    pub refresh: Duration,
    pub clock: fn() -> Timestamp,
    pub telemetry: Telemetry,
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
    #[error("a stage of the pipeline stopped; the log above says why")]
    StageGone,
}

fn warehouse(e: impl std::error::Error + Send + Sync + 'static) -> PipelineError {
    PipelineError::Warehouse(Box::new(e))
}

/// A batch whose events ClickHouse has acknowledged (I1).
struct Stored {
    events: Arc<Vec<Event>>,
    progress: Vec<Progress>,
    dead_letters: usize,
}

/// Everything that follows from a batch, to be written before its positions are.
struct Derived {
    rows: Vec<Rows>,
    positions: Vec<PositionRow>,
    summary: RunSummary,
}

/// Runs until the log ends or the process is told to stop; then everything taken is written and committed.
pub async fn run<L: Log, W: Aggregates>(
    log: &mut L,
    store: Arc<W>,
    stages: Stages,
    control: Control,
) -> Result<RunSummary, PipelineError> {
    let Control { mut stop, refresh, clock, telemetry } = control;
    let (batches, batches_in) = mpsc::channel::<DecodedBatch>(1);
    let (stored_out, stored_in) = mpsc::channel::<Stored>(2);
    let (derived_out, derived_in) = mpsc::channel::<Derived>(1);
    let (committed_out, mut committed) = mpsc::channel::<Vec<PositionRow>>(64);
    let Stages { identity, journeys, positions, watermark, version, .. } = stages;

    let storing = tokio::spawn(store_batches(store.clone(), batches_in, stored_out, telemetry.clone()));
    let computing = {
        let stages = (identity, journeys, positions, version);
        tokio::spawn(compute(store.clone(), stored_in, derived_out, stages, telemetry.clone()))
    };
    let writing = tokio::spawn(write::write(store, derived_in, committed_out, watermark, (refresh, clock, telemetry)));

    // Taking: poll whenever the next stage has room; a full queue is the back-pressure.
    let mut open = true;
    let mut held: Option<DecodedBatch> = None;
    // A source that fails ends the taking; what was taken is written and committed all the same.
    let mut failed: Option<PipelineError> = None;
    while failed.is_none() {
        tokio::select! {
            biased;
            done = committed.recv() => match done {
                Some(positions) => failed = log.commit(&positions).await.map_err(source).err(),
                None => break,
            },
            () = batches.closed() => break,
            permit = batches.reserve(), if held.is_some() => match (permit, held.take()) {
                (Ok(permit), Some(batch)) => permit.send(batch),
                _ => break,
            },
            changed = stop.changed(), if open => {
                open = changed.is_ok() && !*stop.borrow();
                if !open { info!("stopping: what was taken is written and committed first"); break; }
            }
            polled = log.poll(), if open && held.is_none() => {
                match polled {
                    Ok(Polled::Batch(batch)) => held = Some(batch),
                    Ok(Polled::Quiet) => {}
                    Ok(Polled::End) => break,
                    Err(e) => failed = Some(source(e)),
                }
            }
        }
    }
    if let Some(batch) = held {
        // A closed queue means that a stage has failed: joining it below says how.
        batches.send(batch).await.ok();
    }
    drop(batches);
    // Draining: the channels close one after the other, and every commit is passed on.
    while let Some(positions) = committed.recv().await {
        failed = failed.or(log.commit(&positions).await.map_err(source).err());
    }
    let (storing, computing, writing) = (join(storing).await, join(computing).await, join(writing).await);
    // The stage that failed first explains the others.
    let gone = |r: &Result<(), PipelineError>| matches!(r, Err(PipelineError::StageGone));
    match (storing, computing, writing) {
        (Err(e), _, _) if !matches!(e, PipelineError::StageGone) => Err(e),
        (_, Err(e), _) if !matches!(e, PipelineError::StageGone) => Err(e),
        (storing, computing, Ok(_)) if gone(&storing) || gone(&computing) => Err(PipelineError::StageGone),
        (_, _, written) => failed.map_or(written, Err),
    }
}

fn source(e: impl std::error::Error + Send + Sync + 'static) -> PipelineError {
    PipelineError::Source(Box::new(e))
}

async fn join<T>(task: tokio::task::JoinHandle<Result<T, PipelineError>>) -> Result<T, PipelineError> {
    task.await.map_err(|_| PipelineError::StageGone)?
}

async fn store_batches<W: Warehouse>(
    store: Arc<W>,
    mut batches: mpsc::Receiver<DecodedBatch>,
    out: mpsc::Sender<Stored>,
    telemetry: Telemetry,
) -> Result<(), PipelineError> {
    while let Some(batch) = batches.recv().await {
        let (began, counted) = (Instant::now(), telemetry.count(&batch));
        let dead_letters = batch.dead_letters.len();
        let events = Arc::new(batch.events);
        for rows in
            [Rows::Events(events.clone()), Rows::DeadLetters(batch.dead_letters), Rows::Recovered(batch.recovered)]
        {
            if !rows.is_empty() {
                store.insert(rows).await.map_err(warehouse)?;
            }
        }
        telemetry.stored(counted, began);
        let stored = Stored { events, progress: batch.progress, dead_letters };
        out.send(stored).await.map_err(|_| PipelineError::StageGone)?;
    }
    Ok(())
}

async fn compute<W: Warehouse>(
    store: Arc<W>,
    mut stored: mpsc::Receiver<Stored>,
    out: mpsc::Sender<Derived>,
    stages: (IdentityStage, JourneysStage, Positions, Version),
    telemetry: Telemetry,
) -> Result<(), PipelineError> {
    let (mut identity, mut journeys, mut positions, mut version) = stages;
    while let Some(Stored { events, progress, dead_letters }) = stored.recv().await {
        version = version.next();
        let began = Instant::now();
        let (step, missing) = tokio::task::block_in_place(|| {
            let step = identity.step(&events);
            journeys.append(&events);
            let missing = journeys.missing(identity.identity(), &step.dirty);
            (step, missing)
        });
        if !missing.is_empty() {
            let read = store.events_of(missing.clone()).await.map_err(warehouse)?;
            journeys.fill(&missing, &read);
        }
        let customers = tokio::task::block_in_place(|| journeys.recompute(identity.identity(), &step.dirty, version));
        telemetry.computed(&identity, &journeys, step.dirty.len(), began);
        let summary = RunSummary {
            records: progress.iter().map(|p| p.counters.records).sum(),
            events: events.len() as u64,
            dead_letters: dead_letters as u64,
            customers_recomputed: step.dirty.len() as u64,
            as_of: None,
        };
        debug!(
            events = summary.events,
            customers = summary.customers_recomputed,
            cold = missing.len(),
            millis = began.elapsed().as_millis() as u64,
            "batch computed"
        );
        // Identity before facts before customers. A crash after identity leaves the old facts: the next start takes the
        // identity rows back and the batch comes again. A crash after facts leaves customers behind, whose identity is
        // newer than their rows (I6).
        let rows =
            vec![Rows::Assignments(step.assignments, version), Rows::Facts(step.facts), Rows::Customers(customers)];
        let derived = Derived { rows, positions: positions.advance(&progress), summary };
        out.send(derived).await.map_err(|_| PipelineError::StageGone)?;
    }
    Ok(())
}
