//! The laws of operators' orders, on random events and orders under tight guards: facts, revokes, forbids, erasures and
//! the horizon in any order, any batches, any duplicates give the same customers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use tropa::event::Event;
use tropa::identity::{Changes, Fact, Identity, Outside};
use tropa::time::Day;

use crate::laws::{Row, everything, row};
use crate::world::{Ordered, World, batch_inside, customer_of, events, orders, tight};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Told {
    Events(Vec<Event>),
    Order(Ordered),
}

/// An identity, with what a store would hold of it.
struct Kept<'a> {
    world: &'a World,
    identity: Identity,
    events: Vec<Event>,
    table: BTreeMap<Row, Option<String>>,
    /// By key; erased ones apart, without their statement.
    facts: BTreeMap<(String, String, u16, u32, i32), Fact>,
    erased: BTreeMap<(String, String, u16, u32, i32), Fact>,
}

fn key(fact: &Fact) -> (String, String, u16, u32, i32) {
    (fact.a.to_string(), fact.b.to_string(), fact.source.0, fact.generation, fact.day.0)
}

impl<'a> Kept<'a> {
    fn new(world: &'a World) -> Self {
        let identity = world.identity();
        let (table, facts, erased) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { world, identity, events: Vec::new(), table, facts, erased }
    }

    /// Nodes of the events known so far that are inside.
    fn inside(&self, outside: &Outside) -> Vec<Arc<str>> {
        batch_inside(self.world, &self.events, outside).1
    }

    fn tell(&mut self, told: Told) -> Changes {
        let changes = match told {
            Told::Events(list) => {
                let (facts, nodes) = batch_inside(self.world, &list, self.identity.outside());
                self.events.extend(list);
                self.identity.apply(facts, nodes)
            }
            Told::Order(Ordered::Undo(undo)) => self.identity.undo([undo]),
            Told::Order(Ordered::Erase(erasure)) => {
                let mut outside = self.identity.outside().clone();
                outside.erase(&erasure);
                let still = self.inside(&outside).into_iter().collect();
                self.identity.erase(&[erasure], &still)
            }
            Told::Order(Ordered::Retain(horizon)) => {
                let mut outside = self.identity.outside().clone();
                let before: BTreeSet<_> = self.inside(&outside).into_iter().collect();
                outside.move_horizon(horizon);
                let still: BTreeSet<_> = self.inside(&outside).into_iter().collect();
                let losing: Vec<_> = before.into_iter().map(|n| (n.clone(), still.contains(&n))).collect();
                self.identity.retain(horizon, &losing)
            }
        };
        self.table.extend(changes.assignments.iter().cloned().map(row));
        self.facts.extend(changes.facts.iter().map(|f| (key(f), f.clone())));
        self.erased.extend(changes.erased.iter().map(|f| (key(f), f.clone())));
        // What the sweep does: facts that are covered lose their statement.
        let outside = self.identity.outside();
        let covered = |f: &Fact| outside.names(&f.a, f.day) || outside.names(&f.b, f.day);
        let (gone, kept) = std::mem::take(&mut self.facts).into_iter().partition(|(_, f)| covered(f));
        self.facts = kept;
        self.erased.extend::<BTreeMap<_, _>>(gone);
        changes
    }

    fn restarted(&self, orders: &[Ordered]) -> Identity {
        let mut identity = self.world.identity();
        for order in orders.iter().rev() {
            tell_early(&mut identity, order);
        }
        let bare = |f: &Fact| Fact { occurred_at: f.day.start_utc(), event_id: "".into(), ..f.clone() };
        let facts: Vec<Fact> = self.facts.values().cloned().chain(self.erased.values().map(bare)).collect();
        let nodes = self.inside(self.identity.outside());
        identity.load(facts, nodes);
        identity
    }
}

/// Tells an order to an identity that knows nothing yet.
fn tell_early(identity: &mut Identity, order: &Ordered) {
    match order.clone() {
        Ordered::Undo(undo) => identity.undo([undo]),
        Ordered::Erase(erasure) => identity.erase(&[erasure], &Default::default()),
        Ordered::Retain(day) => identity.retain(day, &[]),
    };
}

pub fn whole(world: &World, events: &[Event], orders: &[Ordered]) -> Identity {
    let mut identity = world.identity();
    orders.iter().for_each(|order| tell_early(&mut identity, order));
    let (facts, nodes) = batch_inside(world, events, identity.outside());
    identity.apply(facts, nodes);
    identity
}

/// Events and orders as they may arrive: shuffled, some twice, events in batches.
fn arrivals(events: &[Event], orders: &[Ordered], order: &[usize], size: usize) -> Vec<Told> {
    let n = events.len() + orders.len();
    let mut out: Vec<Told> = Vec::new();
    for &place in order.iter().filter(|&&place| place < n * 3 / 2) {
        match events.get(place % n) {
            None => out.push(Told::Order(orders[place % n - events.len()].clone())),
            Some(event) => match out.last_mut() {
                Some(Told::Events(batch)) if batch.len() < size => batch.push(event.clone()),
                _ => out.push(Told::Events(vec![event.clone()])),
            },
        }
    }
    out
}

fn without_none(table: BTreeMap<Row, Option<String>>) -> BTreeMap<Row, Option<String>> {
    table.into_iter().filter(|(_, customer)| customer.is_some()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn facts_undos_erasures_and_the_horizon_in_any_order_give_the_same_customers(
        events in events(40),
        orders in orders(7),
        shuffled in Just((0..96usize).collect::<Vec<_>>()).prop_shuffle(),
        size in prop_oneof![3 => Just(1usize), 1 => 2..12usize],
    ) {
        let world = tight();
        let whole = whole(&world, &events, &orders);
        let mut kept = Kept::new(&world);
        for told in arrivals(&events, &orders, &shuffled, size) {
            kept.tell(told);
        }
        prop_assert_eq!(everything(&whole), everything(&kept.identity));
        let rows = |identity: &Identity| without_none(identity.assignments_all().map(row).collect());
        prop_assert_eq!(without_none(kept.table.clone()), rows(&kept.identity));
        let restarted = kept.restarted(&orders);
        prop_assert_eq!(everything(&whole), everything(&restarted));
        for event in &events {
            prop_assert_eq!(customer_of(&whole, event), customer_of(&kept.identity, event));
        }
    }

    #[test]
    fn an_order_names_both_customers_of_every_event_that_moves(
        events in events(40),
        orders in orders(5),
        shuffled in Just((0..96usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let world = tight();
        let mut kept = Kept::new(&world);
        for told in arrivals(&events, &orders, &shuffled, 4) {
            let old: Vec<Event> = kept.events.iter().filter(|e| world.is_current(e)).cloned().collect();
            let before: Vec<_> = old.iter().map(|e| customer_of(&kept.identity, e)).collect();
            let names: BTreeSet<_> = kept.identity.customers().collect();
            let changes = kept.tell(told.clone());
            for (event, before) in old.iter().zip(before) {
                let after = customer_of(&kept.identity, event);
                if before != after {
                    for customer in [before, after].into_iter().flatten() {
                        prop_assert!(changes.dirty.iter().any(|d| **d == *customer), "{customer} moved by {told:?}: {event:?}");
                    }
                }
            }
            for gone in names.difference(&kept.identity.customers().collect()) {
                prop_assert!(changes.dirty.contains(gone), "{gone} is gone by {told:?}");
            }
        }
    }

    #[test]
    fn an_order_carried_out_again_changes_nothing(events in events(40), orders in orders(7)) {
        let world = tight();
        let mut kept = Kept::new(&world);
        kept.tell(Told::Events(events));
        for order in &orders {
            kept.tell(Told::Order(order.clone()));
        }
        let before = everything(&kept.identity);
        for order in orders {
            let changes = kept.tell(Told::Order(order));
            prop_assert!(changes.assignments.is_empty() && changes.facts.is_empty() && changes.erased.is_empty());
        }
        prop_assert_eq!(before, everything(&kept.identity));
    }

    #[test]
    fn no_customer_holds_two_identifiers_that_were_split(events in events(60), orders in orders(9)) {
        let world = tight();
        let identity = whole(&world, &events, &orders);
        for order in &orders {
            let Ordered::Undo(tropa::identity::Undo::Forbid { a, b }) = order else { continue };
            let of = |node: &Arc<str>| identity.assignments_of(node).first().and_then(|a| a.customer.clone());
            prop_assert!(a == b || of(a).is_none() || of(a) != of(b), "{a} and {b}");
        }
    }

    #[test]
    fn whoever_is_forgotten_leaves_no_event_and_comes_back_as_somebody_new(
        events in events(50),
        who in any::<prop::sample::Index>(),
        until in 0..4i32,
    ) {
        let world = tight();
        let mut kept = Kept::new(&world);
        kept.tell(Told::Events(events.clone()));
        let who = who.get(&events).clone();
        let Some(customer) = customer_of(&kept.identity, &who) else { return Ok(()) };
        let theirs: Vec<&Event> =
            events.iter().filter(|e| customer_of(&kept.identity, e).as_deref() == Some(&customer)).collect();
        // A placeholder names a person, so what it did on a shared device stays with the device.
        let placeholders: BTreeSet<_> = kept.identity.quarantined().collect();
        let plain = |e: &&&Event| !e.identifiers.iter().any(|i| placeholders.contains(&i.node));
        let until = Day(20_000 + until);
        let erasure = kept.identity.erasure_of(&customer.as_str().into(), until);
        kept.tell(Told::Order(Ordered::Erase(erasure.clone())));
        for event in theirs.iter().filter(plain).filter(|e| e.occurred_at.utc_day() <= until) {
            prop_assert!(kept.identity.outside().covers_event(event), "{event:?} by {erasure:?}");
        }
        for event in events.iter().filter(|e| e.occurred_at.utc_day() <= until) {
            let names_one = event.identifiers.iter().any(|i| erasure.identifiers.contains(&i.node));
            prop_assert!(!names_one || customer_of(&kept.identity, event).is_none());
        }
        // What comes again was there before: nothing rises from the dead.
        let before = everything(&kept.identity);
        let changes = kept.tell(Told::Events(events));
        prop_assert!(changes.assignments.is_empty() && changes.facts.is_empty() && changes.erased.is_empty());
        prop_assert_eq!(before, everything(&kept.identity));
    }
}
