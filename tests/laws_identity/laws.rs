//! The laws of identity on random events under tight guards.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tropa::event::Event;
use tropa::identity::{Assignment, Fact, Identity};

use crate::world::{World, batch_of, customer_of, events, tight};

pub type Row = (String, Option<i32>);

pub fn row(assignment: Assignment) -> (Row, Option<String>) {
    let key = (assignment.node.to_string(), assignment.day.map(|d| d.0));
    (key, assignment.customer.map(|c| c.to_string()))
}

fn told(world: &World, events: &[Event]) -> Identity {
    let mut identity = world.identity();
    let (facts, nodes) = batch_of(world, events);
    identity.apply(facts, nodes);
    identity
}

/// Everything that can be asked of an identity.
pub fn everything(identity: &Identity) -> String {
    let table: BTreeMap<Row, Option<String>> = identity.assignments_all().map(row).collect();
    let customers: BTreeSet<_> = identity.customers().collect();
    let quarantined: BTreeSet<_> = identity.quarantined().collect();
    let each: Vec<_> =
        customers.iter().map(|c| (c, identity.members(c), identity.nodes_of(c), identity.why(c))).collect();
    format!("{table:?}\n{quarantined:?}\n{:?}\n{each:?}", identity.refused())
}

type Key = (String, String, u16, u32, i32);

fn upsert(stored: &mut BTreeMap<Key, Fact>, facts: Vec<Fact>) {
    for fact in facts {
        let key = (fact.a.to_string(), fact.b.to_string(), fact.source.0, fact.generation, fact.day.0);
        stored.insert(key, fact);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_duplication_and_split_gives_what_one_batch_gives(
        events in events(40),
        shuffled in Just((0..80usize).collect::<Vec<_>>()).prop_shuffle(),
        size in prop_oneof![3 => Just(1usize), 1 => 2..12usize],
    ) {
        let world = tight();
        let whole = told(&world, &events);
        let mixed: Vec<Event> =
            shuffled.iter().filter(|&&i| i < events.len() * 3 / 2).map(|&i| events[i % events.len()].clone()).collect();
        let mut split = world.identity();
        let (mut table, mut stored) = (BTreeMap::new(), BTreeMap::new());
        for part in mixed.chunks(size) {
            let (facts, nodes) = batch_of(&world, part);
            let changes = split.apply(facts, nodes);
            table.extend(changes.assignments.into_iter().map(row));
            upsert(&mut stored, changes.facts);
        }
        prop_assert_eq!(everything(&whole), everything(&split));

        // The tables that the changes have built are what a fresh start would write, but for tombstones of days.
        table.retain(|(_, day), customer| day.is_none() || customer.is_some());
        prop_assert_eq!(&table, &split.assignments_all().map(row).collect());
        let mut restarted = world.identity();
        restarted.load(stored.into_values(), table.into_keys().map(|(node, _)| node.into()));
        prop_assert_eq!(everything(&whole), everything(&restarted));
    }

    #[test]
    fn no_customer_breaks_a_guard(events in events(60)) {
        let world = tight();
        let identity = told(&world, &events);
        for customer in identity.customers() {
            let members = identity.members(&customer);
            for kind in &world.kinds {
                let prefix = format!("{}:", kind.name);
                let n = members.iter().filter(|m| m.starts_with(&prefix)).count();
                prop_assert!(n <= kind.limit as usize && (n < 2 || !kind.unique), "{:?}", members);
            }
            let strongest = members.iter().map(|m| world.priority(m)).min();
            prop_assert_eq!(strongest, Some(world.priority(&customer)));
        }
    }

    #[test]
    fn every_node_has_one_customer_and_every_event_is_among_the_nodes_of_its_customer(events in events(60)) {
        let world = tight();
        let identity = told(&world, &events);
        let mut seen = BTreeSet::new();
        for customer in identity.customers() {
            for member in identity.members(&customer) {
                prop_assert!(seen.insert(member.clone()), "{} is in two customers", member);
            }
        }
        for quarantined in identity.quarantined() {
            prop_assert!(seen.insert(quarantined));
        }
        let all: BTreeSet<_> = identity.assignments_all().map(|a| a.node).collect();
        prop_assert_eq!(seen, all);
        for event in events.iter().filter(|e| world.is_current(e)) {
            if let Some(customer) = customer_of(&identity, event) {
                prop_assert!(identity.nodes_of(&customer).contains(&event.node()), "{:?} of {}", event, customer);
            }
        }
    }

    #[test]
    fn dirty_covers_both_customers_of_every_event_that_moves(events in events(60), size in prop_oneof![3 => Just(1usize), 1 => 2..8usize]) {
        let world = tight();
        let mut identity = world.identity();
        for (nth, part) in events.chunks(size).enumerate() {
            let old: Vec<&Event> = events[..nth * size].iter().filter(|e| world.is_current(e)).collect();
            let before: Vec<_> = old.iter().map(|e| customer_of(&identity, e)).collect();
            let (facts, nodes) = batch_of(&world, part);
            let changes = identity.apply(facts, nodes);
            for (event, before) in old.iter().zip(before) {
                let after = customer_of(&identity, event);
                if before != after {
                    for customer in [before, after].into_iter().flatten() {
                        prop_assert!(changes.dirty.iter().any(|d| **d == *customer), "{} moved: {:?}", customer, event);
                    }
                }
            }
            // And nothing is called dirty without a cause: some assignment of the batch has changed.
            prop_assert!(changes.dirty.is_empty() || !changes.assignments.is_empty());
        }
    }

    #[test]
    fn an_assignment_that_changes_lies_in_the_component_of_a_new_fact(events in events(40)) {
        let world = tight();
        let Some((last, rest)) = events.split_last() else { return Ok(()) };
        let mut identity = told(&world, rest);
        let before: BTreeSet<_> =
            last.identifiers.iter().flat_map(|i| identity.component_of(&i.node)).collect();
        let (facts, nodes) = batch_of(&world, std::slice::from_ref(last));
        let changes = identity.apply(facts, nodes);
        let mut reach = before;
        reach.extend(last.identifiers.iter().flat_map(|i| identity.component_of(&i.node)));
        for assignment in changes.assignments {
            prop_assert!(reach.contains(&assignment.node));
        }
    }

    #[test]
    fn every_row_that_a_dead_writer_may_still_send_is_written_again(events in events(40), inside in any::<bool>()) {
        let world = tight();
        let Some((last, rest)) = events.split_last() else { return Ok(()) };
        let mut dead = told(&world, rest);
        let (facts, nodes) = batch_of(&world, std::slice::from_ref(last));
        let changes = dead.apply(facts, nodes);
        // Whoever comes next finds the facts; events that state none may be outside of everything by then.
        let (facts, nodes) = batch_of(&world, &events);
        let mut next = world.identity();
        next.load(facts, nodes.into_iter().filter(|_| inside));
        let stands: Vec<_> = next.assignments_all().collect();
        let mend = next.mend(stands.clone(), &changes.dirty);
        // A row that says nobody, where nobody is, does no harm.
        let harms = |sent: &Assignment| sent.customer.is_some() || stands.iter().any(|row| row.node == sent.node && row.day == sent.day);
        for sent in changes.assignments.into_iter().filter(harms) {
            let again = mend.rows.iter().any(|row| row.node == sent.node && row.day == sent.day);
            prop_assert!(again, "{sent:?} would stand beside {:?}", mend.rows);
        }
    }
}
