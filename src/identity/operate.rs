//! Operators' orders, carried out on identity as it stands. In: undos, erasures, a horizon, and which nodes still have
//! events inside the function. Out: what must be written and whose journeys must be folded again. Orders that were
//! carried out before change nothing and name the same customers again, so that a cut-off one can be repeated.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::apply::{Changes, Identity, Journal};
use super::graph::{NONE, Touched};
use super::{Erasure, Outside, Undo};
use crate::time::Day;

impl Identity {
    /// What is outside the function.
    pub fn outside(&self) -> &Outside {
        &self.graph.outside
    }

    pub fn undo(&mut self, undos: impl IntoIterator<Item = Undo>) -> Changes {
        let mut touched = self.graph.touched();
        let mut journal = Journal::default();
        for undo in undos {
            let (Undo::Revoke { a, b, .. } | Undo::Forbid { a, b }) = &undo;
            for node in [a, b].into_iter().filter_map(|end| self.graph.find(end)) {
                self.mark_possible(node, &mut journal.dirty);
            }
            self.graph.undo(&undo, &self.guards, &mut touched);
        }
        self.settled(touched, journal)
    }

    /// What to erase when the customer of `identifier` is forgotten: all of its identifiers, and the days of shared
    /// devices that are its.
    pub fn erasure_of(&self, identifier: &Arc<str>, until: Day) -> Erasure {
        let customer = self.graph.find(identifier).map_or(NONE, |node| self.graph.node(node).customer);
        if customer == NONE {
            return Erasure::new(vec![identifier.clone()], until, Vec::new());
        }
        let name = &self.graph.node(customer).name;
        let mut identifiers = self.members(name);
        identifiers.push(identifier.clone());
        let mut days = Vec::new();
        for node in self.nodes_of(name) {
            let own = self.graph.find(&node).and_then(|node| self.shared.get(&node));
            let given = own.into_iter().flat_map(|days| days.iter()).filter(|&&(_, whose)| whose == customer);
            days.extend(given.map(|&(day, _)| (node.clone(), day)));
        }
        Erasure::new(identifiers, until, days)
    }

    /// Every node that may lose its last event or fact by an erasure.
    pub fn reach_of(&self, erasure: &Erasure) -> Vec<Arc<str>> {
        let mut reach: Vec<Arc<str>> = erasure.days.iter().map(|(node, _)| node.clone()).collect();
        for identifier in &erasure.identifiers {
            reach.push(identifier.clone());
            if let Some(node) = self.graph.find(identifier) {
                reach.extend(self.graph.edges_of(node).map(|(_, other)| self.graph.node(other).name.clone()));
            }
        }
        reach.sort_unstable();
        reach.dedup();
        reach
    }

    /// Carries out erasures. `still`: nodes of their reach with events that they do not cover.
    pub fn erase(&mut self, erasures: &[Erasure], still: &FxHashSet<Arc<str>>) -> Changes {
        let reach: Vec<Arc<str>> = erasures.iter().flat_map(|e| self.reach_of(e)).collect();
        self.erase_reaching(erasures, &reach, still)
    }

    /// The same where more than their reach by facts may lose its last event.
    pub fn erase_reaching(&mut self, erasures: &[Erasure], reach: &[Arc<str>], still: &FxHashSet<Arc<str>>) -> Changes {
        let mut touched = self.graph.touched();
        let mut journal = Journal::default();
        let reach: Vec<u32> = reach.iter().filter_map(|node| self.graph.find(node)).collect();
        self.mark_all(&reach, &mut journal.dirty);
        for erasure in erasures {
            self.graph.erase(erasure, &self.guards, &mut touched);
        }
        self.lose(&reach, still, &mut touched);
        self.settled(touched, journal)
    }

    /// Moves the horizon. `losing`: nodes with events before it, each with whether it has later ones.
    pub fn retain(&mut self, horizon: Day, losing: &[(Arc<str>, bool)]) -> Changes {
        let mut touched = self.graph.touched();
        let mut journal = Journal::default();
        self.graph.outside.move_horizon(horizon);
        let nodes: Vec<u32> = losing.iter().filter_map(|(node, _)| self.graph.find(node)).collect();
        let still = losing.iter().filter(|(_, still)| *still).map(|(node, _)| node.clone()).collect();
        self.mark_all(&nodes, &mut journal.dirty);
        self.lose(&nodes, &still, &mut touched);
        self.settled(touched, journal)
    }

    /// Every customer who may have events of these nodes.
    fn mark_all(&self, nodes: &[u32], dirty: &mut Vec<u32>) {
        for &node in nodes {
            self.mark_possible(node, dirty);
            if self.graph.node(node).quarantined {
                self.mark_heirs(node, dirty);
            }
        }
    }

    /// Nodes that no event and no fact inside the function names any more are no customers.
    fn lose(&mut self, nodes: &[u32], still: &FxHashSet<Arc<str>>, touched: &mut Touched) {
        for &node in nodes {
            if !still.contains(&self.graph.node(node).name) && !self.graph.is_stated(node) {
                self.graph.nodes[node as usize].known = false;
                touched.seeds.push(node);
            }
        }
    }

    fn settled(&mut self, touched: Touched, mut journal: Journal) -> Changes {
        let largest = self.settle(&touched, Some(&mut journal));
        self.changes(touched, journal, largest)
    }
}
