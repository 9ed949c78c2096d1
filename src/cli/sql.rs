//! `tropa sql`: one query to the store, its answer to standard output in any format of ClickHouse.

use std::io::{IsTerminal, Write};

use clap::Args;

use super::store::{DATABASE, Store, nothing_there};
use super::{Failure, PlaceArgs};
use crate::warehouse::embedded::{self, Embedded};
use crate::warehouse::{Clickhouse, Target, WarehouseError};

/// How statements begin that change something, as ClickHouse has them.
const CHANGES: [&str; 24] = [
    "alter", "attach", "backup", "begin", "commit", "create", "delete", "detach", "drop", "exchange", "grant",
    "insert", "kill", "move", "optimize", "rename", "restore", "revoke", "set", "system", "truncate", "undrop",
    "update", "use",
];

#[derive(Debug, Args)]
pub(super) struct Sql {
    /// The query, such as "SELECT * FROM v_stages"
    query: String,
    /// Any output format of ClickHouse [default: PrettyCompactMonoBlock on a terminal, TSVWithNames off it]
    #[arg(long)]
    format: Option<String>,
    /// Let the statement change the store; what it takes away, no later run brings back
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Sql {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let terminal = std::io::stdout().is_terminal();
        let format = self.format.as_deref().unwrap_or(if terminal { "PrettyCompactMonoBlock" } else { "TSVWithNames" });
        match self.place.data_or_config()? {
            Err(place) => {
                let store = Store::reach(&place.config).await?;
                let result = self.print(&store.client, format).await;
                store.close().await;
                result
            }
            Ok(data) => {
                // A bare data folder: the embedded store, whoever holds it.
                if let Some(address) = embedded::locate(&data) {
                    let client = Clickhouse::reader(&Target::embedded(&address.url(), DATABASE, false));
                    return self.print(&client, format).await;
                }
                if !data.exists() {
                    return Err(nothing_there(&data));
                }
                let engine = Embedded::start(&data, 0, false).await.map_err(|e| Failure::Store(e.to_string()))?;
                let client = Clickhouse::reader(&Target::embedded(engine.url(), DATABASE, false));
                let result = self.print(&client, format).await;
                engine.stop().await.map_err(|e| Failure::Store(e.to_string()))?;
                result
            }
        }
    }

    /// The first word, if no statement that changes something begins so: it is a slip then.
    fn unknown_verb(&self) -> Option<&str> {
        let word = self.query.split(|c: char| !c.is_alphanumeric() && c != '_').find(|w| !w.is_empty())?;
        (!CHANGES.iter().any(|verb| verb.eq_ignore_ascii_case(word))).then_some(word)
    }

    async fn print(&self, client: &Clickhouse, format: &str) -> Result<(), Failure> {
        let client = if self.write { client.clone() } else { client.read_only() };
        let refused = |e: WarehouseError| {
            match e.to_string() {
            // What ClickHouse says of a statement that is not allowed to change anything.
            text if text.contains("Code: 164.") => Failure::Store(match self.unknown_verb() {
                Some(word) => format!(
                    "no statement begins with {word:?}\n  hint: a question begins with SELECT, WITH, SHOW, DESCRIBE, EXISTS or EXPLAIN"
                ),
                None => "this statement would change the store\n  hint: `tropa sql --write` lets it; what it takes away, no later run brings back"
                    .to_owned(),
            }),
            _ => e.into(),
        }
        };
        let mut answer = client.sql(&self.query, format).await.map_err(refused)?;
        let mut out = std::io::stdout().lock();
        while let Some(bytes) = answer.next().await.map_err(refused)? {
            out.write_all(&bytes)?;
        }
        out.flush()?;
        Ok(())
    }
}
