//! The fault model: the production loops of all stages (`pipeline::{ingest, identity, journeys}`) on seams where a
//! scheduler decides what happens next: when an insert arrives and when it is acknowledged, what a member of a group hears,
//! who is killed with what still under way, which partition goes to whom while its old owner has not noticed, when a second
//! process starts. In the end the tables, and the aggregates counted from them, must equal what a naive batch gives.
//!
//! Operators split, revoke, forget and move the horizon meanwhile; the customers are cut into other slices, and topics are
//! emptied or made anew. The oracle is a batch over the distinct events and the orders that the sets hold in the end.
//!
//! `TROPA_SCHEDULES` asks for more than the tests run by themselves; `TROPA_SEED` shows one of them again.

#[path = "../laws_pipeline/design.rs"]
mod design;
mod links;
mod mistakes;
#[path = "../laws_pipeline/naive.rs"]
mod naive;
#[path = "../laws_pipeline/personas.rs"]
mod personas;
mod ordered;
mod plant;
mod process;
mod schedule;
mod seams;
mod sim;
mod store;
#[path = "../laws_pipeline/world.rs"]
mod world;

use std::sync::Arc;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config as Drawing, RngAlgorithm, TestRng, TestRunner};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tropa::event::SourceId;
use tropa::journey::Mode;
use tropa::source::{Counters, DecodedBatch, Progress};
use tropa::stage::reading::Reading;

use mistakes::Mistake;
use naive::Tables;
use ordered::Operators;
use plant::Plant;
use process::Plan;
use schedule::{Kind, Schedule};
use sim::Feed;
use world::{Delivery, World, drafts};

/// Worlds that the schedules run in.
const WORLDS: u8 = 40;

struct Place {
    world: World,
    readings: Arc<Vec<Reading>>,
    expected: Tables,
}

fn places() -> Vec<Place> {
    (0..WORLDS).map(place).collect()
}

fn place(number: u8) -> Place {
    let seed: [u8; 32] = std::array::from_fn(|i| if i == 0 { number } else { 11 });
    let mut runner = TestRunner::new_with_rng(Drawing::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let draft = drafts(1..3).new_tree(&mut runner).expect("a draft").current();
    let mut world = draft.world_of(&draft.designs[..1]);
    world.deliveries.truncate(14);
    let expected = naive::tables(&world, None);
    let reading = |map| Reading::new(Arc::clone(map), Mode::Valid, &world.config);
    let readings = Arc::new(world.maps.iter().map(reading).collect());
    Place { world, readings, expected }
}

/// The records of a world as so many feeds, in a random order, some twice, in batches of any size.
fn feeds(world: &World, count: usize, dice: &mut ChaCha8Rng) -> Vec<Feed> {
    let mut list = world.deliveries.clone();
    let again: Vec<Delivery> = list.iter().filter(|_| dice.random_bool(0.2)).cloned().collect();
    list.extend(again);
    list.shuffle(dice);
    let mut parts: Vec<Vec<Delivery>> = vec![Vec::new(); count];
    for delivery in list {
        parts[dice.random_range(0..count)].push(delivery);
    }
    let feed = |(feed, part): (usize, Vec<Delivery>)| {
        let (mut batches, mut rest) = (Vec::new(), &part[..]);
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(dice.random_range(1..=4.min(rest.len())));
            batches.push(batch(feed, batches.len(), head));
            rest = tail;
        }
        Feed { batches }
    };
    parts.into_iter().enumerate().map(feed).collect()
}

/// A position is the number of the batch.
fn batch(feed: usize, number: usize, deliveries: &[Delivery]) -> DecodedBatch {
    let events: Vec<_> = deliveries.iter().flat_map(|d| d.events.iter().cloned()).collect();
    let progress = Progress {
        source: SourceId(0),
        topic: format!("feed-{feed}").into(),
        partition: 0,
        next: number as i64 + 1,
        counters: Counters { records: deliveries.len() as u64, ..Counters::default() },
        counted_before: None,
        max_occurred: events.iter().map(|e| e.occurred_at).max(),
        behind: false,
        finished: true,
        content: "".into(),
    };
    DecodedBatch { events, progress: vec![progress], ..DecodedBatch::default() }
}

/// Runs one schedule; says what differs from the batch.
fn differs(place: &Place, plan: Plan, kind: Kind, seed: u64, mistake: Option<Mistake>) -> Option<String> {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let cache = [u64::MAX, 3_000, 1][dice.random_range(0..3)];
    let feeds = feeds(&place.world, plan.feeds(), &mut dice);
    let operators = Operators::of(&place.world, &mut dice);
    let mut plant = Plant::new(&place.world, place.readings.clone(), (plan, feeds, operators, cache), mistake);
    // In a third of the schedules, so that they leave room for everything else.
    plant.moving = seed.is_multiple_of(3);
    let mut schedule = Schedule::new(kind, seed);
    plant.run(&mut schedule);
    if plant.tick() {
        plant.run(&mut schedule);
    }
    if !plant.is_at_rest() {
        return Some(format!("it came to rest before everything was read and committed: {}", plant.standing()));
    }
    let sim = plant.sim.lock();
    let found = tables(&sim.store);
    if let Some(order) = ordered::lost(&sim.operators, &sim.store.ordered) {
        return Some(format!("{order:?} was answered, and is not in the sets"));
    }
    if let Some(event) = sim.store.remains().first() {
        return Some(format!("an event that is forgotten is still there: {event:?}"));
    }
    let orders = &sim.store.ordered;
    let expected = match orders.undos.is_empty() && orders.erasures.is_empty() && orders.horizon.is_none() {
        true => &place.expected,
        false => &naive::tables_after(&place.world, &place.readings, None, (orders.undos.clone(), sim.store.outside())),
    };
    if found.facts != expected.facts {
        return Some(format!("facts: {:?} instead of {:?}", found.facts, expected.facts));
    }
    if found.identity != expected.identity {
        return Some(format!("identity: {:?} instead of {:?}", found.identity, expected.identity));
    }
    for key in expected.customers.keys().chain(found.customers.keys()) {
        if found.customers.get(key) != expected.customers.get(key) {
            let (found, expected) = (found.customers.get(key), expected.customers.get(key));
            return Some(format!("customer {key:?}: {found:?} instead of {expected:?}"));
        }
    }
    let mut counted = std::collections::BTreeMap::new();
    for (_, _, cells) in sim.store.aggregates.values() {
        counted.extend(cells.clone());
    }
    if counted != found.customers {
        return Some(format!("aggregates count {:?}, the rows are {:?}", counted.keys(), found.customers.keys()));
    }
    None
}

fn tables(store: &store::Store) -> Tables {
    let mut tables = Tables::default();
    let outside = store.outside();
    for fact in store.facts.values().filter(|f| !outside.names(&f.a, f.day) && !outside.names(&f.b, f.day)) {
        tables.state(fact);
    }
    for ((node, day), (_, customer)) in &store.identity {
        if let Some(customer) = customer {
            tables.identity.insert((node.clone(), *day), customer.clone());
        }
    }
    for (key, (_, journeys)) in &store.customers {
        if let Some(journeys) = journeys {
            tables.customers.insert(key.clone(), journeys.clone());
        }
    }
    tables
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seeds(usual: u64) -> std::ops::Range<u64> {
    match number("TROPA_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("TROPA_SCHEDULES").unwrap_or(usual),
    }
}

fn no_schedule_differs(plan: Plan, kind: Kind) {
    let places = places();
    let seeds = seeds(10_000);
    for seed in seeds.clone() {
        if seed > seeds.start && (seed - seeds.start).is_multiple_of(10_000) {
            eprintln!("{plan:?}, {kind:?}: {seed} of {} schedules, none differs", seeds.end);
        }
        let place = &places[(seed % places.len() as u64) as usize];
        if let Some(difference) = differs(place, plan, kind, seed, None) {
            panic!("{plan:?}, {kind:?}, TROPA_SEED={seed}: {difference}");
        }
    }
}

#[test]
fn one_process_gives_the_tables_of_a_batch_under_any_uniform_schedule() {
    no_schedule_differs(Plan::Single, Kind::Uniform);
}

#[test]
fn one_process_gives_the_tables_of_a_batch_under_any_schedule_by_priorities() {
    no_schedule_differs(Plan::Single, Kind::Priorities);
}

#[test]
fn roles_give_the_tables_of_a_batch_under_any_uniform_schedule() {
    no_schedule_differs(Plan::Roles, Kind::Uniform);
}

#[test]
fn roles_give_the_tables_of_a_batch_under_any_schedule_by_priorities() {
    no_schedule_differs(Plan::Roles, Kind::Priorities);
}

/// The first schedule of either kind that finds a mistake, in one process or as roles.
fn found_by(places: &[Place], mistake: Mistake, limit: u64) -> Option<(Plan, Kind, u64)> {
    for seed in 0..limit {
        let place = &places[(seed % places.len() as u64) as usize];
        for plan in [Plan::Single, Plan::Roles] {
            for kind in [Kind::Uniform, Kind::Priorities] {
                if differs(place, plan, kind, seed, Some(mistake)).is_some() {
                    return Some((plan, kind, seed));
                }
            }
        }
    }
    None
}

#[test]
fn every_seeded_mistake_is_found() {
    let places = places();
    let missed: Vec<Mistake> = Mistake::ALL
        .into_iter()
        .filter(|&mistake| {
            let found = found_by(&places, mistake, 15_000);
            println!("{mistake:?}: {found:?}");
            found.is_none()
        })
        .collect();
    assert!(missed.is_empty(), "no schedule finds {missed:?}");
}
