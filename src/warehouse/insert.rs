//! Inserts: rows of one table as one block, acknowledged before they return. In: [`Rows`]. Out: nothing but the
//! acknowledgement. A timed-out insert is simply made again: inserting a member twice is a no-op.

use std::sync::Arc;

use clickhouse::{RowOwned, RowWrite};
use tracing::debug;

use super::journey_row::JourneysRow;
use super::rows::{AnnouncingRow, EventRow, FactRow, IdentityRow, LetterRow, PositionsRow};
use super::{Clickhouse, WarehouseError};
use crate::event::Event;
use crate::stage::reading::Reading;
use crate::stage::{CustomerRow, Rows};

impl Clickhouse {
    /// Inserts rows of one table; returns once ClickHouse has acknowledged them.
    pub async fn insert_rows(&self, rows: Rows, readings: &[Reading]) -> Result<(), WarehouseError> {
        let config = self.config()?.clone();
        let (table, count, began) = (rows.table(), rows.len(), std::time::Instant::now());
        let inserted = match rows {
            Rows::Events(events) => self.insert_events(&events).await,
            Rows::DeadLetters(letters) => {
                let rows: Vec<LetterRow> = letters.iter().map(|l| LetterRow::of(l, &config)).collect();
                self.insert_all(table, &rows).await
            }
            Rows::Facts(facts) => {
                let rows: Vec<FactRow> = facts.iter().map(|f| FactRow::of(f, &config)).collect();
                self.insert_all(table, &rows).await
            }
            Rows::Announcing(list, version) => {
                let row = |customer: &Arc<str>| AnnouncingRow { version: version.0, customer: customer.to_string() };
                let rows: Vec<AnnouncingRow> = list.iter().map(row).collect();
                self.insert_all(table, &rows).await
            }
            Rows::Assignments(list, version) => {
                let rows: Vec<IdentityRow> = list.iter().map(|a| IdentityRow::of(a, version)).collect();
                self.insert_all(table, &rows).await
            }
            Rows::Customers(list) => self.insert_customers(table, &list, readings).await,
            Rows::Positions(list) => {
                let rows: Vec<PositionsRow> = list.iter().map(|p| PositionsRow::of(p, &config)).collect();
                self.insert_all(table, &rows).await
            }
            Rows::Orders(rows) => self.carry_out(rows).await,
        };
        debug!(table, rows = count, millis = began.elapsed().as_millis() as u64, "inserted");
        inserted
    }

    async fn insert_events(&self, events: &[Event]) -> Result<(), WarehouseError> {
        let config = self.config()?;
        let attempt = || async {
            let mut insert = self.client.insert::<EventRow<'_>>("events").await?;
            for event in events {
                insert.write(&EventRow::of(event, config)).await?;
            }
            insert.end().await
        };
        self.retry.until_done(attempt).await
    }

    /// Customer rows into `customer_journeys` or a scratch table of its shape.
    pub(super) async fn insert_customers(
        &self,
        table: &str,
        rows: &[CustomerRow],
        readings: &[Reading],
    ) -> Result<(), WarehouseError> {
        let config = self.config()?;
        let attempt = || async {
            let mut insert = self.client.insert::<JourneysRow<'_>>(table).await?;
            for row in rows {
                insert.write(&JourneysRow::of(row, &readings[row.map], config)).await?;
            }
            insert.end().await
        };
        self.retry.until_done(attempt).await
    }

    pub(super) async fn insert_all<R: RowOwned + RowWrite>(
        &self,
        table: &str,
        rows: &[R],
    ) -> Result<(), WarehouseError> {
        let attempt = || async {
            let mut insert = self.client.insert::<R>(table).await?;
            for row in rows {
                insert.write(row).await?;
            }
            insert.end().await
        };
        self.retry.until_done(attempt).await
    }
}
