//! `tropa migrate`: creates or upgrades the tables of a ClickHouse server.

use clap::Args;

use super::store::Store;
use super::{Failure, PlaceArgs};
use crate::config::WarehouseConfig;
use crate::warehouse::{self, Clickhouse, Target};

#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Only print what makes the tables from nothing, for whoever may not or will not let a program do it
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Migrate {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        if self.print {
            let statements = warehouse::statements_for(&Target::of(&place.config.warehouse));
            print!("{}", statements.iter().map(|s| format!("{s};\n\n")).collect::<String>());
            return Ok(());
        }
        let applied = match &place.config.warehouse {
            // The embedded store is migrated whenever it is opened.
            WarehouseConfig::Embedded { .. } => {
                Store::own(&place.config).await?.close().await;
                0
            }
            server @ WarehouseConfig::Server { .. } => {
                Clickhouse::connect(&Target::of(server), &place.config).migrate().await?
            }
        };
        println!("the tables are current; {applied} migrations applied now");
        Ok(())
    }
}
