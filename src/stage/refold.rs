//! Recompute a customer whole. In: a customer's events and what belongs to it. Out: one [`CustomerRow`] per map. The same
//! function for a stream, a batch, a past `as_of` and a check of the tables: it knows no order of arrival and no clock.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::reading::Reading;
use super::{CustomerRow, Version};
use crate::config::{Class, Config};
use crate::conformance::Judges;
use crate::event::Event;
use crate::identity::{Identity, Membership, Outside};
use crate::journey::{self, CustomerEvent, FoldContext, SourceInfo};
use crate::time::{Day, Timestamp};
use crate::touchpoint::{self, event_path};

/// One event as every map sees it.
#[derive(Clone, Debug)]
pub struct SeenEvent {
    /// The node it is stored under, then the others, strongest first; objects are left out.
    pub identifiers: SmallVec<[Arc<str>; 3]>,
    pub day: Day,
    /// One per map of the reading set.
    pub maps: SmallVec<[CustomerEvent; 1]>,
}

impl SeenEvent {
    /// Copies of one key with one content are one event. Compares what the key of the table `events` compares.
    pub fn same(&self, other: &Self) -> bool {
        let (Some(a), Some(b)) = (self.maps.first(), other.maps.first()) else { return false };
        a.payload_hash == b.payload_hash
            && a.occurred_at == b.occurred_at
            && a.event_id == b.event_id
            && a.source == b.source
            && a.revision == b.revision
            && a.sequence == b.sequence
            && a.session == b.session
    }

    pub fn key(&self) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut h = rustc_hash::FxHasher::default();
        if let Some(e) = self.maps.first() {
            (e.source, &*e.event_id, e.payload_hash, e.occurred_at, e.revision, e.sequence, &e.session).hash(&mut h);
        }
        h.finish()
    }

    /// Estimated: the struct, its strings and touches; good enough to keep a bound.
    pub fn bytes(&self) -> u64 {
        let maps: usize = self
            .maps
            .iter()
            .map(|e| {
                let said = e.said.len() * size_of::<touchpoint::Attribute>();
                size_of::<CustomerEvent>() + e.event_id.len() + e.matched.len() * 160 + said
            })
            .sum();
        (size_of::<Self>() + maps) as u64
    }
}

/// The reading set of a process, and what of the events it sees.
#[derive(Debug)]
pub struct Refold {
    config: Arc<Config>,
    readings: Arc<Vec<Reading>>,
    sources: Vec<SourceInfo>,
    /// Erased, or before the horizon.
    outside: Arc<Outside>,
    /// A past `as_of`: events after it are left out.
    cut: Option<Timestamp>,
    /// One per map. Behind a lock because they remember paths, which changes no result.
    judges: Mutex<Vec<Judges>>,
}

impl Refold {
    pub fn new(
        config: Arc<Config>,
        readings: Arc<Vec<Reading>>,
        outside: Arc<Outside>,
        cut: Option<Timestamp>,
    ) -> Self {
        let sources = SourceInfo::of(&config);
        let judges = Mutex::new(readings.iter().map(|reading| Judges::new(reading.map.clone())).collect());
        Self { config, readings, sources, outside, cut, judges }
    }

    /// Orders have left more outside. What was seen before is not looked at again.
    pub fn leave_outside(&mut self, outside: Arc<Outside>) {
        self.outside = outside;
    }

    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The event as every map sees it; `None` if it is outside the function (an older generation, erased, before the
    /// horizon, after the cut).
    pub fn see(&self, event: &Event) -> Option<SeenEvent> {
        let outside = !self.config.is_current(event.source, event.generation)
            || self.outside.covers_event(event)
            || self.cut.is_some_and(|cut| event.occurred_at > cut);
        if outside {
            return None;
        }
        let properties = touchpoint::parse_properties(&event.properties);
        let path: Arc<str> = match event_path(&properties) {
            Some(path) => touchpoint::path_template(&path).into(),
            None => Arc::from(""),
        };
        let seen = |Reading { rules, .. }: &Reading| {
            CustomerEvent::of(event, path.clone(), rules.match_event(event, &properties), rules.said(&properties))
        };
        let identifies = |kind: crate::event::KindId| self.config.kind(kind).class != Class::Object;
        Some(SeenEvent {
            identifiers: event.identifiers.iter().filter(|i| identifies(i.kind)).map(|i| i.node.clone()).collect(),
            day: event.occurred_at.utc_day(),
            maps: self.readings.iter().map(seen).collect(),
        })
    }

    /// The events that are seen, each once, by the node they stand under.
    pub fn by_node(&self, events: &[Event]) -> FxHashMap<Arc<str>, NodeEvents> {
        let mut by_node: FxHashMap<Arc<str>, NodeEvents> = FxHashMap::default();
        for event in events.iter().filter_map(|event| self.see(event)) {
            if let Some(node) = event.identifiers.first().cloned() {
                by_node.entry(node).or_default().add(event);
            }
        }
        by_node
    }

    /// What stands of a customer under every map; `events` are exactly its own, each once. Without a membership it is no
    /// customer, and a tombstone replaces whatever stands there.
    pub fn rows<'a>(
        &self,
        customer: &Arc<str>,
        is_customer: bool,
        events: impl Iterator<Item = &'a SeenEvent>,
        version: Version,
        into: &mut Vec<CustomerRow>,
    ) {
        let events: Vec<&SeenEvent> = events.collect();
        let mut judges = self.judges.lock().unwrap_or_else(PoisonError::into_inner);
        for (map, reading) in self.readings.iter().enumerate() {
            let journeys = is_customer.then(|| {
                let context = FoldContext {
                    map: &reading.map,
                    mode: reading.mode,
                    sources: &self.sources,
                    max_visits: self.config.max_visits,
                };
                let seen: Vec<&CustomerEvent> = events.iter().map(|e| &e.maps[map]).collect();
                journey::fold(&context, customer, &seen)
            });
            let all = journeys.iter().flat_map(|found| &found.journeys);
            let followed = all.map(|journey| judges[map].follow(journey)).collect();
            into.push(CustomerRow { map, customer: customer.clone(), version, journeys, followed });
        }
    }
}

/// A batch recompute of some customers: what must be read for it, and their rows once it is here.
pub struct Chunk<'a> {
    refold: &'a Refold,
    customers: Vec<(Arc<str>, Option<Membership>)>,
}

impl<'a> Chunk<'a> {
    pub fn of(refold: &'a Refold, identity: &Identity, customers: &[Arc<str>]) -> Self {
        let customers = customers.iter().map(|c| (c.clone(), identity.membership(c))).collect();
        Self { refold, customers }
    }

    /// Every node whose events must be read, each once.
    pub fn nodes(&self) -> Vec<Arc<str>> {
        let all = self.customers.iter().filter_map(|(_, m)| m.as_ref()).flat_map(Membership::all_nodes);
        let mut nodes: Vec<Arc<str>> = all.cloned().collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// Rows of all customers of the chunk from all stored events of its nodes; copies of an event count once.
    pub fn rows(&self, events: &[Event], version: Version) -> Vec<CustomerRow> {
        let by_node = self.refold.by_node(events);
        let mut rows = Vec::with_capacity(self.customers.len() * self.refold.readings.len());
        for (customer, membership) in &self.customers {
            let own = membership.iter().flat_map(|m| {
                let events = m.all_nodes().filter_map(|node| by_node.get(node)).flat_map(NodeEvents::iter);
                events.filter(|e| m.holds(&e.identifiers, e.day))
            });
            self.refold.rows(customer, membership.is_some(), own, version, &mut rows);
        }
        rows
    }
}

/// Distinct events that stand under one node.
#[derive(Clone, Debug, Default)]
pub struct NodeEvents {
    events: Vec<SeenEvent>,
    /// Keys of `events`, once there are many.
    keys: Option<rustc_hash::FxHashSet<u64>>,
    bytes: u64,
}

/// Above this many events a node remembers their keys instead of comparing one by one.
const MANY: usize = 24;

impl NodeEvents {
    /// Adds an event unless it is there; returns the bytes it takes.
    pub fn add(&mut self, event: SeenEvent) -> u64 {
        if let Some(keys) = &mut self.keys {
            if !keys.insert(event.key()) && self.events.iter().any(|e| e.same(&event)) {
                return 0;
            }
        } else if self.events.iter().any(|e| e.same(&event)) {
            return 0;
        } else if self.events.len() >= MANY {
            let mut keys: rustc_hash::FxHashSet<u64> = self.events.iter().map(SeenEvent::key).collect();
            keys.insert(event.key());
            self.keys = Some(keys);
        }
        let bytes = event.bytes();
        self.bytes += bytes;
        self.events.push(event);
        bytes
    }

    pub fn iter(&self) -> std::slice::Iter<'_, SeenEvent> {
        self.events.iter()
    }

    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}
