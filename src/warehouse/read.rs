//! What a process reads back: the sets, and how far everything stands. In: the tables. Out: domain values.

use std::sync::Arc;

use clickhouse::Row;
use serde::Deserialize;

use super::rows::{EVENT_COLUMNS, FACT_COLUMNS, FactRow, IdentityRow, POSITION_COLUMNS, PositionsRow, StoredEvent};
use super::sets::erased;
use super::{Clickhouse, WarehouseError};
use crate::aggregate::{moment, quote};
use crate::config::{Config, Source};
use crate::event::Event;
use crate::identity::{Assignment, Fact, Outside};
use crate::stage::{Partition, PositionRow};
use crate::time::Timestamp;

/// Nodes asked for in one query.
const NODES: usize = 5_000;

#[derive(Row, Deserialize)]
struct Text {
    text: String,
}

#[derive(Row, Deserialize)]
struct Number {
    number: u64,
}

#[derive(Row, Deserialize)]
struct Moment {
    moment: i64,
}

impl Clickhouse {
    /// 1 + the greatest epoch ever claimed or used, claimed by an acknowledged row.
    pub async fn claim_epoch(&self) -> Result<u64, WarehouseError> {
        // What a start reads, from here on.
        self.catch_up(&["epochs", "customer_journeys", "identity", "identity_facts", "events", "positions"]).await?;
        let greatest = self
            .fetch::<Number>(
                "SELECT max(e) AS number FROM (SELECT max(epoch) AS e FROM epochs \
                 UNION ALL SELECT bitShiftRight(max(version), 40) FROM customer_journeys \
                 UNION ALL SELECT bitShiftRight(max(version), 40) FROM identity)",
            )
            .await?;
        let epoch = greatest.first().map_or(0, |n| n.number) + 1;
        self.execute(&format!("INSERT INTO epochs (epoch) VALUES ({epoch})")).await?;
        Ok(epoch)
    }

    /// Whether nobody has claimed a later epoch.
    pub async fn is_newest(&self, epoch: u64) -> Result<bool, WarehouseError> {
        self.catch_up(&["epochs"]).await?;
        let newest = self.fetch::<Number>("SELECT max(epoch) AS number FROM epochs").await?;
        Ok(newest.first().is_none_or(|n| n.number <= epoch))
    }

    /// What is inside the function (see `Config::is_current`), as a condition on source and generation.
    pub(super) fn current_generations(&self) -> Result<String, WarehouseError> {
        let one = |s: &Source| format!("(source = {} AND generation >= {})", quote(&s.name), s.generation);
        let all: Vec<String> = self.config()?.sources.iter().map(one).collect();
        Ok(if all.is_empty() { "0".to_owned() } else { all.join(" OR ") })
    }

    /// All identity facts, each as its earliest statement of the day; of erased ones only the day is known.
    pub(super) async fn facts(&self) -> Result<Vec<Fact>, WarehouseError> {
        self.facts_where("1").await
    }

    /// Those in rows of a kind.
    pub(super) async fn facts_where(&self, rows: &str) -> Result<Vec<Fact>, WarehouseError> {
        let config = self.config()?;
        let current = self.current_generations()?;
        let query = format!("SELECT {FACT_COLUMNS} FROM identity_facts FINAL WHERE ({current}) AND {rows}");
        let rows = self.fetch::<FactRow>(&query).await?;
        Ok(rows.into_iter().filter_map(|r| r.fact(config)).collect())
    }

    /// Every node with events inside the function: of the sources and generations that the config has, not before the
    /// horizon and not erased.
    pub(super) async fn nodes(&self, outside: &Outside) -> Result<Vec<Arc<str>>, WarehouseError> {
        self.nodes_where(outside, "1").await
    }

    /// Those in rows of a kind.
    pub(super) async fn nodes_where(&self, outside: &Outside, rows: &str) -> Result<Vec<Arc<str>>, WarehouseError> {
        let inside = self.inside(outside)?;
        let query = format!("SELECT DISTINCT node AS text FROM events WHERE node != '' AND {inside} AND {rows}");
        let rows = self.fetch::<Text>(&query).await?;
        Ok(rows.into_iter().map(|r| Arc::from(r.text)).collect())
    }

    /// What is inside the function, as a condition on events.
    pub(super) fn inside(&self, outside: &Outside) -> Result<String, WarehouseError> {
        let current = self.current_generations()?;
        let horizon = outside
            .horizon()
            .map_or_else(|| "1".to_owned(), |day| format!("occurred_at >= {}", moment(day.start_utc())));
        Ok(format!("({current}) AND {horizon} AND NOT {}", erased(outside)))
    }

    /// The newest row of every node, and of every day that a shared device is apart on.
    pub async fn assignments(&self) -> Result<Vec<Assignment>, WarehouseError> {
        Ok(self.assignments_where("1").await?.into_iter().map(|(assignment, _)| assignment).collect())
    }

    /// The same of some nodes, with the rows' versions.
    pub(super) async fn assignments_where(&self, nodes: &str) -> Result<Vec<(Assignment, u64)>, WarehouseError> {
        let query = format!(
            "SELECT node, day, has_day, r.1 AS customer, r.2 AS version, r.3 AS is_deleted FROM \
             (SELECT node, has_day, day, argMax((customer, version, is_deleted), version) AS r FROM identity \
             WHERE {nodes} GROUP BY node, has_day, day)"
        );
        let rows = self.fetch::<IdentityRow>(&query).await?;
        Ok(rows.into_iter().map(IdentityRow::versioned).collect())
    }

    pub async fn stored_positions(&self, config: &Config) -> Result<Vec<PositionRow>, WarehouseError> {
        let rows = self.fetch::<PositionsRow>(&format!("SELECT {POSITION_COLUMNS} FROM positions FINAL")).await?;
        Ok(rows.into_iter().filter_map(|r| r.position(config)).collect())
    }

    /// The greatest `as_of` ever stored; `None` before the first.
    pub async fn watermark(&self) -> Result<Option<Timestamp>, WarehouseError> {
        let rows = self
            .fetch::<Moment>("SELECT toUnixTimestamp64Micro(max(as_of)) AS moment FROM watermarks HAVING count() > 0")
            .await?;
        Ok(rows.first().map(|m| Timestamp::from_micros(m.moment)))
    }

    /// Notes that silence is decided up to `as_of` in some of so many slices of the customers. What is shown is
    /// the least of all slices.
    pub async fn note_as_of(
        &self,
        (slices, of): (&[Partition], Partition),
        as_of: Timestamp,
    ) -> Result<(), WarehouseError> {
        if of == 1 {
            return self.execute(&format!("INSERT INTO watermarks (id, as_of) SELECT 0, {}", moment(as_of))).await;
        }
        self.execute(&format!(
            "INSERT INTO slice_watermarks (slices, slice, as_of) SELECT {of}, arrayJoin({slices:?}), {}",
            moment(as_of)
        ))
        .await?;
        self.execute(&format!(
            "INSERT INTO watermarks (id, as_of) SELECT 0, min(newest) FROM \
             (SELECT slice, max(s.as_of) AS newest FROM slice_watermarks AS s WHERE slices = {of} GROUP BY slice) HAVING count() = {of}"
        ))
        .await
    }

    /// Customers that an identity writer was about to announce when it was cut off.
    pub async fn unsettled(&self) -> Result<Vec<Arc<str>>, WarehouseError> {
        let query =
            "SELECT DISTINCT customer AS text FROM announcing WHERE version > (SELECT max(version) FROM identity)";
        Ok(self.fetch::<Text>(query).await?.into_iter().map(|r| Arc::from(r.text)).collect())
    }

    /// Every stored event of these nodes, copies that the merge has not folded yet included.
    pub async fn events_of_nodes(&self, nodes: &[Arc<str>]) -> Result<Vec<Event>, WarehouseError> {
        let config = self.config()?;
        self.catch_up(&["events"]).await?;
        let mut events = Vec::new();
        for chunk in nodes.chunks(NODES) {
            let list = chunk.iter().map(|n| quote(n)).collect::<Vec<_>>().join(",");
            let query = format!("SELECT {EVENT_COLUMNS} FROM events WHERE node IN ({list})");
            let rows = self.fetch::<StoredEvent>(&query).await?;
            events.extend(rows.into_iter().filter_map(|r| r.event(config)));
        }
        Ok(events)
    }
}
