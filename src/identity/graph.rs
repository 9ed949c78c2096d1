//! All live facts in memory, as a graph. In: facts, in any order, any number of times. Out: dense nodes, the edges between
//! them and each edge's earliest fact. Counts partners and so knows who is quarantined; never decides who is whose
//! customer.
//!
//! Two identifiers may be named together every day for years: such facts hang on one edge, and the fold looks at edges.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::guards::{Guards, Refusal};
use super::{Fact, Outside, lookup::Verdict};
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
    /// An event or fact inside the function names it. Others are here because an erased fact or `forbid` names them: they
    /// are no customers.
    pub known: bool,
    /// A device whose days are assigned apart, in `Identity::shared`.
    pub shared: bool,
    /// The node that names its customer; `NONE` until the first fold, and while quarantined.
    pub customer: u32,
    /// Ring through all members of its customer.
    pub next_member: u32,
    /// Place in the list of visited nodes of the batch at hand; stale otherwise.
    pub slot: u32,
    edges: u32,
    pub partners: u32,
}

/// Two identifiers and the facts about the pair.
#[derive(Debug)]
pub(super) struct Edge {
    pub lo: u32,
    pub hi: u32,
    /// The fact of the pair that counts first; none if no fact may join the pair.
    pub earliest: u32,
    /// Some fact of the pair has not been revoked: the ends are partners of each other.
    pub counts: bool,
    /// The ends may never be one customer.
    pub forbidden: bool,
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
pub(super) struct Statement {
    occurred_at: Timestamp,
    event_id: Arc<str>,
    edge: u32,
    next: u32,
    generation: u32,
    pub day: Day,
    source: SourceId,
    /// `a` is the edge's `hi`.
    flipped: bool,
    /// Cancelled: counts for nothing.
    pub revoked: bool,
    /// Covered by an erasure: counts as a link, and joins nothing.
    pub erased: bool,
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
    /// Nodes that came back from it.
    pub freed: Vec<u32>,
    /// Older nodes that an event inside the function names for the first time.
    pub appeared: Vec<u32>,
}

#[derive(Default, Debug)]
pub(super) struct Graph {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    /// All quarantined nodes.
    pub placeholders: BTreeSet<u32>,
    pub facts: Vec<Statement>,
    by_name: FxHashMap<Arc<str>, u32>,
    pub by_pair: FxHashMap<(u32, u32), u32>,
    by_key: FxHashMap<Key, u32>,
    /// Pairs whose statements are cancelled, with the last day that is.
    pub revoked: FxHashMap<(u32, u32), Day>,
    /// Pairs that may never be one customer, from both sides.
    pub forbidden: FxHashMap<u32, SmallVec<[u32; 2]>>,
    pub outside: Outside,
}

impl Graph {
    pub fn with(outside: Outside) -> Self {
        Self { outside, ..Self::default() }
    }

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

    /// The node of an identifier that an event inside the function names; `None` when its kind is an object or not
    /// declared.
    pub fn know(&mut self, name: &Arc<str>, guards: &Guards, touched: &mut Touched) -> Option<u32> {
        let node = self.intern(name, guards)?;
        self.appear(node, touched);
        Some(node)
    }

    fn appear(&mut self, node: u32, touched: &mut Touched) {
        let state = &mut self.nodes[node as usize];
        if !std::mem::replace(&mut state.known, true) && node < touched.first_node {
            touched.seeds.push(node);
            touched.appeared.push(node);
        }
    }

    /// The node of an identifier, new or old.
    pub(super) fn intern(&mut self, name: &Arc<str>, guards: &Guards) -> Option<u32> {
        if let Some(old) = self.find(name) {
            return Some(old);
        }
        let kind = guards.kind_of(name)?;
        let node = dense(self.nodes.len());
        self.nodes.push(Node {
            name: name.clone(),
            kind,
            quarantined: false,
            known: false,
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
        // An object is no identifier, and a fact about one is none of ours: neither of its ends is taken in.
        let (a, b) = (self.find(&fact.a), self.find(&fact.b));
        let is_foreign = |node: Option<u32>, name: &str| node.is_none() && guards.kind_of(name).is_none();
        if fact.a == fact.b || is_foreign(a, &fact.a) || is_foreign(b, &fact.b) {
            return;
        }
        let Some(a) = a.or_else(|| self.intern(&fact.a, guards)) else { return };
        let Some(b) = b.or_else(|| self.intern(&fact.b, guards)) else { return };
        let erased = self.outside.names(&fact.a, fact.day) || self.outside.names(&fact.b, fact.day);
        if !erased {
            self.appear(a, touched);
            self.appear(b, touched);
        }
        let key = Key { a, b, generation: fact.generation, day: fact.day, source: fact.source };
        if let Some(&known) = self.by_key.get(&key) {
            self.restate(known, fact, guards, touched);
            return;
        }
        let new = dense(self.facts.len());
        self.by_key.insert(key, new);
        let pair = (a.min(b), a.max(b));
        let edge = match self.by_pair.get(&pair) {
            Some(&edge) => edge,
            None => self.connect(pair),
        };
        let revoked = !self.revoked.is_empty() && self.revoked.get(&pair).is_some_and(|until| fact.day <= *until);
        self.facts.push(Statement {
            occurred_at: fact.occurred_at,
            event_id: fact.event_id,
            edge,
            next: self.edges[edge as usize].facts,
            generation: fact.generation,
            day: fact.day,
            source: fact.source,
            flipped: a > b,
            revoked,
            erased,
        });
        self.edges[edge as usize].facts = new;
        if revoked {
            return;
        }
        self.count(edge, true, guards, touched);
        let first = !erased && self.lead(edge, new, guards);
        if first || erased || self.edges[edge as usize].fate == Fate::Shared {
            touched.seeds.push(a);
        }
    }

    fn restate(&mut self, known: u32, fact: Fact, guards: &Guards, touched: &mut Touched) {
        let statement = &mut self.facts[known as usize];
        if statement.erased || (fact.occurred_at, &fact.event_id) >= (statement.occurred_at, &statement.event_id) {
            return;
        }
        statement.occurred_at = fact.occurred_at;
        statement.event_id = fact.event_id;
        let edge = statement.edge;
        let revoked = statement.revoked;
        if known < touched.first_fact {
            touched.earlier.push(known);
        }
        if !revoked && self.lead(edge, known, guards) {
            touched.seeds.push(self.edges[edge as usize].lo);
        }
    }

    /// Makes a fact the earliest of its edge if it is; says so.
    pub(super) fn lead(&mut self, edge: u32, fact: u32, guards: &Guards) -> bool {
        let earliest = self.edges[edge as usize].earliest;
        let leads = earliest == NONE || earliest == fact || self.fact_order(fact, earliest, guards).is_lt();
        if leads {
            self.edges[edge as usize].earliest = fact;
        }
        leads
    }

    fn connect(&mut self, (lo, hi): (u32, u32)) -> u32 {
        let edge = dense(self.edges.len());
        self.edges.push(Edge {
            lo,
            hi,
            earliest: NONE,
            counts: false,
            forbidden: self.forbidden.get(&lo).is_some_and(|others| others.contains(&hi)),
            fate: Fate::Joins,
            facts: NONE,
            next_of_lo: self.node(lo).edges,
            next_of_hi: self.node(hi).edges,
        });
        self.by_pair.insert((lo, hi), edge);
        for end in [lo, hi] {
            self.nodes[end as usize].edges = edge;
        }
        edge
    }

    pub fn are_partners(&self, x: u32, y: u32) -> bool {
        self.by_pair.contains_key(&(x.min(y), x.max(y)))
    }

    /// Whether the ends of a pair are partners; says who crosses a border of quarantine by it.
    pub(super) fn count(&mut self, edge: u32, counts: bool, guards: &Guards, touched: &mut Touched) {
        let state = &mut self.edges[edge as usize];
        if std::mem::replace(&mut state.counts, counts) == counts {
            return;
        }
        for end in [state.lo, state.hi] {
            let node = &mut self.nodes[end as usize];
            node.partners = if counts { node.partners.saturating_add(1) } else { node.partners - 1 };
            let quarantined = node.partners > guards.max_partners(node.kind);
            if std::mem::replace(&mut node.quarantined, quarantined) != quarantined {
                if quarantined {
                    self.placeholders.insert(end);
                    touched.crossed.push(end);
                } else {
                    self.placeholders.remove(&end);
                    touched.freed.push(end);
                }
            }
        }
    }

    /// (edge, other end) of every pair a node was ever named in, quarantined partners and cancelled pairs included: events
    /// of one may belong to the other.
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

    /// Numbers of an edge's facts, in no order that means anything; cancelled and erased ones are among them.
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

    pub fn is_revoked(&self, number: u32) -> bool {
        self.facts[number as usize].revoked
    }

    pub fn is_erased(&self, number: u32) -> bool {
        self.facts[number as usize].erased
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

    /// The last verdict on a fact.
    pub fn verdict(&self, fact: u32) -> Verdict {
        let statement = &self.facts[fact as usize];
        let edge = &self.edges[statement.edge as usize];
        if statement.revoked {
            return Verdict::Revoked;
        }
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
