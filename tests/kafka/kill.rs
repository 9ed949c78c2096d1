//! kill -9 in the middle of a stream, again and again: afterwards the tables are those of a run that nobody touched.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::shop::{assert_same, demo, tables, tropa};
use crate::stream::{Topics, place, produce, trickling};

/// Kills that must have hit a run which had stored some records and not all.
const KILLS: usize = 3;

#[test]
fn a_process_killed_in_mid_stream_leaves_the_tables_of_one_that_was_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = demo(folder.path(), 400, 11);
    let broker = Broker::shared();
    let topics = Topics::of("kill");
    let count = produce(&broker, &demo, &topics);
    let config = trickling(&folder.path().join("kafka"), &demo, &broker.address, &topics);
    let place = place(&config);
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    let data = config.with_file_name("data");

    let (mut hit, mut began) = (0, Instant::now());
    let deadline = began + Duration::from_secs(300);
    let mut patience = Duration::from_millis(1500);
    while hit < KILLS {
        assert!(Instant::now() < deadline, "only {hit} kills hit a run in mid-stream");
        let mut run = Command::new(env!("CARGO_BIN_EXE_tropa"))
            .args([&["run"], &place[..]].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let before = stored(&data, &place);
        began = Instant::now();
        // Killed at another moment each time, once something more was stored.
        loop {
            std::thread::sleep(Duration::from_millis(37));
            let now = stored(&data, &place);
            if now > before && began.elapsed() > patience || now as usize >= count || began.elapsed().as_secs() > 20 {
                break;
            }
        }
        run.kill().expect("kill -9");
        run.wait().expect("it is dead");
        let after = stored(&data, &place);
        assert!(after >= before, "a position never goes back: {before} -> {after}");
        hit += usize::from((after as usize) < count && after > before);
        if after as usize >= count {
            break;
        }
        patience += Duration::from_millis(311);
    }
    assert!(hit > 0, "no kill hit a run in mid-stream: the stream is too short for this test");
    tropa(&[&["run", "--until-end"], &place[..]].concat());
    assert_eq!(stored(&data, &place) as usize, count, "every record is counted once");
    assert_same(&tables(&demo, "2026-05-01"), &tables(&data, "2026-05-01"));
}

/// Records stored so far, asked of whoever holds the store; 0 while nobody answers.
pub fn stored(data: &Path, place: &[&str]) -> u64 {
    if !data.join("store").exists() {
        return 0;
    }
    let query = "SELECT sum(records) FROM positions FINAL";
    let out = Command::new(env!("CARGO_BIN_EXE_tropa"))
        .args([&["sql", query, "--format", "TSV"], place].concat())
        .output()
        .expect("the binary runs");
    String::from_utf8_lossy(&out.stdout).trim().parse().unwrap_or(0)
}
