//! All live facts in memory, as a graph. In: facts, in any order, any number of times. Out: dense nodes, the edges between
//! them and each edge's earliest fact. Counts partners and so knows who is quarantined; never decides who is whose
//! customer.
//!
//! Two identifiers may be named together every day for years: such facts hang on one edge, and the fold looks at edges.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::guards::{Guards, Refusal};
use super::{Fact, lookup::Verdict};
use crate::event::{KindId, SourceId};
use crate::time::{Day, Timestamp};

/// End of a list, or no node.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Node {
    pub name: Arc<str>,
    pub kind: KindId,
    /// More distinct partners than `max_partners`: a placeholder.
    pub quarantined: bool,
    /// A device whose days are assigned apart, in `Identity::shared`.
    pub shared: bool,
    /// The node that names its customer; `NONE` until the first fold, and while quarantined.
    pub customer: u32,
    /// Ring through all members of its customer.
    pub next_member: u32,
    /// Place in the list of visited nodes of the batch at hand; stale otherwise.
    pub slot: u32,
    edges: u32,
    partners: u32,
}

/// Two identifiers and the facts about the pair.
#[derive(Debug)]
pub(super) struct Edge {
    pub lo: u32,
    pub hi: u32,
    /// The fact of the pair that counts first.
    pub earliest: u32,
    /// What the last fold made of the pair's facts; all of them share one fate.
    pub fate: Fate,
    facts: u32,
    next_of_lo: u32,
    next_of_hi: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Joins,
    Refused(Refusal),
    Shared,
}

#[derive(Debug)]
struct Statement {
    occurred_at: Timestamp,
    event_id: Arc<str>,
    edge: u32,
    next: u32,
    generation: u32,
    day: Day,
    source: SourceId,
    /// `a` is the edge's `hi`.
    flipped: bool,
}

#[derive(PartialEq, Eq, Hash, Debug)]
struct Key {
    a: u32,
    b: u32,
    generation: u32,
    day: Day,
    source: SourceId,
}

/// What a batch of facts has changed, before any fold.
#[derive(Default, Debug)]
pub(super) struct Touched {
    /// Nodes from this one on are new.
    pub first_node: u32,
    /// Facts from this one on are new.
    pub first_fact: u32,
    /// Older facts that were found stated earlier.
    pub earlier: Vec<u32>,
    /// One node of each edge whose component must be folded again.
    pub seeds: Vec<u32>,
    /// Nodes that crossed into quarantine.
    pub crossed: Vec<u32>,
}

#[derive(Default, Debug)]
pub(super) struct Graph {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    facts: Vec<Statement>,
    /// All quarantined nodes.
    pub placeholders: BTreeSet<u32>,
    by_name: FxHashMap<Arc<str>, u32>,
    by_pair: FxHashMap<(u32, u32), u32>,
    by_key: FxHashMap<Key, u32>,
}

impl Graph {
    pub fn touched(&self) -> Touched {
        Touched { first_node: self.nodes.len() as u32, first_fact: self.facts.len() as u32, ..Touched::default() }
    }

    pub fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    pub fn find(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    pub fn fact_count(&self) -> u32 {
        self.facts.len() as u32
    }

    /// The node of an identifier, new or known; `None` when its kind is an object or not declared.
    pub fn intern(&mut self, name: &Arc<str>, guards: &Guards) -> Option<u32> {
        if let Some(known) = self.find(name) {
            return Some(known);
        }
        let kind = guards.kind_of(name)?;
        let node = dense(self.nodes.len());
        self.nodes.push(Node {
            name: name.clone(),
            kind,
            quarantined: false,
            shared: false,
            customer: NONE,
            next_member: node,
            slot: NONE,
            edges: NONE,
            partners: 0,
        });
        self.by_name.insert(name.clone(), node);
        Some(node)
    }

    /// Adds one fact; a fact already known with an earlier or equal statement changes nothing.
    pub fn state(&mut self, fact: Fact, guards: &Guards, touched: &mut Touched) {
        if !guards.is_live(&fact) {
            return;
        }
        let (Some(a), Some(b)) = (self.intern(&fact.a, guards), self.intern(&fact.b, guards)) else { return };
        if a == b {
            return;
        }
        let key = Key { a, b, generation: fact.generation, day: fact.day, source: fact.source };
        if let Some(&known) = self.by_key.get(&key) {
            self.restate(known, fact, guards, touched);
            return;
        }
        let new = dense(self.facts.len());
        self.by_key.insert(key, new);
        let edge = match self.by_pair.get(&(a.min(b), a.max(b))) {
            Some(&edge) => edge,
            None => self.connect(a.min(b), a.max(b), guards, touched),
        };
        self.facts.push(Statement {
            occurred_at: fact.occurred_at,
            event_id: fact.event_id,
            edge,
            next: self.edges[edge as usize].facts,
            generation: fact.generation,
            day: fact.day,
            source: fact.source,
            flipped: a > b,
        });
        self.edges[edge as usize].facts = new;
        let first = self.lead(edge, new, guards);
        if first || self.edges[edge as usize].fate == Fate::Shared {
            touched.seeds.push(a);
        }
    }

    fn restate(&mut self, known: u32, fact: Fact, guards: &Guards, touched: &mut Touched) {
        let statement = &mut self.facts[known as usize];
        if (fact.occurred_at, &fact.event_id) >= (statement.occurred_at, &statement.event_id) {
            return;
        }
        statement.occurred_at = fact.occurred_at;
        statement.event_id = fact.event_id;
        let edge = statement.edge;
        if known < touched.first_fact {
            touched.earlier.push(known);
        }
        if self.lead(edge, known, guards) {
            touched.seeds.push(self.edges[edge as usize].lo);
        }
    }

    /// Makes a fact the earliest of its edge if it is; says so.
    fn lead(&mut self, edge: u32, fact: u32, guards: &Guards) -> bool {
        let earliest = self.edges[edge as usize].earliest;
        let leads = earliest == NONE || earliest == fact || self.fact_order(fact, earliest, guards).is_lt();
        if leads {
            self.edges[edge as usize].earliest = fact;
        }
        leads
    }

    fn connect(&mut self, lo: u32, hi: u32, guards: &Guards, touched: &mut Touched) -> u32 {
        let edge = dense(self.edges.len());
        self.edges.push(Edge {
            lo,
            hi,
            earliest: NONE,
            fate: Fate::Joins,
            facts: NONE,
            next_of_lo: self.node(lo).edges,
            next_of_hi: self.node(hi).edges,
        });
        self.by_pair.insert((lo, hi), edge);
        for end in [lo, hi] {
            let node = &mut self.nodes[end as usize];
            node.edges = edge;
            node.partners = node.partners.saturating_add(1);
            if !node.quarantined && node.partners > guards.max_partners(node.kind) {
                node.quarantined = true;
                self.placeholders.insert(end);
                touched.crossed.push(end);
            }
        }
        edge
    }

    pub fn are_partners(&self, x: u32, y: u32) -> bool {
        self.by_pair.contains_key(&(x.min(y), x.max(y)))
    }

    /// (edge, other end) of every pair a node is in, quarantined partners included.
    pub fn edges_of(&self, node: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let mut at = self.first_edge(node);
        std::iter::from_fn(move || {
            let (edge, other, next) = self.step(at, node)?;
            at = next;
            Some((edge, other))
        })
    }

    /// For a walk that changes nodes as it goes: start here, then `step` until it gives nothing.
    pub fn first_edge(&self, node: u32) -> u32 {
        self.node(node).edges
    }

    /// (edge, other end, edge to step to next).
    pub fn step(&self, at: u32, node: u32) -> Option<(u32, u32, u32)> {
        let edge = self.edges.get(at as usize)?;
        let (other, next) = if edge.lo == node { (edge.hi, edge.next_of_lo) } else { (edge.lo, edge.next_of_hi) };
        Some((at, other, next))
    }

    /// Numbers of an edge's facts, in no order that means anything.
    pub fn facts_on(&self, edge: u32) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.edges[edge as usize].facts;
        std::iter::from_fn(move || {
            let statement = self.facts.get(at as usize)?;
            Some(std::mem::replace(&mut at, statement.next))
        })
    }

    pub fn fact(&self, number: u32) -> Fact {
        let statement = &self.facts[number as usize];
        let (a, b) = self.ends(statement);
        Fact {
            a: self.node(a).name.clone(),
            b: self.node(b).name.clone(),
            source: statement.source,
            generation: statement.generation,
            day: statement.day,
            occurred_at: statement.occurred_at,
            event_id: statement.event_id.clone(),
        }
    }

    pub fn fact_day(&self, number: u32) -> Day {
        self.facts[number as usize].day
    }

    pub fn fact_time(&self, number: u32) -> Timestamp {
        self.facts[number as usize].occurred_at
    }

    /// Facts with equal origin may come from one event.
    pub fn fact_origin(&self, number: u32) -> (SourceId, u32, Day) {
        let statement = &self.facts[number as usize];
        (statement.source, statement.generation, statement.day)
    }

    pub fn fact_source(&self, number: u32) -> SourceId {
        self.facts[number as usize].source
    }

    /// The order in which facts count: (occurred_at, source's name, event_id, a, b).
    pub fn fact_order(&self, x: u32, y: u32, guards: &Guards) -> Ordering {
        let (x, y) = (&self.facts[x as usize], &self.facts[y as usize]);
        let name = |node: u32| &*self.node(node).name;
        x.occurred_at
            .cmp(&y.occurred_at)
            .then_with(|| guards.source_rank(x.source).cmp(&guards.source_rank(y.source)))
            .then_with(|| x.event_id.cmp(&y.event_id))
            .then_with(|| {
                let ((xa, xb), (ya, yb)) = (self.ends(x), self.ends(y));
                (name(xa), name(xb)).cmp(&(name(ya), name(yb)))
            })
            .then_with(|| x.generation.cmp(&y.generation))
    }

    /// The last verdict on an edge's facts.
    pub fn verdict(&self, edge: u32) -> Verdict {
        let edge = &self.edges[edge as usize];
        if self.node(edge.lo).quarantined || self.node(edge.hi).quarantined {
            return Verdict::Quarantined;
        }
        match edge.fate {
            Fate::Joins => Verdict::Joins,
            Fate::Refused(by) => Verdict::Refused(by),
            Fate::Shared => Verdict::Shared,
        }
    }

    fn ends(&self, statement: &Statement) -> (u32, u32) {
        let edge = &self.edges[statement.edge as usize];
        if statement.flipped { (edge.hi, edge.lo) } else { (edge.lo, edge.hi) }
    }
}

fn dense(len: usize) -> u32 {
    u32::try_from(len).ok().filter(|&n| n != NONE).expect("memory ends long before four billion identifiers or facts")
}
