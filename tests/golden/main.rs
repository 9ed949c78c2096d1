//! The law by small examples: every case of `cases.yaml` through the real decoder, the real pipeline and the real
//! engine, each in a database of its own. Operators' orders come when the events are there; then the events come again.

mod case;
mod conformance;
mod expect;
#[path = "../support/store.rs"]
mod store;

use std::sync::Arc;

use tropa::identity::Identity;
use tropa::stage::reading::Reading;
use tropa::time::Timestamp;

#[test]
fn every_case_of_the_law_holds() {
    let text = include_str!("cases.yaml");
    let cases = case::load(text);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let (mut failures, mut figures) = (Vec::new(), 0);
    runtime.block_on(async {
        let engine = store::Engine::start().await;
        for case in &cases {
            let expected = expect::figures(&case.expect);
            assert!(expected > 0 && case.unread().is_empty(), "{}: {:?}, {expected} figures", case.name, case.unread());
            figures += expected;
        }
        // Two at a time: most of a case is the engine at work on one small query after the other.
        let every_other = async |first: usize| {
            let mut failures = Vec::new();
            for (i, case) in cases.iter().enumerate().skip(first).step_by(2) {
                let differences = run(&engine, i, case).await;
                if !differences.is_empty() {
                    failures.push(format!("{}\n    {}", case.name, differences.join("\n    ")));
                }
            }
            failures
        };
        let (even, odd) = tokio::join!(every_other(0), every_other(1));
        failures.extend(even.into_iter().chain(odd));
        engine.stop().await;
    });
    let n = cases.len();
    println!("{} of {n} cases hold, {figures} figures compared", n - failures.len());
    assert!(failures.is_empty(), "{} of {n} cases fail:\n\n{}", failures.len(), failures.join("\n\n"));
}

async fn run(engine: &store::Engine, i: usize, case: &case::Case) -> Vec<String> {
    let world = case.world();
    let store = engine.database(&format!("case_{i}"), &world.config).await;
    store::ingest(&store, &world.config, &world.maps, world.batches.clone()).await;
    let orders = case.orders();
    if !orders.is_empty() {
        store::order(&store, &world.config, &world.maps, &orders).await;
        store::ingest(&store, &world.config, &world.maps, world.batches.clone()).await;
    }
    let as_of = case.as_of();
    let mut past = tropa::past::PastRows::at(&store, &world.config, &world.maps[0], as_of).await.unwrap();
    let mut rows = Vec::new();
    while let Some(block) = past.next(&store).await.unwrap() {
        rows.extend(block);
    }
    let reading = Reading::new(world.maps[0].clone(), tropa::journey::Mode::Valid, &world.config);
    // Counts come from the tables that the pipeline wrote; only a moment with events after it is computed as a past one.
    let real = if case.is_present() {
        store
            .refresh_aggregates(std::slice::from_ref(&reading), as_of, &tropa::stage::announce::buckets_of(0, 1))
            .await
            .unwrap();
        store.empirical(&reading, as_of).await.unwrap()
    } else {
        let nonce = Timestamp::from_micros(1);
        let (map, config) = (&world.maps[0], &world.config);
        tropa::past::empirical_at(&store, config, map, (as_of, false), nonce).await.unwrap().0
    };
    let identity = Identity::of(&world.config, store.sets().await.unwrap()).0;
    let found = expect::Found { world: &world, rows: &rows, real: &real, as_of, identity: Arc::new(identity) };
    expect::differences(&case.expect, &found)
}
