//! The tables against the sets. In: a store, the checked config, current readings. Out: each row of `identity`,
//! `customer_journeys` and the daily aggregates that is not what the sets say, and how many were compared. Writes
//! nothing, holds a slice of rows at a time, and works beside a process that writes: what differs is looked at again.
//!
//! A row that is being written differs for a moment. So beside a running process a difference is a suspicion first, and
//! counts only if row and expectation both stay what they are for the whole of `patience`. A row that changes at every
//! look is neither: it is counted as unsettled.

mod looks;
mod slices;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tracing::debug;

use crate::aggregate;
use crate::config::Config;
use crate::progress::{BarUnit, bar};
use crate::recompute::FromSets;
use crate::stage::bucket;
use crate::stage::reading::Reading;
use crate::warehouse::{Clickhouse, StaleRow, WarehouseError};

use looks::Suspects;
use slices::{Sample, Sorted};

/// Rows held together.
const SLICE: usize = 5_000;

/// What to compare, and how.
#[derive(Clone, Debug)]
pub struct Scope {
    pub readings: Arc<Vec<Reading>>,
    /// So many customers in a row, from a random one on, and their buckets; `None`: everything.
    pub sample: Option<usize>,
    /// How long a difference must stand beside a process that writes; `None`: nobody writes, and it counts at once.
    pub patience: Option<Duration>,
}

/// How long a difference must stand beside a process that refreshes its aggregates this often.
pub fn patience(refresh: Duration) -> Duration {
    Duration::from_secs(30) + refresh * 2
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    pub customers: u64,
    /// Rows of `customer_journeys` that should be there.
    pub journeys: u64,
    pub identity: u64,
    /// Buckets of aggregates; those whose count trailed its rows at every look are left out.
    pub buckets: u64,
    pub stale: u64,
    /// Rows that changed between any two looks.
    pub unsettled: u64,
}

/// Compares, and names each stale row to `found` as it is sure.
pub async fn verify(
    store: &Clickhouse,
    config: &Arc<Config>,
    scope: &Scope,
    mut found: impl FnMut(&StaleRow),
) -> Result<Compared, WarehouseError> {
    let mut look = Look::load(store, config, scope).await?;
    let mut compared = Compared::default();
    let mut suspects = Suspects::default();
    let mut report = |compared: &mut Compared, rows: Vec<StaleRow>| match scope.patience {
        None => {
            compared.stale += rows.len() as u64;
            rows.iter().for_each(&mut found);
        }
        Some(_) => suspects.add(rows),
    };

    let mut customers: Vec<(u8, Arc<str>)> =
        look.sets.identity().customers().map(|name| (bucket(&name), name)).collect();
    customers.sort_unstable();
    let sample = scope.sample.filter(|n| *n < customers.len()).map(Sample::random);
    let progress = bar(customers.len() as u64, "comparing customers", BarUnit::Count);
    let slices = slices::customers(&customers, SLICE, sample);
    let touched: BTreeSet<u8> = slices.iter().map(|s| s.bucket).collect();
    for slice in slices {
        let names: Vec<Arc<str>> = slice.items.iter().map(|(_, name)| name.clone()).collect();
        let rows = look.journeys(slice.bucket, slice.among(), &names).await?;
        compared.customers += names.len() as u64;
        compared.journeys += (names.len() * scope.readings.len()) as u64;
        progress.inc(names.len() as u64);
        report(&mut compared, rows);
    }
    progress.finish_and_clear();

    let mut rows: Sorted<_> = look.sets.identity().assignments_all().collect();
    rows.sort_unstable_by(|a, b| (&a.node, a.day).cmp(&(&b.node, b.day)));
    let progress = bar(rows.len() as u64, "comparing identity", BarUnit::Count);
    for slice in slices::nodes(&rows, SLICE, sample) {
        let rows = store.stale_identity(slice.among(), slice.items.to_vec()).await?;
        compared.identity += slice.items.len() as u64;
        progress.inc(slice.items.len() as u64);
        report(&mut compared, rows);
    }
    progress.finish_and_clear();
    drop(rows);

    let all = aggregate::ALL.len() * scope.readings.len();
    let progress = bar(all as u64, "comparing aggregates", BarUnit::Count);
    for map in 0..scope.readings.len() {
        for one in 0..aggregate::ALL.len() {
            let (buckets, rows) = look.counts((map, one), |b| sample.is_none() || touched.contains(&b)).await?;
            compared.buckets += buckets;
            progress.inc(1);
            report(&mut compared, rows);
        }
    }
    progress.finish_and_clear();

    if let Some(patience) = scope.patience {
        let settled = suspects.settle(look, patience, &mut found).await?;
        (compared.stale, compared.unsettled) = (settled.stale, settled.unsettled);
    }
    debug!(?compared, "verified");
    Ok(compared)
}

/// The sets as they are at one look, beside the store.
struct Look<'a> {
    store: &'a Clickhouse,
    config: &'a Arc<Config>,
    scope: &'a Scope,
    sets: FromSets,
}

impl<'a> Look<'a> {
    async fn load(store: &'a Clickhouse, config: &'a Arc<Config>, scope: &'a Scope) -> Result<Self, WarehouseError> {
        // Each customer is computed once: nothing is worth remembering.
        let sets = FromSets::load(store, config, scope.readings.clone(), None).await?;
        Ok(Self { store, config, scope, sets })
    }

    /// The same once more, with what has come since.
    async fn again(self) -> Result<Self, WarehouseError> {
        let Self { store, config, scope, sets } = self;
        drop(sets);
        Self::load(store, config, scope).await
    }

    /// Stale rows of a slice of one bucket; `names` are all it should hold, in order.
    async fn journeys(
        &mut self,
        bucket: u8,
        among: crate::warehouse::Among<'_>,
        names: &[Arc<str>],
    ) -> Result<Vec<StaleRow>, WarehouseError> {
        let should = self.sets.rows(self.store, names).await?;
        let mut stale = Vec::new();
        for (map, reading) in self.scope.readings.iter().enumerate() {
            let own: Vec<_> = should.iter().filter(|r| r.map == map).collect();
            stale.extend(self.store.stale_journeys(reading, bucket, among, &own).await?);
        }
        Ok(stale)
    }

    /// Stale cells of an aggregate, and how many of its buckets were compared. A bucket that trails its rows is one
    /// stale row: its cells say nothing before it is counted again.
    async fn counts(
        &self,
        (map, one): (usize, usize),
        wanted: impl Fn(u8) -> bool,
    ) -> Result<(u64, Vec<StaleRow>), WarehouseError> {
        let (reading, one) = (&self.scope.readings[map], &aggregate::ALL[one]);
        let Some(as_of) = self.store.watermark().await? else { return Ok((0, Vec::new())) };
        let mut counted = self.store.counted(reading, one).await?;
        counted.retain(|c| wanted(c.bucket));
        let buckets = counted.len() as u64;
        let (trailing, counted): (Vec<_>, Vec<_>) =
            counted.into_iter().partition(|c| c.version > 0 && (c.version < c.rows || c.as_of < Some(as_of)));
        let mut stale: Vec<StaleRow> = trailing.iter().map(|c| looks::trailing(reading, one, c, as_of)).collect();
        let mut left = &counted[..];
        while let Some(first) = left.first() {
            // A bucket without any cell was counted at no moment: it should have none now either.
            let moment = first.as_of.unwrap_or(as_of);
            let same = left.iter().take_while(|c| c.as_of.unwrap_or(as_of) == moment).count();
            let buckets: Vec<u8> = left[..same].iter().map(|c| c.bucket).collect();
            stale.extend(self.store.stale_cells(reading, one, &buckets, moment).await?);
            left = &left[same..];
        }
        Ok((buckets, stale))
    }
}
