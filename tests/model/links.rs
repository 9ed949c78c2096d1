//! What lies between the stages in the model: members of groups, producers, queues of one process. In: what the stages ask.
//! Out: futures that are ready when the scheduler says so.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::task::Poll;

use tropa::stage::{Again, Announced, Heard, Inlet, Notice, Outlet, Partition, Ticket};

use crate::mistakes::Mistake;
use crate::sim::{ANNOUNCED, Life, Member, NOTICES, Permit, Rebalance, Said, Shared};

/// A member of a group of consumers.
pub struct Listening {
    pub sim: Shared,
    pub life: Life,
    group: usize,
    /// The cut of the customers that it may hear of.
    cut: u64,
    first: VecDeque<Heard<Said>>,
    /// It ends before this, which speaks of a newer cut.
    waiting: Option<Heard<Said>>,
    ended: bool,
}

impl Listening {
    pub fn join(sim: &Shared, life: Life, group: usize, cut: u64) -> Self {
        let mut inside = sim.lock();
        inside.leave(life);
        inside.members.insert(life, Member::of(group));
        drop(inside);
        Self { sim: sim.clone(), life, group, cut, first: VecDeque::new(), waiting: None, ended: false }
    }

    /// Begins anew with another cut: what is held is gained once more, then comes what waited.
    pub fn begin(&mut self, cut: u64) {
        let sim = self.sim.lock();
        (self.cut, self.ended) = (cut, false);
        let held = sim.members.get(&self.life).into_iter().flat_map(|member| member.cursor.keys());
        let held: Vec<(Partition, u64)> = held.map(|&p| (p, sim.topics[self.group].begin(p).1)).collect();
        let gained = (!held.is_empty()).then_some(Heard::Gained(held)).into_iter();
        let waiting = self.waiting.take().filter(|heard| matches!(heard, Heard::Message { .. }));
        self.first = gained.chain(waiting).collect();
    }

    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    async fn hear(&mut self) -> Heard<Said> {
        if let Some(heard) = self.first.pop_front() {
            return heard;
        }
        if self.ended {
            return Heard::End;
        }
        let heard = self.next().await;
        // Whoever begins to write looks first how the customers are cut; a notice of a newer cut comes after it.
        let newer = self.group == NOTICES
            && match &heard {
                Heard::Gained(_) => self.sim.lock().store.cut() > self.cut,
                Heard::Message { message: Said::Notice(notice), .. } => {
                    matches!(notice.again, Some(Again::Slice { since, .. }) if since > self.cut)
                }
                _ => false,
            };
        if newer {
            (self.waiting, self.ended) = (Some(heard), true);
            return Heard::End;
        }
        heard
    }

    async fn next(&mut self) -> Heard<Said> {
        poll_fn(|context| {
            let mut sim = self.sim.lock();
            let stale = sim.made(Mistake::StaleWriterHeard);
            let group = self.group;
            let Some(member) = sim.members.get_mut(&self.life) else { return Poll::Pending };
            match member.permit.take() {
                Some(Permit::Told) => match member.told.pop_front() {
                    Some(Rebalance::Gained(partition)) => {
                        // What was given out together is told together.
                        let mut all = vec![partition];
                        while let Some(&Rebalance::Gained(partition)) = member.told.front() {
                            member.told.pop_front();
                            all.push(partition);
                        }
                        let begin = |partition| (partition, sim.begin(self.life, group, partition));
                        let gained = all.into_iter().map(begin);
                        let noted = gained.map(|(partition, note)| (partition, if stale { 0 } else { note }));
                        return Poll::Ready(Heard::Gained(noted.collect()));
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
                        let log = &sim.topics[group].partitions[usize::from(partition)];
                        if let Some(message) = log.get(offset as usize).cloned() {
                            let member = sim.members.get_mut(&self.life).expect("it was there");
                            member.cursor.insert(partition, offset + 1);
                            return Poll::Ready(Heard::Message { partition, offset, message });
                        }
                    }
                }
                None => {}
            }
            if let Some(member) = sim.members.get_mut(&self.life) {
                member.waker = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    fn confirm(&self, partition: Partition, note: u64) -> bool {
        let mut sim = self.sim.lock();
        let trusting = sim.made(Mistake::Unconfirmed);
        let (next, _, lost) = sim.topics[self.group].begin(partition);
        let there = sim.topics[self.group].there(partition);
        let asked = sim.asked.remove(&(self.life, self.group, partition));
        let asked = asked.is_some_and(|(low, high)| low == there.0 && high <= there.1);
        let topic = &mut sim.topics[self.group];
        let own = topic.owner[usize::from(partition)] == Some(self.life) && (asked || !lost);
        if own {
            topic.committed[usize::from(partition)] = Some((next, note));
        }
        own || trusting
    }

    fn commit(&self, partition: Partition, next: i64, note: u64) {
        let mut sim = self.sim.lock();
        let past = sim.made(Mistake::PastParked) && self.group != NOTICES;
        let Some(member) = sim.members.get(&self.life) else { return };
        let heard = member.cursor.get(&partition).copied();
        // A member that has been replaced is refused, whether or not it has heard of it.
        let topic = &mut sim.topics[self.group];
        if topic.owner[usize::from(partition)] == Some(self.life) {
            let next = if past { heard.unwrap_or(next) } else { next };
            topic.committed[usize::from(partition)] = Some((next, note));
        }
    }
}

macro_rules! inlet {
    ($message:ty, $variant:path) => {
        impl Inlet<$message> for Listening {
            type Error = Infallible;

            async fn poll(&mut self) -> Result<Heard<$message>, Infallible> {
                Ok(match self.hear().await {
                    Heard::Gained(gained) => Heard::Gained(gained),
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
    /// How the customers are cut for whoever hears it.
    pub cut: u64,
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
        self.sim.lock().topics[ANNOUNCED + self.cut as usize].partitions.len() as Partition
    }

    async fn announce(&mut self, partition: Partition, message: Announced) -> Result<Ticket, Infallible> {
        let message = told(&self.sim, message);
        Ok(self.send(ANNOUNCED + self.cut as usize, partition, Said::Announced(message)))
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
