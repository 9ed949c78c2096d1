//! Rows of the sets as ClickHouse takes and gives them. In: events, facts, assignments, positions, dead letters. Out:
//! flat rows, and back. Names of columns are those of the migrations.

use std::sync::Arc;

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::aggregate::quote;
use crate::config::Config;
use crate::event::{DeadLetter, Event, Identifier, RejectReason};
use crate::identity::{Assignment, Fact};
use crate::source::{Counters, Recovered};
use crate::stage::{PositionRow, Version};
use crate::time::{Day, Timestamp};

/// `revision` of an event whose source gives none.
const NO_REVISION: i64 = i64::MIN;
/// Longest part of a rejected record that is kept for people.
const LETTER_BYTES: usize = 64 * 1024;

/// An event on its way into the table: borrowed, because this is the hottest insert.
#[derive(Row, Serialize)]
pub(super) struct EventRow<'a> {
    node: &'a str,
    occurred_at: i64,
    source: &'a str,
    generation: u32,
    event_id: &'a str,
    revision: i64,
    payload_hash: u128,
    name: &'a str,
    sequence: Option<i64>,
    identifiers: SmallVec<[&'a str; 4]>,
    properties: &'a str,
    session: &'a str,
    plausible: bool,
    received_at: i64,
}

impl<'a> EventRow<'a> {
    pub fn of(event: &'a Event, config: &'a Config) -> Self {
        Self {
            node: event.identifiers.first().map_or("", |i| &*i.node),
            occurred_at: event.occurred_at.micros(),
            source: &config.source(event.source).name,
            generation: event.generation,
            event_id: &event.event_id,
            revision: event.revision.unwrap_or(NO_REVISION),
            payload_hash: event.payload_hash,
            name: &event.name,
            sequence: event.sequence,
            identifiers: event.identifiers.iter().map(|i| &*i.node).collect(),
            properties: &event.properties,
            session: event.session.as_deref().unwrap_or_default(),
            plausible: event.plausible,
            received_at: event.received_at.micros(),
        }
    }
}

/// An event on its way back.
#[derive(Row, Deserialize)]
pub(super) struct StoredEvent {
    occurred_at: i64,
    source: String,
    generation: u32,
    event_id: String,
    revision: i64,
    payload_hash: u128,
    name: String,
    sequence: Option<i64>,
    identifiers: Vec<String>,
    properties: String,
    session: String,
    plausible: bool,
    received_at: i64,
}

pub(super) const EVENT_COLUMNS: &str = "occurred_at, source, generation, event_id, revision, payload_hash, name, sequence, identifiers, properties, session, plausible, received_at";

impl StoredEvent {
    /// `None`: its source is in the config no more, so it is outside the function.
    pub fn event(self, config: &Config) -> Option<Event> {
        let identifier = |node: String| {
            let kind = config.kind_id(node.split_once(':')?.0)?;
            Some(Identifier { kind, node: Arc::from(node) })
        };
        Some(Event {
            source: config.source_id(&self.source)?,
            event_id: Arc::from(self.event_id),
            generation: self.generation,
            revision: Some(self.revision).filter(|r| *r != NO_REVISION),
            name: Arc::from(self.name),
            occurred_at: Timestamp::from_micros(self.occurred_at),
            received_at: Timestamp::from_micros(self.received_at),
            sequence: self.sequence,
            identifiers: self.identifiers.into_iter().filter_map(identifier).collect::<SmallVec<_>>(),
            properties: Arc::from(self.properties),
            session: Some(self.session).filter(|s| !s.is_empty()).map(Arc::from),
            payload_hash: self.payload_hash,
            plausible: self.plausible,
            blocked: 0,
        })
    }
}

#[derive(Row, Serialize, Deserialize)]
pub(super) struct FactRow {
    kind: String,
    a: String,
    b: String,
    source: String,
    generation: u32,
    day: i32,
    /// occurred_at and event_id, one value, so that the table keeps the least pair.
    statement: (i64, String),
}

pub(super) const FACT_COLUMNS: &str = "kind, a, b, source, generation, day, statement";

impl FactRow {
    pub fn of(fact: &Fact, config: &Config) -> Self {
        Self {
            kind: "link".to_owned(),
            a: fact.a.to_string(),
            b: fact.b.to_string(),
            source: config.source(fact.source).name.to_string(),
            generation: fact.generation,
            day: fact.day.0,
            statement: (fact.occurred_at.micros(), fact.event_id.to_string()),
        }
    }

    /// What is kept of a fact that an erasure covers.
    pub fn erased(fact: &Fact, config: &Config) -> Self {
        let statement = (fact.day.start_utc().micros(), String::new());
        Self { kind: "erased".to_owned(), statement, ..Self::of(fact, config) }
    }

    pub fn fact(self, config: &Config) -> Option<Fact> {
        Some(Fact {
            a: Arc::from(self.a),
            b: Arc::from(self.b),
            source: config.source_id(&self.source)?,
            generation: self.generation,
            day: Day(self.day),
            occurred_at: Timestamp::from_micros(self.statement.0),
            event_id: Arc::from(self.statement.1),
        })
    }
}

#[derive(Row, Serialize)]
pub(super) struct AnnouncingRow {
    pub version: u64,
    pub customer: String,
}

#[derive(Row, Serialize, Deserialize)]
pub(super) struct IdentityRow {
    node: String,
    day: i32,
    has_day: bool,
    customer: String,
    version: u64,
    is_deleted: bool,
}

impl IdentityRow {
    pub fn of(a: &Assignment, version: Version) -> Self {
        Self {
            node: a.node.to_string(),
            day: a.day.map_or(0, |d| d.0),
            has_day: a.day.is_some(),
            customer: a.customer.as_deref().unwrap_or_default().to_owned(),
            version: version.0,
            is_deleted: a.customer.is_none(),
        }
    }

    /// The assignment, and the row's version.
    pub fn versioned(self) -> (Assignment, u64) {
        let assignment = Assignment {
            node: Arc::from(self.node),
            day: self.has_day.then_some(Day(self.day)),
            customer: Some(self.customer).filter(|c| !c.is_empty()).map(Arc::from),
        };
        (assignment, self.version)
    }
}

#[derive(Row, Serialize, Deserialize)]
pub(super) struct PositionsRow {
    source: String,
    topic: String,
    partition: i32,
    next: i64,
    records: u64,
    skipped: u64,
    decoded: u64,
    rejected: u64,
    blocked_identifiers: u64,
    max_occurred: Option<i64>,
    finished: bool,
    content: String,
}

pub(super) const POSITION_COLUMNS: &str = "source, topic, partition, next, records, skipped, decoded, rejected, blocked_identifiers, max_occurred, finished, content";

impl PositionsRow {
    pub fn of(p: &PositionRow, config: &Config) -> Self {
        Self {
            source: config.source(p.source).name.to_string(),
            topic: p.topic.to_string(),
            partition: p.partition,
            next: p.next,
            records: p.counters.records,
            skipped: p.counters.skipped,
            decoded: p.counters.decoded,
            rejected: p.counters.rejected,
            blocked_identifiers: p.counters.blocked_identifiers,
            max_occurred: p.max_occurred.map(Timestamp::micros),
            finished: p.finished,
            content: p.content.to_string(),
        }
    }

    pub fn position(self, config: &Config) -> Option<PositionRow> {
        Some(PositionRow {
            source: config.source_id(&self.source)?,
            topic: Arc::from(self.topic),
            partition: self.partition,
            next: self.next,
            counters: Counters {
                records: self.records,
                skipped: self.skipped,
                decoded: self.decoded,
                rejected: self.rejected,
                blocked_identifiers: self.blocked_identifiers,
            },
            max_occurred: self.max_occurred.map(Timestamp::from_micros),
            behind: false,
            finished: self.finished,
            content: Arc::from(self.content),
        })
    }
}

#[derive(Row, Serialize)]
pub(super) struct LetterRow {
    source: String,
    topic: String,
    partition: i32,
    offset: i64,
    line: u64,
    reason: String,
    detail: String,
    #[serde(with = "serde_bytes_as_string")]
    payload: Vec<u8>,
    columns: Vec<String>,
    #[serde(with = "serde_bytes_as_string")]
    record_key: Vec<u8>,
    payload_bytes: u64,
    received_at: i64,
    identifiers: Vec<String>,
}

impl LetterRow {
    pub fn of(letter: &DeadLetter, config: &Config) -> Self {
        let mut payload = letter.payload.clone();
        payload.truncate(LETTER_BYTES);
        // Of an over-long record of a file only the beginning is kept.
        let cut = letter.line > 0 && letter.rejection.reason == RejectReason::TooLarge;
        let payload_bytes = if cut { 0 } else { letter.payload.len() as u64 };
        Self {
            source: config.source(letter.source).name.to_string(),
            topic: letter.position.topic.to_string(),
            partition: letter.position.partition,
            offset: letter.position.offset,
            line: letter.line,
            reason: letter.rejection.reason.as_str().to_owned(),
            detail: letter.rejection.detail.clone(),
            payload,
            columns: letter.envelope.columns.clone(),
            record_key: letter.envelope.key.clone().unwrap_or_default(),
            payload_bytes,
            received_at: letter.received_at.micros(),
            identifiers: letter.identifiers.iter().map(ToString::to_string).collect(),
        }
    }
}

#[derive(Row, Serialize)]
pub(super) struct ReplayedRow {
    source: String,
    topic: String,
    partition: i32,
    offset: i64,
}

impl ReplayedRow {
    pub fn of(one: &Recovered, config: &Config) -> Self {
        Self {
            source: config.source(one.source).name.to_string(),
            topic: one.position.topic.to_string(),
            partition: one.position.partition,
            offset: one.position.offset,
        }
    }

    /// As a tuple of SQL.
    pub fn key(&self) -> String {
        format!("({}, {}, {}, {})", quote(&self.source), quote(&self.topic), self.partition, self.offset)
    }
}

/// A String column may hold any bytes: what could not be read is kept as it came.
mod serde_bytes_as_string {
    pub fn serialize<S: serde::Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(bytes)
    }
}
