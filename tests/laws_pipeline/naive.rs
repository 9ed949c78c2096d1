//! What a batch run gives: all facts at once, every customer's events at once, one fold. In: events and facts. Out: the
//! rows that the tables must hold. Knows no stage, no cache, no batch and no order.

use std::collections::BTreeMap;
use std::sync::Arc;

use tropa::event::Event;
use tropa::identity::{Assignment, Fact, Identity, Outside, Sets, Undo, facts_of};
use tropa::journey::{CustomerEvent, CustomerJourneys, FoldContext, Mode, SourceInfo, fold};
use tropa::map::MapVersions;
use tropa::stage::reading::Reading;
use tropa::time::{Day, Timestamp};
use tropa::touchpoint::{event_path, parse_properties, path_template};

use crate::personas;
use crate::world::World;

/// (a, b, source, generation, day).
pub type FactKey = (Arc<str>, Arc<str>, u16, u32, Day);

/// Everything that follows from the sets.
#[derive(Debug, Default, PartialEq)]
pub struct Tables {
    /// (a, b, source, generation, day) -> earliest statement.
    pub facts: BTreeMap<FactKey, (Timestamp, Arc<str>)>,
    /// (node, day) -> customer.
    pub identity: BTreeMap<(Arc<str>, Option<Day>), Arc<str>>,
    /// (place of the map, customer) -> journeys.
    pub customers: BTreeMap<(usize, Arc<str>), CustomerJourneys>,
}

impl Tables {
    pub fn state(&mut self, fact: &Fact) {
        let key = (fact.a.clone(), fact.b.clone(), fact.source.0, fact.generation, fact.day);
        let statement = (fact.occurred_at, fact.event_id.clone());
        let kept = self.facts.entry(key).or_insert_with(|| statement.clone());
        if statement < *kept {
            *kept = statement;
        }
    }

    pub fn assign(&mut self, assignment: &Assignment) {
        let key = (assignment.node.clone(), assignment.day);
        match &assignment.customer {
            Some(customer) => self.identity.insert(key, customer.clone()),
            None => self.identity.remove(&key),
        };
    }
}

/// The tables of one batch: events up to `until`, and the facts of all.
pub fn tables(world: &World, until: Option<Timestamp>) -> Tables {
    let reading = |map: &Arc<MapVersions>| Reading::new(map.clone(), Mode::Valid, &world.config);
    let readings: Vec<Reading> = world.maps.iter().map(reading).collect();
    tables_after(world, &readings, until, (Vec::new(), Outside::new(&world.config)))
}

/// The same where operators have ordered something: the orders are told first, whenever they came.
pub fn tables_after(
    world: &World,
    readings: &[Reading],
    until: Option<Timestamp>,
    (undos, outside): (Vec<Undo>, Outside),
) -> Tables {
    let current = |e: &&Event| e.generation >= world.config.source(e.source).generation;
    let all = || world.deliveries.iter().flat_map(|d| &d.events);
    let events: Vec<&Event> = all().filter(current).collect();
    let mut tables = Tables::default();
    let facts: Vec<Fact> = events.iter().flat_map(|e| facts_of(e)).collect();
    // Of what an erasure covers only who, whom and the day are kept.
    let is_kept = |fact: &&Fact| !outside.names(&fact.a, fact.day) && !outside.names(&fact.b, fact.day);
    facts.iter().filter(is_kept).for_each(|fact| tables.state(fact));
    let inside: Vec<&Event> = events.into_iter().filter(|e| !outside.covers_event(e)).collect();
    let nodes = inside.iter().flat_map(|e| e.identifiers.iter().map(|i| i.node.clone())).collect();
    let sets = Sets { facts, nodes, undos, outside: outside.clone() };
    let (identity, _) = Identity::of(&world.config, sets);
    // Objects are no identifiers: they take part in nothing yet.
    tables.facts.retain(|(a, b, ..), _| [a, b].iter().all(|node| !node.starts_with("deal:")));
    let older: Vec<Fact> = all().filter(|e| !current(e)).flat_map(facts_of).collect();
    older.iter().filter(is_kept).for_each(|fact| tables.state(fact));
    identity.assignments_all().for_each(|a| tables.assign(&a));

    let sources = SourceInfo::of(&world.config);
    for (place, reading) in readings.iter().enumerate() {
        let mut of: BTreeMap<Arc<str>, Vec<(&Event, CustomerEvent)>> =
            identity.customers().map(|c| (c, Vec::new())).collect();
        for event in inside.iter().filter(|e| until.is_none_or(|t| e.occurred_at <= t)) {
            let ids = event.identifiers.iter().map(|i| &*i.node);
            let Some(customer) = identity.customer_of(ids, event.occurred_at.utc_day()) else { continue };
            let properties = parse_properties(&event.properties);
            let path = event_path(&properties).map_or_else(|| "".into(), |p| path_template(&p).into());
            let rules = &reading.rules;
            let matched = rules.match_event(event, &properties);
            let seen = CustomerEvent::of(event, path, matched, rules.said(&properties));
            of.get_mut(&customer).expect("an event's customer is one").push((event, seen));
        }
        let context = FoldContext {
            map: &reading.map,
            mode: Mode::Valid,
            sources: &sources,
            max_visits: world.config.max_visits,
        };
        for (customer, events) in of {
            let journeys = fold(&context, &customer, &events.iter().map(|(_, seen)| seen).collect::<Vec<_>>());
            personas::told_alike(world, reading, &events, &journeys);
            tables.customers.insert((place, customer), journeys);
        }
    }
    tables
}
