//! Variants and exports of a past moment are of the journeys that the comparison of that moment counts.

use serde_json::Value;

use crate::world::{asked, json, opened, refused};

const THEN: &str = "2026-03-20";

fn entered(more: &[&str]) -> u64 {
    let found = json(&[&["compare", "--format", "json"], more].concat());
    found["population"]["entered"].as_u64().expect("a count")
}

fn journeys(found: &Value) -> u64 {
    let versions = found["versions"].as_array().expect("a list");
    versions.iter().map(|v| v["journeys"].as_u64().expect("a count")).sum()
}

#[test]
fn variants_of_a_past_moment_are_those_of_its_journeys() {
    let variants = |more: &[&str]| json(&[&["variants", "--format", "json", "--by", "stage"], more].concat());
    let (now, then) = (variants(&[]), variants(&["--as-of", THEN]));
    assert_eq!(journeys(&then), entered(&["--as-of", THEN]));
    assert!(journeys(&then) > 10 && journeys(&then) < journeys(&now), "{then:#}");
    assert_eq!(then["as_of"], "2026-03-20T00:00:00Z");
    // One microsecond later than all that is known, counted anew from the sets.
    let as_of = now["as_of"].as_str().expect("a moment").trim_end_matches('Z').to_owned();
    let just_after = if as_of.contains('.') { format!("{as_of}1Z") } else { format!("{as_of}.000001Z") };
    let mut again = variants(&["--as-of", &just_after]);
    again["as_of"] = now["as_of"].clone();
    assert_eq!(again, now);
    assert!(refused(&["variants", "--as-of", "then"]).starts_with("`then` is no moment\n  allowed: "));
    assert!(refused(&["variants", "--as-of", THEN, "--version", "1"]).contains("cannot be used with"));
    let left = asked(&["sql", "SELECT count() FROM system.tables WHERE name LIKE 'scratch%'", "--format", "TSV"]);
    assert_eq!(left.trim(), "0", "nothing stays");
}

#[test]
fn exports_of_a_past_moment_hold_its_journeys_and_nothing_later() {
    let n = entered(&["--as-of", THEN]);
    let xes = asked(&["export", "--format", "xes", "--as-of", THEN]);
    assert_eq!(xes.matches("<trace>").count() as u64, n);
    let times = xes.split("key=\"time:timestamp\" value=\"").skip(1).map(|rest| &rest[..10]);
    assert!(times.clone().count() > 10 && times.clone().all(|day| day < THEN), "{:?}", times.max());
    let cjml = asked(&["export", "--format", "cjml-actual", "--as-of", THEN]);
    assert_eq!(cjml.matches("<actualJourney>").count() as u64, n);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("then.xlsx");
    asked(&["export", "--format", "xlsx", "--as-of", THEN, "--out", crate::shop::text(&file)]);
    let book = opened("xlsx", &file);
    let summary = book["summary"].as_array().expect("a summary");
    let found = summary.iter().find(|row| row[0] == "population.entered").expect("the population");
    assert_eq!(found[1], n);
    let said = refused(&["export", "--format", "bpmn", "--as-of", THEN]);
    assert!(
        said.starts_with("`--as-of` is about what people did; of the designed map there are versions\n  allowed: "),
        "{said}"
    );
}
