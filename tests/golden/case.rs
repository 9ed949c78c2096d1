//! One case: its events as records of a source, its map as a journey file, its kinds and sources as a config; all of it
//! goes through the project's own parsers, because JSON is YAML.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tropa::config::{self, Config};
use tropa::decode::{Decoding, IdentifierKey};
use tropa::event::{Admission, Admit, Position, RawPayload, RawRecord};
use tropa::identity::Order;
use tropa::map::{self, MapVersions};
use tropa::source::{Counters, DecodedBatch, Progress};
use tropa::time::Timestamp;

pub struct Case {
    pub name: String,
    case: Value,
    defaults: Value,
    pub expect: Value,
}

/// Everything the program is given for one case.
pub struct World {
    pub config: Arc<Config>,
    pub maps: Vec<Arc<MapVersions>>,
    pub batches: Vec<DecodedBatch>,
}

pub fn load(text: &str) -> Vec<Case> {
    let file: Value = serde_saphyr::from_str(text).expect("the cases are YAML");
    let defaults = file["defaults"].clone();
    let cases = file["cases"].as_array().expect("a list of cases").clone();
    cases
        .into_iter()
        .map(|case| Case {
            name: case["name"].as_str().expect("a name").to_owned(),
            expect: case["expect"].clone(),
            defaults: defaults.clone(),
            case,
        })
        .collect()
}

/// Keys that this test knows how to give to the program.
const KEYS: [&str; 10] =
    ["name", "events", "expect", "map", "touchpoints", "versions", "sources", "no_ids", "as_of", "identity"];

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Case {
    /// What operators order, in the order of the file.
    pub fn orders(&self) -> Vec<Order> {
        let mut orders = Vec::new();
        for (what, list) in self.case["identity"].as_object().into_iter().flatten() {
            for given in list.as_array().expect("a list") {
                let node = |key: &str| Arc::from(given[key].as_str().expect("an identifier"));
                let day = |key: &str| Timestamp::parse(&text(&given[key])).expect("a moment").utc_day();
                orders.push(match what.as_str() {
                    "revoke" => Order::Revoke { a: node("a"), b: node("b"), day: day("day") },
                    "forbid" => Order::Split { a: node("a"), b: node("b") },
                    "erasures" => Order::Forget { identifier: node("who"), until: day("at") },
                    other => panic!("nobody orders `{other}`"),
                });
            }
        }
        orders
    }

    /// Keys of the case that nobody reads: what they say would go untested.
    pub fn unread(&self) -> Vec<&String> {
        let keys = self.case.as_object().expect("a case").keys();
        keys.filter(|key| !KEYS.contains(&key.as_str())).collect()
    }

    /// Whether nothing happens after `as_of`, so that the current tables show the case.
    pub fn is_present(&self) -> bool {
        let at =
            |e: &Value| ["at", "opened", "sent"].iter().filter_map(|key| Timestamp::parse(e[*key].as_str()?)).max();
        self.case["events"].as_array().expect("a list of events").iter().all(|e| at(e) <= Some(self.as_of()))
    }

    pub fn as_of(&self) -> Timestamp {
        let written = self.case.get("as_of").unwrap_or(&self.defaults["as_of"]);
        Timestamp::parse(&text(written)).expect("as_of is a moment")
    }

    pub fn world(&self) -> World {
        let maps = map::load(&self.journey_files()).unwrap_or_else(|f| panic!("{}: {f}", self.name));
        let maps = maps.into_iter().map(Arc::new).collect();
        let config = Arc::new(self.config(None));
        let batches = self.records(&config);
        World { config, maps, batches }
    }

    fn journey_files(&self) -> Vec<(String, String)> {
        let mut map = self.defaults["map"].as_object().expect("a map").clone();
        merge(&mut map, &self.case["map"]);
        if let Some(touchpoints) = self.case.get("touchpoints") {
            map.insert("touchpoints".to_owned(), touchpoints.clone());
        }
        let one = json!([{}]);
        let versions = self.case.get("versions").unwrap_or(&one).as_array().expect("a list of versions");
        let file = |(i, version): (usize, &Value)| {
            let mut map = map.clone();
            merge(&mut map, version);
            (format!("m{i}.journey.yaml"), Value::Object(map).to_string())
        };
        versions.iter().enumerate().map(file).collect()
    }

    /// The config; `generation`: an earlier one of all sources, to decode what it said then.
    fn config(&self, generation: Option<u64>) -> Config {
        let source_names = ["web", "crm"];
        let kinds = self.defaults["kinds"].as_object().expect("kinds");
        let ids: Map<String, Value> = kinds.keys().map(|k| (k.clone(), json!(format!("id_{k}")))).collect();
        let mut sources = Map::new();
        for name in source_names {
            let given = &self.case["sources"][name];
            let mut decoder = json!({ "name": "e", "time": "at", "sequence": "seq", "revision": "rev", "ids": ids });
            if !self.case["no_ids"].as_bool().unwrap_or(false) {
                decoder["id"] = json!("id");
            }
            let mut source = Map::new();
            for (key, value) in given.as_object().into_iter().flatten() {
                match key.as_str() {
                    "generation" => {
                        source.insert(key.clone(), value.clone());
                    }
                    "events" => {
                        decoder.as_object_mut().expect("an object").retain(|k, _| k != "name" && k != "time");
                        decoder["events"] = value.clone();
                    }
                    _ => decoder[key] = value.clone(),
                }
            }
            if let Some(g) = generation {
                source.insert("generation".to_owned(), json!(g));
            }
            source.insert("decoder".to_owned(), decoder);
            sources.insert(name.to_owned(), Value::Object(source));
        }
        let written = json!({
            "schema": "config/v1",
            "identifiers": { "store": "raw", "kinds": self.defaults["kinds"] },
            "sources": sources,
        });
        config::parse("case.yaml", &written.to_string(), &|_| None, std::path::Path::new("."))
            .unwrap_or_else(|f| panic!("{}: {f}", self.name))
    }

    /// The case's events as records, decoded; one batch per record, so that every step of the pipeline is taken.
    fn records(&self, config: &Arc<Config>) -> Vec<DecodedBatch> {
        let mut batches = Vec::new();
        let mut decodings: Vec<(Option<u64>, Decoding)> = Vec::new();
        for (i, event) in self.case["events"].as_array().expect("a list of events").iter().enumerate() {
            let generation = event["gen"].as_u64();
            if !decodings.iter().any(|(g, _)| *g == generation) {
                let config = if generation.is_none() { config.clone() } else { Arc::new(self.config(generation)) };
                decodings.push((generation, Decoding::new(config, IdentifierKey::raw())));
            }
            let decoding = decodings.iter().find(|(g, _)| *g == generation).map(|(_, d)| d).expect("just made");
            let source = config.source_id(event["s"].as_str().unwrap_or("web")).expect("a source");
            let record = record(event, i).to_string();
            let topic: Arc<str> = Arc::from(format!("{}.jsonl", config.source(source).name));
            let position = Position { topic: topic.clone(), partition: 0, offset: i as i64 };
            let admission = decoding.admit(&RawRecord {
                source,
                position: &position,
                line: i as u64 + 1,
                payload: RawPayload::Json(record.as_bytes()),
                received_at: Timestamp::parse("2026-06-01").expect("a day"),
            });
            let mut counters = Counters { records: 1, ..Counters::default() };
            let mut events = Vec::new();
            match admission {
                Admission::Emit(made) => {
                    counters.decoded = 1;
                    counters.blocked_identifiers = made.iter().map(|e| u64::from(e.blocked)).sum();
                    events.extend(made);
                }
                Admission::Drop(_) => counters.skipped = 1,
                Admission::Reject(_) => counters.rejected = 1,
            }
            let progress = Progress {
                source,
                topic,
                partition: 0,
                next: i as i64 + 1,
                counters,
                max_occurred: events.iter().map(|e| e.occurred_at).max(),
                counted_before: None,
                behind: false,
                finished: false,
                content: Arc::from(""),
            };
            batches.push(DecodedBatch { events, progress: vec![progress], ..DecodedBatch::default() });
        }
        batches
    }
}

/// A case's event as a flat record: identifiers as `id_<kind>`, properties at the top.
fn record(event: &Value, place: usize) -> Value {
    let mut record = Map::new();
    let short = |id: &Value| text(id);
    for (key, value) in event.as_object().expect("an event") {
        match key.as_str() {
            "ids" => record.extend(
                value.as_object().expect("ids").iter().map(|(kind, id)| (format!("id_{kind}"), json!(short(id)))),
            ),
            "props" => record.extend(value.as_object().expect("props").clone()),
            "s" | "gen" => {}
            "at" | "opened" | "sent" => {
                record.insert(key.clone(), json!(text(value)));
            }
            _ => {
                record.insert(key.clone(), value.clone());
            }
        }
    }
    record.entry("id").or_insert_with(|| json!(format!("{place:04}")));
    Value::Object(record)
}

fn merge(into: &mut Map<String, Value>, from: &Value) {
    for (key, value) in from.as_object().into_iter().flatten() {
        into.insert(key.clone(), value.clone());
    }
}
