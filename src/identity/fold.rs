//! The fold of one component: persons first, devices second. In: a component's nodes and edges. Out: the customer of each
//! node, the days of shared devices, the fate of each edge. Rests on nothing that an earlier fold decided.
//!
//! All facts of an edge share the fate of its earliest one: groups only grow, so what a guard refuses once it refuses for
//! ever, and what is joined stays joined.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::graph::{Edge, Fate, Graph, NONE};
use super::guards::{Guards, Refusal, Tally, add, tally_of};
use crate::time::{Day, Timestamp};

/// Days of a shared device group on which exactly one person is named, each with the node that names the customer.
pub(super) type Days = Arc<[(Day, u32)]>;

/// Linked to two or more persons.
const SHARED: u32 = NONE - 1;

/// The working space of folds; kept so that small components cost no allocation. Indices are places in `members`.
#[derive(Default, Debug)]
pub(super) struct Fold {
    ordered: Vec<(Timestamp, u16, u32)>,
    parent: Vec<u32>,
    tally: Vec<Tally>,
    /// Place of the node's earliest fact in the component's order; a node without facts has none.
    first: Vec<u32>,
    /// Of a device group: the only person it is linked to, `SHARED`, or `NONE`.
    link: Vec<u32>,
    /// Of a device group: the person it has joined.
    owner: Vec<u32>,
    /// Of a group: its best name so far.
    name: Vec<u32>,
    /// Edges between a person and a device, in order: (edge, person, device).
    across: Vec<(u32, u32, u32)>,
    /// The same of pairs that only erased facts name, in no order.
    erased: Vec<(u32, u32, u32)>,
    /// Pairs that may not end in one customer.
    forbidden: Vec<(u32, u32)>,
    /// (device group, day, person, whether an erased fact says so).
    named: Vec<(u32, Day, u32, bool)>,
    days: FxHashMap<u32, Days>,
}

impl Fold {
    /// Folds one component. `members[i].slot` is `first_slot + i`.
    pub fn run(&mut self, graph: &mut Graph, guards: &Guards, members: &[u32], first_slot: u32, edges: &[u32]) {
        self.reset(graph, members, first_slot);
        self.sort(graph, guards, edges);
        let local = |graph: &Graph, node: u32| graph.node(node).slot - first_slot;
        for place in 0..self.ordered.len() {
            let edge = self.ordered[place].2;
            let (lo, hi) = (graph.edges[edge as usize].lo, graph.edges[edge as usize].hi);
            let (x, y) = (local(graph, lo), local(graph, hi));
            for node in [x, y] {
                let first = &mut self.first[node as usize];
                *first = (*first).min(place as u32);
            }
            let forbidden = graph.edges[edge as usize].forbidden;
            match (guards.is_person(graph.node(lo).kind), guards.is_person(graph.node(hi).kind)) {
                _ if forbidden => graph.edges[edge as usize].fate = Fate::Refused(Refusal::Forbid),
                (true, false) => self.across.push((edge, x, y)),
                (false, true) => self.across.push((edge, y, x)),
                _ => graph.edges[edge as usize].fate = self.unite(x, y, guards),
            }
        }
        for &edge in edges {
            let Edge { lo, hi, earliest, forbidden, .. } = graph.edges[edge as usize];
            let person = |node: u32| guards.is_person(graph.node(node).kind);
            if earliest == NONE && !forbidden && person(lo) != person(hi) {
                let (p, d) = if person(lo) { (lo, hi) } else { (hi, lo) };
                self.erased.push((edge, local(graph, p), local(graph, d)));
            }
        }
        self.link_devices();
        self.join_devices(graph, guards);
        self.name_groups(graph, guards, members);
        self.name_days(graph);
    }

    /// The node that names the customer of a member.
    pub fn customer(&mut self, member: u32) -> u32 {
        let group = self.group(member);
        self.name[group as usize]
    }

    /// The days of a member that is a shared device.
    pub fn days(&mut self, member: u32) -> Option<Days> {
        if self.days.is_empty() {
            return None;
        }
        let root = self.root(member);
        self.days.get(&root).cloned()
    }

    fn reset(&mut self, graph: &Graph, members: &[u32], first_slot: u32) {
        let n = members.len();
        self.parent.clear();
        self.parent.extend(0..n as u32);
        self.tally.clear();
        self.tally.extend(members.iter().map(|&node| tally_of(graph.node(node).kind)));
        for list in [&mut self.first, &mut self.link, &mut self.owner, &mut self.name] {
            list.clear();
            list.resize(n, NONE);
        }
        self.across.clear();
        self.erased.clear();
        self.named.clear();
        self.days.clear();
        self.forbidden.clear();
        if graph.forbidden.is_empty() {
            return;
        }
        for (place, node) in members.iter().enumerate() {
            for &other in graph.forbidden.get(node).into_iter().flatten() {
                // A slot may be of an earlier walk.
                let slot = graph.node(other).slot.wrapping_sub(first_slot);
                if members.get(slot as usize) == Some(&other) {
                    self.forbidden.push((place as u32, slot));
                }
            }
        }
    }

    fn sort(&mut self, graph: &Graph, guards: &Guards, edges: &[u32]) {
        self.ordered.clear();
        let joining = edges.iter().filter(|&&edge| graph.edges[edge as usize].earliest != NONE);
        self.ordered.extend(joining.map(|&edge| {
            let earliest = graph.edges[edge as usize].earliest;
            (graph.fact_time(earliest), guards.source_rank(graph.fact_source(earliest)), edge)
        }));
        let earliest = |edge: u32| graph.edges[edge as usize].earliest;
        self.ordered.sort_unstable_by(|x, y| {
            (x.0, x.1).cmp(&(y.0, y.1)).then_with(|| graph.fact_order(earliest(x.2), earliest(y.2), guards))
        });
    }

    /// Joins two groups of one class, unless a guard is against it.
    fn unite(&mut self, x: u32, y: u32, guards: &Guards) -> Fate {
        let (x, y) = (self.root(x), self.root(y));
        if x == y {
            return Fate::Joins;
        }
        if let Some(by) = self.refusal(x, y, guards) {
            return Fate::Refused(by);
        }
        let size = |tally: &Tally| tally.iter().map(|&(_, n)| n).sum::<u32>();
        let (into, from) = if size(&self.tally[x as usize]) >= size(&self.tally[y as usize]) { (x, y) } else { (y, x) };
        self.parent[from as usize] = into;
        let moved = std::mem::take(&mut self.tally[from as usize]);
        add(&mut self.tally[into as usize], &moved);
        Fate::Joins
    }

    /// Why two groups may not be one customer.
    fn refusal(&mut self, x: u32, y: u32, guards: &Guards) -> Option<Refusal> {
        if let Some(by) = guards.refusal(&self.tally[x as usize], &self.tally[y as usize]) {
            return Some(by);
        }
        for at in 0..self.forbidden.len() {
            let (a, b) = self.forbidden[at];
            if (self.group(a), self.group(b)) == (x, y) {
                return Some(Refusal::Forbid);
            }
        }
        None
    }

    /// Which person each device group is linked to: every fact counts, also one that a guard will refuse, and an erased
    /// one, so that nobody inherits a history.
    fn link_devices(&mut self) {
        for at in 0..self.across.len() + self.erased.len() {
            let (_, person, device) = self.link_at(at);
            let (person, device) = (self.root(person), self.root(device));
            let link = &mut self.link[device as usize];
            *link = if *link == NONE || *link == person { person } else { SHARED };
        }
    }

    /// A device group linked to one person joins it at their first fact, if the guards let it.
    fn join_devices(&mut self, graph: &mut Graph, guards: &Guards) {
        for at in 0..self.across.len() {
            let (edge, person, device) = self.across[at];
            let (person, device) = (self.root(person), self.root(device));
            graph.edges[edge as usize].fate = if self.link[device as usize] == SHARED {
                Fate::Shared
            } else if self.owner[device as usize] == person {
                Fate::Joins
            } else if let Some(by) = self.refusal(person, device, guards) {
                Fate::Refused(by)
            } else {
                self.owner[device as usize] = person;
                let joined = self.tally[device as usize].clone();
                add(&mut self.tally[person as usize], &joined);
                Fate::Joins
            };
        }
    }

    /// A customer's name: its identifier of highest priority, then earliest fact, then least value.
    fn name_groups(&mut self, graph: &Graph, guards: &Guards, members: &[u32]) {
        // `name` holds members while they compete, nodes afterwards.
        for member in 0..members.len() as u32 {
            let group = self.group(member) as usize;
            let rank = |member: u32| {
                let node = graph.node(members[member as usize]);
                (guards.priority(node.kind), self.first[member as usize], &*node.name)
            };
            if self.name[group] == NONE || rank(member) < rank(self.name[group]) {
                self.name[group] = member;
            }
        }
        for name in self.name.iter_mut().filter(|name| **name != NONE) {
            *name = members[*name as usize];
        }
    }

    /// A day goes to the only person named on it, unless only erased facts name that person.
    fn name_days(&mut self, graph: &Graph) {
        for at in 0..self.across.len() + self.erased.len() {
            let (edge, person, device) = self.link_at(at);
            let (person, device) = (self.root(person), self.root(device));
            if self.link[device as usize] == SHARED {
                let standing = graph.facts_on(edge).filter(|&fact| !graph.is_revoked(fact));
                self.named.extend(standing.map(|fact| (device, graph.fact_day(fact), person, graph.is_erased(fact))));
            }
        }
        self.named.sort_unstable();
        self.named.dedup();
        for group in self.named.chunk_by(|x, y| x.0 == y.0) {
            let days = group
                .chunk_by(|x, y| x.1 == y.1)
                .filter(|named| named.iter().all(|n| n.2 == named[0].2) && !named[0].3)
                .map(|named| (named[0].1, self.name[named[0].2 as usize]))
                .collect();
            self.days.insert(group[0].0, days);
        }
    }

    /// A pair of a person and a device: first those that may join, then those that only erased facts name.
    fn link_at(&self, at: usize) -> (u32, u32, u32) {
        let joining = self.across.len();
        if at < joining { self.across[at] } else { self.erased[at - joining] }
    }

    /// The customer of a member, as a group: its own group, or the person its device group has joined.
    fn group(&mut self, member: u32) -> u32 {
        let root = self.root(member);
        match self.owner[root as usize] {
            NONE => root,
            person => person,
        }
    }

    fn root(&mut self, member: u32) -> u32 {
        let mut at = member;
        while self.parent[at as usize] != at {
            let up = self.parent[self.parent[at as usize] as usize];
            self.parent[at as usize] = up;
            at = up;
        }
        at
    }
}
