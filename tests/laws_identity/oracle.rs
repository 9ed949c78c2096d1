//! Random cases against the naive oracle, all in one process of it.

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tropa::config::Class;
use tropa::event::Event;
use tropa::identity::{Fact, Identity, Refusal, Undo};

use crate::orders::whole;
use crate::world::{Ordered, World, batch_of, customer_of, events, orders, tight};

fn asked(world: &World, events: &[Event], orders: &[Ordered]) -> Value {
    let kinds: serde_json::Map<String, Value> = world
        .kinds
        .iter()
        .map(|k| {
            let class = match k.class {
                Class::Person => "person",
                Class::Device => "device",
                Class::Object => "object",
            };
            let guard = json!({ "class": class, "priority": k.priority, "unique": k.unique, "limit": k.limit,
                "max_partners": k.max_partners });
            (k.name.to_string(), guard)
        })
        .collect();
    let (facts, _) = batch_of(world, events);
    let (mut revoke, mut forbid, mut erasures, mut horizon) = (Vec::new(), Vec::new(), Vec::new(), None);
    for order in orders {
        match order {
            Ordered::Undo(Undo::Revoke { a, b, day }) => revoke.push(json!({ "a": &**a, "b": &**b, "day": day.0 })),
            Ordered::Undo(Undo::Forbid { a, b }) => forbid.push(json!({ "a": &**a, "b": &**b })),
            Ordered::Erase(e) => erasures.push(json!({
                "identifiers": e.identifiers.iter().map(|i| &**i).collect::<Vec<_>>(),
                "until": e.until.0,
                "days": e.days.iter().map(|(node, day)| json!([&**node, day.0])).collect::<Vec<_>>(),
            })),
            Ordered::Retain(day) => horizon = horizon.max(Some(day.0)),
        }
    }
    let fact = |f: &Fact| {
        json!({ "a": &*f.a, "b": &*f.b, "source": world.sources[usize::from(f.source.0)].0, "generation": f.generation,
            "day": f.day.0, "at": f.occurred_at.micros(), "event_id": &*f.event_id })
    };
    json!({
        "kinds": kinds,
        "sources": world.sources.iter().map(|&(name, n)| (name.to_owned(), json!(n))).collect::<serde_json::Map<_, _>>(),
        "facts": facts.iter().map(fact).collect::<Vec<_>>(),
        "revoke": revoke,
        "forbid": forbid,
        "erasures": erasures,
        "horizon": horizon,
        "events": events.iter().map(|e| json!({
            "ids": e.identifiers.iter().map(|i| json!(&*i.node)).collect::<Vec<_>>(),
            "day": e.occurred_at.utc_day().0,
            "source": world.sources[usize::from(e.source.0)].0,
            "generation": e.generation,
        })).collect::<Vec<_>>(),
    })
}

fn answered(world: &World, identity: &Identity, events: &[Event]) -> Value {
    let names = |list: Vec<std::sync::Arc<str>>| list.iter().map(|n| json!(&**n)).collect::<Vec<_>>();
    let mut quarantined: Vec<_> = identity.quarantined().collect();
    quarantined.sort();
    let refused = |f: &Fact| json!([&*f.a, &*f.b, world.sources[usize::from(f.source.0)].0, f.day.0, &*f.event_id]);
    json!({
        "customers": identity.customers().map(|c| (c.to_string(), json!(names(identity.members(&c)))))
            .collect::<serde_json::Map<_, _>>(),
        "quarantined": names(quarantined),
        "refused": identity.refused().iter().map(|(fact, _)| refused(fact)).collect::<Vec<_>>(),
        "events": events.iter().map(|e| json!(customer_of(identity, e))).collect::<Vec<_>>(),
    })
}

#[test]
fn twelve_hundred_random_cases_half_of_them_with_orders_agree_with_the_naive_oracle() {
    let world = tight();
    let mut runner = TestRunner::deterministic();
    let (lists, orders) = ([events(12), events(30), events(70)], [orders(1), orders(14)]);
    let cases: Vec<(Vec<Event>, Vec<Ordered>)> = (0..1200)
        .map(|n| {
            let events = lists[n % lists.len()].new_tree(&mut runner).expect("a list of events").current();
            (events, orders[n % orders.len()].new_tree(&mut runner).expect("a list of orders").current())
        })
        .collect();
    let mut oracle = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/identity.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut input = oracle.stdin.take().expect("its input is a pipe");
    for (events, orders) in &cases {
        writeln!(input, "{}", asked(&world, events, orders)).expect("the oracle reads");
    }
    drop(input);
    let output = oracle.wait_with_output().expect("the oracle ends");
    assert!(output.status.success());
    let answers: Vec<Value> = output
        .stdout
        .split(|&b| b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).expect("JSON"))
        .collect();
    assert_eq!(answers.len(), cases.len());

    let (mut unique, mut limit, mut forbid, mut quarantined, mut days, mut gone) = (0, 0, 0, 0, 0, 0);
    for (nth, ((case, orders), answer)) in cases.iter().zip(answers).enumerate() {
        let identity = match orders.as_slice() {
            [] => {
                let mut identity = world.identity();
                for part in case.chunks(1 + nth % 5) {
                    let (facts, nodes) = batch_of(&world, part);
                    identity.apply(facts, nodes);
                }
                identity
            }
            orders => whole(&world, case, orders),
        };
        assert_eq!(answered(&world, &identity, case), answer, "events: {case:#?}, orders: {orders:#?}");
        let refused = identity.refused();
        unique += refused.iter().filter(|(_, by)| *by == Refusal::Unique).count();
        limit += refused.iter().filter(|(_, by)| *by == Refusal::Limit).count();
        forbid += refused.iter().filter(|(_, by)| *by == Refusal::Forbid).count();
        quarantined += identity.quarantined().count();
        days += identity.assignments_all().filter(|a| a.day.is_some()).count();
        gone += case.iter().filter(|e| identity.outside().covers_event(e)).count();
    }
    // The cases meet what they are there to meet.
    let met = [unique, limit, forbid, quarantined, days, gone];
    assert!(met.iter().all(|&n| n >= 50), "unique, limit, forbid, quarantined, days, outside: {met:?}");
}
