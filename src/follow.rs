//! Figures that the process which writes looks up now and then. In: a store. Out: gauges; what cannot be read now stays as
//! it was, and before it could be read for the first time there is none.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::warn;

use crate::config::Config;
use crate::health::Health;
use crate::stage::reading::Reading;
use crate::verify;
use crate::warehouse::{Clickhouse, StaleRow};

/// A task that ends with whoever follows it.
#[derive(Debug)]
pub struct Following(tokio::task::JoinHandle<()>);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Follows coverage for as long as the handle lives.
pub fn coverage(client: Clickhouse, every: Duration, health: Health) -> Following {
    Following(tokio::spawn(follow_coverage(client, every, health)))
}

/// Follows stale rows for as long as the handle lives. On a thread of its own, for it computes customers.
pub fn stale(
    client: Clickhouse,
    config: Arc<Config>,
    readings: Arc<Vec<Reading>>,
    health: Health,
) -> watch::Sender<()> {
    let (round, over) = watch::channel(());
    let scope = verify::Scope { readings, sample: Some(SAMPLE), patience: Some(verify::patience(config.refresh)) };
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(follow_stale(client, config, (scope, health), over)));
    round
}

/// Customers that are looked at each time.
const SAMPLE: usize = 10_000;
/// How often.
const HOUR: Duration = Duration::from_secs(3600);

/// Keeps the figure of stale rows: a sample of the tables, held against the sets once an hour.
/// Ends with its round.
async fn follow_stale(
    client: Clickhouse,
    config: Arc<Config>,
    (scope, health): (verify::Scope, Health),
    mut over: watch::Receiver<()>,
) {
    let name =
        |row: &StaleRow| warn!(?row, "a row is not what the sets say\n  hint: `tropa verify --all` names every one");
    let looking = async {
        loop {
            tokio::time::sleep(HOUR).await;
            match verify::verify(&client, &config, &scope, name).await {
                Ok(compared) => health.metrics().stale_rows(compared.stale),
                Err(error) => warn!(%error, "the tables could not be verified this time"),
            }
        }
    };
    tokio::select! {
        () = looking => {}
        _ = over.changed() => {}
    }
}

/// Keeps the figure of coverage; where it cannot be read now, the last one stays.
async fn follow_coverage(client: Clickhouse, every: Duration, health: Health) {
    let mut tick = tokio::time::interval(every.max(Duration::from_secs(1)));
    loop {
        tick.tick().await;
        for (map, share) in client.coverage_by_map().await.unwrap_or_default() {
            health.metrics().coverage(&map, share);
        }
    }
}
