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

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Precision {
    /// Over model states; `None`: no run goes on from anywhere.
    pub by_state: Option<f64>,
    /// Over prefixes of aligned runs, as escaping-edges precision (ETC) of other tools counts.
    pub by_prefix: Option<f64>,
    /// Journeys without an alignment: in neither.
    pub not_evaluated: u64,
}

/// What runs did from one place.
struct Seen {
    times: u64,
    enabled: usize,
    executed: FxHashSet<Symbol>,
}

type Places<K> = FxHashMap<K, Seen>;

pub fn precision<'a>(judge: &mut Judge, walked: impl IntoIterator<Item = &'a Walked>) -> Precision {
    let mut states: Places<State> = FxHashMap::default();
    let mut prefixes: Places<Vec<Symbol>> = FxHashMap::default();
    let mut not_evaluated = 0;
    for Walked { path, end, journeys } in walked {
        let Ok(run) = judge.aligned_run(path, *end) else {
            not_evaluated += journeys;
            continue;
        };
        let steps = judge.steps_along(&run);
        for (at, (state, enabled)) in steps.into_iter().enumerate() {
            note(&mut states, state, enabled, run[at], *journeys);
            note(&mut prefixes, run[..at].to_vec(), enabled, run[at], *journeys);
        }
    }
    Precision { by_state: ratio(&states), by_prefix: ratio(&prefixes), not_evaluated }
}

fn note<K: std::hash::Hash + Eq>(places: &mut Places<K>, key: K, enabled: usize, step: Symbol, times: u64) {
    let seen = places.entry(key).or_insert_with(|| Seen { times: 0, enabled, executed: FxHashSet::default() });
    seen.times += times;
    seen.executed.insert(step);
}

fn ratio<K>(places: &Places<K>) -> Option<f64> {
    let sum = |of: fn(&Seen) -> usize| places.values().map(|seen| seen.times * of(seen) as u64).sum::<u64>();
    let enabled = sum(|seen| seen.enabled);
    (enabled > 0).then(|| sum(|seen| seen.executed.len()) as f64 / enabled as f64)
}
