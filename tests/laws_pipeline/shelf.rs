//! A warehouse in memory and a log that replays, for many small worlds: the real pipeline and stages between them. In:
//! batches. Out: [`Tables`]. Keeps every copy of an event, as tables do before a background merge.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tropa::event::Event;
use tropa::journey::Mode;
use tropa::pipeline::{self, Control};
use tropa::source::DecodedBatch;
use tropa::stage::cache::NodeCache;
use tropa::stage::identity::IdentityStage;
use tropa::stage::journeys::JourneysStage;
use tropa::stage::reading::Reading;
use tropa::stage::watermark::Watermark;
use tropa::stage::{Aggregates, Log, Polled, PositionRow, Positions, Rows, Version, Warehouse};
use tropa::startup::Stages;
use tropa::time::Timestamp;

use crate::naive::Tables;
use crate::world::{World, received_at};

#[derive(Default)]
pub struct Shelf(Mutex<Held>);

#[derive(Default)]
struct Held {
    events: Vec<Event>,
    tables: Tables,
    newest: std::collections::BTreeMap<(usize, Arc<str>), Version>,
}

impl Warehouse for Shelf {
    type Error = Infallible;

    async fn insert(&self, rows: Rows) -> Result<(), Infallible> {
        // Lets the other stages run ahead, as a store that takes its time does.
        tokio::task::yield_now().await;
        let mut held = self.0.lock().expect("no test panics while it holds this");
        match rows {
            Rows::Events(events) => held.events.extend(events.iter().cloned()),
            Rows::Facts(facts) => facts.iter().for_each(|f| held.tables.state(f)),
            Rows::Assignments(list, _) => list.iter().for_each(|a| held.tables.assign(a)),
            Rows::Customers(rows) => {
                for row in rows {
                    let key = (row.map, row.customer);
                    let newest = held.newest.entry(key.clone()).or_default();
                    if row.version < *newest {
                        continue;
                    }
                    *newest = row.version;
                    match row.journeys {
                        Some(journeys) => held.tables.customers.insert(key, journeys),
                        None => held.tables.customers.remove(&key),
                    };
                }
            }
            Rows::DeadLetters(_) | Rows::Recovered(_) | Rows::Positions(_) => {}
        }
        Ok(())
    }

    async fn events_of(&self, nodes: Vec<Arc<str>>) -> Result<Vec<Event>, Infallible> {
        tokio::task::yield_now().await;
        let held = self.0.lock().expect("no test panics while it holds this");
        Ok(held.events.iter().filter(|e| nodes.contains(&e.node())).cloned().collect())
    }
}

impl Aggregates for Shelf {
    async fn refresh(&self, _: Timestamp) -> Result<usize, Infallible> {
        Ok(0)
    }

    async fn store_watermark(&self, _: Timestamp) -> Result<(), Infallible> {
        Ok(())
    }
}

struct Replay(std::vec::IntoIter<DecodedBatch>);

impl Log for Replay {
    type Error = Infallible;

    async fn poll(&mut self) -> Result<Polled, Infallible> {
        Ok(self.0.next().map_or(Polled::End, Polled::Batch))
    }

    async fn commit(&mut self, _: &[PositionRow]) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Runs batches through the real pipeline onto an empty shelf. `cache`: bytes of events kept in memory.
pub async fn run(world: &World, batches: Vec<DecodedBatch>, cache: u64) -> Tables {
    let config = world.config.clone();
    let readings: Vec<Reading> = world.maps.iter().map(|m| Reading::new(m.clone(), Mode::Valid, &config)).collect();
    let readings = Arc::new(readings);
    let cache = NodeCache::new([], cache);
    let stages = Stages {
        identity: IdentityStage::load(config.clone(), Vec::new(), Vec::new()),
        journeys: JourneysStage::new(config.clone(), readings.clone(), cache, None),
        positions: Positions::default(),
        watermark: Watermark::new(config, None, received_at()),
        version: Version::first_of(1),
        readings,
    };
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let control = Control { stop, refresh: Duration::from_secs(30), clock: received_at, telemetry: Default::default() };
    let shelf = Arc::new(Shelf::default());
    pipeline::run(&mut Replay(batches.into_iter()), shelf.clone(), stages, control).await.expect("nothing fails here");
    let shelf = Arc::try_unwrap(shelf).ok().expect("the pipeline is done with it");
    shelf.0.into_inner().expect("no test panics while it holds this").tables
}
