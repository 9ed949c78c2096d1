//! Paths against one version of a map. In: a path and its end. Out: a [`Verdict`]. A path judged before is looked up:
//! only new variants cost.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::align::{Alignment, BOUND, Move, NotEvaluated, Search};
use super::automaton::{Automaton, NONE, StateId};
use super::deviation::{Deviation, deviations};
use super::model::{Model, Symbol};
use super::pnml::{TooManyStates, pnml};
use super::state::State;
use crate::map::{DesignedMap, TouchpointIx};

/// States and verdicts that are kept; beyond, both begin again.
const MAX_STATES: usize = 200_000;
const MAX_VERDICTS: usize = 200_000;

/// How well a path fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fitness {
    /// Log and model moves of the best alignment.
    pub cost: u32,
    /// What the cost is measured by: the events and, to an end, its shortest run.
    pub most: u32,
}

impl Fitness {
    /// 1: the path is a run of the map.
    pub fn value(&self) -> f64 {
        1.0 - f64::from(self.cost) / f64::from(self.most)
    }
}

/// What stands of one variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub fitness: Result<Fitness, NotEvaluated>,
    /// Of the least alignment.
    pub deviations: Vec<Deviation>,
    /// The greatest of the cheapest alignments tells of other deviations.
    pub ambiguous_type: bool,
}

/// One version of a map, compiled, with what was judged by it.
#[derive(Debug)]
pub struct Judge {
    map: Arc<DesignedMap>,
    automaton: Automaton,
    search: Search,
    bound: usize,
    /// By end (prefixes last) and path.
    known: Vec<FxHashMap<Box<[Symbol]>, Arc<Verdict>>>,
    /// Cost of no events, by end.
    shortest: Vec<Option<Result<u32, NotEvaluated>>>,
}

impl Judge {
    pub fn new(map: Arc<DesignedMap>) -> Self {
        Self::bounded(map, BOUND)
    }

    pub fn bounded(map: Arc<DesignedMap>, bound: usize) -> Self {
        let automaton = Automaton::new(Model::compile(&map));
        let ends = automaton.model().ends.len();
        let known = (0..=ends).map(|_| FxHashMap::default()).collect();
        Self { map, automaton, search: Search::default(), bound, known, shortest: vec![None; ends] }
    }

    pub const fn map(&self) -> &Arc<DesignedMap> {
        &self.map
    }

    pub const fn model(&self) -> &Model {
        self.automaton.model()
    }

    /// Variants known.
    pub fn len(&self) -> usize {
        self.known.iter().map(FxHashMap::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Symbols of the touchpoints that are part of the model.
    pub fn path(&self, touchpoints: impl Iterator<Item = TouchpointIx>) -> Box<[Symbol]> {
        touchpoints.filter_map(|t| self.model().symbol(t)).collect()
    }

    /// The verdict on a path; `end`: place in `Model::ends` of what decided it, or none for a prefix.
    pub fn judge(&mut self, path: &[Symbol], end: Option<u16>) -> Arc<Verdict> {
        let of = end.map_or(self.known.len() - 1, usize::from);
        if let Some(known) = self.known[of].get(path) {
            return known.clone();
        }
        let verdict = Arc::new(self.verdict(path, end));
        if self.len() >= MAX_VERDICTS {
            self.known.iter_mut().for_each(FxHashMap::clear);
        }
        self.known[of].insert(path.into(), verdict.clone());
        verdict
    }

    fn verdict(&mut self, path: &[Symbol], end: Option<u16>) -> Verdict {
        let none = |why| Verdict { fitness: Err(why), deviations: Vec::new(), ambiguous_type: false };
        if path.is_empty() {
            return none(NotEvaluated::NoEvents);
        }
        let shortest = match end.map_or(Ok(0), |end| self.shortest(end)) {
            Ok(shortest) => shortest,
            Err(why) => return none(why),
        };
        match self.align(path, end) {
            Err(why) => none(why),
            Ok(found) => {
                let least = deviations(&self.map, self.automaton.model(), &found.least);
                let greatest = deviations(&self.map, self.automaton.model(), &found.greatest);
                Verdict {
                    fitness: Ok(Fitness { cost: found.cost, most: path.len() as u32 + shortest }),
                    ambiguous_type: least != greatest,
                    deviations: least,
                }
            }
        }
    }

    /// The best alignment itself, remembered nowhere.
    pub fn align(&mut self, path: &[Symbol], end: Option<u16>) -> Result<Alignment, NotEvaluated> {
        if self.automaton.len() > MAX_STATES {
            self.automaton.forget();
        }
        self.search.align(&mut self.automaton, path, end, self.bound)
    }

    /// The run of the least alignment: what is left when log moves are taken out.
    pub fn aligned_run(&mut self, path: &[Symbol], end: Option<u16>) -> Result<Vec<Symbol>, NotEvaluated> {
        let aligned = self.align(path, end)?;
        Ok(aligned.least.iter().filter(|m| !matches!(m, Move::Log(_))).map(|m| m.symbol()).collect())
    }

    /// Touchpoints with which a run can go on; none if the list is no run.
    pub fn next_steps(&mut self, run: &[Symbol]) -> Vec<Symbol> {
        let Some(at) = self.state_after(run) else { return Vec::new() };
        self.automaton.steps(at).iter().map(|&(symbol, _)| symbol).collect()
    }

    /// Place in `Model::ends` of what a run has decided.
    pub fn end_of_run(&mut self, run: &[Symbol]) -> Option<u16> {
        let at = self.state_after(run)?;
        self.automaton.end(at)
    }

    fn state_after(&mut self, run: &[Symbol]) -> Option<StateId> {
        let start = self.automaton.start();
        run.iter().try_fold(start, |at, &symbol| Some(self.automaton.next(at, symbol)).filter(|&next| next != NONE))
    }

    /// The states that a run goes on from, each with how many steps it had.
    pub(super) fn steps_along(&mut self, run: &[Symbol]) -> Vec<(State, usize)> {
        let mut at = self.automaton.start();
        let mut states = Vec::with_capacity(run.len());
        for &symbol in run {
            let enabled = self.automaton.steps(at).len();
            states.push((self.automaton.state(at).clone(), enabled));
            at = self.automaton.next(at, symbol);
        }
        states
    }

    /// The model as a Petri net.
    pub fn pnml(&mut self) -> Result<String, TooManyStates> {
        self.automaton.forget();
        pnml(&self.map, &mut self.automaton)
    }

    /// Visits of the shortest run to an end.
    pub fn shortest(&mut self, end: u16) -> Result<u32, NotEvaluated> {
        if let Some(known) = self.shortest[usize::from(end)] {
            return known;
        }
        let found = self.align(&[], Some(end)).map(|alignment| alignment.cost);
        self.shortest[usize::from(end)] = Some(found);
        found
    }

    /// Pairs that the last alignment expanded.
    pub const fn expanded(&self) -> usize {
        self.search.expanded()
    }

    /// States met, and bytes of the search's scratch.
    pub fn size(&self) -> (usize, usize) {
        (self.automaton.len(), self.search.bytes())
    }
}
