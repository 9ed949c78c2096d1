//! The daily aggregates, each defined once: as the SQL that counts it from `customer_journeys`. In: a table, a map, a
//! reading, an `as_of`, buckets. Out: a SELECT. The same SELECT fills the aggregate (newest version replaces the whole
//! bucket, with zeros for keys that vanished) and answers a past `as_of` from a scratch table. Runs nothing.

pub mod broken;
mod empirical;
mod landmark;
pub mod lost;
pub mod personas;
mod select;
pub mod trails;
pub mod variants;
pub mod walk;
mod walked;
pub mod exported;

pub use empirical::{
    Coverage, EmotionDay, EmpiricalMap, Histogram, JourneyDay, StageDay, TransitionDay, Unmapped, is_mature,
    mature_dates,
};
pub use landmark::studied;
pub use walked::{
    AcceptableCount, AssociationCount, DeviationCount, Exposed, FollowCounts, FollowGroup, FollowStage, Landmark,
    PathCount, PathPart, Paths, Studied, TouchpointSeen, WalkedMap,
};

use crate::time::Timestamp;

/// Which rows are counted, at which moment.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// `customer_journeys`, or a scratch table of its shape.
    pub table: &'a str,
    pub map: &'a str,
    pub reading: &'a str,
    pub as_of: Timestamp,
    /// Empty: all.
    pub buckets: &'a [u8],
}

/// One aggregate: its table, its key, and its figures.
#[derive(Clone, Copy, Debug)]
pub struct Aggregate {
    pub table: &'static str,
    /// Columns that make a row, beside map, reading and bucket.
    pub keys: &'static [&'static str],
    /// Plain sums.
    pub sums: &'static [&'static str],
    /// Pairs of arrays that are summed by key: (keys, counts).
    pub histograms: &'static [(&'static str, &'static str)],
    select: fn(&Scope<'_>) -> String,
}

const DIMS: [&str; 4] = ["dim_1", "dim_2", "dim_3", "dim_4"];

pub const JOURNEYS: Aggregate = Aggregate {
    table: "journeys_1d",
    keys: &["entry_date", "matures_at", DIMS[0], DIMS[1], DIMS[2], DIMS[3]],
    sums: &[
        "entered",
        "completed",
        "ended",
        "dropped",
        "in_flight",
        "completed_open",
        "customers",
        "order_ambiguous",
        "left_truncated",
        "clean",
        "value",
    ],
    histograms: &[],
    select: select::journeys,
};

pub const STAGES: Aggregate = Aggregate {
    table: "stages_1d",
    keys: &["entry_date", DIMS[0], DIMS[1], DIMS[2], DIMS[3], "stage"],
    sums: &[
        "entered",
        "entries",
        "decided",
        "progressed",
        "progressed_in_flight",
        "progressed_dropped",
        "in_flight",
        "dropped",
        "completed_open",
        "lost_dropped",
        "lost_ended",
        "ended",
        "open_entries",
    ],
    histograms: &[("problem_id", "problem_journeys"), ("time_bucket", "time_count"), ("next_bucket", "next_count")],
    select: select::stages,
};

pub const TRANSITIONS: Aggregate = Aggregate {
    table: "stage_transitions_1d",
    keys: &["entry_date", "event_date", DIMS[0], DIMS[1], DIMS[2], DIMS[3], "from_stage", "to_stage"],
    sums: &["transitions", "decided", "first"],
    histograms: &[("time_bucket", "time_count")],
    select: select::transitions,
};

pub const DROP_OFFS: Aggregate = Aggregate {
    table: "drop_offs_1d",
    keys: &["entry_date", "event_date", DIMS[0], DIMS[1], DIMS[2], DIMS[3], "stage", "touchpoint"],
    sums: &["drop_offs", "value"],
    histograms: &[],
    select: select::drop_offs,
};

pub const TOUCHPOINTS: Aggregate = Aggregate {
    table: "touchpoints_1d",
    keys: &["entry_date", DIMS[0], DIMS[1], DIMS[2], DIMS[3], "touchpoint", "channel"],
    sums: &["visits", "journeys", "failed"],
    histograms: &[],
    select: select::touchpoints,
};

pub const COVERAGE: Aggregate = Aggregate {
    table: "coverage_1d",
    keys: &["source", "event_date", "fate", "rule"],
    sums: &["events"],
    histograms: &[],
    select: select::coverage,
};

pub const CONFORMANCE: Aggregate = Aggregate {
    table: "conformance_1d",
    keys: &["entry_date", "matures_at", "map_version", DIMS[0], DIMS[1], DIMS[2], DIMS[3], "outcome"],
    sums: &[
        "journeys",
        "evaluated",
        "following",
        "forbidden",
        "fitness_ppm",
        "ambiguous_type",
        "order_ambiguous",
        "evaluated_order_ambiguous",
        "following_order_ambiguous",
    ],
    histograms: &[],
    select: select::conformance,
};

pub const DEVIATIONS: Aggregate = Aggregate {
    table: "deviations_1d",
    keys: &["entry_date", "map_version", DIMS[0], DIMS[1], DIMS[2], DIMS[3], "kind", "place", "stage", "accepted"],
    sums: &["journeys", "completed", "ended", "dropped", "in_flight", "customers", "value", "value_lost"],
    histograms: &[],
    select: select::deviations,
};

pub const EMOTIONS: Aggregate = Aggregate {
    table: "emotions_1d",
    keys: &["entry_date", "map_version", "persona", "stage", "touchpoint"],
    sums: &["told"],
    // Whole numbers, so that no order of summing changes a digit.
    histograms: &[("emotion_ppm", "emotion_count")],
    select: select::emotions,
};

/// `COVERAGE` is the last to be filled: [`due`] goes by it.
pub const ALL: [Aggregate; 9] =
    [JOURNEYS, STAGES, TRANSITIONS, DROP_OFFS, TOUCHPOINTS, CONFORMANCE, DEVIATIONS, EMOTIONS, COVERAGE];

/// A figure that is an amount of money; every other one is a count.
pub fn is_amount(figure: &str) -> bool {
    figure.starts_with("value")
}

impl Aggregate {
    /// bucket, keys, figures: counted now from the scope's table.
    pub fn select(&self, scope: &Scope<'_>) -> String {
        (self.select)(scope)
    }

    /// Replaces every bucket of the scope: what is counted now, and zeros for keys that stood there before.
    pub fn fill(&self, scope: &Scope<'_>) -> String {
        let keys = self.keys.join(", ");
        let columns = |f: &dyn Fn(&str) -> String, h: &dyn Fn(&str, &str) -> String| {
            let sums = self.sums.iter().map(|s| f(s));
            sums.chain(self.histograms.iter().map(|(k, c)| h(k, c))).collect::<Vec<_>>().join(", ")
        };
        let names = columns(&|s| s.to_owned(), &|k, c| format!("{k}, {c}"));
        let empty = |k: &str| if k == "problem_id" { "Array(String)" } else { "Array(Int32)" };
        let zeros =
            columns(&|s| if is_amount(s) { format!("0. AS {s}") } else { format!("toUInt64(0) AS {s}") }, &|k, c| {
                format!("CAST([], '{}') AS {k}, CAST([], 'Array(UInt64)') AS {c}", empty(k))
            });
        // Of each key there is one new row at most, and its zeros hold no buckets: joining the arrays is enough.
        let merged = columns(&|s| format!("sum(n.{s}) AS {s}"), &|k, c| {
            format!("groupArrayArray(n.{k}) AS {k}, groupArrayArray(n.{c}) AS {c}")
        });
        let old_keys: Vec<String> = self.keys.iter().map(|k| format!("n.{k} AS {k}")).collect();
        let Scope { table, map, reading, as_of, .. } = scope;
        format!(
            "INSERT INTO {own} (map, reading, bucket, {keys}, {names}, version, as_of) \
             SELECT {map} AS map, {reading} AS reading, n.bucket AS bucket, {old_keys}, {merged}, any(v.version) AS version, {as_of} AS as_of \
             FROM (SELECT bucket, {keys}, {names} FROM ({new}) \
                   UNION ALL SELECT bucket, {keys}, {zeros} FROM {own} FINAL WHERE map = {map} AND reading = {reading} AND {buckets}) AS n \
             INNER JOIN (SELECT bucket, max(version) AS version FROM {table} WHERE map = {map} AND reading = {reading} AND {buckets} GROUP BY bucket) AS v ON n.bucket = v.bucket \
             GROUP BY n.bucket, {group}",
            own = self.table,
            old_keys = old_keys.join(", "),
            new = self.select(scope),
            map = quote(map),
            reading = quote(reading),
            as_of = moment(*as_of),
            buckets = buckets(scope.buckets),
            group = self.keys.iter().map(|k| format!("n.{k}")).collect::<Vec<_>>().join(", "),
        )
    }
}

/// Buckets whose rows are newer, or were counted at an earlier `as_of`, than their aggregates.
pub fn due(map: &str, reading: &str, as_of: Timestamp) -> String {
    let (map, reading, as_of) = (quote(map), quote(reading), moment(as_of));
    format!(
        "SELECT c.bucket AS bucket FROM (SELECT bucket, max(version) AS version FROM customer_journeys WHERE map = {map} AND reading = {reading} GROUP BY bucket) AS c \
         LEFT JOIN (SELECT bucket, max(version) AS version, max(as_of) AS as_of FROM coverage_1d WHERE map = {map} AND reading = {reading} GROUP BY bucket) AS a ON c.bucket = a.bucket \
         WHERE a.version < c.version OR a.as_of < {as_of} ORDER BY bucket"
    )
}

/// A string literal.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A DateTime64(6, 'UTC') literal.
pub fn moment(t: Timestamp) -> String {
    format!("fromUnixTimestamp64Micro(toInt64({}), 'UTC')", t.micros())
}

fn buckets(list: &[u8]) -> String {
    if list.is_empty() {
        return "1".to_owned();
    }
    format!("bucket IN ({})", list.iter().map(u8::to_string).collect::<Vec<_>>().join(", "))
}

/// The middle, in seconds, of a histogram bucket: 0 holds no time at all, k holds 1.02^(k-1000) .. 1.02^(k-999), so the
/// relative error is at most 1 %.
pub fn bucket_seconds(bucket: i32) -> f64 {
    if bucket == 0 { 0.0 } else { 1.02_f64.powf(f64::from(bucket) - 1000.0 + 0.5) }
}

/// The edges of a bucket: everything in it lies between them.
pub fn bucket_edges(bucket: i32) -> (f64, f64) {
    let edge = |k: i32| 1.02_f64.powf(f64::from(k) - 1000.0);
    if bucket == 0 { (0.0, 0.0) } else { (edge(bucket), edge(bucket + 1)) }
}
