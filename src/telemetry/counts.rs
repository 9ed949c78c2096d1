//! What the pipeline counts, one line for each place that counts. In: batches, positions, stages as they pass. Out:
//! figures in [`Health`]. The stages themselves never count.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::config::Config;
use crate::event::SourceId;
use crate::health::Health;
use crate::source::{Counters, DecodedBatch};
use crate::stage::PositionRow;
use crate::stage::identity::IdentityStage;
use crate::stage::watermark::Watermark;
use crate::time::Timestamp;

/// Figures of one batch, taken before its rows go their way.
#[derive(Debug, Default)]
pub struct Counted {
    records: Vec<(SourceId, Counters)>,
    events: Vec<(SourceId, u64)>,
    dead_letters: BTreeMap<(SourceId, &'static str), u64>,
    recovered: BTreeMap<SourceId, u64>,
}

/// Carried by the pipeline; the default one counts where nobody looks.
#[derive(Clone, Default, Debug)]
pub struct Telemetry {
    health: Health,
    names: Arc<[Arc<str>]>,
}

impl Telemetry {
    pub fn new(health: Health, config: &Config) -> Self {
        Self { health, names: config.sources.iter().map(|s| s.name.clone()).collect() }
    }

    fn name(&self, source: SourceId) -> &str {
        self.names.get(usize::from(source.0)).map_or("", |n| n)
    }

    /// What a batch will count once it is stored.
    pub fn count(&self, batch: &DecodedBatch) -> Counted {
        let mut counted = Counted::default();
        for p in &batch.progress {
            counted.records.push((p.source, p.counters));
        }
        for run in batch.events.chunk_by(|a, b| a.source == b.source) {
            counted.events.push((run[0].source, run.len() as u64));
        }
        for one in &batch.recovered {
            *counted.recovered.entry(one.source).or_default() += 1;
        }
        for letter in batch.dead_letters.iter().filter(|l| !l.envelope.retried) {
            *counted.dead_letters.entry((letter.source, letter.rejection.reason.as_str())).or_default() += 1;
        }
        counted
    }

    /// The events and dead letters of a batch are in the warehouse.
    pub fn stored(&self, counted: Counted, began: Instant) {
        let metrics = self.health.metrics();
        metrics.took("store", began.elapsed());
        metrics.batch(counted.records.iter().map(|(_, c)| c.records).sum());
        for (source, c) in counted.records {
            metrics.records(self.name(source), c.records, c.skipped, c.blocked_identifiers);
        }
        for (source, events) in counted.events {
            metrics.events(self.name(source), events);
        }
        for ((source, reason), letters) in counted.dead_letters {
            metrics.dead_letters(self.name(source), reason, letters);
        }
        for (source, letters) in counted.recovered {
            metrics.replayed(self.name(source), letters);
        }
    }

    /// Identity has taken a batch in, and told whom it concerns.
    pub fn resolved(&self, identity: &IdentityStage, began: Instant) {
        let metrics = self.health.metrics();
        metrics.took("resolve", began.elapsed());
        metrics.largest_component(identity.largest_component());
    }

    /// Customers are computed; `bytes`: of event sets held for the next time.
    pub fn computed(&self, customers: usize, bytes: u64, began: Instant) {
        let metrics = self.health.metrics();
        metrics.took("compute", began.elapsed());
        metrics.computed(customers as u64, bytes);
    }

    /// Everything that follows from these positions is in the warehouse.
    pub fn written(&self, positions: &[PositionRow], now: Timestamp) {
        let mut lags = self.health.lags();
        for p in positions {
            if let Some(name) = self.names.get(usize::from(p.source.0)) {
                lags.stored(&(name.clone(), p.topic.clone(), p.partition), p.next, now);
            }
        }
    }

    pub fn watermark(&self, watermark: &Watermark, now: Timestamp) {
        if let Some(as_of) = watermark.current() {
            self.health.metrics().as_of(as_of);
        }
        for (i, name) in self.names.iter().enumerate() {
            if let Some(as_of) = watermark.of_source(SourceId(i as u16), now) {
                self.health.metrics().source_as_of(name, as_of);
            }
        }
    }
}
