//! The laws on the real engine: every table, aggregate and view. Few worlds, many customers in each. One process holds
//! one engine, so the laws take turns in it.

use std::fmt::Debug;
use std::sync::Arc;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config as Drawing, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use tropa::aggregate::EmpiricalMap;
use tropa::journey::Mode;
use tropa::past::PastRows;
use tropa::stage::Rows;
use tropa::stage::announce::buckets_of;
use tropa::stage::reading::Reading;
use tropa::time::Timestamp;
use tropa::warehouse::Clickhouse;

use crate::store::{Engine, ingest};
use crate::tables::{Dump, derived, differences, dump, merge_parts};
use crate::world::{Draft, World, config, drafts, maps, received_at};
use crate::{interrupted, naive, ordered, plan, tables, totals};

const NEIGHBOURHOODS: usize = 30;
/// Moments of each world that are asked about once they are past.
const PASTS: usize = 4;

/// One world, its tables when all records come at once, and what was found wrong.
struct Stand<'a> {
    engine: &'a Engine,
    number: u64,
    draft: Draft,
    world: World,
    expected: Dump,
    faults: Vec<String>,
}

#[test]
fn the_laws_hold_in_every_table_aggregate_and_view() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("threads");
    let faults = runtime.block_on(async {
        let engine = Engine::start().await;
        let mut faults = Vec::new();
        for number in 0..worlds() {
            let mut stand = Stand::new(&engine, number).await;
            stand.permuted_duplicated_and_split_records_give_the_same_tables().await;
            stand.a_restart_anywhere_changes_nothing().await;
            stand.a_changed_reading_gives_what_a_fresh_store_gives().await;
            stand.a_past_as_of_is_a_batch_over_the_events_until_then_and_all_facts().await;
            stand.orders_at_any_time_give_what_orders_before_everything_give().await;
            faults.append(&mut stand.faults);
        }
        engine.stop().await;
        faults
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// More for a long run by hand.
fn worlds() -> u64 {
    std::env::var("TROPA_WORLDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2)
}

impl<'a> Stand<'a> {
    async fn new(engine: &'a Engine, number: u64) -> Self {
        let seed: [u8; 32] = std::array::from_fn(|i| if i == 0 { number as u8 } else { 7 });
        let mut runner = TestRunner::new_with_rng(Drawing::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
        let draft = drafts(NEIGHBOURHOODS).new_tree(&mut runner).expect("a draft").current();
        let world = draft.world();
        let mut stand = Self { engine, number, draft, world, expected: Dump::new(), faults: Vec::new() };
        let store = stand.empty("at_once").await;
        ingest(&store, &stand.world.config, &stand.world.maps, plan::at_once(&stand.world.deliveries)).await;
        stand.reconcile("at once", &store).await;
        stand.expected = dump(&store).await;
        for persona in ["phoner", "thrifty", "other"] {
            let met = stand.expected["v_personas"].contains(&format!("\t{persona}\t"));
            assert!(met, "nobody is `{persona}` in world {number}");
        }
        assert!(stand.expected["v_emotions"].lines().count() > 3, "too little is felt in world {number}");
        stand
    }

    async fn empty(&self, name: &str) -> Clickhouse {
        self.engine.database(&format!("{name}_{}", self.number), &self.world.config).await
    }

    fn note(&mut self, law: &str, faults: impl IntoIterator<Item = String>) {
        let number = self.number;
        self.faults.extend(faults.into_iter().map(|fault| format!("world {number}, {law}: {fault}")));
    }

    fn equal<T: Debug + PartialEq>(&mut self, law: &str, what: &str, found: &T, expected: &T) {
        if found != expected {
            self.note(law, [format!("{what}: found {found:?}, expected {expected:?}")]);
        }
    }

    async fn reconcile(&mut self, law: &str, store: &Clickhouse) {
        self.note(law, totals::contradictions(store).await);
    }

    /// Law 1, and law 2 on what comes of it.
    async fn permuted_duplicated_and_split_records_give_the_same_tables(&mut self) {
        let store = self.empty("shuffled").await;
        let batches = plan::shuffled_into(&self.world.deliveries, self.number, 40);
        ingest(&store, &self.world.config, &self.world.maps, batches).await;
        let law = "permuted, duplicated, split";
        self.note(law, differences(&dump(&store).await, &self.expected));
        self.reconcile(law, &store).await;
        merge_parts(&store).await;
        self.note("after a merge of parts", differences(&dump(&store).await, &self.expected));
    }

    /// Laws 4 and 5: a process takes half of the records, the next one dies before it writes one of the tables for the
    /// other half, and a third one with no memory takes that again. Nothing comes later that could mend what the restart
    /// left wrong.
    async fn a_restart_anywhere_changes_nothing(&mut self) {
        let other = ["positions", "identity_facts", "identity"][self.number as usize % 3];
        for table in ["customer_journeys", other] {
            let store = self.empty(&format!("before_{table}")).await;
            let [first, second] = plan::halves(&self.world.deliveries, self.number);
            interrupted::run(&store, &self.world, &[first], None, 20_000).await;
            let second = std::slice::from_ref(&second);
            let done = interrupted::run(&store, &self.world, second, Some(table), 1 << 30).await;
            assert_eq!(done, 0, "a batch that is cut off is not committed");
            merge_parts(&store).await;
            interrupted::run(&store, &self.world, second, None, 1).await;
            self.note(&format!("cut off before {table}"), differences(&dump(&store).await, &self.expected));
        }
    }

    /// Law 7.
    async fn orders_at_any_time_give_what_orders_before_everything_give(&mut self) {
        let (streamed, at_once) = (self.empty("ordered").await, self.empty("orders_first").await);
        let faults = ordered::faults(&self.world, &streamed, &at_once, self.number).await;
        self.note("orders", faults);
        self.reconcile("orders", &streamed).await;
    }

    /// Law 6: other guards, generations and journey files, there and back.
    async fn a_changed_reading_gives_what_a_fresh_store_gives(&mut self) {
        let changed = config(&json!({
            "max_visits": 9,
            "identifiers": { "kinds": { "email": { "max_partners": 1 }, "user": { "limit": 3 }, "crm": { "unique": false }, "cookie": { "max_partners": 2 } } },
            "sources": { "web": { "generation": 1 + (self.number % 2) as u32 }, "crm": { "generation": 1 }, "app": { "channel": "phone" } },
        }));
        let other: Vec<_> = self.draft.designs.iter().rev().cloned().collect();
        let changed =
            World { config: Arc::new(changed), maps: maps(&other), deliveries: self.world.deliveries.clone() };
        let batches = plan::shuffled_into(&self.world.deliveries, self.number + 2_000, 200);
        let (first, second) = batches.split_at(batches.len() / 2);

        let store = self.empty("reread").await;
        ingest(&store, &self.world.config, &self.world.maps, first.to_vec()).await;
        let store = self.engine.database(&format!("reread_{}", self.number), &changed.config).await;
        ingest(&store, &changed.config, &changed.maps, second.to_vec()).await;
        let fresh = self.engine.database(&format!("fresh_{}", self.number), &changed.config).await;
        ingest(&fresh, &changed.config, &changed.maps, batches.clone()).await;
        self.note("a changed reading", differences(&derived(&store).await, &derived(&fresh).await));
        self.reconcile("a changed reading", &store).await;

        let store = self.empty("reread").await;
        ingest(&store, &self.world.config, &self.world.maps, Vec::new()).await;
        let mut expected = self.expected.clone();
        expected.retain(|name, _| *name != "identity_facts");
        self.note("a reading changed back", differences(&dump(&store).await, &expected));
    }

    /// Law 3. The batch is the naive one for rows, and a store of its own for counts.
    async fn a_past_as_of_is_a_batch_over_the_events_until_then_and_all_facts(&mut self) {
        let law = "a past as_of";
        let (config, maps) = (self.world.config.clone(), self.world.maps.clone());
        let store = self.empty("at_once").await;
        let mut times: Vec<Timestamp> =
            self.world.deliveries.iter().flat_map(|d| &d.events).map(|e| e.occurred_at).collect();
        times.sort_unstable();
        times.dedup();
        for nth in 1..=PASTS {
            let t = times[times.len() * nth / (PASTS + 1)];
            let expected = naive::tables(&self.world, Some(t)).customers;
            for (place, map) in maps.iter().enumerate() {
                let mut past = PastRows::at(&store, &config, map, t).await.unwrap_or_else(|e| panic!("{e}"));
                let mut rows = Vec::new();
                while let Some(block) = past.next(&store).await.unwrap_or_else(|e| panic!("{e}")) {
                    rows.extend(block);
                }
                let mut rows: Vec<_> = rows.into_iter().filter_map(|r| Some((r.customer, r.journeys?))).collect();
                rows.sort_by(|a, b| a.0.cmp(&b.0));
                let mut expected: Vec<_> = expected
                    .iter()
                    .filter(|((p, _), _)| *p == place)
                    .map(|((_, c), j)| (c.clone(), j.clone()))
                    .collect();
                // A customer all of whose events lie ahead has no figure yet.
                rows.retain(|(_, j)| !j.coverage.is_empty());
                expected.retain(|(_, j)| !j.coverage.is_empty());
                self.equal(law, &format!("customers of {} at {t}", map.id), &rows, &expected);
            }
            if nth == PASTS / 2 {
                self.counts_at(&store, t).await;
                self.nothing_stays(&store, t).await;
            }
        }
    }

    /// Tables of past moments go with whoever asked, also who gives up, and who was killed more than a day ago.
    async fn nothing_stays(&mut self, store: &Clickhouse, t: Timestamp) {
        let (config, map) = (self.world.config.clone(), self.world.maps[0].clone());
        let tables = || {
            tables::ask(
                store,
                "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 'scratch_')",
            )
        };
        assert_eq!(tables().await.lines().count(), 1, "the heading alone");
        let now = Timestamp::from_micros(2_000_000_000_000_000);
        let killed_at = [now.micros() - 86_500_000_000, now.micros() - 86_300_000_000];
        for moment in killed_at {
            let nonce = Timestamp::from_micros(moment);
            let (_, scratch) =
                tropa::past::set_aside(store, &config, &map, t, nonce).await.unwrap_or_else(|e| panic!("{e}"));
            std::mem::forget(scratch);
        }
        store.forget_scratch(now).await.unwrap_or_else(|e| panic!("{e}"));
        let left = tables().await;
        assert!(left.lines().count() == 2 && left.contains(&killed_at[1].to_string()), "{left}");
        store.forget_scratch(Timestamp::MAX).await.unwrap_or_else(|e| panic!("{e}"));
        let (_, scratch) = tropa::past::set_aside(store, &config, &map, t, now).await.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(tables().await.lines().count(), 2);
        drop(scratch);
        for _ in 0..600 {
            if tables().await.lines().count() == 1 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("the table of who gave up stays: {}", tables().await);
    }

    async fn counts_at(&mut self, store: &Clickhouse, t: Timestamp) {
        let law = "counts at a past as_of";
        let (config, maps) = (self.world.config.clone(), self.world.maps.clone());
        let batch = self.empty("until").await;
        let current = |e: &&tropa::event::Event| e.generation >= config.source(e.source).generation;
        let facts =
            self.world.deliveries.iter().flat_map(|d| &d.events).filter(current).flat_map(tropa::identity::facts_of);
        batch.insert_rows(Rows::Facts(facts.collect()), &[]).await.unwrap_or_else(|e| panic!("{e}"));
        let mut until = self.world.deliveries.clone();
        until.iter_mut().for_each(|d| d.events.retain(|e| e.occurred_at <= t));
        ingest(&batch, &config, &maps, plan::at_once(&until)).await;
        let readings: Vec<Reading> = maps.iter().map(|m| Reading::new(m.clone(), Mode::Valid, &config)).collect();
        batch.refresh_aggregates(&readings, t, &buckets_of(0, 1)).await.unwrap_or_else(|e| panic!("{e}"));
        for (map, reading) in maps.iter().zip(&readings) {
            let (found, _) = tropa::past::empirical_at(store, &config, map, (t, false), received_at())
                .await
                .unwrap_or_else(|e| panic!("{e}"));
            let expected = batch.empirical(reading, t).await.unwrap_or_else(|e| panic!("{e}"));
            self.equal(law, &map.id, &counted(found), &counted(expected));
        }
    }
}

/// What must agree of two counts: all but how many records were delivered, and rows of nothing.
fn counted(map: EmpiricalMap) -> impl Debug + PartialEq {
    let mut coverage = map.coverage;
    for c in &mut coverage {
        (c.records, c.skipped, c.decoded, c.rejected, c.blocked_identifiers) = (0, 0, 0, 0, 0);
    }
    (
        (map.as_of, map.customers, map.oversized_customers, coverage, map.unmapped),
        map.journeys.into_iter().filter(|d| d.entered > 0).collect::<Vec<_>>(),
        map.stages.into_iter().filter(|d| d.entries > 0).collect::<Vec<_>>(),
        map.transitions.into_iter().filter(|d| d.transitions > 0).collect::<Vec<_>>(),
    )
}
