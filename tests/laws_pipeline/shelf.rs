//! A warehouse in memory and a log that replays, for many small worlds: the real pipeline and stages between them. In:
//! batches. Out: [`Tables`]. Keeps every copy of an event, as tables do before a background merge.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use tropa::event::Event;
use tropa::identity::{Assignment, Outside, Sets};
use tropa::journey::Mode;
use tropa::orders::Orders;
use tropa::pipeline::identity::Setting;
use tropa::pipeline::{self, Control, Stages};
use tropa::source::DecodedBatch;
use tropa::stage::reading::Reading;
use tropa::stage::refold::Refold;
use tropa::stage::{Log, OpenOrders, Partition, Polled, PositionRow, Positions, Rows, Version, Warehouse};
use tropa::time::{Day, Timestamp};

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
            Rows::DeadLetters(_) | Rows::Recovered(_) | Rows::Positions(_) | Rows::Announcing(..) | Rows::Orders(_) => {
            }
        }
        Ok(())
    }

    async fn events_of(&self, nodes: Vec<Arc<str>>) -> Result<Vec<Event>, Infallible> {
        tokio::task::yield_now().await;
        let held = self.0.lock().expect("no test panics while it holds this");
        Ok(held.events.iter().filter(|e| nodes.contains(&e.node())).cloned().collect())
    }

    async fn claim_epoch(&self) -> Result<u64, Infallible> {
        Ok(1)
    }

    async fn is_newest(&self, _: u64) -> Result<bool, Infallible> {
        Ok(true)
    }

    async fn sets(&self) -> Result<Sets, Infallible> {
        Ok(Sets::default())
    }

    async fn outside(&self) -> Result<Outside, Infallible> {
        Ok(Outside::default())
    }

    async fn nodes_before(&self, day: Day, outside: &Outside) -> Result<Vec<(Arc<str>, bool)>, Infallible> {
        unreachable!("nobody moves the horizon of a shelf: {day:?} {outside:?}")
    }

    async fn customers_in(&self, slice: (Partition, Partition)) -> Result<Vec<Arc<str>>, Infallible> {
        unreachable!("a shelf has one slice, which is never lost: {slice:?}")
    }

    async fn nodes_naming(&self, identifiers: Vec<Arc<str>>) -> Result<Vec<Arc<str>>, Infallible> {
        unreachable!("nobody is forgotten on a shelf: {identifiers:?}")
    }

    async fn nodes_since(&self, day: Day) -> Result<Vec<Arc<str>>, Infallible> {
        unreachable!("nobody rebuilds a shelf: {day:?}")
    }

    async fn open_orders(&self) -> Result<OpenOrders, Infallible> {
        Ok((1, Vec::new()))
    }

    async fn assignments(&self) -> Result<Vec<Assignment>, Infallible> {
        Ok(Vec::new())
    }

    async fn unsettled(&self) -> Result<Vec<Arc<str>>, Infallible> {
        Ok(Vec::new())
    }

    async fn positions(&self) -> Result<Vec<PositionRow>, Infallible> {
        Ok(Vec::new())
    }

    async fn as_of(&self) -> Result<Option<Timestamp>, Infallible> {
        Ok(None)
    }

    async fn refresh(&self, _: (Vec<Partition>, Partition), _: Timestamp) -> Result<(), Infallible> {
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
    let mut config = (*config).clone();
    config.cache_bytes = cache;
    let config = Arc::new(config);
    let stages = Stages {
        positions: Positions::default(),
        identity: Setting {
            config: config.clone(),
            epoch: None,
            refresh: config.refresh,
            orders: Orders::default(),
            outside: tokio::sync::watch::channel(Arc::default()).0,
            anew: Vec::new(),
            everybody: false,
            hurry: tokio::sync::watch::channel(false).1,
        },
        refold: Refold::new(config, readings, Arc::default(), None),
    };
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let (swept, _) = tokio::sync::watch::channel(false);
    let control = Control { stop, swept, clock: received_at, telemetry: Default::default() };
    let shelf = Arc::new(Shelf::default());
    pipeline::run(&mut Replay(batches.into_iter()), shelf.clone(), stages, control).await.expect("nothing fails here");
    let shelf = Arc::try_unwrap(shelf).ok().expect("the pipeline is done with it");
    shelf.0.into_inner().expect("no test panics while it holds this").tables
}
