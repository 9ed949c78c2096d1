//! The seam `Warehouse` over ClickHouse: a client together with the readings its rows are computed with.

use std::sync::Arc;

use super::{Clickhouse, WarehouseError};
use crate::event::Event;
use crate::identity::Outside;
use crate::stage::orders::OrderStore;
use crate::stage::reading::Reading;
use crate::stage::{Aggregates, Rows, Warehouse};
use crate::time::{Day, Timestamp};

/// What the pipeline writes through.
#[derive(Clone)]
pub struct Writer {
    client: Clickhouse,
    readings: Arc<Vec<Reading>>,
}

impl Writer {
    pub const fn new(client: Clickhouse, readings: Arc<Vec<Reading>>) -> Self {
        Self { client, readings }
    }
}

impl Warehouse for Writer {
    type Error = WarehouseError;

    async fn insert(&self, rows: Rows) -> Result<(), WarehouseError> {
        self.client.insert_rows(rows, &self.readings).await
    }

    async fn events_of(&self, nodes: Vec<Arc<str>>) -> Result<Vec<Event>, WarehouseError> {
        self.client.events_of_nodes(&nodes).await
    }
}

impl OrderStore for Writer {
    async fn nodes_before(&self, day: Day, outside: &Outside) -> Result<Vec<(Arc<str>, bool)>, WarehouseError> {
        self.client.nodes_losing(day, outside).await
    }
}

impl Aggregates for Writer {
    async fn refresh(&self, as_of: Timestamp) -> Result<usize, WarehouseError> {
        self.client.refresh_aggregates(&self.readings, as_of).await
    }

    async fn store_watermark(&self, as_of: Timestamp) -> Result<(), WarehouseError> {
        self.client.insert_watermark(as_of).await
    }
}
