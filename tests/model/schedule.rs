//! Who goes next. In: what may happen. Out: what does. Two schedulers, because neither finds everything: uniform, and by
//! priorities that change at a few random points (PCT), which keeps one process waiting for very long.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::plant::Action;
use crate::sim::Life;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    Uniform,
    Priorities,
}

pub struct Schedule {
    kind: Kind,
    dice: ChaCha8Rng,
    /// Kills, moves of partitions, rivals: so many are left.
    faults: usize,
    priorities: BTreeMap<Life, u32>,
}

impl Schedule {
    pub fn new(kind: Kind, seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let faults = dice.random_range(0..7);
        Self { kind, dice, faults, priorities: BTreeMap::new() }
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.dice.random_range(0..n)
    }

    pub const fn faults_left(&self) -> bool {
        self.faults > 0
    }

    pub const fn no_more_faults(&mut self) {
        self.faults = 0;
    }

    pub fn pick(&mut self, enabled: &[Action], lives: &[Life]) -> Action {
        let costs = |a: &Action| {
            matches!(a, Action::Kill(..) | Action::Assign(..) | Action::GiveUp(_) | Action::Cut(_) | Action::Empty(..))
        };
        let is_fault = |a: &Action| costs(a) || matches!(a, Action::Start(_));
        let faults: Vec<usize> = (0..enabled.len()).filter(|&i| is_fault(&enabled[i])).collect();
        let plain: Vec<usize> = (0..enabled.len()).filter(|&i| !is_fault(&enabled[i])).collect();
        let strike = plain.is_empty() || (!faults.is_empty() && (self.faults == 0 || self.dice.random_ratio(1, 15)));
        if strike {
            let picked = faults[self.dice.random_range(0..faults.len())];
            if costs(&enabled[picked]) {
                self.faults = self.faults.saturating_sub(1);
            }
            return enabled[picked];
        }
        match self.kind {
            Kind::Uniform => enabled[plain[self.dice.random_range(0..plain.len())]],
            Kind::Priorities => {
                if self.dice.random_ratio(1, 12) {
                    // Whoever is first now becomes last.
                    let first = self.first(&plain, lives);
                    self.priorities.insert(lives[first], 0);
                    let others: Vec<Life> = self.priorities.keys().copied().filter(|l| *l != lives[first]).collect();
                    for life in others {
                        *self.priorities.entry(life).or_default() += 1;
                    }
                }
                let first = self.first(&plain, lives);
                let own: Vec<usize> = plain.iter().copied().filter(|&i| lives[i] == lives[first]).collect();
                enabled[own[self.dice.random_range(0..own.len())]]
            }
        }
    }

    fn first(&mut self, plain: &[usize], lives: &[Life]) -> usize {
        for &i in plain {
            if !self.priorities.contains_key(&lives[i]) {
                let priority = self.dice.random_range(1..1_000_000);
                self.priorities.insert(lives[i], priority);
            }
        }
        plain.iter().copied().max_by_key(|&i| self.priorities[&lives[i]]).unwrap_or(plain[0])
    }
}
