//! The processes of the model and everything that may happen next. In: a world, a plant (one process, or roles), a
//! schedule. Out: the store when everything has come to rest. One thread; nothing happens but what the schedule picks.

use std::sync::Arc;
use std::task::Waker;

use tropa::stage::Partition;
use tropa::stage::reading::Reading;

use crate::mistakes::Mistake;
use crate::ordered::Operators;
use crate::process::{Plan, Process, Role};
use crate::schedule::Schedule;
use crate::sim::{ANNOUNCED, Feed, Life, NOTICES, Permit, Shared, Topic};
use crate::store::Store;
use crate::world::World;

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
    /// The customers are cut into so many slices.
    Cut(Partition),
    /// An owner of slices sees that the customers are cut anew.
    Follow(Life),
    /// A partition of a topic is emptied, or made anew.
    Empty(usize, Partition, bool),
    /// An operator orders something of the process of a seat.
    Ask(usize),
    /// An operator waits no longer.
    GiveUp(usize),
}

pub struct Plant<'a> {
    pub world: &'a World,
    pub readings: Arc<Vec<Reading>>,
    pub plan: Plan,
    pub sim: Shared,
    seats: Vec<Option<Process>>,
    lives: Life,
    pub cache: u64,
    /// Whether the customers are cut anew, and topics emptied.
    pub moving: bool,
}

impl<'a> Plant<'a> {
    pub fn new(
        world: &'a World,
        readings: Arc<Vec<Reading>>,
        (plan, feeds, operators, cache): (Plan, Vec<Feed>, Operators, u64),
        mistake: Option<Mistake>,
    ) -> Self {
        let mut store = Store::new(world.config.clone(), mistake);
        store.cuts.push(plan.partitions());
        let sim = Shared::new(store, (feeds, operators), plan.partitions(), mistake);
        let seats = plan.seats().iter().map(|_| None).collect();
        Self { world, readings, plan, sim, seats, lives: 0, cache, moving: false }
    }

    fn start(&mut self, seat: usize) {
        if let Some(replaced) = self.seats[seat].take() {
            self.sim.lock().bury(replaced.life, 0);
        }
        self.lives += 1;
        let (life, role) = (self.lives, self.plan.seats()[seat]);
        self.seats[seat] = Some(self.process(role, life));
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
            let gone = |seat: &Option<Process>| seat.as_ref().is_none_or(|p| sim.replaced.contains(&p.life));
            let Some(process) = process.as_ref().filter(|p| !sim.replaced.contains(&p.life)) else {
                // One store has one process, but on a server somebody may start another all the same.
                let free = self.plan == Plan::Roles || (seat == 0 && self.seats.iter().all(gone));
                if free || (faults && sim.made(Mistake::Rivals)) {
                    into.push(Action::Start(seat));
                }
                continue;
            };
            let life = process.life;
            // Whoever takes itself for the writer takes orders.
            let writes = sim.members.get(&life).map_or(!process.is_done(), |m| m.cursor.contains_key(&0));
            if sim.desks.contains_key(&life) && writes && sim.operators.may_ask() {
                into.push(Action::Ask(seat));
            }
            into.extend(sim.audible(life).into_iter().map(|permit| Action::Hear(life, permit)));
            if sim.following.get(&life).is_some_and(|(cut, end)| *cut < sim.store.cut() && !*end.borrow()) {
                into.push(Action::Follow(life));
            }
            if sim.producers.get(&life).is_some_and(|p| !p.queue.is_empty()) {
                into.push(Action::Deliver(life));
            }
            if sim.feeding.get(&life).is_some_and(|(may, waker)| !may && waker.is_some()) {
                into.push(Action::Feed(life));
            }
            if faults {
                let idle = sim.members.get(&life).is_some_and(|m| m.cursor.is_empty());
                if !idle && sim.ticks.get(&life).is_some_and(|(due, waker)| !due && waker.is_some()) {
                    into.push(Action::Tick(life));
                }
                let sent = sim.producers.get(&life).map_or(0, |p| p.queue.len());
                into.push(Action::Kill(seat, sent));
            }
        }
        if faults && self.moving && self.plan == Plan::Roles {
            if sim.store.cuts.len() < 3 {
                into.extend([Action::Cut(2), Action::Cut(4)]);
            }
            // The links of an event that is outside are in its notice only: no store could tell them again.
            let from = if sim.operators.forgetting { ANNOUNCED } else { NOTICES };
            for (group, topic) in sim.topics.iter().enumerate().skip(from) {
                for (partition, log) in (0..).zip(&topic.partitions).filter(|(_, log)| !log.is_empty()) {
                    into.push(Action::Empty(group, partition, log.len() % 2 == 0));
                }
            }
        }
        if faults || into.is_empty() {
            into.extend((0..sim.operators.waiting()).map(Action::GiveUp));
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
            Action::Cut(slices) => self.sim.lock().cut(slices),
            Action::Follow(life) => {
                if let Some((_, end)) = self.sim.lock().following.get(&life) {
                    end.send_replace(true);
                }
            }
            Action::Empty(group, partition, anew) => self.sim.lock().empty(group, partition, anew),
            Action::Ask(seat) => {
                let mut sim = self.sim.lock();
                if let Some(desk) = self.seats[seat].as_ref().and_then(|p| sim.desks.get(&p.life).cloned()) {
                    sim.operators.ask(&desk);
                }
            }
            Action::GiveUp(who) => self.sim.lock().operators.give_up(who, schedule.below(2) == 0),
        }
        self.seats.iter_mut().flatten().for_each(Process::go_on);
        let mut sim = self.sim.lock();
        sim.operators.look(|| schedule.below(2) == 0);
        if sim.operators.is_idle() && !sim.ending.is_empty() {
            std::mem::take(&mut sim.ending).into_values().for_each(Waker::wake);
            drop(sim);
            self.seats.iter_mut().flatten().for_each(Process::go_on);
        }
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
            Action::Hear(life, _)
            | Action::Deliver(life)
            | Action::Feed(life)
            | Action::Tick(life)
            | Action::Follow(life) => life,
            Action::Ask(seat) => self.seats[seat].as_ref().map_or(0, |process| process.life),
            Action::Kill(..)
            | Action::Start(_)
            | Action::Assign(..)
            | Action::GiveUp(_)
            | Action::Cut(_)
            | Action::Empty(..) => 0,
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
        // Of an old cut nobody owes anything.
        let newest = sim.topics.last().is_none_or(Topic::is_read);
        let topics = sim.topics[NOTICES].is_read() && newest;
        let singles = self.seats.iter().flatten().filter(|p| p.role == Role::Single).all(Process::is_done);
        read && topics && singles && sim.operators.is_idle()
    }
}
