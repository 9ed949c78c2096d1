//! What comes first, what follows what, what comes last. In: walks, each the classes of one journey in order. Out: counts.

use super::classes::Steps;

/// Counts over walks, by class.
#[derive(Clone, Debug)]
pub struct Counts {
    n: usize,
    pub walks: u64,
    /// Visits, and walks that have one.
    pub visits: Vec<u64>,
    pub with: Vec<u64>,
    pub first: Vec<u64>,
    pub last: Vec<u64>,
    /// Sum of the places of first visits.
    pub place: Vec<u64>,
    follows: Vec<u64>,
    before: Vec<u64>,
}

impl Counts {
    pub fn of(n: usize, walks: &[Steps]) -> Self {
        let zeros = || vec![0; n];
        let mut out = Self {
            n,
            walks: 0,
            visits: zeros(),
            with: zeros(),
            first: zeros(),
            last: zeros(),
            place: zeros(),
            follows: vec![0; n * n],
            before: vec![0; n * n],
        };
        for walk in walks {
            let (Some(begin), Some(end)) = (walk.first(), walk.last()) else { continue };
            out.walks += 1;
            out.first[usize::from(begin.1)] += 1;
            out.last[usize::from(end.1)] += 1;
            let mut met: Vec<usize> = Vec::new();
            for (i, (_, class)) in walk.iter().enumerate() {
                let class = usize::from(*class);
                out.visits[class] += 1;
                if let Some((_, next)) = walk.get(i + 1).filter(|(_, next)| usize::from(*next) != class) {
                    out.follows[class * n + usize::from(*next)] += 1;
                }
                if !met.contains(&class) {
                    out.place[class] += i as u64;
                    met.iter().for_each(|earlier| out.before[earlier * n + class] += 1);
                    met.push(class);
                }
            }
            met.iter().for_each(|class| out.with[*class] += 1);
        }
        out
    }

    /// How often `b` comes directly after `a`.
    pub fn follows(&self, a: usize, b: usize) -> u64 {
        self.follows[a * self.n + b]
    }

    /// Walks in which `a` is met before `b` is.
    pub fn before(&self, a: usize, b: usize) -> u64 {
        self.before[a * self.n + b]
    }
}
