//! The identity stage: one writer of who is whom. In: a batch of stored events. Out: the facts and assignments to
//! write, and every customer that must be recomputed: those the events belong to, and all old and new customers of what
//! the facts changed (pipeline.md, I9). Pure: what it knows is a function of the facts it was given.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::config::{Class, Config};
use crate::event::{Event, Identifier};
use crate::identity::{Assignment, Changes, Erasure, Fact, Identity, Sets, Undo, facts_of};
use crate::time::Day;

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
    /// Facts that an erasure covers: of these only who, whom and the day are kept.
    pub erased: Vec<Fact>,
    pub assignments: Vec<Assignment>,
    /// Customers to recompute, each once.
    pub dirty: Vec<Arc<str>>,
}

impl IdentityStage {
    /// From all sets that are stored.
    pub fn load(config: Arc<Config>, sets: Sets) -> Self {
        let (identity, largest_component) = Identity::of(&config, sets);
        Self { identity, config, largest_component }
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub const fn largest_component(&self) -> usize {
        self.largest_component
    }

    pub fn step(&mut self, events: &[Event]) -> IdentityStep {
        let (current, older): (Vec<&Event>, Vec<&Event>) =
            events.iter().partition(|e| self.config.is_current(e.source, e.generation));
        let outside = self.identity.outside();
        // Others are named by their facts.
        let is_object = |i: &Identifier| self.config.kind(i.kind).class == Class::Object;
        let lone = current.iter().filter(|e| e.identifiers.get(1).is_none_or(is_object) && !outside.covers_event(e));
        let nodes: Vec<Arc<str>> = lone.map(|e| e.node()).filter(|node| !node.is_empty()).collect();
        let stated: Vec<Fact> = current.iter().flat_map(|e| facts_of(e)).collect();
        let changes = self.identity.apply(stated, nodes);
        let mut step = self.told(changes);
        // Outside the function, and still members of the set: a config that goes back a generation finds them.
        let outside = self.identity.outside();
        let erased = |f: &Fact| outside.names(&f.a, f.day) || outside.names(&f.b, f.day);
        let (erased, facts): (Vec<Fact>, Vec<Fact>) = older.iter().flat_map(|e| facts_of(e)).partition(erased);
        step.erased.extend(erased);
        step.facts.extend(facts);

        let mut seen: FxHashSet<Arc<str>> = std::mem::take(&mut step.dirty).into_iter().collect();
        for event in current {
            let ids: smallvec::SmallVec<[&str; 4]> = event.identifiers.iter().map(|i| &*i.node).collect();
            if let Some(customer) = self.identity.customer_of(&ids, event.occurred_at.utc_day()) {
                seen.insert(customer);
            }
        }
        step.dirty = seen.into_iter().collect();
        step.dirty.sort_unstable();
        step
    }

    pub fn undo(&mut self, undo: Undo) -> IdentityStep {
        let changes = self.identity.undo([undo]);
        self.told(changes)
    }

    /// `events`: all stored events of the erasure's reach.
    pub fn erase(&mut self, erasure: &Erasure, events: &[Event]) -> IdentityStep {
        let mut outside = self.identity.outside().clone();
        outside.erase(erasure);
        let inside = |e: &&Event| self.config.is_current(e.source, e.generation) && !outside.covers_event(e);
        let still = events.iter().filter(inside).map(Event::node).collect();
        let changes = self.identity.erase(std::slice::from_ref(erasure), &still);
        self.told(changes)
    }

    /// `losing`: nodes with events before the day, each with whether it has later ones.
    pub fn retain(&mut self, day: Day, losing: &[(Arc<str>, bool)]) -> IdentityStep {
        let changes = self.identity.retain(day, losing);
        self.told(changes)
    }

    /// What changes make of the tables.
    fn told(&mut self, changes: Changes) -> IdentityStep {
        let Changes { facts, erased, mut assignments, dirty, largest_component } = changes;
        self.largest_component = self.largest_component.max(largest_component);
        self.sign(&dirty, &mut assignments);
        IdentityStep { facts, erased, assignments, dirty }
    }

    /// Writes the name of every customer whose events may be others now, also when it is what it was (I9): a day or a
    /// placeholder's events can come and go without a row of the customer's own changing, and a restart finds customers
    /// that are behind by identity rows newer than theirs.
    fn sign(&self, dirty: &[Arc<str>], assignments: &mut Vec<Assignment>) {
        let written: FxHashSet<Arc<str>> =
            assignments.iter().filter(|a| a.day.is_none()).map(|a| a.node.clone()).collect();
        let unsigned = dirty.iter().filter(|c| !written.contains(*c) && self.identity.is_customer(c));
        assignments.extend(unsigned.map(|c| Assignment { node: c.clone(), day: None, customer: Some(c.clone()) }));
    }
}
