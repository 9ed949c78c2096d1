//! How many dead letters are too many: arithmetic only. In: what became of each record of one partition or file, in
//! order. Out: that it must not be read on, and why.

use std::collections::VecDeque;

use crate::config::DeadLetterLimits;

/// Watches one partition or file.
#[derive(Clone, Debug)]
pub struct Guard {
    limits: DeadLetterLimits,
    /// The last `of` records: true for a dead letter.
    recent: VecDeque<bool>,
    rejected: usize,
    in_a_row: u64,
}

/// Why a partition is not read on.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum TooMany {
    #[error("{0} records in a row were dead letters")]
    InARow(u64),
    #[error("{rejected} of the last {of} records were dead letters, and {} % are allowed", .share * 100.0)]
    Share { rejected: usize, of: usize, share: f64 },
}

impl Guard {
    pub const fn new(limits: DeadLetterLimits) -> Self {
        Self { limits, recent: VecDeque::new(), rejected: 0, in_a_row: 0 }
    }

    /// One record more.
    pub fn note(&mut self, rejected: bool) -> Result<(), TooMany> {
        let DeadLetterLimits { share, of, in_a_row } = self.limits;
        if self.recent.len() >= of {
            self.rejected -= usize::from(self.recent.pop_front() == Some(true));
        }
        self.recent.push_back(rejected);
        self.rejected += usize::from(rejected);
        self.in_a_row = if rejected { self.in_a_row + 1 } else { 0 };
        if in_a_row > 0 && self.in_a_row >= in_a_row {
            return Err(TooMany::InARow(self.in_a_row));
        }
        // Of fewer records the share is not known yet.
        if share < 1.0 && self.recent.len() == of && self.rejected as f64 > share * of as f64 {
            return Err(TooMany::Share { rejected: self.rejected, of, share });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trips_at(limits: DeadLetterLimits, rejected: impl Fn(usize) -> bool) -> Option<(usize, TooMany)> {
        let mut guard = Guard::new(limits);
        (0..100_000).find_map(|i| guard.note(rejected(i)).err().map(|why| (i, why)))
    }

    #[test]
    fn a_run_of_dead_letters_or_too_great_a_share_stops_the_reading_and_less_does_not() {
        let limits = DeadLetterLimits::default();
        assert_eq!(trips_at(limits, |_| true), Some((999, TooMany::InARow(1000))));
        assert_eq!(trips_at(DeadLetterLimits { share: 1.0, ..limits }, |i| !i.is_multiple_of(1000)), None);
        let half = Some((9_999, TooMany::Share { rejected: 5_000, of: 10_000, share: 0.05 }));
        assert_eq!(trips_at(limits, |i| i.is_multiple_of(2)), half, "judged once there are so many records");
        assert_eq!(trips_at(limits, |i| i.is_multiple_of(20)), None, "exactly the share that is allowed");
        let late = trips_at(limits, |i| i > 50_000 && i.is_multiple_of(19));
        assert!(late.is_some_and(|(i, _)| (59_000..61_000).contains(&i)), "of the last records only: {late:?}");
        assert_eq!(trips_at(DeadLetterLimits::NONE, |_| true), None);
    }
}
