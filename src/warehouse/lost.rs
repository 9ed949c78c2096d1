//! What the comparison asks about drop-offs: where people went, and whose trail looks broken. In: a table of customers'
//! rows, a reading, the mature entry dates. Out: counts, bounded by stages, ways and designed steps.

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};
use crate::aggregate::broken::{self, BegunCount, BrokenCounts, EndCount};
use crate::aggregate::lost::{self, LostCount};
use crate::aggregate::{Scope, TransitionDay};
use crate::map::MapVersions;
use crate::time::Day;

/// What exactly followed, of each stage and way.
const THINGS: usize = 5;

#[derive(Row, Deserialize)]
struct LostRow {
    stage: String,
    went: String,
    name: String,
    path: String,
    journeys: u64,
    examples: Vec<String>,
    of_way: u64,
    things: u64,
}

#[derive(Row, Deserialize)]
struct EndedRow {
    stage: String,
    trails: u64,
}

#[derive(Row, Deserialize)]
struct BegunRow {
    source: String,
    target: String,
    trails: u64,
    matches: u64,
    by_chance: f64,
    squares: f64,
}

impl Clickhouse {
    pub(super) async fn lost_counts(
        &self,
        scope: &Scope<'_>,
        mature: &[Day],
    ) -> Result<Vec<LostCount>, WarehouseError> {
        let count = |r: LostRow| LostCount {
            stage: r.stage,
            went: r.went,
            name: r.name,
            path: r.path,
            journeys: r.journeys,
            examples: r.examples,
            of_way: r.of_way,
            things: r.things,
        };
        Ok(self.fetch::<LostRow>(&lost::lost(scope, mature, THINGS)).await?.into_iter().map(count).collect())
    }

    pub(super) async fn broken_counts(
        &self,
        scope: &Scope<'_>,
        map: &MapVersions,
        mature: &[Day],
        transitions: &[TransitionDay],
    ) -> Result<BrokenCounts, WarehouseError> {
        let trails = match broken::trails(map, &self.config()?.identifiers.kinds, transitions, mature) {
            Ok(trails) => trails,
            Err(why) => return Ok(BrokenCounts::Untold(why)),
        };
        let end = |r: EndedRow| EndCount { stage: r.stage, trails: r.trails };
        let begun = |r: BegunRow| BegunCount {
            from: r.source,
            to: r.target,
            trails: r.trails,
            matches: r.matches,
            by_chance: r.by_chance,
            squares: r.squares,
        };
        let ends = self.fetch::<EndedRow>(&broken::ended(scope, mature, &trails)).await?;
        let begins = self.fetch::<BegunRow>(&broken::begun(scope, mature, &trails)).await?;
        Ok(BrokenCounts::Told {
            trails,
            ends: ends.into_iter().map(end).collect(),
            begun: begins.into_iter().map(begun).collect(),
        })
    }
}
