//! Drop-offs that look like broken identity (phantom drop-offs), estimated. In: how often a trail begins soon after the end
//! of another, and how often it does so by chance (`aggregate/broken.rs`). Out: [`BrokenStage`]s, each beside the drop-off
//! rate of its stage.
//!
//! A trail that begins because the identity of another was lost has the end of that one shortly before it, and beside it
//! as many others as chance puts there. So the matches beyond chance are an estimate of how many were lost. It is a sum
//! over the beginning trails; its standard error is theirs, and one match more that may be chance.

use super::interval::Z;
use super::{LostStage, Rate, StageLine};
use crate::aggregate::broken::{BegunCount, BrokenCounts, Step, Untold};
use crate::map::Text;
use crate::time::Timestamp;

#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// None: something was told.
    pub untold: Option<Untold>,
    /// Kinds of identifiers that tell of no person.
    pub anonymous: Vec<String>,
    pub steps: Vec<Step>,
    /// Which time was looked at.
    pub period: Option<(Timestamp, Timestamp)>,
    pub stages: Vec<BrokenStage>,
}

/// A stage from which the design leads into the middle of the map.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokenStage {
    pub stage: String,
    pub title: Text,
    /// All drop-offs of mature entry dates, and those of anonymous trails that end there.
    pub drop_offs: u64,
    pub anonymous: u64,
    /// Trails that begin at a next stage, the ends that stand within the time before them, and as many of these as there
    /// are by chance.
    pub begun: u64,
    pub matches: u64,
    pub by_chance: f64,
    /// How many drop-offs look broken, and the 95 % interval.
    pub estimate: (f64, f64, f64),
    pub drop_off_rate: Rate,
    /// What the rate would be had they not been lost: estimate, and its bounds by the interval.
    pub without: Option<(f64, f64, f64)>,
}

pub(super) fn broken(counts: &BrokenCounts, stages: &[StageLine], lost: &[LostStage]) -> Broken {
    let (trails, ends, begun) = match counts {
        BrokenCounts::Untold(why) => {
            return Broken {
                untold: Some(*why),
                anonymous: Vec::new(),
                steps: Vec::new(),
                period: None,
                stages: Vec::new(),
            };
        }
        BrokenCounts::Told { trails, ends, begun } => (trails, ends, begun),
    };
    let line = |stage: &StageLine| {
        trails.steps.iter().find(|s| s.from == stage.id)?;
        let drop_offs = lost.iter().find(|l| l.stage == stage.id).map_or(0, |l| l.journeys);
        let anonymous = ends.iter().find(|e| e.stage == stage.id).map_or(0, |e| e.trails);
        let own: Vec<&BegunCount> = begun.iter().filter(|b| b.from == stage.id).collect();
        let sum = |f: fn(&BegunCount) -> u64| own.iter().map(|b| f(b)).sum::<u64>();
        let trails = sum(|b| b.trails);
        let estimate = estimate(&own, trails.min(anonymous));
        let without = match &stage.drop_off_rate {
            Rate::Point { value, n, .. } => {
                let less = |lost: f64| (value - lost / *n as f64).max(0.0);
                Some((less(estimate.0), less(estimate.2), less(estimate.1)))
            }
            _ => None,
        };
        Some(BrokenStage {
            stage: stage.id.clone(),
            title: stage.title.clone(),
            drop_offs,
            anonymous,
            begun: trails,
            matches: sum(|b| b.matches),
            by_chance: own.iter().fold(0.0, |sum, b| sum + b.by_chance),
            estimate,
            drop_off_rate: stage.drop_off_rate,
            without,
        })
    };
    Broken {
        untold: None,
        anonymous: trails.anonymous.clone(),
        steps: trails.steps.clone(),
        period: Some((trails.from, trails.to)),
        stages: stages.iter().filter_map(line).collect(),
    }
}

/// At most `most`: a beginning trail explains no more than one drop-off, and none that did not happen.
fn estimate(own: &[&BegunCount], most: u64) -> (f64, f64, f64) {
    let excess = |b: &BegunCount| b.matches as f64 - b.by_chance;
    let variance = |b: &BegunCount| {
        let n = b.trails as f64;
        if b.trails < 2 { b.squares } else { (b.squares - excess(b).powi(2) / n) * n / (n - 1.0) }
    };
    let value: f64 = own.iter().map(|b| excess(b)).sum();
    let half = Z * (own.iter().map(|b| variance(b)).sum::<f64>() + 1.0).sqrt();
    // Of a nought that came out negative the sign is no news.
    let bounded = |v: f64| v.clamp(0.0, most as f64) + 0.0;
    (bounded(value), bounded(value - half), bounded(value + half))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(trails: u64, matches: u64, by_chance: f64, squares: f64) -> BegunCount {
        BegunCount { trails, matches, by_chance, squares, ..BegunCount::default() }
    }

    #[test]
    fn what_meets_by_chance_is_taken_off() {
        // 100 trails begin, 20 of them have an end before them, 5 would by chance.
        let (value, low, high) = estimate(&[&begun(100, 20, 5.0, 22.25)], 100);
        assert!((value - 15.0).abs() < 1e-9, "{value}");
        // The square root of (22.25 - 2.25) * 100 / 99 + 1, times 1.96.
        assert!((high - value - 9.0248).abs() < 1e-3 && (value - low - 9.0248).abs() < 1e-3, "{low} {high}");
    }

    #[test]
    fn an_estimate_is_never_negative_and_never_more_than_trails_that_begin_or_end() {
        assert_eq!(estimate(&[&begun(100, 5, 9.0, 20.0)], 100).0, 0.0);
        assert_eq!(estimate(&[&begun(50, 50, 0.0, 50.0)], 7), (7.0, 7.0, 7.0));
        assert_eq!(estimate(&[], 0), (0.0, 0.0, 0.0));
    }
}
