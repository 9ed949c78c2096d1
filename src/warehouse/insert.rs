//! Inserts: rows of one table as one block, acknowledged before they return. In: [`Rows`]. Out: nothing but the
//! acknowledgement. A timed-out insert is simply made again: inserting a member twice is a no-op. A batch that is too
//! large for the warehouse goes in halves: each is a block of its own, and positions are written after all of them.

use std::sync::Arc;

use clickhouse::error::Error;
use clickhouse::{RowOwned, RowWrite};
use tracing::{debug, warn};

use super::journey_row::JourneysRow;
use super::retry::Inserted;
use super::rows::{AnnouncingRow, EventRow, FactRow, IdentityRow, LetterRow, PositionsRow};
use super::{Clickhouse, WarehouseError};
use crate::event::Event;
use crate::stage::reading::Reading;
use crate::stage::{CustomerRow, Rows};
use crate::steps::{self, When};

impl Clickhouse {
    /// Inserts rows of one table; returns once ClickHouse has acknowledged them.
    pub async fn insert_rows(&self, rows: Rows, readings: &[Reading]) -> Result<(), WarehouseError> {
        let config = self.config()?.clone();
        let (table, count, began) = (rows.table(), rows.len(), std::time::Instant::now());
        steps::reach(When::Before, table);
        let inserted = match rows {
            Rows::Events(events) => self.insert_events(&events).await,
            Rows::DeadLetters(letters) => {
                let rows: Vec<LetterRow> = letters.iter().map(|l| LetterRow::of(l, &config)).collect();
                self.insert_all(table, &rows).await
            }
            Rows::Recovered(list) => self.forget_replayed(&list, &config).await,
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
        if inserted.is_ok() {
            steps::reach(When::After, table);
        }
        inserted
    }

    async fn insert_events(&self, events: &[Event]) -> Result<(), WarehouseError> {
        let config = self.config()?;
        let attempt = |events| async move {
            let mut insert = self.client.insert::<EventRow<'_>>("events").await?;
            for event in events {
                insert.write(&EventRow::of(event, config)).await?;
            }
            insert.end().await
        };
        self.insert_in_parts(events, attempt).await
    }

    /// Customer rows into `customer_journeys` or a scratch table of its shape.
    pub(super) async fn insert_customers(
        &self,
        table: &str,
        rows: &[CustomerRow],
        readings: &[Reading],
    ) -> Result<(), WarehouseError> {
        let config = self.config()?;
        let attempt = |rows| async move {
            let mut insert = self.client.insert::<JourneysRow<'_>>(table).await?;
            for row in rows {
                let row: &CustomerRow = row;
                insert.write(&JourneysRow::of(row, &readings[row.map], config)).await?;
            }
            insert.end().await
        };
        self.insert_in_parts(rows, attempt).await
    }

    pub(super) async fn insert_all<R: RowOwned + RowWrite>(
        &self,
        table: &str,
        rows: &[R],
    ) -> Result<(), WarehouseError> {
        let attempt = |rows| async move {
            let mut insert = self.client.insert::<R>(table).await?;
            for row in rows {
                insert.write(row).await?;
            }
            insert.end().await
        };
        self.insert_in_parts(rows, attempt).await
    }

    /// As one block if the warehouse takes it, else in halves of halves. One row that is refused for want of memory is
    /// waited for: then it is not the batch that is at fault.
    async fn insert_in_parts<'r, R, A>(
        &self,
        rows: &'r [R],
        attempt: impl Fn(&'r [R]) -> A,
    ) -> Result<(), WarehouseError>
    where
        A: Future<Output = Result<(), Error>>,
    {
        let mut open = vec![rows];
        while let Some(part) = open.pop() {
            if part.len() == 1 {
                self.retry.until_done(|| attempt(part)).await?;
            } else if self.retry.insert(|| attempt(part)).await? == Inserted::TooLarge {
                warn!(rows = part.len(), "the warehouse cannot take so many rows at once: they go in halves");
                let (first, second) = part.split_at(part.len() / 2);
                open.extend([second, first]);
            }
        }
        Ok(())
    }
}
