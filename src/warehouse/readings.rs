//! Readings in the store: which one a map's figures were computed with, and which rows are behind it.

use std::collections::BTreeMap;
use std::sync::Arc;

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};
use crate::aggregate::{self, quote};
use crate::config::Config;
use crate::journey::Mode;
use crate::map::{self, Role};
use crate::stage::reading::{Reading, SEMANTICS_VERSION};
use crate::time::Timestamp;

#[derive(Row, Deserialize)]
struct Name {
    name: String,
}

#[derive(Row, Deserialize)]
struct Noted {
    map: String,
    mode: String,
    files: Vec<(String, String)>,
}

#[derive(Row, Deserialize)]
struct BucketVersion {
    bucket: u8,
    version: u64,
}

#[derive(Row, Deserialize)]
struct Count {
    count: u64,
}

impl Clickhouse {
    /// Whether the map's figures are complete under this reading and shown.
    pub async fn is_current(&self, reading: &Reading) -> Result<bool, WarehouseError> {
        Ok(self.shown(&reading.map.id, reading.mode).await?.is_some_and(|shown| shown == reading.id))
    }

    /// The reading that a map is shown with.
    pub async fn shown(&self, map: &str, mode: Mode) -> Result<Option<Arc<str>>, WarehouseError> {
        let query = format!(
            "SELECT argMax(reading, activated) AS name FROM readings WHERE map = {} AND mode = {} AND activated > 0 HAVING count() > 0",
            quote(map),
            quote(&mode.as_str())
        );
        Ok(self.fetch::<Name>(&query).await?.into_iter().next().map(|r| Arc::from(r.name)))
    }

    /// Journeys of a map, as it is shown, that began before a moment.
    pub async fn entered_before(&self, map: &str, before: Timestamp) -> Result<u64, WarehouseError> {
        let query = format!(
            "SELECT count() AS count FROM v_journeys WHERE map = {} AND entry_at < {}",
            quote(map),
            aggregate::moment(before)
        );
        Ok(self.fetch::<Count>(&query).await?.first().map_or(0, |r| r.count))
    }

    /// A reading as it was noted; `None`: it is not there, or this config or program reads it differently.
    pub async fn reading(&self, id: &str, config: &Config) -> Result<Option<Reading>, WarehouseError> {
        let query = format!("SELECT map, mode, files FROM readings FINAL WHERE reading = {}", quote(id));
        let Some(noted) = self.fetch::<Noted>(&query).await?.into_iter().next() else { return Ok(None) };
        // The files were checked when they were noted; a program that finds fault with them reads them differently.
        let maps = map::load(&noted.files).unwrap_or_default();
        let found = maps.into_iter().find(|m| *m.id == *noted.map).zip(Mode::parse(&noted.mode));
        Ok(found.map(|(map, mode)| Reading::new(Arc::new(map), mode, config)).filter(|reading| *reading.id == *id))
    }

    /// The moment at which the aggregates of a reading were counted last.
    pub async fn counted_at(&self, reading: &Reading) -> Result<Option<Timestamp>, WarehouseError> {
        let counted = self.counted(reading, &aggregate::COVERAGE).await?;
        Ok(counted.iter().filter_map(|c| c.as_of).max())
    }

    /// The newest row of each bucket that holds events under this reading.
    pub async fn row_versions(&self, reading: &Reading) -> Result<BTreeMap<u8, u64>, WarehouseError> {
        let query = format!(
            "SELECT bucket, max(version) AS version FROM customer_journeys FINAL WHERE map = {} AND reading = {} AND notEmpty(`c.count`) GROUP BY bucket",
            quote(&reading.map.id),
            quote(&reading.id)
        );
        Ok(self.fetch::<BucketVersion>(&query).await?.into_iter().map(|r| (r.bucket, r.version)).collect())
    }

    /// Whether the aggregates have counted these rows, or newer ones. Before the first `as_of` nothing is ever counted.
    pub async fn has_counted(&self, reading: &Reading, rows: &BTreeMap<u8, u64>) -> Result<bool, WarehouseError> {
        if rows.is_empty() || self.watermark().await?.is_none() {
            return Ok(true);
        }
        let counted = self.counted(reading, &aggregate::COVERAGE).await?;
        let counted: BTreeMap<u8, u64> = counted.into_iter().map(|c| (c.bucket, c.version)).collect();
        let behind = |bucket: &u8| counted.get(bucket) < rows.get(bucket);
        let mut waiting = rows.keys().filter(|b| behind(b)).peekable();
        if waiting.peek().is_none() {
            return Ok(true);
        }
        // A bucket may have lost its last event since.
        let now = self.row_versions(reading).await?;
        Ok(waiting.all(|bucket| !now.contains_key(bucket)))
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
