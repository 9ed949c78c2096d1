//! The demo's shop as two topics, and a config that reads them.

use std::path::{Path, PathBuf};

use crate::broker::Broker;
use crate::shop::text;

/// Names that no other test of this broker uses.
pub struct Topics {
    pub web: String,
    pub crm: String,
    pub group: String,
}

impl Topics {
    pub fn of(test: &str) -> Self {
        Self { web: format!("{test}-web"), crm: format!("{test}-crm"), group: test.to_owned() }
    }
}

/// A folder with the demo's journey file and a config whose sources are the topics.
pub fn config(folder: &Path, demo: &Path, address: &str, topics: &Topics, settings: &str, more: &str) -> PathBuf {
    let source = |name: &str, topic: &str| {
        (
            format!("file: {{ paths: [{name}.ndjson] }}"),
            format!(
                "kafka: {{ brokers: \"{address}\", topics: [{topic}], group: {}, settings: {{ {settings} }} }}",
                topics.group
            ),
        )
    };
    let mut written = std::fs::read_to_string(demo.join("tropa.yaml")).expect("the demo's config");
    for (file, kafka) in [source("web", &topics.web), source("crm", &topics.crm)] {
        assert!(written.contains(&file), "the demo's config reads {file}");
        written = written.replace(&file, &kafka);
    }
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::copy(demo.join("shop.journey.yaml"), folder.join("shop.journey.yaml")).expect("the demo's journey file");
    let path = folder.join("tropa.yaml");
    std::fs::write(&path, format!("{written}\n{more}\n")).expect("a config");
    path
}

/// The same in small batches, many steps of the write protocol to be stopped between, and with a slow trickle from the broker,
/// so that a run lasts longer than it takes to look at it.
pub fn trickling(folder: &Path, demo: &Path, address: &str, topics: &Topics) -> PathBuf {
    let settings = "session.timeout.ms: 6000, max.partition.fetch.bytes: 4000, fetch.message.max.bytes: 4000, queued.min.messages: 1";
    config(folder, demo, address, topics, settings, "flush: { records: 40, interval: 20ms }\nrefresh: 1s\n")
}

/// The demo's records into the topics, a share with each codec; web by three partitions, the CRM by two.
pub fn produce(broker: &Broker, demo: &Path, topics: &Topics) -> usize {
    let mut count = 0;
    for (file, topic, partitions) in [("web.ndjson", &topics.web, 3), ("crm.ndjson", &topics.crm, 2)] {
        broker.topic(topic, partitions);
        let lines = std::fs::read_to_string(demo.join(file)).expect("the demo's records");
        let records: Vec<(String, &str)> = lines.lines().enumerate().map(|(i, l)| (i.to_string(), l)).collect();
        count += records.len();
        let size = records.len().div_ceil(4);
        for (part, codec) in records.chunks(size).zip(["gzip", "snappy", "lz4", "zstd"]) {
            broker.produce(topic, part.iter().map(|(k, l)| (k.as_str(), Some(l.as_bytes()))), codec);
        }
    }
    count
}

/// Where a run of `tropa` with this config keeps its store.
pub fn place(config: &Path) -> [String; 4] {
    let data = config.with_file_name("data");
    ["--config", text(config), "--data", text(&data)].map(str::to_owned)
}

/// A config whose only source is one topic of plain records. `kafka`: more keys of the source, `top`: lines above it.
pub fn one_topic(folder: &Path, address: &str, topic: &str, kafka: &str, top: &str) -> PathBuf {
    std::fs::create_dir_all(folder).expect("a folder");
    let path = folder.join("tropa.yaml");
    let written = format!(
        "schema: config/v1\n{top}sources:\n  web:\n    kafka: {{ brokers: \"{address}\", topics: [{topic}], {kafka} }}\n    \
         decoder: {{ id: id, name: name, time: at, ids: {{ user: user }} }}\n"
    );
    std::fs::write(&path, written).expect("a config");
    path
}
