//! The demo, by the binary that people run, against a naive oracle that reads only the events, the journey file and the
//! config; and against the humans that the generator knows. Five seeds.

#[path = "support/python.rs"]
mod python;

use std::path::Path;
use std::process::{Command, Output};

use python::python;

fn run(program: &Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{}: {e}", program.display()))
}

fn tropa(arguments: &[&str]) -> Vec<u8> {
    let out = run(Path::new(env!("CARGO_BIN_EXE_tropa")), arguments);
    assert!(out.status.success(), "tropa {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

#[test]
fn the_demo_equals_the_naive_oracle_for_five_seeds() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/check_demo.py");
    for seed in ["1", "2", "3", "4", "5"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let data = path("demo");
        tropa(&["demo", "--customers", "400", "--seed", seed, "--data", &data, "--no-open"]);
        let ask = |query: &str, name: &str| {
            let answer = tropa(&["sql", query, "--format", "JSONEachRow", "--data", &data]);
            std::fs::write(path(name), answer).expect("the temporary folder is writable");
        };
        std::fs::write(path("c.json"), tropa(&["compare", "--format", "json", "--data", &data])).expect("writable");
        ask("SELECT * FROM v_journeys", "journeys.jsonl");
        ask(
            "SELECT customer, source, event_id FROM (SELECT customer, `j.v_source` AS s, `j.v_event_id` AS e \
             FROM customer_journeys FINAL ARRAY JOIN `j.v_source`, `j.v_event_id` WHERE is_deleted = 0) \
             ARRAY JOIN s AS source, e AS event_id",
            "visits.jsonl",
        );
        let script = script.display().to_string();
        let out = run(&python(), &[&script, &data, &path("c.json"), &path("journeys.jsonl"), &path("visits.jsonl")]);
        println!("seed {seed}: {}", String::from_utf8_lossy(&out.stdout).trim());
        assert!(out.status.success(), "seed {seed}:\n{}", String::from_utf8_lossy(&out.stderr));
    }
}
