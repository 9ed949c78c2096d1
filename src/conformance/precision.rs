//! Does the map describe only what happens (semantics.md, "Conformance"). In: paths of decided journeys with how often
//! each was walked. Out: precision over the model's states, and over prefixes for comparison with other tools. Both are
//! executed / enabled steps, weighed by how often aligned runs go on from there.

use rustc_hash::{FxHashMap, FxHashSet};

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

/// What runs did from one place.
struct Seen {
    times: u64,
    enabled: usize,
    executed: FxHashSet<Symbol>,
}

type Places = FxHashMap<State, Seen>;

/// Prefixes as a tree, so that a long path costs its length and not its square. What runs did from a prefix are its
/// branches.
#[derive(Default)]
struct Prefixes {
    branches: FxHashMap<(u32, Symbol), u32>,
    /// Times, steps enabled, and steps executed, by prefix.
    seen: Vec<(u64, usize, usize)>,
}

impl Prefixes {
    const EMPTY: u32 = 0;

    /// Goes on from a prefix; gives the longer one.
    fn note(&mut self, at: u32, enabled: usize, step: Symbol, times: u64) -> u32 {
        let next = self.branches.len() as u32 + 1;
        let known = *self.branches.entry((at, step)).or_insert(next);
        self.seen.resize(self.branches.len() + 1, (0, 0, 0));
        let seen = &mut self.seen[at as usize];
        seen.0 += times;
        seen.1 = enabled;
        seen.2 += usize::from(known == next);
        known
    }

    fn steps(&self) -> Steps {
        let mut sum = Steps::default();
        for &(times, enabled, executed) in &self.seen {
            sum += Steps { executed: times * executed as u64, enabled: times * enabled as u64 };
        }
        sum
    }
}

pub fn precision<'a>(judge: &mut Judge, walked: impl IntoIterator<Item = &'a Walked>) -> Precision {
    let mut states: Places = FxHashMap::default();
    let mut prefixes = Prefixes::default();
    let mut not_evaluated = 0;
    for Walked { path, end, journeys } in walked {
        let Ok(run) = judge.aligned_run(path, *end) else {
            not_evaluated += journeys;
            continue;
        };
        let steps = judge.steps_along(&run);
        let mut prefix = Prefixes::EMPTY;
        for ((state, enabled), &step) in steps.into_iter().zip(&run) {
            note(&mut states, state, enabled, step, *journeys);
            prefix = prefixes.note(prefix, enabled, step, *journeys);
        }
    }
    let mut stages = vec![Steps::default(); judge.model().stages.len()];
    let mut total = Steps::default();
    for (state, seen) in &states {
        total += seen.steps();
        if let Some(stage) = stages.get_mut(usize::from(state.stage)) {
            *stage += seen.steps();
        }
    }
    let along = prefixes.steps();
    Precision {
        by_state: total.ratio(),
        by_prefix: along.ratio(),
        not_evaluated,
        states: total,
        prefixes: along,
        stages,
    }
}

impl Seen {
    fn steps(&self) -> Steps {
        Steps { executed: self.times * self.executed.len() as u64, enabled: self.times * self.enabled as u64 }
    }
}

fn note(places: &mut Places, at: State, enabled: usize, step: Symbol, times: u64) {
    let seen = places.entry(at).or_insert_with(|| Seen { times: 0, enabled, executed: FxHashSet::default() });
    seen.times += times;
    seen.executed.insert(step);
}
