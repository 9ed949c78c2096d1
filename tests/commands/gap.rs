//! The gap report of `tropa compare`, on the demo's shop: the same at a past moment and in every format; what the map accepts,
//! and what may not be measured.

use serde_json::Value;

use super::shop::{asked, compared, journeys, list, n, now, number, word};
use super::world::ok;

#[test]
fn a_past_moment_gives_the_same_report_by_the_same_counts() {
    let mut later = compared(&["--as-of", "2100-01-01"]);
    assert_eq!(later["following"]["immature"], 0, "then all is decided");
    let overall = &later["following"]["overall"];
    assert_eq!(n(&overall["decided"]), journeys().len() as u64);
    later = compared(&["--as-of", "2026-03-20"]);
    let overall = &later["following"]["overall"];
    assert!((1..journeys().len() as u64).contains(&n(&overall["decided"])), "{overall:#}");
    assert!(!list(&later["deviations"]).is_empty() && !list(&later["expectations"]).is_empty());
    // One microsecond after the watermark nothing else is known, and all of it is counted anew from the sets.
    let as_of = word(&now()["as_of"]).trim_end_matches('Z').to_owned();
    let just_after = if as_of.contains('.') { format!("{as_of}1Z") } else { format!("{as_of}.000001Z") };
    let mut counted = compared(&["--as-of", &just_after]);
    counted["as_of"] = now()["as_of"].clone();
    assert_eq!(&counted, now());
}

#[test]
fn text_markdown_html_and_json_show_the_same_figures_in_both_languages() {
    for language in ["en", "ru"] {
        let shown = |format: &str| asked(&["compare", "--data", "d", "--format", format, "--language", language]);
        let (text, markdown, html) = (shown("text"), shown("markdown"), shown("html"));
        // On the page a unit stays with its number.
        let html = html.replace("\u{a0}%", " %").replace("\u{a0}pp", " pp");
        let bare = |cell: &str| cell.trim().replace('\\', "");
        let mut cells = 0;
        let gap = markdown.split("\n## ").filter(|s| {
            [
                "conformance",
                "deviations",
                "fitness",
                "gap",
                "разрывов",
                "after a drop-off",
                "broken identity",
                "Куда ушли",
                "разрыв идентификации",
            ]
            .iter()
            .any(|w| s.contains(w))
        });
        for section in gap {
            for row in section.lines().filter(|l| l.starts_with("| ")) {
                for cell in row.trim_matches('|').split(" | ").map(bare).filter(|c| !c.starts_with("---")) {
                    let escaped = cell.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                    assert!(html.contains(&format!(">{escaped}</t")), "{cell:?} is not on the page");
                    cells += 1;
                }
            }
        }
        assert!(cells > 150, "{cells} cells");
        let title = if language == "en" {
            "Do people follow the map? (conformance)"
        } else {
            "Следуют ли люди карте? (conformance)"
        };
        let headline = |all: &str| all.split(title).nth(1).map(|rest| rest.chars().take(4_000).collect::<String>());
        let (text, markdown) = (headline(&text).expect("in the text"), headline(&markdown).expect("in Markdown"));
        let overall = &now()["following"]["overall"];
        let share = format!("{:.1} %", number(&overall["share"]["value"]) * 100.0);
        let fitness = format!("{:.3}", number(&overall["fitness"]["mean"]));
        let precision = format!("{:.3}", number(&overall["precision"]));
        for figure in [share, fitness, precision] {
            assert!(text.contains(&figure) && markdown.contains(&figure) && html.contains(&figure), "{figure}");
        }
        assert!(html.contains("▲"), "deviations are marked on the map by sign");
        assert!(
            html.matches("class=\"stage  strays\"").count() + html.matches(" strays\"><title>").count() > 0,
            "and by line"
        );
    }
}

#[test]
fn what_the_map_accepts_is_out_of_the_rate_until_its_end_and_listed_also_under_one_version() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    ok(folder, &["demo", "--customers", "300", "--seed", "5", "--data", "d", "--no-open"]);
    let json = |more: &[&str]| -> Value {
        let text = ok(folder, &[&["compare", "--data", "d", "--format", "json"], more].concat());
        serde_json::from_str(&text).expect("JSON")
    };
    let after = json(&[]);
    let file = folder.join("d/shop.journey.yaml");
    let accepting = std::fs::read_to_string(&file).expect("the demo's map");
    let (from, to) = (accepting.find("\naccepted_deviations:").expect("it accepts one"), accepting.find("\ntests:"));
    let strict = format!("{}{}", &accepting[..from], &accepting[to.expect("it has tests")..]);
    std::fs::write(&file, strict).expect("writable");
    ok(folder, &["rebuild", "--data", "d", "--map", "shop-order"]);
    let before = json(&[]);
    assert_eq!(before["accepted_deviations"], serde_json::json!([]));
    std::fs::write(&file, accepting).expect("writable");
    ok(folder, &["rebuild", "--data", "d", "--map", "shop-order"]);
    assert_eq!(json(&[])["accepted_deviations"], after["accepted_deviations"]);

    let line = |of: &Value| {
        let own = |d: &&Value| d["kind"] == "too_slow" && d["place"] == "checkout paid";
        list(&of["deviations"]).iter().find(own).expect("some pay slowly").clone()
    };
    let (was, is) = (line(&before), line(&after));
    assert_eq!((n(&was["accepted"]), &was["journeys"]), (0, &is["journeys"]));
    assert!(n(&is["accepted"]) > 0 && n(&is["accepted"]) < n(&is["journeys"]), "{is:#}");
    let listed = &after["accepted_deviations"][0];
    assert_eq!(listed["state"], "ended", "{listed:#}");
    assert_eq!(n(&listed["journeys"]), n(&is["accepted"]));
    assert_eq!(n(&listed["journeys"]) + n(&listed["not_covered"]), n(&is["journeys"]));
    let following = |of: &Value| n(&of["following"]["overall"]["following"]);
    assert!(following(&after) > following(&before), "accepted ones follow the map");
    let overall = &after["following"]["overall"];
    let parts = n(&overall["following"]) + n(&overall["straying"]) + n(&overall["not_evaluated"]);
    assert_eq!(parts, n(&overall["decided"]));
    assert!(ok(folder, &["compare", "--data", "d"]).contains("! has ended"), "warned on the screen");

    ok(folder, &["rebuild", "--data", "d", "--map", "shop-order", "--version", "1"]);
    let mut under = json(&["--version", "1"]);
    let mut after = after;
    // The mode is part of a journey's id.
    for report in [&mut under, &mut after] {
        let lines = report["deviations"].as_array_mut().expect("a list");
        lines.iter_mut().for_each(|d| d["examples"] = Value::Null);
    }
    for key in
        ["following", "deviations", "expectations", "emotions", "accepted_deviations", "unmeasured", "broken_identity"]
    {
        assert_eq!(under[key], after[key], "{key}: the only version for all history");
    }
}

#[test]
fn what_may_not_be_measured_is_named_with_the_events_that_look_like_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    ok(folder, &["demo", "--customers", "300", "--seed", "6", "--data", "d", "--no-open"]);
    let file = folder.join("d/shop.journey.yaml");
    let broken = std::fs::read_to_string(&file).expect("the demo's map");
    // The rule has a name that no tracker sends.
    let broken = broken.replace("event: Products Compared", "event: Product Comparison");
    std::fs::write(&file, broken).expect("writable");
    ok(folder, &["rebuild", "--data", "d", "--map", "shop-order"]);
    let text = ok(folder, &["compare", "--data", "d", "--format", "json"]);
    let json: Value = serde_json::from_str(&text).expect("JSON");
    let own: Vec<&Value> = list(&json["unmeasured"]).iter().filter(|u| u["why"] == "never_seen").collect();
    assert_eq!(own.iter().map(|u| word(&u["touchpoint"])).collect::<Vec<_>>(), ["compare"], "{:#}", json["unmeasured"]);
    assert_eq!(own[0]["alike"][0]["name"], "Products Compared", "{:#}", own[0]);
    assert!(ok(folder, &["compare", "--data", "d"]).contains("We may not be measuring this"));
}
