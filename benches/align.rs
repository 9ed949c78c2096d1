//! Alignments per second on one core beside PM4Py's on the same nets and the same variants, in the same run. In: BPIC 2012
//! from `TROPA_DATA` under the two designed maps, PM4Py from `TROPA_VENV`. Out: distinct variants per second of both, the
//! ratio to PM4Py's fastest variant and to its default, journeys per second once variants are known, memory.
//! Without the log it says so and ends.

#[path = "../tests/support/python.rs"]
mod python;
#[path = "../tests/conformance/pm4py_process.rs"]
mod pm4py_process;
#[path = "../tests/conformance/variants.rs"]
mod variants;

use std::time::{Duration, Instant};

use serde_json::json;
use tropa::conformance::{Judge, Walked, end_name};
use variants::{Run, maps, names};

/// How long PM4Py gets for each end of each map, by variant of its algorithm.
const SECONDS: u64 = 6;

fn main() {
    if std::env::var("TROPA_DATA").map_or(true, |d| d.is_empty()) {
        println!("align: not run: TROPA_DATA names no folder of real logs");
        return;
    }
    let run = Run::of("bpic2012/designed.yaml");
    let (mut ours, mut done, mut items) = (Duration::ZERO, 0, Vec::new());
    for map in maps() {
        let mut judge = Judge::new(map.clone());
        let walked = run.variants(&judge);
        let decided: Vec<&Walked> = walked.iter().filter(|w| w.end.is_some()).collect();
        // As often as takes a second: one pass is too short for a clock.
        let mut rounds = 0;
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(2) {
            let mut fresh = Judge::new(map.clone());
            for w in &decided {
                fresh.align(&w.path, w.end).expect("within the bound");
            }
            rounds += 1;
        }
        let spent = begin.elapsed();
        ours += spent;
        done += rounds * decided.len();
        let journeys: u64 = walked.iter().map(|w| w.journeys).sum();
        let begin = Instant::now();
        let (mut cost, mut expanded) = (0, 0);
        for w in &walked {
            let verdict = judge.judge(&w.path, w.end);
            cost += verdict.fitness.map_or(0, |f| u64::from(f.cost) * w.journeys);
            expanded += judge.expanded();
        }
        let first = begin.elapsed();
        let begin = Instant::now();
        for w in &walked {
            for _ in 0..w.journeys {
                std::hint::black_box(judge.judge(&w.path, w.end));
            }
        }
        let known = begin.elapsed();
        let (states, bytes) = judge.size();
        println!(
            "{}: {} variants ({} decided) of {journeys} journeys, cost {cost}; the whole log once {:.1} ms; known variants \
             {:.2} M journeys/s; {states} states, {} pairs expanded, scratch {} kB",
            map.id,
            walked.len(),
            decided.len(),
            first.as_secs_f64() * 1e3,
            journeys as f64 / known.as_secs_f64() / 1e6,
            expanded,
            bytes / 1024,
        );
        println!(
            "  {:.0} distinct variants/s with an empty cache",
            (rounds * decided.len()) as f64 / spent.as_secs_f64()
        );
        for end in 0..judge.model().ends.len() as u16 {
            let of = decided.iter().filter(|w| w.end == Some(end));
            let traces: Vec<_> = of.map(|w| names(&judge, &w.path)).collect();
            let name = end_name(&map, judge.model().ends[usize::from(end)]);
            items.push(json!({ "net": &*map.id, "end": name, "traces": traces }));
        }
    }
    let ours = done as f64 / ours.as_secs_f64();
    let theirs = pm4py_process::ask("bench", &json!({ "items": items, "seconds": SECONDS }));
    let mut fastest: f64 = 0.0;
    for (name, found) in theirs.as_object().expect("variants") {
        let rate = found["traces"].as_f64().unwrap() / found["seconds"].as_f64().unwrap();
        fastest = fastest.max(rate);
        println!(
            "PM4Py {name}: {rate:.1} traces/s over {} traces; ours {ours:.0}: {:.0} x",
            found["traces"],
            ours / rate
        );
    }
    println!("{:.0} x PM4Py's fastest", ours / fastest);
}
