//! Suspicions, and the looks that settle them. In: rows that differed at the first look, beside a process that writes.
//! Out: those that still stand as they stood, and differ in the same way, after the whole of the patience.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Look, SLICE};
use crate::aggregate::{self, Aggregate};
use crate::stage::bucket;
use crate::stage::reading::Reading;
use crate::time::Timestamp;
use crate::warehouse::{Among, Counted, StaleRow, WarehouseError};

/// Looks within the patience, so that what settles is dropped soon.
const LOOKS: u32 = 6;
/// How long a row may go on changing before it is given up as unsettled, in patiences.
const MOST: u32 = 2;

/// Where to look again: small, for there may be as many as there are rows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Where {
    Customer(u8, Arc<str>),
    Node(Arc<str>),
    /// Place of the map, place of the aggregate, bucket.
    Bucket(Arc<str>, &'static str, u8),
}

impl Where {
    fn of(row: &StaleRow) -> Self {
        let key = |name: &str| row.key.iter().find(|(k, _)| *k == name).map_or("", |(_, v)| v);
        match row.table {
            "customer_journeys" => Self::Customer(bucket(key("customer")), Arc::from(key("customer"))),
            "identity" => Self::Node(Arc::from(key("node"))),
            table => Self::Bucket(Arc::from(key("map")), table, key("bucket").parse().unwrap_or_default()),
        }
    }
}

struct Suspicion {
    since: Instant,
    /// Of everything that differs there, with versions.
    fingerprint: u64,
}

#[derive(Default)]
pub(super) struct Suspects(BTreeMap<Where, Suspicion>);

#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Settled {
    pub stale: u64,
    pub unsettled: u64,
}

impl Suspects {
    pub fn add(&mut self, rows: Vec<StaleRow>) {
        let since = Instant::now();
        for (place, rows) in by_place(rows) {
            self.0.insert(place, Suspicion { since, fingerprint: fingerprint(&rows) });
        }
    }

    /// Looks until nothing is suspected any more.
    pub async fn settle(
        mut self,
        mut look: Look<'_>,
        patience: Duration,
        found: &mut impl FnMut(&StaleRow),
    ) -> Result<Settled, WarehouseError> {
        let began = Instant::now();
        let mut settled = Settled::default();
        while !self.0.is_empty() {
            tokio::time::sleep(patience / LOOKS).await;
            look = look.again().await?;
            let now = Instant::now();
            let differing = self.look(&mut look).await?;
            self.0.retain(|place, _| differing.contains_key(place));
            for (place, rows) in differing {
                let fingerprint = fingerprint(&rows);
                let Some(suspicion) = self.0.get_mut(&place) else { continue };
                if suspicion.fingerprint != fingerprint && rows.iter().all(trails) {
                    // It was counted meanwhile, and the rows have gone on since: as it should be.
                    self.0.remove(&place);
                } else if suspicion.fingerprint != fingerprint {
                    *suspicion = Suspicion { since: now, fingerprint };
                } else if now - suspicion.since >= patience {
                    settled.stale += rows.len() as u64;
                    rows.iter().for_each(&mut *found);
                    self.0.remove(&place);
                }
            }
            if now - began > patience * MOST {
                settled.unsettled = self.0.len() as u64;
                break;
            }
        }
        Ok(settled)
    }

    /// What still differs where something is suspected.
    async fn look(&self, look: &mut Look<'_>) -> Result<BTreeMap<Where, Vec<StaleRow>>, WarehouseError> {
        let mut customers: BTreeMap<u8, Vec<Arc<str>>> = BTreeMap::new();
        let mut nodes: Vec<Arc<str>> = Vec::new();
        let mut buckets: BTreeMap<(usize, usize), BTreeSet<u8>> = BTreeMap::new();
        for place in self.0.keys() {
            match place {
                Where::Customer(bucket, name) => customers.entry(*bucket).or_default().push(name.clone()),
                Where::Node(node) => nodes.push(node.clone()),
                Where::Bucket(map, table, bucket) => {
                    let map = look.scope.readings.iter().position(|r| r.map.id == *map);
                    let table = aggregate::ALL.iter().position(|a| a.table == *table);
                    if let (Some(map), Some(table)) = (map, table) {
                        buckets.entry((map, table)).or_default().insert(*bucket);
                    }
                }
            }
        }
        let mut stale = Vec::new();
        for (bucket, names) in customers {
            for names in names.chunks(SLICE) {
                stale.extend(look.journeys(bucket, Among::These(names), names).await?);
            }
        }
        for nodes in nodes.chunks(SLICE) {
            let should = nodes.iter().flat_map(|n| look.sets.identity().assignments_of(n)).collect();
            stale.extend(look.store.stale_identity(Among::These(nodes), should).await?);
        }
        for (which, buckets) in buckets {
            stale.extend(look.counts(which, |b| buckets.contains(&b)).await?.1);
        }
        Ok(by_place(stale))
    }
}

fn by_place(rows: Vec<StaleRow>) -> BTreeMap<Where, Vec<StaleRow>> {
    let mut places: BTreeMap<Where, Vec<StaleRow>> = BTreeMap::new();
    for row in rows {
        places.entry(Where::of(&row)).or_default().push(row);
    }
    places
}

fn fingerprint(rows: &[StaleRow]) -> u64 {
    let mut hash = rustc_hash::FxHasher::default();
    for row in rows {
        (&row.key, &row.stands, row.version).hash(&mut hash);
        // Rows go on being written while a count trails them: only a count that does not move is suspect.
        if !trails(row) {
            row.should.hash(&mut hash);
        }
    }
    hash.finish()
}

const TRAILS: &str = "trails";

fn trails(row: &StaleRow) -> bool {
    row.key.iter().any(|(k, _)| *k == TRAILS)
}

/// A bucket whose count is older than its rows, or than the current `as_of`.
pub(super) fn trailing(reading: &Reading, one: &Aggregate, counted: &Counted, as_of: Timestamp) -> StaleRow {
    let columns = |version: u64, as_of: Option<Timestamp>| {
        Some(vec![("version", version.to_string()), ("as_of", as_of.map_or_else(String::new, |t| t.to_string()))])
    };
    StaleRow {
        table: one.table,
        key: vec![
            ("map", reading.map.id.to_string()),
            ("bucket", counted.bucket.to_string()),
            (TRAILS, "its rows".to_owned()),
        ],
        stands: columns(counted.version, counted.as_of),
        should: columns(counted.rows.max(counted.version), Some(as_of)),
        version: counted.version,
    }
}
