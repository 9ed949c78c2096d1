//! Is everything what it must be? In: a store at rest, the log as files. Out: nothing, or the differences, by the naive
//! oracle (rows, who is who, every aggregate), by `tropa verify`, and by a run that nobody disturbed.

use std::path::Path;
use std::process::Command;

use crate::python::python;
use crate::shop::{run, text, tropa};

/// What a store says, in files for the oracle.
const QUESTIONS: [(&str, &str); 6] = [
    ("orders", "SELECT what FROM operator_orders FINAL ORDER BY place"),
    ("journeys", "SELECT * FROM v_journeys"),
    (
        "visits",
        "SELECT customer, source, event_id FROM (SELECT customer, `j.v_source` AS s, `j.v_event_id` AS e \
         FROM customer_journeys FINAL ARRAY JOIN `j.v_source`, `j.v_event_id` WHERE is_deleted = 0) \
         ARRAY JOIN s AS source, e AS event_id",
    ),
    ("events", "SELECT DISTINCT source, event_id FROM events FINAL"),
    ("identity", "SELECT node, customer FROM identity FINAL WHERE customer != '' AND has_day = 0"),
    ("letters", "SELECT payload FROM dead_letters FINAL"),
];

/// The store at `place` against the oracle that reads the files beside `files`; what it counted.
pub fn equals_the_oracle(files: &Path, place: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, query) in QUESTIONS {
        let answer = tropa(&[&["sql", query, "--format", "JSONEachRow"], place].concat());
        std::fs::write(folder.path().join(format!("{name}.jsonl")), answer).expect("writable");
    }
    let comparison = tropa(&[&["compare", "--format", "json"], place].concat());
    std::fs::write(folder.path().join("comparison.json"), comparison).expect("writable");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/check_store.py");
    let out = Command::new(python()).args([&script, &files.to_owned(), &folder.path().to_owned()]).output();
    let out = out.expect("python runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

/// `tropa verify --all` finds nothing.
pub fn is_verified(place: &[&str]) {
    let out = run(&[&["verify", "--all"], place].concat());
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}");
}

/// All rows that follow from the sets, each table as (rows, sum of their hashes): for stores too large to print.
pub fn sums(place: &[&str]) -> String {
    const TABLES: [&str; 5] = [
        "SELECT * EXCEPT (received_at, first_seen_at) FROM events FINAL",
        "SELECT * EXCEPT (first_seen_at) FROM identity_facts FINAL",
        "SELECT node, has_day, day, customer FROM identity FINAL WHERE customer != ''",
        "SELECT * EXCEPT (version, written_at) FROM customer_journeys FINAL WHERE is_deleted = 0",
        "SELECT source, reason, payload FROM dead_letters FINAL",
    ];
    let one = |query: &str| format!("SELECT count() AS n, sum(cityHash64(toString(tuple(*)))) AS s FROM ({query})");
    let queries: Vec<String> = TABLES.iter().map(|query| one(query)).collect();
    queries.iter().map(|query| tropa(&[&["sql", query, "--format", "TSV"], place].concat())).collect()
}

pub fn place(config: &Path, data: &Path) -> [String; 4] {
    ["--config", text(config), "--data", text(data)].map(str::to_owned)
}
