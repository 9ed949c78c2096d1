//! The end of the flow: rows, then positions, then the aggregates that are due. In: what follows from each batch. Out:
//! positions that may be committed, each after everything derived from it is acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tracing::debug;

use super::{Derived, PipelineError, RunSummary, warehouse};
use crate::stage::watermark::Watermark;
use crate::stage::{Aggregates, PositionRow, Rows};
use crate::telemetry::Telemetry;
use crate::time::Timestamp;

pub(super) async fn write<W: Aggregates>(
    store: Arc<W>,
    mut derived: mpsc::Receiver<Derived>,
    committed: mpsc::Sender<Vec<PositionRow>>,
    mut watermark: Watermark,
    (refresh, clock, telemetry): (Duration, fn() -> Timestamp, Telemetry),
) -> Result<RunSummary, PipelineError> {
    let mut total = RunSummary::default();
    let mut refreshed = Instant::now();
    let mut tick = tokio::time::interval(refresh.min(Duration::from_secs(5)));
    loop {
        tokio::select! {
            next = derived.recv() => {
                let Some(Derived { rows, positions, summary }) = next else { break };
                let began = Instant::now();
                for rows in rows.into_iter().filter(|r| !r.is_empty()) {
                    store.insert(rows).await.map_err(warehouse)?;
                }
                if !positions.is_empty() {
                    store.insert(Rows::Positions(positions.clone())).await.map_err(warehouse)?;
                }
                let now = clock();
                telemetry.written(&positions, began, now);
                for p in &positions {
                    watermark.observe(p, now);
                }
                committed.send(positions).await.map_err(|_| PipelineError::StageGone)?;
                total.records += summary.records;
                total.events += summary.events;
                total.dead_letters += summary.dead_letters;
                total.customers_recomputed += summary.customers_recomputed;
            }
            _ = tick.tick() => {}
        }
        if refreshed.elapsed() >= refresh {
            refresh_aggregates(&*store, &mut watermark, clock()).await?;
            telemetry.watermark(&watermark, clock());
            refreshed = Instant::now();
        }
    }
    drop(committed);
    refresh_aggregates(&*store, &mut watermark, clock()).await?;
    telemetry.watermark(&watermark, clock());
    total.as_of = watermark.current();
    Ok(total)
}

async fn refresh_aggregates<W: Aggregates>(
    store: &W,
    watermark: &mut Watermark,
    now: Timestamp,
) -> Result<(), PipelineError> {
    let Some(as_of) = watermark.advance(now) else { return Ok(()) };
    store.store_watermark(as_of).await.map_err(warehouse)?;
    let buckets = store.refresh(as_of).await.map_err(warehouse)?;
    debug!(%as_of, buckets, "aggregates refreshed");
    Ok(())
}
