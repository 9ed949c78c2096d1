//! The identity stage: one writer of who is whom. In: a batch of stored events. Out: the facts and assignments to
//! write, and every customer that must be recomputed: those the events belong to, and all old and new customers of what
//! the facts changed (pipeline.md, I9). Pure: what it knows is a function of the facts it was given.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::config::Config;
use crate::event::Event;
use crate::identity::{Assignment, Changes, Fact, Identity, facts_of};

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
    pub assignments: Vec<Assignment>,
    /// Customers to recompute, each once.
    pub dirty: Vec<Arc<str>>,
}

impl IdentityStage {
    /// From all facts and lone nodes that are stored.
    pub fn load(config: Arc<Config>, facts: Vec<Fact>, nodes: Vec<Arc<str>>) -> Self {
        let mut identity = Identity::new(&config);
        let changes = identity.apply(facts, nodes);
        Self { identity, config, largest_component: changes.largest_component }
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
        let nodes: Vec<Arc<str>> = current.iter().filter(|e| e.identifiers.len() == 1).map(|e| e.node()).collect();
        let stated: Vec<Fact> = current.iter().flat_map(|e| facts_of(e)).collect();
        let Changes { mut facts, assignments, dirty, largest_component } = self.identity.apply(stated, nodes);
        self.largest_component = self.largest_component.max(largest_component);
        // Outside the function, and still members of the set: a config that goes back a generation finds them.
        facts.extend(older.iter().flat_map(|e| facts_of(e)));

        let mut seen: FxHashSet<Arc<str>> = dirty.into_iter().collect();
        for event in current {
            let ids: smallvec::SmallVec<[&str; 4]> = event.identifiers.iter().map(|i| &*i.node).collect();
            if let Some(customer) = self.identity.customer_of(&ids, event.occurred_at.utc_day()) {
                seen.insert(customer);
            }
        }
        let mut dirty: Vec<Arc<str>> = seen.into_iter().collect();
        dirty.sort_unstable();
        IdentityStep { facts, assignments, dirty }
    }
}
