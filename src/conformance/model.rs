//! The designed map as a process model (semantics.md, "Conformance", "Model"). In: a checked [`DesignedMap`]. Out: a
//! [`Model`]: its touchpoints in order of rank, the arcs between stages, what is owed, where runs end, and what follows
//! from these for any state: which stages can be reached, and how far an end is.

use petgraph::algo::dijkstra;
use petgraph::graphmap::DiGraphMap;

use crate::map::arcs::{arcs, is_exit, is_success, succeeds_by_stage};
use crate::map::{DesignedMap, Role, StageIx, TouchpointIx};

/// A touchpoint of the model, by its place in order of rank: comparing symbols compares ranks.
pub type Symbol = u16;

/// No way leads there.
pub const FAR: u32 = u32::MAX;

/// Where a run may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    Goal(TouchpointIx),
    SuccessStage(StageIx),
    ExitTouchpoint(TouchpointIx),
    ExitStage(StageIx),
}

impl End {
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Goal(_) | Self::SuccessStage(_))
    }
}

#[derive(Clone, Debug)]
pub struct Step {
    pub touchpoint: TouchpointIx,
    pub stage: StageIx,
    /// Visits allowed in one stage entry, and its place among the counted ones of its stage.
    pub limit: Option<(u32, usize)>,
    /// Places in `Model::debts` that a visit pays.
    pub pays: Vec<usize>,
    /// Place in `Model::ends` of what a visit decides while nothing is decided.
    pub decides: Option<u16>,
}

#[derive(Clone, Debug)]
pub struct StageModel {
    /// Its symbols: they stand side by side, because ranks go by stage.
    pub symbols: std::ops::Range<Symbol>,
    pub sequence: bool,
    pub exit: bool,
    pub entry: bool,
    /// How many of its touchpoints are counted within a stage entry.
    pub counted: usize,
    /// Places in `Model::arcs` of those that leave it.
    pub leaves: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct ArcModel {
    pub from: StageIx,
    pub to: StageIx,
    /// Times allowed in one journey, and its place among the counted arcs.
    pub limit: Option<(u32, usize)>,
    /// What the stage it leaves is owed must be paid: it leads to a later stage that is no exit.
    pub collects: bool,
}

/// What is owed once per journey before a run goes on from its stage: one of these touchpoints.
#[derive(Clone, Debug)]
pub struct Debt {
    pub stage: StageIx,
    pub symbols: Vec<Symbol>,
    /// It is the stage's `one_of`.
    pub choice: bool,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub steps: Vec<Step>,
    pub stages: Vec<StageModel>,
    pub arcs: Vec<ArcModel>,
    pub debts: Vec<Debt>,
    pub ends: Vec<End>,
    /// After a success a run goes on along the arcs.
    pub after_goal: bool,
    pub counted_arcs: usize,
    symbols: Vec<Option<Symbol>>,
    arc_between: Vec<Option<usize>>,
    reach: Vec<bool>,
    /// By end and stage: the fewest changes of stage to where the end is.
    distance: Vec<u32>,
}

impl Model {
    pub fn compile(map: &DesignedMap) -> Self {
        let n = map.stages.len();
        let mut order: Vec<usize> = (0..map.touchpoints.len()).filter(|&t| !map.touchpoints[t].is_beside()).collect();
        order.sort_by_key(|&t| map.touchpoints[t].rank);
        let mut symbols = vec![None; map.touchpoints.len()];
        order.iter().enumerate().for_each(|(symbol, &t)| symbols[t] = Some(symbol as Symbol));

        let mut ends: Vec<End> = order.iter().filter_map(|&t| end_of(map, t as TouchpointIx)).collect();
        ends.sort_unstable();
        ends.dedup();

        let mut counted_arcs = 0;
        let arcs: Vec<ArcModel> = arcs(map)
            .into_iter()
            .map(|(from, to)| {
                let listed = map.transitions.iter().find(|t| (t.from, t.to) == (from, to));
                let limit = listed.and_then(|t| t.max_repeats).map(|limit| {
                    counted_arcs += 1;
                    (limit, counted_arcs - 1)
                });
                let exit = map.stages[usize::from(to)].role == Role::Exit;
                ArcModel { from, to, limit, collects: to > from && !exit }
            })
            .collect();
        let mut arc_between = vec![None; n * n];
        arcs.iter().enumerate().for_each(|(i, a)| arc_between[usize::from(a.from) * n + usize::from(a.to)] = Some(i));

        let debts = debts(map, &order, &symbols, &arcs);
        let mut counted = vec![0; n];
        let steps: Vec<Step> = order
            .iter()
            .enumerate()
            .map(|(symbol, &t)| {
                let touchpoint = &map.touchpoints[t];
                let counted = &mut counted[usize::from(touchpoint.stage)];
                let limit = touchpoint.max_repeats.map(|limit| {
                    *counted += 1;
                    (limit, *counted - 1)
                });
                let pays = (0..debts.len()).filter(|&d| debts[d].symbols.contains(&(symbol as Symbol))).collect();
                let decides = end_of(map, t as TouchpointIx).and_then(|end| ends.binary_search(&end).ok());
                let decides = decides.map(|end| end as u16);
                Step { touchpoint: t as TouchpointIx, stage: touchpoint.stage, limit, pays, decides }
            })
            .collect();
        let stages = (0..n)
            .map(|s| {
                let first = steps.partition_point(|step| usize::from(step.stage) < s) as Symbol;
                let last = steps.partition_point(|step| usize::from(step.stage) <= s) as Symbol;
                StageModel {
                    symbols: first..last,
                    sequence: map.stages[s].sequence,
                    exit: map.stages[s].role == Role::Exit,
                    entry: map.entry[s],
                    counted: counted[s],
                    leaves: (0..arcs.len()).filter(|&a| usize::from(arcs[a].from) == s).collect(),
                }
            })
            .collect();
        let mut model = Self {
            steps,
            stages,
            arcs,
            debts,
            ends,
            after_goal: !map.after_goal.is_zero(),
            counted_arcs,
            symbols,
            arc_between,
            reach: Vec::new(),
            distance: Vec::new(),
        };
        model.measure();
        model
    }

    /// Which stages follow which, and how far each stage is from each end.
    fn measure(&mut self) {
        let n = self.stages.len();
        let mut graph = DiGraphMap::<StageIx, ()>::with_capacity(n, self.arcs.len());
        (0..n).for_each(|s| {
            graph.add_node(s as StageIx);
        });
        // A stage without touchpoints cannot be passed through.
        let passable = |s: StageIx| !self.stages[usize::from(s)].symbols.is_empty();
        for arc in self.arcs.iter().filter(|a| passable(a.from) && passable(a.to)) {
            graph.add_edge(arc.from, arc.to, ());
        }
        let from: Vec<_> = (0..n).map(|s| dijkstra(&graph, s as StageIx, None, |_| 1_u32)).collect();
        self.reach = (0..n * n).map(|i| from[i / n].contains_key(&((i % n) as StageIx))).collect();
        let holds = |end: usize, s: usize| {
            let mut symbols = self.stages[s].symbols.clone();
            symbols.any(|x| self.steps[usize::from(x)].decides == Some(end as u16))
        };
        let far = |end: usize, s: usize| {
            let reached = from[s].iter().filter(|&(&to, _)| holds(end, usize::from(to)));
            reached.map(|(_, &d)| d).min().unwrap_or(FAR)
        };
        self.distance = (0..self.ends.len() * n).map(|i| far(i / n, i % n)).collect();
    }

    pub fn symbol(&self, touchpoint: TouchpointIx) -> Option<Symbol> {
        self.symbols.get(usize::from(touchpoint)).copied().flatten()
    }

    pub fn step(&self, symbol: Symbol) -> &Step {
        &self.steps[usize::from(symbol)]
    }

    pub fn stage(&self, stage: StageIx) -> &StageModel {
        &self.stages[usize::from(stage)]
    }

    /// Place in `arcs` of the one from stage to stage.
    pub fn arc(&self, from: StageIx, to: StageIx) -> Option<usize> {
        self.arc_between[usize::from(from) * self.stages.len() + usize::from(to)]
    }

    /// A run in `from` can come to `to`; every stage reaches itself.
    pub fn reaches(&self, from: StageIx, to: StageIx) -> bool {
        self.reach[usize::from(from) * self.stages.len() + usize::from(to)]
    }

    /// The fewest changes of stage from `stage` to where `end` is decided.
    pub fn distance(&self, end: u16, stage: StageIx) -> u32 {
        self.distance[usize::from(end) * self.stages.len() + usize::from(stage)]
    }

    /// Place in `ends` of what a visit of the touchpoint decides.
    pub fn decides(&self, touchpoint: TouchpointIx) -> Option<u16> {
        self.step(self.symbol(touchpoint)?).decides
    }

    /// Nothing follows this end.
    pub fn is_last(&self, end: u16) -> bool {
        !self.after_goal || !self.ends[usize::from(end)].is_success()
    }
}

/// What a visit decides: that very goal or exit touchpoint, else its stage; success before exit.
pub fn end_of(map: &DesignedMap, touchpoint: TouchpointIx) -> Option<End> {
    let t = &map.touchpoints[usize::from(touchpoint)];
    if t.is_beside() {
        return None;
    }
    if is_success(map, t) {
        return Some(if succeeds_by_stage(map, t.stage) { End::SuccessStage(t.stage) } else { End::Goal(touchpoint) });
    }
    let exit = if t.exit { End::ExitTouchpoint(touchpoint) } else { End::ExitStage(t.stage) };
    is_exit(map, t).then_some(exit)
}

/// Debts that can ever be called in: those of stages that an arc leaves for a later stage.
fn debts(map: &DesignedMap, order: &[usize], symbols: &[Option<Symbol>], arcs: &[ArcModel]) -> Vec<Debt> {
    let called = |stage: StageIx| arcs.iter().any(|a| a.from == stage && a.collects);
    let mut debts = Vec::new();
    for (symbol, &t) in order.iter().enumerate().filter(|&(_, &t)| map.touchpoints[t].required) {
        debts.push(Debt { stage: map.touchpoints[t].stage, symbols: vec![symbol as Symbol], choice: false });
    }
    for (s, stage) in map.stages.iter().enumerate().filter(|(_, stage)| !stage.one_of.is_empty()) {
        let group = stage.one_of.iter().filter_map(|&t| symbols[usize::from(t)]).collect();
        debts.push(Debt { stage: s as StageIx, symbols: group, choice: true });
    }
    debts.retain(|debt| called(debt.stage));
    debts
}
