//! The identity stage: one writer of who is whom. In: batches of stored events. Out: the facts and identity rows to
//! write, and an announcement for every customer that must be recomputed: those the events belong to, and all old and new
//! customers of what the facts changed (pipeline.md, I9). Pure: what it knows is a function of the facts it was given.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::announce::Announcement;
use crate::config::Config;
use crate::event::Event;
use crate::identity::{Assignment, Changes, Fact, Identity, Mend, facts_of};

#[derive(Debug)]
pub struct IdentityStage {
    identity: Identity,
    config: Arc<Config>,
    /// The largest component refolded so far; a metric.
    largest_component: usize,
}

/// What one batch makes of identity.
#[derive(Debug, Default)]
pub struct IdentityStep {
    pub facts: Vec<Fact>,
    /// Written once everything announced here is settled: the table says how far the announcements have come.
    pub assignments: Vec<Assignment>,
    pub announcements: Vec<Announcement>,
    /// Those of the announced whom the facts made dirty, not only their own events.
    pub changed: Vec<Arc<str>>,
}

impl IdentityStage {
    /// From all facts and lone nodes that are stored.
    pub fn load(config: Arc<Config>, facts: Vec<Fact>, nodes: Vec<Arc<str>>) -> Self {
        let mut identity = Identity::new(&config);
        let largest_component = identity.load(facts, nodes);
        Self { identity, config, largest_component }
    }

    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    pub const fn largest_component(&self) -> usize {
        self.largest_component
    }

    /// What a crash left undone, from the identity rows as they are stored and the customers that were about to be
    /// announced (I6).
    pub fn mend(&self, stored: Vec<Assignment>, unsettled: &[Arc<str>]) -> Mend {
        self.identity.mend(stored, unsettled)
    }

    /// Announces customers as they stand, without an event of their own.
    pub fn announce(&self, customers: &[Arc<str>]) -> Vec<Announcement> {
        let announce = |customer: &Arc<str>| Announcement {
            customer: customer.clone(),
            membership: self.identity.membership(customer).map(Arc::new),
            events: SmallVec::new(),
            fresh: SmallVec::new(),
            reread: false,
        };
        customers.iter().map(announce).collect()
    }

    pub fn step(&mut self, events: &[Event]) -> IdentityStep {
        let is_current = |e: &&Event| self.config.is_current(e.source, e.generation);
        let current = || events.iter().filter(is_current);
        let nodes: Vec<Arc<str>> = current().filter(|e| e.identifiers.len() == 1).map(Event::node).collect();
        let stated: Vec<Fact> = current().flat_map(facts_of).collect();
        let mut changes = self.identity.apply(stated, nodes);
        self.largest_component = self.largest_component.max(changes.largest_component);
        // Outside the function, and still members of the set: a config that goes back a generation finds them.
        let mut facts = std::mem::take(&mut changes.facts);
        facts.extend(events.iter().filter(|e| !is_current(e)).flat_map(facts_of));

        let mut own: FxHashMap<Arc<str>, SmallVec<[u32; 4]>> =
            changes.dirty.iter().map(|customer| (customer.clone(), SmallVec::new())).collect();
        for (place, event) in (0_u32..).zip(events).filter(|(_, e)| is_current(e)) {
            let ids: SmallVec<[&str; 4]> = event.identifiers.iter().map(|i| &*i.node).collect();
            if let Some(customer) = self.identity.customer_of(&ids, event.occurred_at.utc_day()) {
                own.entry(customer).or_default().push(place);
            }
        }
        let mut announcements: Vec<Announcement> =
            own.into_iter().map(|(customer, events)| self.announcement(customer, events, &changes)).collect();
        announcements.sort_unstable_by(|a, b| a.customer.cmp(&b.customer));
        IdentityStep { facts, assignments: changes.assignments, announcements, changed: changes.dirty }
    }

    fn announcement(&self, customer: Arc<str>, events: SmallVec<[u32; 4]>, changes: &Changes) -> Announcement {
        let membership = self.identity.membership(&customer).map(Arc::new);
        let fresh = membership.as_ref().map(|m| self.identity.fresh_nodes(m, changes)).unwrap_or_default();
        Announcement { customer, membership, events, fresh, reread: false }
    }
}
