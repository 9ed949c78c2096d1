//! A backup in mid-stream: restored elsewhere it reads on by itself, to the tables of a run that nobody touched.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::kill::stored;
use crate::shop::{assert_same, demo, run, tables, text, tropa};
use crate::stream::{Topics, place, produce, trickling};

#[test]
fn a_backup_taken_in_mid_stream_catches_up_by_itself_once_it_is_restored() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = demo(folder.path(), 400, 13);
    let broker = Broker::shared();
    let topics = Topics::of("backup");
    let count = produce(&broker, &demo, &topics) as u64;
    let config = trickling(&folder.path().join("kafka"), &demo, &broker.address, &topics);
    let place = place(&config);
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    let data = config.with_file_name("data");

    let mut process = Command::new(env!("CARGO_BIN_EXE_tropa"))
        .args([&["run"], &place[..]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let deadline = Instant::now() + Duration::from_secs(300);
    let backup = folder.path().join("backup");
    while stored(&data, &place) < count / 10 {
        assert!(Instant::now() < deadline, "nothing is stored");
    }
    tropa(&[&["backup", text(&backup)], &place[..]].concat());
    // It goes on: there is more in the store than in the backup.
    let at_backup = stored(&data, &place);
    while stored(&data, &place) <= at_backup && at_backup < count {
        assert!(Instant::now() < deadline, "the stream has stopped");
    }
    // A store in use is never replaced.
    let out = run(&[&["restore", text(&backup), "--force"], &place[..]].concat());
    assert_eq!(out.status.code(), Some(75), "{}", String::from_utf8_lossy(&out.stderr));
    process.kill().expect("killed");
    process.wait().expect("dead");

    let elsewhere = folder.path().join("elsewhere");
    let there = ["--config", text(&config), "--data", text(&elsewhere)];
    let said = tropa(&[&["restore", text(&backup)], &there[..]].concat());
    assert!(said.contains("counts the aggregates that trailed their journeys when it was taken"), "{said}");
    let restored = stored(&elsewhere, &there);
    assert!(restored > 0 && restored < count, "the backup was taken in mid-stream: {restored} of {count}");
    tropa(&[&["run", "--until-end"], &there[..]].concat());
    assert_eq!(stored(&elsewhere, &there), count, "every record is counted once");
    assert_same(&tables(&demo, "2026-05-01"), &tables(&elsewhere, "2026-05-01"));
    let said = tropa(&[&["verify", "--all"], &there[..]].concat());
    assert!(said.contains("stale: 0; "), "{said}");
}
