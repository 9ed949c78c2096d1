//! `min_cell` of the config, on a small shop of the demo: what comparisons and variants told before, and what they tell then.

use serde_json::Value;

use super::shop::{list, n, word};
use super::world::ok;

const LEAST: u64 = 10;

/// Every count of people in a comparison.
fn counts(c: &Value) -> Vec<&Value> {
    let mut all: Vec<&Value> = Vec::new();
    for key in ["customers", "entered", "completed", "ended", "dropped", "in_flight", "order_ambiguous", "left_out"] {
        all.push(&c["population"][key]);
    }
    for (rows, keys) in [
        (&c["stages"], &["entered", "entries", "progressed", "ended", "dropped", "in_flight", "open_entries"][..]),
        (&c["transitions"], &["transitions"][..]),
        (&c["deviations"], &["journeys", "customers", "accepted"][..]),
        (&c["following"]["days"], &["decided", "following", "not_evaluated", "forbidden"][..]),
        (&c["following"]["stages"], &["decided", "following", "straying", "not_evaluated", "forbidden"][..]),
        (&c["after_drop_off"], &["journeys", "drop_offs"][..]),
        (&c["expectations"], &["n"][..]),
    ] {
        for row in list(rows) {
            all.extend(keys.iter().map(|key| &row[*key]));
        }
    }
    all
}

#[test]
fn counts_of_few_are_told_by_no_comparison_and_no_list_of_variants() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    ok(folder, &["demo", "--customers", "150", "--seed", "11", "--data", "d", "--no-open"]);
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&ok(folder, &[arguments, &["--data", "d", "--format", "json"]].concat())).expect("JSON")
    };
    let variants = ["variants", "--by", "stage", "--limit", "1000"];
    let (before, walked) = (json(&["compare"]), json(&variants));
    let few = |value: &Value| value.as_u64().is_some_and(|n| 0 < n && n < LEAST);
    assert!(counts(&before).into_iter().filter(|n| few(n)).count() > 50, "so small a shop has many small counts");
    assert_eq!((&before["suppressed"], &walked["suppressed"]), (&Value::Null, &Value::Null));

    let file = folder.join("d/tropa.yaml");
    let config = std::fs::read_to_string(&file).expect("the demo's config");
    std::fs::write(&file, format!("{config}\nmin_cell: {LEAST}\n")).expect("writable");
    let after = json(&["compare"]);
    assert_eq!(after["reading"], before["reading"], "no figure changes, and nothing is computed anew");
    let small: Vec<&Value> = counts(&after).into_iter().filter(|n| few(n)).collect();
    assert!(small.is_empty(), "{small:?}");
    let suppressed = &after["suppressed"];
    for (key, is_small) in [("below", true), ("at_least", false)] {
        let places = list(&suppressed[key]);
        assert!(places.len() > 5, "{suppressed:#}");
        for place in places.iter().map(word) {
            assert!(after.pointer(place).is_some_and(Value::is_null), "{place}");
            let was = before.pointer(place).unwrap_or_else(|| panic!("{place} was there"));
            assert!(few(was) == is_small && n(was) > 0, "{place} was {was}");
        }
    }
    assert_eq!(after["population"]["entered"], before["population"]["entered"], "all together are many");
    for format in ["text", "markdown", "html", "svg"] {
        let text = ok(folder, &["compare", "--data", "d", "--format", format]);
        assert!(text.contains("below 10") && text.contains("≥10"), "{format}");
    }

    let then = json(&variants);
    let of = |found: &Value, key: &str| {
        list(&found["versions"][0]["variants"]).iter().map(|v| v[key].clone()).collect::<Vec<_>>()
    };
    assert!(of(&walked, "journeys").iter().any(&few), "rare paths were listed");
    assert!(!of(&then, "journeys").is_empty() && !of(&then, "journeys").iter().any(few), "{then:#}");
    assert_eq!(
        of(&walked, "journeys")[..of(&then, "journeys").len()],
        of(&then, "journeys"),
        "the most walked ones stay"
    );
    let rest: u64 = n(&walked["versions"][0]["journeys"]) - of(&then, "journeys").iter().map(n).sum::<u64>();
    assert_eq!(then["versions"][0]["other"]["journeys"], rest);
    assert!(rest >= LEAST, "{rest}");
    for key in ["completed", "ended", "dropped", "in_flight", "following", "customers"] {
        assert!(!of(&then, key).iter().any(few), "{key}: {then:#}");
    }
}
