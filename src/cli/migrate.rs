//! `tropa migrate`: creates or upgrades the tables of a ClickHouse server, the internal topics, and the topics for dead
//! letters. `--partitions` cuts the customers into another number of slices.

use std::fmt::Write;

use clap::Args;

use super::store::Store;
use super::{Failure, PlaceArgs};
use crate::config::{Input, RolesConfig, WarehouseConfig};
use crate::relay;
use crate::source::kafka::admin;
use crate::stage::Cut;
use crate::warehouse::{self, Clickhouse, Target};

#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Only print what makes the tables from nothing, for whoever may not or will not let a program do it
    #[arg(long)]
    print: bool,
    /// Cut the customers into as many slices as the config says now (`roles.partitions`), with a topic of their own; running
    /// roles follow by themselves, and every customer is computed once more
    #[arg(long, conflicts_with = "print")]
    partitions: bool,
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
        if self.partitions && place.config.roles.is_none() {
            let help = "hint: `roles: { brokers: kafka:9092, partitions: 8 }`";
            return Err(Failure::Unusable(format!(
                "`--partitions` needs the section `roles:` of the config\n  {help}"
            )));
        }
        // The embedded store is migrated whenever it is opened.
        let (store, applied) = match &place.config.warehouse {
            WarehouseConfig::Embedded { .. } => (Some(Store::own(&place.config).await?), 0),
            server @ WarehouseConfig::Server { .. } => {
                (None, Clickhouse::connect(&Target::of(server), &place.config).migrate().await?)
            }
        };
        let topics = match &place.config.roles {
            None => Ok(String::new()),
            Some(roles) => {
                let server = Clickhouse::connect(&Target::of(&place.config.warehouse), &place.config);
                self.internal_topics(roles, store.as_ref().map_or(&server, |store| &store.client)).await
            }
        };
        if let Some(store) = store {
            store.close().await;
        }
        print!("{}", topics?);
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

    /// Creates the internal topics for the cut that holds, or for a new one; says so.
    async fn internal_topics(&self, roles: &RolesConfig, client: &Clickhouse) -> Result<String, Failure> {
        let wrong = |e: relay::RelayError| Failure::Store(e.to_string());
        let before = client.cut(&roles.prefix).await?;
        let cut = match before {
            // A program before this one may have made them, and noted nothing.
            None => {
                let found = relay::partitions_of(roles, roles.customers_topic(0)).await.map_err(wrong)?;
                Cut { since: 0, slices: u16::try_from(found).ok().filter(|n| *n > 0).unwrap_or(roles.partitions) }
            }
            // A new cut means every customer once more: not for a number that holds already.
            Some(cut) if self.partitions && cut.slices == roles.partitions => cut,
            Some(_) if self.partitions => Cut { since: client.claim_epoch().await?, slices: roles.partitions },
            Some(cut) => cut,
        };
        let made = relay::create(roles, cut).await.map_err(wrong)?;
        if before != Some(cut) {
            client.begin_cut(&roles.prefix, cut).await?;
        }
        let made = if made.is_empty() { "none".to_owned() } else { made.join(", ") };
        let mut text = format!("the internal topics are there; created now: {made}\n");
        if self.partitions && before == Some(cut) {
            writeln!(text, "the customers are cut into {} slices already: nothing is changed", cut.slices).ok();
        }
        if cut.slices != roles.partitions {
            let (slices, wanted) = (cut.slices, roles.partitions);
            writeln!(
                text,
                "the customers are cut into {slices} slices, and the config says {wanted}\n  \
                 hint: `tropa migrate --partitions` cuts them into {wanted}; roles may run meanwhile"
            )
            .ok();
        }
        Ok(text)
    }
}
