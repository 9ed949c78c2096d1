//! The warehouse, the sources and the machine of the stages in the model. In: what the stages ask. Out: futures that are ready when the scheduler says so.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tropa::event::Event;
use tropa::identity::{Assignment, Outside, Sets};
use tropa::stage::{Host, Log, OpenOrders, Partition, Polled, PositionRow, Rows, Warehouse};
use tropa::time::{Day, Timestamp};

use crate::mistakes::Mistake;
use crate::sim::{Life, Shared};
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

    /// Reads first and writes later, as an INSERT … SELECT does.
    async fn refresh_slice(&self, slice: (Partition, Partition), as_of: Timestamp) {
        let counted = self.read("count", move |store| store.count(slice)).await;
        let put = move |store: &mut crate::store::Store| {
            store.put_aggregates(counted.clone(), as_of);
            let stood = store.as_of.entry(slice).or_insert(as_of);
            *stood = (*stood).max(as_of);
        };
        self.sim.ask((self.life, true, false), format!("aggregates of {slice:?}"), put).await;
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

    async fn is_newest(&self, epoch: u64) -> Result<bool, Infallible> {
        Ok(self.read("newest epoch", move |store| store.is_newest(epoch)).await)
    }

    async fn sets(&self) -> Result<Sets, Infallible> {
        // Read one after the other, as from tables.
        let outside = self.read("outside", Self::left_outside).await;
        let nodes = self.read("nodes", |store| store.nodes()).await;
        let facts = self.read("facts", |store| store.live_facts()).await;
        let undos = self.read("undos", |store| store.ordered.undos.clone()).await;
        Ok(Sets { facts, nodes, undos, outside })
    }

    async fn cut(&self) -> Result<u64, Infallible> {
        Ok(self.read("cut", |store| store.cut()).await)
    }

    async fn outside(&self) -> Result<Outside, Infallible> {
        Ok(self.read("outside", Self::left_outside).await)
    }

    async fn nodes_before(&self, day: Day, outside: &Outside) -> Result<Vec<(Arc<str>, bool)>, Infallible> {
        let outside = outside.clone();
        Ok(self.read("nodes before", move |store| store.nodes_before(day, &outside)).await)
    }

    async fn customers_in(&self, slice: (Partition, Partition)) -> Result<Vec<Arc<str>>, Infallible> {
        Ok(self.read("customers", move |store| store.customers_in(slice)).await)
    }

    async fn nodes_naming(&self, identifiers: Vec<Arc<str>>) -> Result<Vec<Arc<str>>, Infallible> {
        Ok(self.read("nodes naming", move |store| store.nodes_naming(&identifiers)).await)
    }

    async fn nodes_since(&self, day: Day) -> Result<Vec<Arc<str>>, Infallible> {
        Ok(self.read("nodes since", move |store| store.nodes_since(day)).await)
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

    async fn refresh(&self, (slices, of): (Vec<Partition>, Partition), as_of: Timestamp) -> Result<(), Infallible> {
        for slice in slices {
            self.refresh_slice((slice, of), as_of).await;
        }
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
