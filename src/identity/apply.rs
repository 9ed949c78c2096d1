//! Identity as it stands, and how a batch changes it. In: facts, and identifiers that came without one. Out: what must be
//! written and whose journeys must be folded again. Touches only the components that the batch can change.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::fold::{Days, Fold};
use super::graph::{Graph, NONE, Touched};
use super::guards::Guards;
use super::{Assignment, Fact, Outside, Sets};
use crate::config::Config;
use crate::time::Day;

/// Every live fact, and the customer of every identifier.
#[derive(Debug)]
pub struct Identity {
    pub(super) guards: Guards,
    pub(super) graph: Graph,
    /// The days of each shared device, least day first; a group's devices hold one list together.
    pub(super) shared: FxHashMap<u32, Days>,
    fold: Fold,
}

/// What a batch changed.
#[derive(Default, Debug)]
pub struct Changes {
    /// Facts that are new, or stated earlier than known: to be inserted.
    pub facts: Vec<Fact>,
    /// Facts that are new and covered by an erasure: of these only who, whom and the day may be kept.
    pub erased: Vec<Fact>,
    /// Nodes that are new or whose customer is another one now; days of shared devices likewise.
    pub assignments: Vec<Assignment>,
    /// Names of all customers, old and new, whose events may be others now. Every identifier is a customer of its own
    /// until a fact says otherwise, so a name here need not have had an event yet; a customer seen for the first time is
    /// among them.
    pub dirty: Vec<Arc<str>>,
    /// Nodes of the largest component that was folded again.
    pub largest_component: usize,
    /// Nodes from this one on were never heard of before.
    pub(super) first_node: u32,
}

impl Identity {
    pub fn new(config: &Config) -> Self {
        Self::with(Guards::new(config), Outside::new(config))
    }

    pub fn with(guards: Guards, outside: Outside) -> Self {
        Self { guards, graph: Graph::with(outside), shared: FxHashMap::default(), fold: Fold::default() }
    }

    /// From everything that is stored; gives the size of the largest component, too.
    pub fn of(config: &Config, sets: Sets) -> (Self, usize) {
        let mut identity = Self::with(Guards::new(config), sets.outside.under(&config.identifiers.kinds));
        identity.undo(sets.undos);
        let largest = identity.load(sets.facts, sets.nodes);
        (identity, largest)
    }

    /// Takes in a batch: facts, and identifiers of events that state none.
    pub fn apply(
        &mut self,
        facts: impl IntoIterator<Item = Fact>,
        nodes: impl IntoIterator<Item = Arc<str>>,
    ) -> Changes {
        let touched = self.take_in(facts, nodes);
        let mut journal = Journal::default();
        let largest = self.settle(&touched, Some(&mut journal));
        self.changes(touched, journal, largest)
    }

    pub(super) fn changes(&self, touched: Touched, mut journal: Journal, largest: usize) -> Changes {
        let first_node = touched.first_node;
        let mut changed = touched.earlier;
        changed.sort_unstable();
        changed.dedup();
        changed.extend(touched.first_fact..self.graph.fact_count());
        let (erased, facts): (Vec<u32>, Vec<u32>) = changed.into_iter().partition(|&fact| self.graph.is_erased(fact));
        let facts_of = |list: Vec<u32>| list.into_iter().map(|number| self.graph.fact(number)).collect();
        journal.dirty.retain(|&customer| customer != NONE);
        journal.dirty.sort_unstable();
        journal.dirty.dedup();
        Changes {
            facts: facts_of(facts),
            erased: facts_of(erased),
            assignments: journal.assignments,
            dirty: journal.dirty.into_iter().map(|node| self.graph.node(node).name.clone()).collect(),
            largest_component: largest,
            first_node,
        }
    }

    /// Loads what is stored: as `apply`, for a caller that compares `assignments_all` with the table instead of taking
    /// note of every change. Gives the size of the largest component.
    pub fn load(&mut self, facts: impl IntoIterator<Item = Fact>, nodes: impl IntoIterator<Item = Arc<str>>) -> usize {
        let touched = self.take_in(facts, nodes);
        self.settle(&touched, None)
    }

    fn take_in(&mut self, facts: impl IntoIterator<Item = Fact>, nodes: impl IntoIterator<Item = Arc<str>>) -> Touched {
        let mut touched = self.graph.touched();
        for node in nodes {
            self.graph.know(&node, &self.guards, &mut touched);
        }
        for fact in facts {
            self.graph.state(fact, &self.guards, &mut touched);
        }
        touched
    }

    /// Folds every component that the batch can have changed; gives the size of the largest.
    pub(super) fn settle(&mut self, touched: &Touched, mut journal: Option<&mut Journal>) -> usize {
        let mut seeds: Vec<u32> = (touched.first_node..self.graph.nodes.len() as u32).collect();
        seeds.extend(&touched.seeds);
        seeds.extend(&touched.freed);
        for &node in &touched.appeared {
            // A placeholder is folded by nobody.
            if self.graph.node(node).quarantined
                && let Some(journal) = journal.as_deref_mut()
            {
                journal.assign(&self.graph, node, None, None);
            }
        }
        for &node in &touched.crossed {
            // What hung together through the placeholder falls apart: each piece holds one of its partners.
            seeds.extend(self.graph.edges_of(node).map(|(_, partner)| partner));
            self.reassign(node, NONE, None, journal.as_deref_mut());
            self.graph.nodes[node as usize].next_member = node;
        }
        let mut fold = std::mem::take(&mut self.fold);
        let mut visited: Vec<u32> = Vec::new();
        let mut edges = Vec::new();
        let mut largest = 0;
        for seed in seeds {
            let first_slot = visited.len();
            self.visit(seed, &mut visited, &mut edges);
            let members = &visited[first_slot..];
            if members.is_empty() {
                continue;
            }
            largest = largest.max(members.len());
            fold.run(&mut self.graph, &self.guards, members, first_slot as u32, &edges);
            self.close_rings(&mut fold, members);
            for (place, &node) in members.iter().enumerate() {
                let (customer, days) = match self.graph.node(node).known {
                    true => (fold.customer(place as u32), fold.days(place as u32)),
                    false => (NONE, None),
                };
                self.reassign(node, customer, days, journal.as_deref_mut());
            }
        }
        self.fold = fold;
        if let Some(journal) = journal {
            for &node in touched.crossed.iter().chain(&touched.freed) {
                self.mark_heirs(node, &mut journal.dirty);
            }
        }
        largest
    }

    /// Appends the component of a node to `visited`, unless it is there already or the node is quarantined.
    fn visit(&mut self, seed: u32, visited: &mut Vec<u32>, edges: &mut Vec<u32>) {
        edges.clear();
        let mut next = visited.len();
        self.mark_visited(seed, visited);
        while let Some(&node) = visited.get(next) {
            next += 1;
            let mut at = self.graph.first_edge(node);
            while let Some((edge, other, following)) = self.graph.step(at, node) {
                at = following;
                if !self.graph.edges[edge as usize].counts {
                    continue;
                }
                if self.mark_visited(other, visited) && node == self.graph.edges[edge as usize].lo {
                    edges.push(edge);
                }
            }
        }
    }

    /// Whether the node takes part; the first time it is appended.
    fn mark_visited(&mut self, node: u32, visited: &mut Vec<u32>) -> bool {
        let state = &mut self.graph.nodes[node as usize];
        if state.quarantined {
            return false;
        }
        if visited.get(state.slot as usize) != Some(&node) {
            state.slot = visited.len() as u32;
            visited.push(node);
        }
        true
    }

    /// Threads the members of each customer on a ring.
    fn close_rings(&mut self, fold: &mut Fold, members: &[u32]) {
        for &node in members {
            self.graph.nodes[node as usize].next_member = node;
        }
        for (place, &node) in members.iter().enumerate() {
            let name = fold.customer(place as u32);
            if name != node {
                let next = std::mem::replace(&mut self.graph.nodes[name as usize].next_member, node);
                self.graph.nodes[node as usize].next_member = next;
            }
        }
    }

    /// Gives a node its customer and days, and notes what differs from before.
    fn reassign(&mut self, node: u32, customer: u32, days: Option<Days>, journal: Option<&mut Journal>) {
        let new_days = days.clone();
        let state = &mut self.graph.nodes[node as usize];
        let was = std::mem::replace(&mut state.customer, customer);
        let was_shared = std::mem::replace(&mut state.shared, days.is_some());
        let old_days = if was_shared { self.shared.remove(&node) } else { None };
        if let Some(days) = days {
            self.shared.insert(node, days);
        }
        let Some(journal) = journal else { return };
        // A node never folded before has belonged to itself.
        let before = if was == NONE { node } else { was };
        let told_of = was != NONE || self.graph.node(node).known;
        if told_of && (was != customer || was == NONE) {
            journal.assign(&self.graph, node, None, (customer != NONE).then_some(customer));
            // A new customer too: it has a row from the start, whether or not an event of its own ever comes.
            journal.dirty.extend([before, customer].into_iter().filter(|&c| c != NONE));
        }
        for (day, old, new) in differing_days(old_days.as_deref(), new_days.as_deref()) {
            journal.assign(&self.graph, node, Some(day), new);
            let sides = [old.unwrap_or(before), new.unwrap_or(customer)];
            journal.dirty.extend(sides.into_iter().filter(|&c| c != NONE));
        }
    }

    /// The events of a node that has been quarantined go to their next identifier: marks every customer who may get some.
    pub(super) fn mark_heirs(&self, node: u32, dirty: &mut Vec<u32>) {
        for (edge, partner) in self.graph.edges_of(node) {
            if !self.graph.node(partner).quarantined {
                self.mark_possible(partner, dirty);
                continue;
            }
            // An event whose strongest identifier is this quarantined partner may name both `node` and an heir. Such an
            // event states both facts on one day of one source.
            let origins: Vec<_> = self.graph.facts_on(edge).map(|fact| self.graph.fact_origin(fact)).collect();
            for (edge, heir) in self.graph.edges_of(partner) {
                let mut facts = self.graph.facts_on(edge);
                if !self.graph.node(heir).quarantined
                    && facts.any(|fact| origins.contains(&self.graph.fact_origin(fact)))
                {
                    self.mark_possible(heir, dirty);
                }
            }
        }
    }

    pub(super) fn mark_possible(&self, node: u32, dirty: &mut Vec<u32>) {
        dirty.push(self.graph.node(node).customer);
        if let Some(days) = self.shared.get(&node) {
            dirty.extend(days.iter().map(|&(_, customer)| customer));
        }
    }
}

/// What `apply` reports, in nodes.
#[derive(Default, Debug)]
pub(super) struct Journal {
    assignments: Vec<Assignment>,
    pub dirty: Vec<u32>,
}

impl Journal {
    fn assign(&mut self, graph: &Graph, node: u32, day: Option<Day>, customer: Option<u32>) {
        let name = |node: u32| graph.node(node).name.clone();
        self.assignments.push(Assignment { node: name(node), day, customer: customer.map(name) });
    }
}

/// (day, old customer, new customer) of each day that differs; both lists stand in order of days.
fn differing_days(old: Option<&[(Day, u32)]>, new: Option<&[(Day, u32)]>) -> Vec<(Day, Option<u32>, Option<u32>)> {
    let (mut old, mut new) = (old.unwrap_or_default(), new.unwrap_or_default());
    let mut found = Vec::new();
    loop {
        let day = match (old.first(), new.first()) {
            (None, None) => return found,
            (Some(x), None) => x.0,
            (None, Some(y)) => y.0,
            (Some(x), Some(y)) => x.0.min(y.0),
        };
        let (before, after) = (take_day(&mut old, day), take_day(&mut new, day));
        if before != after {
            found.push((day, before, after));
        }
    }
}

fn take_day(list: &mut &[(Day, u32)], day: Day) -> Option<u32> {
    let (&(first, customer), rest) = list.split_first()?;
    if first != day {
        return None;
    }
    *list = rest;
    Some(customer)
}
