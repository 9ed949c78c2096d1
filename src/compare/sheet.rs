//! Counts and the sums among them that a reader can do. In: counts, rates, and which of them add up to which. Out: those
//! below a bound are untold, and as many others that no sum with one unknown tells one of them.
//!
//! ```text
//!  17 = 3 + 9 + 5        3 is too small          17 = <5 + 9 + ≥5
//! ```
//!
//! A sum holds only if it does: what a law does not promise, nobody can rely on, and what is left out costs no count.

use super::cell::Told;
use super::rates::Rate;

/// A count of the sheet.
pub(super) type Entry = usize;

/// Where something stands that is told or untold as a whole.
enum Slot<'a> {
    Count(&'a mut u64),
    Rate(&'a mut Rate),
}

/// What is told together or not at all.
#[derive(Default)]
struct Bundle<'a> {
    slots: Vec<Slot<'a>>,
    entries: Vec<Entry>,
    untold: bool,
}

struct Value {
    value: u64,
    /// None: stands nowhere, but is the rest of two that do.
    bundle: Option<usize>,
    /// Must not be known once it is untold, even if it is large: it would tell another.
    guarded: bool,
}

/// A rate as counts: its hits, and what it is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateEntry {
    bundle: usize,
    /// None: bounds, or nothing.
    pub point: Option<(Entry, Entry)>,
}

pub(super) struct Sheet<'a> {
    least: u64,
    values: Vec<Value>,
    bundles: Vec<Bundle<'a>>,
    sums: Vec<Vec<Entry>>,
    /// With one of the first untold all of the second are.
    rows: Vec<(Vec<Entry>, Vec<usize>)>,
}

impl<'a> Sheet<'a> {
    pub fn new(least: u64) -> Self {
        Self { least, values: Vec::new(), bundles: Vec::new(), sums: Vec::new(), rows: Vec::new() }
    }

    const fn is_small(&self, value: u64) -> bool {
        0 < value && value < self.least
    }

    fn value(&mut self, value: u64, bundle: Option<usize>) -> Entry {
        let entry = self.values.len();
        self.values.push(Value { value, bundle, guarded: bundle.is_some() });
        if let Some(bundle) = bundle {
            self.bundles[bundle].entries.push(entry);
        }
        entry
    }

    fn bundle(&mut self, slot: Slot<'a>) -> usize {
        self.bundles.push(Bundle { slots: vec![slot], ..Bundle::default() });
        self.bundles.len() - 1
    }

    pub fn count(&mut self, count: &'a mut u64) -> Entry {
        let value = *count;
        let bundle = self.bundle(Slot::Count(count));
        self.value(value, Some(bundle))
    }

    /// A share tells its hits, and with them its misses.
    pub fn rate(&mut self, rate: &'a mut Rate) -> RateEntry {
        let told = *rate;
        let bundle = self.bundle(Slot::Rate(rate));
        let mut share = |part: f64, of: u64| self.value((part * of as f64).round() as u64, Some(bundle));
        let point = match told {
            Rate::Point { value, n, .. } => {
                let hits = share(value, n);
                share(1.0 - value, n);
                Some((hits, share(1.0, n)))
            }
            Rate::Immature { low, high, entered } => {
                share(low, entered);
                share(1.0 - high, entered);
                share(1.0, entered);
                None
            }
            Rate::None | Rate::Untold => None,
        };
        // What an untold rate is of may be told elsewhere.
        if let Some((_, n)) = point {
            self.values[n].guarded = false;
        }
        RateEntry { bundle, point }
    }

    /// What another count rests on: both are told or none is.
    pub fn count_of(&mut self, count: &'a mut u64, rate: RateEntry) {
        let value = *count;
        self.bundles[rate.bundle].slots.push(Slot::Count(count));
        self.value(value, Some(rate.bundle));
    }

    /// The same rate once more.
    pub fn again(&mut self, rate: &'a mut Rate, of: RateEntry) {
        self.bundles[of.bundle].slots.push(Slot::Rate(rate));
    }

    /// What stands beside each other in words or on a line: without one of the counts no rate of it is told.
    pub fn row(&mut self, counts: &[Entry], rates: &[RateEntry]) {
        self.rows.push((counts.to_vec(), rates.iter().map(|r| r.bundle).collect()));
    }

    /// Counts that rest on the same journeys as a row: without one of its counts they are untold.
    pub fn row_of(&mut self, counts: &[Entry], then: &[Entry]) {
        let bundles = then.iter().filter_map(|e| self.values[*e].bundle).collect();
        self.rows.push((counts.to_vec(), bundles));
    }

    /// The second is some of the first, and their difference somebody's.
    pub fn part(&mut self, whole: Entry, part: Entry) {
        if let Some(rest) = self.values[whole].value.checked_sub(self.values[part].value) {
            let rest = self.value(rest, None);
            self.sums.push(vec![whole, part, rest]);
        }
    }

    /// Both sides add up to the same, if they do.
    pub fn equal(&mut self, left: &[Entry], right: &[Entry]) {
        let sum = |side: &[Entry]| side.iter().map(|e| self.values[*e].value).sum::<u64>();
        if sum(left) > 0 && sum(left) == sum(right) {
            self.sums.push([left, right].concat());
        }
    }

    /// What these add up to is told elsewhere.
    pub fn total_is_known(&mut self, parts: Vec<Entry>) {
        self.sums.push(parts);
    }

    pub fn rates_equal(&mut self, rate: RateEntry, hits: &[Entry], of: &[Entry]) {
        if let Some((own_hits, n)) = rate.point {
            self.equal(&[own_hits], hits);
            self.equal(&[n], of);
        }
    }

    fn is_told(&self, entry: Entry) -> bool {
        self.values[entry].bundle.is_some_and(|b| !self.bundles[b].untold)
    }

    /// What a sum gives away: its only unknown, if that must not be known.
    fn given_away(&self, sum: &[Entry]) -> bool {
        let mut unknown = sum.iter().filter(|e| !self.is_told(**e));
        match (unknown.next(), unknown.next()) {
            (Some(&only), None) => self.values[only].guarded || self.is_small(self.values[only].value),
            _ => false,
        }
    }

    /// Takes back until no sum gives anything away, and writes what may be told.
    pub fn close(mut self) {
        for i in 0..self.bundles.len() {
            self.bundles[i].untold = self.bundles[i].entries.iter().any(|e| self.is_small(self.values[*e].value));
        }
        loop {
            let mut more: Vec<usize> = Vec::new();
            for (counts, then) in &self.rows {
                if counts.iter().any(|e| !self.is_told(*e)) {
                    more.extend(then.iter().filter(|b| !self.bundles[**b].untold));
                }
            }
            if more.is_empty() {
                // One at a time: what one sum needs may do for the next.
                let telling = self.sums.iter().filter(|sum| self.given_away(sum));
                more.extend(telling.filter_map(|sum| self.least_telling(sum)).take(1));
            }
            if more.is_empty() {
                break;
            }
            more.into_iter().for_each(|bundle| self.bundles[bundle].untold = true);
        }
        for bundle in self.bundles.into_iter().filter(|b| b.untold) {
            for slot in bundle.slots {
                match slot {
                    Slot::Count(0) => {}
                    Slot::Count(count) if *count < self.least => *count = Told::Below(self.least).as_count(),
                    Slot::Count(count) => *count = Told::AtLeast(self.least).as_count(),
                    Slot::Rate(Rate::None) => {}
                    Slot::Rate(rate) => *rate = Rate::Untold,
                }
            }
        }
    }

    /// The smallest count of a sum that is still told, and is somebody.
    fn least_telling(&self, sum: &[Entry]) -> Option<usize> {
        let told = sum.iter().filter(|e| self.is_told(**e) && self.values[**e].value > 0);
        told.min_by_key(|e| (self.values[**e].value, **e)).and_then(|e| self.values[*e].bundle)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(counts: &[u64]) -> Vec<Told> {
        counts.iter().map(|c| Told::of(*c)).collect()
    }

    #[test]
    fn a_small_count_takes_the_next_smallest_of_its_sum_with_it() {
        let (mut total, mut parts) = (17, [3, 9, 5, 0]);
        let mut sheet = Sheet::new(5);
        let whole = sheet.count(&mut total);
        let all: Vec<Entry> = parts.iter_mut().map(|p| sheet.count(p)).collect();
        sheet.equal(&[whole], &all);
        sheet.close();
        assert_eq!(total, 17);
        assert_eq!(told(&parts), [Told::Below(5), Told::Count(9), Told::AtLeast(5), Told::Count(0)]);
    }

    #[test]
    fn a_total_of_one_part_goes_with_it_and_an_unknown_rest_saves_nobody() {
        let (mut total, mut only, mut whole, mut most) = (3, 3, 100, 97);
        let mut sheet = Sheet::new(5);
        let (t, o) = (sheet.count(&mut total), sheet.count(&mut only));
        sheet.equal(&[t], &[o]);
        let (w, m) = (sheet.count(&mut whole), sheet.count(&mut most));
        sheet.part(w, m);
        sheet.close();
        assert_eq!(
            told(&[total, only, whole, most]),
            [Told::Below(5), Told::Below(5), Told::Count(100), Told::AtLeast(5)]
        );
    }

    #[test]
    fn a_rate_of_few_hits_or_few_misses_is_untold_and_so_is_one_on_a_row_of_few() {
        let mut rates = [(2, 40), (38, 40), (20, 40), (20, 40), (0, 40)].map(|(hits, n)| Rate::point(hits, n));
        let mut few = 4;
        let mut sheet = Sheet::new(5);
        let all: Vec<RateEntry> = rates.iter_mut().map(|r| sheet.rate(r)).collect();
        let few = sheet.count(&mut few);
        sheet.row(&[few], &all[3..4]);
        sheet.close();
        assert_eq!(rates, [Rate::Untold, Rate::Untold, Rate::point(20, 40), Rate::Untold, Rate::point(0, 40)]);
    }

    proptest! {
        /// A table with the sums of its rows and columns, and of all: whatever is untold, no line has one unknown.
        #[test]
        fn no_line_of_a_table_has_one_unknown_alone(
            table in prop::collection::vec(prop::collection::vec(0u64..12, 4), 1..6),
            least in 2u64..8,
        ) {
            let mut cells = table.clone();
            let mut rows: Vec<u64> = table.iter().map(|r| r.iter().sum()).collect();
            let mut columns: Vec<u64> = (0..4).map(|c| table.iter().map(|r| r[c]).sum()).collect();
            let mut all: u64 = rows.iter().sum();
            let mut sheet = Sheet::new(least);
            let inner: Vec<Vec<Entry>> = cells.iter_mut().map(|r| r.iter_mut().map(|c| sheet.count(c)).collect()).collect();
            let row_ids: Vec<Entry> = rows.iter_mut().map(|r| sheet.count(r)).collect();
            let column_ids: Vec<Entry> = columns.iter_mut().map(|c| sheet.count(c)).collect();
            let total = sheet.count(&mut all);
            for (row, cells) in row_ids.iter().zip(&inner) {
                sheet.equal(&[*row], cells);
            }
            for (c, column) in column_ids.iter().enumerate() {
                sheet.equal(&[*column], &inner.iter().map(|r| r[c]).collect::<Vec<_>>());
            }
            sheet.equal(&[total], &row_ids);
            sheet.equal(&[total], &column_ids);
            sheet.close();
            let unknown = |line: &[u64]| line.iter().filter(|c| Told::of(**c).count().is_none()).count();
            let mut lines: Vec<Vec<u64>> = rows.iter().zip(&cells).map(|(r, cells)| [&[*r], &cells[..]].concat()).collect();
            lines.extend((0..4).map(|c| cells.iter().map(|r| r[c]).chain([columns[c]]).collect()));
            lines.push([&[all], &rows[..]].concat());
            lines.push([&[all], &columns[..]].concat());
            for line in &lines {
                prop_assert_ne!(unknown(line), 1, "{:?}", line);
            }
            let before = table.iter().flatten();
            for (was, is) in before.zip(cells.iter().flatten()) {
                match Told::of(*is) {
                    Told::Count(n) => prop_assert!(n == *was && (n == 0 || n >= least)),
                    Told::Below(n) => prop_assert!(n == least && 0 < *was && *was < least),
                    Told::AtLeast(n) => prop_assert!(n == least && *was >= least),
                }
            }
            // A small total has small parts: without any nothing is untold.
            let small = table.iter().flatten().any(|c| 0 < *c && *c < least);
            prop_assert!(small || cells.iter().flatten().all(|c| Told::of(*c).count().is_some()));
        }
    }
}
