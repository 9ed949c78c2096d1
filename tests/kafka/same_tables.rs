//! Kafka with every codec gives the tables that files give.

use std::path::PathBuf;

use crate::broker::Broker;
use crate::shop::{assert_same, demo, tables, tropa};
use crate::stream::{Topics, config, one_topic, place, produce};

#[test]
fn every_codec_gives_the_tables_that_files_give() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = demo(folder.path(), 300, 7);
    let broker = Broker::shared();
    let topics = Topics::of("codecs");
    let count = produce(&broker, &demo, &topics);
    let config = config(&folder.path().join("kafka"), &demo, &broker.address, &topics, "", "");
    let place = place(&config);
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    tropa(&[&["run", "--until-end"], &place[..]].concat());

    let data = config.with_file_name("data");
    assert_same(&tables(&demo, "2026-05-01"), &tables(&data, "2026-05-01"));
    let positions = tropa(
        &[
            &["sql", "SELECT sum(records), sum(next) FROM positions FINAL"],
            &place[..2],
            &["--format", "TSV"],
            &place[2..],
        ]
        .concat(),
    );
    assert_eq!(positions.trim(), format!("{count}\t{count}"));

    // Nothing new: nothing is read twice.
    let again = crate::shop::run(&[&["run", "--until-end"], &place[..]].concat());
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.success() && said.contains("\"records\":0"), "{said}");
}

#[test]
fn a_log_that_ends_in_a_transaction_is_read_to_its_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::shared();
    let topic = "transaction";
    broker.topic(topic, 1);
    let payload: &[u8] = br#"{"id":"1","name":"view","at":"2026-05-01T10:00:00Z","user":"u"}"#;
    broker.produce_in_a_transaction(topic, [("a", Some(payload))]);
    let config = one_topic(folder.path(), &broker.address, topic, "group: transaction", "");
    let place = place(&config);
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    tropa(&[&["run", "--until-end"], &place[..]].concat());
    let events = tropa(&[&["sql", "SELECT count() FROM events FINAL", "--format", "TSV"], &place[..]].concat());
    assert_eq!(events.trim(), "1");
}

#[test]
fn a_first_run_starts_where_the_config_says_and_a_second_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::shared();
    let topic = "start";
    broker.topic(topic, 2);
    let record = |id: &str| format!(r#"{{"id":"{id}","name":"view","at":"2026-05-01T10:00:00Z","user":"u"}}"#);
    let produce = |ids: &[&str]| {
        let records: Vec<String> = ids.iter().map(|id| record(id)).collect();
        broker.produce(topic, ids.iter().zip(&records).map(|(id, r)| (*id, Some(r.as_bytes()))), "none");
    };
    let start = |name: &str, start: &str| {
        let more = format!("group: start-{name}, start: \"{start}\", settings: {{ session.timeout.ms: 6000 }}");
        place(&one_topic(&folder.path().join(name), &broker.address, topic, &more, "")).to_vec()
    };
    let ids = |place: &[String]| {
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        tropa(&[&["run", "--until-end"], &place[..]].concat());
        let query = "SELECT arrayStringConcat(arraySort(groupArray(event_id)), ' ') FROM events FINAL";
        tropa(&[&["sql", query, "--format", "TSV"], &place[..]].concat()).trim().to_owned()
    };
    produce(&["a", "b", "c", "d"]);
    std::thread::sleep(std::time::Duration::from_millis(50));
    let between = jiff::Timestamp::now().to_string();
    let (beginning, end) = (start("beginning", "beginning"), start("end", "end"));
    assert_eq!(ids(&beginning), "a b c d");
    assert_eq!(ids(&end), "");
    produce(&["e", "f"]);
    // The end is that of the first run: what came since is not skipped.
    assert_eq!(ids(&end), "e f");
    assert_eq!(ids(&beginning), "a b c d e f");
    assert_eq!(ids(&start("moment", &between)), "e f");
    // A raised generation takes back what was said before and reads the topic once more.
    let raised = PathBuf::from(&beginning[1]);
    let written = std::fs::read_to_string(&raised).expect("a config");
    std::fs::write(&raised, written.replace("    decoder:", "    generation: 2\n    decoder:")).expect("a config");
    assert_eq!(ids(&beginning), "a a b b c c d d e e f f");
    let place: Vec<&str> = beginning.iter().map(String::as_str).collect();
    let counted =
        tropa(&[&["sql", "SELECT sum(records) FROM positions FINAL", "--format", "TSV"], &place[..]].concat());
    assert_eq!(counted.trim(), "6", "and counts it once");
    // A new store in an old group: what the group has committed says nothing about this store.
    let mut anew = beginning.clone();
    anew[3] = folder.path().join("anew").display().to_string();
    assert_eq!(ids(&anew), "a b c d e f");
}
