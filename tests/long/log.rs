//! A hard log. In: a seed and a number of people of the demo's shop. Out: their records in the order of a bad day: three in
//! ten delivered twice, two in ten much too late, some that are no events; as files with a config that reads them, and
//! piece by piece into topics.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tropa::demo::{CONFIG, JOURNEY, JOURNEY_FILE, Shop, Side};

use crate::broker::Broker;

pub struct Log {
    records: Vec<(Side, String)>,
    /// How many of them are in the topics.
    given: usize,
    name: String,
}

/// Records that are no events, one in so many.
const POISON: usize = 400;

/// Records of the very last moment, enough for each partition to have one: then as_of is that moment, and silence is decided
/// for everybody.
const LAST: usize = 40;

fn last_of_web(n: usize) -> String {
    format!(
        r#"{{"type":"track","event":"closed","messageId":"last-{n}","userId":"last-{n}","timestamp":"2026-10-01T00:00:00Z"}}"#
    )
}

fn last_of_crm(n: usize) -> String {
    format!(
        r#"{{"record_id":"last-{n}","kind":"closed","contact":{{"id":"last-{n}"}},"happened":"2026-10-01 02:00","state":"final"}}"#
    )
}

impl Log {
    /// `name`: of the topics and the group.
    pub fn new(name: &str, people: u32, seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let shop: Vec<_> = Shop::new(seed, people).collect();
        let all = shop.len();
        let mut placed: Vec<(usize, Side, String)> = Vec::new();
        for (n, record) in shop.into_iter().enumerate() {
            if n % POISON == POISON / 2 {
                let poison =
                    format!(r#"{{"type":"track","event":"no time","messageId":"poison-{n}","userId":"u{n}"}}"#);
                placed.push((n, Side::Web, poison));
            }
            let late = if dice.random_bool(0.2) { dice.random_range(1..all / 10) } else { 0 };
            if dice.random_bool(0.3) {
                placed.push((n + dice.random_range(0..all / 5), record.side, record.json.clone()));
            }
            placed.push((n + late, record.side, record.json));
        }
        placed.sort_by_key(|(place, ..)| *place);
        let mut records: Vec<_> = placed.into_iter().map(|(_, side, json)| (side, json)).collect();
        records.extend((0..LAST).flat_map(|n| [(Side::Web, last_of_web(n)), (Side::Crm, last_of_crm(n))]));
        Self { records, given: 0, name: name.to_owned() }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub const fn given(&self) -> usize {
        self.given
    }

    /// The demo's config, its journey and all records as files, for an oracle and for a run that nobody disturbs.
    pub fn files(&self, folder: &Path, more: &str) -> PathBuf {
        std::fs::create_dir_all(folder).expect("a folder");
        for side in [Side::Web, Side::Crm] {
            let own = self.records.iter().filter(|(s, _)| *s == side);
            let text = own.fold(String::new(), |mut text, (_, json)| {
                writeln!(text, "{json}").expect("memory");
                text
            });
            std::fs::write(folder.join(side.file_name()), text).expect("writable");
        }
        std::fs::write(folder.join(JOURNEY_FILE), JOURNEY).expect("writable");
        let path = folder.join("tropa.yaml");
        std::fs::write(&path, format!("{CONFIG}{more}")).expect("writable");
        path
    }

    /// The topics, and a config that reads them. `settings`: of Kafka's client.
    pub fn topics(&self, broker: &Broker, folder: &Path, settings: &str, more: &str) -> PathBuf {
        std::fs::create_dir_all(folder).expect("a folder");
        // What is late is in the log itself; no more is waited for.
        let mut text = CONFIG
            .replace("    decoder: web\n", "    decoder: web\n    delay: 0s\n")
            .replace("    decoder: crm\n", "    decoder: crm\n    delay: 0s\n");
        for (side, partitions) in [(Side::Web, 3), (Side::Crm, 2)] {
            broker.topic(&self.topic(side), partitions);
            let file = format!("file: {{ paths: [{}] }}", side.file_name());
            assert!(text.contains(&file), "the demo's config reads {file}");
            let kafka = format!(
                "kafka: {{ brokers: \"{}\", topics: [{}], group: {}, settings: {{ {settings} }} }}",
                broker.address,
                self.topic(side),
                self.name
            );
            text = text.replace(&file, &kafka);
        }
        std::fs::write(folder.join(JOURNEY_FILE), JOURNEY).expect("writable");
        let path = folder.join("tropa.yaml");
        std::fs::write(&path, format!("{text}{more}")).expect("writable");
        path
    }

    fn topic(&self, side: Side) -> String {
        format!("{}-{}", self.name, side.as_str())
    }

    /// The next records into the topics, acknowledged.
    pub fn give(&mut self, broker: &Broker, count: usize) {
        let until = self.records.len().min(self.given + count);
        let part = &self.records[self.given..until];
        for side in [Side::Web, Side::Crm] {
            let own = part.iter().enumerate().filter(|(_, (s, _))| *s == side);
            let own: Vec<(String, &str)> = own.map(|(n, (_, json))| (n.to_string(), json.as_str())).collect();
            let records = own.iter().map(|(key, json)| (key.as_str(), Some(json.as_bytes())));
            broker.produce(&self.topic(side), records, "lz4");
        }
        self.given = until;
    }
}
