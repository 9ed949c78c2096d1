//! Small random maps, as journey files: they go through the check like anyone's. In: a seed. Out: a map of some
//! touchpoints with a mix of everything the model knows.

use std::fmt::Write;
use std::sync::Arc;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tropa::map::{self, DesignedMap};

/// The next map that the check accepts, of `touchpoints` touchpoints.
pub fn map(rng: &mut ChaCha8Rng, touchpoints: usize) -> Arc<DesignedMap> {
    loop {
        if let Ok(map) = map::parse("random", &written(rng, touchpoints)) {
            return Arc::new(map);
        }
    }
}

pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn written(rng: &mut ChaCha8Rng, touchpoints: usize) -> String {
    let n = rng.random_range(1..=touchpoints);
    // Every stage has a touchpoint, the others are spread.
    let mut of: Vec<usize> = (0..n).chain((n..touchpoints).map(|_| rng.random_range(0..n))).collect();
    of.sort_unstable();
    let role = |rng: &mut ChaCha8Rng, s: usize| match rng.random_range(0..10) {
        _ if s + 1 == n && n > 1 => *["success", "success", "exit"].choose(rng).unwrap(),
        0 => "success",
        1 | 2 if s > 0 => "exit",
        _ => "none",
    };
    let roles: Vec<&str> = (0..n).map(|s| role(rng, s)).collect();
    let (mut stages, mut list) = (String::new(), String::new());
    let mut grouped = vec![false; touchpoints];
    for (s, role) in roles.iter().enumerate() {
        let own: Vec<usize> = (0..touchpoints).filter(|&t| of[t] == s).collect();
        let sequence = rng.random_bool(0.4);
        let mut group = String::new();
        if *role == "none" && own.len() > 1 && rng.random_bool(0.4) {
            own.iter().take(2).for_each(|&t| grouped[t] = true);
            group = format!(", one_of: [t{}, t{}]", own[0], own[1]);
        }
        write!(stages, "{{ id: S{s}, role: {role}, sequence: {sequence}{group} }}, ").unwrap();
    }
    let mut exits = 0;
    for (t, &s) in of.iter().enumerate() {
        let mut more = String::new();
        let goal = roles[s] != "exit" && rng.random_bool(0.12);
        let exit = !goal && !grouped[t] && exits == 0 && rng.random_bool(0.06);
        exits += usize::from(exit);
        if goal {
            more.push_str(", goal: true");
        }
        if exit {
            more.push_str(", role: exit");
        }
        if !exit && (roles[s] == "none" || goal) && rng.random_bool(0.35) {
            more.push_str(", required: true");
        }
        if rng.random_bool(0.3) {
            write!(more, ", max_repeats: {}", rng.random_range(1..=2)).unwrap();
        }
        write!(list, "{{ id: t{t}, stage: S{s}{more} }}, ").unwrap();
    }
    let mut transitions = String::new();
    if n > 1 && rng.random_bool(0.7) {
        for from in 0..n {
            for to in (0..n).filter(|&to| to != from) {
                let near = if to == from + 1 { 0.9 } else { 0.25 };
                if !rng.random_bool(near) {
                    continue;
                }
                let kind = ["expected", "allowed", "allowed", "forbidden"].choose(rng).unwrap();
                let limit = if *kind != "forbidden" && rng.random_bool(0.3) { ", max_repeats: 1" } else { "" };
                write!(transitions, "{{ from: S{from}, to: S{to}, kind: {kind}{limit} }}, ").unwrap();
            }
        }
    }
    let entry = *["", "", "entry: any,", "entry: [S0],"].choose(rng).unwrap();
    let after = *["", "", "after_goal: P1D,"].choose(rng).unwrap();
    format!(
        "{{ schema: journey/v1, id: m, version: 1, {entry} {after} stages: [{stages}], touchpoints: [{list}], \
         transitions: [{transitions}] }}"
    )
}
