//! A process that is cut off. In: batches, the store, which table it does not live to write. Out: how many batches it
//! had committed. What comes after it starts from the tables, as a new process does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tropa::event::Event;
use tropa::identity::{Assignment, Order, Outside, Sets};
use tropa::pipeline::PipelineError;
use tropa::source::DecodedBatch;
use tropa::stage::orders::OrderRows;
use tropa::stage::{Log, OpenOrders, Partition, Polled, PositionRow, Rows, Warehouse};
use tropa::startup;
use tropa::time::{Day, Timestamp};
use tropa::warehouse::{Clickhouse, WarehouseError, Writer};

use crate::world::{World, received_at};

/// Dies when it is to write into a table.
struct Dying {
    writer: Writer,
    before: Option<&'static str>,
    /// It lives until then at least: from the start, or from the moment an order is accepted.
    armed: AtomicBool,
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
        if self.before == Some(rows.table()) && self.armed.load(Ordering::Relaxed) {
            return Err(Cut::Gone);
        }
        let accepts = matches!(rows, Rows::Orders(OrderRows::Accepted(..)));
        self.writer.insert(rows).await?;
        self.armed.fetch_or(accepts, Ordering::Relaxed);
        Ok(())
    }

    async fn events_of(&self, nodes: Vec<Arc<str>>) -> Result<Vec<Event>, Cut> {
        Ok(self.writer.events_of(nodes).await?)
    }

    async fn claim_epoch(&self) -> Result<u64, Cut> {
        Ok(self.writer.claim_epoch().await?)
    }

    async fn is_newest(&self, epoch: u64) -> Result<bool, Cut> {
        Ok(self.writer.is_newest(epoch).await?)
    }

    async fn sets(&self) -> Result<Sets, Cut> {
        Ok(self.writer.sets().await?)
    }

    async fn outside(&self) -> Result<Outside, Cut> {
        Ok(self.writer.outside().await?)
    }

    async fn nodes_before(&self, day: Day, outside: &Outside) -> Result<Vec<(Arc<str>, bool)>, Cut> {
        Ok(self.writer.nodes_before(day, outside).await?)
    }

    async fn customers_in(&self, slice: (Partition, Partition)) -> Result<Vec<Arc<str>>, Cut> {
        Ok(self.writer.customers_in(slice).await?)
    }

    async fn nodes_naming(&self, identifiers: Vec<Arc<str>>) -> Result<Vec<Arc<str>>, Cut> {
        Ok(self.writer.nodes_naming(identifiers).await?)
    }

    async fn nodes_since(&self, day: Day) -> Result<Vec<Arc<str>>, Cut> {
        Ok(self.writer.nodes_since(day).await?)
    }

    async fn open_orders(&self) -> Result<OpenOrders, Cut> {
        Ok(self.writer.open_orders().await?)
    }

    async fn assignments(&self) -> Result<Vec<Assignment>, Cut> {
        Ok(self.writer.assignments().await?)
    }

    async fn unsettled(&self) -> Result<Vec<Arc<str>>, Cut> {
        Ok(self.writer.unsettled().await?)
    }

    async fn positions(&self) -> Result<Vec<PositionRow>, Cut> {
        Ok(self.writer.positions().await?)
    }

    async fn as_of(&self) -> Result<Option<Timestamp>, Cut> {
        Ok(self.writer.as_of().await?)
    }

    async fn refresh(&self, slices: (Vec<Partition>, Partition), as_of: Timestamp) -> Result<(), Cut> {
        Ok(self.writer.refresh(slices, as_of).await?)
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
    let start = startup::load(store, &config, &world.maps, &[]).await.unwrap_or_else(|e| panic!("{e}"));
    let dying = Dying { writer: Writer::new(store.clone(), start.readings.clone()), before, armed: true.into() };
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let mut log = Counting { batches: batches.iter(), committed: 0 };
    match startup::run(store, (&mut log, dying), start, &[], (stop, received_at, Default::default())).await {
        Ok(_) | Err(PipelineError::Warehouse(_)) => log.committed,
        Err(e) => panic!("{e}"),
    }
}

/// A new process is given an order and dies before it writes into a table.
pub async fn order(store: &Clickhouse, world: &World, order: &Order, before: &'static str) {
    let config = &world.config;
    let start = startup::load(store, config, &world.maps, &[]).await.unwrap_or_else(|e| panic!("{e}"));
    let dying =
        Dying { writer: Writer::new(store.clone(), start.readings.clone()), before: Some(before), armed: false.into() };
    match startup::order(store, dying, start, order.clone(), &[], received_at).await {
        // Nothing to be swept, or nobody to be computed anew.
        Ok(_) | Err(PipelineError::Warehouse(_)) => {}
        Err(e) => panic!("{e}"),
    }
}
