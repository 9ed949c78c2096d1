//! The processes of the model and everything that may happen next. In: a world, a plant (one process, or roles), a
//! schedule. Out: the store when everything has come to rest. One thread; nothing happens but what the schedule picks.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use tokio::sync::watch;
use tropa::orders::Orders;
use tropa::pipeline::identity::Setting;
use tropa::pipeline::{identity, ingest, journeys, queue};
use tropa::stage::journeys::JourneysStage;
use tropa::stage::reading::Reading;
use tropa::stage::refold::Refold;
use tropa::stage::{Partition, Positions, Warehouse};
use tropa::telemetry::Telemetry;
use tropa::time::Timestamp;

use crate::mistakes::Mistake;
use crate::schedule::Schedule;
use crate::seams::{Feeding, Listening, Queued, Shop, Speaking, Standing};
use crate::sim::{ANNOUNCED, Feed, Life, Member, NOTICES, Permit, Shared};
use crate::store::Store;
use crate::world::{World, received_at};

/// What kind of process stands where.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Role {
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

    const fn seats(self) -> &'static [Role] {
        match self {
            Self::Single => &[Role::Single, Role::Single],
            Self::Roles => {
                &[Role::Ingest(0), Role::Ingest(1), Role::Identity, Role::Identity, Role::Journeys, Role::Journeys]
            }
        }
    }
}

/// A future with a flag that says whether polling it could change anything.
struct Task {
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

struct Process {
    role: Role,
    life: Life,
    tasks: Vec<Task>,
}

impl Process {
    fn is_done(&self) -> bool {
        self.tasks.iter().all(|task| task.done)
    }

    /// Polls what has been woken until everything waits.
    fn go_on(&mut self) {
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

/// One thing that may happen next.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Action {
    Op(u64),
    Hear(Life, Permit),
    Deliver(Life),
    Feed(Life),
    Tick(Life),
    /// A seat's process is killed; so much of what it has sent still arrives.
    Kill(usize, usize),
    Start(usize),
    /// A partition goes to the process of a seat.
    Assign(usize, Partition, usize),
    /// An orphaned write never arrives.
    Lose(u64),
}

pub struct Plant<'a> {
    world: &'a World,
    readings: Arc<Vec<Reading>>,
    plan: Plan,
    pub sim: Shared,
    seats: Vec<Option<Process>>,
    lives: Life,
    cache: u64,
}

impl<'a> Plant<'a> {
    pub fn new(
        world: &'a World,
        readings: Arc<Vec<Reading>>,
        (plan, feeds, cache): (Plan, Vec<Feed>, u64),
        mistake: Option<Mistake>,
    ) -> Self {
        let store = Store::new(world.config.clone(), mistake);
        let sim = Shared::new(store, feeds, plan.partitions(), mistake);
        let seats = plan.seats().iter().map(|_| None).collect();
        Self { world, readings, plan, sim, seats, lives: 0, cache }
    }

    fn start(&mut self, seat: usize) {
        self.lives += 1;
        let (life, role) = (self.lives, self.plan.seats()[seat]);
        let group = match role {
            Role::Identity => Some(NOTICES),
            Role::Journeys => Some(ANNOUNCED),
            Role::Single | Role::Ingest(_) => None,
        };
        if let Some(group) = group {
            let member =
                Member { group, told: Default::default(), cursor: Default::default(), permit: None, waker: None };
            self.sim.lock().members.insert(life, member);
        }
        let futures = self.futures(role, life);
        let task = |future| Task { future, woken: Arc::new(Flag(AtomicBool::new(true))), done: false };
        let mut process = Process { role, life, tasks: futures.into_iter().map(task).collect() };
        process.go_on();
        self.seats[seat] = Some(process);
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
        let setting = Setting {
            config: self.world.config.clone(),
            epoch: None,
            refresh: Duration::ZERO,
            orders: Orders::default(),
            outside: watch::channel(Arc::default()).0,
            anew: Vec::new(),
            everybody: false,
            hurry: watch::channel(false).1,
        };
        let started = watch::channel(false).0;
        let refold = Refold::new(self.world.config.clone(), self.readings.clone(), Arc::default(), None);
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
                let mut out = Speaking { sim: sim.clone(), life };
                vec![Box::pin(async move {
                    let outside = watch::channel(Arc::default()).1;
                    ingest::run(&mut log, &shop, &mut out, (positions, outside), (never(), watching()))
                        .await
                        .expect("nothing fails here");
                })]
            }
            Role::Identity => {
                let (mut inlet, mut out) = (Listening { sim: sim.clone(), life }, Speaking { sim: sim.clone(), life });
                let (host, stop) = (host(), never());
                vec![Box::pin(async move {
                    let telemetry = watching().0;
                    let ends = (&mut inlet, &mut out);
                    let run = identity::run(&host, &shop, ends, setting, (stop, started), &telemetry);
                    run.await.expect("nothing fails here");
                })]
            }
            Role::Journeys => {
                let (host, stop, partitions) = (host(), never(), self.plan.partitions());
                let mut inlet = Listening { sim: sim.clone(), life };
                vec![Box::pin(async move {
                    let run = journeys::run(
                        &host,
                        Arc::new(shop),
                        &mut inlet,
                        stage,
                        (partitions, None),
                        (stop, watching().0),
                    );
                    run.await.expect("nothing fails here");
                })]
            }
            Role::Single => {
                let (mut log, positions) = feeding(0, true);
                let (mut notices, mut notices_in) = queue::queue(1);
                let (announced, announced_in) = queue::queue(1);
                let mut announced = Queued { sim: sim.clone(), queue: announced };
                let mut announced_in = Queued { sim: sim.clone(), queue: announced_in };
                let (first, second) = (host(), host());
                let stops = [never(), never(), never()];
                // One epoch for all stages, claimed before any of them begins, as `pipeline::run` does.
                vec![Box::pin(async move {
                    let epoch = Some(shop.claim_epoch().await.expect("nothing fails here"));
                    let setting = Setting { epoch, ..setting };
                    let [a, b, c] = stops;
                    let ingesting = async {
                        let outside = watch::channel(Arc::default()).1;
                        ingest::run(&mut log, &shop, &mut notices, (positions, outside), (a, watching()))
                            .await
                            .expect("nothing fails here");
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
                        let run =
                            journeys::run(&second, store, &mut announced_in, stage, (1, epoch), (c, watching().0));
                        run.await.expect("nothing fails here");
                    };
                    tokio::join!(ingesting, resolving, recomputing);
                })]
            }
        }
    }

    /// Everything that may happen now. `faults`: also what nobody wishes.
    fn enabled(&self, faults: bool, into: &mut Vec<Action>) {
        into.clear();
        let sim = self.sim.lock();
        for (&id, op) in &sim.ops {
            into.push(Action::Op(id));
            if op.orphan && faults {
                into.push(Action::Lose(id));
            }
        }
        for (seat, process) in self.seats.iter().enumerate() {
            let Some(process) = process else {
                // One store has one process: the embedded one is locked.
                let free = self.plan == Plan::Roles || (seat == 0 && self.seats.iter().all(Option::is_none));
                if free || (faults && sim.made(Mistake::Rivals)) {
                    into.push(Action::Start(seat));
                }
                continue;
            };
            let life = process.life;
            into.extend(sim.audible(life).into_iter().map(|permit| Action::Hear(life, permit)));
            if sim.producers.get(&life).is_some_and(|p| !p.queue.is_empty()) {
                into.push(Action::Deliver(life));
            }
            if sim.feeding.get(&life).is_some_and(|(may, waker)| !may && waker.is_some()) {
                into.push(Action::Feed(life));
            }
            if faults {
                if sim.ticks.get(&life).is_some_and(|(due, waker)| !due && waker.is_some()) {
                    into.push(Action::Tick(life));
                }
                let sent = sim.producers.get(&life).map_or(0, |p| p.queue.len());
                into.push(Action::Kill(seat, sent));
            }
        }
        for (group, topic) in sim.topics.iter().enumerate() {
            for (seat, process) in self.seats.iter().enumerate() {
                let Some(process) =
                    process.as_ref().filter(|p| sim.members.get(&p.life).is_some_and(|m| m.group == group))
                else {
                    continue;
                };
                for (partition, owner) in (0..).zip(&topic.owner) {
                    if owner.is_none() || (faults && *owner != Some(process.life)) {
                        into.push(Action::Assign(group, partition, seat));
                    }
                }
            }
        }
    }

    fn act(&mut self, action: Action, schedule: &mut Schedule) {
        match action {
            Action::Op(id) => self.sim.lock().step(id),
            Action::Lose(id) => drop(self.sim.lock().ops.remove(&id)),
            Action::Hear(life, permit) => self.sim.lock().permit(life, permit),
            Action::Deliver(life) => self.sim.lock().deliver(life),
            Action::Feed(life) => {
                let mut sim = self.sim.lock();
                let (may, waker) = sim.feeding.entry(life).or_default();
                *may = true;
                waker.take().into_iter().for_each(Waker::wake);
            }
            Action::Tick(life) => {
                let mut sim = self.sim.lock();
                let (due, waker) = sim.ticks.entry(life).or_default();
                *due = true;
                waker.take().into_iter().for_each(Waker::wake);
            }
            Action::Kill(seat, sent) => {
                if let Some(process) = self.seats[seat].take() {
                    let life = process.life;
                    drop(process);
                    let arrive = schedule.below(sent + 1);
                    self.sim.lock().bury(life, arrive);
                }
            }
            Action::Start(seat) => self.start(seat),
            Action::Assign(group, partition, seat) => {
                if let Some(process) = &self.seats[seat] {
                    self.sim.lock().reassign(group, partition, process.life);
                }
            }
        }
        self.seats.iter_mut().flatten().for_each(Process::go_on);
    }

    /// Runs under a schedule: first with faults, then without, until nothing can happen any more.
    pub fn run(&mut self, schedule: &mut Schedule) {
        let mut enabled = Vec::new();
        let mut steps = 0;
        loop {
            let faults = schedule.faults_left();
            self.enabled(faults, &mut enabled);
            if enabled.is_empty() {
                if faults {
                    schedule.no_more_faults();
                    continue;
                }
                return;
            }
            let lives: Vec<Life> = enabled.iter().map(|action| self.life_of(*action)).collect();
            let action = schedule.pick(&enabled, &lives);
            if std::env::var("TROPA_TRACE").is_ok() {
                let op = match action {
                    Action::Op(id) => self.sim.lock().ops.get(&id).map(|op| (op.life, op.label.clone())),
                    _ => None,
                };
                println!("{action:?} {op:?}");
            }
            self.act(action, schedule);
            steps += 1;
            assert!(steps < 200_000, "this never comes to rest: {action:?} of {enabled:?}");
        }
    }

    /// Whose action it is, for priorities. Faults are nobody's.
    fn life_of(&self, action: Action) -> Life {
        match action {
            Action::Op(id) | Action::Lose(id) => self.sim.lock().ops.get(&id).map_or(0, |op| op.life),
            Action::Hear(life, _) | Action::Deliver(life) | Action::Feed(life) | Action::Tick(life) => life,
            Action::Kill(..) | Action::Start(_) | Action::Assign(..) => 0,
        }
    }

    /// How far everything has come, for whoever reads a failure.
    pub fn standing(&self) -> String {
        let sim = self.sim.lock();
        let feeds: Vec<_> = sim.store.positions.values().map(|row| (row.topic.clone(), row.next)).collect();
        let topics: Vec<_> = sim
            .topics
            .iter()
            .map(|t| (t.partitions.iter().map(Vec::len).collect::<Vec<_>>(), &t.committed, &t.owner))
            .collect();
        let members: Vec<_> =
            sim.members.iter().map(|(life, m)| (life, &m.told, &m.cursor, m.permit, m.waker.is_some())).collect();
        let seats: Vec<_> = self.seats.iter().flatten().map(|p| (p.role, p.life, p.is_done())).collect();
        format!(
            "feeds {feeds:?}, topics {topics:?}, members {members:?}, seats {seats:?}, {} operations",
            sim.ops.len()
        )
    }

    /// Lets the identity writers announce once more how far silence is decided, as they do now and then.
    pub fn tick(&mut self) -> bool {
        let lives: Vec<Life> = self.sim.lock().ticks.keys().copied().collect();
        for life in &lives {
            let mut sim = self.sim.lock();
            let (due, waker) = sim.ticks.entry(*life).or_default();
            *due = true;
            waker.take().into_iter().for_each(Waker::wake);
        }
        self.seats.iter_mut().flatten().for_each(Process::go_on);
        !lives.is_empty()
    }

    /// Whether all that was to be read has been read, written and committed.
    pub fn is_at_rest(&self) -> bool {
        let sim = self.sim.lock();
        let read = (0..self.plan.feeds()).all(|feed| {
            let stored = sim.store.positions.get(format!("feed-{feed}").as_str()).map_or(0, |row| row.next as usize);
            stored == sim.feeds[feed].batches.len()
        });
        let topics = sim.topics.iter().all(|topic| {
            topic.partitions.iter().zip(&topic.committed).all(|(log, (next, _))| *next as usize == log.len())
        });
        let singles = self.seats.iter().flatten().filter(|p| p.role == Role::Single).all(Process::is_done);
        read && topics && singles
    }
}
