//! What belongs to a customer, said in full, so that whoever recomputes it needs to know nothing else of identity. In:
//! identity as it stands. Out: [`Membership`]: the nodes, each with the days it counts on. A value: it travels.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::graph::NONE;
use super::{Assignment, Changes, Displaced, Identity, displaced};
use crate::time::Day;

/// On which UTC days a node's events are the customer's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Span {
    Always,
    /// A shared device, on the days on which only this customer is named there. In order.
    On(Vec<Day>),
    /// A shared device itself, but for the days that are somebody's. In order.
    Except(Vec<Day>),
}

/// The nodes of one customer and the placeholders next to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// In order of names, each once.
    pub nodes: Vec<(Arc<str>, Span)>,
    /// Quarantined identifiers that events of the customer may name first; an event is looked at without them. In order.
    pub placeholders: Vec<Arc<str>>,
}

impl Membership {
    /// Whether an event with these identifiers, strongest first, is the customer's: the first that is no placeholder
    /// decides (semantics.md, "Facts, not states").
    pub fn holds<S: AsRef<str>>(&self, identifiers: impl IntoIterator<Item = S>, day: Day) -> bool {
        for identifier in identifiers {
            let name = identifier.as_ref();
            if self.is_placeholder(name) {
                continue;
            }
            return match self.span(name) {
                None => false,
                Some(Span::Always) => true,
                Some(Span::On(days)) => days.binary_search(&day).is_ok(),
                Some(Span::Except(days)) => days.binary_search(&day).is_err(),
            };
        }
        false
    }

    pub fn span(&self, node: &str) -> Option<&Span> {
        let place = self.nodes.binary_search_by(|(name, _)| (**name).cmp(node)).ok()?;
        Some(&self.nodes[place].1)
    }

    pub fn is_placeholder(&self, node: &str) -> bool {
        self.placeholders.binary_search_by(|name| (**name).cmp(node)).is_ok()
    }

    /// Every node under which events of the customer may stand.
    pub fn all_nodes(&self) -> impl Iterator<Item = &Arc<str>> {
        self.nodes.iter().map(|(node, _)| node).chain(&self.placeholders)
    }

    /// Estimated bytes in memory.
    pub fn bytes(&self) -> u64 {
        let days = |span: &Span| match span {
            Span::Always => 0,
            Span::On(days) | Span::Except(days) => days.len() * size_of::<Day>(),
        };
        let nodes: usize = self.nodes.iter().map(|(_, span)| 40 + days(span)).sum();
        (size_of::<Self>() + nodes + self.placeholders.len() * 16) as u64
    }
}

/// What must be said and written so that the tables follow from the facts again.
#[derive(Debug, Default)]
pub struct Mend {
    pub rows: Vec<Assignment>,
    pub dirty: Vec<Arc<str>>,
}

impl Identity {
    /// What belongs to the customer of this name; `None` when there is no such customer.
    pub fn membership(&self, customer: &str) -> Option<Membership> {
        let name = self.customer_node(customer)?;
        let ring = self.ring(name);
        let mut nodes: Vec<(u32, Span)> = Vec::with_capacity(ring.len());
        for &node in &ring {
            nodes.push((node, self.own_span(node, name)));
            for (_, partner) in self.graph.edges_of(node) {
                let Some(days) = self.days_of(partner, name) else { continue };
                // The whole group is shared, and any of its devices may name an event of those days.
                let group = self.ring(self.graph.node(partner).customer);
                nodes.extend(group.into_iter().map(|device| (device, Span::On(days.clone()))));
            }
        }
        nodes.sort_unstable_by_key(|(node, _)| *node);
        nodes.dedup_by_key(|(node, _)| *node);
        let placeholders = self.placeholders_beside(nodes.iter().map(|(node, _)| *node));
        let mut nodes: Vec<(Arc<str>, Span)> = nodes.into_iter().map(|(node, span)| (self.name(node), span)).collect();
        nodes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Some(Membership { nodes, placeholders: self.names(placeholders) })
    }

    /// Of the nodes of a membership those that the batch behind these changes was the first to name.
    pub fn fresh_nodes(&self, membership: &Membership, changes: &Changes) -> SmallVec<[Arc<str>; 2]> {
        let is_new = |node: &str| self.graph.find(node).is_some_and(|place| place >= changes.first_node);
        membership.nodes.iter().map(|(node, _)| node).filter(|node| is_new(node)).cloned().collect()
    }

    /// Customers, old and new, of every node whose stored row says otherwise than the facts, with the rows that are
    /// wrong. Rows are stored last of all that follows from a fact, so this is exactly what a crash left undone.
    ///
    /// `unsettled`: customers that were about to be announced. Rows of theirs may still be under way and arrive after this,
    /// so every row that they could be about is written again, days that are nobody's by now included (I9).
    pub fn mend(&self, stored: Vec<Assignment>, unsettled: &[Arc<str>]) -> Mend {
        let key = |a: &Assignment| (a.node.clone(), a.day);
        let (mut rows, mut dirty, mut heirs) = (Vec::new(), Vec::new(), Vec::new());
        for Displaced { node, day, stands, should } in displaced(self.assignments_all(), stored) {
            // A placeholder's events are other customers': whoever stands beside it may have got or lost some.
            if day.is_none()
                && (should.is_none() || stands == Some(None))
                && let Some(node) = self.graph.find(&node)
            {
                self.mark_heirs(node, &mut heirs);
            }
            dirty.extend(stands.flatten());
            dirty.extend(should.clone());
            rows.push(Assignment { node, day, customer: should });
        }
        // Without a fact and outside of everything by now, it is known to nobody here; its row may be under way all the same.
        let unknown = unsettled.iter().filter(|customer| self.graph.find(customer).is_none());
        let gone = unknown.map(|node| Assignment { node: node.clone(), day: None, customer: None });
        let written: FxHashSet<_> = rows.iter().map(key).collect();
        let around = self.rows_around(unsettled).into_iter().chain(gone);
        rows.extend(around.filter(|row| !written.contains(&key(row))));
        dirty.extend(unsettled.iter().cloned());
        dirty.extend(heirs.into_iter().filter(|&node| node != NONE).map(|node| self.name(node)));
        dirty.sort_unstable();
        dirty.dedup();
        Mend { rows, dirty }
    }

    /// The rows of every node that lies in one component with these customers, or is a placeholder next to it; with days on
    /// which some fact names a device and which are not assigned apart.
    fn rows_around(&self, customers: &[Arc<str>]) -> Vec<Assignment> {
        let mut nodes: Vec<u32> = customers.iter().filter_map(|customer| self.graph.find(customer)).collect();
        let mut seen: FxHashSet<u32> = nodes.iter().copied().collect();
        let mut next = 0;
        while let Some(&node) = nodes.get(next) {
            next += 1;
            if !self.graph.node(node).quarantined {
                nodes.extend(self.graph.edges_of(node).map(|(_, partner)| partner).filter(|&p| seen.insert(p)));
            }
        }
        nodes.sort_unstable();
        nodes.dedup();
        let mut rows = Vec::new();
        for node in nodes {
            rows.extend(self.assignments_at(node));
            if self.guards.is_person(self.graph.node(node).kind) {
                continue;
            }
            let apart = self.shared.get(&node).map_or(&[][..], |days| days);
            let facts = self.graph.edges_of(node).flat_map(|(edge, _)| self.graph.facts_on(edge));
            let mut days: Vec<Day> = facts.map(|fact| self.graph.fact_day(fact)).collect();
            days.sort_unstable();
            days.dedup();
            days.retain(|day| apart.binary_search_by_key(day, |(day, _)| *day).is_err());
            let nobody = |day| Assignment { node: self.name(node), day: Some(day), customer: None };
            rows.extend(days.into_iter().map(nobody));
        }
        rows
    }

    fn own_span(&self, node: u32, customer: u32) -> Span {
        match self.shared.get(&node) {
            None => Span::Always,
            Some(days) => {
                Span::Except(days.iter().filter(|(_, whose)| *whose != customer).map(|(day, _)| *day).collect())
            }
        }
    }

    /// The days of a shared device that are the customer's, if there are any and the device is not the customer itself.
    fn days_of(&self, device: u32, customer: u32) -> Option<Vec<Day>> {
        if self.graph.node(device).customer == customer {
            return None;
        }
        let days: Vec<Day> =
            self.shared.get(&device)?.iter().filter(|(_, whose)| *whose == customer).map(|(day, _)| *day).collect();
        (!days.is_empty()).then_some(days)
    }

    fn is_placeholder(&self, node: u32) -> bool {
        self.graph.node(node).quarantined && self.graph.node(node).known
    }

    /// Quarantined partners of these nodes, and of those partners: an event's facts all hang on its strongest identifier,
    /// so no placeholder that stands before one of the nodes is farther away.
    fn placeholders_beside(&self, nodes: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        for node in nodes {
            let partners = self.graph.edges_of(node).map(|(_, partner)| partner);
            found.extend(partners.filter(|&partner| self.is_placeholder(partner)));
        }
        found.sort_unstable();
        found.dedup();
        let direct = found.len();
        for place in 0..direct {
            let near = found[place];
            let all = self.graph.placeholders.iter().copied();
            let far = all.filter(|&far| self.is_placeholder(far) && self.graph.are_partners(near, far));
            found.extend(far);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
