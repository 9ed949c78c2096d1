//! The journeys stage: recompute the dirty customer. In: stored events and the names of customers to recompute. Out:
//! [`CustomerRow`]s that replace what the tables hold of them, tombstones for those that are no customers any more.
//! The same function over the same sets as a batch run: it knows no order of arrival and no clock.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use super::cache::{CachedEvent, NodeCache};
use super::reading::Reading;
use super::{CustomerRow, Version};
use crate::config::Config;
use crate::event::Event;
use crate::identity::Identity;
use crate::journey::{self, CustomerEvent, FoldContext, SourceInfo};
use crate::time::Timestamp;
use crate::touchpoint::{self, event_path};

pub struct JourneysStage {
    config: Arc<Config>,
    readings: Arc<Vec<Reading>>,
    sources: Vec<SourceInfo>,
    cache: NodeCache,
    /// A past `as_of`: events after it are left out.
    cut: Option<Timestamp>,
}

impl JourneysStage {
    pub fn new(config: Arc<Config>, readings: Arc<Vec<Reading>>, cache: NodeCache, cut: Option<Timestamp>) -> Self {
        let sources = SourceInfo::of(&config);
        Self { config, readings, sources, cache, cut }
    }

    /// Takes events that have just been stored.
    pub fn append(&mut self, events: &[Event]) {
        for event in events {
            let Some(first) = event.identifiers.first() else { continue };
            if let Some(cached) = self.cached(event) {
                self.cache.append(&first.node, cached);
            }
        }
    }

    /// The nodes whose events must be read before these customers can be recomputed.
    pub fn missing(&self, identity: &Identity, customers: &[Arc<str>]) -> Vec<Arc<str>> {
        let mut nodes: Vec<Arc<str>> =
            customers.iter().flat_map(|c| identity.nodes_of(c)).filter(|n| self.cache.lacks(n)).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The answer to [`missing`](Self::missing): all stored events of `nodes`.
    pub fn fill(&mut self, nodes: &[Arc<str>], events: &[Event]) {
        for node in nodes {
            self.cache.fill(node, []);
        }
        for event in events {
            let Some(first) = event.identifiers.first() else { continue };
            if let Some(cached) = self.cached(event) {
                self.cache.fill(&first.node, [cached]);
            }
        }
    }

    /// One row per customer and map. The caller has filled whatever was missing.
    pub fn recompute(&mut self, identity: &Identity, customers: &[Arc<str>], version: Version) -> Vec<CustomerRow> {
        let mut rows = Vec::with_capacity(customers.len() * self.readings.len());
        let readings = self.readings.clone();
        let mut events: Vec<CachedEvent> = Vec::new();
        for customer in customers {
            let nodes = identity.nodes_of(customer);
            let is_customer = identity.is_customer(customer);
            self.collect(identity, customer, &nodes, &mut events);
            for (map, reading) in readings.iter().enumerate() {
                let context = FoldContext {
                    map: &reading.map,
                    mode: reading.mode,
                    sources: &self.sources,
                    max_visits: self.config.max_visits,
                };
                let seen: Vec<&CustomerEvent> = events.iter().map(|e| &e.maps[map]).collect();
                let journeys = is_customer.then(|| journey::fold(&context, customer, &seen));
                rows.push(CustomerRow { map, customer: customer.clone(), version, journeys });
            }
        }
        self.cache.shrink();
        rows
    }

    /// The events of one customer as one map sees them, for `show`.
    pub fn journeys_of(&mut self, identity: &Identity, customer: &Arc<str>) -> Vec<CustomerRow> {
        self.recompute(identity, std::slice::from_ref(customer), Version::default())
    }

    pub const fn cache(&self) -> &NodeCache {
        &self.cache
    }

    fn collect(&mut self, identity: &Identity, customer: &Arc<str>, nodes: &[Arc<str>], into: &mut Vec<CachedEvent>) {
        into.clear();
        let mut once: FxHashSet<&Arc<str>> = FxHashSet::default();
        for node in nodes.iter().filter(|n| once.insert(n)) {
            for event in self.cache.get(node) {
                let ids: SmallVec<[&str; 4]> = event.identifiers.iter().map(|i| &**i).collect();
                if identity.customer_of(&ids, event.day).as_ref() == Some(customer) {
                    into.push(event.clone());
                }
            }
        }
    }

    /// The event as every map sees it; `None` if it is outside the function (an older generation, after the cut).
    fn cached(&self, event: &Event) -> Option<CachedEvent> {
        let outside = !self.config.is_current(event.source, event.generation)
            || self.cut.is_some_and(|cut| event.occurred_at > cut);
        if outside {
            return None;
        }
        let properties = touchpoint::parse_properties(&event.properties);
        let path: Arc<str> = match event_path(&properties) {
            Some(path) => touchpoint::path_template(&path).into(),
            None => Arc::from(""),
        };
        let maps = self
            .readings
            .iter()
            .map(|reading| CustomerEvent {
                source: event.source,
                event_id: event.event_id.clone(),
                revision: event.revision,
                payload_hash: event.payload_hash,
                occurred_at: event.occurred_at,
                sequence: event.sequence,
                name: event.name.clone(),
                path: path.clone(),
                session: event.session.clone(),
                matched: reading.rules.match_event(event, &properties),
            })
            .collect();
        Some(CachedEvent {
            identifiers: event.identifiers.iter().map(|i| i.node.clone()).collect(),
            day: event.occurred_at.utc_day(),
            maps,
        })
    }
}
