//! The tables, made by numbered migrations. In: what `schema_migrations` says was applied. Out: current tables, or a
//! plain word about which side is older. A migration, once released, never changes.
//!
//! Expand, then contract. A schema has a MAJOR number, and each migration is of one. Within a major, migrations only add:
//! a table, a view, a column with a default, and a program writes nothing that an older one of the same major would
//! misread. So version N+1 may migrate while processes of version N go on writing, and N accepts tables with minor
//! migrations that it does not know. What takes something away or changes its meaning is done in two releases: the first
//! adds the new beside the old and stops using the old (minor); the second, which raises the major, removes it. A program
//! refuses tables of a greater major than its own, at start and in every command: it would read or write them wrongly.
//! `schema_migrations` holds each migration's major, so that a program judges migrations it has never heard of.

use super::schema;
use super::{Clickhouse, Target, WarehouseError};
use crate::aggregate::quote;

pub(super) const MIGRATIONS: [(u32, &str, &str); 13] = [
    (1, "sets", include_str!("migrations/0001_sets.sql")),
    (2, "journeys", include_str!("migrations/0002_journeys.sql")),
    (3, "aggregates", include_str!("migrations/0003_aggregates.sql")),
    (4, "views", include_str!("migrations/0004_views.sql")),
    (5, "keyings", include_str!("migrations/0005_keyings.sql")),
    (6, "operators", include_str!("migrations/0006_operators.sql")),
    (8, "dead_letters", include_str!("migrations/0008_dead_letters.sql")),
    (10, "announcing", include_str!("migrations/0010_announcing.sql")),
    (13, "cuts", include_str!("migrations/0013_cuts.sql")),
    (14, "conformance", include_str!("migrations/0014_conformance.sql")),
    (15, "after", include_str!("migrations/0015_after.sql")),
    (16, "personas", include_str!("migrations/0016_personas.sql")),
    (17, "identifier_keys", include_str!("migrations/0017_identifier_keys.sql")),
];

/// Where migrations are noted; said before any of them.
const FIRST: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS schema_migrations (id UInt32 COMMENT 'Number of the migration', name String COMMENT 'Its name', \
     applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When') ENGINE = ReplacingMergeTree ORDER BY id \
     COMMENT 'Which migrations have been applied'",
    "ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS major UInt32 DEFAULT 1 \
     COMMENT 'Major of the schema: programs of a lesser one must not use these tables'",
];

/// Every statement that makes the tables from nothing, as it would be said to this target.
pub fn statements_for(target: &Target) -> Vec<String> {
    let database = name(&target.database);
    let made = format!("CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic");
    let texts = MIGRATIONS.iter().flat_map(|(_, _, text)| schema::statements(text));
    let all = FIRST.into_iter().chain(texts);
    let said = |statement: &str| match &target.cluster {
        Some(cluster) => cluster.instead_of(statement, is_table),
        None => vec![statement.to_owned()],
    };
    let first = target.cluster.as_ref().map_or(made, |c| c.database(&database));
    std::iter::once(first).chain(all.flat_map(said)).collect()
}

fn is_table(name: &str) -> bool {
    name == "schema_migrations" || schema::is_table(name)
}

/// How the tables stand to this program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MigrationState {
    /// Nothing is missing. Minor migrations of a newer program may be there too.
    Current,
    /// Migrations of this program have not been applied.
    Behind,
    /// There is no such database.
    NoDatabase(String),
    /// A newer program has migrated them to a major that this one does not know.
    Newer(String),
    /// All migrations are applied, and yet these tables are not there.
    Missing(Vec<String>),
}

#[derive(clickhouse::Row, serde::Deserialize)]
struct Applied {
    id: u32,
    major: u32,
}

#[derive(clickhouse::Row, serde::Deserialize)]
struct Name {
    name: String,
}

impl Clickhouse {
    /// Applies what is missing; returns how many.
    pub async fn migrate(&self) -> Result<usize, WarehouseError> {
        let server = Self { client: self.client.clone().with_database("default"), ..self.clone() };
        let database = name(&self.database);
        let made = format!("CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic");
        server.execute(&self.cluster.as_ref().map_or(made, |c| c.database(&database))).await?;
        for statement in FIRST {
            self.define(statement).await?;
        }
        let applied = self.applied().await?;
        if let Some(error) = schema::newer(&applied) {
            return Err(WarehouseError::Schema(error));
        }
        let applied: Vec<u32> = applied.into_iter().map(|(id, _)| id).collect();
        self.make_missing_again(&applied).await?;
        let mut done = 0;
        for (id, title, text) in MIGRATIONS.iter().filter(|(id, ..)| !applied.contains(id)) {
            // Every statement can be repeated, so a migration that was cut short is simply run again.
            for statement in schema::statements(text) {
                self.define(statement).await?;
                if let Some(table) = schema::created(statement) {
                    self.flush_inserts_of(table).await?;
                }
            }
            let row = format!("({id}, {}, {})", quote(title), schema::major_of(*id));
            self.execute(&format!("INSERT INTO schema_migrations (id, name, major) VALUES {row}")).await?;
            done += 1;
        }
        Ok(done)
    }

    pub async fn migration_state(&self) -> Result<MigrationState, WarehouseError> {
        let columns = format!(
            "SELECT name FROM system.columns WHERE database = {} AND table = 'schema_migrations'",
            quote(&self.database)
        );
        let server = Self { client: self.client.clone().with_database("default"), ..self.clone() };
        let columns = server.fetch::<Name>(&columns).await?;
        if columns.is_empty() {
            let database = format!("SELECT name FROM system.databases WHERE name = {}", quote(&self.database));
            let there = !server.fetch::<Name>(&database).await?.is_empty();
            return Ok(if there { MigrationState::Behind } else { MigrationState::NoDatabase(self.database.clone()) });
        }
        let applied = match columns.iter().any(|c| c.name == "major") {
            true => self.applied().await?,
            // Made before there were majors.
            false => return Ok(MigrationState::Behind),
        };
        if let Some(error) = schema::newer(&applied) {
            return Ok(MigrationState::Newer(error));
        }
        if MIGRATIONS.iter().any(|(id, ..)| applied.iter().all(|(known, _)| known != id)) {
            return Ok(MigrationState::Behind);
        }
        let missing = self.missing_tables(&applied.into_iter().map(|(id, _)| id).collect::<Vec<_>>()).await?;
        Ok(if missing.is_empty() { MigrationState::Current } else { MigrationState::Missing(missing) })
    }

    /// Number and major of each migration that was applied.
    async fn applied(&self) -> Result<Vec<(u32, u32)>, WarehouseError> {
        let rows = self.fetch::<Applied>("SELECT id, major FROM schema_migrations FINAL").await?;
        Ok(rows.into_iter().map(|r| (r.id, r.major)).collect())
    }

    /// Tables and views of applied migrations that are not there.
    async fn missing_tables(&self, applied: &[u32]) -> Result<Vec<String>, WarehouseError> {
        let there = self.fetch::<Name>("SELECT name FROM system.tables WHERE database = currentDatabase()").await?;
        let wanted = schema::wanted(applied);
        Ok(wanted.into_iter().filter(|w| there.iter().all(|t| t.name != *w)).map(str::to_owned).collect())
    }

    /// Tables that follow from others are made again, and filled by the next start; those that nothing follows from but
    /// themselves are not made empty, for that would hide that they are lost.
    async fn make_missing_again(&self, applied: &[u32]) -> Result<(), WarehouseError> {
        let missing = self.missing_tables(applied).await?;
        if let Some(lost) = schema::lost(&missing) {
            return Err(WarehouseError::Schema(lost));
        }
        for name in &missing {
            tracing::warn!(table = name, "was not there; it is made again, and what it holds is computed anew");
            for statement in schema::makes(name) {
                self.define(statement).await?;
            }
            self.flush_inserts_of(name).await?;
            for statement in schema::fills(name, self.cluster.as_ref()) {
                self.execute(&statement).await?;
            }
        }
        Ok(())
    }

    /// Says a statement of the migrations, on a cluster to all of it.
    async fn define(&self, statement: &str) -> Result<(), WarehouseError> {
        let Some(cluster) = &self.cluster else { return self.execute(statement).await };
        for statement in cluster.instead_of(statement, is_table) {
            self.execute(&statement).await?;
        }
        Ok(())
    }

    /// Acknowledged inserts then survive a power cut, not only a killed process.
    async fn flush_inserts_of(&self, table: &str) -> Result<(), WarehouseError> {
        let is_view = format!(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND name = {} AND endsWith(engine, 'MergeTree')",
            quote(table)
        );
        if self.fsync && !self.fetch::<Name>(&is_view).await?.is_empty() {
            self.execute(&format!("ALTER TABLE {table} MODIFY SETTING fsync_after_insert = 1")).await?;
        }
        Ok(())
    }
}

/// A database name as an identifier.
fn name(database: &str) -> String {
    format!("`{}`", database.replace('`', ""))
}
