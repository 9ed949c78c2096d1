//! The event sets that the journeys stage keeps in memory, one per node. In: events as they arrive or are read back.
//! Out: a node's distinct events, ready for the fold. A cache only: whatever it forgets is read again from the
//! warehouse. A node's events never depend on identity, so merges and splits leave it alone.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::journey::CustomerEvent;
use crate::time::Day;

/// One event of a node as every map sees it.
#[derive(Clone, Debug)]
pub struct CachedEvent {
    /// Strongest first; the first is the node itself.
    pub identifiers: SmallVec<[Arc<str>; 3]>,
    pub day: Day,
    /// One per map of the reading set.
    pub maps: SmallVec<[CustomerEvent; 1]>,
}

impl CachedEvent {
    /// Copies of one key with one content are one event. Compares what the key of the table `events` compares.
    fn same(&self, other: &Self) -> bool {
        let (Some(a), Some(b)) = (self.maps.first(), other.maps.first()) else { return false };
        a.payload_hash == b.payload_hash
            && a.occurred_at == b.occurred_at
            && a.event_id == b.event_id
            && a.source == b.source
            && a.revision == b.revision
            && a.sequence == b.sequence
            && a.session == b.session
    }

    fn key(&self) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut h = rustc_hash::FxHasher::default();
        if let Some(e) = self.maps.first() {
            (e.source, &*e.event_id, e.payload_hash, e.occurred_at, e.revision, e.sequence, &e.session).hash(&mut h);
        }
        h.finish()
    }

    fn bytes(&self) -> u64 {
        // Estimated: the struct, its strings and touches; good enough to keep a bound.
        let maps: usize = self
            .maps
            .iter()
            .map(|e| std::mem::size_of::<CustomerEvent>() + e.event_id.len() + e.matched.len() * 160)
            .sum();
        (std::mem::size_of::<Self>() + maps) as u64
    }
}

#[derive(Debug, Default)]
struct NodeEvents {
    events: Vec<CachedEvent>,
    /// Keys of `events`, once there are many.
    keys: Option<FxHashSet<u64>>,
    used: u64,
    bytes: u64,
}

/// Above this many events a node remembers their keys instead of comparing one by one.
const MANY: usize = 24;

impl NodeEvents {
    fn add(&mut self, event: CachedEvent) -> u64 {
        if let Some(keys) = &mut self.keys {
            if !keys.insert(event.key()) && self.events.iter().any(|e| e.same(&event)) {
                return 0;
            }
        } else if self.events.iter().any(|e| e.same(&event)) {
            return 0;
        } else if self.events.len() >= MANY {
            let mut keys: FxHashSet<u64> = self.events.iter().map(CachedEvent::key).collect();
            keys.insert(event.key());
            self.keys = Some(keys);
        }
        let bytes = event.bytes();
        self.bytes += bytes;
        self.events.push(event);
        bytes
    }
}

/// Event sets by node, bounded by bytes.
#[derive(Debug)]
pub struct NodeCache {
    nodes: FxHashMap<Arc<str>, NodeEvents>,
    /// Hashes of every node that may have events in the warehouse. A node in neither is new and needs no read.
    known: FxHashSet<u64>,
    bytes: u64,
    limit: u64,
    clock: u64,
}

fn hash_of(node: &str) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut h = rustc_hash::FxHasher::default();
    node.hash(&mut h);
    h.finish()
}

/// Bytes of a node that holds nothing.
fn overhead(node: &str) -> u64 {
    (node.len() + std::mem::size_of::<NodeEvents>() + 64) as u64
}

impl NodeCache {
    /// `known`: every node with events in the warehouse; `limit`: bytes to keep.
    pub fn new(known: impl IntoIterator<Item = Arc<str>>, limit: u64) -> Self {
        let known = known.into_iter().map(|n| hash_of(&n)).collect();
        Self { nodes: FxHashMap::default(), known, bytes: 0, limit, clock: 0 }
    }

    /// Whether the node's events must be read from the warehouse before they can be used.
    pub fn lacks(&self, node: &str) -> bool {
        !self.nodes.contains_key(node) && self.known.contains(&hash_of(node))
    }

    /// An event that just arrived: kept where the node's whole set is here or the node is new; otherwise the read that
    /// its customer's recompute makes will bring it, since it was stored before it was announced.
    pub fn append(&mut self, node: &Arc<str>, event: CachedEvent) {
        if self.lacks(node) {
            return;
        }
        self.fill(node, [event]);
    }

    /// The node's whole set as the warehouse holds it (an empty one too, so that it is not asked for again).
    pub fn fill(&mut self, node: &Arc<str>, events: impl IntoIterator<Item = CachedEvent>) {
        let entry = self.nodes.entry(node.clone()).or_insert_with(|| {
            self.bytes += overhead(node);
            NodeEvents::default()
        });
        for event in events {
            self.bytes += entry.add(event);
        }
        self.known.insert(hash_of(node));
    }

    pub fn get(&mut self, node: &str) -> &[CachedEvent] {
        self.clock += 1;
        match self.nodes.get_mut(node) {
            Some(entry) => {
                entry.used = self.clock;
                &entry.events
            }
            None => &[],
        }
    }

    /// Forgets the sets used longest ago until the bound holds again, with room to spare.
    pub fn shrink(&mut self) {
        if self.bytes <= self.limit {
            return;
        }
        let mut by_use: Vec<(u64, Arc<str>)> = self.nodes.iter().map(|(n, e)| (e.used, n.clone())).collect();
        by_use.sort_unstable();
        let target = self.limit / 4 * 3;
        for (_, node) in by_use {
            if self.bytes <= target {
                break;
            }
            if let Some(entry) = self.nodes.remove(&node) {
                self.bytes = self.bytes.saturating_sub(entry.bytes + overhead(&node));
            }
        }
    }

    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_and_forgotten_again_and_again_keeps_its_bound() {
        let mut cache = NodeCache::new([], 20_000);
        for round in 0..50_u64 {
            for node in 0..200 {
                cache.fill(&Arc::from(format!("cookie:{round}-{node}")), []);
                cache.append(&Arc::from(format!("cookie:{node}")), event());
            }
            cache.shrink();
            let held: u64 = cache.nodes.iter().map(|(n, e)| e.bytes + overhead(n)).sum();
            assert_eq!(cache.bytes(), held);
            assert!(held <= 20_000, "{held} bytes in round {round}");
        }
    }

    fn event() -> CachedEvent {
        CachedEvent { identifiers: SmallVec::new(), day: Day(0), maps: SmallVec::new() }
    }
}
