//! What stands in `customer_journeys` and `identity`, held against what should. In: rows computed from the sets, in order
//! of their key, and which slice of the key they are all of. Out: each stale row, with the version it stands at. Reads
//! both sides of a slice once, side by side, so that a slice is all the memory it takes.

use std::sync::Arc;

use super::journey_row::JourneysRow;
use super::{Clickhouse, WarehouseError};
use crate::aggregate::quote;
use crate::identity::{Assignment, Displaced, displaced};
use crate::stage::CustomerRow;
use crate::stage::reading::Reading;

/// Columns with what they hold, as a person reads them.
pub type Columns = Vec<(&'static str, String)>;

/// A row that is not what the sets say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaleRow {
    pub table: &'static str,
    pub key: Columns,
    /// The columns that differ, as they stand; `None`: there is no row.
    pub stands: Option<Columns>,
    /// The same as they should stand; `None`: there should be no row.
    pub should: Option<Columns>,
    /// What the row was written at; 0 without a row.
    pub version: u64,
}

/// A slice of names.
#[derive(Clone, Copy, Debug)]
pub enum Among<'a> {
    /// Everything behind the first name, up to and with the second; `None`: no bound.
    Between(Option<&'a str>, Option<&'a str>),
    These(&'a [Arc<str>]),
}

impl Among<'_> {
    fn condition(&self, column: &str) -> String {
        match self {
            Self::Between(after, until) => {
                let bound = |sign: &str, name: &Option<&str>| {
                    name.map_or_else(|| "1".to_owned(), |n| format!("{column} {sign} {}", quote(n)))
                };
                format!("{} AND {}", bound(">", after), bound("<=", until))
            }
            Self::These(names) => {
                let names: Vec<String> = names.iter().map(|n| quote(n)).collect();
                format!("{column} IN ({})", names.join(", "))
            }
        }
    }
}

impl Clickhouse {
    /// Stale rows of one bucket under one reading. `should`: what this slice of customers is, in order of names; their
    /// tombstones stand for "no row".
    pub async fn stale_journeys(
        &self,
        reading: &Reading,
        bucket: u8,
        among: Among<'_>,
        should: &[&CustomerRow],
    ) -> Result<Vec<StaleRow>, WarehouseError> {
        let config = self.config()?;
        let columns: Vec<String> =
            <JourneysRow<'_> as clickhouse::Row>::COLUMN_NAMES.iter().map(|c| format!("`{c}`")).collect();
        let query = format!(
            "SELECT {} FROM customer_journeys FINAL WHERE map = {} AND reading = {} AND is_deleted = 0 AND bucket = {bucket} AND {} ORDER BY customer",
            columns.join(", "),
            quote(&reading.map.id),
            quote(&reading.id),
            among.condition("customer")
        );
        let query = query.replace('?', "??");
        let attempt = || async {
            let mut stale = Vec::new();
            let mut should = should.iter().filter(|r| r.journeys.is_some()).peekable();
            let mut cursor = self.client.query(&query).fetch::<JourneysRow<'_>>()?;
            while let Some(stands) = cursor.next().await? {
                while let Some(missing) = should.next_if(|r| *r.customer < *stands.customer) {
                    let row = JourneysRow::of(missing, reading, config);
                    stale.push(stale_row(reading, &missing.customer, None, Some(&row)));
                }
                let own = should.next_if(|r| *r.customer == *stands.customer);
                let row = own.map(|r| JourneysRow::of(r, reading, config));
                let found = stale_row(reading, stands.customer, Some(&stands), row.as_ref());
                let differs = found.stands != found.should;
                if differs {
                    stale.push(found);
                }
            }
            for missing in should {
                let row = JourneysRow::of(missing, reading, config);
                stale.push(stale_row(reading, &missing.customer, None, Some(&row)));
            }
            Ok(stale)
        };
        self.retry.until_done(attempt).await
    }

    /// Stale rows of `identity`. `should`: what this slice of nodes is.
    pub async fn stale_identity(
        &self,
        among: Among<'_>,
        should: Vec<Assignment>,
    ) -> Result<Vec<StaleRow>, WarehouseError> {
        let stored = self.assignments_where(&among.condition("node")).await?;
        let versions: rustc_hash::FxHashMap<_, u64> =
            stored.iter().map(|(a, version)| ((a.node.clone(), a.day), *version)).collect();
        let wrong = displaced(should, stored.into_iter().map(|(assignment, _)| assignment).collect());
        let customer = |c: Option<Arc<str>>| vec![("customer", c.map_or_else(String::new, |c| c.to_string()))];
        let row = |d: Displaced| {
            let version = versions.get(&(d.node.clone(), d.day)).copied().unwrap_or_default();
            let mut key = vec![("node", d.node.to_string())];
            key.extend(d.day.map(|day| ("day", day.to_string())));
            let should = Some(customer(d.should));
            StaleRow { table: "identity", key, stands: d.stands.map(customer), should, version }
        };
        Ok(wrong.into_iter().map(row).collect())
    }
}

/// Both sides of a row, reduced to the columns that differ.
fn stale_row(
    reading: &Reading,
    customer: &str,
    stands: Option<&JourneysRow<'_>>,
    should: Option<&JourneysRow<'_>>,
) -> StaleRow {
    let none = JourneysRow::default();
    let differ = stands.unwrap_or(&none).differences(should.unwrap_or(&none));
    let side = |there: bool, of: fn(&(&'static str, String, String)) -> (&'static str, String)| {
        there.then(|| differ.iter().map(of).collect::<Columns>())
    };
    StaleRow {
        table: "customer_journeys",
        key: vec![("map", reading.map.id.to_string()), ("customer", customer.to_owned())],
        stands: side(stands.is_some(), |(column, stands, _)| (column, stands.clone())),
        should: side(should.is_some(), |(column, _, should)| (column, should.clone())),
        version: stands.map_or(0, |r| r.version),
    }
}
