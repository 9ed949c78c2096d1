//! One identity process is the writer: it says so, follows its figures and takes orders. The others say that they stand by,
//! and a command does not take the writer's place.

use crate::broker::Broker;
use crate::engine::Engine;
use crate::running::{Running, ask, folder, records, text, tropa, until};

struct Process {
    folder: tempfile::TempDir,
    run: Running,
}

impl Process {
    fn start(role: &str, config: &str) -> Self {
        let folder = folder(config);
        let run = Running::start(folder.path(), &["run", "--role", role]);
        Self { folder, run }
    }

    fn writes(&self) -> Option<f64> {
        self.run.figure("tropa_identity_writer")
    }

    /// What a command in its folder says, and its exit code.
    fn says(&self, arguments: &[&str]) -> (String, i32) {
        let out = tropa(self.folder.path(), arguments);
        (text(&[out.stdout, out.stderr].concat()), out.status.code().expect("it ends by itself"))
    }
}

#[test]
fn orders_go_to_the_active_identity_writer_and_every_other_process_says_why_not_to_it() {
    let broker = Broker::shared();
    broker.topic("writer-web", 1);
    let engine = Engine::start();
    let config = format!(
        "warehouse: {{ url: \"{}\" }}\nrefresh: 1s\n\
         roles: {{ brokers: \"{address}\", prefix: writer, partitions: 2, replication: 1 }}\n\
         sources: {{ web: {{ decoder: web, kafka: {{ brokers: \"{address}\", topics: [writer-web], group: writer }} }} }}\n",
        engine.url(),
        address = broker.address
    );
    let elsewhere = folder(&config);
    let migrated = tropa(elsewhere.path(), &["migrate"]);
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    let start = |role| Process::start(role, &config);
    let (mut one, mut other) = (start("identity"), start("identity"));
    until("the writer has taken what it asked for", || broker.committed("writer.writer", "writer.identity", 0) > 0);
    for process in [&mut one, &mut other] {
        assert_eq!(process.run.count("notices are missing"), 0, "nothing was there that could be missing");
    }
    let (ingest, journeys) = (start("ingest"), start("journeys"));
    let lines = records(0..100);
    broker.produce("writer-web", lines.lines().map(|line| ("k", Some(line.as_bytes()))), "none");
    let touched = "SELECT sum(length(touchpoints)) FROM v_journeys";
    until("everything is in the journeys", || ask(elsewhere.path(), touched) == "100\n");

    let both = || (one.writes(), other.writes());
    until("one of them is the writer", || matches!(both(), (Some(1.0), Some(0.0)) | (Some(0.0), Some(1.0))));
    let (active, standby) = if one.writes() == Some(1.0) { (one, other) } else { (other, one) };
    until("the writer follows its figures", || {
        active.run.figure("tropa_as_of_timestamp_seconds").is_some()
            && active.run.figure("tropa_coverage_ratios{map=\"shop\"}") == Some(1.0)
    });
    for process in [&ingest, &journeys, &standby] {
        let (_, figures) = process.run.get("/metrics").expect("an answer");
        for name in ["tropa_as_of", "tropa_source_as_of", "tropa_coverage", "tropa_stale_rows"] {
            assert!(!figures.contains(name), "{name} is the writer's: {figures}");
        }
    }

    for order in [&["forget", "user:u1"][..], &["rebuild"]] {
        let (said, code) = standby.says(order);
        assert!(code != 0 && said.contains("this identity process stands by"), "{code}: {said}");
        let (said, code) = ingest.says(order);
        assert!(code != 0 && said.contains("a process of this role takes no orders"), "{code}: {said}");
    }
    let command = |arguments: &[&str]| {
        let out = tropa(elsewhere.path(), arguments);
        (text(&out.stderr), out.status.code().expect("it ends by itself"))
    };
    let events = || ask(elsewhere.path(), "SELECT count() FROM events WHERE source = 'web'");
    let before = events();
    for order in [&["forget", "user:u1"][..], &["rebuild"]] {
        let (said, code) = command(order);
        assert_eq!(code, 75, "{said}");
        assert!(said.contains("the identity writer of these roles runs at ") && said.contains("hint: "), "{said}");
    }
    std::fs::write(elsewhere.path().join("more.ndjson"), records(100..110)).expect("writable");
    let (said, code) = command(&["import", "more.ndjson", "--decoder", "web"]);
    assert!(code == 75 && said.contains("others work on this store: identity at "), "{code}: {said}");
    let (said, code) = command(&["reprocess", "--from", "0"]);
    assert_eq!(code, 75, "{said}");
    assert!(
        said.contains("others work on this store: identity at ") && said.contains("readers of `web` at "),
        "{said}"
    );
    assert_eq!((events(), active.writes()), (before, Some(1.0)), "nothing was written, and nobody gave way");

    let (said, code) = active.says(&["forget", "user:u1"]);
    assert!(code == 0 && said.contains("the order is carried out"), "{code}: {said}");
    drop(active);
    until("the other one has taken over", || standby.writes() == Some(1.0));
    let (said, code) = standby.says(&["forget", "user:u2"]);
    assert!(code == 0 && said.contains("the order is carried out"), "{code}: {said}");
    drop((ingest, journeys, standby));
    drop(engine);
}
