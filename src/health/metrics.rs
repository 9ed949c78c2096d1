//! The figures of `/metrics`: names, units, help. In: counts and gauges as they come. Out: OpenMetrics text. A registry
//! of its own for every [`Metrics`], so that several pipelines in one process (tests) do not count together.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{Condition, Lags};
use crate::time::Timestamp;

type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;
type Whole = Family<Labels, Gauge>;
type Real = Family<Labels, Gauge<f64, AtomicU64>>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Of a figure that is one number. Such a one is kept as a family as well where it may have no value yet: a gauge shows 0
/// from the beginning, which would be a figure that nobody has found.
const ALONE: Labels = Vec::new();

/// Every figure by the name it has without its prefix and unit.
pub struct Metrics {
    registry: Registry,
    records: Counters,
    skipped_records: Counters,
    events: Counters,
    dead_letters: Counters,
    replayed: Counters,
    blocked_identifiers: Counters,
    customers_recomputed: Counter,
    batch_seconds: Histograms,
    batch_records: Histogram,
    lag_records: Whole,
    lag_seconds: Real,
    as_of: Real,
    source_as_of: Real,
    coverage: Real,
    stale_rows: Whole,
    identity_writer: Whole,
    cache_bytes: Gauge,
    largest_component: Gauge,
    warehouse_retries: Counter,
    warehouse_splits: Counter,
    breaker_open: Gauge,
    unready: Whole,
    ready: Gauge,
    paused: Whole,
    reloads: Counters,
}

fn by_seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut m = Self {
            registry: Registry::with_prefix("tropa"),
            records: Family::default(),
            skipped_records: Family::default(),
            events: Family::default(),
            dead_letters: Family::default(),
            replayed: Family::default(),
            blocked_identifiers: Family::default(),
            customers_recomputed: Counter::default(),
            batch_seconds: Family::new_with_constructor(by_seconds),
            batch_records: Histogram::new([1.0, 10.0, 100.0, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6]),
            lag_records: Family::default(),
            lag_seconds: Family::default(),
            as_of: Family::default(),
            source_as_of: Family::default(),
            coverage: Family::default(),
            stale_rows: Family::default(),
            identity_writer: Family::default(),
            cache_bytes: Gauge::default(),
            largest_component: Gauge::default(),
            warehouse_retries: Counter::default(),
            warehouse_splits: Counter::default(),
            breaker_open: Gauge::default(),
            unready: Family::default(),
            ready: Gauge::default(),
            paused: Family::default(),
            reloads: Family::default(),
        };
        m.register();
        m
    }
}

impl Metrics {
    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("records", "Records read and stored", self.records.clone());
        r.register("skipped_records", "Of them left out by the config", self.skipped_records.clone());
        r.register("events", "Events stored, copies included", self.events.clone());
        r.register("dead_letters", "Records that could not become events, by reason", self.dead_letters.clone());
        r.register("replayed_dead_letters", "Dead letters that became events after all", self.replayed.clone());
        r.register("blocked_identifiers", "Identifiers that the blocklist took out", self.blocked_identifiers.clone());
        r.register("customers_recomputed", "Customers recomputed", self.customers_recomputed.clone());
        let help = "Time that a batch took in a stage: store, resolve, compute";
        r.register_with_unit("batch", help, Unit::Seconds, self.batch_seconds.clone());
        r.register("batch_records", "Records of a batch", self.batch_records.clone());
        r.register("lag_records", "Records in the log that are not stored", self.lag_records.clone());
        let help = "Age of the oldest record that is not stored";
        r.register_with_unit("lag", help, Unit::Seconds, self.lag_seconds.clone());
        let help = "Event time up to which silence is decided, since 1970";
        r.register_with_unit("as_of_timestamp", help, Unit::Seconds, self.as_of.clone());
        let help = "The same as each source alone would have it";
        r.register_with_unit("source_as_of_timestamp", help, Unit::Seconds, self.source_as_of.clone());
        let help = "Share of distinct events that a map's touchpoints match, of those it does not exclude";
        r.register_with_unit("coverage", help, Unit::Ratios, self.coverage.clone());
        let help = "Rows of a sample that are not what the sets say, by the last hourly look";
        r.register("stale_rows", help, self.stale_rows.clone());
        let help = "1: this process is the active writer of identity and takes orders; 0: it stands by";
        r.register("identity_writer", help, self.identity_writer.clone());
        r.register_with_unit("cache", "Event sets in memory", Unit::Bytes, self.cache_bytes.clone());
        let help = "Identifiers of the largest component refolded since the start";
        r.register("largest_component_identifiers", help, self.largest_component.clone());
        let help = "Statements made again because the warehouse did not take them";
        r.register("warehouse_retries", help, self.warehouse_retries.clone());
        let help = "Inserts halved because the warehouse could not take them whole";
        r.register("warehouse_splits", help, self.warehouse_splits.clone());
        let help = "1: the warehouse has failed so often that it is only probed";
        r.register("warehouse_breaker_open", help, self.breaker_open.clone());
        r.register("unready", "1: this keeps the process from being ready", self.unready.clone());
        r.register("ready", "1: /readyz answers 200", self.ready.clone());
        let help = "1: not read on, because too many of its records were dead letters";
        r.register("paused_by_dead_letters", help, self.paused.clone());
        r.register("reloads", "Changes of config or journey files: taken, or refused for faults", self.reloads.clone());
    }

    /// Everything as text, with what only a look at the moment tells.
    pub(super) fn render(&self, reasons: &[(Condition, String)], lags: &Lags, now: Timestamp) -> String {
        self.unready.clear();
        self.paused.clear();
        self.ready.set(i64::from(reasons.is_empty()));
        for (condition, _) in reasons {
            let source = condition.source().unwrap_or_default().to_owned();
            self.unready.get_or_create(&vec![("reason", condition.as_str().to_owned()), ("source", source)]).set(1);
            if let Condition::Paused { source, topic, partition } = condition {
                self.paused.get_or_create(&place(source, topic, *partition)).set(1);
            }
        }
        self.lag_records.clear();
        self.lag_seconds.clear();
        for ((source, topic, partition), lag) in lags.iter() {
            let labels = place(source, topic, *partition);
            self.lag_records.get_or_create(&labels).set(lag.records());
            self.lag_seconds.get_or_create(&labels).set(lag.seconds(now));
        }
        let mut text = String::new();
        // Writing to a String cannot fail.
        encode(&mut text, &self.registry).ok();
        text
    }

    pub fn records(&self, source: &str, records: u64, skipped: u64, blocked_identifiers: u64) {
        let labels = vec![("source", source.to_owned())];
        self.records.get_or_create(&labels).inc_by(records);
        self.skipped_records.get_or_create(&labels).inc_by(skipped);
        self.blocked_identifiers.get_or_create(&labels).inc_by(blocked_identifiers);
    }

    pub fn events(&self, source: &str, events: u64) {
        self.events.get_or_create(&vec![("source", source.to_owned())]).inc_by(events);
    }

    pub fn dead_letters(&self, source: &str, reason: &str, letters: u64) {
        let labels = vec![("source", source.to_owned()), ("reason", reason.to_owned())];
        self.dead_letters.get_or_create(&labels).inc_by(letters);
    }

    pub fn replayed(&self, source: &str, letters: u64) {
        self.replayed.get_or_create(&vec![("source", source.to_owned())]).inc_by(letters);
    }

    pub fn batch(&self, records: u64) {
        self.batch_records.observe(records as f64);
    }

    pub fn took(&self, stage: &'static str, time: Duration) {
        self.batch_seconds.get_or_create(&vec![("stage", stage.to_owned())]).observe(time.as_secs_f64());
    }

    pub fn largest_component(&self, nodes: usize) {
        self.largest_component.set(nodes as i64);
    }

    pub fn computed(&self, customers: u64, cache_bytes: u64) {
        self.customers_recomputed.inc_by(customers);
        self.cache_bytes.set(i64::try_from(cache_bytes).unwrap_or(i64::MAX));
    }

    pub fn as_of(&self, as_of: Timestamp) {
        self.as_of.get_or_create(&ALONE).set(as_of.micros() as f64 / 1e6);
    }

    pub fn source_as_of(&self, source: &str, as_of: Timestamp) {
        self.source_as_of.get_or_create(&vec![("source", source.to_owned())]).set(as_of.micros() as f64 / 1e6);
    }

    /// Of a sample, by the last look.
    pub fn stale_rows(&self, rows: u64) {
        if self.stands_by() {
            return;
        }
        self.stale_rows.get_or_create(&ALONE).set(i64::try_from(rows).unwrap_or(i64::MAX));
    }

    pub fn coverage(&self, map: &str, share: f64) {
        if self.stands_by() {
            return;
        }
        self.coverage.get_or_create(&vec![("map", map.to_owned())]).set(share);
    }

    /// Whether this process, one that could be, is the writer of identity. One that is not follows none of the figures
    /// that the writer follows, and has none of them.
    pub fn writes_identity(&self, active: bool) {
        self.identity_writer.get_or_create(&ALONE).set(i64::from(active));
        if !active {
            for figures in [&self.as_of, &self.source_as_of, &self.coverage] {
                figures.clear();
            }
            self.stale_rows.clear();
        }
    }

    /// A look that began while this process was the writer may end later.
    fn stands_by(&self) -> bool {
        self.identity_writer.get(&ALONE).is_some_and(|writes| writes.get() == 0)
    }

    pub fn warehouse_retry(&self, breaker_open: bool) {
        self.warehouse_retries.inc();
        self.breaker_open.set(i64::from(breaker_open));
    }

    pub fn warehouse_answers(&self) {
        self.breaker_open.set(0);
    }

    pub fn warehouse_split(&self) {
        self.warehouse_splits.inc();
    }

    pub fn reload(&self, result: &'static str) {
        self.reloads.get_or_create(&vec![("result", result.to_owned())]).inc();
    }
}

fn place(source: &str, topic: &str, partition: i32) -> Labels {
    vec![("source", source.to_owned()), ("topic", topic.to_owned()), ("partition", partition.to_string())]
}
