//! What lies between the stages in the model: operations under way, topics, groups of consumers, producers' queues. In:
//! what stages ask for. Out: nothing, until the scheduler lets it happen. Whatever the scheduler chooses could happen.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

use tokio::sync::{mpsc, watch};
use tropa::orders::Asked;
use tropa::source::DecodedBatch;
use tropa::stage::{Again, Announced, Notice, Partition};

use crate::mistakes::Mistake;
use crate::ordered::Operators;
use crate::store::Store;

/// One incarnation of a process.
pub type Life = usize;
pub type Answer = Box<dyn Any + Send>;
type Effect = Box<dyn FnMut(&mut Store) -> Answer + Send>;

/// A call to the warehouse.
pub struct Op {
    pub life: Life,
    /// A write that was sent may arrive after its sender is dead.
    pub writes: bool,
    /// What it is, for whoever reads a trace.
    pub label: String,
    effect: Effect,
    /// Told before it happened: a mistake.
    early: bool,
    answer: Option<Answer>,
    applied: bool,
    /// Nobody waits for the answer any more.
    pub orphan: bool,
    waker: Option<Waker>,
}

#[derive(Clone)]
pub enum Said {
    Notice(Notice),
    Announced(Announced),
}

/// Group 0 reads the notices, group 1 the announcements, those after it the announcements of later cuts.
pub const NOTICES: usize = 0;
pub const ANNOUNCED: usize = 1;

#[derive(Default)]
pub struct Topic {
    pub partitions: Vec<Vec<Said>>,
    /// What lies before is not there any more.
    low: Vec<i64>,
    /// (next, note) by partition.
    pub committed: Vec<Option<(i64, u64)>>,
    pub owner: Vec<Option<Life>>,
}

impl Topic {
    pub fn of(partitions: Partition) -> Self {
        let n = usize::from(partitions);
        Self { partitions: vec![Vec::new(); n], low: vec![0; n], committed: vec![None; n], owner: vec![None; n] }
    }

    /// Where a partition goes on, with the note, and whether something before is lost.
    pub fn begin(&self, partition: Partition) -> (i64, u64, bool) {
        let p = usize::from(partition);
        let there = self.low[p]..=self.partitions[p].len() as i64;
        match self.committed[p] {
            Some((next, note)) if there.contains(&next) => (next, note, false),
            Some((_, note)) => (self.low[p], note, true),
            None => (self.low[p], 0, true),
        }
    }

    /// What a partition holds.
    pub fn there(&self, partition: Partition) -> (i64, usize) {
        (self.low[usize::from(partition)], self.partitions[usize::from(partition)].len())
    }

    /// Whether everything that is there is read and committed.
    pub fn is_read(&self) -> bool {
        let next = |p: usize| self.committed[p].map_or(0, |(next, _)| next);
        (0..self.partitions.len()).all(|p| next(p) as usize == self.partitions[p].len())
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Rebalance {
    Gained(Partition),
    Lost(Partition),
}

/// A member of a group.
pub struct Member {
    pub group: usize,
    pub told: VecDeque<Rebalance>,
    pub cursor: BTreeMap<Partition, i64>,
    /// What the scheduler lets it hear next.
    pub permit: Option<Permit>,
    pub waker: Option<Waker>,
}

impl Member {
    pub fn of(group: usize) -> Self {
        Self { group, told: VecDeque::new(), cursor: BTreeMap::new(), permit: None, waker: None }
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Permit {
    Told,
    Message(Partition),
}

/// What a process has announced and the log has not acknowledged.
#[derive(Default)]
pub struct Producer {
    pub queue: VecDeque<(usize, Partition, Said)>,
    pub next: u64,
    pub acked: u64,
    pub heard: u64,
    pub waker: Option<Waker>,
}

/// A source with its batches; every life of its reader begins where the store says.
pub struct Feed {
    pub batches: Vec<DecodedBatch>,
}

pub struct Sim {
    pub store: Store,
    pub ops: BTreeMap<u64, Op>,
    next_op: u64,
    pub topics: Vec<Topic>,
    /// Partitions whose owner has asked for what was lost, and committed nothing since.
    pub asked: BTreeMap<(Life, usize, Partition), (i64, usize)>,
    /// Owners of slices: the cut that each is of, and where it hears that there is a newer one.
    pub following: BTreeMap<Life, (u64, watch::Sender<bool>)>,
    pub members: BTreeMap<Life, Member>,
    pub producers: BTreeMap<Life, Producer>,
    pub feeds: Vec<Feed>,
    /// Reads of a feed that may go on: by life.
    pub feeding: BTreeMap<Life, (bool, Option<Waker>)>,
    /// Reads of a feed that is at its end, and may have to wait for orders.
    pub ending: BTreeMap<Life, Waker>,
    /// Where processes take orders.
    pub desks: BTreeMap<Life, mpsc::Sender<Asked>>,
    pub ticks: BTreeMap<Life, (bool, Option<Waker>)>,
    /// Processes that have ended because another one has the store.
    pub replaced: BTreeSet<Life>,
    pub operators: Operators,
    pub mistake: Option<Mistake>,
}

#[derive(Clone)]
pub struct Shared(Arc<Mutex<Sim>>);

impl Shared {
    pub fn new(
        store: Store,
        (feeds, operators): (Vec<Feed>, Operators),
        partitions: Partition,
        mistake: Option<Mistake>,
    ) -> Self {
        Self(Arc::new(Mutex::new(Sim {
            store,
            ops: BTreeMap::new(),
            next_op: 0,
            topics: vec![Topic::of(1), Topic::of(partitions)],
            asked: BTreeMap::new(),
            following: BTreeMap::new(),
            members: BTreeMap::new(),
            producers: BTreeMap::new(),
            feeds,
            feeding: BTreeMap::new(),
            ending: BTreeMap::new(),
            desks: BTreeMap::new(),
            ticks: BTreeMap::new(),
            replaced: BTreeSet::new(),
            operators,
            mistake,
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, Sim> {
        self.0.lock().expect("nobody panics while holding it")
    }

    /// Asks the warehouse; ready once the scheduler has let it happen and the answer through.
    pub async fn ask<T: Send + 'static>(
        &self,
        (life, writes, early): (Life, bool, bool),
        label: String,
        mut effect: impl FnMut(&mut Store) -> T + Send + 'static,
    ) -> T {
        let id = {
            let mut sim = self.lock();
            let id = sim.next_op;
            sim.next_op += 1;
            let effect: Effect = Box::new(move |store| Box::new(effect(store)));
            sim.ops.insert(
                id,
                Op { life, writes, label, effect, early, answer: None, applied: false, orphan: false, waker: None },
            );
            id
        };
        let asking = Asking { sim: self.clone(), id };
        let answer = std::future::poll_fn(|context| {
            let mut sim = asking.sim.lock();
            let op = sim.ops.get_mut(&asking.id).expect("an operation stays until it is answered");
            match op.answer.take() {
                Some(answer) => std::task::Poll::Ready(answer),
                None => {
                    op.waker = Some(context.waker().clone());
                    std::task::Poll::Pending
                }
            }
        })
        .await;
        // An early answer leaves the operation to happen behind its asker's back.
        drop(asking);
        *answer.downcast().expect("the answer is of the type that was asked for")
    }
}

struct Asking {
    sim: Shared,
    id: u64,
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut sim = self.sim.lock();
        match sim.ops.get_mut(&self.id) {
            Some(op) if op.writes && !op.applied => op.orphan = true,
            _ => drop(sim.ops.remove(&self.id)),
        }
    }
}

impl Sim {
    pub fn made(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// Lets an operation happen, or, once it has, its answer through.
    pub fn step(&mut self, id: u64) {
        let Some(op) = self.ops.get_mut(&id) else { return };
        if op.early {
            // The answer is a unit: only inserts are early.
            op.early = false;
            op.answer = Some(Box::new(()));
        } else if !op.applied {
            self.store.behind = op.orphan;
            let answer = (op.effect)(&mut self.store);
            self.store.behind = false;
            op.applied = true;
            if op.orphan {
                self.ops.remove(&id);
                return;
            }
            op.answer = Some(answer);
        }
        if let Some(waker) = op.waker.take() {
            waker.wake();
        }
    }

    /// Appends what a producer has sent, and acknowledges it.
    pub fn deliver(&mut self, life: Life) {
        let Some(producer) = self.producers.get_mut(&life) else { return };
        let Some((topic, partition, said)) = producer.queue.pop_front() else { return };
        producer.acked += 1;
        if let Some(waker) = producer.waker.take() {
            waker.wake();
        }
        self.topics[topic].partitions[usize::from(partition)].push(said);
    }

    /// What a member could hear now.
    pub fn audible(&self, life: Life) -> Vec<Permit> {
        let Some(member) = self.members.get(&life) else { return Vec::new() };
        if member.permit.is_some() || member.waker.is_none() {
            return Vec::new();
        }
        if !member.told.is_empty() {
            return vec![Permit::Told];
        }
        let topic = &self.topics[member.group];
        let there = |p: usize| topic.low[p]..topic.partitions[p].len() as i64;
        let waiting = member.cursor.iter().filter(|(p, next)| there(usize::from(**p)).contains(*next));
        waiting.map(|(p, _)| Permit::Message(*p)).collect()
    }

    pub fn permit(&mut self, life: Life, permit: Permit) {
        if let Some(member) = self.members.get_mut(&life) {
            member.permit = Some(permit);
            if let Some(waker) = member.waker.take() {
                waker.wake();
            }
        }
    }

    /// Gives a partition to another member. The old owner is told, and may not listen for a long time.
    pub fn reassign(&mut self, group: usize, partition: Partition, to: Life) {
        let owner = &mut self.topics[group].owner[usize::from(partition)];
        if *owner == Some(to) {
            return;
        }
        if let Some(member) = owner.and_then(|old| self.members.get_mut(&old)) {
            member.told.push_back(Rebalance::Lost(partition));
        }
        *owner = Some(to);
        if let Some(member) = self.members.get_mut(&to) {
            member.told.push_back(Rebalance::Gained(partition));
        }
    }

    /// The customers are cut anew.
    pub fn cut(&mut self, slices: Partition) {
        self.topics.push(Topic::of(slices));
        self.store.cuts.push(slices);
    }

    /// A partition is emptied: by retention, or because it was made `anew`. Whoever has it takes it over once more.
    pub fn empty(&mut self, group: usize, partition: Partition, anew: bool) {
        let p = usize::from(partition);
        let topic = &mut self.topics[group];
        if anew {
            (topic.partitions[p], topic.low[p], topic.committed[p]) = (Vec::new(), 0, None);
            self.asked.retain(|(_, g, p), _| (*g, *p) != (group, partition));
        } else {
            topic.low[p] = topic.partitions[p].len() as i64;
        }
        if let Some(member) = topic.owner[p].take().and_then(|owner| self.members.get_mut(&owner)) {
            member.told.push_back(Rebalance::Lost(partition));
        }
    }

    /// A member goes on with a partition where it was committed, with the note given back; what is lost is asked for first.
    pub fn begin(&mut self, life: Life, group: usize, partition: Partition) -> u64 {
        let (next, note, lost) = self.topics[group].begin(partition);
        self.asked.remove(&(life, group, partition));
        if lost {
            self.ask_again(group, partition);
            let there = self.topics[group].there(partition);
            self.asked.insert((life, group, partition), there);
        }
        if let Some(member) = self.members.get_mut(&life) {
            member.cursor.insert(partition, next);
        }
        note
    }

    /// What was lost of a topic is asked for again, before anything of it is read.
    pub fn ask_again(&mut self, group: usize, partition: Partition) {
        let since = group.saturating_sub(ANNOUNCED) as u64;
        let (unmarked, unnoticed) = (self.made(Mistake::EpochUnmarked), self.made(Mistake::LossUnnoticed));
        let known = self.topics[group].committed[usize::from(partition)].is_some();
        let again = match group {
            NOTICES if unnoticed => return,
            NOTICES => Again::Events,
            _ if unnoticed && known => return,
            // Somebody asks, and nobody is named.
            _ if unmarked && since > 0 => Again::Slice { since, partition: Partition::MAX },
            _ => Again::Slice { since, partition },
        };
        let notice = Notice { again: Some(again), ..Notice::default() };
        self.topics[NOTICES].partitions[0].push(Said::Notice(notice));
    }

    /// Removes a life from its group.
    pub fn leave(&mut self, life: Life) {
        self.members.remove(&life);
        for topic in &mut self.topics {
            topic.owner.iter_mut().filter(|owner| **owner == Some(life)).for_each(|owner| *owner = None);
        }
    }

    /// Removes everything of a life but what it has sent.
    pub fn bury(&mut self, life: Life, sent: usize) {
        self.leave(life);
        self.following.remove(&life);
        self.desks.remove(&life);
        self.feeding.remove(&life);
        self.ending.remove(&life);
        self.ticks.remove(&life);
        for _ in 0..sent {
            self.deliver(life);
        }
        self.producers.remove(&life);
    }
}
