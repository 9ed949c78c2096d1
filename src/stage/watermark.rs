//! `as_of`: how far event time is known to have come (semantics.md, "Watermark"). In: the progress of every partition
//! and the wall-clock moment it was made, as arguments. Out: one moment that never falls. Reads no clock.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::PositionRow;
use crate::config::{Config, Input};
use crate::event::SourceId;
use crate::time::Timestamp;

#[derive(Debug, Clone, Copy)]
struct Partition {
    max_occurred: Option<Timestamp>,
    /// When it last gave a record.
    moved_at: Timestamp,
    /// It holds more that we have not read: its silence is ours.
    behind: bool,
    finished: bool,
}

/// The watermark of one process over all of its sources.
#[derive(Debug)]
pub struct Watermark {
    config: Arc<Config>,
    partitions: FxHashMap<(SourceId, Arc<str>, i32), Partition>,
    as_of: Option<Timestamp>,
    started_at: Timestamp,
}

impl Watermark {
    /// `stored`: the greatest as_of this store has shown; it never falls below.
    pub fn new(config: Arc<Config>, stored: Option<Timestamp>, started_at: Timestamp) -> Self {
        Self { config, partitions: FxHashMap::default(), as_of: stored, started_at }
    }

    /// A partition has come so far by `now`.
    pub fn observe(&mut self, row: &PositionRow, now: Timestamp) {
        let key = (row.source, row.topic.clone(), row.partition);
        let fresh = Partition { max_occurred: None, moved_at: now, behind: false, finished: false };
        let p = self.partitions.entry(key).or_insert(fresh);
        p.max_occurred = p.max_occurred.max(row.max_occurred);
        p.moved_at = p.moved_at.max(now);
        p.behind = row.behind;
        p.finished = row.finished;
    }

    pub fn current(&self) -> Option<Timestamp> {
        self.as_of
    }

    /// Moves as_of on as far as the sources allow at `now`.
    pub fn advance(&mut self, now: Timestamp) -> Option<Timestamp> {
        let bound = self.bound(now);
        self.as_of = self.as_of.max(bound);
        self.as_of
    }

    fn bound(&self, now: Timestamp) -> Option<Timestamp> {
        let config = self.config.clone();
        let mut least: Option<Timestamp> = None;
        let mut greatest: Option<Timestamp> = None;
        let mut holders = Vec::new();
        let (mut streams, mut waiting) = (false, false);
        for (i, source) in config.sources.iter().enumerate().filter(|(_, s)| !s.facts_only) {
            let id = SourceId(i as u16);
            let own = || self.partitions.iter().filter(move |((s, _, _), _)| *s == id).map(|(_, p)| p);
            let stream = matches!(source.input, Input::Kafka(_));
            streams |= stream;
            let source_max = own().filter_map(|p| p.max_occurred).max();
            greatest = greatest.max(source_max);
            let idle = |p: &Partition| !p.behind && now > p.moved_at.saturating_add(source.idle);
            let live = || own().filter(|p| !p.finished && !idle(p));
            // What waits to be read may be older than all that was read.
            if live().any(|p| p.behind && p.max_occurred.is_none()) {
                return None;
            }
            match live().filter_map(|p| p.max_occurred).min() {
                Some(t) => least = Some(least.map_or(t - source.delay, |l: Timestamp| l.min(t - source.delay))),
                None if source.delay_declared && stream => holders.push(source.delay),
                // A stream that has not spoken yet may still: until it is idle it holds everything back.
                None if stream && source_max.is_none() && now <= self.started_at.saturating_add(source.idle) => {
                    waiting = true;
                }
                None => {}
            }
        }
        if waiting && self.config.sources.len() > 1 {
            return None;
        }
        let free = if streams { least } else { least.or(greatest) };
        // Idle sources that deliver in batches keep as_of at the others' greatest time less their delay.
        match (free, holders.into_iter().max(), greatest) {
            (Some(t), Some(delay), Some(g)) => Some(t.min(g - delay)),
            (free, _, _) => free,
        }
    }
}
