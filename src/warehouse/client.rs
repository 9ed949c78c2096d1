//! The connection. In: where the store is. Out: a client whose every statement carries the settings that the protocol
//! rests on: synchronous inserts, no deduplication windows, one block per insert.

use std::sync::Arc;
use std::time::Duration;

use clickhouse::error::Error;
use clickhouse::query::BytesCursor;
use clickhouse::{Client, Compression};

use super::WarehouseError;
use super::cluster::Cluster;
use super::retry::{Retry, refused};
use crate::config::{Config, WarehouseConfig};
use crate::health::Health;

/// How long a command that only reads waits for an answer of a store that is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a store answers.
#[derive(Clone, Debug)]
pub struct Target {
    pub url: String,
    pub database: String,
    pub user: Option<String>,
    pub password: Option<String>,
    pub fsync: bool,
    /// Worth its time over a network, not within one machine.
    pub compress: bool,
    /// The server is one of many.
    pub cluster: Option<Cluster>,
}

impl Target {
    pub fn embedded(url: &str, database: &str, fsync: bool) -> Self {
        Self {
            url: url.to_owned(),
            database: database.to_owned(),
            user: None,
            password: None,
            fsync,
            compress: false,
            cluster: None,
        }
    }

    /// A configured server; for the embedded engine the address is only known once it runs.
    pub fn of(config: &WarehouseConfig) -> Self {
        match config {
            WarehouseConfig::Embedded { database, fsync, .. } => {
                Self::embedded("http://127.0.0.1:8123", database, *fsync)
            }
            WarehouseConfig::Server { url, database, user, password, cluster } => Self {
                url: url.clone(),
                database: database.clone(),
                user: Some(user.clone()).filter(|u| !u.is_empty()),
                password: Some(password.clone()).filter(|p| !p.is_empty()),
                fsync: false,
                compress: true,
                cluster: cluster.as_ref().map(|c| Cluster { name: c.name.clone(), quorum: c.quorum }),
            },
        }
    }
}

/// A store, asked over HTTP. Cheap to clone.
#[derive(Clone)]
pub struct Clickhouse {
    pub(super) client: Client,
    pub(super) database: String,
    /// Names of sources for rows; `None` for a client that only asks.
    pub(super) config: Option<Arc<Config>>,
    pub(super) retry: Retry,
    /// Whether new tables flush every insert to disk before it counts.
    pub(super) fsync: bool,
    pub(super) cluster: Option<Cluster>,
}

impl Clickhouse {
    /// Connects lazily: an unreachable store is waited for at the first statement.
    pub fn connect(target: &Target, config: &Config) -> Self {
        Self { config: Some(Arc::new(config.clone())), ..Self::reader(target) }
    }

    /// A client that only asks.
    pub fn reader(target: &Target) -> Self {
        let mut client = Client::default()
            .with_url(&target.url)
            .with_database(&target.database)
            .with_compression(if target.compress { Compression::Lz4 } else { Compression::None })
            .with_setting("async_insert", "0")
            .with_setting("insert_deduplicate", "0")
            // Equal members of one block meet in a merge, like those of two: looking for them here costs a third.
            .with_setting("optimize_on_insert", "0")
            // One insert is one block is one part: atomic.
            .with_setting("max_insert_block_size", "10000000")
            .with_setting("min_insert_block_size_rows", "10000000")
            .with_setting("min_insert_block_size_bytes", "0")
            // Events are parted by year, and usable times span 111 of them.
            .with_setting("max_partitions_per_insert_block", "128")
            .with_setting("max_query_size", "67108864")
            .with_setting("max_ast_elements", "10000000")
            .with_setting("max_expanded_ast_elements", "10000000");
        for (name, value) in target.cluster.iter().flat_map(Cluster::settings) {
            client = client.with_setting(name, value);
        }
        if let Some(user) = &target.user {
            client = client.with_user(user);
        }
        if let Some(password) = &target.password {
            client = client.with_password(password);
        }
        Self {
            client,
            database: target.database.clone(),
            config: None,
            retry: Retry::new(&target.url),
            fsync: target.fsync,
            cluster: target.cluster.clone(),
        }
    }

    /// The same store, for whoever is to know whether it answers.
    #[must_use]
    pub fn watched_by(self, health: Health) -> Self {
        Self { retry: self.retry.clone().watched_by(health), ..self }
    }

    /// The same store under another config.
    #[must_use]
    pub fn with_config(&self, config: &Config) -> Self {
        Self { config: Some(Arc::new(config.clone())), ..self.clone() }
    }

    /// The same client for a command that reads: it gives up on a store that does not answer, instead of waiting.
    pub async fn without_patience(self) -> Result<Self, WarehouseError> {
        let client = Self { retry: self.retry.clone().with_patience(PATIENCE), ..self };
        // A database that is not there is another matter than a store that does not answer.
        let hello = client.client.clone().with_database("default").query("SELECT 1").execute();
        match tokio::time::timeout(PATIENCE, hello).await {
            Ok(Ok(())) => Ok(client),
            Ok(Err(error @ Error::BadResponse(_))) => Err(refused(error)),
            Ok(Err(error)) => Err(client.retry.unreachable(&error)),
            Err(_) => Err(client.retry.unreachable(&Error::TimedOut)),
        }
    }

    /// ClickHouse's own version.
    pub async fn version(&self) -> Result<String, WarehouseError> {
        self.client.query("SELECT version()").fetch_one::<String>().await.map_err(refused)
    }

    /// The same store, where a statement may ask and not change anything.
    #[must_use]
    pub fn read_only(&self) -> Self {
        Self { client: self.client.clone().with_setting("readonly", "2"), ..self.clone() }
    }

    /// Runs a statement, waiting out faults that pass by themselves.
    pub(super) async fn execute(&self, statement: &str) -> Result<(), WarehouseError> {
        // `?` binds parameters in the client; a literal one is written twice.
        let statement = statement.replace('?', "??");
        self.retry.until_done(|| async { self.client.query(&statement).execute().await }).await
    }

    /// Before a read that must see every insert acknowledged so far (pipeline.md, I3). One server always does.
    pub(super) async fn catch_up(&self, tables: &[&str]) -> Result<(), WarehouseError> {
        let Some(cluster) = &self.cluster else { return Ok(()) };
        for table in tables {
            self.execute(&cluster.catch_up(table)).await?;
        }
        Ok(())
    }

    /// Deletes rows of a table.
    pub(super) async fn delete(&self, table: &str, condition: &str) -> Result<(), WarehouseError> {
        let here = || format!("DELETE FROM {table} WHERE {condition}");
        self.execute(&self.cluster.as_ref().map_or_else(here, |c| c.delete(table, condition))).await
    }

    /// Rows of a query, waiting out faults that pass by themselves.
    pub(super) async fn fetch<R>(&self, query: &str) -> Result<Vec<R>, WarehouseError>
    where
        R: clickhouse::RowOwned + clickhouse::RowRead,
    {
        let query = query.replace('?', "??");
        self.retry.until_done(|| async { self.client.query(&query).fetch_all::<R>().await }).await
    }

    /// Any query in any format, as bytes; errors are answered at once.
    pub async fn sql(&self, query: &str, format: &str) -> Result<SqlAnswer, WarehouseError> {
        let query = query.trim().trim_end_matches(';').replace('?', "??");
        let cursor = self.client.query(&query).fetch_bytes(format).map_err(refused)?;
        Ok(SqlAnswer { cursor })
    }

    pub(super) fn config(&self) -> Result<&Arc<Config>, WarehouseError> {
        self.config
            .as_ref()
            .ok_or_else(|| WarehouseError::Schema("this client was opened for questions only".to_owned()))
    }
}

/// The bytes of an answer, as they come.
pub struct SqlAnswer {
    cursor: BytesCursor,
}

impl SqlAnswer {
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>, WarehouseError> {
        self.cursor.next().await.map_err(refused)
    }
}
