//! Random cases against the naive oracle, all in one process of it.

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tropa::config::Class;
use tropa::event::Event;
use tropa::identity::{Fact, Identity, Refusal};

use crate::world::{World, batch_of, customer_of, events, tight};

fn asked(world: &World, events: &[Event]) -> Value {
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
    let (facts, nodes) = batch_of(world, events);
    let fact = |f: &Fact| {
        json!({ "a": &*f.a, "b": &*f.b, "source": world.sources[usize::from(f.source.0)].0, "generation": f.generation,
            "day": f.day.0, "at": f.occurred_at.micros(), "event_id": &*f.event_id })
    };
    json!({
        "kinds": kinds,
        "sources": world.sources.iter().map(|&(name, n)| (name.to_owned(), json!(n))).collect::<serde_json::Map<_, _>>(),
        "facts": facts.iter().map(fact).collect::<Vec<_>>(),
        "nodes": nodes.iter().map(|n| json!(&**n)).collect::<Vec<_>>(),
        "events": events.iter().map(|e| json!({
            "ids": e.identifiers.iter().map(|i| json!(&*i.node)).collect::<Vec<_>>(),
            "day": e.occurred_at.utc_day().0,
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
fn six_hundred_random_cases_agree_with_the_naive_oracle() {
    let world = tight();
    let mut runner = TestRunner::deterministic();
    let strategies = [events(12), events(30), events(70)];
    let cases: Vec<Vec<Event>> = (0..600)
        .map(|n| strategies[n % strategies.len()].new_tree(&mut runner).expect("a list of events").current())
        .collect();
    let mut oracle = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/identity.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut input = oracle.stdin.take().expect("its input is a pipe");
    for case in &cases {
        writeln!(input, "{}", asked(&world, case)).expect("the oracle reads");
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

    let (mut unique, mut limit, mut quarantined, mut days) = (0, 0, 0, 0);
    for (nth, (case, answer)) in cases.iter().zip(answers).enumerate() {
        let mut identity = world.identity();
        for part in case.chunks(1 + nth % 5) {
            let (facts, nodes) = batch_of(&world, part);
            identity.apply(facts, nodes);
        }
        assert_eq!(answered(&world, &identity, case), answer, "events: {case:#?}");
        let refused = identity.refused();
        unique += refused.iter().filter(|(_, by)| *by == Refusal::Unique).count();
        limit += refused.iter().filter(|(_, by)| *by == Refusal::Limit).count();
        quarantined += identity.quarantined().count();
        days += identity.assignments_all().filter(|a| a.day.is_some()).count();
    }
    // The cases meet what they are there to meet.
    let met = [unique, limit, quarantined, days];
    assert!(met.iter().all(|&n| n >= 100), "unique, limit, quarantined, days: {met:?}");
}
