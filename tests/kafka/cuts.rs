//! The customers are cut into another number of slices while the workers run, and then the topic of announcements is
//! deleted and made again: the tables are those of one process that reads files.

use std::path::Path;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

use crate::broker::Broker;
use crate::engine::Engine;
use crate::roles::{Worker, aggregates_agree, is_shown, same, stored};
use crate::shop::{assert_same, demo, run, tables, tables_at, text, tropa};
use crate::stream::{Topics, config, produce};

/// Workers under somebody who starts those again that end.
struct Crew<'a> {
    config: &'a Path,
    log: &'a Path,
    workers: Vec<(&'static str, Worker)>,
}

impl Crew<'_> {
    fn tend(&mut self) {
        for (role, worker) in &mut self.workers {
            if worker.has_ended() {
                *worker = Worker::start(role, self.config, self.log);
            }
        }
    }
}

fn delete(broker: &Broker, topic: &str) {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &broker.address);
    let admin: AdminClient<DefaultClientContext> = client.create().expect("an admin client");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let gone = runtime.block_on(admin.delete_topics(&[topic], &AdminOptions::new())).expect("the broker answers");
    gone[0].as_ref().unwrap_or_else(|e| panic!("{e:?}"));
}

#[test]
fn another_number_of_slices_and_a_topic_made_anew_change_no_row() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = demo(folder.path(), 200, 23);
    let broker = Broker::shared();
    let topics = Topics::of("cuts");
    let count = produce(&broker, &demo, &topics);
    let engine = Engine::start();
    // The same config twice: of those who run, and of the person who changes the number.
    let written = |name: &str, partitions: usize| {
        let more = format!(
            "warehouse: {{ url: \"{}\" }}\nroles: {{ brokers: \"{}\", prefix: cuts, partitions: {partitions}, replication: 1 }}\n\
             flush: {{ records: 40, interval: 50ms }}\nrefresh: 1s\n",
            engine.url(),
            broker.address
        );
        let settings = "max.partition.fetch.bytes: 6000, fetch.message.max.bytes: 6000, queued.min.messages: 1";
        let config = config(&folder.path().join(name), &demo, &broker.address, &topics, settings, &more);
        if let Ok(key) = std::fs::read_to_string(demo.join("identifier.key")) {
            std::fs::create_dir_all(config.with_file_name("tropa-data")).expect("a folder");
            std::fs::write(config.with_file_name("tropa-data").join("identifier.key"), key).expect("the demo's key");
        }
        config
    };
    let (four, eight) = (written("four", 4), written("eight", 8));
    let place = ["--config", text(&four)];
    let wider = |more: &[&str]| tropa(&[&["migrate"], more, &["--config", text(&eight)]].concat());
    assert!(tropa(&[&["migrate"], &place[..]].concat()).contains("cuts.identity, cuts.customers"));

    let log = folder.path().join("workers.log");
    let roles = ["ingest", "ingest", "identity", "identity", "journeys", "journeys"];
    let workers = roles.map(|role| (role, Worker::start(role, &four, &log))).into();
    let mut crew = Crew { config: &four, log: &log, workers };
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(400);
    let until = |crew: &mut Crew<'_>, holds: &mut dyn FnMut() -> bool| {
        while !holds() {
            assert!(Instant::now() < deadline, "{}", said());
            crew.tend();
            std::thread::sleep(Duration::from_millis(200));
        }
    };

    until(&mut crew, &mut || stored(&place) > count / 10);
    let told = wider(&[]);
    assert!(told.contains("cut into 4 slices, and the config says 8\n  hint: `tropa migrate --partitions`"), "{told}");
    let unchanged = tropa(&["migrate", "--partitions", "--config", text(&four)]);
    assert!(unchanged.contains("cut into 4 slices already: nothing is changed"), "{unchanged}");
    assert!(unchanged.contains("created now: none"), "{unchanged}");
    let told = wider(&["--partitions"]);
    let topic = told.lines().next().and_then(|line| line.rsplit(' ').next()).expect("the new topic").to_owned();
    assert!(topic.starts_with("cuts.customers."), "{told}");
    until(&mut crew, &mut || said().contains("the customers are cut anew"));

    until(&mut crew, &mut || stored(&place) > count / 2);
    delete(&broker, &topic);
    let again = || {
        let out = run(&["migrate", "--config", text(&eight)]);
        String::from_utf8_lossy(&out.stdout).contains(&format!("created now: {topic}\n"))
    };
    until(&mut crew, &mut { again });

    until(&mut crew, &mut || stored(&place) >= count);
    until(&mut crew, &mut || is_shown(&place));
    let expected = tables(&demo, "2026-05-01");
    let agrees = || same(&tables_at(&place, "2026-05-01"), &expected) && aggregates_agree(&place);
    while !agrees() {
        crew.tend();
        if Instant::now() > deadline {
            eprintln!("{}", said());
            assert_same(&expected, &tables_at(&place, "2026-05-01"));
            assert!(aggregates_agree(&place), "aggregates trail");
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    tropa(&[&["verify", "--all"], &place[..]].concat());
    drop(crew);
    drop(engine);
}
