//! What stands in the daily aggregates, held against a count of `customer_journeys` now, by the very SELECT that fills
//! them. In: a reading, an aggregate, buckets. Out: each stale cell; and how far each bucket's count is behind its rows.

use clickhouse::Row;
use serde::Deserialize;

use super::standing::{Columns, StaleRow};
use super::{Clickhouse, WarehouseError};
use crate::aggregate::{self, Aggregate, Scope, quote};
use crate::stage::reading::Reading;
use crate::time::Timestamp;

/// Sums of values are sums of fractions: in another order they differ in their last digits.
const ROUNDING: f64 = 1e-9;

/// When a bucket of an aggregate was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counted {
    pub bucket: u8,
    /// The newest of the customers' rows.
    pub rows: u64,
    /// The newest that was counted; 0: nothing stands there.
    pub version: u64,
    pub as_of: Option<Timestamp>,
}

/// Buckets that were counted at one moment.
pub type CountedBuckets = Vec<Counted>;

#[derive(Row, Deserialize)]
struct CountedRow {
    bucket: u8,
    rows: u64,
    version: u64,
    as_of: i64,
}

#[derive(Row, Deserialize)]
struct Cell {
    bucket: u8,
    key: Vec<String>,
    stands: Vec<String>,
    should: Vec<String>,
    version: u64,
}

impl Clickhouse {
    /// How far each bucket of an aggregate is counted, for buckets that hold customers or counts.
    pub async fn counted(&self, reading: &Reading, one: &Aggregate) -> Result<CountedBuckets, WarehouseError> {
        let scope = format!("map = {} AND reading = {}", quote(&reading.map.id), quote(&reading.id));
        let query = format!(
            "SELECT bucket, max(r) AS rows, max(v) AS version, max(t) AS as_of FROM \
             (SELECT bucket, version AS r, toUInt64(0) AS v, toInt64(0) AS t FROM customer_journeys WHERE {scope} \
             UNION ALL SELECT bucket, toUInt64(0) AS r, version AS v, toUnixTimestamp64Micro(as_of) AS t FROM {} WHERE {scope}) \
             GROUP BY bucket ORDER BY bucket",
            one.table
        );
        let counted = |r: CountedRow| Counted {
            bucket: r.bucket,
            rows: r.rows,
            version: r.version,
            as_of: (r.version > 0).then(|| Timestamp::from_micros(r.as_of)),
        };
        Ok(self.fetch::<CountedRow>(&query).await?.into_iter().map(counted).collect())
    }

    /// Cells of these buckets that are not what the customers' rows give at `as_of`.
    pub async fn stale_cells(
        &self,
        reading: &Reading,
        one: &Aggregate,
        buckets: &[u8],
        as_of: Timestamp,
    ) -> Result<Vec<StaleRow>, WarehouseError> {
        let (map, id) = (&*reading.map.id, &*reading.id);
        let scope = Scope { table: "customer_journeys", map, reading: id, as_of, buckets };
        let keys: Vec<String> = one.keys.iter().map(|k| format!("toString(c.{k})")).collect();
        let sums = one.sums.iter().map(|s| format!("toString(c.{s})"));
        let histograms = one.histograms.iter().map(|(key, count)| {
            format!("toString(arraySort(arrayFilter(b -> b.2 > 0, arrayZip(c.{key}, c.{count}))))")
        });
        let figures: Vec<String> = sums.chain(histograms).collect();
        // Nothing but zeros says the same as no row.
        let some: Vec<String> = one.sums.iter().map(|s| format!("c.{s} != 0")).collect();
        let list = buckets.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        let side = |from: &str, version: &str, side: u8| {
            format!(
                "SELECT c.bucket AS bucket, [{}] AS key, [{}] AS figures, {version} AS version, toUInt8({side}) AS side FROM ({from}) AS c WHERE {}",
                keys.join(", "),
                figures.join(", "),
                some.join(" OR ")
            )
        };
        let stored = format!(
            "SELECT * FROM {} FINAL WHERE map = {} AND reading = {} AND bucket IN ({list})",
            one.table,
            quote(map),
            quote(id)
        );
        let query = format!(
            "SELECT bucket, key, anyIf(figures, side = 0) AS stands, anyIf(figures, side = 1) AS should, max(version) AS version \
             FROM ({} UNION ALL {}) GROUP BY bucket, key HAVING stands != should ORDER BY bucket, key",
            side(&stored, "c.version", 0),
            side(&one.select(&scope), "toUInt64(0)", 1)
        );
        let cells = self.fetch::<Cell>(&query).await?;
        Ok(cells.into_iter().filter_map(|cell| stale_cell(map, one, cell)).collect())
    }
}

/// A cell reduced to the figures that differ; `None`: by rounding only.
fn stale_cell(map: &str, one: &Aggregate, cell: Cell) -> Option<StaleRow> {
    let names: Vec<&'static str> = one.sums.iter().copied().chain(one.histograms.iter().map(|(_, c)| *c)).collect();
    let zero = |i: usize| if i < one.sums.len() { "0" } else { "[]" }.to_owned();
    let (mut stands, mut should) = (Columns::new(), Columns::new());
    for (i, name) in names.into_iter().enumerate() {
        let is = cell.stands.get(i).cloned().unwrap_or_else(|| zero(i));
        let ought = cell.should.get(i).cloned().unwrap_or_else(|| zero(i));
        if is != ought && !(aggregate::is_amount(name) && nearly(&is, &ought)) {
            stands.push((name, is));
            should.push((name, ought));
        }
    }
    if stands.is_empty() {
        return None;
    }
    let mut key = vec![("map", map.to_owned()), ("bucket", cell.bucket.to_string())];
    key.extend(one.keys.iter().copied().zip(cell.key));
    let there = |columns: Columns, side: &[String]| (!side.is_empty()).then_some(columns);
    Some(StaleRow {
        table: one.table,
        key,
        stands: there(stands, &cell.stands),
        should: there(should, &cell.should),
        version: cell.version,
    })
}

fn nearly(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= ROUNDING * a.abs().max(b.abs()),
        _ => false,
    }
}
