//! How far each partition of a source is stored, with everything counted up to there. In: the progress of batches. Out:
//! rows to write with them. Arithmetic only.

use std::sync::Arc;

use crate::event::SourceId;
use crate::source::{Counters, Progress};
use crate::time::Timestamp;

/// How far a partition is stored, with everything counted up to there.
#[derive(Clone, Debug)]
pub struct PositionRow {
    pub source: SourceId,
    pub topic: Arc<str>,
    pub partition: i32,
    pub next: i64,
    pub counters: Counters,
    pub max_occurred: Option<Timestamp>,
    /// More was waiting to be read; known while the process runs, not stored.
    pub behind: bool,
    pub finished: bool,
    pub content: Arc<str>,
}

/// Sums the batches' progress per partition. A file starts from nothing whenever it is read again.
#[derive(Debug, Default)]
pub struct Positions {
    rows: Vec<PositionRow>,
}

impl Positions {
    pub fn load(rows: Vec<PositionRow>) -> Self {
        Self { rows }
    }

    pub fn get(&self, source: SourceId, topic: &str, partition: i32) -> Option<&PositionRow> {
        self.rows.iter().find(|r| r.source == source && &*r.topic == topic && r.partition == partition)
    }

    pub fn iter(&self) -> impl Iterator<Item = &PositionRow> {
        self.rows.iter()
    }

    /// Adds a batch's progress; returns the rows to write with it.
    pub fn advance(&mut self, progress: &[Progress]) -> Vec<PositionRow> {
        let mut moved = Vec::with_capacity(progress.len());
        for p in progress {
            let found =
                self.rows.iter().position(|r| r.source == p.source && r.topic == p.topic && r.partition == p.partition);
            let i = found.unwrap_or_else(|| {
                self.rows.push(PositionRow {
                    source: p.source,
                    topic: p.topic.clone(),
                    partition: p.partition,
                    next: 0,
                    counters: Counters::default(),
                    max_occurred: None,
                    behind: false,
                    finished: false,
                    content: Arc::from(""),
                });
                self.rows.len() - 1
            });
            let row = &mut self.rows[i];
            if let Some(before) = p.counted_before {
                (row.counters, row.max_occurred) = (before.counters, before.max_occurred);
            }
            row.next = p.next;
            row.counters.add(&p.counters);
            row.max_occurred = row.max_occurred.max(p.max_occurred);
            row.behind = p.behind;
            row.finished = p.finished;
            row.content = p.content.clone();
            moved.push(row.clone());
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Counted;

    #[test]
    fn a_file_read_again_after_a_crash_is_counted_once() {
        let progress = |records: u64, anew: bool, next: i64| Progress {
            source: SourceId(0),
            topic: Arc::from("events.csv"),
            partition: 0,
            next,
            counters: Counters { records, ..Counters::default() },
            counted_before: anew.then(Counted::default),
            max_occurred: None,
            behind: false,
            finished: false,
            content: Arc::from(""),
        };
        let mut positions = Positions::default();
        positions.advance(&[progress(10, true, 10)]);
        assert_eq!(positions.advance(&[progress(5, false, 15)])[0].counters.records, 15);
        assert_eq!(positions.advance(&[progress(10, true, 10)])[0].counters.records, 10);
        assert_eq!(positions.advance(&[progress(9, false, 19)])[0].counters.records, 19);
    }
}
