//! The best alignment of a path with the model (semantics.md, "Conformance", "Alignment"). In: a path and the end it must
//! come to, or none for a prefix. Out: what it costs, and of the cheapest alignments the least and the greatest by the
//! law's order; or that the bound was reached, or that the model has no run to that end.
//!
//! A* on pairs of (events consumed, state). An event that the run cannot come to any more costs 1, and so does every
//! visit that the run still needs beyond the events left: a lower bound that no step lowers by more than it costs, so a
//! pair is expanded once, and all pairs on cheapest alignments are.

use rustc_hash::FxHashMap;

use super::automaton::{Automaton, NONE, StateId};
use super::model::{FAR, Symbol};
use super::state::START;

/// Expanded pairs beyond which a path is not evaluated.
pub const BOUND: usize = 1_000_000;

/// In the order in which the law compares moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// The event is the run's next visit.
    Sync(Symbol),
    /// A visit that the run makes and the path lacks.
    Model(Symbol),
    /// An event that the run does not make.
    Log(Symbol),
}

impl Move {
    pub const fn symbol(self) -> Symbol {
        match self {
            Self::Sync(symbol) | Self::Model(symbol) | Self::Log(symbol) => symbol,
        }
    }

    pub const fn is_sync(self) -> bool {
        matches!(self, Self::Sync(_))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// Log and model moves.
    pub cost: u32,
    /// Fewest model moves, then the least move by move.
    pub least: Vec<Move>,
    /// Most model moves, then the greatest move by move.
    pub greatest: Vec<Move>,
}

/// Why a path was not evaluated. Closed: `as_str` is the column value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotEvaluated {
    /// More pairs than the bound.
    TooLong,
    /// The model has no run to that end, or, of a prefix, to any.
    NoRun,
    /// Nothing was visited.
    NoEvents,
}

impl NotEvaluated {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NoRun => "no_run",
            Self::NoEvents => "no_events",
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Events consumed.
    at: u32,
    state: StateId,
    /// What it cost to come here; least once the node is done.
    cost: u32,
    done: bool,
    /// Fewest and most model moves from here to the goal at the least cost; [`FAR`]: no cheapest alignment.
    fewest: u32,
    most: u32,
}

/// Scratch of the search; kept, so that nothing is allocated per path.
#[derive(Debug, Default)]
pub struct Search {
    nodes: Vec<Node>,
    index: FxHashMap<u64, u32>,
    buckets: Vec<Vec<u32>>,
    /// By stage (the start last) and events consumed: how many events after that a run in the stage can still come to.
    usable: Vec<u32>,
    order: Vec<u32>,
    expanded: usize,
}

const fn key(at: u32, state: StateId) -> u64 {
    (at as u64) << 32 | state as u64
}

impl Search {
    /// `end`: place in `Model::ends`, or none for a prefix.
    pub fn align(
        &mut self,
        automaton: &mut Automaton,
        path: &[Symbol],
        end: Option<u16>,
        bound: usize,
    ) -> Result<Alignment, NotEvaluated> {
        self.expanded = 0;
        if automaton.steps(automaton.start()).is_empty() {
            return Err(NotEvaluated::NoRun);
        }
        if follows(automaton, path, end) {
            let moves: Vec<Move> = path.iter().map(|&symbol| Move::Sync(symbol)).collect();
            return Ok(Alignment { cost: 0, least: moves.clone(), greatest: moves });
        }
        self.look_ahead(automaton, path);
        let cost = self.explore(automaton, path, end, bound)?;
        self.count_model_moves(automaton, path, end, cost);
        let least = self.walk(automaton, path, false);
        let greatest = self.walk(automaton, path, true);
        Ok(Alignment { cost, least, greatest })
    }

    /// Pairs that the last path took.
    pub const fn expanded(&self) -> usize {
        self.expanded
    }

    /// Bytes held between paths.
    pub fn bytes(&self) -> usize {
        let buckets: usize = self.buckets.iter().map(|b| b.capacity() * 4).sum();
        self.nodes.capacity() * size_of::<Node>() + self.index.capacity() * 13 + buckets + self.usable.capacity() * 4
    }

    fn look_ahead(&mut self, automaton: &Automaton, path: &[Symbol]) {
        let model = automaton.model();
        let (n, width) = (model.stages.len(), path.len() + 1);
        self.usable.clear();
        self.usable.resize((n + 1) * width, 0);
        for stage in 0..=n {
            let row = &mut self.usable[stage * width..(stage + 1) * width];
            for (at, &symbol) in path.iter().enumerate().rev() {
                let of = model.step(symbol).stage;
                row[at] = row[at + 1] + u32::from(stage == n || model.reaches(stage as u16, of));
            }
        }
    }

    /// The least that can still be paid from here; [`FAR`]: the end cannot be reached.
    fn bound(&self, automaton: &Automaton, at: u32, state: StateId, length: usize, end: Option<u16>) -> u32 {
        let model = automaton.model();
        let here = automaton.state(state);
        let left = length as u32 - at;
        if here.is_closed(model) {
            return if end.is_none_or(|end| end + 1 == here.end) { left } else { FAR };
        }
        let n = model.stages.len();
        let stage = if here.stage == START { n } else { usize::from(here.stage) };
        let usable = self.usable[stage * (length + 1) + at as usize];
        let needed = match end {
            None => 0,
            Some(end) if here.end == end + 1 => 0,
            Some(_) if here.end > 0 => return FAR,
            Some(end) if here.stage == START => {
                let entries = (0..n).filter(|&s| model.stages[s].entry).map(|s| model.distance(end, s as u16));
                entries.min().unwrap_or(FAR).saturating_add(1)
            }
            Some(end) => model.distance(end, here.stage).max(1),
        };
        if needed == FAR {
            return FAR;
        }
        left - usable + needed.saturating_sub(usable)
    }

    fn reach(&mut self, at: u32, state: StateId, cost: u32, total: u32) {
        match self.index.entry(key(at, state)) {
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(self.nodes.len() as u32);
                self.nodes.push(Node { at, state, cost, done: false, fewest: FAR, most: FAR });
                self.put(self.nodes.len() as u32 - 1, total);
            }
            std::collections::hash_map::Entry::Occupied(slot) => {
                let node = *slot.get();
                if cost < self.nodes[node as usize].cost {
                    self.nodes[node as usize].cost = cost;
                    self.put(node, total);
                }
            }
        }
    }

    fn put(&mut self, node: u32, total: u32) {
        let total = total as usize;
        if self.buckets.len() <= total {
            self.buckets.resize_with(total + 1, Vec::new);
        }
        self.buckets[total].push(node);
    }

    /// Expands every pair that a cheapest alignment can pass; the least cost.
    fn explore(
        &mut self,
        automaton: &mut Automaton,
        path: &[Symbol],
        end: Option<u16>,
        bound: usize,
    ) -> Result<u32, NotEvaluated> {
        self.nodes.clear();
        self.index.clear();
        self.buckets.iter_mut().for_each(Vec::clear);
        let start = automaton.start();
        let first = self.bound(automaton, 0, start, path.len(), end);
        if first == FAR {
            return Err(NotEvaluated::NoRun);
        }
        self.reach(0, start, 0, first);
        let (mut total, mut found) = (first as usize, None);
        let mut steps: Vec<(Symbol, StateId)> = Vec::new();
        while total < self.buckets.len() {
            let Some(ix) = self.buckets[total].pop() else {
                if found.is_some() {
                    break;
                }
                total += 1;
                continue;
            };
            let node = &mut self.nodes[ix as usize];
            if std::mem::replace(&mut node.done, true) {
                continue;
            }
            let Node { at, state, cost, .. } = *node;
            self.expanded += 1;
            if self.expanded > bound {
                return Err(NotEvaluated::TooLong);
            }
            if at as usize == path.len() && end.is_none_or(|end| automaton.end(state) == Some(end)) {
                found = Some(cost);
                continue;
            }
            if let Some(&symbol) = path.get(at as usize) {
                let next = automaton.next(state, symbol);
                if next != NONE {
                    self.go(automaton, (at + 1, next, cost), path.len(), end);
                }
                self.go(automaton, (at + 1, state, cost + 1), path.len(), end);
            }
            steps.clear();
            steps.extend_from_slice(automaton.steps(state));
            for &(_, next) in &steps {
                self.go(automaton, (at, next, cost + 1), path.len(), end);
            }
        }
        found.ok_or(NotEvaluated::NoRun)
    }

    fn go(&mut self, automaton: &Automaton, to: (u32, StateId, u32), length: usize, end: Option<u16>) {
        let (at, state, cost) = to;
        let ahead = self.bound(automaton, at, state, length, end);
        if ahead != FAR {
            self.reach(at, state, cost, cost + ahead);
        }
    }

    fn node(&self, at: u32, state: StateId, cost: u32) -> Option<&Node> {
        if state == NONE {
            return None;
        }
        let node = &self.nodes[*self.index.get(&key(at, state))? as usize];
        (node.done && node.cost == cost && node.fewest != FAR).then_some(node)
    }

    /// From the goal backwards: how few and how many model moves the cheapest alignments through each pair have left.
    fn count_model_moves(&mut self, automaton: &mut Automaton, path: &[Symbol], end: Option<u16>, total: u32) {
        self.order.clear();
        self.order.extend((0..self.nodes.len() as u32).filter(|&ix| self.nodes[ix as usize].done));
        let nodes = &self.nodes;
        // Each move leads to more events consumed, or to the same and a greater cost.
        self.order.sort_unstable_by_key(|&ix| {
            let node = &nodes[ix as usize];
            std::cmp::Reverse((node.at, node.cost))
        });
        for place in 0..self.order.len() {
            let ix = self.order[place] as usize;
            let Node { at, state, cost, .. } = self.nodes[ix];
            let is_goal = at as usize == path.len() && end.is_none_or(|end| automaton.end(state) == Some(end));
            let (mut fewest, mut most) = if is_goal && cost == total { (0, 0) } else { (FAR, 0) };
            let mut take = |node: Option<&Node>, more: u32| {
                if let Some(node) = node {
                    fewest = fewest.min(node.fewest + more);
                    most = most.max(node.most + more);
                }
            };
            if let Some(&symbol) = path.get(at as usize) {
                let next = automaton.next(state, symbol);
                take(self.node(at + 1, next, cost), 0);
                take(self.node(at + 1, state, cost + 1), 0);
            }
            for &(_, next) in automaton.steps(state) {
                take(self.node(at, next, cost + 1), 1);
            }
            (self.nodes[ix].fewest, self.nodes[ix].most) = (fewest, most);
        }
    }

    /// One cheapest alignment, move by move the first that keeps to it.
    fn walk(&self, automaton: &mut Automaton, path: &[Symbol], greatest: bool) -> Vec<Move> {
        let mut moves = Vec::with_capacity(path.len() + 4);
        let mut here = self.nodes[0];
        let left = |node: &Node| if greatest { node.most } else { node.fewest };
        loop {
            let Node { at, state, cost, .. } = here;
            let want = left(&here);
            let fits = |node: Option<&Node>, more: u32| node.copied().filter(|node| left(node) + more == want);
            let event = path.get(at as usize).copied();
            let sync = |automaton: &mut Automaton| {
                let symbol = event?;
                let next = automaton.next(state, symbol);
                Some((Move::Sync(symbol), fits(self.node(at + 1, next, cost), 0)?))
            };
            let log = || Some((Move::Log(event?), fits(self.node(at + 1, state, cost + 1), 0)?));
            let step = |&(symbol, next): &(Symbol, StateId)| {
                Some((Move::Model(symbol), fits(self.node(at, next, cost + 1), 1)?))
            };
            let chosen = if greatest {
                let model = |a: &mut Automaton| a.steps(state).iter().rev().find_map(step);
                log().or_else(|| model(automaton)).or_else(|| sync(automaton))
            } else {
                let model = |a: &mut Automaton| a.steps(state).iter().find_map(step);
                sync(automaton).or_else(|| model(automaton)).or_else(log)
            };
            let Some((taken, next)) = chosen else { return moves };
            moves.push(taken);
            here = next;
        }
    }
}

/// The path is a run to that end, or the beginning of a run to any.
fn follows(automaton: &mut Automaton, path: &[Symbol], end: Option<u16>) -> bool {
    let mut state = automaton.start();
    for &symbol in path {
        state = automaton.next(state, symbol);
        if state == NONE {
            return false;
        }
    }
    end.is_none_or(|end| automaton.end(state) == Some(end))
}
