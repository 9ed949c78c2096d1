//! Measured emotion by entry date, persona, stage and touchpoint. In: rows of the aggregate, stored or counted now. Out:
//! [`EmotionDay`]s.

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};
use crate::aggregate::EmotionDay;
use crate::time::Day;

#[derive(Row, Deserialize)]
struct EmotionCounts {
    entry_date: i32,
    map_version: u32,
    persona: String,
    stage: String,
    touchpoint: String,
    told: Vec<(i32, u64)>,
}

impl Clickhouse {
    pub(super) async fn emotion_days(&self, rows: &str) -> Result<Vec<EmotionDay>, WarehouseError> {
        let query = format!(
            "SELECT entry_date, map_version, toString(persona) AS persona, toString(stage) AS stage, toString(touchpoint) AS touchpoint, \
             arrayZip((sumMap(r.emotion_ppm, r.emotion_count) AS e).1, e.2) AS told FROM ({rows}) AS r \
             GROUP BY entry_date, map_version, persona, stage, touchpoint HAVING sum(r.told) > 0 ORDER BY entry_date, map_version, persona, stage, touchpoint"
        );
        let day = |r: EmotionCounts| EmotionDay {
            entry_date: Day(r.entry_date),
            version: r.map_version,
            persona: r.persona,
            stage: r.stage,
            touchpoint: r.touchpoint,
            told: r.told,
        };
        Ok(self.fetch::<EmotionCounts>(&query).await?.into_iter().map(day).collect())
    }
}
