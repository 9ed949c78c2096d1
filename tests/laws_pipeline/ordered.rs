//! Operators' orders on the engine. One store hears half of the records, then orders, each cut off while it is carried
//! out and finished by the next start, then the other half, then the first half again. The other store is told the
//! orders before anything, and hears all records at once. Both must hold the same, in every table.

use std::collections::BTreeSet;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tropa::identity::{Fact, Member, Order, OrderRecord, facts_of};
use tropa::stage::orders::OrderRows;
use tropa::time::Timestamp;
use tropa::warehouse::Clickhouse;

use crate::store::ingest;
use crate::tables::{ask, differences, dump, merge_parts};
use crate::world::World;
use crate::{interrupted, plan};

/// Where the process dies while it carries out an order.
const CUTS: [&str; 5] = ["announcing", "identity", "customer_journeys", "events", "positions"];

/// Orders about identifiers that the first half of the records has brought.
fn orders(world: &World, dice: &mut ChaCha8Rng) -> Vec<Order> {
    let facts: Vec<Fact> = world.deliveries.iter().flat_map(|d| d.events.iter().flat_map(facts_of)).collect();
    let facts: Vec<&Fact> = facts.iter().filter(|f| !f.a.starts_with("deal:") && !f.b.starts_with("deal:")).collect();
    let mut one = || facts.choose(dice).copied().expect("worlds have facts");
    let mut list = Vec::new();
    for _ in 0..4 {
        let (f, g, h, k) = (one(), one(), one(), one());
        list.push(Order::Split { a: f.a.clone(), b: f.b.clone() });
        list.push(Order::Revoke { a: g.a.clone(), b: g.b.clone(), day: g.day });
        list.push(Order::Forget { identifier: h.a.clone(), until: h.day });
        list.push(Order::Forget {
            identifier: k.b.clone(),
            until: Timestamp::parse("2026-01-20").expect("a day").utc_day(),
        });
    }
    list.push(Order::Retain { before: Timestamp::parse("2026-01-04").expect("a day").utc_day() });
    list
}

pub async fn faults(world: &World, streamed: &Clickhouse, at_once: &Clickhouse, seed: u64) -> Vec<String> {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let [first, second] = plan::halves(&world.deliveries, seed);
    ingest(streamed, &world.config, &world.maps, vec![first.clone()]).await;
    let mut journeys = String::new();
    for order in orders(world, &mut dice) {
        if matches!(order, Order::Retain { .. }) {
            // A start of its own finishes the order before it.
            ingest(streamed, &world.config, &world.maps, Vec::new()).await;
            journeys = ask(streamed, "SELECT journey_id FROM v_journeys").await;
        }
        let cut = CUTS[dice.random_range(0..CUTS.len())];
        interrupted::order(streamed, world, &order, cut).await;
    }
    ingest(streamed, &world.config, &world.maps, vec![second]).await;
    ingest(streamed, &world.config, &world.maps, vec![first]).await;

    let records = ask(streamed, "SELECT what FROM operator_orders FINAL ORDER BY place").await;
    let records: Vec<OrderRecord> =
        records.lines().skip(1).map(|l| serde_json::from_str(l).expect("a record")).collect();
    let mut erased = BTreeSet::new();
    for record in &records {
        let rows = match record.member() {
            Member::Undo(undo) => OrderRows::Undo(undo),
            Member::Horizon(day) => OrderRows::Horizon(day),
            Member::Erasure(erasure) => {
                erased.extend(erasure.identifiers.iter().map(|i| (i.clone(), erasure.until)));
                OrderRows::Erasure(erasure)
            }
        };
        at_once.insert_rows(tropa::stage::Rows::Orders(rows), &[]).await.unwrap_or_else(|e| panic!("{e}"));
    }
    ingest(at_once, &world.config, &world.maps, plan::at_once(&world.deliveries)).await;

    let mut faults = differences(&dump(streamed).await, &dump(at_once).await);
    merge_parts(streamed).await;
    faults.extend(differences(&dump(streamed).await, &dump(at_once).await).into_iter().map(|f| format!("merged: {f}")));
    faults.extend(left(streamed, &erased).await);
    faults.extend(frozen(streamed, &journeys).await);
    faults
}

/// What is left of whom was forgotten.
async fn left(store: &Clickhouse, erased: &BTreeSet<(std::sync::Arc<str>, tropa::time::Day)>) -> Vec<String> {
    let mut faults = Vec::new();
    assert!(!erased.is_empty(), "somebody was forgotten");
    for (identifier, until) in erased {
        let query = format!(
            "SELECT (SELECT count() FROM events WHERE has(identifiers, '{identifier}') AND toDate32(occurred_at) <= '{until}') AS e, \
             (SELECT count() FROM identity_facts WHERE kind = 'link' AND (a = '{identifier}' OR b = '{identifier}') AND day <= '{until}') AS f, \
             (SELECT count() FROM journeys_frozen WHERE customer = '{identifier}' AND toDate32(last_at) <= '{until}') AS j"
        );
        let found = ask(store, &query).await;
        if found.lines().nth(1) != Some("0\t0\t0") {
            faults.push(format!("{identifier} until {until}: events, facts, frozen journeys {found}"));
        }
    }
    faults
}

/// Frozen journeys were journeys before, ended before the horizon, and are counted nowhere else.
async fn frozen(store: &Clickhouse, before: &str) -> Vec<String> {
    let known: BTreeSet<&str> = before.lines().collect();
    let rows =
        ask(store, "SELECT journey_id, last_at < '2026-01-04' AND outcome != 'in_flight' FROM v_journeys_frozen").await;
    let mut faults: Vec<String> = rows
        .lines()
        .skip(1)
        .filter(|row| row.split_once('\t').is_none_or(|(id, ended)| ended != "1" || !known.contains(id)))
        .map(|row| format!("frozen: {row}"))
        .collect();
    if rows.lines().count() < 2 {
        faults.push("no journey was frozen".to_owned());
    }
    let twice = ask(store, "SELECT journey_id FROM v_journeys WHERE entry_at < '2026-01-04'").await;
    faults.extend(twice.lines().skip(1).map(|id| format!("journey {id} begins before the horizon")));
    faults
}
