//! What may be committed, and where to start: arithmetic only. In: batches that begin and finish in any order, and
//! what is known about a partition when it is assigned. Out: the offset up to which everything is done, and the offset
//! to read from. Never talks to a broker.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;

/// A partition of a topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TopicPartition {
    pub topic: Arc<str>,
    pub partition: i32,
}

impl TopicPartition {
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.topic, self.partition)
    }
}

/// A batch under way; given by [`OffsetTracker::begin`], never given twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BatchId(u64);

/// The batches of one source that are under way, per partition in the order they were read.
///
/// Batches may finish out of order (a deferred customer holds one back, the next goes on). An offset may be committed
/// only when every batch read before it is finished, or a crash would skip the one that was not.
#[derive(Debug, Default)]
pub struct OffsetTracker {
    last: u64,
    /// The partitions each unfinished batch moved.
    batches: FxHashMap<BatchId, Vec<TopicPartition>>,
    /// Invariant: the front of every queue is unfinished, and no queue is empty.
    partitions: FxHashMap<TopicPartition, VecDeque<UnderWay>>,
}

#[derive(Debug)]
struct UnderWay {
    batch: BatchId,
    /// Position to resume from once this batch and all before it are done.
    next: i64,
    finished: bool,
}

impl OffsetTracker {
    /// A batch was read: `progress` names each partition it moved (once), with the position after it.
    pub fn begin(&mut self, progress: impl IntoIterator<Item = (TopicPartition, i64)>) -> BatchId {
        self.last += 1;
        let batch = BatchId(self.last);
        let mut moved = Vec::new();
        for (partition, next) in progress {
            let entry = UnderWay { batch, next, finished: false };
            self.partitions.entry(partition.clone()).or_default().push_back(entry);
            moved.push(partition);
        }
        self.batches.insert(batch, moved);
        batch
    }

    /// Everything derived from a batch is stored. Returns the positions that may now be committed. An unknown batch
    /// (finished before, or of revoked partitions only) gives none.
    pub fn finish(&mut self, batch: BatchId) -> Vec<(TopicPartition, i64)> {
        let mut ready = Vec::new();
        for partition in self.batches.remove(&batch).unwrap_or_default() {
            let Some(queue) = self.partitions.get_mut(&partition) else { continue };
            if let Some(entry) = queue.iter_mut().find(|entry| entry.batch == batch) {
                entry.finished = true;
            }
            let mut next = None;
            while queue.front().is_some_and(|entry| entry.finished) {
                next = queue.pop_front().map(|entry| entry.next);
            }
            if queue.is_empty() {
                self.partitions.remove(&partition);
            }
            ready.extend(next.map(|next| (partition, next)));
        }
        ready
    }

    /// These partitions are no longer ours, or are read anew from elsewhere: nothing that was under way for them may
    /// be committed any more. All others are left alone.
    pub fn forget<'a>(&mut self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        for partition in partitions {
            self.partitions.remove(partition);
        }
    }

    /// How many batches are unfinished.
    pub fn under_way(&self) -> usize {
        self.batches.len()
    }
}

/// What is known about a partition at its assignment.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The group's committed offset.
    pub committed: Option<i64>,
    /// The position stored beside the data, written after each acknowledged insert.
    pub stored: Option<i64>,
    /// Where the config's `start:` points, if no partition of this topic was ever committed or stored: a first run.
    pub first_run: Option<i64>,
    /// The log still holds `low..high`.
    pub low: i64,
    pub high: i64,
}

/// Where to read a partition from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    pub offset: i64,
    pub reason: StartReason,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartReason {
    /// Goes on where it stopped.
    Resumed,
    /// The group has committed, but the store knows nothing: it is new, or not the one that was written before.
    ResumedWithoutStore,
    /// Never read before: `start:` of the config.
    FirstRun,
    /// A partition that was added to a topic known before.
    NewPartition,
    /// Where it stopped is not in the log: expired (`wanted` < low), or the topic was made anew (`wanted` > high).
    OutOfRange { wanted: i64 },
}

/// The smaller of committed and stored (reading twice is harmless, reading not at all is not), else `start:` on a first
/// run, else the beginning. What the log no longer holds is read from the beginning of what it does.
pub fn start(known: &Known) -> Start {
    let (wanted, reason) = match (known.committed, known.stored, known.first_run) {
        (Some(committed), Some(stored), _) => (committed.min(stored), StartReason::Resumed),
        (None, Some(stored), _) => (stored, StartReason::Resumed),
        (Some(committed), None, _) => (committed, StartReason::ResumedWithoutStore),
        (None, None, Some(first)) => (first.clamp(known.low, known.high), StartReason::FirstRun),
        (None, None, None) => (known.low, StartReason::NewPartition),
    };
    match (known.low..=known.high).contains(&wanted) {
        true => Start { offset: wanted, reason },
        false => Start { offset: known.low, reason: StartReason::OutOfRange { wanted } },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn p(partition: i32) -> TopicPartition {
        TopicPartition::new("clicks", partition)
    }

    #[test]
    fn a_later_batch_waits_for_the_earlier_one() {
        let mut tracker = OffsetTracker::default();
        let first = tracker.begin([(p(0), 10)]);
        let second = tracker.begin([(p(0), 20), (p(1), 5)]);
        assert_eq!(tracker.finish(second), [(p(1), 5)], "partition 1 was moved by the second batch only");
        assert_eq!(tracker.under_way(), 1);
        assert_eq!(tracker.finish(first), [(p(0), 20)]);
        assert_eq!(tracker.finish(first), [], "a batch finishes once");
        assert_eq!(tracker.under_way(), 0);
    }

    #[test]
    fn a_revoked_partition_is_not_committed_and_the_others_are() {
        let mut tracker = OffsetTracker::default();
        let batch = tracker.begin([(p(0), 10), (p(1), 10)]);
        tracker.forget(&[p(0)]);
        // Partition 0 comes back and is read again from the start: the old batch must not speak for the new one.
        let again = tracker.begin([(p(0), 4)]);
        assert_eq!(tracker.finish(batch), [(p(1), 10)]);
        assert_eq!(tracker.finish(again), [(p(0), 4)]);
    }

    #[test]
    fn the_smaller_of_committed_and_stored_wins() {
        let known = Known { committed: Some(7), stored: Some(5), first_run: None, low: 0, high: 9 };
        assert_eq!(start(&known), Start { offset: 5, reason: StartReason::Resumed });
        let known = Known { committed: Some(5), stored: Some(7), ..known };
        assert_eq!(start(&known), Start { offset: 5, reason: StartReason::Resumed });
        let known = Known { committed: Some(5), stored: None, ..known };
        assert_eq!(start(&known), Start { offset: 5, reason: StartReason::ResumedWithoutStore });
    }

    #[test]
    fn start_of_the_config_counts_on_a_first_run_only() {
        let known = Known { committed: None, stored: None, first_run: Some(9), low: 2, high: 9 };
        assert_eq!(start(&known), Start { offset: 9, reason: StartReason::FirstRun });
        let known = Known { first_run: None, ..known };
        assert_eq!(start(&known), Start { offset: 2, reason: StartReason::NewPartition });
    }

    #[test]
    fn what_the_log_no_longer_holds_is_read_from_its_beginning() {
        let expired = Known { committed: Some(3), stored: Some(4), first_run: None, low: 5, high: 9 };
        assert_eq!(start(&expired), Start { offset: 5, reason: StartReason::OutOfRange { wanted: 3 } });
        let made_anew = Known { committed: Some(30), stored: Some(30), low: 0, ..expired };
        assert_eq!(start(&made_anew), Start { offset: 0, reason: StartReason::OutOfRange { wanted: 30 } });
        let at_the_end = Known { committed: Some(9), stored: Some(9), ..expired };
        assert_eq!(start(&at_the_end), Start { offset: 9, reason: StartReason::Resumed });
    }

    proptest! {
        /// Against the definition: of each partition, the longest run of finished batches from its first one.
        #[test]
        fn only_the_contiguous_prefix_is_ever_committed(
            moves in prop::collection::vec(prop::collection::vec(0..4_i32, 1..4), 1..40),
            seed in any::<u64>(),
        ) {
            let mut tracker = OffsetTracker::default();
            let mut next = [0_i64; 4];
            let mut under_way = Vec::new();
            let mut read: Vec<(usize, i32, i64)> = Vec::new();
            let mut finished = vec![false; moves.len()];
            let mut committed: FxHashMap<i32, i64> = FxHashMap::default();
            let mut random = seed;
            let mut started = 0;
            while started < moves.len() || !under_way.is_empty() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let dice = (random >> 33) as usize;
                if started < moves.len() && (under_way.is_empty() || dice.is_multiple_of(2)) {
                    let mut partitions = moves[started].clone();
                    partitions.sort_unstable();
                    partitions.dedup();
                    for &q in &partitions {
                        next[q as usize] += 1 + (dice as i64 % 7);
                        read.push((started, q, next[q as usize]));
                    }
                    let id = tracker.begin(partitions.iter().map(|&q| (p(q), next[q as usize])));
                    under_way.push((started, id));
                    started += 1;
                } else {
                    let (place, id) = under_way.swap_remove(dice % under_way.len());
                    finished[place] = true;
                    for (partition, next) in tracker.finish(id) {
                        let before = committed.insert(partition.partition, next);
                        prop_assert!(before.is_none_or(|before| before < next), "a commit never goes back");
                    }
                    for q in 0..4 {
                        let expected = read.iter().filter(|r| r.1 == q).take_while(|r| finished[r.0]).last().map(|r| r.2);
                        prop_assert_eq!(committed.get(&q).copied(), expected);
                    }
                }
            }
            prop_assert!(tracker.partitions.is_empty() && tracker.batches.is_empty(), "nothing is kept of what is done");
        }
    }
}
