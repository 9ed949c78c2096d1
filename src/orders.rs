//! Orders of operators on their way through the process: asked for, accepted, carried out, answered. In: orders over a
//! channel, or those that an earlier process accepted and did not finish. Out: rows like those of any batch, and an answer
//! once they are written. Orders have places, like records of a source: 1, 2, …

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::event::Event;
use crate::identity::{Fact, Order, OrderRecord, Outside};
use crate::stage::identity::IdentityStage;
use crate::stage::orders::{Known, OrderRows};
use crate::stage::{Rows, Warehouse};
use crate::time::Day;

/// An order with who waits for it.
#[derive(Debug)]
pub struct Ordered {
    pub order: Order,
    pub answer: oneshot::Sender<Accepted>,
}

/// What became of an order: everything that follows from it is written, but for aggregates, which may trail.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Accepted {
    pub place: u64,
    /// Customers that were computed anew.
    pub customers: usize,
}

/// History is to be computed once more: nothing is recorded, for it adds to no set.
#[derive(Debug)]
pub struct Rebuilding {
    /// Only customers with an event on this day or later.
    pub from: Option<Day>,
    /// Hears how far it has come; closed before everything is done if the flow ends before.
    pub tell: mpsc::UnboundedSender<Progress>,
}

/// How far a rebuild has come, in customers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Progress {
    pub done: usize,
    pub of: usize,
}

/// What may be asked of the flow.
#[derive(Debug)]
pub enum Asked {
    Order(Ordered),
    Rebuild(Rebuilding),
}

/// An answer that is due.
#[derive(Debug)]
pub struct Answer {
    pub to: oneshot::Sender<Accepted>,
    pub accepted: Accepted,
}

impl Answer {
    pub fn give(self) {
        // Whoever asked may have gone; the order holds all the same.
        self.to.send(self.accepted).ok();
    }
}

/// Where orders are handed in, from any task, as long as some flow takes them.
#[derive(Clone, Debug, Default)]
pub struct Desk(Arc<Mutex<Counter>>);

#[derive(Clone, Debug, Default)]
enum Counter {
    Open(Window),
    /// The flow is starting or stopping.
    #[default]
    Between,
    /// Others take orders; why.
    Aside(&'static str),
}

#[derive(Clone, Debug)]
struct Window {
    to: mpsc::Sender<Asked>,
    readings: Arc<[Arc<str>]>,
}

impl Desk {
    /// From now on orders go to this flow, which computes these readings.
    pub fn open_for(&self, orders: &mut Orders, readings: impl IntoIterator<Item = Arc<str>>) {
        let window = Window { to: orders.open(), readings: readings.into_iter().collect() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Counter::Open(window);
    }

    /// No flow of this process takes orders, for as long as none is opened for.
    pub fn close(&self, why: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Counter::Aside(why);
    }

    fn window(&self) -> Option<Window> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Counter::Open(window) => Some(window.clone()),
            Counter::Between | Counter::Aside(_) => None,
        }
    }

    /// Why an order was not taken.
    pub fn why_not(&self) -> &'static str {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // Open: the flow that it was opened for has ended.
            Counter::Open(_) | Counter::Between => "the process is starting or stopping",
            Counter::Aside(why) => why,
        }
    }

    /// Why no order will be taken, however soon it is handed in again; `None`: one is taken now or soon.
    pub fn stands_aside(&self) -> Option<&'static str> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Counter::Aside(why) => Some(why),
            Counter::Open(_) | Counter::Between => None,
        }
    }

    /// Waits until an order is carried out; `None`: no flow takes orders now.
    pub async fn ask(&self, order: Order) -> Option<Accepted> {
        let window = self.window()?;
        let (answer, answered) = oneshot::channel();
        window.to.send(Asked::Order(Ordered { order, answer })).await.ok()?;
        answered.await.ok()
    }

    /// What is heard of a rebuild; `None`: no flow takes it now, or it computes other readings than this.
    pub async fn rebuild(&self, reading: &str, from: Option<Day>) -> Option<mpsc::UnboundedReceiver<Progress>> {
        let window = self.window().filter(|w| w.readings.iter().any(|r| **r == *reading))?;
        let (tell, told) = mpsc::unbounded_channel();
        window.to.send(Asked::Rebuild(Rebuilding { from, tell })).await.ok()?;
        Some(told)
    }
}

/// The orders of one process.
#[derive(Debug)]
pub struct Orders {
    next: u64,
    asked: Option<mpsc::Receiver<Asked>>,
}

impl Default for Orders {
    fn default() -> Self {
        Self { next: 1, asked: None }
    }
}

impl Orders {
    /// The next order gets this place.
    pub const fn go_on_at(&mut self, next: u64) {
        self.next = next;
    }

    /// Where orders may be handed in from now on.
    pub fn open(&mut self) -> mpsc::Sender<Asked> {
        let (ask, asked) = mpsc::channel(16);
        self.asked = Some(asked);
        ask
    }

    /// What is asked next; waits for ever where nothing can come.
    pub async fn asked(&mut self) -> Asked {
        if let Some(asked) = &mut self.asked
            && let Some(next) = asked.recv().await
        {
            return next;
        }
        self.asked = None;
        std::future::pending().await
    }

    /// Records an order before anything follows from it.
    pub async fn accept<W: Warehouse>(
        &mut self,
        store: &W,
        identity: &IdentityStage,
        order: &Order,
    ) -> Result<(u64, OrderRecord), W::Error> {
        let (place, record) = (self.next, order.record(identity.identity()));
        store.insert(Rows::Orders(OrderRows::Accepted(place, record.clone()))).await?;
        self.next += 1;
        Ok((place, record))
    }
}

/// The events that may be stored.
pub fn inside(events: &Arc<Vec<Event>>, outside: &Outside) -> Arc<Vec<Event>> {
    if events.iter().any(|e| outside.covers_event(e)) {
        return Arc::new(events.iter().filter(|e| !outside.covers_event(e)).cloned().collect());
    }
    events.clone()
}

/// Nodes of events that came although they are covered.
pub fn covered_nodes(events: &[Event], outside: &Outside) -> Vec<Arc<str>> {
    let covered = events.iter().filter(|e| outside.covers_event(e));
    let mut nodes: Vec<Arc<str>> = covered.map(Event::node).filter(|node| !node.is_empty()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// What a batch leaves to do that came although it is covered: its links are kept, and events that were stored before
/// the order was known are deleted. `stored`: what is stored of their nodes, where nobody says so.
pub fn late(events: &[Event], erased: Vec<Fact>, (stored_with, stored): (u64, &[Event]), now: &Known) -> Vec<Rows> {
    let mut rows = vec![Rows::Orders(OrderRows::Erased(erased))];
    let suspect = if stored_with < now.orders { events } else { stored };
    if suspect.iter().any(|e| now.outside.covers_event(e)) {
        rows.push(Rows::Orders(OrderRows::Sweep(Arc::new(now.outside.clone()))));
    }
    rows
}
