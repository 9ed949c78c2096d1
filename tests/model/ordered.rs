//! What orders of operators bring about in the warehouse of the model, and the operators. In: [`OrderRows`], whenever the
//! scheduler lets them in. Out: the sets that orders add to, and what is outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use tokio::sync::{mpsc, oneshot};
use tropa::event::Event;
use tropa::identity::{Erasure, Fact, Order, OrderRecord, Outside, Undo, facts_of};
use tropa::orders::{Accepted, Asked, Ordered as Asking};
use tropa::stage::OpenOrders;
use tropa::stage::orders::OrderRows;
use tropa::time::{Day, Timestamp};

use crate::mistakes::Mistake;
use crate::store::{Store, event_key, key};
use crate::world::World;

/// The tables that orders fill.
#[derive(Clone, Default)]
pub struct Ordered {
    pub records: BTreeMap<u64, OrderRecord>,
    /// Every order before this place is carried out to the end.
    done: u64,
    pub undos: Vec<Undo>,
    pub erasures: Vec<Erasure>,
    pub horizon: Option<Day>,
}

impl Store {
    pub fn carry_out(&mut self, rows: &OrderRows) {
        match rows {
            OrderRows::Accepted(place, record) => drop(self.ordered.records.insert(*place, record.clone())),
            OrderRows::Undo(undo) if self.made(Mistake::SplitLost) => drop(undo.clone()),
            OrderRows::Undo(undo) => {
                if !self.ordered.undos.contains(undo) {
                    self.ordered.undos.push(undo.clone());
                }
            }
            OrderRows::Erasure(erasure) => {
                if !self.ordered.erasures.iter().any(|e| e.id == erasure.id) {
                    self.ordered.erasures.push(erasure.clone());
                }
            }
            OrderRows::Horizon(day) => self.ordered.horizon = self.ordered.horizon.max(Some(*day)),
            OrderRows::Erased(facts) => self.erased.extend(facts.iter().map(key)),
            // How journeys stood when the horizon passed them follows from the moment, not from the sets.
            OrderRows::Freeze(_) => {}
            OrderRows::SweepErased(erasure, customers) => {
                let mut outside = Outside::new(&self.config);
                outside.erase(erasure);
                let covered = |f: &Fact| outside.names(&f.a, f.day) || outside.names(&f.b, f.day);
                let gone = self.facts.extract_if(.., |_, fact| covered(fact)).map(|(key, _)| key);
                self.erased.extend(gone);
                self.events.retain(|e| !outside.covers_event(e));
                // Older versions of a row are not kept here in any case.
                if self.made(Mistake::DeletedBehind) {
                    self.customers.retain(|(_, customer), _| !customers.contains(customer));
                }
            }
            OrderRows::Sweep(outside) => self.events.retain(|e| !outside.covers_event(e)),
            OrderRows::Done(place) => self.ordered.done = self.ordered.done.max(place + 1),
        }
    }

    pub fn outside(&self) -> Outside {
        let mut outside = Outside::new(&self.config);
        self.ordered.erasures.iter().for_each(|erasure| outside.erase(erasure));
        self.ordered.horizon.into_iter().for_each(|day| outside.move_horizon(day));
        outside
    }

    pub fn open_orders(&self) -> OpenOrders {
        let next = self.ordered.records.keys().next_back().map_or(1, |place| place + 1);
        if self.made(Mistake::OrderForgotten) {
            return (next, Vec::new());
        }
        let open = self.ordered.records.range(self.ordered.done..);
        (next, open.map(|(place, record)| (*place, record.clone())).collect())
    }

    pub fn nodes_before(&self, day: Day, outside: &Outside) -> Vec<(Arc<str>, bool)> {
        let mut nodes: BTreeMap<Arc<str>, (bool, bool)> = BTreeMap::new();
        for event in self.events.iter().filter(|e| !e.node().is_empty()) {
            let (before, still) = nodes.entry(event.node()).or_default();
            let late = event.occurred_at.utc_day() >= day;
            *before |= !late;
            *still |= late && self.config.is_current(event.source, event.generation) && !outside.covers_event(event);
        }
        nodes.into_iter().filter(|(_, (before, _))| *before).map(|(node, (_, still))| (node, still)).collect()
    }

    pub fn nodes_since(&self, day: Day) -> Vec<Arc<str>> {
        let later = self.events.iter().filter(|e| e.occurred_at.utc_day() >= day);
        let nodes: BTreeSet<Arc<str>> = later.map(Event::node).filter(|node| !node.is_empty()).collect();
        nodes.into_iter().collect()
    }

    pub fn nodes_naming(&self, identifiers: &[Arc<str>]) -> Vec<Arc<str>> {
        let named = self.events.iter().filter(|e| e.identifiers.iter().any(|i| identifiers.contains(&i.node)));
        named.map(Event::node).filter(|node| !node.is_empty()).collect()
    }

    /// Events that are forgotten and still there, though somebody told of them.
    pub fn remains(&self) -> Vec<&Event> {
        let outside = self.outside();
        let erased = |e: &&Event| {
            outside.erases(e.identifiers.iter().map(|i| &*i.node), e.occurred_at.utc_day())
                && !self.strays.contains(&event_key(e))
        };
        self.events.iter().filter(erased).collect()
    }
}

/// People who order something and wait for the answer. Without one they ask again, or let it be.
#[derive(Default)]
pub struct Operators {
    todo: Vec<Order>,
    waiting: Vec<(Order, oneshot::Receiver<Accepted>)>,
    pub answered: Vec<Order>,
    /// Some of the orders leave events outside.
    pub forgetting: bool,
}

/// Orders that are under way at once.
const AT_ONCE: usize = 2;

impl Operators {
    /// Orders about identifiers and days of the world.
    pub fn of(world: &World, dice: &mut ChaCha8Rng) -> Self {
        let facts: Vec<Fact> = world.deliveries.iter().flat_map(|d| d.events.iter().flat_map(facts_of)).collect();
        let facts: Vec<&Fact> =
            facts.iter().filter(|f| !f.a.starts_with("deal:") && !f.b.starts_with("deal:")).collect();
        let mut todo = Vec::new();
        for _ in 0..dice.random_range(0..4) {
            let Some(fact) = facts.choose(dice) else { break };
            let (a, b, day) = (fact.a.clone(), fact.b.clone(), fact.day);
            let any = dice.random_range(0..9);
            let anybody = if dice.random_bool(0.5) { a.clone() } else { b.clone() };
            let later = Timestamp::parse("2026-01-20").expect("a day").utc_day();
            let until = if dice.random_bool(0.5) { day } else { later };
            todo.push(match dice.random_range(0..10) {
                0..3 => Order::Split { a, b },
                3..6 => Order::Revoke { a, b, day },
                6..9 => Order::Forget { identifier: anybody, until },
                _ => Order::Retain { before: Day(Timestamp::parse("2026-01-01").expect("a day").utc_day().0 + any) },
            });
        }
        let forgetting = todo.iter().any(|order| matches!(order, Order::Forget { .. } | Order::Retain { .. }));
        Self { todo, forgetting, ..Self::default() }
    }

    pub fn may_ask(&self) -> bool {
        !self.todo.is_empty() && self.waiting.len() < AT_ONCE
    }

    /// How many wait for an answer.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub fn is_idle(&self) -> bool {
        self.todo.is_empty() && self.waiting.is_empty()
    }

    pub fn ask(&mut self, of: &mpsc::Sender<Asked>) {
        let Some(order) = self.todo.pop() else { return };
        let (answer, answered) = oneshot::channel();
        // If nobody is there, the answer's other end is gone as well.
        of.try_send(Asked::Order(Asking { order: order.clone(), answer })).ok();
        self.waiting.push((order, answered));
    }

    /// Somebody will not wait any longer. `again`: and asks once more.
    pub fn give_up(&mut self, who: usize, again: bool) {
        let (order, _) = self.waiting.remove(who);
        self.todo.extend(again.then_some(order));
    }

    /// Looks who is answered, and who hears that nobody will.
    pub fn look(&mut self, mut again: impl FnMut() -> bool) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain_mut(|(order, answer)| match answer.try_recv() {
            Ok(_) => {
                self.answered.push(order.clone());
                false
            }
            Err(oneshot::error::TryRecvError::Empty) => true,
            Err(oneshot::error::TryRecvError::Closed) => {
                self.todo.extend(again().then(|| order.clone()));
                false
            }
        });
        self.waiting = waiting;
    }
}

/// An answered order whose members are not in the sets.
pub fn lost<'a>(operators: &'a Operators, ordered: &Ordered) -> Option<&'a Order> {
    operators.answered.iter().find(|order| !match order {
        Order::Split { a, b } => ordered.undos.contains(&Undo::Forbid { a: a.clone(), b: b.clone() }),
        Order::Revoke { a, b, day } => ordered.undos.contains(&Undo::Revoke { a: a.clone(), b: b.clone(), day: *day }),
        Order::Forget { identifier, until } => {
            ordered.erasures.iter().any(|e| e.until >= *until && e.identifiers.contains(identifier))
        }
        Order::Retain { before } => ordered.horizon >= Some(*before),
    })
}
