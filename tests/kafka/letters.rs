//! Records that cannot be read become dead letters with their place and reason; those around them are kept.

use crate::broker::Broker;
use crate::shop::tropa;
use crate::stream::{one_topic, place};

#[test]
fn every_unreadable_record_is_a_dead_letter_with_its_offset() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::shared();
    let topic = "letters";
    broker.topic(topic, 1);
    let good =
        |id: &str| format!(r#"{{"id":"{id}","name":"view","at":"2026-05-01T10:00:00Z","user":"u"}}"#).into_bytes();
    let huge = [b"{\"id\":\"".to_vec(), vec![b'x'; 3000], b"\"}".to_vec()].concat();
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let wrong_time = br#"{"id":"8","name":"view","at":"yesterday","user":"u"}"#.to_vec();
    let records: Vec<Option<Vec<u8>>> = vec![
        Some(good("1")),
        None,
        Some(b"".to_vec()),
        Some(b"{\"id\":\"2\",\"name\":\"vi".to_vec()),
        Some(b"{\"id\":\"\xff\xfe\"}".to_vec()),
        Some(b"[1,2]".to_vec()),
        Some(b"not json".to_vec()),
        Some(huge),
        Some(deep[..2000].to_vec()),
        Some(wrong_time),
        Some(good("9")),
    ];
    broker.produce(topic, records.iter().map(|r| ("k", r.as_deref())), "none");
    let more = "group: letters, max_record_bytes: 2500";
    let config = one_topic(folder.path(), &broker.address, topic, more, "");
    let place = place(&config);
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    tropa(&[&["run", "--until-end"], &place[..]].concat());
    let ask = |query: &str| tropa(&[&["sql", query, "--format", "TSV"], &place[..]].concat());
    assert_eq!(
        ask("SELECT topic, partition, offset, reason FROM dead_letters FINAL ORDER BY offset"),
        "letters\t0\t1\tno_value\nletters\t0\t2\ttruncated\nletters\t0\t3\ttruncated\nletters\t0\t4\tnot_utf8\n\
         letters\t0\t5\tnot_an_object\nletters\t0\t6\tnot_json\nletters\t0\t7\ttoo_large\nletters\t0\t8\ttoo_deep\n\
         letters\t0\t9\tunreadable_time\n"
    );
    assert_eq!(ask("SELECT event_id FROM events FINAL ORDER BY event_id"), "1\n9\n");
    assert_eq!(ask("SELECT records, decoded, rejected FROM positions FINAL"), "11\t2\t9\n");
}
