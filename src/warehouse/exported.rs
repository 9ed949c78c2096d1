//! Journeys of a map one by one, in pages. In: which journeys, the place behind which a page begins. Out: [`ExportedJourney`]s.

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};
use crate::aggregate::exported::{ExportedJourney, Step, counts, page};
use crate::aggregate::{Scope, quote};
use crate::time::Timestamp;

/// Customers of one page: enough that the way there does not count, little enough for memory.
const CUSTOMERS: u32 = 5_000;

/// Touchpoint, stage, when, source, event id, channel, and whether it failed and stands beside the model.
type StepRow = (String, String, i64, String, String, String, (u8, u8));

#[derive(Row, Deserialize)]
struct ExportedRow {
    bucket: u8,
    customer: String,
    id: String,
    key: String,
    map_version: u32,
    attempt: u32,
    entered: i64,
    outcome: String,
    decided: i64,
    reason: String,
    value: Option<f64>,
    currency: String,
    fit: (u32, u32, u8),
    steps: Vec<StepRow>,
}

#[derive(Row, Deserialize)]
struct Counts {
    customers: u64,
    journeys: u64,
}

/// How much there is to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportedCounts {
    pub customers: u64,
    pub journeys: u64,
}

/// Ids of journeys that begin alike, and whose they are.
#[derive(Row, Deserialize)]
struct NamedRow {
    id: String,
    customer: String,
}

/// So many that begin alike are named.
const ALIKE: usize = 5;

impl Clickhouse {
    /// Journeys of a map whose ids begin so, under any reading: (id, customer), the first few.
    pub async fn journeys_named(&self, map: &str, begin: &str) -> Result<Vec<(String, String)>, WarehouseError> {
        let query = format!(
            "SELECT DISTINCT id, customer FROM (SELECT customer, `j.id` FROM customer_journeys FINAL WHERE map = {} AND is_deleted = 0) \
             ARRAY JOIN `j.id` AS id WHERE startsWith(id, {}) ORDER BY id, customer LIMIT {ALIKE}",
            quote(map),
            quote(begin),
        );
        Ok(self.fetch::<NamedRow>(&query).await?.into_iter().map(|r| (r.id, r.customer)).collect())
    }

    pub async fn exported_counts(&self, scope: &Scope<'_>) -> Result<ExportedCounts, WarehouseError> {
        let found = self.fetch::<Counts>(&counts(scope)).await?;
        let none = ExportedCounts { customers: 0, journeys: 0 };
        Ok(found.first().map_or(none, |c| ExportedCounts { customers: c.customers, journeys: c.journeys }))
    }

    /// The journeys of the next customers; empty: there are no more.
    pub async fn exported(
        &self,
        scope: &Scope<'_>,
        after: Option<(u8, &str)>,
    ) -> Result<Vec<ExportedJourney>, WarehouseError> {
        let rows = self.fetch::<ExportedRow>(&page(scope, after, CUSTOMERS)).await?;
        Ok(rows.into_iter().map(exported).collect())
    }
}

fn exported(r: ExportedRow) -> ExportedJourney {
    let (cost, most, follows) = r.fit;
    let step = |(touchpoint, stage, at, source, event_id, channel, (failed, beside))| Step {
        touchpoint,
        stage,
        at: Timestamp::from_micros(at),
        source,
        event_id,
        channel,
        failed: failed == 1,
        beside: beside == 1,
    };
    ExportedJourney {
        bucket: r.bucket,
        customer: r.customer,
        id: r.id,
        key: r.key,
        map_version: r.map_version,
        attempt: r.attempt,
        entry_at: Timestamp::from_micros(r.entered),
        outcome: r.outcome,
        outcome_at: Timestamp::from_micros(r.decided),
        reason: r.reason,
        value: r.value,
        currency: r.currency,
        fitness: (most > 0).then(|| 1.0 - f64::from(cost) / f64::from(most)),
        follows: follows == 1,
        steps: r.steps.into_iter().map(step).collect(),
    }
}
