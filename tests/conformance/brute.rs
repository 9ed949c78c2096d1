//! The aligner against all runs by enumeration. Runs and paths are two trees; a run's row holds, for every path, the best
//! alignment of the two as one number: cost, model moves, then the moves themselves, so that the least number is the least
//! alignment of the law. A run is made longer as long as some path could still gain by it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use tropa::conformance::{Judge, Move};
use tropa::map::DesignedMap;

use crate::naive::{Naive, Standing};
use crate::random;

/// Touchpoints of every map here: a move fits in four bits.
const TOUCHPOINTS: usize = 5;

/// Paths of which rows are kept.
const KEPT: usize = 20_000;

/// All paths up to a length, parents before children.
struct Paths {
    path: Vec<Vec<usize>>,
    parent: Vec<usize>,
}

impl Paths {
    fn up_to(length: usize) -> Self {
        let mut all = Self { path: vec![Vec::new()], parent: vec![0] };
        let mut at = 0;
        while at < all.path.len() {
            if all.path[at].len() < length {
                for touchpoint in 0..TOUCHPOINTS {
                    let mut longer = all.path[at].clone();
                    longer.push(touchpoint);
                    all.path.push(longer);
                    all.parent.push(at);
                }
            }
            at += 1;
        }
        all
    }
}

/// Which of the cheapest alignments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Choice {
    Least,
    Greatest,
}

/// cost · model moves · moves, the first move highest; for the greatest choice the last two are turned round.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key {
    cost: u32,
    model: u32,
    moves: u128,
    length: u32,
}

impl Key {
    const EMPTY: Self = Self { cost: 0, model: 0, moves: 0, length: 0 };

    fn with(self, code: u128, costs: bool, model: bool, choice: Choice) -> Self {
        let code = if choice == Choice::Greatest { 15 - code } else { code };
        let model = match choice {
            Choice::Least => self.model + u32::from(model),
            // Counted down from a number that no run reaches.
            Choice::Greatest => self.model.wrapping_sub(u32::from(model)),
        };
        Self { cost: self.cost + u32::from(costs), model, moves: self.moves << 4 | code, length: self.length + 1 }
    }

    fn read(self, choice: Choice) -> Vec<Move> {
        let code = |i: u32| {
            let code = (self.moves >> (4 * (self.length - 1 - i)) & 15) as u16;
            if choice == Choice::Greatest { 15 - code } else { code }
        };
        (0..self.length)
            .map(|i| match code(i) {
                c if c < 5 => Move::Sync(c),
                c if c < 10 => Move::Model(c - 5),
                c => Move::Log(c - 10),
            })
            .collect()
    }
}

/// By end ("" for a prefix) and path: the best alignment over all runs.
type Best = BTreeMap<String, Vec<Option<Key>>>;

/// Everything up to `cap` runs; `None`: there are more that matter.
fn enumerate(map: &DesignedMap, paths: &Paths, choice: Choice, cap: usize) -> Option<(Best, usize)> {
    let naive = Naive::of(map);
    let n = paths.path.len();
    let start = match choice {
        Choice::Least => Key::EMPTY,
        Choice::Greatest => Key { model: 1 << 20, ..Key::EMPTY },
    };
    let mut first = vec![start; n];
    for i in 1..n {
        first[i] = first[paths.parent[i]].with(10 + last(&paths.path[i]) as u128, true, false, choice);
    }
    let mut best: Best = naive.ends().into_iter().map(|end| (end, vec![None; n])).collect();
    if best.is_empty() {
        return Some((best, 0));
    }
    best.insert(String::new(), vec![None; n]);
    // Runs of one length after the other. Long rows are made again from the visits: all of them at once are too much memory.
    let kept = |row: Vec<Key>| (n <= KEPT).then_some(row);
    let made = |visits: &[usize]| visits.iter().fold(first.clone(), |row, &visit| extend(paths, &row, visit, choice));
    let (mut runs, mut count) = (vec![(Standing::default(), Vec::new(), kept(first.clone()))], 0);
    while !runs.is_empty() {
        for (run, visits, row) in &runs {
            let row = row.as_ref().map_or_else(|| Cow::Owned(made(visits)), Cow::Borrowed);
            for name in [Some(String::new()), run.end.clone()].into_iter().flatten() {
                let best = best.get_mut(&name).expect("an end of the map");
                for (best, key) in best.iter_mut().zip(&*row) {
                    if best.is_none_or(|b| *key < b) {
                        *best = Some(*key);
                    }
                }
            }
        }
        let mut longer = Vec::new();
        for (run, visits, row) in runs {
            count += 1;
            if count > cap {
                return None;
            }
            let row = row.unwrap_or_else(|| made(&visits));
            let open = |end: &str| end.is_empty() || run.end.as_deref().is_none_or(|decided| decided == end);
            let steps: Vec<_> = (0..TOUCHPOINTS).filter_map(|t| Some((t, naive.longer(&run, t)?))).collect();
            if !steps.is_empty() && may_gain(paths, &row, best.iter().filter(|(end, _)| open(end)), choice) {
                longer.extend(steps.into_iter().map(|(t, next)| {
                    let row = if n <= KEPT { Some(extend(paths, &row, t, choice)) } else { None };
                    (next, [&visits[..], &[t]].concat(), row)
                }));
            }
        }
        runs = longer;
    }
    Some((best, count))
}

fn last(path: &[usize]) -> usize {
    path[path.len() - 1]
}

fn extend(paths: &Paths, row: &[Key], visit: usize, choice: Choice) -> Vec<Key> {
    let mut longer = Vec::with_capacity(row.len());
    for (i, path) in paths.path.iter().enumerate() {
        let mut key = row[i].with(5 + visit as u128, true, true, choice);
        if i > 0 {
            let parent = paths.parent[i];
            let event = last(path);
            let log: Key = longer[parent];
            key = key.min(log.with(10 + event as u128, true, false, choice));
            if event == visit {
                key = key.min(row[parent].with(event as u128, false, false, choice));
            }
        }
        longer.push(key);
    }
    longer
}

/// A longer run costs no less than the best of its beginning with any beginning of the path. At the same cost it has more
/// model moves: never the least, but perhaps the greatest alignment.
fn may_gain<'a>(
    paths: &Paths,
    row: &[Key],
    best: impl Iterator<Item = (&'a String, &'a Vec<Option<Key>>)>,
    choice: Choice,
) -> bool {
    let best: Vec<_> = best.map(|(_, keys)| keys).collect();
    let mut least = vec![0; row.len()];
    for i in 0..row.len() {
        least[i] = if i == 0 { row[0].cost } else { row[i].cost.min(least[paths.parent[i]]) };
        let gains = |key: &Option<Key>| match choice {
            _ if key.is_none() => true,
            Choice::Least => key.is_some_and(|key| least[i] < key.cost),
            Choice::Greatest => key.is_some_and(|key| least[i] <= key.cost),
        };
        if best.iter().any(|keys| gains(&keys[i])) {
            return true;
        }
    }
    false
}

/// Compares every path of one map; how many alignments were compared, or none if its runs are too many.
fn compare(map: &Arc<DesignedMap>, paths: &Paths, choice: Choice, cap: usize) -> Option<usize> {
    let (best, _) = enumerate(map, paths, choice, cap)?;
    let naive = Naive::of(map);
    let mut judge = Judge::new(map.clone());
    let mut compared = 0;
    for (end, keys) in &best {
        let at = (0..TOUCHPOINTS).find(|&t| naive.end(t).as_deref() == Some(end));
        let target = at.map(|t| judge.model().decides(t as u16).expect("it decides"));
        for (i, key) in keys.iter().enumerate().skip(1) {
            let path = judge.path(paths.path[i].iter().map(|&t| t as u16));
            let found = judge.align(&path, target).ok();
            let found = found.map(|a| (a.cost, if choice == Choice::Least { a.least } else { a.greatest }));
            let wanted = key.map(|key| (key.cost, key.read(choice)));
            assert_eq!(found, wanted, "path {path:?} to `{end}`, {choice:?}, under {map:#?}");
            compared += 1;
        }
    }
    Some(compared)
}

/// `models` random maps whose runs can be listed within `cap`; what was drawn, dropped and compared is printed.
fn hold(models: usize, length: usize, choice: Choice, cap: usize, seed: u64) {
    let mut rng: ChaCha8Rng = random::rng(seed);
    let paths = Paths::up_to(length);
    let (mut held, mut too_many, mut compared) = (0, 0, 0);
    while held < models {
        match compare(&random::map(&mut rng, TOUCHPOINTS), &paths, choice, cap) {
            // A map that no run of which ends has nothing to compare.
            Some(0) => {}
            Some(n) => {
                held += 1;
                compared += n;
            }
            None => too_many += 1,
        }
    }
    println!(
        "{compared} alignments of {held} maps equal those of all runs; {too_many} maps had over {cap} runs that matter"
    );
    assert!(compared >= models * 5_usize.pow(length as u32));
}

#[test]
fn the_aligner_equals_all_runs_on_every_path_up_to_length_4_over_1000_random_maps() {
    hold(1_000, 4, Choice::Least, 3_000, 1);
}

/// `make conformance-long` compares more of them, for minutes.
fn is_long() -> bool {
    std::env::var("TROPA_LONG").is_ok_and(|v| v == "1")
}

#[test]
fn the_aligner_equals_all_runs_on_longer_paths_over_fewer_random_maps() {
    if is_long() {
        hold(1_000, 5, Choice::Least, 3_000, 4);
        hold(20, 7, Choice::Least, 3_000, 5);
    } else {
        hold(50, 5, Choice::Least, 3_000, 2);
    }
}

#[test]
fn the_greatest_of_the_cheapest_alignments_equals_all_runs_up_to_length_3_over_300_random_maps() {
    hold(300, 3, Choice::Greatest, 3_000, 3);
}
