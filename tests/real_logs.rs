//! Real logs by configuration alone, against published figures. The logs are no part of the project: without `TROPA_DATA`
//! these tests are listed as not run.

#[path = "support/data.rs"]
mod data;

use std::process::Command;

fn tropa(arguments: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_tropa")).args(arguments).output().expect("the binary runs");
    assert!(out.status.success(), "tropa {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text")
}

fn config(name: &str) -> String {
    format!("{}/config/examples/{name}/tropa.yaml", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn bpic_2012_gives_the_published_arcs_and_terminal_states() {
    if data::data_dir("bpic_2012_gives_the_published_arcs_and_terminal_states").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (config, data) = (config("bpic2012"), folder.path().display().to_string());
    let place = ["--config", &config, "--data", &data];
    tropa(&[&["run", "--until-end"], &place[..]].concat());
    let ask = |query: &str| tropa(&[&["sql", query, "--format", "TSV"], &place[..]].concat()).trim().to_owned();
    let arcs =
        ask("SELECT sum(transitions), uniqExact(from_stage, to_stage) FROM v_transitions WHERE map = 'bpic-arcs' \
         AND from_stage != 'start' AND to_stage NOT IN ('completed', 'ended', 'dropped', 'in_flight')");
    assert_eq!(arcs, "79006\t54");
    let entered =
        ask("SELECT stage, sum(entered) FROM v_stages WHERE map = 'bpic-stages' GROUP BY stage ORDER BY stage");
    assert_eq!(
        entered.replace('\t', " "),
        "accepted 5113\napproved 2246\ncancelled 2807\ndeclined 7635\nfinalized 5015\npreaccepted 7367\nsubmitted 13087"
    );
    let outcomes = ask("SELECT outcome, last_stage IN ('declined', 'cancelled', 'approved'), count() FROM v_journeys \
         WHERE map = 'bpic-stages' GROUP BY 1, 2 ORDER BY 1, 2");
    assert_eq!(outcomes.replace('\t', " "), "completed 1 2246\nended 1 10442\nin_flight 0 399");
}

#[test]
fn clique_bait_gives_the_published_visits_and_purchases() {
    if data::data_dir("clique_bait_gives_the_published_visits_and_purchases").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (config, data) = (config("clique_bait"), folder.path().display().to_string());
    let place = ["--config", &config, "--data", &data];
    tropa(&[&["run", "--until-end"], &place[..]].concat());
    let ask = |query: &str| tropa(&[&["sql", query, "--format", "TSV"], &place[..]].concat()).trim().to_owned();
    let figures =
        ask("SELECT count(), uniqExact(customer), round(100 * countIf(outcome = 'completed') / count(), 2), \
         countIf(has(stages, 'checkout')) AS checkout, \
         round(100 * countIf(has(stages, 'checkout') AND outcome != 'completed') / checkout, 2) FROM v_journeys");
    assert_eq!(figures, "3564\t500\t49.86\t2103\t15.5");
    let cookies = ask("SELECT uniqExact(node) FROM identity FINAL WHERE startsWith(node, 'cookie:')");
    assert_eq!(cookies, "1782");
}
