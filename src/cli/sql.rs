//! `tropa sql`: one query to the store, its answer to standard output in any format of ClickHouse.

use std::io::{IsTerminal, Write};

use clap::Args;

use super::store::{DATABASE, Store, nothing_there};
use super::{Failure, PlaceArgs};
use crate::warehouse::embedded::{self, Embedded};
use crate::warehouse::{Clickhouse, Target};

#[derive(Debug, Args)]
pub(super) struct Sql {
    /// The query, such as "SELECT * FROM v_stages"
    query: String,
    /// Any output format of ClickHouse [default: PrettyCompactMonoBlock on a terminal, TSVWithNames off it]
    #[arg(long)]
    format: Option<String>,
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
                let result = print(&store.client, &self.query, format).await;
                store.close().await;
                result
            }
            Ok(data) => {
                // A bare data folder: the embedded store, whoever holds it.
                if let Some(address) = embedded::locate(&data) {
                    let client = Clickhouse::reader(&Target::embedded(&address.url(), DATABASE, false));
                    return print(&client, &self.query, format).await;
                }
                if !data.exists() {
                    return Err(nothing_there(&data));
                }
                let engine = Embedded::start(&data, 0, false).await.map_err(|e| Failure::Store(e.to_string()))?;
                let client = Clickhouse::reader(&Target::embedded(engine.url(), DATABASE, false));
                let result = print(&client, &self.query, format).await;
                engine.stop().await.map_err(|e| Failure::Store(e.to_string()))?;
                result
            }
        }
    }
}

async fn print(client: &Clickhouse, query: &str, format: &str) -> Result<(), Failure> {
    let mut answer = client.sql(query, format).await?;
    let mut out = std::io::stdout().lock();
    while let Some(bytes) = answer.next().await? {
        out.write_all(&bytes)?;
    }
    out.flush()?;
    Ok(())
}
