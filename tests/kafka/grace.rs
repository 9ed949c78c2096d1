//! A stage in a process of its own, told to stop while its warehouse is away: it says what it waits for, ends within the
//! grace, and whoever comes next makes up for it.

use std::sync::atomic::Ordering;

use crate::broker::Broker;
use crate::engine::Engine;
use crate::proxy::Proxy;
use crate::running::{Running, ask, folder, records, text, tropa, until};

/// A stage with a warehouse that can go away for it alone.
struct Stage {
    role: &'static str,
    folder: tempfile::TempDir,
    proxy: Proxy,
    run: Running,
}

impl Stage {
    fn start(role: &'static str, engine: u16, broker: &Broker) -> Self {
        let proxy = Proxy::before(engine, str::to_owned);
        let folder = folder(&format!(
            "warehouse: {{ url: \"http://127.0.0.1:{}\" }}\nrefresh: 1s\ngrace: 10s\n\
             roles: {{ brokers: \"{address}\", prefix: grace, partitions: 2, replication: 1 }}\n\
             sources: {{ web: {{ decoder: web, kafka: {{ brokers: \"{address}\", topics: [grace-web], group: grace }} }} }}\n",
            proxy.port,
            address = broker.address
        ));
        let migrated = tropa(folder.path(), &["migrate"]);
        assert!(migrated.status.success(), "{}", text(&migrated.stderr));
        let run = Running::start(folder.path(), &["run", "--role", role]);
        Self { role, folder, proxy, run }
    }

    /// The warehouse goes away for it and `meanwhile` gives it something to do; then it is told to stop.
    fn ends_while_its_warehouse_is_away(self, meanwhile: impl FnOnce()) {
        let Self { role, proxy, mut run, .. } = self;
        proxy.closed.store(true, Ordering::SeqCst);
        meanwhile();
        run.hear("does not answer");
        run.signal("TERM");
        until("it is draining", || {
            let drains = |(_, body): (u16, String)| body.contains("\"reason\":\"draining\"");
            run.get("/readyz").is_some_and(drains)
        });
        let waiting = run.hear("stopping, and still waiting");
        let warehouse = format!("the warehouse at http://127.0.0.1:{} does not answer", proxy.port);
        assert!(waiting.contains(&warehouse) && waiting.contains("s left"), "{role}: {waiting}");
        let (code, said) = run.ends();
        assert_eq!(code, 0, "{role}: {said}");
        assert!(said.contains("what the warehouse had not acknowledged is not committed"), "{role}: {said}");
    }
}

#[test]
fn every_role_that_ends_while_its_warehouse_is_away_ends_within_the_grace_and_loses_nothing() {
    let broker = Broker::shared();
    broker.topic("grace-web", 1);
    // `whose`: the letter that the names of users begin with.
    let produce = |range: std::ops::Range<u32>, whose: &str| {
        let lines = records(range).replace("\"user\":\"u", &format!("\"user\":\"{whose}"));
        broker.produce("grace-web", lines.lines().map(|line| ("k", Some(line.as_bytes()))), "none");
    };
    let engine = Engine::start();
    let port = engine.url().rsplit(':').next().and_then(|p| p.trim_end_matches('/').parse().ok()).expect("a port");

    let start = |role| Stage::start(role, port, &broker);
    let (ingest, identity, journeys) = (start("ingest"), start("identity"), start("journeys"));
    let counted = |stage: &Stage, n: u32| {
        let query =
            "SELECT (SELECT uniqExact(event_id) FROM events), (SELECT sum(length(touchpoints)) FROM v_journeys)";
        until("everything is in the journeys", || ask(stage.folder.path(), query) == format!("{n}\t{n}\n"));
    };
    produce(0..100, "u");
    counted(&ingest, 100);

    // Each is given something to write that it cannot write, identity somebody new; the others go on.
    identity.ends_while_its_warehouse_is_away(|| produce(100..200, "v"));
    let identity = start("identity");
    counted(&ingest, 200);
    journeys.ends_while_its_warehouse_is_away(|| produce(200..300, "u"));
    let journeys = start("journeys");
    counted(&identity, 300);
    ingest.ends_while_its_warehouse_is_away(|| produce(300..400, "u"));
    let ingest = start("ingest");
    counted(&identity, 400);
    assert!(identity.proxy.inserts.load(Ordering::SeqCst) > 0, "the writer writes through its proxy");
    drop((ingest, identity, journeys));
    drop(engine);
}
