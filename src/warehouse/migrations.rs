//! The tables, made by numbered migrations. In: what `schema_migrations` says was applied. Out: current tables, or a
//! plain word about which side is older. A migration, once released, never changes.

use super::{Clickhouse, WarehouseError};
use crate::aggregate::quote;

const MIGRATIONS: [(u32, &str, &str); 8] = [
    (1, "sets", include_str!("migrations/0001_sets.sql")),
    (2, "journeys", include_str!("migrations/0002_journeys.sql")),
    (3, "aggregates", include_str!("migrations/0003_aggregates.sql")),
    (4, "views", include_str!("migrations/0004_views.sql")),
    (5, "keyings", include_str!("migrations/0005_keyings.sql")),
    (6, "operators", include_str!("migrations/0006_operators.sql")),
    (8, "dead_letters", include_str!("migrations/0008_dead_letters.sql")),
    (10, "announcing", include_str!("migrations/0010_announcing.sql")),
];

/// How the tables stand to this program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MigrationState {
    Current,
    Behind {
        applied: u32,
        known: u32,
    },
    /// A newer program has migrated them.
    Newer {
        applied: u32,
        known: u32,
    },
}

#[derive(clickhouse::Row, serde::Deserialize)]
struct Applied {
    id: u32,
}

impl Clickhouse {
    /// Applies what is missing; returns how many.
    pub async fn migrate(&self) -> Result<usize, WarehouseError> {
        let server = Self { client: self.client.clone().with_database("default"), ..self.clone() };
        server.execute(&format!("CREATE DATABASE IF NOT EXISTS {} ENGINE = Atomic", name(&self.database))).await?;
        self.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (id UInt32 COMMENT 'Number of the migration', name String COMMENT 'Its name', \
             applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When') ENGINE = ReplacingMergeTree ORDER BY id \
             COMMENT 'Which migrations have been applied'",
        )
        .await?;
        let applied = self.applied().await?;
        let mut done = 0;
        for (id, title, text) in MIGRATIONS.iter().filter(|(id, ..)| !applied.contains(id)) {
            // Every statement can be repeated, so a migration that was cut short is simply run again.
            for statement in statements(text) {
                self.execute(statement).await?;
                if self.fsync
                    && let Some(table) = created(statement)
                {
                    // Acknowledged inserts then survive a power cut, not only a killed process.
                    self.execute(&format!("ALTER TABLE {table} MODIFY SETTING fsync_after_insert = 1")).await?;
                }
            }
            self.execute(&format!("INSERT INTO schema_migrations (id, name) VALUES ({id}, {})", quote(title))).await?;
            done += 1;
        }
        Ok(done)
    }

    pub async fn migration_state(&self) -> Result<MigrationState, WarehouseError> {
        let known = MIGRATIONS.iter().map(|(id, ..)| *id).max().unwrap_or_default();
        let exists = format!(
            "SELECT count() FROM system.tables WHERE database = {} AND name = 'schema_migrations'",
            quote(&self.database)
        );
        let server = Self { client: self.client.clone().with_database("default"), ..self.clone() };
        if server.fetch::<u64>(&exists).await?.first() != Some(&1) {
            return Ok(MigrationState::Behind { applied: 0, known });
        }
        let applied = self.applied().await?.into_iter().max().unwrap_or_default();
        Ok(match applied.cmp(&known) {
            std::cmp::Ordering::Equal => MigrationState::Current,
            std::cmp::Ordering::Less => MigrationState::Behind { applied, known },
            std::cmp::Ordering::Greater => MigrationState::Newer { applied, known },
        })
    }

    async fn applied(&self) -> Result<Vec<u32>, WarehouseError> {
        let rows = self.fetch::<Applied>("SELECT id FROM schema_migrations FINAL").await?;
        Ok(rows.into_iter().map(|r| r.id).collect())
    }
}

/// The table that a statement creates.
fn created(statement: &str) -> Option<&str> {
    statement.strip_prefix("CREATE TABLE IF NOT EXISTS ")?.split_whitespace().next()
}

/// A database name as an identifier.
fn name(database: &str) -> String {
    format!("`{}`", database.replace('`', ""))
}

/// Statements end with `;` at the end of a line; comments hold none.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.split(";\n").map(|s| s.trim().trim_end_matches(';')).filter(|s| !s.is_empty())
}
