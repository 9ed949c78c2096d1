//! Dead letters of files: limits end an import, and a mended decoder makes them events, with the identity they would have
//! had.

use std::path::Path;

use crate::running::{ask, text, tropa};

fn write_config(folder: &Path, format: &str) {
    let config = format!(
        "schema: config/v1\nidentifiers: {{ store: raw }}\nsources:\n  shop:\n    decoder: {{ name: {{ const: sale }}, time: {{ from: at, \
         format: {format} }}, ids: {{ user: user }} }}\n"
    );
    std::fs::write(folder.join("tropa.yaml"), config).expect("writable");
}

#[test]
fn an_import_ends_when_too_many_records_cannot_be_read_and_goes_on_when_told_to() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    write_config(folder, "auto");
    std::fs::write(folder.join("log.csv"), format!("at,user\n{}", "soon,u1\n".repeat(3_000))).expect("writable");
    let out = tropa(folder, &["import", "log.csv", "--decoder", "shop"]);
    assert_eq!(out.status.code(), Some(1));
    let said = text(&out.stderr);
    assert!(
        said.contains("the source failed: log.csv is not read on: 1000 records in a row were dead letters"),
        "{said}"
    );
    assert!(said.contains("`--keep-going` of `tropa import`"), "{said}");
    assert_eq!(ask(folder, "SELECT count(), max(offset) FROM dead_letters FINAL"), "1000\t999\n");
    let out = tropa(folder, &["import", "log.csv", "--decoder", "shop", "--keep-going"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(text(&out.stdout).starts_with("3000 records, 0 events, 3000 dead letters"), "{}", text(&out.stdout));
    assert_eq!(ask(folder, "SELECT count() FROM dead_letters FINAL"), "3000\n");
    assert_eq!(ask(folder, "SELECT records, rejected FROM positions FINAL"), "3000\t3000\n");
}

#[test]
fn a_replay_of_a_files_dead_letters_gives_the_events_that_the_mended_decoder_would_have_given() {
    // Quoted cells, the same row twice, and one that no decoder can read.
    let log = "at,user,note\n1777629600,u1,\"a, b\"\n1777629600,u1,\"a, b\"\n1777629700,u2,c\nsoon,u3,d\n";
    let once = tempfile::tempdir().expect("a temporary folder");
    write_config(once.path(), "unix");
    std::fs::write(once.path().join("log.csv"), log).expect("writable");
    assert!(tropa(once.path(), &["import", "log.csv", "--decoder", "shop"]).status.success());

    let mended = tempfile::tempdir().expect("a temporary folder");
    write_config(mended.path(), "auto");
    std::fs::write(mended.path().join("log.csv"), log).expect("writable");
    assert!(tropa(mended.path(), &["import", "log.csv", "--decoder", "shop"]).status.success());
    assert_eq!(ask(mended.path(), "SELECT count() FROM dead_letters FINAL"), "4\n");
    let listed = tropa(mended.path(), &["dead-letters", "list", "--source", "shop", "--format", "TSV"]);
    let listed = text(&listed.stdout);
    assert!(listed.contains("log.csv\t0\t3\t5\tunreadable_time"), "{listed}");
    assert!(listed.contains("\"a, b\""), "{listed}");
    write_config(mended.path(), "unix");
    let out = tropa(mended.path(), &["dead-letters", "replay"]);
    let said = text(&out.stdout);
    assert!(
        said.contains("3 dead letters are events now") && said.contains("1 cannot be read as before"),
        "{said} {}",
        text(&out.stderr)
    );
    for query in [
        "SELECT event_id, occurred_at, node, properties FROM events FINAL ORDER BY event_id",
        "SELECT offset, reason FROM dead_letters FINAL",
        "SELECT max(as_of) FROM watermarks",
    ] {
        assert_eq!(ask(mended.path(), query), ask(once.path(), query), "{query}");
    }
    let again = tropa(mended.path(), &["dead-letters", "replay"]);
    assert!(text(&again.stdout).contains("0 dead letters are events now"), "{}", text(&again.stdout));
    assert_eq!(ask(mended.path(), "SELECT uniqExact(event_id) FROM events"), "3\n");
}
