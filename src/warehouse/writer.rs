//! The seam `Warehouse` over ClickHouse: a client together with the readings its rows are computed with.

use std::sync::Arc;

use super::{Clickhouse, Standby, WarehouseError};
use crate::event::Event;
use crate::identity::{Assignment, Outside, Sets};
use crate::stage::announce::buckets_of;
use crate::stage::identity::IdentityStage;
use crate::stage::reading::Reading;
use crate::stage::{OpenOrders, Partition, PositionRow, Rows, Warehouse};
use crate::time::{Day, Timestamp};

/// What the stages write through.
#[derive(Clone)]
pub struct Writer {
    client: Clickhouse,
    readings: Arc<Vec<Reading>>,
    standby: Standby,
}

impl Writer {
    pub fn new(client: Clickhouse, readings: Arc<Vec<Reading>>) -> Self {
        Self { client, readings, standby: Standby::default() }
    }

    /// With identity that this process has kept up so far.
    #[must_use]
    pub fn taking_over(self, standby: Standby) -> Self {
        Self { standby, ..self }
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

    async fn claim_epoch(&self) -> Result<u64, WarehouseError> {
        self.client.claim_epoch().await
    }

    async fn is_newest(&self, epoch: u64) -> Result<bool, WarehouseError> {
        self.client.is_newest(epoch).await
    }

    async fn sets(&self) -> Result<Sets, WarehouseError> {
        self.client.sets().await
    }

    async fn standby(&self) -> Result<Option<IdentityStage>, WarehouseError> {
        self.standby.take_over(&self.client, self.client.config()?).await
    }

    async fn cut(&self) -> Result<u64, WarehouseError> {
        let Some(roles) = &self.client.config()?.roles else { return Ok(0) };
        Ok(self.client.cut(&roles.prefix).await?.map_or(0, |cut| cut.since))
    }

    async fn outside(&self) -> Result<Outside, WarehouseError> {
        self.client.outside().await
    }

    async fn nodes_before(&self, day: Day, outside: &Outside) -> Result<Vec<(Arc<str>, bool)>, WarehouseError> {
        self.client.nodes_losing(day, outside).await
    }

    async fn nodes_since(&self, day: Day) -> Result<Vec<Arc<str>>, WarehouseError> {
        self.client.nodes_since(day).await
    }

    async fn customers_in(&self, slice: (Partition, Partition)) -> Result<Vec<Arc<str>>, WarehouseError> {
        self.client.customers_in(slice).await
    }

    async fn nodes_naming(&self, identifiers: Vec<Arc<str>>) -> Result<Vec<Arc<str>>, WarehouseError> {
        self.client.nodes_naming(&identifiers).await
    }

    async fn open_orders(&self) -> Result<OpenOrders, WarehouseError> {
        self.client.open_orders().await
    }

    async fn assignments(&self) -> Result<Vec<Assignment>, WarehouseError> {
        self.client.assignments().await
    }

    async fn unsettled(&self) -> Result<Vec<Arc<str>>, WarehouseError> {
        self.client.unsettled().await
    }

    async fn positions(&self) -> Result<Vec<PositionRow>, WarehouseError> {
        self.client.stored_positions(self.client.config()?).await
    }

    async fn as_of(&self) -> Result<Option<Timestamp>, WarehouseError> {
        self.client.watermark().await
    }

    async fn refresh(&self, (slices, of): (Vec<Partition>, Partition), as_of: Timestamp) -> Result<(), WarehouseError> {
        self.client.note_as_of((&slices, of), as_of).await?;
        let buckets: Vec<u8> = slices.iter().flat_map(|slice| buckets_of(*slice, of)).collect();
        let refreshed = self.client.refresh_aggregates(&self.readings, as_of, &buckets).await?;
        tracing::debug!(%as_of, ?slices, buckets = refreshed, "aggregates refreshed");
        Ok(())
    }
}
