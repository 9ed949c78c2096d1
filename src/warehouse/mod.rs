//! ClickHouse: the tables, and everything that is written to and read from them. In: rows of the stages, questions of
//! the commands. Out: acknowledged inserts and answers. One client over HTTP for a server, a cluster or the embedded
//! engine; ClickHouse types appear in this folder only.

pub mod embedded;

mod client;
mod cluster;
mod counts;
mod coverage;
mod cuts;
mod emotions;
mod frozen;
mod full_disk;
mod insert;
mod journey_row;
mod letters;
mod lost;
mod migrations;
mod orders;
mod personas;
mod read;
mod readings;
mod rekey;
mod retry;
mod rows;
mod schema;
mod scratch;
mod sets;
mod standby;
mod standing;
mod standing_counts;
mod trails;
mod variants;
mod walked;
mod exported;
mod writer;

pub use client::{Clickhouse, SqlAnswer, Target};
pub use cluster::Cluster;
pub use exported::ExportedCounts;
pub use frozen::TableShape;
pub use letters::{LetterFilter, StoredLetter};
pub use migrations::{MigrationState, statements_for};
pub use scratch::Scratch;
pub use standby::Standby;
pub use standing::{Among, StaleRow};
pub use standing_counts::{Counted, CountedBuckets};
pub use writer::Writer;

/// Why the warehouse could not do what was asked. Faults that pass by themselves are waited out, never returned.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseError {
    /// Only for commands that do not wait.
    #[error(
        "ClickHouse at {url} does not answer: {error}\n  hint: is it running, and is the address right? `tropa run` and `tropa import` wait for it"
    )]
    Unreachable { url: String, error: String },
    #[error("ClickHouse refused: {0}")]
    Refused(String),
    #[error("the tables do not fit this program: {0}")]
    Schema(String),
}
