//! Rates (semantics.md, "Rates"): a point over mature entry dates with its Wilson interval, or bounds where none is
//! mature. In: counts. Out: [`Rate`].

use std::collections::BTreeSet;

use crate::aggregate::{JourneyDay, StageDay};
use crate::time::Day;

/// A share as it may be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Rate {
    /// Over mature entry dates; `low..high` is its 95 % Wilson interval, `n` the decided journeys.
    Point { value: f64, n: u64, low: f64, high: f64 },
    /// No entry date is mature: what the rate may still become.
    Immature { low: f64, high: f64, entered: u64 },
    /// Nothing entered, or a rate does not apply (an exit stage).
    #[default]
    None,
    /// Of so few that it must not be told (`min_cell`).
    Untold,
}

impl Rate {
    pub fn point(hits: u64, n: u64) -> Self {
        if n == 0 {
            return Self::None;
        }
        let (low, high) = wilson(hits, n);
        Self::Point { value: hits as f64 / n as f64, n, low, high }
    }

    pub const fn value(&self) -> Option<f64> {
        match self {
            Self::Point { value, .. } => Some(*value),
            _ => None,
        }
    }
}

/// The 95 % Wilson score interval of `hits` in `n` > 0.
pub fn wilson(hits: u64, all: u64) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    let (p, n) = (hits as f64 / all as f64, all as f64);
    let z2 = Z * Z;
    let centre = p + z2 / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    // All or none have exactly this bound; rounding would leave a promise that everybody keeps a hair short of it.
    let low = if hits == 0 { 0.0 } else { ((centre - half) / scale).max(0.0) };
    let high = if hits == all { 1.0 } else { ((centre + half) / scale).min(1.0) };
    (low, high)
}

fn share(hits: u64, n: u64) -> f64 {
    if n == 0 { 0.0 } else { hits as f64 / n as f64 }
}

/// completed / decided. `keyed`: silence decides only provisionally, so the dropped count as in flight in bounds.
pub fn overall(days: &[JourneyDay], mature: &BTreeSet<Day>, keyed: bool) -> Rate {
    let sum = |over: &dyn Fn(&&JourneyDay) -> bool, f: &dyn Fn(&JourneyDay) -> u64| {
        days.iter().filter(|d| over(d)).map(f).sum::<u64>()
    };
    let is_mature = |d: &&JourneyDay| mature.contains(&d.entry_date);
    if mature.is_empty() {
        let all = |_: &&JourneyDay| true;
        let entered = sum(&all, &|d| d.entered);
        if entered == 0 {
            return Rate::None;
        }
        let completed = sum(&all, &|d| d.completed);
        let open = sum(&all, &|d| d.in_flight + if keyed { d.dropped } else { 0 });
        return Rate::Immature { low: share(completed, entered), high: share(completed + open, entered), entered };
    }
    Rate::point(sum(&is_mature, &|d| d.completed), sum(&is_mature, &|d| d.completed + d.ended + d.dropped))
}

/// Bounds of conversion(s) over the given days: (lowest, highest) it may still become.
pub fn bounds_of_conversion(days: &[JourneyDay], stage: &[&StageDay], keyed: bool) -> (f64, f64) {
    let total = |f: &dyn Fn(&StageDay) -> u64| stage.iter().map(|d| f(d)).sum::<u64>();
    let provisional = |dropped: u64| if keyed { dropped } else { 0 };
    let may_still: u64 = days.iter().map(|d| d.in_flight + d.completed_open + provisional(d.dropped)).sum();
    let entered_open = total(&|d| d.in_flight + d.completed_open + provisional(d.dropped));
    let m = may_still.saturating_sub(entered_open);
    let entered = total(&|d| d.entered);
    let progressed = total(&|d| d.progressed + d.progressed_in_flight);
    let open = total(&|d| d.in_flight + provisional(d.dropped));
    let open_progressed = total(&|d| d.progressed_in_flight + provisional(d.progressed_dropped));
    let open_not_progressed = open.saturating_sub(open_progressed);
    (share(progressed, entered + m), share(progressed + open_not_progressed + m, entered + m))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_matches_the_published_example() {
        // 20 of 100: 0.1334 .. 0.2888
        let (low, high) = wilson(20, 100);
        assert!((low - 0.1334).abs() < 1e-3 && (high - 0.2888).abs() < 1e-3, "{low} {high}");
        for n in 1..2_000 {
            assert_eq!((wilson(0, n).0, wilson(n, n).1), (0.0, 1.0), "of {n}");
        }
    }

    #[test]
    fn a_journey_in_flight_that_has_progressed_is_inside_the_bounds_of_conversion() {
        let day = JourneyDay { entered: 2, dropped: 1, in_flight: 1, ..JourneyDay::default() };
        let stage = StageDay {
            entered: 2,
            decided: 1,
            in_flight: 1,
            progressed_in_flight: 1,
            dropped: 1,
            ..StageDay::default()
        };
        assert_eq!(bounds_of_conversion(&[day], &[&stage], false), (0.5, 0.5));
    }
}
