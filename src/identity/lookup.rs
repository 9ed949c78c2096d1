//! Questions about identity as it stands. In: identifiers, days, customers' names. Out: whose they are, what belongs to
//! them, and why. Changes nothing.

use std::sync::Arc;

use super::graph::{Fate, NONE};
use super::{Assignment, Fact, Identity, Refusal};
use crate::time::Day;

/// What became of a fact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Both ends are one customer.
    Joins,
    /// A guard keeps the ends apart.
    Refused(Refusal),
    /// It names a person on a device that several persons share: it joins nothing, and may give the day to the person.
    Shared,
    /// One end is a placeholder: the fact does not apply.
    Quarantined,
    /// An operator has cancelled it.
    Revoked,
}

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Joins => "joins",
            Self::Refused(by) => by.as_str(),
            Self::Shared => "shared",
            Self::Quarantined => "quarantined",
            Self::Revoked => "revoked",
        }
    }
}

/// A fact about a customer, with its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub fact: Fact,
    pub verdict: Verdict,
}

impl Identity {
    /// The customer of an event, from its identifiers (strongest first) and its UTC day: that of the first identifier
    /// that is not quarantined. `None`: no identifier is left, the event stays under node 0; or it is outside the
    /// function.
    pub fn customer_of<S: AsRef<str>>(
        &self,
        identifiers: impl IntoIterator<Item = S> + Clone,
        day: Day,
    ) -> Option<Arc<str>> {
        if !self.graph.outside.is_empty() && self.graph.outside.covers(identifiers.clone(), day) {
            return None;
        }
        for identifier in identifiers {
            let name = identifier.as_ref();
            match self.graph.find(name).filter(|&node| self.graph.node(node).known) {
                Some(node) if self.graph.node(node).quarantined => {}
                Some(node) => return Some(self.name(self.day_customer(node, day))),
                // Never named by a fact: a customer of its own.
                None if self.guards.kind_of(name).is_some() => return Some(Arc::from(name)),
                None => {}
            }
        }
        None
    }

    fn day_customer(&self, node: u32, day: Day) -> u32 {
        let state = self.graph.node(node);
        if state.shared
            && let Some(days) = self.shared.get(&node)
            && let Ok(place) = days.binary_search_by_key(&day, |&(day, _)| day)
        {
            return days[place].1;
        }
        state.customer
    }

    /// Every name that a customer could have: all persons and devices ever heard of.
    pub fn all_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.graph.nodes.iter().map(|node| &node.name)
    }

    /// Nodes that count because of events alone.
    pub fn unstated(&self) -> impl Iterator<Item = &Arc<str>> {
        let nodes = (0_u32..).zip(&self.graph.nodes);
        nodes.filter(|&(at, node)| node.known && !self.graph.is_stated(at)).map(|(_, node)| &node.name)
    }

    /// Every customer who may have events of a node.
    pub fn possible_customers(&self, node: &str) -> Vec<Arc<str>> {
        let Some(node) = self.graph.find(node) else { return Vec::new() };
        let mut customers = Vec::new();
        self.mark_possible(node, &mut customers);
        if self.graph.node(node).quarantined {
            self.mark_heirs(node, &mut customers);
        }
        customers.retain(|&customer| customer != NONE);
        self.names(customers)
    }

    /// Whether a customer of this name has been brought by any batch.
    pub fn is_customer(&self, name: &str) -> bool {
        self.customer_node(name).is_some()
    }

    /// Every node whose events may belong to the customer: its own persons and devices, shared devices with a day of its,
    /// and quarantined partners of all these. In order of names.
    pub fn nodes_of(&self, customer: &str) -> Vec<Arc<str>> {
        let Some(name) = self.customer_node(customer) else { return self.unheard_of(customer) };
        let mut nodes = self.ring(name);
        for place in 0..nodes.len() {
            for (_, partner) in self.graph.edges_of(nodes[place]) {
                let days = self.shared.get(&partner);
                if days.is_some_and(|days| days.iter().any(|&(_, customer)| customer == name)) {
                    nodes.extend(self.ring(self.graph.node(partner).customer));
                }
            }
        }
        nodes.sort_unstable();
        nodes.dedup();
        for place in 0..nodes.len() {
            let partners = self.graph.edges_of(nodes[place]).map(|(_, partner)| partner);
            nodes.extend(partners.filter(|&partner| self.graph.node(partner).quarantined));
        }
        self.names(nodes)
    }

    /// The identifiers that are the customer, in order of names; empty for a name that is none.
    pub fn members(&self, customer: &str) -> Vec<Arc<str>> {
        match self.customer_node(customer) {
            Some(name) => self.names(self.ring(name)),
            None => self.unheard_of(customer),
        }
    }

    /// An identifier that no batch has brought yet is a customer of its own.
    fn unheard_of(&self, name: &str) -> Vec<Arc<str>> {
        let known = self.graph.find(name).is_some_and(|node| self.graph.node(node).known);
        let own = !known && self.guards.kind_of(name).is_some();
        own.then(|| Arc::from(name)).into_iter().collect()
    }

    /// The name of every customer.
    pub fn customers(&self) -> impl Iterator<Item = Arc<str>> + '_ {
        (0u32..)
            .zip(&self.graph.nodes)
            .filter(|(place, node)| node.customer == *place)
            .map(|(_, node)| node.name.clone())
    }

    /// Every identifier that is a placeholder.
    pub fn quarantined(&self) -> impl Iterator<Item = Arc<str>> + '_ {
        self.graph.nodes.iter().filter(|node| node.quarantined && node.known).map(|node| node.name.clone())
    }

    /// Every placeholder with how many distinct partners it has, and how many are allowed.
    pub fn placeholders(&self) -> Vec<(Arc<str>, u32, u32)> {
        let list = self.graph.nodes.iter().filter(|node| node.quarantined && node.known);
        list.map(|node| (node.name.clone(), node.partners, self.guards.max_partners(node.kind))).collect()
    }

    /// Pairs that an operator has split, of which the customer holds one.
    pub fn forbidden(&self, customer: &str) -> Vec<(Arc<str>, Arc<str>)> {
        let mut pairs = Vec::new();
        for node in self.customer_node(customer).map_or_else(Vec::new, |name| self.ring(name)) {
            let others = self.graph.forbidden.get(&node).into_iter().flatten();
            pairs.extend(others.map(|&other| (self.name(node), self.name(other))));
        }
        pairs.sort_unstable();
        pairs
    }

    /// What the `identity` table must hold.
    pub fn assignments_all(&self) -> impl Iterator<Item = Assignment> + '_ {
        let known = (0..self.graph.nodes.len() as u32).filter(|&node| self.graph.node(node).known);
        known.flat_map(|node| self.assignments_at(node))
    }

    /// Customers that any of these identifiers stands for, on any day, each once.
    pub fn customers_of(&self, nodes: &[Arc<str>]) -> Vec<Arc<str>> {
        let mut customers: Vec<Arc<str>> =
            nodes.iter().flat_map(|node| self.assignments_of(node)).filter_map(|a| a.customer).collect();
        customers.sort_unstable();
        customers.dedup();
        customers
    }

    /// The rows of one node; empty when it is not known.
    pub fn assignments_of(&self, node: &str) -> Vec<Assignment> {
        let node = self.graph.find(node).filter(|&node| self.graph.node(node).known);
        node.map_or_else(Vec::new, |node| self.assignments_at(node).collect())
    }

    pub(super) fn assignments_at(&self, node: u32) -> impl Iterator<Item = Assignment> + '_ {
        let customer = Some(self.graph.node(node).customer).filter(|&customer| customer != NONE);
        let days = self.shared.get(&node).map_or(&[][..], |days| days);
        std::iter::once((None, customer)).chain(days.iter().map(|&(day, customer)| (Some(day), Some(customer)))).map(
            move |(day, customer)| Assignment {
                node: self.name(node),
                day,
                customer: customer.map(|customer| self.name(customer)),
            },
        )
    }

    /// All nodes of the component a node lies in (itself alone when quarantined), in order of names: what a writer that
    /// must write unchanged rows too (I9) writes for each new fact.
    pub fn component_of(&self, node: &str) -> Vec<Arc<str>> {
        let Some(start) = self.graph.find(node) else { return Vec::new() };
        let mut seen = rustc_hash::FxHashSet::from_iter([start]);
        let mut found = vec![start];
        let mut next = 0;
        while let Some(&node) = found.get(next).filter(|&&node| !self.graph.node(node).quarantined) {
            next += 1;
            let counted = self.graph.edges_of(node).filter(|&(edge, _)| self.graph.edges[edge as usize].counts);
            let partners = counted.map(|(_, partner)| partner);
            found.extend(partners.filter(|&p| !self.graph.node(p).quarantined && seen.insert(p)));
        }
        self.names(found)
    }

    /// Facts that guards refused, with the guard; in the order in which facts count.
    pub fn refused(&self) -> Vec<(Fact, Refusal)> {
        let refusal = |link: Link| match link.verdict {
            Verdict::Refused(by) => Some((link.fact, by)),
            _ => None,
        };
        let refused = |&edge: &u32| matches!(self.graph.edges[edge as usize].fate, Fate::Refused(_));
        self.links((0..self.graph.edges.len() as u32).filter(refused)).into_iter().filter_map(refusal).collect()
    }

    /// Every fact that names a member of the customer, with what became of it, erased ones left out; in the order in which
    /// facts count.
    pub fn why(&self, customer: &str) -> Vec<Link> {
        let Some(name) = self.customer_node(customer) else { return Vec::new() };
        let mut edges: Vec<u32> =
            self.ring(name).into_iter().flat_map(|node| self.graph.edges_of(node)).map(|(edge, _)| edge).collect();
        edges.sort_unstable();
        edges.dedup();
        self.links(edges)
    }

    fn links(&self, edges: impl IntoIterator<Item = u32>) -> Vec<Link> {
        let mut facts: Vec<(u32, Verdict)> = Vec::new();
        for edge in edges {
            let kept = self.graph.facts_on(edge).filter(|&fact| !self.graph.is_erased(fact));
            facts.extend(kept.map(|fact| (fact, self.graph.verdict(fact))));
        }
        facts.sort_unstable_by(|x, y| self.graph.fact_order(x.0, y.0, &self.guards));
        facts.into_iter().map(|(fact, verdict)| Link { fact: self.graph.fact(fact), verdict }).collect()
    }

    /// The node that is this customer's name, if there is such a customer.
    pub(super) fn customer_node(&self, customer: &str) -> Option<u32> {
        self.graph.find(customer).filter(|&node| self.graph.node(node).customer == node)
    }

    pub(super) fn ring(&self, name: u32) -> Vec<u32> {
        let mut members = vec![name];
        let mut at = self.graph.node(name).next_member;
        while at != name {
            members.push(at);
            at = self.graph.node(at).next_member;
        }
        members
    }

    pub(super) fn names(&self, mut nodes: Vec<u32>) -> Vec<Arc<str>> {
        nodes.sort_unstable();
        nodes.dedup();
        let mut names: Vec<Arc<str>> = nodes.into_iter().map(|node| self.name(node)).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn name(&self, node: u32) -> Arc<str> {
        self.graph.node(node).name.clone()
    }
}
