//! A topic read again from an offset or a moment: what was lost or could not be decoded comes, and nothing counts twice.

use std::path::PathBuf;

use crate::broker::Broker;
use crate::shop::{run, tropa};
use crate::stream::{one_topic, place};

struct World {
    place: Vec<String>,
}

impl World {
    fn tropa(&self, arguments: &[&str]) -> String {
        let place: Vec<&str> = self.place.iter().map(String::as_str).collect();
        tropa(&[arguments, &place[..]].concat())
    }

    fn ask(&self, query: &str) -> String {
        self.tropa(&["sql", query, "--format", "TSV"]).trim().to_owned()
    }

    fn ids(&self) -> String {
        self.ask("SELECT arrayStringConcat(arraySort(groupArray(event_id)), ' ') FROM events FINAL")
    }

    fn counted(&self) -> String {
        self.ask("SELECT partition, next, records, decoded, rejected FROM positions FINAL ORDER BY partition")
    }

    fn letters(&self) -> String {
        self.ask("SELECT arrayStringConcat(arraySort(groupArray(toString(offset))), ' ') FROM dead_letters FINAL")
    }

    fn refused(&self, arguments: &[&str]) -> (String, i32) {
        let place: Vec<&str> = self.place.iter().map(String::as_str).collect();
        let out = run(&[arguments, &place[..]].concat());
        (String::from_utf8_lossy(&out.stderr).into_owned(), out.status.code().expect("it ends by itself"))
    }
}

#[test]
fn a_topic_read_again_gives_what_was_lost_and_counts_nothing_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::shared();
    let topic = "again";
    broker.topic(topic, 1);
    let produce = |ids: &[&str]| {
        let record = |id: &str| match id {
            // Longer than the source takes, so far.
            "c" => format!(
                r#"{{"id":"c","name":"view","at":"2026-05-01T10:00:00Z","user":"u","x":"{}"}}"#,
                "y".repeat(400)
            ),
            "broken" => "no JSON".to_owned(),
            id => format!(r#"{{"id":"{id}","name":"view","at":"2026-05-01T10:00:00Z","user":"u"}}"#),
        };
        let records: Vec<String> = ids.iter().map(|id| record(id)).collect();
        broker.produce(topic, ids.iter().zip(&records).map(|(id, r)| (*id, Some(r.as_bytes()))), "none");
    };
    produce(&["a", "b", "c", "broken"]);
    std::thread::sleep(std::time::Duration::from_millis(50));
    let between = jiff::Timestamp::now().to_string();
    std::thread::sleep(std::time::Duration::from_millis(50));
    produce(&["d", "e"]);

    let more = "group: again, max_record_bytes: 300, settings: { session.timeout.ms: 6000 }";
    let config = one_topic(folder.path(), &broker.address, topic, more, "");
    let world = World { place: place(&config).to_vec() };
    world.tropa(&["run", "--until-end"]);
    assert_eq!((world.ids().as_str(), world.letters().as_str()), ("a b d e", "2 3"));
    let counted = world.counted();
    assert_eq!(counted, "0\t6\t6\t4\t2");

    // Not read yet: it is not read by this command either.
    produce(&["f"]);
    world.ask("SELECT 1");
    world.tropa(&["sql", "--write", "DELETE FROM events WHERE event_id IN ('a', 'd', 'e')"]);
    let said = world.tropa(&["reprocess", "--from", &between]);
    let counts = "counts of deliveries stay what they were";
    assert_eq!(
        said,
        format!("again[0]: 4 to 6\n2 records read again: 2 decoded, 0 skipped, 0 dead letters; {counts}\n")
    );
    assert_eq!((world.ids().as_str(), world.letters().as_str()), ("b d e", "2 3"));

    // The source takes longer ones now.
    let config = PathBuf::from(&world.place[1]);
    let written = std::fs::read_to_string(&config).expect("a config");
    std::fs::write(&config, written.replace("max_record_bytes: 300", "max_record_bytes: 3000")).expect("a config");
    let said = world.tropa(&["reprocess", "--from", "0", "--source", "web", "--partition", "0"]);
    assert_eq!(
        said,
        format!("again[0]: 0 to 6\n6 records read again: 5 decoded, 0 skipped, 1 dead letters; {counts}\n")
    );
    assert_eq!(
        (world.ids().as_str(), world.letters().as_str()),
        ("a b c d e", "3"),
        "what decodes now is no dead letter"
    );
    assert_eq!(world.counted(), counted, "positions stay, and nothing is counted twice");
    assert!(world.tropa(&["verify", "--all"]).contains("stale: 0; "));

    // Again and again: the sets take members twice.
    world.tropa(&["reprocess", "--from", "2"]);
    assert_eq!((world.ids().as_str(), world.counted()), ("a b c d e", counted));
    // The run goes on where it was.
    world.tropa(&["run", "--until-end"]);
    assert_eq!(world.ids(), "a b c d e f");
    assert_eq!(world.counted(), "0\t7\t7\t5\t2");

    let (said, code) = world.refused(&["reprocess", "--from", "yesterday"]);
    let allowed = "allowed: 12345, 2026-06-30 or 2026-06-30T12:00:00Z";
    assert_eq!((said, code), (format!("`yesterday` is neither an offset nor a moment\n  {allowed}\n"), 78));
    let (said, code) = world.refused(&["reprocess", "--from", "0", "--source", "crm"]);
    assert_eq!((said.as_str(), code), ("no source `crm` reads from Kafka\n  those that do: `web`\n", 1));
}

#[test]
fn a_record_that_was_tried_again_in_vain_stays_one_dead_letter_when_its_topic_is_read_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::shared();
    broker.topic("twice", 1);
    let good = r#"{"id":"a","name":"view","at":"2026-05-01T10:00:00Z","user":"u"}"#;
    broker.produce("twice", [("k", Some(good.as_bytes())), ("k", Some(&b"no JSON"[..]))], "none");
    let more = "group: twice, settings: { session.timeout.ms: 6000 }";
    let config = one_topic(folder.path(), &broker.address, "twice", more, "");
    let written = std::fs::read_to_string(&config).expect("a config");
    std::fs::write(&config, format!("{written}    dead_letters: {{ topic: twice.dead }}\n")).expect("a config");
    let world = World { place: place(&config).to_vec() };
    assert!(world.tropa(&["migrate"]).contains("topic `twice.dead.retry` created"));
    world.tropa(&["run", "--until-end"]);
    let letters = "SELECT topic, partition, offset FROM dead_letters FINAL";
    assert_eq!(world.ask(letters), "twice\t0\t1");
    for _ in 0..2 {
        let said = world.tropa(&["dead-letters", "replay"]);
        assert!(said.starts_with("1 records of `web` written to `twice.dead.retry`"), "{said}");
        world.tropa(&["run", "--until-end"]);
        assert_eq!(world.ask(letters), "twice\t0\t1");
    }
    let counted = world.ask("SELECT sum(records) FROM positions FINAL");
    let said = world.tropa(&["reprocess", "--from", "0"]);
    assert!(said.starts_with("twice[0]: 0 to 2\n2 records read again: 1 decoded"), "{said}");
    assert_eq!(world.ask(letters), "twice\t0\t1", "the copies have no place of their own");
    assert_eq!(world.ids(), "a");
    assert_eq!(world.ask("SELECT sum(records) FROM positions FINAL"), counted);
}
