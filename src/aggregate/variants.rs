//! Variants: the distinct paths of a map's journeys, the most walked first. In: a [`Scope`], and whether a path is one of
//! touchpoints or of stages. Out: a SELECT, and the shape of what it answers. The journeys are those that every aggregate
//! counts; what lies beyond the limit is one row, so that all rows add up to all journeys.

use super::Scope;
use super::select::live;
use crate::time::Timestamp;

/// What a path is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathOf {
    /// Touchpoints of the model, visit by visit; problems and surveys stand beside it.
    Touchpoints,
    Stages,
}

impl PathOf {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Touchpoints => "touchpoints",
            Self::Stages => "stages",
        }
    }
}

/// One path, or all of those beyond the limit together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    pub map_version: u32,
    /// Empty for `other`.
    pub path: Vec<String>,
    /// How many paths this row stands for: 1, or those that are cut.
    pub paths: u64,
    pub journeys: u64,
    pub customers: u64,
    pub completed: u64,
    pub ended: u64,
    pub dropped: u64,
    pub in_flight: u64,
    /// Seconds from entry to the goal, of completed journeys.
    pub to_goal_p50: Option<f64>,
    pub to_goal_p90: Option<f64>,
    /// Journeys with an alignment, the sum of their fitness, and how many follow the map.
    pub evaluated: u64,
    pub fitness_sum: f64,
    pub following: u64,
    /// Those whose length of time is nearest to the middle one.
    pub examples: Vec<Example>,
}

/// A journey to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    pub journey: String,
    /// `tropa show` finds it by this.
    pub customer: String,
}

/// The variants of a map under one reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Variants {
    pub map: String,
    pub reading: String,
    pub as_of: Timestamp,
    pub path_of: PathOf,
    /// Paths of fewer journeys stand in `other`.
    pub min_cell: u64,
    /// By version of the map, each with its most walked first and `other` last.
    pub versions: Vec<VariantsOfVersion>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariantsOfVersion {
    pub version: u32,
    pub journeys: u64,
    pub top: Vec<Variant>,
    pub other: Option<Variant>,
}

/// A path of stages under one version of the map, and the journeys that went it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StagePath {
    pub version: u32,
    pub path: Vec<String>,
    pub journeys: u64,
}

/// The most walked ones, and how many paths and journeys there are before anything was cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StagePaths {
    pub kept: Vec<StagePath>,
    pub distinct: u64,
    pub journeys: u64,
}

/// Examples of each variant.
const EXAMPLES: usize = 3;

/// map_version, place (1, 2, …; `limit` + 1: all others), path, and the figures of [`Variant`]. Paths of fewer than `min_cell`
/// journeys are among the others, and one more where these together are as few.
pub fn variants(scope: &Scope<'_>, path_of: PathOf, (limit, min_cell): (u32, u64)) -> String {
    let columns = [
        "id",
        "map_version",
        "entry_at",
        "last_at",
        "decided_at",
        "e_stage",
        "v_touchpoint",
        "v_beside",
        "fit_cost",
        "fit_most",
        "follows",
    ];
    let live = live(scope, &columns);
    let steps = match path_of {
        PathOf::Touchpoints => "arrayFilter((t, b) -> b = 0, v_touchpoint, v_beside)",
        PathOf::Stages => "e_stage",
    };
    let seconds = |to: &str| format!("(toUnixTimestamp64Micro({to}) - toUnixTimestamp64Micro(entry_at)) / 1e6");
    let journeys = format!(
        "SELECT map_version, arrayStringConcat({steps}, ' ') AS path, customer, id, outcome, fit_cost, fit_most, follows, \
         {} AS took, {} AS to_goal FROM ({live})",
        seconds("last_at"),
        seconds("decided_at"),
    );
    // Ids hold no spaces, so that a path is one text.
    let paths = format!(
        "SELECT map_version, path, least(if(n < {min_cell} OR (few BETWEEN 1 AND {most_few} AND from_below = few_paths + 1), {beyond}, from_above), {beyond}) AS place, middle \
         FROM (SELECT map_version, path, n, middle, row_number() OVER (PARTITION BY map_version ORDER BY n DESC, path) AS from_above, \
               row_number() OVER (PARTITION BY map_version ORDER BY n, path DESC) AS from_below, \
               sumIf(n, n < {min_cell}) OVER (PARTITION BY map_version) AS few, countIf(n < {min_cell}) OVER (PARTITION BY map_version) AS few_paths \
               FROM (SELECT map_version, path, count() AS n, quantileExact(0.5)(took) AS middle FROM ({journeys}) GROUP BY map_version, path))",
        beyond = u64::from(limit) + 1,
        most_few = min_cell.saturating_sub(1),
    );
    let quantile = |q: &str| format!("if(empty(goal), NULL, goal[toUInt32(ceil({q} * length(goal)))])");
    format!(
        "SELECT toUInt32(j.map_version) AS map_version, toUInt64(p.place) AS place, if(place <= {limit}, any(j.path), '') AS path, uniqExact(j.path) AS paths, \
         count() AS journeys, uniqExact(j.customer) AS customers, countIf(j.outcome = 'completed') AS completed, countIf(j.outcome = 'ended') AS ended, \
         countIf(j.outcome = 'dropped') AS dropped, countIf(j.outcome = 'in_flight') AS in_flight, \
         arraySort(groupArrayIf(j.to_goal, j.outcome = 'completed')) AS goal, {p50} AS to_goal_p50, {p90} AS to_goal_p90, \
         countIf(j.fit_most > 0) AS evaluated, sumIf(1 - j.fit_cost / greatest(j.fit_most, 1), j.fit_most > 0) AS fitness_sum, countIf(j.follows = 1) AS following, \
         arrayMap(e -> (e.2, e.3), groupArraySorted({EXAMPLES})((abs(j.took - p.middle), j.id, j.customer))) AS examples \
         FROM ({journeys}) AS j INNER JOIN ({paths}) AS p ON j.map_version = p.map_version AND j.path = p.path \
         GROUP BY map_version, place ORDER BY map_version, place",
        p50 = quantile("0.5"),
        p90 = quantile("0.9"),
    )
}

/// version, path, journeys of the variants by stage, most walked first, at most `most` of them; how many there are stands in
/// every row.
pub fn stage_paths(scope: &Scope<'_>, most: u32) -> String {
    format!(
        "SELECT version, path, journeys, count() OVER () AS paths, sum(journeys) OVER () AS walked FROM \
         (SELECT toUInt32(map_version) AS version, e_stage AS path, count() AS journeys FROM ({}) GROUP BY version, path) \
         ORDER BY journeys DESC, version, arrayStringConcat(path, ' ') LIMIT {most}",
        live(scope, &["map_version", "e_stage"])
    )
}

/// Rows as they are answered, put together by version.
pub fn by_version(rows: impl IntoIterator<Item = (u64, Variant)>, limit: u32) -> Vec<VariantsOfVersion> {
    let mut versions: Vec<VariantsOfVersion> = Vec::new();
    for (place, variant) in rows {
        if versions.last().is_none_or(|v| v.version != variant.map_version) {
            versions.push(VariantsOfVersion { version: variant.map_version, ..VariantsOfVersion::default() });
        }
        let Some(of) = versions.last_mut() else { continue };
        of.journeys += variant.journeys;
        if place > u64::from(limit) {
            of.other = Some(variant);
        } else {
            of.top.push(variant);
        }
    }
    versions
}
