//! `tropa variants` against the list of journeys and the comparison.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::world::{asked, json, number};

fn rows(of: &Value) -> Vec<&Value> {
    let other = &of["other"];
    let top = of["variants"].as_array().expect("a list").iter();
    top.chain(Some(other).filter(|o| !o.is_null())).collect()
}

fn sum(rows: &[&Value], key: &str) -> u64 {
    rows.iter().map(|r| r[key].as_u64().expect("a count")).sum()
}

#[test]
fn variants_add_up_to_the_journeys_that_the_comparison_counts_whatever_is_cut() {
    let population = &json(&["compare", "--format", "json"])["population"];
    for arguments in [&["--limit", "3"][..], &["--limit", "3", "--by", "stage"], &["--limit", "1000000"]] {
        let found = json(&[&["variants", "--format", "json"], arguments].concat());
        assert_eq!(found["schema"], "variants/v1");
        let all: Vec<&Value> = found["versions"].as_array().expect("a list").iter().flat_map(rows).collect();
        for (ours, theirs) in [
            ("journeys", "entered"),
            ("completed", "completed"),
            ("ended", "ended"),
            ("dropped", "dropped"),
            ("in_flight", "in_flight"),
        ] {
            assert_eq!(sum(&all, ours), population[theirs].as_u64().expect("a count"), "{arguments:?} {ours}");
        }
        let shares: f64 = all.iter().map(|r| r["share"].as_f64().expect("a share")).sum();
        assert!((shares - 1.0).abs() < 1e-9, "{shares}");
        let cut = found["versions"][0]["other"].is_null();
        assert_eq!(cut, arguments == ["--limit", "1000000"], "{arguments:?}");
    }
}

#[test]
fn each_variant_is_what_a_naive_count_of_the_list_of_journeys_gives() {
    let lines = asked(&[
        "sql",
        "SELECT arrayStringConcat(stages, ' '), outcome, dateDiff('microsecond', entry_at, outcome_at), journey_id FROM v_journeys WHERE map_version = 1",
        "--format",
        "TSV",
    ]);
    // By path: how many, and the times of those completed.
    let mut naive: BTreeMap<String, (u64, Vec<f64>, Vec<String>)> = BTreeMap::new();
    for line in lines.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let of = naive.entry(cells[0].to_owned()).or_default();
        of.0 += 1;
        if cells[1] == "completed" {
            of.1.push(cells[2].parse::<f64>().expect("a number") / 1e6);
        }
        of.2.push(cells[3].to_owned());
    }
    let found = json(&["variants", "--format", "json", "--by", "stage", "--limit", "1000000"]);
    let variants = found["versions"][0]["variants"].as_array().expect("a list");
    assert_eq!(variants.len(), naive.len());
    assert!(naive.len() > 5, "{}", naive.len());
    let mut before = u64::MAX;
    for variant in variants {
        let steps: Vec<&str> = variant["path"].as_array().expect("a path").iter().filter_map(Value::as_str).collect();
        let (journeys, times, ids) = naive.get_mut(&steps.join(" ")).expect("a path of the list");
        assert_eq!(variant["journeys"], *journeys, "{steps:?}");
        assert!(*journeys <= before, "the most walked first");
        before = *journeys;
        times.sort_by(f64::total_cmp);
        for (key, q) in [("p50", 0.5), ("p90", 0.9)] {
            let nearest = (!times.is_empty()).then(|| times[(q * times.len() as f64).ceil() as usize - 1]);
            assert_eq!(variant["time_to_goal"][key].as_f64(), nearest, "{steps:?} {key}");
        }
        let examples = variant["examples"].as_array().expect("examples");
        assert_eq!(examples.len() as u64, (*journeys).min(3));
        assert!(examples.iter().all(|e| ids.iter().any(|id| e["journey"] == **id)), "{examples:?} {ids:?}");
    }
}

#[test]
fn fitness_and_following_are_those_of_the_conformance_tables() {
    let found = json(&["variants", "--format", "json", "--limit", "2"]);
    let all: Vec<&Value> = found["versions"].as_array().expect("a list").iter().flat_map(rows).collect();
    assert_eq!(sum(&all, "following"), number("SELECT sum(following) FROM v_conformance"));
    assert_eq!(sum(&all, "evaluated"), number("SELECT sum(evaluated) FROM v_conformance"));
    let fitness: f64 =
        all.iter().map(|r| r["fitness"].as_f64().unwrap_or(0.0) * r["evaluated"].as_f64().expect("a count")).sum();
    let stored = number(
        "SELECT sum(fitness_ppm) FROM conformance_1d FINAL WHERE (map, reading) IN (SELECT map, reading FROM v_current)",
    );
    assert!((fitness * 1e6 - stored as f64).abs() < 1e3, "{fitness} {stored}");
}

#[test]
fn text_names_a_journey_that_show_finds_and_csv_has_a_row_for_what_is_cut() {
    let text = asked(&["variants", "--limit", "2"]);
    assert!(text.contains("variants") && text.contains(" other paths)"), "{text}");
    let example = text.lines().find_map(|l| l.trim().strip_prefix("such as ")).expect("an example");
    let (journey, customer) = example.split_once(" of ").expect("a journey and its customer");
    let shown: Value = json(&["show", customer, "--format", "json"]);
    assert!(shown.to_string().contains(journey), "{journey} in {shown:#}");
    assert!(asked(&["variants", "--limit", "2", "--language", "ru"]).contains("других путей"));
    let csv = asked(&["variants", "--limit", "2", "--format", "csv"]);
    let places: Vec<&str> = csv.lines().skip(1).filter_map(|l| l.split(',').nth(2)).collect();
    assert_eq!(places, ["1", "2", "other"], "{csv}");
}

#[test]
fn the_paths_that_carry_a_share_are_the_first_variants_and_what_is_hidden_is_the_rest() {
    let variants = json(&["variants", "--format", "json", "--by", "stage", "--limit", "1000000"]);
    let of = &variants["versions"][0];
    let variants = of["variants"].as_array().expect("a list");
    let all = of["journeys"].as_u64().expect("a count");
    let mut sizes = Vec::new();
    for share in ["0.1", "0.5", "0.8", "0.95", "1"] {
        let found = json(&["compare", "--format", "json", "--explain", share]);
        let explained = &found["explained"];
        let shown = explained["paths"].as_array().expect("a list");
        // Counted once more: as few as carry it.
        let asked: f64 = share.parse().expect("a number");
        let (mut carried, mut first) = (0, 0);
        while carried as f64 / (all as f64) < asked - 1e-12 {
            carried += variants[first]["journeys"].as_u64().expect("a count");
            first += 1;
        }
        let same =
            |(own, variant): (&Value, &Value)| own["path"] == variant["path"] && own["journeys"] == variant["journeys"];
        assert_eq!(shown.len(), first, "{share}");
        assert!(shown.iter().zip(variants).all(same), "{share}: {explained:#}");
        assert_eq!(explained["journeys"], carried);
        let hidden = &explained["hidden"];
        assert_eq!(hidden["journeys"], all - carried);
        assert_eq!(hidden["paths"], (variants.len() - first) as u64);
        assert_eq!(found["population"]["entered"], all, "of the journeys that the comparison counts");
        // Arcs: walked by somebody, and by nobody on a path shown.
        let steps: std::collections::BTreeSet<(String, String)> = shown
            .iter()
            .flat_map(|p| p["path"].as_array().expect("a path").windows(2))
            .map(|pair| (pair[0].to_string(), pair[1].to_string()))
            .collect();
        let stages: Vec<&Value> = found["stages"].as_array().expect("a list").iter().map(|s| &s["stage"]).collect();
        let expected: Vec<Value> = found["transitions"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|t| stages.contains(&&t["from"]) && stages.contains(&&t["to"]) && t["transitions"] != 0)
            .filter(|t| !steps.contains(&(t["from"].to_string(), t["to"].to_string())))
            .map(|t| serde_json::json!({ "from": t["from"], "to": t["to"] }))
            .collect();
        assert_eq!(hidden["transitions"], Value::from(expected), "{share}");
        sizes.push(shown.len());
    }
    assert!(sizes.windows(2).all(|s| s[0] < s[1]), "each share needs more paths: {sizes:?}");
    assert_eq!(sizes.last(), Some(&variants.len()), "with all of it nothing is hidden");
}
