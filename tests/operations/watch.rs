//! `/livez`, `/readyz` and `/metrics` of a run, while the warehouse is there, away and back; and a port that is taken.

use std::io::Write;
use std::process::Stdio;

use crate::running::{Running, command, folder, free_port, records, text, tropa, until};

#[test]
fn a_run_is_ready_once_its_store_is_and_shows_its_figures() {
    let folder = folder("refresh: 1s\nsources: { web: { decoder: web, file: { paths: [log.ndjson] } } }\n");
    let log =
        format!("{}not json\n", records(0..100).replace("\"id\":7,\"name\":\"page\"", "\"id\":7,\"name\":\"other\""));
    std::fs::write(folder.path().join("log.ndjson"), log).expect("writable");
    let mut run = Running::start(folder.path(), &["run"]);
    run.hear("listening");
    assert_eq!(run.get("/livez"), Some((200, "ok\n".to_owned())));
    until("it is ready", || run.ready());
    assert_eq!(run.get("/readyz").expect("an answer").1, r#"{"ready":true,"reasons":[]}"#);
    let all = || run.get("/metrics").expect("an answer").1;
    until("all figures are there", || {
        all().contains("tropa_coverage_ratios{map=\"shop\"} 0.99")
            && all().contains("tropa_as_of_timestamp_seconds 1767261600")
    });
    let figures = all();
    for line in [
        "tropa_records_total{source=\"web\"} 101",
        "tropa_events_total{source=\"web\"} 100",
        "tropa_skipped_records_total{source=\"web\"} 0",
        "tropa_dead_letters_total{source=\"web\",reason=\"not_json\"} 1",
        "tropa_batch_records_sum 101",
        "tropa_batch_seconds_count{stage=\"resolve\"} 1",
        "tropa_source_as_of_timestamp_seconds{source=\"web\"} 1767261300",
        "tropa_largest_component_identifiers 1",
        "tropa_warehouse_retries_total 0",
        "tropa_warehouse_breaker_open 0",
        "tropa_ready 1",
        "# UNIT tropa_cache_bytes bytes",
        "# EOF",
    ] {
        assert!(figures.lines().any(|l| l.starts_with(line)), "{line} is not in\n{figures}");
    }
    assert!(!figures.contains("tropa_stale_rows"), "nobody has looked yet: {figures}");
    assert!(!figures.contains("tropa_identity_writer"), "one process for all has no rivals: {figures}");
    // What is stored before the writer has loaded is computed with what it finds, and again as a new reading.
    assert!(run.figure("tropa_customers_recomputed_total").expect("a figure") >= 50.0);
    assert!(run.figure("tropa_cache_bytes").expect("a figure") > 1000.0);
    run.signal("TERM");
    assert_eq!(run.ends().0, 0);
}

#[test]
fn what_is_piped_in_is_in_the_tables_while_its_writer_waits() {
    let folder = folder("flush: { interval: 50ms }\nsources: { web: { decoder: web, file: { paths: [\"-\"] } } }\n");
    let mut command = command(folder.path(), &["run"]);
    command.stdin(Stdio::piped());
    let mut run = Running::of(command, folder.path());
    let mut input = run.child.stdin.take().expect("piped");
    for upto in [10, 20] {
        input.write_all(records(upto - 10..upto).as_bytes()).expect("it reads");
        until("they are stored", || run.figure("tropa_records_total{source=\"web\"}") == Some(f64::from(upto)));
    }
    drop(input);
    run.signal("TERM");
    assert_eq!(run.ends().0, 0);
}

#[test]
fn a_warehouse_that_goes_away_and_comes_back_is_said_once_each_way_and_shown_in_between() {
    let port = free_port();
    let host = folder(&format!("embedded: {{ listen: {port} }}\nsources: {{ none: {{ decoder: web }} }}\n"));
    let client = folder(&format!(
        "warehouse: {{ url: \"http://127.0.0.1:{port}\", database: shop }}\nrefresh: 1s\n\
         sources: {{ web: {{ decoder: web, file: {{ paths: [log.ndjson] }} }} }}\n"
    ));
    std::fs::write(client.path().join("log.ndjson"), records(0..100)).expect("writable");
    let unmigrated = server(&host);
    let migrated = tropa(client.path(), &["migrate"]);
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    drop(unmigrated);

    let mut run = Running::start(client.path(), &["run"]);
    run.hear("does not answer");
    let (status, body) = run.get("/readyz").expect("it listens before the store answers");
    assert_eq!(status, 503);
    assert!(body.contains(r#""reason":"starting""#), "{body}");
    assert!(body.contains(r#""reason":"warehouse","detail":"the warehouse at http://127.0.0.1:"#), "{body}");
    until("the breaker is open", || run.figure("tropa_warehouse_breaker_open") == Some(1.0));
    assert_eq!(run.figure("tropa_unready{reason=\"warehouse\",source=\"\"}"), Some(1.0));

    let first = server(&host);
    run.hear("the warehouse answers again");
    until("it is ready", || run.ready());
    assert_eq!(run.figure("tropa_warehouse_breaker_open"), Some(0.0));
    assert_eq!(run.count("does not answer"), 1, "said once, however often it was tried");
    drop(first);
    run.hear("does not answer");
    until("it is not ready", || run.get("/readyz").is_some_and(|(status, _)| status == 503));
    let _second = server(&host);
    run.hear("the warehouse answers again");
    until("it is ready again", || run.ready());
    run.signal("TERM");
    assert_eq!(run.ends().0, 0);
}

/// A process that only holds an engine.
pub fn server(folder: &tempfile::TempDir) -> Running {
    let mut running = Running::start(folder.path(), &["run"]);
    running.hear("store loaded");
    running
}

#[test]
fn an_address_that_cannot_be_listened_at_is_an_error_with_what_is_allowed() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let folder =
        folder(&format!("serve: {{ listen: \"127.0.0.1:{port}\" }}\nsources: {{ web: {{ decoder: web }} }}\n"));
    let out = tropa(folder.path(), &["run"]);
    let said = text(&out.stderr);
    assert!(said.contains(&format!("cannot listen at 127.0.0.1:{port}: ")), "{said}");
    assert!(said.contains("takes `auto`, `off` or ADDRESS:PORT"), "{said}");
    assert_eq!(out.status.code(), Some(1));
}

#[test]
fn the_embedded_engines_port_is_not_given_to_the_listener() {
    let folder = folder("embedded: { listen: 8123 }\nserve: { listen: \"127.0.0.1:8123\" }\nsources: {}\n");
    let said = text(&tropa(folder.path(), &["check"]).stderr);
    assert!(said.contains("port 8123 is the embedded engine's own"), "{said}");
}
