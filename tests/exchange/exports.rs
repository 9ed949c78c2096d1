//! What is exported opens in tools that others wrote, with the same counts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::{asked, exported, json, number, opened, opened_by_moddle};

/// Counts by a word, as `tropa sql` has them.
fn counted(query: &str) -> BTreeMap<String, u64> {
    let answer = asked(&["sql", query, "--format", "TSV"]);
    let pair = |line: &str| {
        let (word, n) = line.split_once('\t').expect("two columns");
        (word.to_owned(), n.parse().expect("a number"))
    };
    answer.lines().map(pair).collect()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

const VISITS: &str = "SELECT arrayJoin(touchpoints) AS t, count() FROM v_journeys GROUP BY t";

#[test]
fn xes_opens_in_pm4py_with_the_same_traces_events_and_outcomes() {
    let folder = folder();
    let found = opened("xes", &exported("xes", folder.path()));
    assert_eq!(found["traces"], number("SELECT count() FROM v_journeys"));
    assert_eq!(found["events"], number("SELECT sum(length(touchpoints)) FROM v_journeys"));
    assert_eq!(found["by_touchpoint"], json!(counted(VISITS)));
    assert_eq!(found["outcomes"], json!(counted("SELECT outcome, count() FROM v_journeys GROUP BY outcome")));
    let first =
        asked(&["sql", "SELECT formatDateTime(min(entry_at), '%Y-%m-%dT%H:%i:%S') FROM v_journeys", "--format", "TSV"]);
    assert!(found["first"].as_str().expect("a time").starts_with(first.trim()), "{found} {first}");
}

#[test]
fn ocel_opens_in_pm4py_with_every_customer_journey_and_visit() {
    let folder = folder();
    let found = opened("ocel", &exported("ocel", folder.path()));
    let (journeys, visits) =
        (number("SELECT count() FROM v_journeys"), number("SELECT sum(length(touchpoints)) FROM v_journeys"));
    assert_eq!(found["events"], visits);
    assert_eq!(found["by_type"], json!(counted(VISITS)));
    let customers = number("SELECT uniqExact(customer) FROM v_journeys");
    assert_eq!(found["objects"], json!({ "customer": customers, "journey": journeys }));
    assert_eq!(found["relations"], json!({ "visit of": visits, "made by": visits }));
}

#[test]
fn bpmn_opens_in_pm4py_and_in_bpmn_moddle_and_everything_is_drawn() {
    let folder = folder();
    let file = exported("bpmn", folder.path());
    let map = tropa::map::parse("shop", include_str!("../../config/demo/shop.journey.yaml")).expect("the demo's map");
    let mut stages: Vec<&str> = map.stages.iter().filter_map(|s| s.title.get("en")).collect();
    let mut touchpoints: Vec<&str> = map.touchpoints.iter().map(|t| t.title.get("en").unwrap_or(&t.id)).collect();
    stages.sort_unstable();
    touchpoints.sort_unstable();

    let moddle = opened_by_moddle(&file);
    assert_eq!(moddle["warnings"], json!([]));
    assert_eq!(moddle["undrawn"], json!([]));
    let of = |kind: &str| {
        let nodes = moddle["nodes"].as_array().expect("nodes").iter().filter(|n| n[0] == kind);
        let mut names: Vec<&str> = nodes.map(|n| n[2].as_str().expect("a name")).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(of("bpmn:AdHocSubProcess"), stages);
    assert_eq!(of("bpmn:Task"), touchpoints);
    let flows = moddle["flows"].as_array().expect("flows");
    assert!(flows.iter().all(|f| f[0].is_string() && f[1].is_string()), "{flows:?}");

    let pm4py = opened("bpmn", &file);
    assert_eq!(pm4py["subprocesses"], json!(stages));
    assert_eq!(pm4py["tasks"], json!(touchpoints));
    assert_eq!(pm4py["flows"], flows.len());
}

#[test]
fn pnml_opens_in_pm4py_with_one_token_and_the_touchpoints_of_the_model() {
    let folder = folder();
    let found = opened("pnml", &exported("pnml", folder.path()));
    let map = tropa::map::parse("shop", include_str!("../../config/demo/shop.journey.yaml")).expect("the demo's map");
    let mut labels: Vec<&str> = map.touchpoints.iter().filter(|t| !t.is_beside()).map(|t| &*t.id).collect();
    labels.sort_unstable();
    assert_eq!((&found["labels"], &found["tokens"]), (&json!(labels), &json!(1)));
}

#[test]
fn the_workbook_opens_in_openpyxl_with_every_table_and_number_of_the_comparison() {
    let folder = folder();
    let book = opened("xlsx", &exported("xlsx", folder.path()));
    let comparison = json(&["compare", "--format", "json"]);
    let tables: Vec<&String> = comparison
        .as_object()
        .expect("an object")
        .iter()
        .filter(|(_, v)| v.as_array().is_some_and(|l| l.first().is_some_and(Value::is_object)))
        .map(|(name, _)| name)
        .collect();
    assert!(tables.len() >= 3, "{tables:?}");
    for name in tables {
        let rows = book[name].as_array().unwrap_or_else(|| panic!("a sheet for {name}"));
        let list = comparison[name].as_array().expect("a list");
        assert_eq!(rows.len(), list.len() + 1, "{name}");
        for (row, item) in rows[1..].iter().zip(list) {
            for (i, column) in rows[0].as_array().expect("a header").iter().enumerate() {
                let path = format!("/{}", column.as_str().expect("a name").replace('.', "/"));
                let ours = item.pointer(&path).unwrap_or(&Value::Null);
                let cell = &row[i];
                match (ours.as_f64(), cell.as_f64()) {
                    (Some(a), Some(b)) => assert!((a - b).abs() <= a.abs() * 1e-12, "{name} {path}: {a} {b}"),
                    _ if ours.is_array() => assert!(cell.is_string() || cell.is_null(), "{name} {path}"),
                    _ if ours == "" => assert!(cell.is_null(), "{name} {path}: no text is an empty cell"),
                    _ => assert_eq!(ours, cell, "{name} {path}"),
                }
            }
        }
    }
    let summary = book["summary"].as_array().expect("a summary");
    let entered = summary.iter().find(|r| r[0] == "population.entered").expect("the population");
    assert_eq!(entered[1], comparison["population"]["entered"]);
}

#[test]
fn mermaid_and_planned_cjml_name_every_stage_and_touchpoint_and_actual_cjml_every_journey() {
    let mermaid = asked(&["export", "--format", "mermaid", "--language", "ru"]);
    assert!(mermaid.starts_with("flowchart LR\n"), "{mermaid}");
    let map = tropa::map::parse("shop", include_str!("../../config/demo/shop.journey.yaml")).expect("the demo's map");
    for (s, stage) in map.stages.iter().enumerate() {
        assert!(
            mermaid.contains(&format!("subgraph s{s}[\"{}\"]", stage.title.get("ru").expect("a title"))),
            "{mermaid}"
        );
    }
    for (from, to) in tropa::map::arcs::arcs(&map) {
        let solid = mermaid.contains(&format!("  s{from} --> s{to}\n"));
        assert!(solid != mermaid.contains(&format!("  s{from} -.-> s{to}\n")), "{from} {to} in {mermaid}");
    }
    let planned = asked(&["export", "--format", "cjml"]);
    let planned = roxmltree::Document::parse(&planned).expect("XML");
    let count = |d: &roxmltree::Document<'_>, name: &str| d.descendants().filter(|n| n.has_tag_name(name)).count();
    assert_eq!(count(&planned, "phase"), map.stages.len());
    assert_eq!(count(&planned, "plannedCommunicationPoint"), map.touchpoints.len());
    let actual = asked(&["export", "--format", "cjml-actual"]);
    let actual = roxmltree::Document::parse(&actual).expect("XML");
    assert_eq!(count(&actual, "actualJourney") as u64, number("SELECT count() FROM v_journeys"));
    assert_eq!(
        count(&actual, "actualCommunicationPoint") as u64,
        number("SELECT sum(length(touchpoints)) FROM v_journeys")
    );
}

#[test]
fn an_unknown_version_is_answered_with_those_there_are_and_leaves_no_file() {
    let folder = folder();
    let file = folder.path().join("x.bpmn");
    let data = crate::world::demo().to_str().expect("text").to_owned();
    let path = file.to_str().expect("text");
    let out = crate::shop::run(&["export", "--format", "bpmn", "--map-version", "9", "--out", path, "--data", &data]);
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(said, "map `shop-order` has no version 9\n  the journey files hold: 1\n");
    assert!(!file.exists());
}

#[test]
fn compare_writes_the_workbook_that_export_writes_with_the_paths_shown_if_they_are_asked_for() {
    let folder = folder();
    let exported = opened("xlsx", &exported("xlsx", folder.path()));
    let compared = |name: &str, more: &[&str]| {
        let file = folder.path().join(name);
        let place = ["compare", "--format", "xlsx", "--out", file.to_str().expect("text")];
        assert_eq!(asked(&[&place[..], more].concat()), "");
        opened("xlsx", &file)
    };
    assert_eq!(compared("plain.xlsx", &[]), exported);
    let explained = compared("explained.xlsx", &["--explain", "0.8"]);
    let rows = explained["explained.paths"].as_array().expect("a sheet");
    assert_eq!(rows[0], json!(["journeys", "path", "share", "version"]));
    let shown: u64 = rows[1..].iter().filter_map(|row| row[0].as_u64()).sum();
    assert!(shown as f64 >= 0.8 * number("SELECT count() FROM v_journeys") as f64, "{shown}");
}
