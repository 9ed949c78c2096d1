//! RawRecord -> Event. In: borrowed bytes with their position, the source's decoder. Out: [`Admission`]: events, a
//! skipped record, or a rejection that says why. Pure but for one count per file (how many identical records came
//! before), which is part of the input; nothing panics, whatever the bytes.

mod identifiers;
mod mapping;
mod record;
mod segment;
mod testing;
mod when;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rustc_hash::FxBuildHasher;
use serde_json::{Map, Value};
use smallvec::SmallVec;

use crate::config::{Config, Decoder, Input};
use crate::event::{Admission, Admit, Event, Identifier, RawRecord, RejectReason, Rejection};
use crate::time::Timestamp;

pub use identifiers::IdentifierKey;
pub use testing::{for_tests, test_events};

/// Identical records seen in one file: (source, file) -> hash of the record -> how many.
type Repeats = HashMap<(u16, Arc<str>), HashMap<u128, u32, FxBuildHasher>, FxBuildHasher>;

/// The decoders of a config, ready to run on the sources' threads.
#[derive(Debug)]
pub struct Decoding {
    config: Arc<Config>,
    key: IdentifierKey,
    /// Only for files whose records carry no id (semantics.md, "Event identity").
    repeats: Mutex<Repeats>,
}

/// What a decoder finds in a record, before identifiers are normalised and times judged.
#[derive(Debug, Default)]
struct Found {
    id: Option<String>,
    name: String,
    occurred_at: Timestamp,
    revision: Option<i64>,
    sequence: Option<i64>,
    session: Option<String>,
    identifiers: SmallVec<[(crate::event::KindId, String); 4]>,
    properties: Map<String, Value>,
}

impl Decoding {
    pub fn new(config: Arc<Config>, key: IdentifierKey) -> Self {
        Self { config, key, repeats: Mutex::new(Repeats::default()) }
    }

    /// A value as it is stored, by the name of its kind; `None`: no such kind, or a blocked value.
    pub fn identifier(&self, kind: &str, value: &str) -> Option<Identifier> {
        let id = self.config.kind_id(kind)?;
        self.key.identifier(self.config.kind(id), id, value)
    }

    fn try_admit(&self, raw: &RawRecord<'_>) -> Result<Admission, Rejection> {
        let source = self.config.source(raw.source);
        let record = record::read(&raw.payload)?;
        let mut found = match &*source.decoder {
            Decoder::Segment(decoder) => segment::decode(decoder, record, &raw.payload)?,
            Decoder::Mapping(decoder) => match mapping::decode(decoder, &record, raw.line)? {
                Ok(found) => found,
                Err(reason) => return Ok(Admission::Drop(reason)),
            },
        };
        let anonymous = match found.iter().any(|f| f.id.is_none()) {
            true => Some(self.id_of(raw)),
            false => None,
        };
        let events = found.drain(..).map(|f| self.event(raw, f, anonymous.as_deref()));
        Ok(Admission::Emit(events.collect::<Result<_, _>>()?))
    }

    fn event(&self, raw: &RawRecord<'_>, found: Found, anonymous: Option<&str>) -> Result<Event, Rejection> {
        let source = self.config.source(raw.source);
        if !found.occurred_at.is_usable() {
            return Err(Rejection {
                reason: RejectReason::TimeOutOfRange,
                detail: format!(
                    "time {} is out of range; allowed: 1990-01-01 <= t < 2101-01-01 UTC",
                    found.occurred_at
                ),
            });
        }
        let (identifiers, blocked) = self.key.identifiers(&self.config, &found.identifiers);
        let properties = canonical(&Value::Object(found.properties))?;
        let payload_hash = payload_hash(&found.name, identifiers.iter().map(|i| &*i.node), &properties)?;
        let believed = match source.input {
            Input::Kafka(_) => raw.received_at + std::time::Duration::from_secs(300),
            Input::File(_) | Input::None => source.until.unwrap_or(raw.received_at),
        };
        Ok(Event {
            source: raw.source,
            event_id: found.id.map_or_else(|| Arc::from(anonymous.unwrap_or_default()), Arc::from),
            generation: source.generation,
            revision: found.revision,
            name: Arc::from(found.name),
            occurred_at: found.occurred_at,
            received_at: raw.received_at,
            sequence: found.sequence,
            identifiers,
            properties: Arc::from(properties),
            session: found.session.map(Arc::from),
            payload_hash,
            plausible: found.occurred_at <= believed,
            blocked,
        })
    }

    /// The id of a record that carries none: Kafka: hash of its place and payload; a file: hash of the source, the
    /// canonical record and how many identical ones precede it, so that importing the file again is harmless.
    fn id_of(&self, raw: &RawRecord<'_>) -> String {
        let source = self.config.source(raw.source);
        let mut hash = blake3::Hasher::new();
        hash.update(source.name.as_bytes());
        if matches!(source.input, Input::Kafka(_)) {
            hash.update(&[0]);
            hash.update(raw.position.topic.as_bytes());
            hash.update(&raw.position.partition.to_be_bytes());
            hash.update(&raw.position.offset.to_be_bytes());
            record::hash_into(&raw.payload, &mut hash);
        } else {
            hash.update(&[1]);
            record::hash_into(&raw.payload, &mut hash);
            let mut half = [0; 16];
            half.copy_from_slice(&hash.finalize().as_bytes()[..16]);
            // A poisoned lock only means that another record of this file was cut short by a panic elsewhere.
            let mut repeats = self.repeats.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let file = repeats.entry((raw.source.0, raw.position.topic.clone())).or_default();
            if raw.position.offset == 0 {
                file.clear();
            }
            let before = file.entry(u128::from_be_bytes(half)).or_insert(0);
            hash.update(&before.to_be_bytes());
            *before += 1;
        }
        hash.finalize().to_hex()[..32].to_owned()
    }
}

impl Admit for Decoding {
    fn admit(&self, record: &RawRecord<'_>) -> Admission {
        self.try_admit(record).unwrap_or_else(Admission::Reject)
    }

    fn named(&self, record: &RawRecord<'_>) -> Vec<Arc<str>> {
        let Ok(fields) = record::read(&record.payload) else { return Vec::new() };
        let found = match &*self.config.source(record.source).decoder {
            Decoder::Segment(decoder) => segment::named(decoder, &fields),
            Decoder::Mapping(decoder) => mapping::named(decoder, &fields),
        };
        self.key.identifiers(&self.config, &found).0.into_iter().map(|i| i.node).collect()
    }
}

/// BLAKE3-128 of an event's name, identifiers (in any order) and properties (canonical already) as canonical JSON.
pub fn payload_hash<'a>(
    name: &str,
    identifiers: impl IntoIterator<Item = &'a str>,
    properties: &str,
) -> Result<u128, Rejection> {
    let mut nodes: Vec<&str> = identifiers.into_iter().collect();
    nodes.sort_unstable();
    nodes.dedup();
    // Canonical JSON of {identifiers, name, properties}, without building the document.
    let mut hash = blake3::Hasher::new();
    hash.update(br#"{"identifiers":"#);
    hash.update(canonical(&Value::Array(nodes.into_iter().map(Value::from).collect()))?.as_bytes());
    hash.update(br#","name":"#);
    hash.update(canonical(&Value::from(name))?.as_bytes());
    hash.update(br#","properties":"#);
    hash.update(properties.as_bytes());
    hash.update(b"}");
    let mut half = [0; 16];
    half.copy_from_slice(&hash.finalize().as_bytes()[..16]);
    Ok(u128::from_be_bytes(half))
}

/// RFC 8785.
fn canonical(value: &Value) -> Result<String, Rejection> {
    serde_json_canonicalizer::to_string(value).map_err(|e| Rejection {
        reason: RejectReason::WrongType,
        detail: format!("a value cannot be written as canonical JSON: {e}"),
    })
}
