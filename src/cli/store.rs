//! The store a command works on. In: the config's warehouse, or a data folder. Out: a connected client; for the embedded
//! engine either our own process as its owner, or the process that holds it.

use std::path::Path;
use std::sync::Arc;

use tracing::{info, warn};

use super::Failure;
use crate::config::{Config, WarehouseConfig};
use crate::health::Health;
use crate::warehouse::embedded::{self, Embedded};
use crate::warehouse::{Clickhouse, MigrationState, Target};

/// Default database of the embedded store.
pub(super) const DATABASE: &str = "tropa";

/// A connected store; close it, also after a failure.
pub(super) struct Store {
    pub client: Arc<Clickhouse>,
    embedded: Option<Embedded>,
    ours: bool,
}

impl Store {
    /// For commands that write: the embedded engine becomes ours, with current tables; a server must be migrated.
    pub async fn own(config: &Config) -> Result<Self, Failure> {
        Self::own_watched(config, &Health::default()).await
    }

    /// The same, for a process that says whether its store answers.
    pub async fn own_watched(config: &Config, health: &Health) -> Result<Self, Failure> {
        let store = match &config.warehouse {
            WarehouseConfig::Embedded { listen, database, fsync } => {
                super::place::create_dir(&config.data)?;
                let embedded = Embedded::start(&config.data, *listen, *fsync).await.map_err(in_use_or_broken)?;
                info!(url = embedded.url(), "embedded engine started");
                let client = Clickhouse::connect(&Target::embedded(embedded.url(), database, *fsync), config);
                let client = client.watched_by(health.clone());
                Self { client: Arc::new(client), embedded: Some(embedded), ours: true }
            }
            WarehouseConfig::Server { .. } => Self::server(config, health),
        };
        let ready = store.make_ready().await;
        match ready {
            Ok(()) => Ok(store),
            Err(e) => {
                store.close().await;
                Err(e)
            }
        }
    }

    /// For commands that read: through the process that holds the store, else through our own engine.
    pub async fn reach(config: &Config) -> Result<Self, Failure> {
        let WarehouseConfig::Embedded { database, .. } = &config.warehouse else {
            let client = Clickhouse::connect(&Target::of(&config.warehouse), config).without_patience().await?;
            if let unusable @ (MigrationState::Newer(_) | MigrationState::NoDatabase(_)) =
                client.migration_state().await?
            {
                fits(unusable)?;
            }
            return Ok(Self { client: Arc::new(client), embedded: None, ours: true });
        };
        if let Some(owner) = Self::through_owner(config, database).await? {
            return Ok(owner);
        }
        if !config.data.exists() {
            return Err(nothing_there(&config.data));
        }
        match Self::own(config).await {
            // Its owner was only starting: it answers now.
            Err(in_use @ Failure::InUse(_)) => Self::through_owner(config, database).await?.ok_or(in_use),
            other => other,
        }
    }

    async fn through_owner(config: &Config, database: &str) -> Result<Option<Self>, Failure> {
        let Some(address) = embedded::locate(&config.data) else { return Ok(None) };
        let client = Clickhouse::connect(&Target::embedded(&address.url(), database, false), config);
        let client = client.without_patience().await?;
        if let newer @ MigrationState::Newer(_) = client.migration_state().await? {
            fits(newer)?;
        }
        Ok(Some(Self { client: Arc::new(client), embedded: None, ours: false }))
    }

    fn server(config: &Config, health: &Health) -> Self {
        let client = Clickhouse::connect(&Target::of(&config.warehouse), config).watched_by(health.clone());
        Self { client: Arc::new(client), embedded: None, ours: true }
    }

    /// Whether nobody else can write to it while we hold it.
    pub const fn is_alone(&self) -> bool {
        self.embedded.is_some()
    }

    async fn make_ready(&self) -> Result<(), Failure> {
        if self.embedded.is_some() {
            return Ok(self.client.migrate().await.map(|_| ())?);
        }
        fits(self.client.migration_state().await?)
    }

    /// Whether this process may write: the embedded engine is ours, or the store is a server's.
    pub const fn is_ours(&self) -> bool {
        self.ours
    }

    /// Must be awaited before the process ends: the engine does not survive an exit with open connections.
    pub async fn close(self) {
        if let Some(embedded) = self.embedded
            && let Err(error) = embedded.stop().await
        {
            warn!(%error, "the embedded engine did not stop cleanly; nothing acknowledged is lost");
        }
    }
}

/// Whether this program may use the tables.
fn fits(state: MigrationState) -> Result<(), Failure> {
    match state {
        MigrationState::Current => Ok(()),
        MigrationState::Behind => Err(Failure::Store(
            "the tables of this server are older than this program\n  hint: run `tropa migrate` once".to_owned(),
        )),
        MigrationState::NoDatabase(database) => Err(Failure::Store(format!(
            "this server has no database `{database}`\n  hint: `tropa migrate` makes it, with its tables"
        ))),
        MigrationState::Newer(error) => Err(Failure::Store(error)),
        MigrationState::Missing(tables) => Err(Failure::Store(format!(
            "tables of this server are missing: `{}`\n  hint: `tropa migrate` makes those again that follow from others",
            tables.join("`, `")
        ))),
    }
}

pub(super) fn nothing_there(data: &Path) -> Failure {
    Failure::NotFound(format!(
        "there is no store in {}\n  hint: `tropa run`, `tropa import` or `tropa demo` create one",
        data.display()
    ))
}

pub(super) fn in_use_or_broken(error: embedded::EngineError) -> Failure {
    if error.is_in_use() { Failure::InUse(error.to_string()) } else { Failure::Store(error.to_string()) }
}
