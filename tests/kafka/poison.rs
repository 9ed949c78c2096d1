//! Poison in a topic: a little of it is exactly so many dead letters, in the table and in the topic for them; a lot of it
//! pauses the partition, with an alarm; both are mended by a mended decoder and a replay that counts nothing twice.

use std::path::Path;

use crate::broker::{Broker, Record};
use crate::running::{Running, text, tropa, until};

/// Times of good records; those of poison are numbers, which this decoder cannot read.
const DECODER: &str = "decoder: { name: name, time: at, ids: { user: user } }";
const MENDED: &str = "decoder: { name: name, time: { from: at, format: unix }, ids: { user: user } }";

fn good(i: usize) -> String {
    format!("{{\"n\":{i},\"name\":\"view\",\"at\":\"2026-05-01T10:00:00Z\",\"user\":\"u{}\"}}", i % 500)
}

fn poison(i: usize) -> String {
    format!("{{\"n\":{i},\"name\":\"late\",\"at\":1777629600,\"user\":\"u{}\"}}", i % 500)
}

fn write_config(folder: &Path, broker: &Broker, topic: &str, letters: &str, decoder: &str) {
    let text = format!(
        "schema: config/v1\ndata: data\nidentifiers: {{ store: raw }}\nrefresh: 1s\nflush: {{ records: 700 }}\nsources:\n  web:\n    kafka: {{ brokers: \"{}\", \
         topics: [{topic}], group: {topic}, settings: {{ session.timeout.ms: 6000 }} }}\n    dead_letters: {{ {letters} }}\n    {decoder}\n",
        broker.address
    );
    std::fs::write(folder.join("tropa.yaml"), text).expect("writable");
}

fn produce(broker: &Broker, topic: &str, records: &[String]) {
    let keys: Vec<String> = (0..records.len()).map(|i| format!("k{i}")).collect();
    broker.produce(topic, keys.iter().zip(records).map(|(k, r)| (k.as_str(), Some(r.as_bytes()))), "none");
}

fn ask(folder: &Path, query: &str) -> String {
    crate::running::ask(folder, query)
}

fn ok(folder: &Path, arguments: &[&str]) -> String {
    let out = tropa(folder, arguments);
    assert!(out.status.success(), "{arguments:?}: {}", text(&out.stderr));
    text(&out.stdout)
}

#[test]
fn one_per_cent_of_poison_is_exactly_so_many_dead_letters_and_a_replay_makes_them_events() {
    const ALL: usize = 12_000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let broker = Broker::shared();
    let topic = "poison-little";
    broker.topic(topic, 2);
    let records: Vec<String> = (0..ALL).map(|i| if i % 100 == 37 { poison(i) } else { good(i) }).collect();
    produce(&broker, topic, &records);
    write_config(folder, &broker, topic, "topic: poison-little.dead", DECODER);
    let said = ok(folder, &["migrate"]);
    assert!(said.contains("topic `poison-little.dead` created"), "{said}");
    assert!(said.contains("topic `poison-little.dead.retry` created"), "{said}");
    ok(folder, &["run", "--until-end"]);

    // Exactly those, with their place and reason.
    let raw = broker.records(topic);
    let bad: Vec<&Record> = raw.iter().filter(|r| r.payload.as_ref().is_some_and(|p| p.contains("\"late\""))).collect();
    assert_eq!(bad.len(), ALL / 100);
    let expected: String =
        bad.iter().map(|r| format!("web\t{topic}\t{}\t{}\tunreadable_time\n", r.partition, r.offset)).collect();
    let query = "SELECT source, topic, partition, offset, reason FROM dead_letters FINAL ORDER BY partition, offset";
    assert_eq!(ask(folder, query), expected);
    assert_eq!(
        ask(folder, "SELECT sum(records), sum(decoded), sum(rejected) FROM positions FINAL"),
        "12000\t11880\t120\n"
    );

    // The same in the topic: key, value, and where and why in Kafka Connect's headers.
    let dead = broker.records("poison-little.dead");
    let header =
        |r: &Record, name: &str| r.headers.get(&format!("__connect.errors.{name}")).cloned().unwrap_or_default();
    let mut written: Vec<_> = dead
        .iter()
        .map(|r| {
            assert_eq!(header(r, "exception.class.name"), "unreadable_time");
            assert!(header(r, "exception.message").contains("1777629600"), "{:?}", r.headers);
            assert_eq!((header(r, "topic"), header(r, "connector.name")), (topic.to_owned(), "tropa/web".to_owned()));
            let place = (header(r, "partition").parse::<i32>(), header(r, "offset").parse::<i64>());
            (place.0.expect("a number"), place.1.expect("a number"), r.key.clone(), r.payload.clone())
        })
        .collect();
    written.sort();
    let original: Vec<_> = bad.iter().map(|r| (r.partition, r.offset, r.key.clone(), r.payload.clone())).collect();
    assert_eq!(written, original);

    // A mended decoder, taken by the running process, and a replay.
    let listed =
        ok(folder, &["dead-letters", "list", "--reason", "unreadable_time", "--limit", "3", "--format", "TSV"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let mut run = Running::start(folder, &["run"]);
    until("it is ready", || run.ready());
    write_config(folder, &broker, topic, "topic: poison-little.dead", MENDED);
    run.hear("the files are usable");
    until("it is ready again", || run.ready() && run.figure("tropa_reloads_total{result=\"taken\"}") == Some(1.0));
    for _ in 0..2 {
        // The second time there is nothing left to replay, or what is on its way goes twice: neither counts twice.
        ok(folder, &["dead-letters", "replay"]);
    }
    until("no dead letter is left", || ask(folder, "SELECT count() FROM dead_letters FINAL") == "0\n");
    until("the retry topic is read", || {
        let retried = broker.records("poison-little.dead.retry").len() as i64;
        retried >= 120 && broker.committed(topic, "poison-little.dead.retry", 0) == retried
    });
    assert_eq!(
        ask(folder, "SELECT uniqExact(event_id), countDistinct((event_id, name)) FROM events"),
        "12000\t12000\n"
    );
    assert_eq!(ask(folder, "SELECT sum(records), sum(rejected) FROM positions FINAL"), "12000\t120\n", "read once");
    assert_eq!(
        run.figure("tropa_lag_records{source=\"web\",topic=\"poison-little.dead.retry\",partition=\"0\"}"),
        Some(0.0)
    );
    run.signal("TERM");
    assert_eq!(run.ends().0, 0);
    assert_eq!(broker.records(topic).len(), ALL, "the raw topic, which others read, is as it was");

    // A store of its own that reads the raw topic with the mended decoder gives the poison the same identity.
    let other = tempfile::tempdir().expect("a temporary folder");
    write_config(other.path(), &broker, topic, "share: 1, in_a_row: 0", MENDED);
    let config = std::fs::read_to_string(other.path().join("tropa.yaml")).expect("a config");
    std::fs::write(other.path().join("tropa.yaml"), config.replace("group: poison-little", "group: poison-other"))
        .expect("writable");
    ok(other.path(), &["run", "--until-end"]);
    let late = "SELECT event_id, occurred_at, node FROM events FINAL WHERE name = 'late' ORDER BY event_id";
    assert_eq!(ask(folder, late), ask(other.path(), late));
}

#[test]
fn nothing_but_poison_pauses_the_partition_with_an_alarm_and_a_mended_decoder_reads_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let broker = Broker::shared();
    let topic = "poison-only";
    broker.topic(topic, 1);
    let records: Vec<String> = (0..5_000).map(poison).collect();
    produce(&broker, topic, &records);
    write_config(folder, &broker, topic, "", DECODER);
    let mut run = Running::start(folder, &["run"]);
    let alarm = run.hear("is not read on");
    assert!(alarm.contains("poison-only[0] is not read on: 1000 records in a row were dead letters"), "{alarm}");
    assert!(alarm.contains("send SIGHUP to try it once more"), "{alarm}");
    let positions = "SELECT next, records, rejected FROM positions FINAL";
    until("what was taken is stored", || ask(folder, positions) == "1000\t1000\t1000\n");
    until("and committed", || broker.committed(topic, topic, 0) == 1_000);
    let (status, body) = run.get("/readyz").expect("an answer");
    assert_eq!(status, 503);
    assert!(
        body.contains(r#""reason":"paused_by_dead_letters","source":"web","topic":"poison-only","partition":0"#),
        "{body}"
    );
    let labels = "{source=\"web\",topic=\"poison-only\",partition=\"0\"}";
    assert_eq!(run.figure(&format!("tropa_paused_by_dead_letters{labels}")), Some(1.0));
    until("the lag is seen", || run.figure(&format!("tropa_lag_records{labels}")) == Some(4_000.0));
    assert_eq!(run.figure("tropa_dead_letters_total{source=\"web\",reason=\"unreadable_time\"}"), Some(1_000.0));
    assert_eq!(ask(folder, "SELECT count(), min(offset), max(offset) FROM dead_letters FINAL"), "1000\t0\t999\n");

    // SIGHUP tries once more; the poison is as it was.
    run.signal("HUP");
    run.hear("is not read on");
    until("a thousand more", || ask(folder, positions) == "2000\t2000\t2000\n");
    assert_eq!(broker.committed(topic, topic, 0).min(2_000), broker.committed(topic, topic, 0), "nothing beyond");
    assert_eq!(run.count("is not read on"), 2, "said once each time");

    write_config(folder, &broker, topic, "", MENDED);
    run.hear("the files are usable");
    until("it reads to the end", || ask(folder, positions) == "5000\t5000\t2000\n");
    until("it is ready", || run.ready());
    assert_eq!(run.figure(&format!("tropa_paused_by_dead_letters{labels}")), None);
    run.signal("TERM");
    assert_eq!(run.ends().0, 0);
    // No retry topic: decoded here, from the table.
    let said = ok(folder, &["dead-letters", "replay"]);
    assert!(said.contains("2000 dead letters are events now"), "{said}");
    assert_eq!(
        ask(folder, "SELECT uniqExact(event_id), (SELECT count() FROM dead_letters FINAL) FROM events"),
        "5000\t0\n"
    );

    // A run that shall end does so with an error instead.
    let other = tempfile::tempdir().expect("a temporary folder");
    write_config(other.path(), &broker, topic, "in_a_row: 10", DECODER);
    let config = std::fs::read_to_string(other.path().join("tropa.yaml")).expect("a config");
    std::fs::write(other.path().join("tropa.yaml"), config.replace("group: poison-only", "group: poison-end"))
        .expect("writable");
    let out = tropa(other.path(), &["run", "--until-end"]);
    assert_eq!(out.status.code(), Some(1));
    let said = text(&out.stderr);
    assert!(
        said.contains("the source failed: poison-only[0] is not read on: 10 records in a row were dead letters"),
        "{said}"
    );
    assert_eq!(ask(other.path(), "SELECT next FROM positions FINAL"), "10\n");
}
