//! The datum on its way: [`RawRecord`] (bytes with a position) becomes [`Event`] (decoded, checked), or a
//! [`Rejection`] that says why not. Plain values only; nothing here talks to the world.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::time::Timestamp;

/// A source's place in the config, in file order. Its name is `config.sources[i].name`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SourceId(pub u16);

/// A kind of identifier: its place in `config.kinds`, in file order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KindId(pub u8);

/// One (kind, stored value). `node` is what tables hold and what every comparison of "least stored value" uses:
/// `kind:value`, the value normalised and, unless the config keeps it raw, replaced by its keyed hash (32 hex digits).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Identifier {
    pub kind: KindId,
    pub node: Arc<str>,
}

/// Where a record stands in its source. Kafka: (topic, partition, offset). File: (name, 0, record number from 0).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Position {
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: i64,
}

/// Bytes from a source, before anyone looked inside; borrowed from the source's buffer.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    pub source: SourceId,
    pub position: &'a Position,
    /// Line of a file, from 1; 0 for Kafka.
    pub line: u64,
    pub payload: RawPayload<'a>,
    pub received_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
pub enum RawPayload<'a> {
    /// One JSON document.
    Json(&'a [u8]),
    /// One row of a delimited file: the file's header, this row's cells, and the row as it stands there.
    Row { header: &'a [String], cells: &'a [&'a [u8]], text: &'a [u8] },
    /// The source could not cut a record here (a row of the wrong width, a line over the limit, a broken gzip stream).
    Broken { bytes: &'a [u8], reason: RejectReason, detail: &'a str },
}

/// How a source turns its records into events; given to it by the pipeline, so that decoding runs on the source's
/// own thread, from borrowed bytes.
pub trait Admit: Send + Sync {
    fn admit(&self, record: &RawRecord<'_>) -> Admission;

    /// Whom a rejected record names, as far as it can be read: whoever is forgotten leaves the dead letters, too.
    fn named(&self, _record: &RawRecord<'_>) -> Vec<Arc<str>> {
        Vec::new()
    }
}

/// A decoded, checked record.
#[derive(Clone, Debug)]
pub struct Event {
    pub source: SourceId,
    pub event_id: Arc<str>,
    /// The source's `generation` when this was decoded.
    pub generation: u32,
    /// `None` when the source gives no revision; less than any number.
    pub revision: Option<i64>,
    pub name: Arc<str>,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    pub sequence: Option<i64>,
    /// Distinct, strongest first: class (person, device, object), then priority, then least stored value.
    pub identifiers: SmallVec<[Identifier; 3]>,
    /// Canonical JSON (RFC 8785) of an object; the source's own words, no names added.
    pub properties: Arc<str>,
    /// The source's own session id, if it gives one.
    pub session: Option<Arc<str>>,
    /// BLAKE3-128 of name, identifiers and properties as canonical JSON.
    pub payload_hash: u128,
    /// occurred_at is not after what the watermark may believe (semantics.md, "Watermark").
    pub plausible: bool,
    /// Identifiers that the blocklist took out; for coverage.
    pub blocked: u16,
}

impl Event {
    /// The node the event is stored under: its strongest identifier, or "" for node 0.
    pub fn node(&self) -> Arc<str> {
        self.identifiers.first().map_or_else(|| Arc::from(""), |i| i.node.clone())
    }
}

/// What becomes of a record: events (usually one), nothing (skipped by the config), or a dead letter.
#[derive(Clone, Debug)]
// The large variant is the usual one; boxing it would cost an allocation per event.
#[allow(clippy::large_enum_variant)]
pub enum Admission {
    Emit(SmallVec<[Event; 1]>),
    Drop(SkipReason),
    Reject(Rejection),
}

/// Left out because the config says so. `as_str` is the metric label and the column value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SkipReason {
    /// `where:` did not hold.
    Filtered,
    /// No item of `events:` applied.
    NoRule,
}

impl SkipReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Filtered => "filtered",
            Self::NoRule => "no_rule",
        }
    }
}

/// A record that cannot become an event, with the reason people and metrics see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    pub reason: RejectReason,
    /// What was found and what is allowed, in lower case.
    pub detail: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RejectReason {
    NoValue,
    NotUtf8,
    NotJson,
    NotAnObject,
    DuplicateKey,
    TooLarge,
    TooDeep,
    Truncated,
    WrongType,
    WrongWidth,
    MissingName,
    MissingTime,
    UnreadableTime,
    TimeOutOfRange,
    UnknownCall,
}

impl RejectReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoValue => "no_value",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::DuplicateKey => "duplicate_key",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::Truncated => "truncated",
            Self::WrongType => "wrong_type",
            Self::WrongWidth => "wrong_width",
            Self::MissingName => "missing_name",
            Self::MissingTime => "missing_time",
            Self::UnreadableTime => "unreadable_time",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::UnknownCall => "unknown_call",
        }
    }
}

/// A rejected record on its way to the table for people.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    pub source: SourceId,
    pub position: Position,
    pub line: u64,
    pub payload: Vec<u8>,
    pub received_at: Timestamp,
    pub rejection: Rejection,
    /// Identifiers it names, as stored.
    pub identifiers: Vec<Arc<str>>,
    pub envelope: Envelope,
}

/// What came with a record and is no part of its payload.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Envelope {
    /// Key and headers of a Kafka record.
    pub key: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// False: a Kafka record with a key only.
    pub has_value: bool,
    /// Header of the delimited file that the record is a row of.
    pub columns: Vec<String>,
    /// Read from a retry topic: the dead-letter topic has it already.
    pub retried: bool,
}
