//! A process that is cut off. In: batches, the store, which table it does not live to write. Out: how many batches it
//! had committed. What comes after it starts from the tables, as a new process does.

use std::sync::Arc;
use std::time::Duration;

use tropa::event::Event;
use tropa::pipeline::{self, Control, PipelineError};
use tropa::source::DecodedBatch;
use tropa::stage::{Aggregates, Log, Polled, PositionRow, Rows, Warehouse};
use tropa::startup;
use tropa::time::Timestamp;
use tropa::warehouse::{Clickhouse, WarehouseError, Writer};

use crate::world::{World, received_at};

/// Dies when it is to write into a table.
struct Dying {
    writer: Writer,
    before: Option<&'static str>,
}

#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("the process is gone")]
    Gone,
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
}

impl Warehouse for Dying {
    type Error = Cut;

    async fn insert(&self, rows: Rows) -> Result<(), Cut> {
        if self.before == Some(rows.table()) {
            return Err(Cut::Gone);
        }
        Ok(self.writer.insert(rows).await?)
    }

    async fn events_of(&self, nodes: Vec<Arc<str>>) -> Result<Vec<Event>, Cut> {
        Ok(self.writer.events_of(nodes).await?)
    }
}

impl Aggregates for Dying {
    async fn refresh(&self, as_of: Timestamp) -> Result<usize, Cut> {
        Ok(self.writer.refresh(as_of).await?)
    }

    async fn store_watermark(&self, as_of: Timestamp) -> Result<(), Cut> {
        Ok(self.writer.store_watermark(as_of).await?)
    }
}

/// Gives batches and counts those committed.
struct Counting<'a> {
    batches: std::slice::Iter<'a, DecodedBatch>,
    committed: usize,
}

impl Log for Counting<'_> {
    type Error = std::io::Error;

    async fn poll(&mut self) -> Result<Polled, std::io::Error> {
        Ok(self.batches.next().cloned().map_or(Polled::End, Polled::Batch))
    }

    async fn commit(&mut self, _: &[PositionRow]) -> Result<(), std::io::Error> {
        self.committed += 1;
        Ok(())
    }
}

/// A new process takes the batches, from what the tables hold, and dies before it writes into a table; gives how many
/// batches it committed. `cache`: bytes of events it keeps in memory.
pub async fn run(
    store: &Clickhouse,
    world: &World,
    batches: &[DecodedBatch],
    before: Option<&'static str>,
    cache: u64,
) -> usize {
    let mut config = (*world.config).clone();
    config.cache_bytes = cache;
    let config = Arc::new(config);
    let stages = startup::load(store, &config, &world.maps, &[], received_at()).await.unwrap_or_else(|e| panic!("{e}"));
    let writer = Writer::new(store.clone(), stages.readings.clone());
    let store = Arc::new(Dying { writer, before });
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let control = Control { stop, refresh: Duration::from_secs(30), clock: received_at, telemetry: Default::default() };
    let mut log = Counting { batches: batches.iter(), committed: 0 };
    match pipeline::run(&mut log, store, stages, control).await {
        Ok(_) | Err(PipelineError::Warehouse(_)) => log.committed,
        Err(e) => panic!("{e}"),
    }
}
