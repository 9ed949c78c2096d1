//! Stages as processes of their own, over the internal topics, with workers killed and replaced on the way: the tables are
//! those of one process that reads files.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::engine::Engine;
use crate::shop::{assert_same, demo, run, tables, tables_at, text, tropa};
use crate::stream::{Topics, config, produce};

/// A worker that is gone with the test.
pub struct Worker(Child);

impl Worker {
    pub fn start(role: &str, config: &Path, log: &Path) -> Self {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
        let child = Command::new(env!("CARGO_BIN_EXE_tropa"))
            .args(["run", "--role", role, "--config", text(config)])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary runs");
        Self(child)
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("our child").is_some()
    }

    pub fn kill(mut self) {
        self.0.kill().expect("kill -9");
        self.0.wait().expect("it is dead");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn roles_with_workers_killed_and_replaced_give_the_tables_of_one_process() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = demo(folder.path(), 300, 17);
    let broker = Broker::shared();
    let topics = Topics::of("roles");
    let count = produce(&broker, &demo, &topics);

    let engine = Engine::start();
    let more = format!(
        "warehouse: {{ url: \"{}\" }}\nroles: {{ brokers: \"{}\", prefix: roles, partitions: 4, replication: 1 }}\n\
         flush: {{ records: 60, interval: 50ms }}\nrefresh: 1s\n",
        engine.url(),
        broker.address
    );
    // A slow trickle from the broker, so that workers are hit while there is something to do.
    let settings = "max.partition.fetch.bytes: 8000, fetch.message.max.bytes: 8000, queued.min.messages: 1";
    let config = config(&folder.path().join("workers"), &demo, &broker.address, &topics, settings, &more);
    let key = std::fs::read_to_string(demo.join("identifier.key")).ok();
    if let Some(key) = key {
        std::fs::create_dir_all(config.with_file_name("tropa-data")).expect("a folder");
        std::fs::write(config.with_file_name("tropa-data").join("identifier.key"), key).expect("the demo's key");
    }
    let place = ["--config", text(&config)];
    let made = tropa(&[&["migrate"], &place[..]].concat());
    assert!(made.contains("roles.identity, roles.customers"), "{made}");

    let log = folder.path().join("workers.log");
    let start = |role: &str| Worker::start(role, &config, &log);
    let mut ingest = vec![start("ingest"), start("ingest")];
    let mut identity = vec![start("identity"), start("identity")];
    let mut journeys = vec![start("journeys"), start("journeys")];
    let deadline = Instant::now() + Duration::from_secs(300);
    let done = |deadline: Instant| {
        assert!(Instant::now() < deadline, "{}", std::fs::read_to_string(&log).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(200));
        stored(&place)
    };
    // One of each is killed once something is stored, the writer and a worker once more when half of it is.
    for share in [10, 2] {
        while done(deadline) < count / share {}
        for workers in [&mut identity, &mut journeys, &mut ingest] {
            workers.remove(0).kill();
        }
        identity.push(start("identity"));
        journeys.push(start("journeys"));
        ingest.push(start("ingest"));
    }
    while done(deadline) < count {}
    while !is_shown(&place) {
        done(deadline);
    }
    let expected = tables(&demo, "2026-05-01");
    loop {
        let found = tables_at(&place, "2026-05-01");
        if same(&found, &expected) && aggregates_agree(&place) {
            break;
        }
        if Instant::now() > deadline {
            eprintln!("{}", std::fs::read_to_string(&log).unwrap_or_default());
            assert_same(&expected, &found);
            assert!(aggregates_agree(&place), "aggregates trail");
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    drop((ingest, identity, journeys));
    drop(engine);
}

pub fn same(found: &[(&'static str, String)], expected: &[(&'static str, String)]) -> bool {
    // Records are delivered again after a kill: how often is no figure of the tables that follow from the sets.
    found.iter().zip(expected).all(|((name, a), (_, b))| *name == "positions" || a == b)
}

/// Journeys counted in the daily aggregates and in the list.
pub fn aggregates_agree(place: &[&str]) -> bool {
    let query = "SELECT (SELECT sum(entered) FROM journeys_1d FINAL WHERE (map, reading) IN (SELECT map, reading FROM v_current)) = (SELECT count() FROM v_journeys)";
    let out = run(&[&["sql", query, "--format", "TSV"], place].concat());
    String::from_utf8_lossy(&out.stdout).trim() == "1"
}

/// Nothing is shown before every slice has told how far it is.
pub fn is_shown(place: &[&str]) -> bool {
    let query = "SELECT count() > 0 FROM watermarks";
    run(&[&["sql", query, "--format", "TSV"], place].concat()).stdout.trim_ascii() == b"1"
}

pub fn stored(place: &[&str]) -> usize {
    let out = run(&[&["sql", "SELECT sum(records) FROM positions FINAL", "--format", "TSV"], place].concat());
    String::from_utf8_lossy(&out.stdout).trim().parse().unwrap_or(0)
}
