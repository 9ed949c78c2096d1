//! `tropa reprocess`: a topic once more from an offset or a moment on, up to where it was read before.

use std::sync::Arc;

use clap::Args;

use super::run::clock;
use super::store::Store;
use super::{Failure, Place, PlaceArgs, at_work};
use crate::config::{Input, KafkaInput};
use crate::decode::{Decoding, IdentifierKey};
use crate::event::SourceId;
use crate::health::Health;
use crate::intake;
use crate::reprocess::Again;
use crate::source::Counters;
use crate::source::kafka::KafkaSource;
use crate::source::kafka::again::{From, Stretch};
use crate::stage::Positions;
use crate::startup;
use crate::telemetry::Telemetry;
use crate::time::Timestamp;
use crate::warehouse::Writer;

#[derive(Debug, Args)]
pub(super) struct Reprocess {
    /// An offset, or a moment such as 2026-06-30 or 2026-06-30T12:00:00Z at which records were written to the topic
    #[arg(long, value_name = "OFFSET|TIME")]
    from: String,
    /// Which source, where the config has several that read from Kafka
    #[arg(long, value_name = "S")]
    source: Option<String>,
    /// Only this partition [default: all of the source's topics]
    #[arg(long, value_name = "P")]
    partition: Option<i32>,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Reprocess {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let (id, input) = self.source_of(&place)?;
        let from = match self.from.parse::<i64>() {
            Ok(offset) if offset >= 0 => From::Offset(offset),
            _ => From::At(Timestamp::parse(&self.from).ok_or_else(|| {
                Failure::Unusable(format!(
                    "`{}` is neither an offset nor a moment\n  allowed: 12345, 2026-06-30 or 2026-06-30T12:00:00Z",
                    self.from
                ))
            })?),
        };
        let store = Store::own(&place.config).await?;
        let done = self.read_again(&place, &store, (id, input), from).await;
        store.close().await;
        let (stretches, counted) = done?;
        for Stretch { name, from, until } in &stretches {
            println!("{name}: {from} to {until}");
        }
        println!(
            "{} records read again: {} decoded, {} skipped, {} dead letters; counts of deliveries stay what they were",
            counted.records, counted.decoded, counted.skipped, counted.rejected
        );
        Ok(())
    }

    fn source_of(&self, place: &Place) -> Result<(SourceId, KafkaInput), Failure> {
        let sources: Vec<(SourceId, &str, &KafkaInput)> = place
            .config
            .sources
            .iter()
            .enumerate()
            .filter_map(|(i, s)| match &s.input {
                Input::Kafka(input) => Some((SourceId(i as u16), &*s.name, input)),
                _ => None,
            })
            .collect();
        let names = || sources.iter().map(|(_, name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let found = match &self.source {
            Some(wanted) => sources.iter().find(|(_, name, _)| name == wanted).ok_or_else(|| {
                Failure::NotFound(format!("no source `{wanted}` reads from Kafka\n  those that do: {}", names()))
            }),
            None => match &sources[..] {
                [one] => Ok(one),
                [] => Err(Failure::NotFound(
                    "no source of the config reads from Kafka\n  hint: files are read again after their source's `generation` is raised"
                        .to_owned(),
                )),
                _ => Err(Failure::NotFound(format!("several sources read from Kafka\n  name one by `--source`: {}", names()))),
            },
        };
        found.map(|(id, _, input)| (*id, (*input).clone()))
    }

    async fn read_again(
        &self,
        place: &Place,
        store: &Store,
        (id, input): (SourceId, KafkaInput),
        from: From,
    ) -> Result<(Vec<Stretch>, Counters), Failure> {
        at_work::nobody(store, place).await?;
        let stop = crate::shutdown::listen().stop;
        let began = clock();
        let start = startup::load(&store.client, &place.config, &place.maps, &place.files).await?;
        let key = place.key_of(&store.client).await?;
        let source = self.kafka_source((place, key), (id, input), &start.stages.positions);
        let partition = self.partition;
        let looked_up =
            tokio::task::spawn_blocking(move || source.stretches(from, partition).map(|s| (source, s))).await;
        let found = looked_up.map_err(|e| Failure::Store(e.to_string()))?;
        let (source, stretches) = found.map_err(|e| Failure::Store(e.to_string()))?;
        let name = source.name.clone();
        let mut again = Again::start(source, stretches.clone());
        let writer = Writer::new((*store.client).clone(), start.readings.clone());
        let told = (stop.clone(), clock as fn() -> Timestamp, Telemetry::default());
        startup::run(&store.client, (&mut again, writer), start, &place.files, told).await?;
        if *stop.borrow() {
            return Err(Failure::Store(
                "stopped before everything was read again; what was read is stored\n  hint: run it once more"
                    .to_owned(),
            ));
        }
        for stretch in &stretches {
            let place = (&*stretch.name.topic, stretch.name.partition);
            store.client.forget_older_letters(&name, place, stretch.from..stretch.until, began).await?;
        }
        Ok((stretches, *again.counted()))
    }

    fn kafka_source(
        &self,
        (place, key): (&Place, IdentifierKey),
        (id, input): (SourceId, KafkaInput),
        positions: &Positions,
    ) -> KafkaSource {
        let config = &place.config;
        let source = config.source(id);
        let reading = intake::reading_of(source.generation);
        KafkaSource {
            input,
            source: id,
            admit: Arc::new(Decoding::new(config.clone(), key)),
            positions: intake::positions_of(positions.iter(), id, &reading),
            stored: None,
            dead_letters: source.dead_letters.clone(),
            health: Health::default(),
            reading,
            name: source.name.clone(),
            // Of no use outside of the group.
            instance: None,
            flush_records: config.flush_records,
            flush_interval: config.flush_interval,
            until_end: true,
            clock,
        }
    }
}
