//! A real engine for a test process, with as many databases as it has tests, and a log that replays given batches.

use std::sync::Arc;

use tropa::config::Config;
use tropa::identity::Order;
use tropa::map::MapVersions;
use tropa::pipeline::RunSummary;
use tropa::source::DecodedBatch;
use tropa::stage::{Log, Polled, PositionRow};
use tropa::startup;
use tropa::time::Timestamp;
use tropa::warehouse::embedded::Embedded;
use tropa::warehouse::{Clickhouse, Target, Writer};

/// One engine per process, in a folder that goes with it.
pub struct Engine {
    embedded: Embedded,
    _data: tempfile::TempDir,
}

impl Engine {
    pub async fn start() -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let embedded = Embedded::start(data.path(), 0, false).await.unwrap_or_else(|e| panic!("{e}"));
        Self { embedded, _data: data }
    }

    /// A fresh database with current tables.
    pub async fn database(&self, name: &str, config: &Config) -> Clickhouse {
        let client = Clickhouse::connect(&Target::embedded(self.embedded.url(), name, false), config);
        client.migrate().await.unwrap_or_else(|e| panic!("{e}"));
        client
    }

    pub async fn stop(self) {
        self.embedded.stop().await.unwrap_or_else(|e| panic!("{e}"));
    }
}

/// Gives its batches one after the other, then ends.
struct Replay(std::vec::IntoIter<DecodedBatch>);

impl Log for Replay {
    type Error = std::io::Error;

    async fn poll(&mut self) -> Result<Polled, std::io::Error> {
        Ok(self.0.next().map_or(Polled::End, Polled::Batch))
    }

    async fn commit(&mut self, _: &[PositionRow]) -> Result<(), std::io::Error> {
        Ok(())
    }
}

/// Runs batches through the real pipeline into a database.
pub async fn ingest(
    store: &Clickhouse,
    config: &Arc<Config>,
    maps: &[Arc<MapVersions>],
    batches: Vec<DecodedBatch>,
) -> RunSummary {
    let clock = || Timestamp::parse("2026-06-01").expect("a day");
    let start = startup::load(store, config, maps, &[]).await.unwrap_or_else(|e| panic!("{e}"));
    let writer = Writer::new(store.clone(), start.readings.clone());
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let mut log = Replay(batches.into_iter());
    startup::run(store, (&mut log, writer), start, &[], (stop, clock, Default::default()))
        .await
        .unwrap_or_else(|e| panic!("{e}"))
}

/// What `tropa identity split`, `revoke`, `forget` and `retain` do with a store that nobody else holds.
#[allow(dead_code)]
pub async fn order(store: &Clickhouse, config: &Arc<Config>, maps: &[Arc<MapVersions>], orders: &[Order]) {
    let clock = || Timestamp::parse("2026-06-01").expect("a day");
    for order in orders {
        let start = startup::load(store, config, maps, &[]).await.unwrap_or_else(|e| panic!("{e}"));
        let writer = Writer::new(store.clone(), start.readings.clone());
        let done = startup::order(store, writer, start, order.clone(), &[], clock).await;
        done.unwrap_or_else(|e| panic!("{order:?}: {e}")).unwrap_or_else(|| panic!("{order:?} was not carried out"));
    }
}
