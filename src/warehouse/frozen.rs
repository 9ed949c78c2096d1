//! Tables as folders of parts: frozen where they stand, and made again from them. In: a store of the embedded engine. Out:
//! which folder holds which table's parts. Tables are frozen one after the other, each whole, in the reverse order of the
//! write protocol: positions first and the sets last, so that what is behind is always what follows from what is there,
//! as after a crash, and a start mends it.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{Clickhouse, WarehouseError};
use crate::aggregate::{self, quote};

/// A table with the statement that makes it again.
#[derive(Clone, Debug, Row, Serialize, Deserialize)]
pub struct TableShape {
    pub name: String,
    pub engine: String,
    pub create: String,
    /// Where its parts lie; empty for a view.
    pub path: String,
}

impl TableShape {
    /// Whether it holds rows of its own.
    pub fn holds_rows(&self) -> bool {
        self.engine.ends_with("MergeTree")
    }

    /// Where it stands in the order of freezing.
    fn rank(&self) -> usize {
        let derived = ["customer_journeys", "identity_by_customer", "identity"];
        let first = ["positions", "readings", "keyings"].into_iter();
        let counts = aggregate::ALL.into_iter().map(|a| a.table);
        let known: Vec<&str> = first.chain(counts).chain(["watermarks"]).chain(derived).collect();
        let last = ["identity_facts", "events"];
        match known.iter().position(|n| *n == self.name) {
            Some(place) => place,
            None => known.len() + last.iter().position(|n| *n == self.name).map_or(0, |p| p + 1),
        }
    }
}

#[derive(Row, Deserialize)]
struct Check {
    result: u8,
}

impl Clickhouse {
    /// Every table and view, in the order in which they are to be frozen, but for those that a command or a start has put
    /// there for a moment.
    pub async fn shapes(&self) -> Result<Vec<TableShape>, WarehouseError> {
        let query = "SELECT name, engine, create_table_query AS create, \
             if(endsWith(engine, 'MergeTree'), arrayElement(data_paths, 1), '') AS path FROM system.tables \
             WHERE database = currentDatabase() AND NOT startsWith(name, 'scratch_') AND NOT endsWith(name, '_rekeyed') ORDER BY name";
        let mut shapes = self.fetch::<TableShape>(query).await?;
        shapes.sort_by_key(TableShape::rank);
        Ok(shapes)
    }

    /// Keeps a table's parts as they are now, under this name.
    pub async fn freeze(&self, table: &str, name: &str) -> Result<(), WarehouseError> {
        self.execute(&format!("ALTER TABLE `{table}` FREEZE WITH NAME {}", quote(name))).await
    }

    /// Makes a table or view as it was in a store with a database of this name.
    pub async fn make_again(&self, shape: &TableShape) -> Result<(), WarehouseError> {
        self.execute(&shape.create).await
    }

    /// Makes the database that the tables are to be put into.
    pub async fn make_database(&self) -> Result<(), WarehouseError> {
        let server = Self { client: self.client.clone().with_database("default"), ..self.clone() };
        server.execute(&format!("CREATE DATABASE IF NOT EXISTS `{}` ENGINE = Atomic", self.database)).await
    }

    /// Takes a part that lies in the table's folder of detached ones.
    pub async fn attach(&self, table: &str, part: &str) -> Result<(), WarehouseError> {
        self.execute(&format!("ALTER TABLE `{table}` ATTACH PART {}", quote(part))).await
    }

    /// Whether every byte of a table is what was written.
    pub async fn is_whole(&self, table: &str) -> Result<bool, WarehouseError> {
        let query = format!("CHECK TABLE `{table}` SETTINGS check_query_single_value_result = 1");
        Ok(self.fetch::<Check>(&query).await?.iter().all(|c| c.result == 1))
    }
}
