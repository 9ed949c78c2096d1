//! The identity stage: one writer of who is whom. In: batches of stored events, orders of operators. Out: the facts and
//! identity rows to write, and an announcement for every customer that must be recomputed: those the events belong to, and
//! all old and new customers of what changed (pipeline.md, I9). Pure: what it knows is a function of the sets it was given.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::announce::Announcement;
use crate::config::{Class, Config};
use crate::event::{Event, Identifier};
use crate::identity::{Assignment, Changes, Erasure, Fact, Identity, Mend, Sets, Undo, facts_of};
use crate::time::Day;

#[derive(Debug)]
pub struct IdentityStage {
    identity: Identity,
    config: Arc<Config>,
    /// The largest component refolded so far; a metric.
    largest_component: usize,
}

/// What one batch, or one order, makes of identity.
#[derive(Debug, Default)]
pub struct IdentityStep {
    pub facts: Vec<Fact>,
    /// Facts that an erasure covers: of these only who, whom and the day are kept.
    pub erased: Vec<Fact>,
    /// Written once everything announced here is settled: the table says how far the announcements have come.
    pub assignments: Vec<Assignment>,
    pub announcements: Vec<Announcement>,
    /// Those of the announced whom the facts made dirty, not only their own events.
    pub changed: Vec<Arc<str>>,
}

impl IdentityStage {
    /// From all sets that are stored.
    pub fn load(config: Arc<Config>, sets: Sets) -> Self {
        let (identity, largest_component) = Identity::of(&config, sets);
        Self { identity, config, largest_component }
    }

    /// Members of the sets that somebody else has stored.
    pub fn learn(&mut self, facts: Vec<Fact>, nodes: Vec<Arc<str>>) {
        let changes = self.identity.apply(facts, nodes);
        self.largest_component = self.largest_component.max(changes.largest_component);
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
        let outside = self.identity.outside();
        // Others are named by their facts.
        let is_object = |i: &Identifier| self.config.kind(i.kind).class == Class::Object;
        let lone = current().filter(|e| e.identifiers.get(1).is_none_or(is_object) && !outside.covers_event(e));
        let nodes: Vec<Arc<str>> = lone.map(Event::node).filter(|node| !node.is_empty()).collect();
        let stated: Vec<Fact> = current().flat_map(facts_of).collect();
        let mut changes = self.identity.apply(stated, nodes);
        self.largest_component = self.largest_component.max(changes.largest_component);
        // Outside the function, and still members of the set: a config that goes back a generation finds them.
        let outside = self.identity.outside();
        let is_erased = |f: &Fact| outside.names(&f.a, f.day) || outside.names(&f.b, f.day);
        let older = events.iter().filter(|e| !is_current(e)).flat_map(facts_of);
        let (more_erased, more_facts): (Vec<Fact>, Vec<Fact>) = older.partition(is_erased);
        let (mut facts, mut erased) = (std::mem::take(&mut changes.facts), std::mem::take(&mut changes.erased));
        facts.extend(more_facts);
        erased.extend(more_erased);

        let mut own: FxHashMap<Arc<str>, SmallVec<[u32; 4]>> =
            changes.dirty.iter().map(|customer| (customer.clone(), SmallVec::new())).collect();
        for (place, event) in (0_u32..).zip(events).filter(|(_, e)| is_current(e)) {
            let ids: SmallVec<[&str; 4]> = event.identifiers.iter().map(|i| &*i.node).collect();
            if let Some(customer) = self.identity.customer_of(&ids, event.occurred_at.utc_day()) {
                own.entry(customer).or_default().push(place);
            }
        }
        // It may have been stored, and read by an owner who had not heard of the order yet.
        let outside = self.identity.outside();
        let late = || events.iter().filter(|e| is_current(e) && outside.covers_event(e));
        let anew: FxHashSet<Arc<str>> =
            late().flat_map(|e| &e.identifiers).flat_map(|i| self.identity.possible_customers(&i.node)).collect();
        for customer in &anew {
            own.entry(customer.clone()).or_default();
        }
        let announce = |(customer, events)| {
            let reread = anew.contains(&customer);
            self.announcement(customer, events, &changes, reread)
        };
        let mut announcements: Vec<Announcement> = own.into_iter().map(announce).collect();
        announcements.sort_unstable_by(|a, b| a.customer.cmp(&b.customer));
        IdentityStep { facts, erased, assignments: changes.assignments, announcements, changed: changes.dirty }
    }

    pub fn undo(&mut self, undo: Undo) -> IdentityStep {
        let changes = self.identity.undo([undo]);
        self.told(changes)
    }

    /// `reach`: nodes that may lose their last event; `events`: all that are stored of them.
    pub fn erase(&mut self, erasure: &Erasure, reach: &[Arc<str>], events: &[Event]) -> IdentityStep {
        let mut outside = self.identity.outside().clone();
        outside.erase(erasure);
        let inside = |e: &&Event| self.config.is_current(e.source, e.generation) && !outside.covers_event(e);
        let still = events.iter().filter(inside).map(Event::node).collect();
        let changes = self.identity.erase_reaching(std::slice::from_ref(erasure), reach, &still);
        self.told(changes)
    }

    /// `losing`: nodes with events before the day, each with whether it has later ones.
    pub fn retain(&mut self, day: Day, losing: &[(Arc<str>, bool)]) -> IdentityStep {
        let changes = self.identity.retain(day, losing);
        self.told(changes)
    }

    /// What an order makes of the tables. Events may have left the sets, so nothing that is cached of these customers holds.
    fn told(&mut self, changes: Changes) -> IdentityStep {
        let Changes { facts, erased, assignments, dirty, largest_component, .. } = changes;
        self.largest_component = self.largest_component.max(largest_component);
        let mut announcements = self.announce(&dirty);
        announcements.iter_mut().for_each(|announcement| announcement.reread = true);
        IdentityStep { facts, erased, assignments, announcements, changed: dirty }
    }

    fn announcement(
        &self,
        customer: Arc<str>,
        events: SmallVec<[u32; 4]>,
        changes: &Changes,
        reread: bool,
    ) -> Announcement {
        let membership = self.identity.membership(&customer).map(Arc::new);
        let known = membership.as_ref().filter(|_| !reread);
        let fresh = known.map(|m| self.identity.fresh_nodes(m, changes)).unwrap_or_default();
        Announcement { customer, membership, events, fresh, reread }
    }
}
