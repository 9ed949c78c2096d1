//! A shop of the demo, filled once, and what the tests of its gap report ask of it. In: nothing. Out: the comparison as JSON,
//! rows of the store, single journeys for naive counts.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::world::ok;

/// A shop of 1,200 people, filled once.
fn shop() -> &'static Path {
    static SHOP: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = SHOP.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        ok(folder.path(), &["demo", "--customers", "1200", "--seed", "3", "--data", "d", "--no-open"]);
        folder
    });
    folder.path()
}

/// One command at a time: one that finds the store in use asks the process that holds it, which may end before it answers.
pub(super) fn asked(arguments: &[&str]) -> String {
    static ASKING: Mutex<()> = Mutex::new(());
    let folder = shop();
    let _one_at_a_time = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    ok(folder, arguments)
}

pub(super) fn compared(more: &[&str]) -> Value {
    let text = asked(&[&["compare", "--data", "d", "--format", "json"], more].concat());
    serde_json::from_str(&text).expect("JSON")
}

pub(super) fn now() -> &'static Value {
    static NOW: OnceLock<Value> = OnceLock::new();
    NOW.get_or_init(|| compared(&[]))
}

pub(super) fn rows(query: &str) -> Vec<Value> {
    let lines = asked(&["sql", query, "--format", "JSONEachRow", "--data", "d"]);
    lines.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

pub(super) fn n(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no count"))
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

pub(super) fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

pub(super) fn mature() -> BTreeSet<String> {
    let days = list(&now()["following"]["days"]).iter().filter(|d| d["mature"] == true);
    days.map(|d| word(&d["entry_date"]).to_owned()).collect()
}

/// Every journey with what a naive count needs.
pub(super) fn journeys() -> &'static Vec<Value> {
    static JOURNEYS: OnceLock<Vec<Value>> = OnceLock::new();
    JOURNEYS.get_or_init(|| {
        rows(
            "SELECT toString(`j.entry_date`) AS day, `j.order_ambiguous` = 1 AS tied, `j.fit_cost` AS cost, `j.fit_most` AS most, `j.clean` = 1 AS clean, \
             multiIf(`j.decision` != 'open', `j.decision`, as_of >= `j.drops_at`, 'dropped', 'in_flight') AS outcome, toUnixTimestamp64Micro(`j.decided_at`) AS decided, \
             `j.e_stage` AS stages, `j.e_rank` AS ranks, `j.e_exit` AS exits, arrayMap(t -> toUnixTimestamp64Micro(t), `j.e_first_at`) AS firsts, arrayMap(t -> toUnixTimestamp64Micro(t), `j.e_last_at`) AS lasts, arrayMap(t -> toUnixTimestamp64Micro(t), `j.v_at`) AS ats, \
             `j.v_entry` AS entries, `j.v_channel` AS channels, \
             `j.v_touchpoint` AS touchpoints, `j.v_score` AS scores, `j.v_stage` AS places, `j.d_kind` AS kinds, `j.d_place` AS where, `j.d_stage` AS at, `j.d_accepted` AS accepted \
             FROM (SELECT *, (SELECT max(as_of) FROM watermarks) AS as_of FROM customer_journeys FINAL WHERE is_deleted = 0) \
             ARRAY JOIN `j.entry_date`, `j.order_ambiguous`, `j.fit_cost`, `j.fit_most`, `j.clean`, `j.decision`, `j.drops_at`, `j.decided_at`, `j.e_stage`, `j.e_rank`, \
             `j.e_exit`, `j.e_first_at`, `j.e_last_at`, `j.v_at`, `j.v_entry`, `j.v_channel`, `j.v_touchpoint`, `j.v_score`, `j.v_stage`, `j.d_kind`, `j.d_place`, `j.d_stage`, `j.d_accepted`",
        )
    })
}

pub(super) fn decided() -> impl Iterator<Item = &'static Value> {
    let mature = mature();
    journeys().iter().filter(move |j| j["outcome"] != "in_flight" && mature.contains(word(&j["day"])))
}
