//! Slices of a sorted list that together cover every key there can be, so that rows which should not exist are found
//! between those which should. In: the list, a size, perhaps a sample. Out: slices with their bounds.

use std::sync::Arc;

use crate::identity::Assignment;
use crate::stage::BUCKETS;
use crate::warehouse::Among;

/// A list in the order of its table's key.
pub type Sorted<T> = Vec<T>;

/// So many in a row, from a random place on.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    count: usize,
    /// Where it begins, as a part of the whole.
    place: f64,
}

impl Sample {
    pub fn random(count: usize) -> Self {
        Self { count, place: rand::random() }
    }

    /// What of `len` is meant; never past the end, so that it stays one run.
    fn range(self, len: usize) -> std::ops::Range<usize> {
        let count = self.count.min(len);
        let start = ((len - count) as f64 * self.place) as usize;
        start..start + count
    }
}

/// Items, and the names that they are all of.
#[derive(Debug)]
pub struct Slice<'a, T> {
    pub bucket: u8,
    pub items: &'a [T],
    after: Option<Arc<str>>,
    until: Option<Arc<str>>,
}

impl<T> Slice<'_, T> {
    pub fn among(&self) -> Among<'_> {
        Among::Between(self.after.as_deref(), self.until.as_deref())
    }
}

/// Slices of customers, each within one bucket.
pub fn customers(sorted: &[(u8, Arc<str>)], size: usize, sample: Option<Sample>) -> Vec<Slice<'_, (u8, Arc<str>)>> {
    let mut slices = Vec::new();
    for bucket in 0..BUCKETS {
        let start = sorted.partition_point(|(b, _)| *b < bucket);
        let end = sorted.partition_point(|(b, _)| *b <= bucket);
        cut(&sorted[start..end], size, |(_, name)| name, bucket, &mut slices);
    }
    chosen(slices, sorted.len(), sample)
}

/// Slices of identity rows; all rows of one node lie in one slice.
pub fn nodes(sorted: &[Assignment], size: usize, sample: Option<Sample>) -> Vec<Slice<'_, Assignment>> {
    let mut slices = Vec::new();
    cut(sorted, size, |a| &a.node, 0, &mut slices);
    chosen(slices, sorted.len(), sample)
}

fn cut<'a, T>(sorted: &'a [T], size: usize, name: impl Fn(&T) -> &Arc<str>, bucket: u8, into: &mut Vec<Slice<'a, T>>) {
    let (mut start, mut after) = (0, None);
    loop {
        let mut end = (start + size).min(sorted.len());
        while end > start && end < sorted.len() && name(&sorted[end]) == name(&sorted[end - 1]) {
            end += 1;
        }
        // The last one is open: what lies behind every name that should be is a ghost.
        let until = (end < sorted.len()).then(|| name(&sorted[end - 1]).clone());
        into.push(Slice { bucket, items: &sorted[start..end], after: after.take(), until: until.clone() });
        if until.is_none() {
            return;
        }
        (start, after) = (end, until);
    }
}

/// The slices of a sample: whole ones, for their bounds are what finds ghosts.
fn chosen<T>(slices: Vec<Slice<'_, T>>, len: usize, sample: Option<Sample>) -> Vec<Slice<'_, T>> {
    let Some(range) = sample.map(|s| s.range(len)) else { return slices };
    let mut place = 0;
    let lies_in = |slice: &Slice<'_, T>| {
        let from = place;
        place += slice.items.len();
        from < range.end && place > range.start
    };
    let mut lies_in = lies_in;
    slices.into_iter().filter(|s| lies_in(s)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<(u8, Arc<str>)> {
        let mut all: Vec<(u8, Arc<str>)> = (0..count).map(|i| ((i % 3) as u8, Arc::from(format!("c{i:04}")))).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn slices_leave_no_gap_between_them_and_none_at_the_ends() {
        for count in [0, 1, 2, 7, 100] {
            let all = names(count);
            let slices = customers(&all, 4, None);
            assert_eq!(slices.iter().map(|s| s.items.len()).sum::<usize>(), count);
            for bucket in 0..BUCKETS {
                let own: Vec<_> = slices.iter().filter(|s| s.bucket == bucket).collect();
                assert!(own.first().expect("each bucket").after.is_none());
                assert!(own.last().expect("each bucket").until.is_none());
                assert!(own.windows(2).all(|w| w[0].until == w[1].after && w[0].until.is_some()));
            }
        }
    }

    #[test]
    fn rows_of_one_node_are_not_parted() {
        let row = |node: &str, day| Assignment { node: Arc::from(node), day, customer: None };
        let mut rows = vec![row("a", None)];
        rows.extend((0..6).map(|d| row("b", Some(crate::time::Day(d)))));
        rows.push(row("c", None));
        let slices = nodes(&rows, 2, None);
        assert_eq!(slices.iter().map(|s| s.items.len()).collect::<Vec<_>>(), [7, 1]);
    }

    #[test]
    fn a_sample_holds_as_many_as_were_asked_for_wherever_it_begins() {
        let all = names(300);
        for place in [0.0, 0.3, 0.999] {
            let sample = Sample { count: 20, place };
            let held: usize = customers(&all, 5, Some(sample)).iter().map(|s| s.items.len()).sum();
            assert!((20..=30).contains(&held), "{held} at {place}");
        }
    }
}
