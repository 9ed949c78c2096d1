//! `min_cell` of the config, on a small shop of the demo: what comparisons and variants told before, and what they tell then.

use serde_json::Value;

use super::shop::{list, n, word};
use super::world::ok;

const LEAST: u64 = 10;

const PERSONAS: &str = "
personas:
  - id: app_user
    segment: { attribute: platform, in: [app] }

channels:
";

/// Whole numbers that count no people: keys of docs/comparison.md, whatever lies below them.
const NOBODY: [&str; 14] = [
    "version",
    "coverage",
    "unmapped",
    "alike",
    "mature_dates",
    "immature_dates",
    "used",
    "designed",
    "paths",
    "cut_paths",
    "distinct",
    "deviations_cut",
    "min_cell",
    "suppressed",
];

/// Every count of people in a comparison, whatever its place: (JSON pointer, count).
fn counts(c: &Value) -> Vec<(String, u64)> {
    fn walk(value: &Value, at: &str, all: &mut Vec<(String, u64)>) {
        match value {
            Value::Number(_) => all.extend(value.as_u64().map(|n| (at.to_owned(), n))),
            Value::Array(values) => values.iter().enumerate().for_each(|(i, v)| walk(v, &format!("{at}/{i}"), all)),
            Value::Object(keys) => {
                let own = keys.iter().filter(|(key, value)| !is_nobody(key, value));
                own.for_each(|(key, value)| walk(value, &format!("{at}/{key}"), all));
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    let mut all = Vec::new();
    walk(c, "", &mut all);
    all
}

/// Of a headline `coverage` is a rate, and `paths` an object that holds counts beside.
fn is_nobody(key: &str, value: &Value) -> bool {
    let holds_counts = match key {
        "coverage" => value.get("n").is_some() || value.get("entered").is_some(),
        "paths" => value.is_object(),
        _ => false,
    };
    NOBODY.contains(&key) && !holds_counts
}

const FIGURES: [&str; 12] = [
    "/decided",
    "/following",
    "/straying",
    "/not_evaluated",
    "/forbidden",
    "/fitness/n",
    "/fitness_by_outcome/completed/n",
    "/fitness_by_outcome/ended/n",
    "/fitness_by_outcome/dropped/n",
    "/order_ambiguous",
    "/share",
    "/coverage",
];

/// A count, or the hits of a rate. None: not told, or none.
fn figure(of: &Value, at: &str) -> Option<u64> {
    let found = of.pointer(at).unwrap_or_else(|| panic!("no {at} in {of}"));
    match (found.get("value").and_then(Value::as_f64), found.get("n")) {
        (Some(value), Some(all)) => Some((value * n(all) as f64).round() as u64),
        _ => found.as_u64(),
    }
}

/// Whole and parts in words, each of them with its figures.
fn sums(c: &Value) -> Vec<(String, Vec<Option<u64>>)> {
    let mut all: Vec<(String, Vec<Option<u64>>)> = Vec::new();
    let mut sum = |words: &str, whole: &Value, parts: &[&Value], figures: &[&str]| {
        for at in figures {
            let cells = std::iter::once(whole).chain(parts.iter().copied()).map(|of| figure(of, at));
            all.push((format!("{at} by {words}"), cells.collect()));
        }
    };
    let f = &c["following"];
    let (days, version_days) = (list(&f["days"]), list(&f["version_days"]));
    let mature: Vec<&Value> = days.iter().filter(|d| d["mature"] == true).collect();
    sum("version", &f["overall"], &list(&f["versions"]).iter().collect::<Vec<_>>(), &FIGURES);
    sum("version", &f["overall"], &list(&f["versions"]).iter().collect::<Vec<_>>(), &["/immature"]);
    sum("day", &f["overall"], &mature, &FIGURES);
    sum("day", &f["overall"], &days.iter().collect::<Vec<_>>(), &["/immature"]);
    sum("day", &f["paths"], &days.iter().collect::<Vec<_>>(), &["/cut_journeys"]);
    for day in days {
        let own: Vec<&Value> = version_days.iter().filter(|v| v["entry_date"] == day["entry_date"]).collect();
        sum("version and day", day, &own, &FIGURES);
        sum("version and day", day, &own, &["/immature", "/cut_journeys"]);
    }
    let personas = list(&c["personas"]);
    let own: Vec<&Value> = personas.iter().map(|p| &p["following"]).collect();
    sum("persona", &f["overall"], &own, &FIGURES);
    sum("persona", &f["overall"], &own, &["/immature"]);
    let own: Vec<&Value> = personas.iter().collect();
    sum("persona", &c["population"], &own, &["/entered", "/completed", "/ended", "/dropped", "/in_flight"]);
    sum("persona", c, &own, &["/overall"]);
    let funnel = ["/entered", "/dropped", "/ended", "/in_flight", "/conversion", "/drop_off_rate"];
    for stage in list(&c["stages"]) {
        let own = || list(&c["persona_stages"]).iter().filter(|l| l["stage"] == stage["stage"]);
        sum("persona", stage, &own().collect::<Vec<_>>(), &funnel);
        let felt = list(&c["emotions"]).iter().filter(|e| e["stage"] == stage["stage"]);
        let (whole, parts): (Vec<&Value>, Vec<&Value>) = felt.partition(|e| e["touchpoint"].is_null());
        for whole in whole {
            sum("touchpoint", whole, &parts, &["/n"]);
            sum("persona", whole, &own().map(|l| &l["emotion"]).collect::<Vec<_>>(), &["/n"]);
        }
    }
    all
}

#[test]
fn counts_of_few_are_told_by_no_comparison_and_no_list_of_variants() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    ok(folder, &["demo", "--customers", "150", "--seed", "11", "--data", "d", "--no-open"]);
    let map = folder.join("d/shop.journey.yaml");
    let text = std::fs::read_to_string(&map).expect("the demo's map");
    std::fs::write(&map, text.replacen("\nchannels:\n", PERSONAS, 1)).expect("writable");
    ok(folder, &["rebuild", "--data", "d", "--map", "shop-order"]);
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&ok(folder, &[arguments, &["--data", "d", "--format", "json"]].concat())).expect("JSON")
    };
    let variants = ["variants", "--by", "stage", "--limit", "1000"];
    let (before, walked) = (json(&["compare"]), json(&variants));
    let few = |n: u64| 0 < n && n < LEAST;
    let is_few = |value: &Value| value.as_u64().is_some_and(few);
    assert!(n(&before["personas"][0]["entered"]) > 0 && n(&before["personas"][1]["entered"]) > 0, "some use the app");
    assert!(counts(&before).iter().filter(|c| few(c.1)).count() > 500, "so small a shop has many small counts");
    assert_eq!((&before["suppressed"], &walked["suppressed"]), (&Value::Null, &Value::Null));

    let file = folder.join("d/tropa.yaml");
    let config = std::fs::read_to_string(&file).expect("the demo's config");
    std::fs::write(&file, format!("{config}\nmin_cell: {LEAST}\n")).expect("writable");
    let after = json(&["compare"]);
    assert_eq!(after["reading"], before["reading"], "no figure changes, and nothing is computed anew");
    let small: Vec<(String, u64)> = counts(&after).into_iter().filter(|c| few(c.1)).collect();
    assert!(small.is_empty(), "{small:?}");
    no_sum_gives_a_count_away(&before, &after);
    let suppressed = &after["suppressed"];
    for (key, is_small) in [("below", true), ("at_least", false)] {
        let places = list(&suppressed[key]);
        assert!(places.len() > 5, "{suppressed:#}");
        for place in places.iter().map(word) {
            assert!(after.pointer(place).is_some_and(Value::is_null), "{place}");
            let was = before.pointer(place).unwrap_or_else(|| panic!("{place} was there"));
            assert!(is_few(was) == is_small && n(was) > 0, "{place} was {was}");
        }
    }
    assert_eq!(after["population"]["entered"], before["population"]["entered"], "all together are many");
    for e in list(&after["expectations"]) {
        assert_eq!(e["verdict"] == "suppressed", e["n"].is_null(), "{e:#}");
    }
    for format in ["text", "markdown", "html", "svg"] {
        let text = ok(folder, &["compare", "--data", "d", "--format", format]);
        assert!(text.contains("below 10") && text.contains("≥10"), "{format}");
    }
    rare_paths_are_together(&walked, &json(&variants));
}

/// Of each sum that held at least two are untold, or none. A rate without hits may be left out alone: nobody is told of.
fn no_sum_gives_a_count_away(before: &Value, after: &Value) {
    let (was, is) = (sums(before), sums(after));
    assert_eq!(was.len(), is.len());
    let mut held = 0;
    for ((words, was), (_, is)) in was.into_iter().zip(is) {
        let whole = was[0].unwrap_or_default();
        if whole == 0 || whole != was[1..].iter().flatten().sum::<u64>() {
            continue;
        }
        held += 1;
        let unknown: Vec<u64> =
            was.iter().zip(&is).filter(|(_, is)| is.is_none()).filter_map(|(was, _)| *was).collect();
        assert!(!matches!(unknown[..], [alone] if alone > 0), "{words}: {was:?}, then {is:?}");
    }
    assert!(held > 200, "{held} sums are looked at");
}

fn rare_paths_are_together(walked: &Value, then: &Value) {
    let few = |value: &Value| value.as_u64().is_some_and(|n| 0 < n && n < LEAST);
    let of = |found: &Value, key: &str| {
        list(&found["versions"][0]["variants"]).iter().map(|v| v[key].clone()).collect::<Vec<_>>()
    };
    assert!(of(walked, "journeys").iter().any(few), "rare paths were listed");
    assert!(!of(then, "journeys").is_empty() && !of(then, "journeys").iter().any(few), "{then:#}");
    assert_eq!(of(walked, "journeys")[..of(then, "journeys").len()], of(then, "journeys"), "the most walked ones stay");
    let rest: u64 = n(&walked["versions"][0]["journeys"]) - of(then, "journeys").iter().map(n).sum::<u64>();
    assert_eq!(then["versions"][0]["other"]["journeys"], rest);
    assert!(rest >= LEAST, "{rest}");
    for key in ["completed", "ended", "dropped", "in_flight", "following", "customers"] {
        assert!(!of(then, key).iter().any(few), "{key}: {then:#}");
    }
}
