//! Against PM4Py, in a process of its own: costs of optimal alignments on hand-written nets and on exported ones, the
//! language of the export, transition counts, precision.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tropa::conformance::{Judge, Walked, end_name, precision};

use crate::data;
use crate::pm4py_process::ask;
use crate::random;
use crate::variants::{Run, maps, names};

fn end_of(judge: &Judge, end: u16) -> String {
    end_name(judge.map(), judge.model().ends[usize::from(end)])
}

#[test]
fn on_bpic_2012_every_variant_costs_what_it_costs_on_nets_written_by_hand_and_arcs_are_those_of_a_directly_follows_graph()
 {
    let test = "on_bpic_2012_every_variant_costs_what_it_costs_on_nets_written_by_hand";
    let Some(logs) = data::data_dir(test) else { return };
    let run = Run::of("bpic2012/designed.yaml");
    for map in maps() {
        let mut judge = Judge::new(map.clone());
        let variants: Vec<Walked> = run.variants(&judge).into_iter().filter(|w| w.end.is_some()).collect();
        let (mut questions, mut mine) = (Vec::new(), Vec::new());
        for end in 0..judge.model().ends.len() as u16 {
            let of: Vec<&Walked> = variants.iter().filter(|w| w.end == Some(end)).collect();
            let traces: Vec<_> = of.iter().map(|w| names(&judge, &w.path)).collect();
            // The empty trace gives the length of the shortest run, which fitness rests on.
            let traces = [vec![Vec::new()], traces].concat();
            let shortest = judge.shortest(end).unwrap();
            let costs = of.iter().map(|w| judge.align(&w.path, Some(end)).unwrap().cost);
            mine.push(std::iter::once(shortest).chain(costs).collect::<Vec<u32>>());
            questions.push(json!({ "net": &*map.id, "end": end_of(&judge, end), "traces": traces }));
        }
        let theirs = ask("costs", &json!(questions));
        assert_eq!(theirs, json!(mine), "{}", map.id);
        let journeys: u64 = variants.iter().map(|w| w.journeys).sum();
        let total: u32 = mine.iter().flatten().sum();
        assert!(variants.len() > 50 && journeys > 10_000 && total > 100, "{} {journeys} {total}", variants.len());
        println!(
            "{}: {} variants of {journeys} decided journeys cost the same, {total} in all",
            map.id,
            variants.len()
        );
        the_tables_say_the_same(&run, &mut judge);
    }
    drop(run);

    let run = Run::of("bpic2012/tropa.yaml");
    let mine = run.ask(
        "SELECT from_stage, to_stage, sum(transitions) FROM v_transitions WHERE map = 'bpic-arcs' AND from_stage != 'start' \
         AND to_stage NOT IN ('completed', 'ended', 'dropped', 'in_flight') GROUP BY 1, 2",
    );
    let mine: serde_json::Map<String, Value> =
        mine.iter().map(|r| (format!("{} {}", r[0], r[1]), json!(r[2].parse::<u64>().unwrap()))).collect();
    let theirs = ask("arcs", &json!(logs.join("bpic2012/bpic2012.csv.gz")));
    // A repeated touchpoint is no transition; the graph has it as a loop.
    let theirs: serde_json::Map<String, Value> = theirs
        .as_object()
        .unwrap()
        .iter()
        .filter(|(arc, _)| arc.split_once(' ').is_some_and(|(a, b)| a != b))
        .map(|(arc, n)| (arc.clone(), n.clone()))
        .collect();
    assert_eq!(mine, theirs);
    assert!(mine.len() > 40);
}

/// The stored costs, counts by outcome and deviations are those of the variants.
fn the_tables_say_the_same(run: &Run, judge: &mut Judge) {
    let map = judge.map().clone();
    let (mut cost, mut following, mut evaluated, mut ambiguous) = (0, 0, 0, 0);
    let mut deviations: BTreeMap<String, u64> = BTreeMap::new();
    for walked in run.variants(judge) {
        let verdict = judge.judge(&walked.path, walked.end);
        cost += u64::from(verdict.fitness.unwrap().cost) * walked.journeys;
        evaluated += walked.journeys;
        following += if verdict.deviations.is_empty() { walked.journeys } else { 0 };
        ambiguous += u64::from(verdict.ambiguous_type) * walked.journeys;
        for deviation in &verdict.deviations {
            *deviations.entry(deviation.words(&map)).or_default() += walked.journeys;
        }
    }
    let rows = format!("FROM customer_journeys FINAL WHERE map = '{}' AND is_deleted = 0", map.id);
    let stored = run.ask(&format!("SELECT sum(arraySum(`j.fit_cost`)) {rows}"));
    assert_eq!(stored, [[cost.to_string()]]);
    for table in ["conformance_1d FINAL", "v_conformance"] {
        let sums =
            format!("SELECT sum(evaluated), sum(following), sum(ambiguous_type) FROM {table} WHERE map = '{}'", map.id);
        assert_eq!(run.ask(&sums), [[evaluated, following, ambiguous].map(|n: u64| n.to_string())], "{table}");
    }
    let wanted: Vec<Vec<String>> = deviations.into_iter().map(|(words, n)| vec![words, n.to_string()]).collect();
    assert!(wanted.len() >= 5 && following > 0 && following < evaluated, "{wanted:?}");
    for table in ["deviations_1d FINAL", "v_deviations"] {
        let stored = format!(
            "SELECT concat(kind, ' ', place) AS words, sum(journeys) AS n FROM {table} WHERE map = '{}' \
             GROUP BY words HAVING n > 0 ORDER BY words",
            map.id
        );
        assert_eq!(run.ask(&stored), wanted, "{table}");
    }
    let shares = "min(length(examples) >= 1 AND customers <= journeys AND share <= 1), max(share) > 0";
    assert_eq!(run.ask(&format!("SELECT {shares} FROM v_deviations WHERE map = '{}'", map.id)), [["1", "1"]]);
}

#[test]
fn the_exported_net_has_the_language_of_the_net_written_by_hand_up_to_length_7() {
    let nets: Vec<(String, String)> =
        maps().into_iter().map(|map| (map.id.to_string(), Judge::new(map).pnml().unwrap())).collect();
    let asked: Vec<_> = nets.iter().map(|(hand, pnml)| json!({ "hand": hand, "pnml": pnml, "length": 7 })).collect();
    for answer in ask("languages", &json!(asked)).as_array().unwrap() {
        assert_eq!(answer["differ"], json!([]));
        assert!(answer["words"].as_u64().unwrap() > 500, "{answer}");
    }
}

#[test]
fn on_2000_random_maps_and_traces_the_cost_is_that_of_an_optimal_alignment_on_the_exported_net() {
    let mut rng: ChaCha8Rng = random::rng(11);
    let (mut asked, mut mine) = (Vec::new(), Vec::new());
    while asked.len() < 2_000 {
        let touchpoints = rng.random_range(2..=6);
        let mut judge = Judge::new(random::map(&mut rng, touchpoints));
        if judge.model().ends.is_empty() {
            continue;
        }
        let end = rng.random_range(0..judge.model().ends.len() as u16);
        let path: Vec<u16> = (0..rng.random_range(1..=8)).map(|_| rng.random_range(0..touchpoints as u16)).collect();
        let Ok(found) = judge.align(&path, Some(end)) else { continue };
        mine.push(json!([found.cost]));
        let trace = names(&judge, &path);
        let pnml = judge.pnml().unwrap();
        asked.push(json!({ "net": pnml, "end": end_of(&judge, end), "traces": [trace] }));
    }
    assert_eq!(ask("costs", &json!(asked)), json!(mine));
}

/// A run drawn step by step to an end; steps that came seldom so far come more often.
fn draw(judge: &mut Judge, rng: &mut ChaCha8Rng) -> Option<(Vec<u16>, u16)> {
    let mut run = Vec::new();
    loop {
        if let Some(end) = judge.end_of_run(&run)
            && (judge.model().is_last(end) || rng.random_bool(0.5))
        {
            return Some((run, end));
        }
        let next = judge.next_steps(&run);
        if next.is_empty() || run.len() > 40 {
            return None;
        }
        run.push(next[rng.random_range(0..next.len())]);
    }
}

fn drawn(judge: &mut Judge, rng: &mut ChaCha8Rng, runs: usize) -> Vec<Walked> {
    let drawn = (0..runs).filter_map(|_| draw(judge, rng));
    drawn.map(|(run, end)| Walked { path: run.into(), end: Some(end), journeys: 1 }).collect()
}

#[test]
fn precision_by_prefixes_of_fitting_logs_is_escaping_edges_precision_of_pm4py() {
    let mut rng: ChaCha8Rng = random::rng(12);
    let (mut asked, mut mine) = (Vec::new(), Vec::new());
    while asked.len() < 30 {
        let mut judge = Judge::new(random::map(&mut rng, 4));
        let log = drawn(&mut judge, &mut rng, 12);
        if log.is_empty() {
            continue;
        }
        mine.push(precision(&mut judge, &log).by_prefix.unwrap());
        let log: Vec<_> = log.iter().map(|w| json!([names(&judge, &w.path), w.journeys])).collect();
        asked.push(json!({ "pnml": judge.pnml().unwrap(), "log": log }));
    }
    let theirs = ask("precision", &json!(asked));
    for (mine, theirs) in mine.iter().zip(theirs.as_array().unwrap()) {
        let theirs = theirs.as_f64().unwrap();
        assert!((mine - theirs).abs() < 1e-9, "{mine} and {theirs}");
    }
    assert!(mine.iter().any(|p| *p < 0.9), "{mine:?}");
}

#[test]
fn precision_by_states_of_a_log_drawn_from_the_map_is_1_once_each_step_was_drawn_and_stays_so() {
    let mut rng: ChaCha8Rng = random::rng(13);
    let mut held = 0;
    while held < 40 {
        let mut judge = Judge::new(random::map(&mut rng, 3));
        let mut log = drawn(&mut judge, &mut rng, 4_000);
        if log.is_empty() {
            continue;
        }
        assert_eq!(precision(&mut judge, &log).by_state, Some(1.0), "{:#?}", judge.map());
        log.extend(drawn(&mut judge, &mut rng, 4_000));
        assert_eq!(precision(&mut judge, &log).by_state, Some(1.0));
        // One path only, where the map allows more: the map says more than what happens.
        let all = precision(&mut judge, &log[..1]).by_state.unwrap();
        assert!(all <= 1.0);
        held += 1;
    }
}
