//! How fast identity takes facts in: new ones beside those it knows already (the baseline, a look-up each), and one fact
//! that folds a large component again. In: nothing. Out: facts per second, their ratio, and the time of one large fold.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tropa::event::SourceId;
use tropa::identity::{Fact, Identity};
use tropa::time::{Day, Timestamp};

/// An identity with the kinds that a config has unless it says otherwise.
fn identity() -> Identity {
    let text = "schema: config/v1\nsources: { s: { decoder: { name: n, time: t } } }";
    let config = tropa::config::parse("tropa.yaml", text, &|_| None, Path::new("."));
    Identity::new(&config.unwrap_or_else(|e| panic!("{e}")))
}

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

fn main() {
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
    let mut known = identity();
    let [new, again] = ["new", "known"].map(|pass| {
        let copy = facts.clone();
        let start = Instant::now();
        let mut rest = copy.into_iter();
        loop {
            let part: Vec<Fact> = rest.by_ref().take(50_000).collect();
            if part.is_empty() {
                break;
            }
            known.apply(part, []);
        }
        let rate = facts.len() as f64 / start.elapsed().as_secs_f64();
        println!("{pass:>6}: {rate:>10.0} facts/s");
        rate
    });
    println!("new facts to known ones: {:.2}", new / again);

    // 500 devices of 40 persons each, tied into one component of 20,500 nodes: each fact folds all of it again.
    let mut identity = identity();
    let chain = (0..20_000i64).map(|n| fact(format!("user:{n:08}"), format!("device:{:08}", n / 40), n));
    let links = (0..500i64).map(|n| fact(format!("user:{:08}", n * 40), format!("device:{:08}", (n + 1) % 500), n));
    let first = identity.apply(chain.chain(links), []);
    let start = Instant::now();
    for n in 0..100i64 {
        identity.apply([fact(format!("user:{n:08}"), format!("device:{:08}", 250 + n), 50_000 + n)], []);
    }
    assert_eq!(first.largest_component, 20_500, "the bench folds what it says");
    println!("component of {}: {:.1?} per fold", first.largest_component, start.elapsed() / 100);
}
