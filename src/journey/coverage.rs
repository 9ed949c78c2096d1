//! What became of every event. In: one fate per event, as the fold meets it. Out: counts by source, day, fate and exclude
//! rule, and the names and paths that no touchpoint took. Sums only; judges nothing.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{CoverageCount, CustomerEvent, Fate, UnmappedCount};
use crate::event::SourceId;
use crate::time::{Day, Timestamp};

type Cell<'a> = (SourceId, Day, Fate, Option<&'a Arc<str>>);

#[derive(Default)]
pub(super) struct Coverage<'a, 'e> {
    /// Runs of equal cells: neighbours in time are mostly alike.
    runs: SmallVec<[(Cell<'a>, u64); 8]>,
    /// In order of time.
    unmapped: Vec<&'e CustomerEvent>,
}

impl<'a, 'e> Coverage<'a, 'e> {
    pub fn count(&mut self, event: &'e CustomerEvent, day: Day, fate: Fate, rule: Option<&'a Arc<str>>) {
        let cell = (event.source, day, fate, rule);
        match self.runs.last_mut() {
            Some((last, count)) if *last == cell => *count += 1,
            _ => self.runs.push((cell, 1)),
        }
        if fate == Fate::Unmapped {
            self.unmapped.push(event);
        }
    }

    /// Whether an unmapped event lies in `from..=to`.
    pub fn is_unmapped_within(&self, from: Timestamp, to: Timestamp) -> bool {
        let i = self.unmapped.partition_point(|event| event.occurred_at < from);
        self.unmapped.get(i).is_some_and(|event| event.occurred_at <= to)
    }

    /// In order of time.
    pub fn unmapped(&self) -> &[&'e CustomerEvent] {
        &self.unmapped
    }

    pub fn finish(mut self) -> (Vec<CoverageCount>, Vec<UnmappedCount>) {
        self.runs.sort_unstable();
        let mut counts: Vec<CoverageCount> = Vec::with_capacity(self.runs.len());
        for ((source, day, fate, rule), count) in self.runs {
            let rule = rule.cloned().unwrap_or_default();
            match counts.last_mut() {
                Some(c) if (c.source, c.day, c.fate, &c.rule) == (source, day, fate, &rule) => c.count += count,
                _ => counts.push(CoverageCount { source, day, fate, rule, count }),
            }
        }
        let what = |event: &'e CustomerEvent| (event.source, &event.name, &event.path);
        self.unmapped.sort_unstable_by_key(|event| what(event));
        let groups = self.unmapped.chunk_by(|a, b| what(a) == what(b));
        let unmapped = groups.map(|same| UnmappedCount {
            source: same[0].source,
            name: same[0].name.clone(),
            path: same[0].path.clone(),
            count: same.len() as u64,
        });
        (counts, unmapped.collect())
    }
}
