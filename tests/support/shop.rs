//! The demo's shop as a test's input: its files, a config that reads the same records from elsewhere, and everything that
//! the tables say, to be compared between two runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tropa")).args(arguments).output().expect("the binary runs")
}

pub fn tropa(arguments: &[&str]) -> String {
    let out = run(arguments);
    assert!(out.status.success(), "tropa {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text")
}

/// A demo that has run: its folder.
pub fn demo(folder: &Path, customers: u32, seed: u64) -> PathBuf {
    let data = folder.join("demo");
    let (customers, seed) = (customers.to_string(), seed.to_string());
    tropa(&["demo", "--customers", &customers, "--seed", &seed, "--data", text(&data), "--no-open"]);
    data
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path of this test is text")
}

/// Everything that follows from the sets, less when it was written, and the figures of the comparison at `as_of`.
pub fn tables(data: &Path, as_of: &str) -> Vec<(&'static str, String)> {
    tables_at(&["--data", text(data)], as_of)
}

/// The same of the store that these options name.
pub fn tables_at(place: &[&str], as_of: &str) -> Vec<(&'static str, String)> {
    const QUERIES: [(&str, &str); 6] = [
        ("events", "SELECT * EXCEPT (received_at, first_seen_at) FROM events FINAL ORDER BY ALL"),
        ("identity_facts", "SELECT * EXCEPT (first_seen_at) FROM identity_facts FINAL ORDER BY ALL"),
        (
            "positions",
            "SELECT source, sum(records), sum(skipped), sum(decoded), sum(rejected) FROM positions FINAL GROUP BY source ORDER BY source",
        ),
        ("identity", "SELECT node, has_day, day, customer FROM identity FINAL WHERE is_deleted = 0 ORDER BY ALL"),
        (
            "customer_journeys",
            "SELECT * EXCEPT (version, written_at) FROM customer_journeys FINAL WHERE is_deleted = 0 ORDER BY ALL",
        ),
        (
            "dead_letters",
            "SELECT topic, partition, offset, reason, detail, payload FROM dead_letters FINAL ORDER BY ALL",
        ),
    ];
    let mut all: Vec<_> = QUERIES
        .map(|(name, query)| (name, tropa(&[&["sql", query, "--format", "JSONEachRow"], place].concat())))
        .into_iter()
        .collect();
    all.push(("comparison", tropa(&[&["compare", "--as-of", as_of, "--format", "json"], place].concat())));
    all
}

/// The first line that differs, so that a failure can be read.
pub fn assert_same(one: &[(&'static str, String)], other: &[(&'static str, String)]) {
    for ((name, a), (_, b)) in one.iter().zip(other) {
        if a != b {
            let (mut a, mut b) = (a.lines(), b.lines());
            let differs =
                std::iter::from_fn(|| Some((a.next(), b.next()))).take_while(|p| p.0.is_some() || p.1.is_some());
            let pair = differs.into_iter().find(|(a, b)| a != b);
            panic!("{name} differs: {pair:#?}");
        }
    }
}
