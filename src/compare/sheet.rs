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

#[cfg(test)]
mod tests;
mod unknown;

use unknown::Unknown;

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
    /// Taken back only where nothing else of a sum can be.
    kept: bool,
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
    /// Hits so far, misses so far, and what entered. None: a point, or nothing.
    pub bounds: Option<[Entry; 3]>,
    /// Hits and misses, of a point or so far.
    pub parts: [Option<Entry>; 2],
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
        let mut three = |hits: f64, misses: f64, of: u64| [share(hits, of), share(misses, of), share(1.0, of)];
        let (found, is_point) = match told {
            Rate::Point { value, n, .. } => (Some(three(value, 1.0 - value, n)), true),
            Rate::Immature { low, high, entered } => (Some(three(low, 1.0 - high, entered)), false),
            Rate::None | Rate::Untold => (None, false),
        };
        // What an untold rate is of may be told elsewhere.
        found.into_iter().for_each(|[_, _, of]| self.values[of].guarded = false);
        RateEntry {
            bundle,
            point: found.filter(|_| is_point).map(|[hits, _, of]| (hits, of)),
            bounds: found.filter(|_| !is_point),
            parts: found.map_or([None, None], |[hits, misses, _]| [Some(hits), Some(misses)]),
        }
    }

    /// What another count rests on: both are told or none is.
    pub fn count_of(&mut self, count: &'a mut u64, rate: RateEntry) {
        self.count_in(count, rate.bundle);
    }

    /// The same count once more.
    pub fn count_again(&mut self, count: &'a mut u64, of: Entry) {
        match self.values[of].bundle {
            Some(bundle) if self.values[of].value == *count => self.count_in(count, bundle),
            _ => {
                self.count(count);
            }
        }
    }

    fn count_in(&mut self, count: &'a mut u64, bundle: usize) {
        let value = *count;
        self.bundles[bundle].slots.push(Slot::Count(count));
        self.value(value, Some(bundle));
    }

    /// The same rate once more.
    pub fn again(&mut self, rate: &'a mut Rate, of: RateEntry) {
        self.bundles[of.bundle].slots.push(Slot::Rate(rate));
    }

    /// Figures that a report is read for: others go first.
    pub fn keep(&mut self, rates: &[RateEntry], counts: &[Entry]) {
        let of_counts = counts.iter().filter_map(|e| self.values[*e].bundle);
        let bundles: Vec<usize> = rates.iter().map(|r| r.bundle).chain(of_counts).collect();
        bundles.into_iter().for_each(|b| self.bundles[b].kept = true);
    }

    /// What stands beside each other in words or on a line: without one of the counts no rate of it is told.
    pub fn row(&mut self, counts: &[Entry], rates: &[RateEntry]) {
        self.rows.push((counts.to_vec(), rates.iter().map(|r| r.bundle).collect()));
    }

    /// Rates of the same journeys: each would tell what the others are of.
    pub fn together(&mut self, rates: [RateEntry; 2]) {
        let [one, other] = rates;
        for (from, to) in [(one, other), (other, one)] {
            self.row(&from.parts.into_iter().flatten().collect::<Vec<_>>(), &[to]);
        }
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

    /// What bounds say they are of is told elsewhere too.
    pub fn bounds_of(&mut self, rate: RateEntry, entered: Entry) {
        if let Some([_, _, of]) = rate.bounds {
            self.equal(&[of], &[entered]);
        }
    }

    /// What these add up to is told elsewhere, if it is what the first do.
    pub fn total_if_known(&mut self, total: &[Entry], parts: Vec<Entry>) {
        let sum = |side: &[Entry]| side.iter().map(|e| self.values[*e].value).sum::<u64>();
        if sum(total) == sum(&parts) {
            self.total_is_known(parts);
        }
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
    fn gives_away(&self, sum: &[Entry]) -> bool {
        let mut unknown = sum.iter().filter(|e| !self.is_told(**e));
        match (unknown.next(), unknown.next()) {
            (Some(&only), None) => self.values[only].guarded || self.is_small(self.values[only].value),
            _ => false,
        }
    }

    /// Takes back until no sum gives anything away, and writes what may be told.
    pub fn close(mut self) {
        let small = |sheet: &Self, b: &Bundle<'_>| b.entries.iter().any(|e| sheet.is_small(sheet.values[*e].value));
        let mut taken: Vec<usize> = (0..self.bundles.len()).filter(|b| small(&self, &self.bundles[*b])).collect();
        let mut unknown = Unknown::of(&self);
        loop {
            while let Some(bundle) = taken.pop() {
                if !std::mem::replace(&mut self.bundles[bundle].untold, true) {
                    let entries = &self.bundles[bundle].entries;
                    entries.iter().for_each(|e| taken.extend(unknown.now(*e, &self.rows)));
                }
            }
            // One at a time, in their order: what one sum needs may do for the next.
            let Some(sum) = unknown.first_with_one() else { break };
            if self.gives_away(&self.sums[sum]) {
                taken.extend(self.least_telling(&self.sums[sum]));
            }
        }
        self.write();
    }

    fn write(self) {
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

    /// The smallest count of a sum that is still told, and is somebody; one that is kept comes last.
    fn least_telling(&self, sum: &[Entry]) -> Option<usize> {
        let told = sum.iter().filter(|e| self.is_told(**e) && self.values[**e].value > 0);
        let kept = |e: Entry| self.values[e].bundle.is_some_and(|b| self.bundles[b].kept);
        told.min_by_key(|e| (kept(**e), self.values[**e].value, **e)).and_then(|e| self.values[*e].bundle)
    }
}
