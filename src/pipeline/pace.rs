//! How often aggregates are counted. In: when counting begins and ends. Out: whether it may begin again. A count goes over the
//! whole history of its buckets, so it takes longer as history grows; a fixed interval would at last leave no time for
//! anything else. It takes at most one part in [`PARTS`] of the time instead.

use crate::time::Timestamp;

/// Aggregates are counted in at most one of so many parts of the time, while rows are written.
const PARTS: i64 = 10;
/// However long a count took, for it may have waited for a warehouse that was away.
const MOST: i64 = 600_000_000;

#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Since when they rest, and for how many microseconds.
    rests: Option<(Timestamp, i64)>,
}

impl Pace {
    pub fn counted(&mut self, began: Timestamp, now: Timestamp) {
        let took = now.micros().saturating_sub(began.micros()).max(0);
        self.rests = Some((now, took.saturating_mul(PARTS - 1).min(MOST)));
    }

    /// A clock that was put back is no reason to rest.
    pub fn allows(&self, now: Timestamp) -> bool {
        self.rests.is_none_or(|(since, micros)| now < since || now.micros().saturating_sub(since.micros()) >= micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn counting_takes_at_most_a_tenth_of_the_time() {
        let (mut pace, mut now, mut counted) = (Pace::default(), 0, 0);
        for took in [1, 30, 7, 0, 12] {
            while !pace.allows(at(now)) {
                now += 1;
            }
            pace.counted(at(now), at(now + took));
            now += took;
            counted += took;
        }
        while !pace.allows(at(now)) {
            now += 1;
        }
        assert_eq!(now, counted * PARTS);
    }

    #[test]
    fn a_count_that_waited_for_hours_is_followed_by_minutes_of_rest() {
        let mut pace = Pace::default();
        pace.counted(at(0), at(10_000));
        assert!(!pace.allows(at(10_599)));
        assert!(pace.allows(at(10_600)));
    }

    #[test]
    fn a_clock_that_was_put_back_stops_nothing() {
        let mut pace = Pace::default();
        pace.counted(at(1_000), at(1_100));
        assert!(!pace.allows(at(1_101)));
        assert!(pace.allows(at(10)));
        pace.counted(at(10), at(5));
        assert!(pace.allows(at(5)));
    }
}
