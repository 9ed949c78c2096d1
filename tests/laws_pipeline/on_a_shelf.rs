//! The laws that need no engine, over many small worlds.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use tropa::event::Event;
use tropa::identity::Sets;
use tropa::stage::identity::IdentityStage;

use crate::naive::{self, Tables};
use crate::world::{World, drafts};
use crate::{plan, shelf};

/// Bytes that hold everything, some of it, and nothing.
const CACHES: [u64; 3] = [1 << 30, 12_000, 1];

fn check(cases: u32, law: impl Fn(&tokio::runtime::Runtime, &World, u64) -> Result<(), TestCaseError>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let config = ProptestConfig { cases, max_shrink_iters: 3_000, failure_persistence: None, ..Default::default() };
    let strategy = (drafts(1..4), any::<u64>());
    TestRunner::new(config)
        .run(&strategy, |(draft, seed)| law(&runtime, &draft.world(), seed))
        .unwrap_or_else(|e| panic!("{e}"));
}

fn same(found: &Tables, expected: &Tables) -> Result<(), TestCaseError> {
    prop_assert_eq!(&found.facts, &expected.facts, "facts");
    prop_assert_eq!(&found.identity, &expected.identity, "identity");
    for (key, expected) in &expected.customers {
        prop_assert_eq!(found.customers.get(key), Some(expected), "customer {:?}", key);
    }
    let surplus: Vec<_> = found.customers.keys().filter(|k| !expected.customers.contains_key(*k)).collect();
    prop_assert!(surplus.is_empty(), "customers that are none: {:?}", surplus);
    Ok(())
}

#[test]
fn permuted_duplicated_and_split_records_give_what_one_batch_gives() {
    check(400, |runtime, world, seed| {
        let found = runtime.block_on(shelf::run(world, plan::shuffled(&world.deliveries, seed), CACHES[0]));
        same(&found, &naive::tables(world, None))
    });
}

#[test]
fn a_small_cache_changes_nothing() {
    check(300, |runtime, world, seed| {
        let cache = CACHES[1 + (seed % 2) as usize];
        let found = runtime.block_on(shelf::run(world, plan::shuffled(&world.deliveries, seed), cache));
        same(&found, &naive::tables(world, None))
    });
}

/// I6 and I9: a process that dies after it has written identity and before it has written customers leaves rows that are
/// behind. Whose they are must follow from the tables and from the records that come again: customers of those records,
/// and customers with an identity row of that batch.
#[test]
fn what_a_crash_between_identity_and_customers_leaves_behind_is_found_again() {
    check(300, |_, world, seed| {
        let mut stage = IdentityStage::load(world.config.clone(), Sets::default());
        let mut told = World { config: world.config.clone(), maps: world.maps[..1].to_vec(), deliveries: Vec::new() };
        let mut before = naive::tables(&told, None);
        for part in plan::in_parts(&world.deliveries, seed) {
            let events: Vec<Event> = part.iter().flat_map(|d| d.events.iter().cloned()).collect();
            let step = stage.step(&events);
            told.deliveries.extend(part);
            let after = naive::tables(&told, None);
            let written: Vec<_> = step.assignments.into_iter().filter_map(|a| a.customer).collect();
            for ((_, customer), journeys) in &after.customers {
                let known = before.customers.get(&(0, customer.clone()));
                let comes_again = || {
                    let ids = |e: &Event| e.identifiers.iter().map(|i| i.node.clone()).collect::<Vec<_>>();
                    let of = |e: &Event| stage.identity().customer_of(ids(e), e.occurred_at.utc_day());
                    events.iter().any(|e| of(e).as_ref() == Some(customer))
                };
                let found = known.is_none() || known == Some(journeys) || written.contains(customer) || comes_again();
                prop_assert!(found, "{customer} is behind, and nothing says so");
            }
            before = after;
        }
        Ok(())
    });
}
