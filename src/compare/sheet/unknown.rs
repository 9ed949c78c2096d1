//! How many unknown ones each sum of a sheet has. In: the sheet, and entry by entry what is untold. Out: what its rows take with
//! it, and the first sum with one unknown. One count more costs only the sums that it stands in: time grows with the sheet.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Entry, Sheet};

pub(super) struct Unknown {
    /// By entry: its sums, and its rows.
    sums_of: Vec<Vec<usize>>,
    rows_of: Vec<Vec<usize>>,
    /// By sum.
    unknown: Vec<usize>,
    /// Sums that had one unknown when they came here.
    with_one: BinaryHeap<Reverse<usize>>,
}

impl Unknown {
    pub(super) fn of(sheet: &Sheet<'_>) -> Self {
        let nowhere = || vec![Vec::new(); sheet.values.len()];
        let (mut sums_of, mut rows_of) = (nowhere(), nowhere());
        let mut unknown = vec![0; sheet.sums.len()];
        for (i, sum) in sheet.sums.iter().enumerate() {
            for &e in sum {
                sums_of[e].push(i);
                unknown[i] += usize::from(sheet.values[e].bundle.is_none());
            }
        }
        for (i, (counts, _)) in sheet.rows.iter().enumerate() {
            counts.iter().for_each(|e| rows_of[*e].push(i));
        }
        let with_one = (0..unknown.len()).filter(|i| unknown[*i] == 1).map(Reverse).collect();
        Self { sums_of, rows_of, unknown, with_one }
    }

    /// An entry is untold from now on. Out: what its rows take with it.
    pub(super) fn now<'r>(
        &mut self,
        entry: Entry,
        rows: &'r [(Vec<Entry>, Vec<usize>)],
    ) -> impl Iterator<Item = usize> + use<'r> {
        for &sum in &self.sums_of[entry] {
            self.unknown[sum] += 1;
            if self.unknown[sum] == 1 {
                self.with_one.push(Reverse(sum));
            }
        }
        let own = std::mem::take(&mut self.rows_of[entry]);
        own.into_iter().flat_map(|row| rows[row].1.iter().copied())
    }

    pub(super) fn first_with_one(&mut self) -> Option<usize> {
        while let Some(Reverse(sum)) = self.with_one.pop() {
            if self.unknown[sum] == 1 {
                return Some(sum);
            }
        }
        None
    }
}
