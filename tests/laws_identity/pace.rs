//! How fast facts are taken in. Run by hand, best optimised: `cargo test --release --test laws_identity pace -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use tropa::event::SourceId;
use tropa::identity::Fact;
use tropa::time::{Day, Timestamp};

use crate::world::examples;

fn fact(a: String, b: String, n: i64) -> Fact {
    let occurred_at = Timestamp::from_micros(Day(20_000).start_utc().micros() + n);
    Fact {
        a: Arc::from(a),
        b: Arc::from(b),
        source: SourceId(0),
        generation: 1,
        day: occurred_at.utc_day(),
        occurred_at,
        event_id: Arc::from(n.to_string()),
    }
}

#[test]
#[ignore = "measures; says nothing about right or wrong"]
fn pace_of_new_facts_known_facts_and_a_large_component() {
    let people = 300_000i64;
    let facts: Vec<Fact> = (0..people)
        .flat_map(|n| {
            [
                fact(format!("user:{n:032x}"), format!("cookie:{n:032x}"), 3 * n),
                fact(format!("user:{n:032x}"), format!("email:{n:032x}"), 3 * n + 1),
                fact(format!("user:{n:032x}"), format!("device:{n:032x}"), 3 * n + 2),
            ]
        })
        .collect();
    let mut identity = examples().identity();
    for pass in ["new", "known"] {
        let copy = facts.clone();
        let start = Instant::now();
        let mut rest = copy.into_iter();
        loop {
            let part: Vec<Fact> = rest.by_ref().take(50_000).collect();
            if part.is_empty() {
                break;
            }
            identity.apply(part, []);
        }
        let rate = facts.len() as f64 / start.elapsed().as_secs_f64();
        println!("{pass:>6}: {rate:>10.0} facts/s");
    }

    // 500 devices of 40 persons each, tied into one component of 20,500 nodes: each fact folds all of it again.
    let mut identity = examples().identity();
    let chain = (0..20_000i64).map(|n| fact(format!("user:{n:08}"), format!("device:{:08}", n / 40), n));
    let links = (0..500i64).map(|n| fact(format!("user:{:08}", n * 40), format!("device:{:08}", (n + 1) % 500), n));
    let first = identity.apply(chain.chain(links), []);
    let start = Instant::now();
    for n in 0..100i64 {
        identity.apply([fact(format!("user:{n:08}"), format!("device:{:08}", 250 + n), 50_000 + n)], []);
    }
    println!("component of {}: {:.1?} per fold", first.largest_component, start.elapsed() / 100);
}
