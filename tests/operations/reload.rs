//! Journey files and configs that change under a run: faults are logged and the reading stays; a good change is taken in
//! the same process.

use crate::running::{MAP, Running, ask, folder, records, until, write_config};

const CONFIG: &str = "refresh: 1s\nsources: { web: { decoder: web, file: { paths: [log.ndjson] } } }\n";

#[test]
fn a_faulty_change_is_logged_and_a_good_one_is_taken_without_a_restart() {
    let folder = folder(CONFIG);
    std::fs::write(folder.path().join("log.ndjson"), records(0..200)).expect("writable");
    let map = folder.path().join("shop.journey.yaml");
    // Whoever asks has files of their own that are well.
    let asking = crate::running::folder(&format!("data: {}\n{CONFIG}", folder.path().join("tropa-data").display()));
    let mut run = Running::start(folder.path(), &["run"]);
    run.hear("read to its end");
    let journeys = |touchpoint: &str| {
        let query = format!("SELECT count() FROM v_journeys WHERE has(touchpoints, '{touchpoint}')");
        ask(asking.path(), &query)
    };
    until("the journeys are there", || journeys("page") == "50\n");

    std::fs::write(&map, MAP.replace("stage: look", "stage: lok")).expect("writable");
    let refused = run.hear("changed files are not taken");
    assert!(refused.contains("names stage `lok`, which is not declared"), "{refused}");
    assert!(refused.contains("did you mean `look`?"), "{refused}");
    let failing = "tests:\n  - name: nobody pays\n    given: [{ event: page, at: 2026-01-01T10:00:00Z }]\n    expect: { outcome: completed }\n";
    std::fs::write(&map, format!("{MAP}{failing}")).expect("writable");
    let refused = run.hear("changed files are not taken");
    assert!(refused.contains("nobody pays"), "{refused}");
    assert_eq!(journeys("page"), "50\n", "the running reading stays");
    assert!(run.ready());
    assert_eq!(run.figure("tropa_reloads_total{result=\"refused\"}"), Some(2.0));

    std::fs::write(&map, MAP.replace("id: page", "id: visit")).expect("writable");
    run.hear("the files are usable");
    until("the new reading is shown", || journeys("visit") == "50\n");
    until("it is ready again", || run.ready());
    assert_eq!(journeys("page"), "0\n");
    assert_eq!(run.figure("tropa_reloads_total{result=\"taken\"}"), Some(1.0));

    // A config that needs a restart is refused; one that adds a source is read on with.
    write_config(folder.path(), &format!("{CONFIG}embedded: {{ fsync: false }}\n"));
    run.hear("these need a restart of the process");
    std::fs::write(folder.path().join("more.ndjson"), records(200..300).replace("\"user\":\"u", "\"user\":\"v"))
        .expect("writable");
    write_config(
        folder.path(),
        &CONFIG.replace("sources: {", "sources: { more: { decoder: web, file: { paths: [more.ndjson] } },"),
    );
    run.hear("the files are usable");
    until("the new source is read", || journeys("visit") == "100\n");
    assert_eq!(ask(folder.path(), "SELECT sum(records) FROM positions FINAL"), "300\n", "nothing is counted twice");
    run.signal("TERM");
    assert_eq!(run.ends().0, 0);
}

#[test]
fn a_hang_up_reads_the_files_again() {
    let folder = folder(CONFIG);
    std::fs::write(folder.path().join("log.ndjson"), records(0..50)).expect("writable");
    let mut run = Running::start(folder.path(), &["run"]);
    run.hear("read to its end");
    // A file that has grown is seen when the sources are started again.
    std::fs::write(folder.path().join("log.ndjson"), records(0..60)).expect("writable");
    run.signal("HUP");
    run.hear("read to its end");
    until("the new records are stored", || ask(folder.path(), "SELECT sum(records) FROM positions FINAL") == "60\n");
    run.signal("TERM");
    assert_eq!(run.ends().0, 0);
}
