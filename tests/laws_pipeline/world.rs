//! Small random worlds. In: what proptest draws. Out: a config, journey files, and records as the production decoder
//! admits them. Times are coarse, ids and people few, so that ties, copies, merges and shared devices are common.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tropa::config::{self, Config};
use tropa::decode::{Decoding, IdentifierKey};
use tropa::event::{Admission, Admit, DeadLetter, Event, Position, RawPayload, RawRecord};
use tropa::map::{self, MapVersions};
use tropa::source::Counters;
use tropa::time::Timestamp;

use crate::design::Design;

/// `web` and `crm` give ids, `app` gives none and is read by line; `crm` has left a generation behind.
const SOURCES: [&str; 3] = ["web", "app", "crm"];
const NAMES: [&str; 11] =
    ["calc", "article", "form", "doc", "approve", "signed", "decline", "error", "csat", "promo", "note"];
/// Moments of a day, in minutes: few, some within half an hour of each other, one just before midnight.
const MOMENTS: [i64; 7] = [0, 540, 540, 560, 590, 1200, 1435];

/// What one record says.
#[derive(Clone, Debug)]
struct Told {
    source: usize,
    old: bool,
    id: u32,
    name: usize,
    at: i64,
    sequence: Option<i64>,
    revision: Option<i64>,
    session: Option<u8>,
    who: Vec<String>,
    properties: Vec<(&'static str, Value)>,
}

/// How a second copy of one key differs from the first.
#[derive(Clone, Debug)]
enum Change {
    Sequence(Option<i64>),
    Session(Option<u8>),
    Revision(Option<i64>),
    At(i64),
    Name(usize),
    Who(Vec<String>),
}

/// People who may meet each other, apart from those of other neighbourhoods.
#[derive(Clone, Debug)]
struct Neighbourhood {
    told: Vec<Told>,
    copies: Vec<(prop::sample::Index, Change)>,
}

/// What proptest draws and shrinks. Shown as the records that a source would give.
#[derive(Clone)]
pub struct Draft {
    pub designs: [Design; 2],
    neighbourhoods: Vec<Neighbourhood>,
    /// One record in the list has a time that nobody can read.
    broken: bool,
}

/// One record, decoded.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub source: tropa::event::SourceId,
    pub position: Position,
    pub events: Vec<Event>,
    pub rejected: Option<DeadLetter>,
    pub counters: Counters,
}

/// Everything the program is given.
pub struct World {
    pub config: Arc<Config>,
    pub maps: Vec<Arc<MapVersions>>,
    pub deliveries: Vec<Delivery>,
}

pub fn drafts(neighbourhoods: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Draft> {
    (
        [Design::any(true), Design::any(false)],
        prop::collection::vec(neighbourhood(), neighbourhoods),
        prop::bool::weighted(0.3),
    )
        .prop_map(|(designs, neighbourhoods, broken)| Draft { designs, neighbourhoods, broken })
}

fn identifier() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (0..2).prop_map(|n| format!("crm:{n}")),
        9 => (0..3).prop_map(|n| format!("user:{n}")),
        5 => (0..3).prop_map(|n| format!("email:{n}")),
        9 => (0..4).prop_map(|n| format!("cookie:{n}")),
        5 => (0..2).prop_map(|n| format!("box:{n}")),
        1 => Just("deal:0".to_owned()),
        1 => Just("user:guest".to_owned()),
    ]
}

fn properties() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let one = prop_oneof![
        6 => (0..3usize).prop_map(|n| ("app", json!(["A", "B", "C"][n]))),
        2 => (1..9).prop_map(|n| ("amount", json!(f64::from(n) / 2.0))),
        2 => (0..2usize).prop_map(|n| ("platform", json!(["web", "phone"][n]))),
        2 => (0..3usize).prop_map(|n| ("campaign", json!(["spring", "autumn", "none"][n]))),
        1 => Just(("staff", json!(true))),
        1 => (0..7).prop_map(|n| ("score", json!(n))),
        1 => Just(("status", json!("timeout"))),
        1 => Just(("path", json!("/help/17/answers"))),
    ];
    prop::collection::vec(one, 0..4)
}

fn told(who: impl Strategy<Value = Vec<String>>) -> impl Strategy<Value = Told> {
    let source = prop_oneof![5 => Just(0usize), 2 => Just(1), 3 => Just(2)];
    let id = prop_oneof![4 => 100..100_000u32, 1 => 0..3u32];
    let at = (0..9i64, 0..MOMENTS.len()).prop_map(|(day, n)| day * 1440 + MOMENTS[n]);
    let name = prop_oneof![8 => 0..NAMES.len(), 3 => 0..3usize];
    let order = (prop::option::weighted(0.4, 0..3i64), prop::option::weighted(0.2, 0..3i64));
    let session = prop::option::weighted(0.2, 0..2u8);
    (source, prop::bool::weighted(0.2), id, name, at, order, session, who, properties()).prop_map(
        |(source, old, id, name, at, (sequence, revision), session, who, properties)| Told {
            source,
            old: old && SOURCES[source] == "crm",
            id,
            name,
            at,
            sequence,
            revision,
            session,
            who,
            properties,
        },
    )
}

/// Some visitors come again and again, others show identifiers drawn afresh, some show none.
fn neighbourhood() -> impl Strategy<Value = Neighbourhood> {
    let visitors = prop::collection::vec(prop::collection::vec(identifier(), 1..4), 2..5);
    visitors.prop_flat_map(|visitors| {
        let who = prop_oneof![
            6 => prop::sample::select(visitors),
            3 => prop::collection::vec(identifier(), 0..4),
        ];
        let change = prop_oneof![
            2 => prop::option::of(0..3i64).prop_map(Change::Sequence),
            1 => prop::option::of(0..3u8).prop_map(Change::Session),
            1 => prop::option::of(0..3i64).prop_map(Change::Revision),
            1 => (0..9i64).prop_map(|day| Change::At(day * 1440 + 540)),
            1 => (0..NAMES.len()).prop_map(Change::Name),
            1 => prop::collection::vec(identifier(), 1..3).prop_map(Change::Who),
        ];
        let copies = prop::collection::vec((any::<prop::sample::Index>(), change), 0..4);
        (prop::collection::vec(told(who), 2..16), copies).prop_map(|(told, copies)| Neighbourhood { told, copies })
    })
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{:?}", self.designs)?;
        for (n, told) in
            self.neighbourhoods.iter().enumerate().flat_map(|(n, p)| p.all().into_iter().map(move |t| (n, t)))
        {
            writeln!(
                f,
                "{} {}{}",
                SOURCES[told.source],
                told.record(n),
                if told.old { " (older generation)" } else { "" }
            )?;
        }
        Ok(())
    }
}

impl Draft {
    #[allow(dead_code)]
    pub fn world(&self) -> World {
        self.world_of(&self.designs)
    }

    /// The same records under other journey files.
    pub fn world_of(&self, designs: &[Design]) -> World {
        let config = Arc::new(config(&json!({})));
        World { maps: maps(designs), deliveries: self.deliveries(&config), config }
    }

    fn deliveries(&self, config: &Arc<Config>) -> Vec<Delivery> {
        let mut old = (**config).clone();
        let crm = config.source_id("crm").expect("a source");
        old.sources[usize::from(crm.0)].generation = 1;
        let old = Decoding::new(Arc::new(old), IdentifierKey::raw());
        let now = Decoding::new(config.clone(), IdentifierKey::raw());
        let mut lines = [0i64; SOURCES.len()];
        let mut deliveries = Vec::new();
        for (n, place) in self.neighbourhoods.iter().enumerate() {
            for told in place.all() {
                let decoding = if told.old { &old } else { &now };
                deliveries.push(told.delivered(n, decoding, config, &mut lines));
            }
        }
        if self.broken {
            let mut broken = deliveries[0].clone();
            let position = Position { offset: 1_000_000, ..broken.position.clone() };
            let record = RawRecord {
                source: broken.source,
                position: &position,
                line: 1,
                payload: RawPayload::Json(b"{\"e\":\"calc\",\"at\":\"soon\"}"),
                received_at: received_at(),
            };
            let Admission::Reject(rejection) = now.admit(&record) else { panic!("`soon` is no time") };
            let letter = DeadLetter {
                source: broken.source,
                position: position.clone(),
                line: 1,
                payload: b"soon".to_vec(),
                received_at: received_at(),
                rejection,
                identifiers: Vec::new(),
                envelope: Default::default(),
            };
            (broken.position, broken.events, broken.rejected) = (position, Vec::new(), Some(letter));
            broken.counters = Counters { records: 1, rejected: 1, ..Counters::default() };
            deliveries.push(broken);
        }
        deliveries
    }
}

impl Neighbourhood {
    fn all(&self) -> Vec<Told> {
        let copies = self.copies.iter().map(|(of, change)| {
            let mut copy = of.get(&self.told).clone();
            match change.clone() {
                Change::Sequence(n) => copy.sequence = n,
                Change::Session(n) => copy.session = n,
                Change::Revision(n) => copy.revision = n,
                Change::At(at) => copy.at = at,
                Change::Name(name) => copy.name = name,
                Change::Who(who) => copy.who = who,
            }
            copy
        });
        self.told.iter().cloned().chain(copies).collect()
    }
}

impl Told {
    fn delivered(&self, place: usize, decoding: &Decoding, config: &Config, lines: &mut [i64; 3]) -> Delivery {
        let source = config.source_id(SOURCES[self.source]).expect("a source");
        let topic = Arc::from(format!("{}.jsonl", SOURCES[self.source]));
        let position = Position { topic, partition: 0, offset: lines[self.source] };
        lines[self.source] += 1;
        let record = self.record(place).to_string();
        let admission = decoding.admit(&RawRecord {
            source,
            position: &position,
            line: position.offset as u64 + 1,
            payload: RawPayload::Json(record.as_bytes()),
            received_at: received_at(),
        });
        let Admission::Emit(events) = admission else { panic!("{record} is no event: {admission:?}") };
        let blocked_identifiers = events.iter().map(|e| u64::from(e.blocked)).sum();
        let counters = Counters { records: 1, decoded: 1, blocked_identifiers, ..Counters::default() };
        Delivery { source, position, events: events.into_vec(), rejected: None, counters }
    }

    fn record(&self, place: usize) -> Value {
        let mut record = Map::new();
        record.insert("id".to_owned(), json!(format!("{place}-{}", self.id)));
        record.insert("e".to_owned(), json!(NAMES[self.name]));
        let at = start().micros() + self.at * 60_000_000;
        record.insert("at".to_owned(), json!(Timestamp::from_micros(at).to_string()));
        for (key, value) in [("seq", self.sequence), ("rev", self.revision), ("sid", self.session.map(i64::from))] {
            if let Some(value) = value {
                record.insert(key.to_owned(), json!(value));
            }
        }
        for (key, value) in &self.properties {
            record.insert((*key).to_owned(), value.clone());
        }
        for identifier in &self.who {
            let (kind, value) = identifier.split_once(':').expect("kind:value");
            let value = if value == "guest" { value.to_owned() } else { format!("{place}.{value}") };
            let values = record.entry(format!("id_{kind}")).or_insert_with(|| json!([]));
            values.as_array_mut().expect("a list of values").push(json!(value));
        }
        Value::Object(record)
    }
}

pub fn start() -> Timestamp {
    Timestamp::parse("2026-01-01").expect("a day")
}

/// After every event, so that all of them are plausible.
pub fn received_at() -> Timestamp {
    Timestamp::parse("2026-06-01").expect("a day")
}

pub fn maps(designs: &[Design]) -> Vec<Arc<MapVersions>> {
    let files: Vec<(String, String)> = designs.iter().zip(["m", "n"]).flat_map(|(d, id)| d.files(id)).collect();
    map::load(&files).unwrap_or_else(|f| panic!("{f}")).into_iter().map(Arc::new).collect()
}

/// Tight guards, so that a few events meet each of them. `changes`: keys that stand in the file beside or instead.
pub fn config(changes: &Value) -> Config {
    let ids: Map<String, Value> = ["crm", "user", "email", "cookie", "box", "deal"]
        .map(|k| (k.to_owned(), json!(format!("id_{k}"))))
        .into_iter()
        .collect();
    let keep: Map<String, Value> = ["app", "amount", "platform", "campaign", "staff", "score", "status", "path"]
        .map(|p| (p.to_owned(), json!(p)))
        .into_iter()
        .collect();
    let decoder = |own: Value| {
        let mut decoder = json!({ "name": "e", "time": "at", "session": "sid", "ids": ids, "props": { "keep": keep } });
        merge(&mut decoder, &own);
        decoder
    };
    let mut written = json!({
        "schema": "config/v1",
        "identifiers": { "store": "raw", "kinds": {
            "crm": { "class": "person", "priority": 1, "unique": true },
            "user": { "class": "person", "priority": 2, "limit": 2, "max_partners": 4 },
            "email": { "class": "person", "priority": 4, "max_partners": 3 },
            "cookie": { "class": "device", "priority": 9, "limit": 3, "max_partners": 3 },
            "box": { "class": "device", "priority": 3, "max_partners": 4 },
            "deal": { "class": "object" },
        } },
        "sources": {
            "web": { "channel": "web", "decoder": decoder(json!({ "id": "id", "sequence": "seq" })) },
            "app": { "channel": "app", "observed_from": "2026-01-01", "decoder": decoder(json!({ "sequence": "line" })) },
            "crm": { "generation": 2, "decoder": decoder(json!({ "id": "id", "sequence": "seq", "revision": "rev" })) },
        },
    });
    merge(&mut written, changes);
    config::parse("world.yaml", &written.to_string(), &|_| None, std::path::Path::new("."))
        .unwrap_or_else(|f| panic!("{f}"))
}

/// Lays `from` over `into`, key by key.
pub fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}
