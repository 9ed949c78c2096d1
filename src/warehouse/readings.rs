//! Readings in the store: which one a map's figures were computed with, and which rows are behind it.

use std::sync::Arc;

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};
use crate::aggregate::quote;
use crate::map::Role;
use crate::stage::reading::{Reading, SEMANTICS_VERSION};

#[derive(Row, Deserialize)]
struct Name {
    name: String,
}

#[derive(Row, Deserialize)]
struct Count {
    count: u64,
}

impl Clickhouse {
    /// Whether the map's figures are complete under this reading and shown.
    pub async fn is_current(&self, reading: &Reading) -> Result<bool, WarehouseError> {
        let query = format!(
            "SELECT argMax(reading, activated) AS name FROM readings WHERE map = {} AND mode = {} AND activated > 0 HAVING count() > 0",
            quote(&reading.map.id),
            quote(&reading.mode.as_str())
        );
        Ok(self.fetch::<Name>(&query).await?.first().is_some_and(|r| r.name == *reading.id))
    }

    /// Notes a reading before its first row is written (I12).
    pub async fn register_reading(&self, reading: &Reading, files: &[(String, String)]) -> Result<(), WarehouseError> {
        self.write_reading(reading, files, "0").await
    }

    /// Shows a reading whose rows are complete; the one before stays in the tables.
    pub async fn activate_reading(&self, reading: &Reading, files: &[(String, String)]) -> Result<(), WarehouseError> {
        self.write_reading(reading, files, "(SELECT max(activated) + 1 FROM readings)").await
    }

    async fn write_reading(
        &self,
        reading: &Reading,
        files: &[(String, String)],
        activated: &str,
    ) -> Result<(), WarehouseError> {
        let map = reading.map.newest();
        let list = |items: Vec<String>| {
            if items.is_empty() { "CAST([], 'Array(String)')".to_owned() } else { format!("[{}]", items.join(", ")) }
        };
        let role = |r: Role| match r {
            Role::None => "''",
            Role::Entry => "'entry'",
            Role::Success => "'success'",
            Role::Exit => "'exit'",
        };
        let own = files.iter().filter(|(name, _)| reading.map.versions.iter().any(|v| v.file == *name));
        let files: Vec<String> = own.map(|(name, text)| format!("({}, {})", quote(name), quote(text))).collect();
        self.execute(&format!(
            "INSERT INTO readings (map, mode, reading, map_fingerprint, config_fingerprint, semantics, files, time_zone, stages, stage_roles, dimensions, maturity, longest_window_seconds, keyed, activated) \
             SELECT {}, {}, {}, {}, {}, {SEMANTICS_VERSION}, {}, {}, {}, {}, {}, {:?}, {:?}, {}, {activated}",
            quote(&reading.map.id),
            quote(&reading.mode.as_str()),
            quote(&reading.id),
            quote(&reading.map.fingerprint),
            quote(&self.config()?.fingerprint),
            if files.is_empty() { "CAST([], 'Array(Tuple(String, String))')".to_owned() } else { format!("[{}]", files.join(", ")) },
            quote(&map.zone_name),
            list(map.stages.iter().map(|s| quote(&s.id)).collect()),
            list(map.stages.iter().map(|s| role(s.role).to_owned()).collect()),
            list(map.dimensions.iter().map(|d| quote(&d.name)).collect()),
            map.maturity,
            reading.map.longest_window().as_secs_f64(),
            u8::from(map.journey_key.is_some()),
        ))
        .await
    }

    /// Customers with a live row under this reading.
    pub async fn live_customers(&self, reading: &Reading) -> Result<Vec<Arc<str>>, WarehouseError> {
        let query = format!(
            "SELECT customer AS name FROM customer_journeys FINAL WHERE map = {} AND reading = {} AND is_deleted = 0",
            quote(&reading.map.id),
            quote(&reading.id)
        );
        Ok(self.fetch::<Name>(&query).await?.into_iter().map(|r| Arc::from(r.name)).collect())
    }

    /// Customers with a live row under this reading, counted.
    pub(super) async fn count_customers(
        &self,
        table: &str,
        reading: &Reading,
        what: &str,
    ) -> Result<u64, WarehouseError> {
        let query = format!(
            "SELECT count() AS count FROM {table} FINAL WHERE map = {} AND reading = {} AND is_deleted = 0 AND {what}",
            quote(&reading.map.id),
            quote(&reading.id)
        );
        Ok(self.fetch::<Count>(&query).await?.first().map_or(0, |c| c.count))
    }
}
