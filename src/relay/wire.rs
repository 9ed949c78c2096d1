//! Messages of the internal topics as bytes: MessagePack with names, so that a version that knows more fields and one that
//! knows fewer read each other. In: [`Notice`], [`Announced`]. Out: the same, elsewhere. Sources and kinds travel by name.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::RelayError;
use crate::config::Config;
use crate::event::{Event, Identifier};
use crate::identity::Membership;
use crate::source::Counters;
use crate::stage::{Again, Announced, Announcement, Notice, Partition, PositionRow};
use crate::time::Timestamp;

/// Raised when a message can no longer be read by the version before.
const SCHEMA: u16 = 2;
/// Of a message that the version before can read as well.
const READ_BY_ALL: u16 = 1;

/// A message that travels.
pub trait Wire: Sized + Send + 'static {
    /// `inputs`: what the sender works with; ids of readings, or the fingerprint of its config.
    fn encode(&self, config: &Config, inputs: &str) -> Result<Vec<u8>, RelayError>;
    /// With what its sender works with.
    fn decode(bytes: &[u8], config: &Config) -> Result<(Self, String), RelayError>;
    /// Epoch of its writer, where a greater one may bring other inputs along; `None`: all work with the same, or not at all.
    fn writer(&self) -> Option<u64>;
    /// The epoch of the cut of the customers that it speaks of; 0: of none, or the first.
    fn cut(&self) -> u64 {
        0
    }
    /// What must be said once more where messages of this kind are lost; `since`: the cut that its topic is of.
    fn lost(since: u64, partition: Partition) -> Again;
    /// Two messages that say the same, in order; `None`: it cannot be cut.
    fn halves(&self) -> Option<[Self; 2]>;
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    schema: u16,
    /// What the sender works with.
    reading: String,
    message: T,
}

#[derive(Serialize, Deserialize)]
struct WireNotice {
    events: Vec<WireEvent>,
    positions: Vec<WirePosition>,
    orders: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    again: Option<Again>,
}

#[derive(Serialize, Deserialize)]
struct WireAnnounced {
    writer: u64,
    orders: u64,
    events: Vec<WireEvent>,
    customers: Vec<WireCustomer>,
    as_of: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct WireCustomer {
    customer: Arc<str>,
    membership: Option<Arc<Membership>>,
    events: SmallVec<[u32; 4]>,
    fresh: SmallVec<[Arc<str>; 2]>,
    reread: bool,
}

#[derive(Serialize, Deserialize)]
struct WireEvent {
    source: String,
    event_id: Arc<str>,
    generation: u32,
    revision: Option<i64>,
    name: Arc<str>,
    occurred_at: Timestamp,
    received_at: Timestamp,
    sequence: Option<i64>,
    identifiers: Vec<Arc<str>>,
    properties: Arc<str>,
    session: Option<Arc<str>>,
    payload_hash: [u8; 16],
    plausible: bool,
}

#[derive(Serialize, Deserialize)]
struct WirePosition {
    source: String,
    topic: Arc<str>,
    partition: i32,
    next: i64,
    max_occurred: Option<Timestamp>,
    behind: bool,
    finished: bool,
    content: Arc<str>,
}

impl WireEvent {
    fn of(event: &Event, config: &Config) -> Self {
        Self {
            source: config.source(event.source).name.to_string(),
            event_id: event.event_id.clone(),
            generation: event.generation,
            revision: event.revision,
            name: event.name.clone(),
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            sequence: event.sequence,
            identifiers: event.identifiers.iter().map(|i| i.node.clone()).collect(),
            properties: event.properties.clone(),
            session: event.session.clone(),
            payload_hash: event.payload_hash.to_be_bytes(),
            plausible: event.plausible,
        }
    }

    fn event(self, config: &Config) -> Result<Event, RelayError> {
        let unknown = |what: &str, name: &str| RelayError::Undeclared { what: what.to_owned(), name: name.to_owned() };
        let identifier = |node: Arc<str>| {
            let kind = node.split_once(':').map_or("", |(kind, _)| kind);
            let kind = config.kind_id(kind).ok_or_else(|| unknown("kind of identifier", kind))?;
            Ok(Identifier { kind, node })
        };
        Ok(Event {
            source: config.source_id(&self.source).ok_or_else(|| unknown("source", &self.source))?,
            event_id: self.event_id,
            generation: self.generation,
            revision: self.revision,
            name: self.name,
            occurred_at: self.occurred_at,
            received_at: self.received_at,
            sequence: self.sequence,
            identifiers: self.identifiers.into_iter().map(identifier).collect::<Result<_, RelayError>>()?,
            properties: self.properties,
            session: self.session,
            payload_hash: u128::from_be_bytes(self.payload_hash),
            plausible: self.plausible,
            blocked: 0,
        })
    }
}

fn events(list: Vec<WireEvent>, config: &Config) -> Result<Arc<Vec<Event>>, RelayError> {
    Ok(Arc::new(list.into_iter().map(|event| event.event(config)).collect::<Result<_, _>>()?))
}

fn seal<T: Serialize>(message: T, schema: u16, reading: &str) -> Result<Vec<u8>, RelayError> {
    let envelope = Envelope { schema, reading: reading.to_owned(), message };
    rmp_serde::to_vec_named(&envelope).map_err(|e| RelayError::Unreadable(e.to_string()))
}

fn open<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<(T, String), RelayError> {
    let envelope: Envelope<T> = rmp_serde::from_slice(bytes).map_err(|e| RelayError::Unreadable(e.to_string()))?;
    if envelope.schema > SCHEMA {
        return Err(RelayError::Newer { found: envelope.schema, known: SCHEMA });
    }
    Ok((envelope.message, envelope.reading))
}

impl Wire for Notice {
    fn encode(&self, config: &Config, reading: &str) -> Result<Vec<u8>, RelayError> {
        let position = |row: &PositionRow| WirePosition {
            source: config.source(row.source).name.to_string(),
            topic: row.topic.clone(),
            partition: row.partition,
            next: row.next,
            max_occurred: row.max_occurred,
            behind: row.behind,
            finished: row.finished,
            content: row.content.clone(),
        };
        let events = self.events.iter().map(|event| WireEvent::of(event, config)).collect();
        let positions = self.positions.iter().map(position).collect();
        // Whoever cannot say it again must not take the message for done.
        let schema = if self.again.is_some() { SCHEMA } else { READ_BY_ALL };
        seal(WireNotice { events, positions, orders: self.orders, again: self.again }, schema, reading)
    }

    fn decode(bytes: &[u8], config: &Config) -> Result<(Self, String), RelayError> {
        let (wire, inputs): (WireNotice, String) = open(bytes)?;
        let position = |p: WirePosition| {
            let unknown = || RelayError::Undeclared { what: "source".to_owned(), name: p.source.clone() };
            Ok(PositionRow {
                source: config.source_id(&p.source).ok_or_else(unknown)?,
                topic: p.topic,
                partition: p.partition,
                next: p.next,
                // Counted where the records were read; the watermark needs none of it.
                counters: Counters::default(),
                max_occurred: p.max_occurred,
                behind: p.behind,
                finished: p.finished,
                content: p.content,
            })
        };
        let positions = wire.positions.into_iter().map(position).collect::<Result<_, RelayError>>()?;
        let events = events(wire.events, config)?;
        Ok((Self { events, positions, orders: wire.orders, again: wire.again }, inputs))
    }

    fn writer(&self) -> Option<u64> {
        None
    }

    fn cut(&self) -> u64 {
        match self.again {
            Some(Again::Slice { since, .. }) => since,
            Some(Again::Events) | None => 0,
        }
    }

    fn lost(_: u64, _: Partition) -> Again {
        Again::Events
    }

    fn halves(&self) -> Option<[Self; 2]> {
        let (first, second) =
            self.events.split_at_checked(self.events.len() / 2).filter(|(first, _)| !first.is_empty())?;
        // How far the sources have come is true only with the last of their events.
        let part = |events: &[Event], positions, again| Self {
            events: Arc::new(events.to_vec()),
            positions,
            orders: self.orders,
            again,
        };
        Some([part(first, Vec::new(), None), part(second, self.positions.clone(), self.again)])
    }
}

impl Wire for Announced {
    fn encode(&self, config: &Config, reading: &str) -> Result<Vec<u8>, RelayError> {
        let customer = |c: &Announcement| WireCustomer {
            customer: c.customer.clone(),
            membership: c.membership.clone(),
            events: c.events.clone(),
            fresh: c.fresh.clone(),
            reread: c.reread,
        };
        let events = self.events.iter().map(|event| WireEvent::of(event, config)).collect();
        let customers = self.customers.iter().map(customer).collect();
        let (writer, orders, as_of) = (self.writer, self.orders, self.as_of);
        seal(WireAnnounced { writer, orders, events, customers, as_of }, READ_BY_ALL, reading)
    }

    fn decode(bytes: &[u8], config: &Config) -> Result<(Self, String), RelayError> {
        let (wire, inputs): (WireAnnounced, String) = open(bytes)?;
        let customer = |c: WireCustomer| Announcement {
            customer: c.customer,
            membership: c.membership,
            events: c.events,
            fresh: c.fresh,
            reread: c.reread,
        };
        let customers = wire.customers.into_iter().map(customer).collect();
        let events = events(wire.events, config)?;
        Ok((Self { writer: wire.writer, orders: wire.orders, events, customers, as_of: wire.as_of }, inputs))
    }

    fn writer(&self) -> Option<u64> {
        Some(self.writer)
    }

    fn lost(since: u64, partition: Partition) -> Again {
        Again::Slice { since, partition }
    }

    fn halves(&self) -> Option<[Self; 2]> {
        let middle = self.customers.len() / 2;
        if middle == 0 {
            return None;
        }
        let part = |customers: &[Announcement], as_of| {
            let mut customers = customers.to_vec();
            let mut events = Vec::new();
            for place in customers.iter_mut().flat_map(|c| c.events.iter_mut()) {
                events.push(self.events[*place as usize].clone());
                *place = events.len() as u32 - 1;
            }
            Self { writer: self.writer, orders: self.orders, events: Arc::new(events), customers, as_of }
        };
        let (first, second) = self.customers.split_at(middle);
        Some([part(first, None), part(second, self.as_of)])
    }
}
