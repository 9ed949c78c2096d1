//! Where a run of the model stands, as small as possible: two runs that can go on alike are one state. In: a state and a
//! touchpoint. Out: the state after a visit, or none if the model has no such step or no end could be reached any more.

use smallvec::SmallVec;

use super::model::{Model, Symbol};
use crate::map::StageIx;

/// Stands for the stage before the first visit.
pub const START: StageIx = StageIx::MAX;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub stage: StageIx,
    /// What has been decided: place in `Model::ends` + 1; 0: nothing.
    pub end: u16,
    /// In a stage with `sequence`, the symbol visited last.
    at: Symbol,
    /// One bit for each debt that is open and can still be called in.
    owed: SmallVec<[u64; 1]>,
    /// Visits of the counted touchpoints in this stage entry.
    visits: SmallVec<[u32; 4]>,
    /// Times that each counted arc was taken, as far as it can be taken again.
    taken: SmallVec<[u32; 4]>,
}

impl State {
    pub fn start(model: &Model) -> Self {
        let mut owed = SmallVec::from_elem(0, model.debts.len().div_ceil(64));
        (0..model.debts.len()).for_each(|d| owed[d / 64] |= 1 << (d % 64));
        let taken = SmallVec::from_elem(0, model.counted_arcs);
        Self { stage: START, end: 0, at: 0, owed, visits: SmallVec::new(), taken }
    }

    /// Nothing can follow: all such states of one end are one.
    fn closed(stage: StageIx, end: u16) -> Self {
        Self { stage, end, at: 0, owed: SmallVec::new(), visits: SmallVec::new(), taken: SmallVec::new() }
    }

    pub fn is_closed(&self, model: &Model) -> bool {
        self.end > 0 && model.is_last(self.end - 1)
    }

    fn owes(&self, debt: usize) -> bool {
        self.owed[debt / 64] >> (debt % 64) & 1 == 1
    }

    fn clear(&mut self, debt: usize) {
        self.owed[debt / 64] &= !(1 << (debt % 64));
    }

    /// The state after a visit of `symbol`.
    pub fn visit(&self, model: &Model, symbol: Symbol) -> Option<Self> {
        if self.is_closed(model) {
            return None;
        }
        let step = model.step(symbol);
        let mut next = self.clone();
        if step.stage == self.stage {
            if !self.may_follow(model, symbol) {
                return None;
            }
        } else if self.stage == START {
            if !model.stage(step.stage).entry {
                return None;
            }
            next.enter(model, step.stage);
        } else {
            let arc = model.arc(self.stage, step.stage)?;
            let owing = || (0..model.debts.len()).any(|d| model.debts[d].stage == self.stage && self.owes(d));
            if self.is_used_up(model, arc) || (model.arcs[arc].collects && owing()) {
                return None;
            }
            if let Some((_, counted)) = model.arcs[arc].limit {
                next.taken[counted] += 1;
            }
            next.enter(model, step.stage);
        }
        if let (0, Some(end)) = (self.end, step.decides) {
            next.end = end + 1;
            if model.is_last(end) {
                return Some(Self::closed(step.stage, next.end));
            }
        }
        step.pays.iter().for_each(|&debt| next.clear(debt));
        if let Some((_, counted)) = step.limit {
            next.visits[counted] += 1;
        }
        if model.stage(step.stage).sequence {
            next.at = symbol;
            next.forget_behind(model, symbol);
        }
        next.can_end(model).then_some(next)
    }

    /// In its own stage: order and repeats allow a visit.
    fn may_follow(&self, model: &Model, symbol: Symbol) -> bool {
        let in_order = !model.stage(self.stage).sequence || symbol >= self.at;
        let limit = model.step(symbol).limit;
        in_order && limit.is_none_or(|(limit, counted)| self.visits[counted] < limit)
    }

    fn is_used_up(&self, model: &Model, arc: usize) -> bool {
        model.arcs[arc].limit.is_some_and(|(limit, counted)| self.taken[counted] >= limit)
    }

    /// A new stage entry: counts begin again, and what no later step can ask for is forgotten.
    fn enter(&mut self, model: &Model, stage: StageIx) {
        self.stage = stage;
        self.at = 0;
        self.visits = SmallVec::from_elem(0, model.stage(stage).counted);
        for debt in 0..model.debts.len() {
            if !model.reaches(stage, model.debts[debt].stage) {
                self.clear(debt);
            }
        }
        for arc in &model.arcs {
            if let Some((_, counted)) = arc.limit
                && !model.reaches(stage, arc.from)
            {
                self.taken[counted] = 0;
            }
        }
    }

    /// Touchpoints before `symbol` cannot come any more in this entry, so how often they came does not matter.
    fn forget_behind(&mut self, model: &Model, symbol: Symbol) {
        for behind in model.stage(self.stage).symbols.start..symbol {
            if let Some((_, counted)) = model.step(behind).limit {
                self.visits[counted] = 0;
            }
        }
    }

    /// Whether some run goes on from here to an end. A later pass through a stage can pay all that the stage is owed, so
    /// only this pass, and the arcs that are used up, can be in the way; and a way to an end takes no arc twice.
    fn can_end(&self, model: &Model) -> bool {
        let decides = |symbol: Symbol| model.step(symbol).decides.is_some();
        let mut here = model.stage(self.stage).symbols.clone();
        if self.end > 0 || here.any(|symbol| decides(symbol) && self.may_follow(model, symbol)) {
            return true;
        }
        let sequence = model.stage(self.stage).sequence;
        let payable = model.debts.iter().enumerate().all(|(d, debt)| {
            let still = |&symbol: &Symbol| !sequence || symbol >= self.at;
            debt.stage != self.stage || !self.owes(d) || debt.symbols.iter().any(still)
        });
        let mut seen = vec![false; model.stages.len()];
        let leaves = |stage: StageIx| model.stage(stage).leaves.iter().copied();
        let mut ways: Vec<usize> = leaves(self.stage).filter(|&a| payable || !model.arcs[a].collects).collect();
        while let Some(arc) = ways.pop() {
            let to = model.arcs[arc].to;
            let mut symbols = model.stage(to).symbols.clone();
            if self.is_used_up(model, arc) || symbols.is_empty() || std::mem::replace(&mut seen[usize::from(to)], true)
            {
                continue;
            }
            if symbols.any(decides) {
                return true;
            }
            ways.extend(leaves(to));
        }
        false
    }
}
