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

    /// How far one source alone would let as_of come; `None`: it says nothing now.
    pub fn of_source(&self, id: SourceId, now: Timestamp) -> Option<Timestamp> {
        let source = self.config.source(id);
        let own = || self.partitions.iter().filter(|((s, _, _), _)| *s == id).map(|(_, p)| p);
        let live = |p: &&Partition| p.finished || p.behind || now <= p.moved_at.saturating_add(source.idle);
        let least = own().filter(live).filter_map(|p| p.max_occurred).min();
        least.or_else(|| own().filter_map(|p| p.max_occurred).max()).map(|t| t - source.delay)
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
        let mut streams = false;
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
                // Nobody knows yet what a stream holds whose partitions have not been assigned: that is waited for, but
                // not for ever.
                None if stream && own().next().is_none() && now <= self.started_at.saturating_add(source.idle) => {
                    return None;
                }
                None => {}
            }
        }
        let free = if streams { least } else { least.or(greatest) };
        // Idle sources that deliver in batches keep as_of at the others' greatest time less their delay.
        match (free, holders.into_iter().max(), greatest) {
            (Some(t), Some(delay), Some(g)) => Some(t.min(g - delay)),
            (free, _, _) => free,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::source::Counters;

    const KAFKA: &str = "kafka: { brokers: b, topics: [t] }";
    const FILE: &str = "file: { paths: [f] }";

    fn watermark(sources: &[(&str, &str, &str)]) -> Watermark {
        let mut text = "schema: config/v1\nsources:\n".to_owned();
        for (name, input, more) in sources {
            let input = input.replace("topics: [t]", &format!("topics: [t], group: {name}"));
            text.push_str(&format!("  {name}: {{ {input}, {more} decoder: {{ name: n, time: t }} }}\n"));
        }
        let config =
            crate::config::parse("tropa.yaml", &text, &|_| None, Path::new(".")).unwrap_or_else(|e| panic!("{e}"));
        Watermark::new(Arc::new(config), None, clock(0))
    }

    /// The wall clock, minutes after the start.
    fn clock(minutes: u64) -> Timestamp {
        Timestamp::parse("2026-06-01").unwrap() + Duration::from_secs(60 * minutes)
    }

    /// Event time, minutes into another day.
    fn at(minutes: u64) -> Option<Timestamp> {
        Some(Timestamp::parse("2026-05-01").unwrap() + Duration::from_secs(60 * minutes))
    }

    fn row(source: u16, partition: i32, max_occurred: Option<Timestamp>) -> PositionRow {
        PositionRow {
            source: SourceId(source),
            topic: Arc::from("t"),
            partition,
            next: 0,
            counters: Counters::default(),
            max_occurred,
            behind: false,
            finished: false,
            content: Arc::from(""),
        }
    }

    #[test]
    fn as_of_is_the_least_of_the_partitions_less_the_delay_and_never_falls() {
        let mut w = watermark(&[("web", KAFKA, "")]);
        w.observe(&row(0, 0, at(60)), clock(1));
        w.observe(&row(0, 1, at(30)), clock(1));
        assert_eq!(w.advance(clock(1)), at(25));
        w.observe(&row(0, 2, at(10)), clock(2));
        assert_eq!(w.advance(clock(2)), at(25));
    }

    #[test]
    fn a_partition_that_holds_more_is_waited_for_however_silent_it_is() {
        let mut w = watermark(&[("web", KAFKA, "")]);
        w.observe(&PositionRow { behind: true, ..row(0, 0, None) }, clock(0));
        w.observe(&row(0, 1, at(60)), clock(0));
        assert_eq!(w.advance(clock(1)), None, "what waits may be older than all that was read");
        w.observe(&PositionRow { behind: true, ..row(0, 0, at(7)) }, clock(1));
        w.observe(&row(0, 1, at(200)), clock(100));
        assert_eq!(w.advance(clock(100)), at(2));
        w.observe(&row(0, 0, at(8)), clock(100));
        assert_eq!(w.advance(clock(104)), at(3));
        w.observe(&row(0, 1, at(201)), clock(106));
        assert_eq!(w.advance(clock(106)), at(196), "read to its end and silent for longer than `idle`");
    }

    #[test]
    fn finite_sources_end_at_the_greatest_time_and_leave_streams_alone() {
        let mut files = watermark(&[("one", FILE, ""), ("two", FILE, "")]);
        files.observe(&PositionRow { finished: true, ..row(0, 0, at(60)) }, clock(0));
        files.observe(&PositionRow { finished: true, ..row(1, 0, at(50)) }, clock(0));
        assert_eq!(files.advance(clock(1)), at(60));
        let mut mixed = watermark(&[("one", FILE, ""), ("web", KAFKA, "")]);
        mixed.observe(&PositionRow { finished: true, ..row(0, 0, at(60)) }, clock(0));
        assert_eq!(mixed.advance(clock(1)), None, "nobody knows yet what the stream holds");
        mixed.observe(&row(1, 0, at(90)), clock(1));
        assert_eq!(mixed.advance(clock(1)), at(85));
    }

    #[test]
    fn a_source_with_a_declared_delay_holds_as_of_back_while_it_is_idle() {
        let mut w = watermark(&[("crm", KAFKA, "delay: P1D,"), ("web", KAFKA, "")]);
        w.observe(&row(0, 0, at(0)), clock(0));
        w.observe(&row(1, 0, at(3 * 24 * 60)), clock(60));
        assert_eq!(w.advance(clock(60)), at(2 * 24 * 60));
    }
}
