//! Customers' rows that are counted and not kept, such as those of a past `as_of`. In: rows of one reading, block by block.
//! Out: a table of their own in the shape of `customer_journeys`, which goes with whoever asked for it.

use tokio::runtime::Handle;

use super::{Clickhouse, WarehouseError};
use crate::stage::CustomerRow;
use crate::stage::reading::Reading;
use crate::time::Timestamp;

const PREFIX: &str = "scratch_";
/// Nobody asks for longer.
const DAY: i64 = 86_400_000_000;

/// Rows of one asker.
pub struct Scratch {
    store: Clickhouse,
    table: String,
    open: bool,
}

#[derive(clickhouse::Row, serde::Deserialize)]
struct Named {
    name: String,
}

impl Clickhouse {
    /// An empty table. `nonce`: now, which tells apart the tables of those who ask at once.
    pub async fn scratch(&self, reading: &Reading, nonce: Timestamp) -> Result<Scratch, WarehouseError> {
        let table = format!("{PREFIX}{}_{}", reading.id, nonce.micros().unsigned_abs());
        let shape = if self.cluster.is_some() { "customer_journeys_local" } else { "customer_journeys" };
        // Of one server and for a moment, whatever the real one is.
        self.execute(&format!(
            "CREATE TABLE {table} AS {shape} ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY (bucket, map, reading, customer)"
        ))
        .await?;
        Ok(Scratch { store: self.clone(), table, open: true })
    }

    /// Drops what askers have left who were killed more than a day ago.
    pub async fn forget_scratch(&self, now: Timestamp) -> Result<(), WarehouseError> {
        let query = format!(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, '{PREFIX}')"
        );
        for Named { name } in self.fetch::<Named>(&query).await? {
            let made = name.rsplit('_').next().and_then(|micros| micros.parse::<i64>().ok());
            if made.is_some_and(|made| now.micros().saturating_sub(made) > DAY) {
                self.drop_table(&name).await?;
            }
        }
        Ok(())
    }
}

impl Scratch {
    pub fn table(&self) -> &str {
        &self.table
    }

    pub async fn add(&self, rows: &[CustomerRow], reading: &Reading) -> Result<(), WarehouseError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.store.insert_customers(&self.table, rows, std::slice::from_ref(reading)).await
    }

    pub async fn close(mut self) -> Result<(), WarehouseError> {
        self.open = false;
        self.store.drop_table(&self.table).await
    }
}

/// Whoever asked may go away at any moment: a page that is closed ends its question.
impl Drop for Scratch {
    fn drop(&mut self) {
        if let (true, Ok(runtime)) = (self.open, Handle::try_current()) {
            let (store, table) = (self.store.clone(), std::mem::take(&mut self.table));
            runtime.spawn(async move { store.drop_table(&table).await });
        }
    }
}
