//! The processes of the model: which roles there are, how they are spread, and what each of them runs: the production
//! loops, on seams of one life. In: a role and a life. Out: futures that go on when the scheduler lets them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use tokio::sync::watch;
use tropa::orders::Orders;
use tropa::pipeline::identity::Setting;
use tropa::pipeline::{PipelineError, identity, ingest, journeys, queue};
use tropa::stage::journeys::JourneysStage;
use tropa::stage::orders::Known;
use tropa::stage::refold::Refold;
use tropa::stage::{Cut, Partition, Positions, Warehouse};
use tropa::telemetry::Telemetry;
use tropa::time::Timestamp;

use crate::links::{Listening, Queued, Speaking};
use crate::plant::Plant;
use crate::seams::{Feeding, Shop, Standing};
use crate::sim::{ANNOUNCED, Life, NOTICES};
use crate::world::received_at;

/// What kind of process stands where.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Role {
    /// All stages, reading the one feed.
    Single,
    Ingest(usize),
    Identity,
    Journeys,
}

/// How the stages are spread.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Plan {
    /// One process after the other; what one had sent may arrive after the next has begun.
    Single,
    /// Two readers, an identity writer with a standby, two owners of customers in three slices.
    Roles,
}

impl Plan {
    pub const fn feeds(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Roles => 2,
        }
    }

    pub const fn partitions(self) -> Partition {
        match self {
            Self::Single => 1,
            Self::Roles => 3,
        }
    }

    pub const fn seats(self) -> &'static [Role] {
        match self {
            Self::Single => &[Role::Single, Role::Single],
            Self::Roles => {
                &[Role::Ingest(0), Role::Ingest(1), Role::Identity, Role::Identity, Role::Journeys, Role::Journeys]
            }
        }
    }
}

/// A future with a flag that says whether polling it could change anything.
pub struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Flag>,
    done: bool,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub struct Process {
    pub role: Role,
    pub life: Life,
    tasks: Vec<Task>,
}

impl Process {
    pub fn is_done(&self) -> bool {
        self.tasks.iter().all(|task| task.done)
    }

    /// Polls what has been woken until everything waits.
    pub fn go_on(&mut self) {
        while let Some(task) = self.tasks.iter_mut().find(|t| !t.done && t.woken.0.load(Ordering::Relaxed)) {
            task.woken.0.store(false, Ordering::Relaxed);
            let waker = Waker::from(task.woken.clone());
            task.done = task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        }
    }
}

/// Figures that nobody looks at.
fn watching() -> (Telemetry, fn() -> Timestamp) {
    (Telemetry::default(), received_at)
}

impl Plant<'_> {
    /// A process of a role, up to where it first waits.
    pub fn process(&self, role: Role, life: Life) -> Process {
        let futures = self.futures(role, life);
        let task = |future| Task { future, woken: Arc::new(Flag(AtomicBool::new(true))), done: false };
        let mut process = Process { role, life, tasks: futures.into_iter().map(task).collect() };
        process.go_on();
        process
    }

    fn futures(&self, role: Role, life: Life) -> Vec<Pin<Box<dyn Future<Output = ()>>>> {
        let sim = self.sim.clone();
        let shop = Shop { sim: sim.clone(), life };
        let host = || Standing { sim: sim.clone(), life };
        // Nobody tells the processes of the model to stop: they are killed, or their feed ends.
        let never = || {
            let (sender, stop) = watch::channel(false);
            std::mem::forget(sender);
            stop
        };
        // Looked up before it begins, as `startup` does.
        let known = {
            let store = &sim.lock().store;
            Arc::new(Known::of(&store.open_orders(), store.outside()))
        };
        let setting = {
            let (sim, config, known) = (sim.clone(), self.world.config.clone(), known.clone());
            move || {
                let mut orders = Orders::default();
                sim.lock().desks.insert(life, orders.open());
                Setting {
                    config: config.clone(),
                    epoch: None,
                    refresh: Duration::ZERO,
                    orders,
                    outside: watch::channel(known.clone()).0,
                    anew: Vec::new(),
                    everybody: false,
                    hurry: watch::channel(false).1,
                }
            }
        };
        let started = watch::channel(false).0;
        let outside = Arc::new(known.outside.clone());
        let refold = Refold::new(self.world.config.clone(), self.readings.clone(), outside, None);
        let stage = JourneysStage::new(refold, self.cache);
        let feeding = |feed: usize, ends: bool| {
            let sim = sim.lock();
            let topic = format!("feed-{feed}");
            let next = sim.store.positions.get(topic.as_str()).map_or(0, |row| row.next as usize);
            let positions = Positions::load(sim.store.positions.values().cloned().collect());
            (Feeding { sim: self.sim.clone(), life, feed, next, ends }, positions)
        };
        match role {
            Role::Ingest(feed) => {
                let (mut log, positions) = feeding(feed, false);
                let mut out = Speaking { sim: sim.clone(), life, cut: 0 };
                vec![Box::pin(async move {
                    let outside = watch::channel(known).1;
                    ingest::run(&mut log, &shop, &mut out, (positions, outside, None), (never(), watching()))
                        .await
                        .expect("nothing fails here");
                })]
            }
            Role::Identity => {
                // A member from the start, whatever it does first.
                let mut inlet = Listening::join(&sim, life, NOTICES, 0);
                let host = host();
                vec![Box::pin(async move {
                    loop {
                        let cut = sim.lock().store.cut();
                        inlet.begin(cut);
                        let mut out = Speaking { sim: sim.clone(), life, cut };
                        let (ends, told) = ((&mut inlet, &mut out), (never(), started.clone()));
                        let telemetry = watching().0;
                        let run = identity::run(&host, &shop, ends, setting(), told, &telemetry);
                        run.await.expect("nothing fails here");
                        assert!(inlet.has_ended(), "nobody tells it to stop");
                    }
                })]
            }
            Role::Journeys => {
                let (host, config, readings) = (host(), self.world.config.clone(), self.readings.clone());
                let (store, cache) = (Arc::new(shop), self.cache);
                let join = move || {
                    let cut = sim.lock().store.cut();
                    let (end, stop) = watch::channel(false);
                    let inlet = Listening::join(&sim, life, ANNOUNCED + cut as usize, cut);
                    let mut sim = sim.lock();
                    sim.following.insert(life, (cut, end));
                    let outside = Arc::new(sim.store.outside());
                    let refold = Refold::new(config.clone(), readings.clone(), outside, None);
                    let cut = Cut { since: cut, slices: sim.store.cuts[cut as usize] };
                    (inlet, JourneysStage::new(refold, cache), cut, stop)
                };
                let mut joined = join();
                vec![Box::pin(async move {
                    loop {
                        let (mut inlet, stage, cut, stop) = joined;
                        let told = (stop, watching().0);
                        let run = journeys::run(&host, store.clone(), &mut inlet, stage, (cut, None), told);
                        run.await.expect("nothing fails here");
                        joined = join();
                    }
                })]
            }
            Role::Single => {
                let (mut log, positions) = feeding(0, true);
                let (mut notices, mut notices_in) = queue::queue(1);
                let (announced, announced_in) = queue::queue(1);
                let mut announced = Queued { sim: sim.clone(), queue: announced };
                let mut announced_in = Queued { sim: sim.clone(), queue: announced_in };
                let (first, second, sim) = (host(), host(), sim.clone());
                let stops = [never(), never(), never()];
                // One epoch for all stages, claimed before any of them begins, as `pipeline::run` does.
                vec![Box::pin(async move {
                    let epoch = Some(shop.claim_epoch().await.expect("nothing fails here"));
                    let setting = setting();
                    let outside = setting.outside.subscribe();
                    let setting = Setting { epoch, ..setting };
                    let [a, b, c] = stops;
                    let ingesting = async {
                        let positions = (positions, outside, epoch);
                        match ingest::run(&mut log, &shop, &mut notices, positions, (a, watching())).await {
                            Err(PipelineError::Replaced) => drop(sim.lock().replaced.insert(life)),
                            done => drop(done.expect("nothing fails here")),
                        }
                        drop(notices);
                    };
                    let resolving = async {
                        let ends = (&mut notices_in, &mut announced);
                        identity::run(&first, &shop, ends, setting, (b, started), &watching().0)
                            .await
                            .expect("nothing fails here");
                        drop(announced);
                    };
                    let store = Arc::new(shop.clone());
                    let recomputing = async {
                        let run = journeys::run(
                            &second,
                            store,
                            &mut announced_in,
                            stage,
                            (Cut::NONE, epoch),
                            (c, watching().0),
                        );
                        run.await.expect("nothing fails here");
                    };
                    tokio::join!(ingesting, resolving, recomputing);
                })]
            }
        }
    }
}
