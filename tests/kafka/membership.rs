//! One process with one store must see every partition: with a second member in the group it pauses and says so, and
//! goes on once it is alone again.

use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::shop::{demo, text, tropa};
use crate::stream::{Topics, config, produce};
use crate::waiting::Running;

#[test]
fn two_processes_in_one_group_pause_until_one_is_gone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = demo(folder.path(), 30, 3);
    let broker = Broker::shared();
    let topics = Topics::of("membership");
    let count = produce(&broker, &demo, &topics);
    let configs = ["one", "two"].map(|name| {
        let settings = "session.timeout.ms: 6000, heartbeat.interval.ms: 500";
        config(&folder.path().join(name), &demo, &broker.address, &topics, settings, "")
    });
    let mut one = Running::start(&configs[0]);
    one.says("reading begins");
    let mut two = Running::start(&configs[1]);
    one.says("paused: one process must have every partition");
    two.says("paused: one process must have every partition");
    two.kill();
    // The broker misses it after the session time-out, and gives its partitions to the one that is left.
    one.says("assigned");
    let data = configs[0].with_file_name("data");
    let query = "SELECT sum(records) FROM positions FINAL";
    let records = || tropa(&["sql", query, "--format", "TSV", "--data", text(&data)]).trim().to_owned();
    let deadline = Instant::now() + Duration::from_secs(60);
    while records() != count.to_string() {
        assert!(Instant::now() < deadline, "{} of {count} records were stored", records());
        std::thread::sleep(Duration::from_millis(200));
    }
    one.stop();
    assert_eq!(records(), count.to_string(), "every record once, whoever had the partition in between");
}
