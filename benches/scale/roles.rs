//! One process beside roles in three, over the same topics and the same kind of engine. In: the demo's shop. Out: the pace of
//! both, and their ratio.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tropa::demo::{CONFIG, JOURNEY, JOURNEY_FILE, Shop, Side};

use crate::Server;
use crate::broker::Broker;
use crate::running::{ask, free_port, tropa};

const PEOPLE: u32 = 20_000;
const SIDES: [Side; 2] = [Side::Web, Side::Crm];

/// A process that is gone with the bench.
struct Gone(std::process::Child);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

pub fn compare(folder: &Path) {
    let broker = Broker::start(None);
    let records: Vec<_> = Shop::new(3, PEOPLE).collect();
    for side in SIDES {
        broker.topic(side.as_str(), 4);
        let own: Vec<(String, &str)> =
            records.iter().filter(|r| r.side == side).enumerate().map(|(n, r)| (n.to_string(), &*r.json)).collect();
        broker.produce(side.as_str(), own.iter().map(|(k, json)| (k.as_str(), Some(json.as_bytes()))), "lz4");
    }
    let mut expected = None;
    let [one, roles] = [&[""][..], &["ingest", "identity", "journeys"]].map(|roles| {
        let name = if roles.len() == 1 { "one" } else { "roles" };
        let pace = pace(&folder.join(name), (&broker, name), roles, records.len(), &mut expected);
        println!("{name:>5}: {pace:.0} records/s");
        pace
    });
    println!("roles to one process, both on this machine: {:.2}", roles / one);
}

/// Records per second until the tables hold what all of them give.
fn pace(
    folder: &Path,
    (broker, name): (&Broker, &str),
    roles: &[&str],
    records: usize,
    expected: &mut Option<String>,
) -> f64 {
    let port = free_port();
    let server = Server::start(&folder.join("engine"), port);
    let mut text = format!(
        "{CONFIG}refresh: 1s\nwarehouse: {{ url: \"http://127.0.0.1:{port}\", database: shop }}\n\
         roles: {{ brokers: \"{}\", prefix: bench, partitions: 4, replication: 1 }}\n",
        broker.address
    );
    for side in SIDES {
        let kafka = format!("kafka: {{ brokers: \"{}\", topics: [{}], group: {name} }}", broker.address, side.as_str());
        text = text.replace(&format!("file: {{ paths: [{}] }}", side.file_name()), &kafka);
    }
    std::fs::write(folder.join("tropa.yaml"), text).expect("writable");
    std::fs::write(folder.join(JOURNEY_FILE), JOURNEY).expect("writable");
    assert!(tropa(folder, &["migrate"]).status.success(), "it migrates");
    let start = |role: &&str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tropa"));
        command.arg("run").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if !role.is_empty() {
            command.args(["--role", role]);
        }
        Gone(command.spawn().expect("the binary runs"))
    };
    let running: Vec<Gone> = roles.iter().map(start).collect();
    let stored = || ask(folder, "SELECT sum(records) FROM positions FINAL").trim().parse::<usize>().unwrap_or(0);
    while stored() == 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let began = Instant::now();
    while stored() < records {
        std::thread::sleep(Duration::from_millis(50));
    }
    // In one process a stored position says that everything that follows is written; of roles it is asked.
    let visits = || ask(folder, "SELECT count(), sum(length(touchpoints)) FROM v_journeys");
    let expected = expected.get_or_insert_with(visits).clone();
    while visits() != expected {
        std::thread::sleep(Duration::from_millis(100));
    }
    let pace = records as f64 / began.elapsed().as_secs_f64();
    drop((running, server));
    pace
}
