//! The laws that need no engine, over many small worlds.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

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
