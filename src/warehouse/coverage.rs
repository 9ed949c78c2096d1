//! Coverage as a figure to watch. In: the view of what became of every event. Out: the share of each map.

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};

#[derive(Row, Deserialize)]
struct ShareRow {
    map: String,
    share: f64,
}

impl Clickhouse {
    /// By map: the share of distinct events that its touchpoints match, of those that it does not exclude. Asked once: a
    /// store that does not answer now is asked again by whoever wants to know.
    pub async fn coverage_by_map(&self) -> Result<Vec<(String, f64)>, WarehouseError> {
        let query = "SELECT toString(map) AS map, \
             sumIf(events, fate IN ('in_journey', 'before_entry', 'after_drop_off', 'after_exit', 'after_goal')) AS mapped, \
             sumIf(events, fate IN ('unmapped', 'no_version')) AS unmapped, mapped / (mapped + unmapped) AS share \
             FROM v_coverage GROUP BY map HAVING mapped + unmapped > 0";
        let rows = self.client.query(&format!("SELECT map, share FROM ({query})")).fetch_all::<ShareRow>().await;
        Ok(rows.map_err(super::retry::refused)?.into_iter().map(|r| (r.map, r.share)).collect())
    }
}
