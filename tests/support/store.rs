//! A real engine for a test process, with as many databases as it has tests, and a log that replays given batches.

use std::sync::Arc;
use std::time::Duration;

use tropa::config::Config;
use tropa::map::MapVersions;
use tropa::pipeline::{self, Control, RunSummary};
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
    let stages = startup::load(store, config, maps, &[], clock()).await.unwrap_or_else(|e| panic!("{e}"));
    let writer = Writer::new(store.clone(), stages.readings.clone());
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let control = Control { stop, refresh: Duration::from_secs(30), clock, telemetry: Default::default() };
    pipeline::run(&mut Replay(batches.into_iter()), Arc::new(writer), stages, control)
        .await
        .unwrap_or_else(|e| panic!("{e}"))
}
