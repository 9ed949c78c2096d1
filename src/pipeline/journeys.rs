//! The journeys loop. In: announcements of the slices this worker owns. Out: customer rows, and then positions and
//! aggregates. Reading, writing and recomputing go on side by side: one read and one write under way, what can be
//! recomputed is, and a customer that must be read first holds up nobody but the position.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tracing::{debug, info};

use super::pace::Pace;
use super::{PipelineError, closed, epoch, warehouse};
use crate::event::Event;
use crate::stage::journeys::{JourneysStage, Read, Receipt};
use crate::stage::{Announced, CustomerRow, Cut, Heard, Host, Inlet, Rows, Warehouse};
use crate::telemetry::Telemetry;
use crate::time::Timestamp;

/// What a run of this stage did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recomputed {
    pub customers: u64,
    pub as_of: Option<Timestamp>,
}

/// Work under way beside the loop.
type Beside<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// The same with what it is for.
type UnderWay<K, T, E> = Option<(K, Beside<Result<T, E>>)>;

/// Runs until the stage before ends: then everything that was taken is written, and the aggregates are brought up to it. Or
/// until this worker is told to stop: then what can be recomputed is written, counted and committed, and what must be read
/// first is left to whoever owns the slices next and hears it again. `cut`: the slices that the partitions are; `given`: the
/// epoch of a process that runs all stages, else what is gained together has one that is claimed.
pub async fn run<W: Warehouse, I: Inlet<Announced>, H: Host>(
    host: &H,
    store: Arc<W>,
    inlet: &mut I,
    mut stage: JourneysStage,
    (cut, given): (Cut, Option<u64>),
    (mut stop, telemetry): (watch::Receiver<bool>, Telemetry),
) -> Result<Recomputed, PipelineError> {
    let mut total = Recomputed::default();
    // The last order whose leavings the stage knows.
    let mut orders = 0;
    let (mut open, mut leaves) = (true, false);
    let mut next: Option<(Vec<CustomerRow>, Receipt)> = None;
    let mut writing: UnderWay<Receipt, (), W::Error> = None;
    let mut reading: UnderWay<Read, Vec<Event>, W::Error> = None;
    // With the `as_of` it counts at, and when it began.
    let mut refreshing: UnderWay<(Timestamp, Timestamp), (), W::Error> = None;
    let mut pace = Pace::default();
    loop {
        // Aggregates are counted while no rows are being written, so that the version they name is the one they counted.
        if writing.is_none() && refreshing.is_none() {
            if let Some((rows, receipt)) = next.take() {
                let store = store.clone();
                let work = async move { store.insert(Rows::Customers(rows)).await };
                writing = Some((receipt, host.beside(work)));
            } else if (!open || pace.allows(host.now()))
                && let Some((slices, as_of)) = stage.due()
            {
                let store = store.clone();
                let work = async move { store.refresh((slices, cut.slices), as_of).await };
                refreshing = Some(((as_of, host.now()), host.beside(work)));
            }
        }
        if reading.is_none()
            && !leaves
            && let Some(mut read) = stage.read()
        {
            let (store, nodes) = (store.clone(), std::mem::take(&mut read.nodes));
            debug!(nodes = nodes.len(), "reading cold customers");
            reading = Some((read, host.beside(async move { store.events_of(nodes).await })));
        }
        if next.is_none() {
            let began = Instant::now();
            next = host.heavy(|| stage.recompute());
            if let Some((_, receipt)) = &next {
                telemetry.computed(receipt.customers(), stage.bytes(), began);
                total.customers += receipt.customers() as u64;
                continue;
            }
        }
        for (partition, upto, note) in stage.committable() {
            inlet.commit(partition, upto, note).await.map_err(closed)?;
        }
        let paced = open && refreshing.is_none() && stage.is_due();
        let idle = next.is_none() && writing.is_none() && reading.is_none() && refreshing.is_none();
        if !open && idle {
            return Ok(total);
        }
        tokio::select! {
            biased;
            done = under_way(&mut writing) => {
                let (receipt, done) = done;
                done.map_err(warehouse)?;
                stage.written(&receipt);
            }
            ((as_of, began), done) = under_way(&mut refreshing) => {
                done.map_err(warehouse)?;
                pace.counted(began, host.now());
                total.as_of = total.as_of.max(Some(as_of));
            }
            (read, events) = under_way(&mut reading) => {
                let events = events.map_err(warehouse)?;
                host.heavy(|| stage.filled(&read, &events));
            }
            changed = stop.changed(), if open => {
                open = changed.is_ok() && !*stop.borrow();
                if !open {
                    leaves = true;
                    reading = None;
                }
            }
            () = host.tick(), if paced => {}
            heard = inlet.poll(), if open && !stage.is_full() => match heard.map_err(closed)? {
                Heard::Gained(gained) => {
                    // One for all of them: whoever had any of them before, in this cut, has claimed an earlier one.
                    let epoch = epoch(given, &*store).await?;
                    // Looked at after the claim: a cut that is not noted yet has owners with later epochs only. One that is
                    // may have earlier ones, whose rows ours would hide.
                    if given.is_none() && store.cut().await.map_err(warehouse)? != cut.since {
                        info!("the customers are cut anew: nothing is taken over");
                        continue;
                    }
                    for (partition, note) in gained {
                        if inlet.confirm(partition, note).await.map_err(closed)? {
                            info!(partition, epoch, "a slice is taken over");
                            stage.gain(partition, epoch, note);
                        }
                    }
                }
                Heard::Lost { partition } => {
                    info!(partition, "a slice is given back");
                    stage.lose(partition);
                }
                Heard::Message { partition, offset, message } => {
                    if message.orders > orders {
                        orders = message.orders;
                        stage.leave_outside(store.outside().await.map_err(warehouse)?);
                    }
                    host.heavy(|| stage.take(partition, offset, message));
                }
                Heard::End => open = false,
            },
        }
    }
}

/// Waits for work that is under way; for ever, if there is none.
async fn under_way<K, T>(work: &mut Option<(K, Beside<T>)>) -> (K, T) {
    let Some((_, future)) = work else { return std::future::pending().await };
    let done = future.await;
    match work.take() {
        Some((what, _)) => (what, done),
        None => std::future::pending().await,
    }
}
