//! The variants of a map, read from `customer_journeys`. In: which journeys, a limit. Out: [`Variants`].

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};
use crate::aggregate::Scope;
use crate::aggregate::variants::{
    Example, PathOf, StagePath, StagePaths, Variant, Variants, by_version, stage_paths, variants,
};
use crate::stage::reading::Reading;
use crate::time::Timestamp;

#[derive(Row, Deserialize)]
struct VariantRow {
    map_version: u32,
    place: u64,
    path: String,
    paths: u64,
    journeys: u64,
    customers: u64,
    outcomes: (u64, u64, u64, u64),
    to_goal: (Option<f64>, Option<f64>),
    evaluated: u64,
    fitness_sum: f64,
    following: u64,
    examples: Vec<(String, String)>,
}

/// Paths of stages that are read back.
const STAGE_PATHS: u32 = 1_000_000;

#[derive(Row, Deserialize)]
struct StagePathRow {
    version: u32,
    path: Vec<String>,
    journeys: u64,
    paths: u64,
    walked: u64,
}

impl Clickhouse {
    /// Every path of stages, of the same journeys as [`Self::variants`].
    pub async fn stage_paths(&self, reading: &Reading, as_of: Timestamp) -> Result<StagePaths, WarehouseError> {
        let scope =
            Scope { table: "customer_journeys", map: &reading.map.id, reading: &reading.id, as_of, buckets: &[] };
        self.stage_paths_in(&scope).await
    }

    pub(super) async fn stage_paths_in(&self, scope: &Scope<'_>) -> Result<StagePaths, WarehouseError> {
        let rows = self.fetch::<StagePathRow>(&stage_paths(scope, STAGE_PATHS)).await?;
        let (distinct, journeys) = rows.first().map_or((0, 0), |r| (r.paths, r.walked));
        let one = |r: StagePathRow| StagePath { version: r.version, path: r.path, journeys: r.journeys };
        Ok(StagePaths { kept: rows.into_iter().map(one).collect(), distinct, journeys })
    }

    /// The most walked paths of each version of the map, and what is left together.
    pub async fn variants(&self, scope: &Scope<'_>, path_of: PathOf, limit: u32) -> Result<Variants, WarehouseError> {
        let min_cell = self.config()?.min_cell;
        let query = format!(
            "SELECT map_version, place, path, paths, journeys, customers, (completed, ended, dropped, in_flight) AS outcomes, \
             (to_goal_p50, to_goal_p90) AS to_goal, evaluated, fitness_sum, following, examples FROM ({}) ORDER BY map_version, place",
            variants(scope, path_of, (limit, min_cell))
        );
        let rows = self.fetch::<VariantRow>(&query).await?.into_iter().map(|r| (r.place, variant(r)));
        Ok(Variants {
            map: scope.map.to_owned(),
            reading: scope.reading.to_owned(),
            as_of: scope.as_of,
            path_of,
            min_cell,
            versions: by_version(rows, limit),
        })
    }
}

fn variant(r: VariantRow) -> Variant {
    let (completed, ended, dropped, in_flight) = r.outcomes;
    let example = |(journey, customer)| Example { journey, customer };
    Variant {
        map_version: r.map_version,
        path: r.path.split_whitespace().map(str::to_owned).collect(),
        paths: r.paths,
        journeys: r.journeys,
        customers: r.customers,
        completed,
        ended,
        dropped,
        in_flight,
        to_goal_p50: r.to_goal.0,
        to_goal_p90: r.to_goal.1,
        evaluated: r.evaluated,
        fitness_sum: r.fitness_sum,
        following: r.following,
        examples: r.examples.into_iter().map(example).collect(),
    }
}
