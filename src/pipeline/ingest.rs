//! The ingest loop: store what the sources give, tell identity, and say how far that has come once all that follows from
//! it is settled. In: batches of a log. Out: events and dead letters, notices, positions. It holds a few batches that are
//! not settled yet, never more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tracing::info;

use super::{PipelineError, closed, source, warehouse};
use crate::orders;
use crate::stage::orders::Known;
use crate::stage::{Log, Notice, Outlet, Polled, PositionRow, Positions, Rows, Ticket, Warehouse};
use crate::telemetry::Telemetry;
use crate::time::Timestamp;

/// Batches that may be on their way at once.
const UNSETTLED: usize = 8;

/// What counts, and the clock it counts by.
pub type Watching = (Telemetry, fn() -> Timestamp);

/// What a run of this stage took in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ingested {
    pub records: u64,
    pub events: u64,
    pub dead_letters: u64,
}

/// Runs until the log ends or the process is told to stop; then what was taken is settled first. `epoch`: of a process that
/// has the store for itself.
pub async fn run<L: Log, W: Warehouse, O: Outlet<Notice>>(
    log: &mut L,
    store: &W,
    out: &mut O,
    (mut positions, outside, epoch): (Positions, watch::Receiver<Arc<Known>>, Option<u64>),
    (mut stop, (telemetry, clock)): (watch::Receiver<bool>, Watching),
) -> Result<Ingested, PipelineError> {
    let mut total = Ingested::default();
    let mut open = true;
    let mut unsettled: VecDeque<(Ticket, Vec<PositionRow>)> = VecDeque::new();
    // A source that fails ends the taking; what was taken is settled all the same.
    let mut failed: Option<PipelineError> = None;
    while open || !unsettled.is_empty() {
        tokio::select! {
            biased;
            settled = out.settled(), if !unsettled.is_empty() => {
                let settled = settled.map_err(closed)?;
                let rows = settle(&mut unsettled, settled);
                if !rows.is_empty() {
                    // Whoever came later has loaded the store without what we have written since: it must read that itself.
                    if let Some(epoch) = epoch && !store.is_newest(epoch).await.map_err(warehouse)? {
                        return Err(PipelineError::Replaced);
                    }
                    // I2: only now, and in the store before anywhere else.
                    store.insert(Rows::Positions(rows.clone())).await.map_err(warehouse)?;
                    telemetry.written(&rows, clock());
                    failed = failed.or(log.commit(&rows).await.map_err(source).err());
                }
            }
            changed = stop.changed(), if open => {
                open = changed.is_ok() && !*stop.borrow();
                if !open { info!("stopping: what was taken is written and committed first"); }
            }
            polled = log.poll(), if open && unsettled.len() < UNSETTLED => match polled {
                Ok(Polled::Batch(mut batch)) => {
                    // What is outside is not stored; its links still count, so identity is told of it.
                    let known = outside.borrow().clone();
                    batch.dead_letters.retain(|letter| !known.outside.covers_letter(letter));
                    let (began, counted) = (Instant::now(), telemetry.count(&batch));
                    let rows = positions.advance(&batch.progress);
                    total.records += batch.progress.iter().map(|p| p.counters.records).sum::<u64>();
                    total.events += batch.events.len() as u64;
                    total.dead_letters += batch.dead_letters.len() as u64;
                    let events = Arc::new(batch.events);
                    let inside = orders::inside(&events, &known.outside);
                    // I1: acknowledged before anybody hears of it.
                    for rows in [Rows::Events(inside), Rows::DeadLetters(batch.dead_letters), Rows::Recovered(batch.recovered)] {
                        if !rows.is_empty() {
                            store.insert(rows).await.map_err(warehouse)?;
                        }
                    }
                    telemetry.stored(counted, began);
                    let notice = Notice { events, positions: rows.clone(), orders: known.orders, again: None };
                    let ticket = out.announce(0, notice).await.map_err(closed)?;
                    unsettled.push_back((ticket, rows));
                }
                Ok(Polled::Quiet) => {}
                Ok(Polled::End) => open = false,
                Err(e) => (failed, open) = (Some(source(e)), false),
            },
        }
    }
    failed.map_or(Ok(total), Err)
}

/// The newest row of every partition among what is settled.
fn settle(unsettled: &mut VecDeque<(Ticket, Vec<PositionRow>)>, settled: Ticket) -> Vec<PositionRow> {
    let mut newest: Vec<PositionRow> = Vec::new();
    while let Some((_, rows)) = unsettled.pop_front_if(|(ticket, _)| *ticket < settled) {
        for row in rows {
            match newest
                .iter_mut()
                .find(|n| n.source == row.source && n.topic == row.topic && n.partition == row.partition)
            {
                Some(before) => *before = row,
                None => newest.push(row),
            }
        }
    }
    newest
}
