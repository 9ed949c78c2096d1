//! Customers' rows that are counted and not kept, such as those of a past `as_of`. In: a reading and rows. Out: a table of
//! their own in the shape of `customer_journeys`, until it is dropped.

use super::{Clickhouse, WarehouseError};
use crate::stage::CustomerRow;
use crate::stage::reading::Reading;
use crate::time::Timestamp;

impl Clickhouse {
    /// The table's name. `nonce` tells apart the tables of those who ask at once.
    pub async fn set_aside(
        &self,
        reading: &Reading,
        rows: &[CustomerRow],
        nonce: Timestamp,
    ) -> Result<String, WarehouseError> {
        let table = format!("scratch_{}_{}", reading.id, nonce.micros().unsigned_abs());
        let shape = if self.cluster.is_some() { "customer_journeys_local" } else { "customer_journeys" };
        // Of one server and for a moment, whatever the real one is.
        self.execute(&format!(
            "CREATE TABLE {table} AS {shape} ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY (bucket, map, reading, customer)"
        ))
        .await?;
        if rows.is_empty() {
            return Ok(table);
        }
        match self.insert_customers(&table, rows, std::slice::from_ref(reading)).await {
            Ok(()) => Ok(table),
            Err(error) => {
                self.take_away(&table).await?;
                Err(error)
            }
        }
    }

    pub async fn take_away(&self, table: &str) -> Result<(), WarehouseError> {
        self.execute(&format!("DROP TABLE IF EXISTS {table}")).await
    }
}
