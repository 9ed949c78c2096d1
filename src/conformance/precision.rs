//! Does the map describe only what happens (semantics.md, "Conformance"). In: paths of decided journeys, and how often each
//! was walked. Out: precision over the model's states, and over prefixes for comparison with other tools. Both are
//! executed / enabled steps, weighed by how often aligned runs go on from there.
//!
//! Paths are aligned and laid over the model once ([`Traces`]); weighing them is arithmetic, so that the same paths can be
//! weighed for all journeys, for each entry date and for each persona.

use rustc_hash::FxHashMap;

use super::judge::Judge;
use super::model::Symbol;
use super::state::State;

/// A path, what decided it, and how many decided journeys walked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    pub path: Box<[Symbol]>,
    pub end: Option<u16>,
    pub journeys: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Precision {
    /// Over model states; `None`: no run goes on from anywhere.
    pub by_state: Option<f64>,
    /// Over prefixes of aligned runs, as escaping-edges precision (ETC) of other tools counts.
    pub by_prefix: Option<f64>,
    /// Journeys without an alignment: in neither.
    pub not_evaluated: u64,
    /// What the two are ratios of, so that versions of a map can be taken together.
    pub states: Steps,
    pub prefixes: Steps,
    /// `states` by the stage that the run goes on from, by stage index; the start belongs to none.
    pub stages: Vec<Steps>,
}

/// Steps that runs took against those they could have taken, weighed by how often runs went on from there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    pub executed: u64,
    pub enabled: u64,
}

impl Steps {
    pub fn ratio(self) -> Option<f64> {
        (self.enabled > 0).then(|| self.executed as f64 / self.enabled as f64)
    }
}

impl std::ops::AddAssign for Steps {
    fn add_assign(&mut self, other: Self) {
        self.executed += other.executed;
        self.enabled += other.enabled;
    }
}

pub fn precision<'a>(judge: &mut Judge, walked: impl IntoIterator<Item = &'a Walked>) -> Precision {
    let (paths, journeys): (Vec<_>, Vec<u64>) = walked.into_iter().map(|w| ((&*w.path, w.end), w.journeys)).unzip();
    Traces::of(judge, paths).weigh(journeys.into_iter().enumerate())
}

/// The least aligned runs of some paths, over the states of the model and as one tree of prefixes. A place is where a run
/// goes on from; a branch is a place and the step taken there.
#[derive(Debug, Default)]
pub struct Traces {
    /// By path; `None`: no alignment.
    runs: Vec<Option<Run>>,
    /// By state: steps enabled, and the stage.
    states: Vec<(u64, usize)>,
    /// By branch from a state: that state.
    from_state: Vec<u32>,
    /// By prefix: steps enabled.
    prefixes: Vec<u64>,
    /// By prefix but the empty one: the prefix that is a step shorter. So a prefix is also the branch that leads to it.
    shorter: Vec<u32>,
    stages: usize,
}

#[derive(Debug)]
struct Run {
    /// Branches from states, in order.
    branches: Box<[u32]>,
    /// All of it, as a prefix.
    prefix: u32,
}

const EMPTY: u32 = 0;

impl Traces {
    pub fn of<'a>(judge: &mut Judge, paths: impl IntoIterator<Item = (&'a [Symbol], Option<u16>)>) -> Self {
        let mut traces =
            Self { prefixes: vec![0], shorter: vec![EMPTY], stages: judge.model().stages.len(), ..Self::default() };
        let mut states: FxHashMap<State, u32> = FxHashMap::default();
        let mut branches: FxHashMap<(u32, Symbol), u32> = FxHashMap::default();
        let mut longer: FxHashMap<(u32, Symbol), u32> = FxHashMap::default();
        for (path, end) in paths {
            let Ok(run) = judge.aligned_run(path, end) else {
                traces.runs.push(None);
                continue;
            };
            let mut own = Vec::with_capacity(run.len());
            let mut prefix = EMPTY;
            for ((state, enabled), &step) in judge.steps_along(&run).into_iter().zip(&run) {
                let stage = usize::from(state.stage);
                let state = *states.entry(state).or_insert_with(|| {
                    traces.states.push((enabled as u64, stage));
                    traces.states.len() as u32 - 1
                });
                own.push(*branches.entry((state, step)).or_insert_with(|| {
                    traces.from_state.push(state);
                    traces.from_state.len() as u32 - 1
                }));
                traces.prefixes[prefix as usize] = enabled as u64;
                prefix = *longer.entry((prefix, step)).or_insert_with(|| {
                    traces.prefixes.push(0);
                    traces.shorter.push(prefix);
                    traces.shorter.len() as u32 - 1
                });
            }
            traces.runs.push(Some(Run { branches: own.into(), prefix }));
        }
        traces
    }

    /// Precision of some journeys: the place of each path, and how many walked it.
    pub fn weigh(&self, walked: impl IntoIterator<Item = (usize, u64)>) -> Precision {
        let mut states = Weights::of(self.states.len(), self.from_state.len());
        let mut prefixes = Weights::of(self.prefixes.len(), self.prefixes.len());
        let mut not_evaluated = 0;
        for (path, journeys) in walked.into_iter().filter(|w| w.1 > 0) {
            let Some(run) = self.runs.get(path).and_then(Option::as_ref) else {
                not_evaluated += journeys;
                continue;
            };
            for &branch in &run.branches {
                states.note(self.from_state[branch as usize], branch, journeys);
            }
            let mut prefix = run.prefix;
            while prefix != EMPTY {
                let shorter = self.shorter[prefix as usize];
                prefixes.note(shorter, prefix, journeys);
                prefix = shorter;
            }
        }
        let mut stages = vec![Steps::default(); self.stages];
        let (mut by_state, mut by_prefix) = (Steps::default(), Steps::default());
        for (place, &(enabled, stage)) in self.states.iter().enumerate() {
            let steps = states.steps(place, enabled);
            by_state += steps;
            if let Some(stage) = stages.get_mut(stage) {
                *stage += steps;
            }
        }
        for (place, &enabled) in self.prefixes.iter().enumerate() {
            by_prefix += prefixes.steps(place, enabled);
        }
        Precision {
            by_state: by_state.ratio(),
            by_prefix: by_prefix.ratio(),
            not_evaluated,
            states: by_state,
            prefixes: by_prefix,
            stages,
        }
    }
}

/// What runs did from each place.
struct Weights {
    /// Times that a run went on from there, and different steps taken.
    places: Vec<(u64, u64)>,
    /// By branch: somebody took it.
    taken: Vec<bool>,
}

impl Weights {
    fn of(places: usize, branches: usize) -> Self {
        Self { places: vec![(0, 0); places], taken: vec![false; branches] }
    }

    fn note(&mut self, place: u32, branch: u32, journeys: u64) {
        let (times, executed) = &mut self.places[place as usize];
        *times += journeys;
        if !std::mem::replace(&mut self.taken[branch as usize], true) {
            *executed += 1;
        }
    }

    fn steps(&self, place: usize, enabled: u64) -> Steps {
        let (times, executed) = self.places[place];
        Steps { executed: times * executed, enabled: times * enabled }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::map;

    /// `a` may repeat in A, `b` in B: in each of both two steps are enabled, and at the start one.
    fn judge() -> Judge {
        let text = "{ schema: journey/v1, id: m, version: 1, stages: [{ id: A, role: entry }, { id: B }, { id: Won, role: success }],
            touchpoints: [{ id: a, stage: A }, { id: b, stage: B }, { id: won, stage: Won }] }";
        Judge::new(Arc::new(map::parse("m", text).unwrap()))
    }

    #[test]
    fn any_part_of_the_journeys_is_weighed_by_what_it_did_itself() {
        let mut judge = judge();
        let end = judge.model().decides(2);
        let paths: [(&[Symbol], Option<u16>); 3] = [(&[0, 1, 2], end), (&[0, 0, 1, 2], end), (&[], end)];
        let traces = Traces::of(&mut judge, paths);
        let steps = |executed, enabled| Steps { executed, enabled };
        // Three go a b won, one goes a a b won. Start 4 x 1 of 1; A 5 x 2 of 2; B 4 x 1 of 2.
        let all = traces.weigh([(0, 3), (1, 1)]);
        assert_eq!(all.states, steps(4 + 10 + 4, 4 + 10 + 8));
        // After nothing 4 x 1 of 1, a 4 x 2 of 2, a b 3 x 1 of 2, a a 1 x 1 of 2, a a b 1 x 1 of 2.
        assert_eq!(all.prefixes, steps(4 + 8 + 3 + 1 + 1, 4 + 8 + 6 + 2 + 2));
        assert_eq!(all.stages, [steps(10, 10), steps(4, 8), steps(0, 0)]);
        // The second alone, once and a hundred times, as if there were no other.
        let alone = traces.weigh([(1, 1)]);
        assert_eq!((alone.states, alone.prefixes), (steps(1 + 4 + 1, 1 + 4 + 2), steps(4, 7)));
        assert_eq!(traces.weigh([(1, 100)]).by_state, alone.by_state, "it does not grow with n");
        let walked = [Walked { path: [0, 0, 1, 2].into(), end, journeys: 1 }];
        assert_eq!(precision(&mut judge, &walked), alone);
        assert_eq!(traces.weigh([]).by_state, None);
        assert_eq!(traces.weigh([(0, 0), (1, 0)]).by_prefix, None, "nobody walked them");
    }
}
