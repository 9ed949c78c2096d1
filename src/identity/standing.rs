//! What operators' orders make of facts that are known already. In: undos and erasures. Out: which pairs count, which fact
//! of each counts first, and what must be folded again. A fact told later is judged by the same sets when it comes.

use super::graph::{Graph, NONE, Touched};
use super::guards::Guards;
use super::{Erasure, Undo};
use crate::time::Day;

impl Graph {
    pub fn undo(&mut self, undo: &Undo, guards: &Guards, touched: &mut Touched) {
        let (Undo::Revoke { a, b, .. } | Undo::Forbid { a, b }) = undo;
        let (Some(a), Some(b)) = (self.intern(a, guards), self.intern(b, guards)) else { return };
        if a == b {
            return;
        }
        let pair = (a.min(b), a.max(b));
        match undo {
            Undo::Revoke { day, .. } => self.revoke(pair, *day, guards, touched),
            Undo::Forbid { .. } => self.forbid(pair, touched),
        }
    }

    fn revoke(&mut self, pair: (u32, u32), day: Day, guards: &Guards, touched: &mut Touched) {
        let until = self.revoked.entry(pair).or_insert(day);
        *until = (*until).max(day);
        let Some(&edge) = self.by_pair.get(&pair) else { return };
        let numbers: Vec<u32> = self.facts_on(edge).collect();
        for number in numbers {
            let statement = &mut self.facts[number as usize];
            statement.revoked |= statement.day <= day;
        }
        self.weigh(edge, guards, touched);
    }

    fn forbid(&mut self, (lo, hi): (u32, u32), touched: &mut Touched) {
        for (one, other) in [(lo, hi), (hi, lo)] {
            let others = self.forbidden.entry(one).or_default();
            if others.contains(&other) {
                return;
            }
            others.push(other);
        }
        if let Some(&edge) = self.by_pair.get(&(lo, hi)) {
            self.edges[edge as usize].forbidden = true;
        }
        touched.seeds.extend([lo, hi]);
    }

    /// Facts that name the erased identifiers, up to and with the day, join nothing from now on.
    pub fn erase(&mut self, erasure: &Erasure, guards: &Guards, touched: &mut Touched) {
        self.outside.erase(erasure);
        for identifier in &erasure.identifiers {
            let Some(node) = self.intern(identifier, guards) else { continue };
            touched.seeds.push(node);
            let edges: Vec<u32> = self.edges_of(node).map(|(edge, _)| edge).collect();
            for edge in edges {
                let numbers: Vec<u32> = self.facts_on(edge).collect();
                for number in numbers {
                    let statement = &mut self.facts[number as usize];
                    statement.erased |= statement.day <= erasure.until;
                }
                self.weigh(edge, guards, touched);
            }
        }
    }

    /// Finds out anew which facts of a pair count, and which comes first.
    fn weigh(&mut self, edge: u32, guards: &Guards, touched: &mut Touched) {
        self.edges[edge as usize].earliest = NONE;
        let standing: Vec<u32> = self.facts_on(edge).filter(|&fact| !self.is_revoked(fact)).collect();
        for &fact in &standing {
            if !self.is_erased(fact) {
                self.lead(edge, fact, guards);
            }
        }
        let (lo, hi) = (self.edges[edge as usize].lo, self.edges[edge as usize].hi);
        touched.seeds.extend([lo, hi]);
        self.count(edge, !standing.is_empty(), guards, touched);
    }

    /// Whether a fact says that the node is there; an erased one does not.
    pub fn is_stated(&self, node: u32) -> bool {
        self.edges_of(node).any(|(edge, _)| self.facts_on(edge).any(|fact| !self.is_erased(fact)))
    }
}
