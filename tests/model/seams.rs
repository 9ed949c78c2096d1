//! The seams of the stages in the model. In: what the stages ask. Out: futures that are ready when the scheduler says so.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tropa::event::Event;
use tropa::identity::{Assignment, Outside, Sets};
use tropa::stage::{
    Announced, Heard, Host, Inlet, Log, Notice, OpenOrders, Outlet, Partition, Polled, PositionRow, Rows, Ticket,
    Warehouse,
};
use tropa::time::{Day, Timestamp};

use crate::mistakes::Mistake;
use crate::sim::{ANNOUNCED, Life, NOTICES, Permit, Rebalance, Said, Shared};
use crate::world::received_at;

/// The warehouse, as one life sees it.
#[derive(Clone)]
pub struct Shop {
    pub sim: Shared,
    pub life: Life,
}

impl Shop {
    fn left_outside(store: &mut crate::store::Store) -> Outside {
        match store.made(Mistake::ErasureResurrected) {
            true => Outside::new(&store.config),
            false => store.outside(),
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        label: &str,
        what: impl FnMut(&mut crate::store::Store) -> T + Send + 'static,
    ) -> T {
        self.sim.ask((self.life, false, false), label.to_owned(), what).await
    }
}

impl Warehouse for Shop {
    type Error = Infallible;

    async fn insert(&self, rows: Rows) -> Result<(), Infallible> {
        let early = matches!(
            (&rows, self.sim.lock().mistake),
            (Rows::Customers(_), Some(Mistake::CommitBeforeInsert))
                | (Rows::Events(_), Some(Mistake::AnnounceBeforeInsert))
        );
        let label = format!("insert {rows:?}");
        self.sim.ask((self.life, true, early), label, move |store| store.insert(&rows)).await;
        Ok(())
    }

    async fn events_of(&self, nodes: Vec<Arc<str>>) -> Result<Vec<Event>, Infallible> {
        Ok(self.read("events", move |store| store.events_of(&nodes)).await)
    }

    async fn claim_epoch(&self) -> Result<u64, Infallible> {
        Ok(self.read("epoch", |store| store.claim_epoch()).await)
    }

    async fn sets(&self) -> Result<Sets, Infallible> {
        // Read one after the other, as from tables.
        let outside = self.read("outside", Self::left_outside).await;
        let nodes = self.read("nodes", |store| store.nodes()).await;
        let facts = self.read("facts", |store| store.live_facts()).await;
        let undos = self.read("undos", |store| store.ordered.undos.clone()).await;
        Ok(Sets { facts, nodes, undos, outside })
    }

    async fn outside(&self) -> Result<Outside, Infallible> {
        Ok(self.read("outside", Self::left_outside).await)
    }

    async fn nodes_before(&self, day: Day, outside: &Outside) -> Result<Vec<(Arc<str>, bool)>, Infallible> {
        let outside = outside.clone();
        Ok(self.read("nodes before", move |store| store.nodes_before(day, &outside)).await)
    }

    async fn nodes_naming(&self, identifiers: Vec<Arc<str>>) -> Result<Vec<Arc<str>>, Infallible> {
        Ok(self.read("nodes naming", move |store| store.nodes_naming(&identifiers)).await)
    }

    async fn nodes_since(&self, day: Day) -> Result<Vec<Arc<str>>, Infallible> {
        unreachable!("nobody rebuilds the model: {day:?}")
    }

    async fn open_orders(&self) -> Result<OpenOrders, Infallible> {
        Ok(self.read("open orders", |store| store.open_orders()).await)
    }

    async fn assignments(&self) -> Result<Vec<Assignment>, Infallible> {
        Ok(self.read("assignments", |store| store.assignments()).await)
    }

    async fn unsettled(&self) -> Result<Vec<Arc<str>>, Infallible> {
        Ok(self.read("unsettled", |store| store.unsettled()).await)
    }

    async fn positions(&self) -> Result<Vec<PositionRow>, Infallible> {
        Ok(self.read("positions", |store| store.positions.values().cloned().collect()).await)
    }

    async fn as_of(&self) -> Result<Option<Timestamp>, Infallible> {
        Ok(self.read("as_of", |store| store.as_of.values().min().copied()).await)
    }

    /// Reads first and writes later, as an INSERT … SELECT does.
    async fn refresh(&self, slice: (Partition, Partition), as_of: Timestamp) -> Result<(), Infallible> {
        let counted = self.read("count", move |store| store.count(slice)).await;
        let put = move |store: &mut crate::store::Store| {
            store.put_aggregates(counted.clone(), as_of);
            let stood = store.as_of.entry(slice.0).or_insert(as_of);
            *stood = (*stood).max(as_of);
        };
        self.sim.ask((self.life, true, false), format!("aggregates of {slice:?}"), put).await;
        Ok(())
    }
}

/// A source: batches from where the store says.
pub struct Feeding {
    pub sim: Shared,
    pub life: Life,
    pub feed: usize,
    pub next: usize,
    /// Ends with its batches, as files do; else it waits for more.
    pub ends: bool,
}

impl Log for Feeding {
    type Error = Infallible;

    async fn poll(&mut self) -> Result<Polled, Infallible> {
        poll_fn(|context| {
            let mut sim = self.sim.lock();
            let batch = sim.feeds[self.feed].batches.get(self.next).cloned();
            let idle = sim.operators.is_idle();
            let (may, waker) = sim.feeding.entry(self.life).or_default();
            match batch {
                Some(batch) if *may => {
                    *may = false;
                    self.next += 1;
                    Poll::Ready(Ok(Polled::Batch(batch)))
                }
                None if self.ends && idle => Poll::Ready(Ok(Polled::End)),
                None if self.ends => {
                    sim.ending.insert(self.life, context.waker().clone());
                    Poll::Pending
                }
                Some(_) => {
                    *waker = Some(context.waker().clone());
                    Poll::Pending
                }
                None => Poll::Pending,
            }
        })
        .await
    }

    async fn commit(&mut self, _: &[PositionRow]) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A member of a group of consumers.
pub struct Listening {
    pub sim: Shared,
    pub life: Life,
}

impl Listening {
    async fn hear(&mut self) -> Heard<Said> {
        poll_fn(|context| {
            let mut sim = self.sim.lock();
            let stale = sim.made(Mistake::StaleWriterHeard);
            let Some(member) = sim.members.get_mut(&self.life) else { return Poll::Pending };
            let group = member.group;
            match member.permit.take() {
                Some(Permit::Told) => match member.told.pop_front() {
                    Some(Rebalance::Gained(partition)) => {
                        let (next, note) = sim.topics[group].committed[usize::from(partition)];
                        let member = sim.members.get_mut(&self.life).expect("it was there");
                        member.cursor.insert(partition, next);
                        let note = if stale { 0 } else { note };
                        return Poll::Ready(Heard::Gained { partition, note });
                    }
                    Some(Rebalance::Lost(partition)) => {
                        member.cursor.remove(&partition);
                        return Poll::Ready(Heard::Lost { partition });
                    }
                    None => {}
                },
                Some(Permit::Message(partition)) => {
                    if let Some(next) = member.cursor.get_mut(&partition) {
                        let offset = *next;
                        *next += 1;
                        let message = sim.topics[group].partitions[usize::from(partition)][offset as usize].clone();
                        return Poll::Ready(Heard::Message { partition, offset, message });
                    }
                }
                None => {}
            }
            member.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn confirm(&self, partition: Partition, note: u64) -> bool {
        let mut sim = self.sim.lock();
        let Some(group) = sim.members.get(&self.life).map(|m| m.group) else { return false };
        let trusting = sim.made(Mistake::Unconfirmed);
        let topic = &mut sim.topics[group];
        let own = topic.owner[usize::from(partition)] == Some(self.life);
        if own {
            topic.committed[usize::from(partition)].1 = note;
        }
        own || trusting
    }

    fn commit(&self, partition: Partition, next: i64, note: u64) {
        let mut sim = self.sim.lock();
        let past = sim.made(Mistake::PastParked);
        let Some(member) = sim.members.get(&self.life) else { return };
        let (group, heard) = (member.group, member.cursor.get(&partition).copied());
        // A member that has been replaced is refused, whether or not it has heard of it.
        let topic = &mut sim.topics[group];
        if topic.owner[usize::from(partition)] == Some(self.life) {
            let next = if past && group == ANNOUNCED { heard.unwrap_or(next) } else { next };
            topic.committed[usize::from(partition)] = (next, note);
        }
    }
}

macro_rules! inlet {
    ($message:ty, $variant:path) => {
        impl Inlet<$message> for Listening {
            type Error = Infallible;

            async fn poll(&mut self) -> Result<Heard<$message>, Infallible> {
                Ok(match self.hear().await {
                    Heard::Gained { partition, note } => Heard::Gained { partition, note },
                    Heard::Lost { partition } => Heard::Lost { partition },
                    Heard::End => Heard::End,
                    Heard::Message { partition, offset, message: $variant(message) } => {
                        Heard::Message { partition, offset, message }
                    }
                    Heard::Message { .. } => unreachable!("a topic holds messages of one kind"),
                })
            }

            async fn confirm(&mut self, partition: Partition, note: u64) -> Result<bool, Infallible> {
                Ok(Listening::confirm(self, partition, note))
            }

            async fn commit(&mut self, partition: Partition, next: i64, note: u64) -> Result<(), Infallible> {
                Listening::commit(self, partition, next, note);
                Ok(())
            }
        }
    };
}

inlet!(Notice, Said::Notice);
inlet!(Announced, Said::Announced);

/// A producer.
pub struct Speaking {
    pub sim: Shared,
    pub life: Life,
}

impl Speaking {
    fn send(&self, topic: usize, partition: Partition, said: Said) -> Ticket {
        let mut sim = self.sim.lock();
        let producer = sim.producers.entry(self.life).or_default();
        producer.queue.push_back((topic, partition, said));
        producer.next += 1;
        producer.next - 1
    }

    async fn acknowledged(&mut self) -> Ticket {
        poll_fn(|context| {
            let mut sim = self.sim.lock();
            let early = sim.made(Mistake::SettledTooEarly);
            let producer = sim.producers.entry(self.life).or_default();
            let acked = if early { producer.next } else { producer.acked };
            if acked > producer.heard {
                producer.heard = acked;
                return Poll::Ready(acked);
            }
            producer.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Outlet<Notice> for Speaking {
    type Error = Infallible;

    fn partitions(&self) -> Partition {
        1
    }

    async fn announce(&mut self, partition: Partition, message: Notice) -> Result<Ticket, Infallible> {
        Ok(self.send(NOTICES, partition, Said::Notice(message)))
    }

    async fn settled(&mut self) -> Result<Ticket, Infallible> {
        Ok(self.acknowledged().await)
    }
}

impl Outlet<Announced> for Speaking {
    type Error = Infallible;

    fn partitions(&self) -> Partition {
        self.sim.lock().topics[ANNOUNCED].partitions.len() as Partition
    }

    async fn announce(&mut self, partition: Partition, message: Announced) -> Result<Ticket, Infallible> {
        let message = told(&self.sim, message);
        Ok(self.send(ANNOUNCED, partition, Said::Announced(message)))
    }

    async fn settled(&mut self) -> Result<Ticket, Infallible> {
        Ok(self.acknowledged().await)
    }
}

/// The message as it is announced, mistakes included.
fn told(sim: &Shared, mut message: Announced) -> Announced {
    match sim.lock().mistake {
        Some(Mistake::LoserNotAnnounced) => message.customers.retain(|c| c.membership.is_some()),
        Some(Mistake::StaleWriterHeard) => message.writer = 0,
        Some(Mistake::EverythingFresh) => {
            for customer in &mut message.customers {
                let nodes = customer.membership.iter().flat_map(|m| m.all_nodes()).cloned();
                customer.fresh = nodes.collect();
            }
        }
        _ => {}
    }
    message
}

/// A queue between two stages of one process, with what could be wrong about it.
pub struct Queued<Q> {
    pub sim: Shared,
    pub queue: Q,
}

impl<Q: Outlet<Announced>> Outlet<Announced> for Queued<Q> {
    type Error = Q::Error;

    fn partitions(&self) -> Partition {
        self.queue.partitions()
    }

    async fn announce(&mut self, partition: Partition, message: Announced) -> Result<Ticket, Q::Error> {
        let message = told(&self.sim, message);
        self.queue.announce(partition, message).await
    }

    async fn settled(&mut self) -> Result<Ticket, Q::Error> {
        self.queue.settled().await
    }
}

impl<Q: Inlet<Announced>> Inlet<Announced> for Queued<Q> {
    type Error = Q::Error;

    async fn poll(&mut self) -> Result<Heard<Announced>, Q::Error> {
        let heard = self.queue.poll().await?;
        let eager = matches!(self.sim.lock().mistake, Some(Mistake::QueueCommit | Mistake::PastParked));
        if let (true, Heard::Message { offset, .. }) = (eager, &heard) {
            self.queue.commit(0, offset + 1, 0).await?;
        }
        Ok(heard)
    }

    async fn confirm(&mut self, partition: Partition, note: u64) -> Result<bool, Q::Error> {
        self.queue.confirm(partition, note).await
    }

    async fn commit(&mut self, partition: Partition, next: i64, note: u64) -> Result<(), Q::Error> {
        self.queue.commit(partition, next, note).await
    }
}

/// A machine whose clock stands still and whose ticks come when the scheduler says.
pub struct Standing {
    pub sim: Shared,
    pub life: Life,
}

impl Host for Standing {
    fn now(&self) -> Timestamp {
        received_at()
    }

    fn heavy<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }

    async fn tick(&self) {
        poll_fn(|context| {
            let mut sim = self.sim.lock();
            let (due, waker) = sim.ticks.entry(self.life).or_default();
            if std::mem::take(due) {
                return Poll::Ready(());
            }
            *waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn beside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Pin<Box<dyn Future<Output = T> + Send>> {
        Box::pin(work)
    }
}
