//! Journeys one by one, for other tools. In: a [`Scope`] and the place behind which a page begins. Out: a SELECT of the
//! journeys of the next customers, and their shape: the same journeys that every aggregate counts.

use super::{Scope, moment, quote};
use crate::time::Timestamp;

/// One journey.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportedJourney {
    /// Where the next page begins: behind this customer.
    pub bucket: u8,
    pub customer: String,
    pub id: String,
    /// Empty: the map has none.
    pub key: String,
    pub map_version: u32,
    pub attempt: u32,
    pub entry_at: Timestamp,
    pub outcome: String,
    pub outcome_at: Timestamp,
    /// Exit touchpoint of an ended journey, or empty.
    pub reason: String,
    pub value: Option<f64>,
    pub currency: String,
    /// None: not evaluated.
    pub fitness: Option<f64>,
    pub follows: bool,
    pub steps: Vec<Step>,
}

/// One visit.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub touchpoint: String,
    pub stage: String,
    pub at: Timestamp,
    pub source: String,
    pub event_id: String,
    /// Empty: unknown.
    pub channel: String,
    pub failed: bool,
    /// A problem or a survey: no part of the model.
    pub beside: bool,
}

/// The journeys of the next `customers` customers that have any, in the order of the table.
pub fn page(scope: &Scope<'_>, after: Option<(u8, &str)>, customers: u32) -> String {
    let behind = after.map_or_else(|| "1".to_owned(), |(b, c)| format!("(bucket, customer) > ({b}, {})", quote(c)));
    let columns = [
        "id",
        "key",
        "map_version",
        "attempt",
        "entry_at",
        "decided_at",
        "decision",
        "drops_at",
        "reason",
        "value",
        "currency",
        "fit_cost",
        "fit_most",
        "follows",
        "v_touchpoint",
        "v_stage",
        "v_at",
        "v_source",
        "v_event_id",
        "v_channel",
        "v_failed",
        "v_beside",
    ];
    let joined: Vec<String> = columns.iter().map(|c| format!("`j.{c}` AS {c}")).collect();
    format!(
        "SELECT bucket, customer, toString(id) AS id, key, map_version, attempt, toUnixTimestamp64Micro(entry_at) AS entered, \
         multiIf(decision != 'open', toString(decision), {as_of} >= drops_at, 'dropped', 'in_flight') AS outcome, \
         toUnixTimestamp64Micro(decided_at) AS decided, reason, value, currency, (fit_cost, fit_most, follows) AS fit, \
         arrayZip(v_touchpoint, v_stage, arrayMap(t -> toUnixTimestamp64Micro(t), v_at), v_source, v_event_id, v_channel, \
         arrayZip(v_failed, v_beside)) AS steps \
         FROM (SELECT * FROM {table} FINAL WHERE map = {map} AND reading = {reading} AND is_deleted = 0 AND notEmpty(`j.id`) AND {behind} \
               ORDER BY bucket, customer LIMIT {customers}) \
         ARRAY JOIN {joined} ORDER BY bucket, customer, attempt, id",
        as_of = moment(scope.as_of),
        table = scope.table,
        map = quote(scope.map),
        reading = quote(scope.reading),
        joined = joined.join(", "),
    )
}

/// How many customers have journeys, and how many journeys there are.
pub fn counts(scope: &Scope<'_>) -> String {
    format!(
        "SELECT count() AS customers, sum(length(`j.id`)) AS journeys FROM {} FINAL \
         WHERE map = {} AND reading = {} AND is_deleted = 0 AND notEmpty(`j.id`)",
        scope.table,
        quote(scope.map),
        quote(scope.reading),
    )
}
