//! The seams between the stages and the world. A stage sees a log, a warehouse, the stage before and the stage after it,
//! and its host, each through a trait here. In one process they are queues, as roles they are topics, under the fault
//! model everything that can go wrong.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::identity::IdentityStage;
use super::{Partition, PositionRow, Rows};
use crate::event::Event;
use crate::identity::{Assignment, OrderRecord, Outside, Sets};
use crate::source::DecodedBatch;
use crate::time::{Day, Timestamp};

/// The place of the next order, and those that were accepted and not carried out to the end, each with its place.
pub type OpenOrders = (u64, Vec<(u64, OrderRecord)>);

/// The store behind the stages. An insert returns once it is acknowledged, however long that takes; a read sees every
/// insert acknowledged before it began (I3).
pub trait Warehouse: Send + Sync + 'static {
    type Error: std::error::Error + Send + Sync + 'static;
    fn insert(&self, rows: Rows) -> impl Future<Output = Result<(), Self::Error>> + Send;
    /// Every stored event of these nodes.
    fn events_of(&self, nodes: Vec<Arc<str>>) -> impl Future<Output = Result<Vec<Event>, Self::Error>> + Send;
    /// 1 + the greatest epoch ever claimed or used, claimed by an acknowledged row before it is returned.
    fn claim_epoch(&self) -> impl Future<Output = Result<u64, Self::Error>> + Send;
    /// Whether nobody has claimed a later epoch.
    fn is_newest(&self, epoch: u64) -> impl Future<Output = Result<bool, Self::Error>> + Send;
    /// Everything that identity follows from.
    fn sets(&self) -> impl Future<Output = Result<Sets, Self::Error>> + Send;
    /// Identity as those sets say now, where it has been kept up.
    fn standby(&self) -> impl Future<Output = Result<Option<IdentityStage>, Self::Error>> + Send {
        std::future::ready(Ok(None))
    }
    /// The epoch that began the cut of the customers which holds; 0: the first, or they are not cut.
    fn cut(&self) -> impl Future<Output = Result<u64, Self::Error>> + Send {
        std::future::ready(Ok(0))
    }
    /// What is outside the function, by the orders that are written.
    fn outside(&self) -> impl Future<Output = Result<Outside, Self::Error>> + Send;
    /// Nodes with events before a day, each with whether it has later ones that are inside.
    fn nodes_before(
        &self,
        day: Day,
        outside: &Outside,
    ) -> impl Future<Output = Result<Vec<(Arc<str>, bool)>, Self::Error>> + Send;
    /// Nodes of the stored events that name one of these identifiers.
    fn nodes_naming(
        &self,
        identifiers: Vec<Arc<str>>,
    ) -> impl Future<Output = Result<Vec<Arc<str>>, Self::Error>> + Send;
    /// Nodes with an event on this UTC day or later.
    fn nodes_since(&self, day: Day) -> impl Future<Output = Result<Vec<Arc<str>>, Self::Error>> + Send;
    /// Every customer of a slice that has, or had, a row.
    fn customers_in(
        &self,
        slice: (Partition, Partition),
    ) -> impl Future<Output = Result<Vec<Arc<str>>, Self::Error>> + Send;
    /// The place of the next order, and the orders that were accepted and not carried out to the end.
    fn open_orders(&self) -> impl Future<Output = Result<OpenOrders, Self::Error>> + Send;
    /// The newest identity row of every node and day.
    fn assignments(&self) -> impl Future<Output = Result<Vec<Assignment>, Self::Error>> + Send;
    /// Customers noted as about to be announced under a version that no identity row has reached.
    fn unsettled(&self) -> impl Future<Output = Result<Vec<Arc<str>>, Self::Error>> + Send;
    /// How far every partition of the sources is stored.
    fn positions(&self) -> impl Future<Output = Result<Vec<PositionRow>, Self::Error>> + Send;
    /// The greatest `as_of` ever shown.
    fn as_of(&self) -> impl Future<Output = Result<Option<Timestamp>, Self::Error>> + Send;
    /// Brings every due bucket of some of so many slices to `as_of`, and notes that they are there.
    fn refresh(
        &self,
        slices: (Vec<Partition>, Partition),
        as_of: Timestamp,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Where records come from and where it is told how far they are stored.
pub trait Log: Send {
    type Error: std::error::Error + Send + Sync + 'static;
    /// Nothing is lost when the future is dropped before it is ready.
    fn poll(&mut self) -> impl Future<Output = Result<Polled, Self::Error>> + Send;
    /// Only ever called with positions whose derived rows are all acknowledged.
    fn commit(&mut self, positions: &[PositionRow]) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

#[derive(Debug)]
pub enum Polled {
    Batch(DecodedBatch),
    /// Nothing to do now; what is open may be written.
    Quiet,
    /// Every source is at its end.
    End,
}

/// What the stage before has said, partition by partition.
pub trait Inlet<T>: Send {
    type Error: std::error::Error + Send + Sync + 'static;
    /// Nothing is lost when the future is dropped before it is ready.
    fn poll(&mut self) -> impl Future<Output = Result<Heard<T>, Self::Error>> + Send;
    /// Whether the partition is still ours, by the word of whoever gives partitions out. An epoch that was claimed counts
    /// only after that: a worker that was slow may have claimed one later than its successor.
    fn confirm(&mut self, partition: Partition, note: u64) -> impl Future<Output = Result<bool, Self::Error>> + Send;
    /// Everything before `next` is settled. `note` comes back with the partition, whoever gets it.
    fn commit(
        &mut self,
        partition: Partition,
        next: i64,
        note: u64,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

#[derive(Debug)]
pub enum Heard<T> {
    /// These partitions are ours from here on, after whatever was committed, each with the note of that commit. All of
    /// them were ours before this was said.
    Gained(Vec<(Partition, u64)>),
    /// It is not ours any more: nothing about it may be committed, and what is open of it is forgotten (I11).
    Lost {
        partition: Partition,
    },
    Message {
        partition: Partition,
        offset: i64,
        message: T,
    },
    /// Nothing follows.
    End,
}

/// A message's place among all that an outlet has taken.
pub type Ticket = u64;

/// Where a stage announces.
pub trait Outlet<T>: Send {
    type Error: std::error::Error + Send + Sync + 'static;
    fn partitions(&self) -> Partition;
    /// Hands a message over. Settled is another matter.
    fn announce(
        &mut self,
        partition: Partition,
        message: T,
    ) -> impl Future<Output = Result<Ticket, Self::Error>> + Send;
    /// Waits until something more is settled: acknowledged by a log that keeps it, or, in one process, until everything
    /// that follows from it is written. Every ticket below the returned one is. Nothing is lost when the future is
    /// dropped before it is ready.
    fn settled(&mut self) -> impl Future<Output = Result<Ticket, Self::Error>> + Send;
}

/// The machine that a stage runs on: time and heavy work.
pub trait Host: Send + Sync {
    fn now(&self) -> Timestamp;
    /// Long computing that must not hold up others.
    fn heavy<T>(&self, work: impl FnOnce() -> T) -> T;
    /// Returns now and then, for what is due by time.
    fn tick(&self) -> impl Future<Output = ()> + Send;
    /// Goes on with the work while the stage does something else; dropping the handle ends it.
    fn beside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Pin<Box<dyn Future<Output = T> + Send>>;
}
