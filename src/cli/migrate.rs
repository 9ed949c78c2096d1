//! `tropa migrate`: creates or upgrades the tables of a ClickHouse server, and the topics for dead letters.

use clap::Args;

use super::store::Store;
use super::{Failure, PlaceArgs};
use crate::config::{Input, WarehouseConfig};
use crate::source::kafka::admin;
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
        if let Some(roles) = &place.config.roles {
            let made = crate::relay::create(roles).await.map_err(|e| Failure::Store(e.to_string()))?;
            println!(
                "the internal topics are there; created now: {}",
                if made.is_empty() { "none".to_owned() } else { made.join(", ") }
            );
        }
        println!("the tables are current; {applied} migrations applied now");
        for source in &place.config.sources {
            let Input::Kafka(input) = &source.input else { continue };
            let made = admin::create_topics(input, &source.dead_letters).await;
            for topic in made.map_err(|e| Failure::Store(e.to_string()))? {
                println!("topic `{topic}` created at {}", input.brokers);
            }
        }
        Ok(())
    }
}
