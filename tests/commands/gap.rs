//! The gap report of `tropa compare`, on the demo's shop: against the views, against naive counts over single journeys,
//! and the same in every format.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::world::ok;

/// A shop of 1,200 people, filled once.
fn shop() -> &'static Path {
    static SHOP: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = SHOP.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        ok(folder.path(), &["demo", "--customers", "1200", "--seed", "3", "--data", "d", "--no-open"]);
        folder
    });
    folder.path()
}

/// One command at a time: one that finds the store in use asks the process that holds it, which may end before it answers.
pub(super) fn asked(arguments: &[&str]) -> String {
    static ASKING: Mutex<()> = Mutex::new(());
    let folder = shop();
    let _one_at_a_time = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    ok(folder, arguments)
}

fn compared(more: &[&str]) -> Value {
    let text = asked(&[&["compare", "--data", "d", "--format", "json"], more].concat());
    serde_json::from_str(&text).expect("JSON")
}

pub(super) fn now() -> &'static Value {
    static NOW: OnceLock<Value> = OnceLock::new();
    NOW.get_or_init(|| compared(&[]))
}

pub(super) fn rows(query: &str) -> Vec<Value> {
    let lines = asked(&["sql", query, "--format", "JSONEachRow", "--data", "d"]);
    lines.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

pub(super) fn n(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no count"))
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

pub(super) fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

pub(super) fn mature() -> BTreeSet<String> {
    let days = list(&now()["following"]["days"]).iter().filter(|d| d["mature"] == true);
    days.map(|d| word(&d["entry_date"]).to_owned()).collect()
}

/// Every journey with what a naive count needs.
fn journeys() -> &'static Vec<Value> {
    static JOURNEYS: OnceLock<Vec<Value>> = OnceLock::new();
    JOURNEYS.get_or_init(|| {
        rows(
            "SELECT toString(`j.entry_date`) AS day, `j.order_ambiguous` = 1 AS tied, `j.fit_cost` AS cost, `j.fit_most` AS most, `j.clean` = 1 AS clean, \
             multiIf(`j.decision` != 'open', `j.decision`, as_of >= `j.drops_at`, 'dropped', 'in_flight') AS outcome, toUnixTimestamp64Micro(`j.decided_at`) AS decided, \
             `j.e_stage` AS stages, `j.e_rank` AS ranks, `j.e_exit` AS exits, arrayMap(t -> toUnixTimestamp64Micro(t), `j.e_first_at`) AS firsts, arrayMap(t -> toUnixTimestamp64Micro(t), `j.e_last_at`) AS lasts, arrayMap(t -> toUnixTimestamp64Micro(t), `j.v_at`) AS ats, \
             `j.v_entry` AS entries, `j.v_channel` AS channels, \
             `j.v_touchpoint` AS touchpoints, `j.v_score` AS scores, `j.v_stage` AS places, `j.d_kind` AS kinds, `j.d_place` AS where, `j.d_stage` AS at, `j.d_accepted` AS accepted \
             FROM (SELECT *, (SELECT max(as_of) FROM watermarks) AS as_of FROM customer_journeys FINAL WHERE is_deleted = 0) \
             ARRAY JOIN `j.entry_date`, `j.order_ambiguous`, `j.fit_cost`, `j.fit_most`, `j.clean`, `j.decision`, `j.drops_at`, `j.decided_at`, `j.e_stage`, `j.e_rank`, \
             `j.e_exit`, `j.e_first_at`, `j.e_last_at`, `j.v_at`, `j.v_entry`, `j.v_channel`, `j.v_touchpoint`, `j.v_score`, `j.v_stage`, `j.d_kind`, `j.d_place`, `j.d_stage`, `j.d_accepted`",
        )
    })
}

fn decided() -> impl Iterator<Item = &'static Value> {
    let mature = mature();
    journeys().iter().filter(move |j| j["outcome"] != "in_flight" && mature.contains(word(&j["day"])))
}

#[test]
fn the_share_that_follows_adds_up_and_is_that_of_v_conformance_day_by_day() {
    let following = &now()["following"];
    let by_day = rows(
        "SELECT entry_date, sum(journeys) AS decided, sum(following) AS following, sum(not_evaluated) AS not_evaluated, sum(forbidden) AS forbidden, \
         sum(fitness * evaluated) AS fitness FROM v_conformance WHERE outcome != 'in_flight' GROUP BY entry_date",
    );
    let by_day: BTreeMap<&str, &Value> = by_day.iter().map(|r| (word(&r["entry_date"]), r)).collect();
    let days: Vec<&Value> = list(&following["days"]).iter().filter(|d| n(&d["decided"]) > 0).collect();
    assert!(days.len() > 50 && days.len() == by_day.len(), "{} of {}", days.len(), by_day.len());
    let mut sums = BTreeMap::new();
    for day in days {
        let view = by_day[word(&day["entry_date"])];
        for key in ["decided", "following", "not_evaluated", "forbidden"] {
            assert_eq!(n(&day[key]), n(&view[key]), "{key} of {day}");
            if day["mature"] == true {
                *sums.entry(key).or_insert(0) += n(&day[key]);
            }
        }
        let mean = &day["fitness"];
        assert!(
            n(&mean["n"]) == 0 || (number(&mean["mean"]) * number(&mean["n"]) - number(&view["fitness"])).abs() < 1e-6
        );
    }
    let overall = &following["overall"];
    for (key, sum) in sums {
        assert_eq!(n(&overall[key]), sum, "{key}");
    }
    let parts = n(&overall["following"]) + n(&overall["straying"]) + n(&overall["not_evaluated"]);
    assert_eq!(parts, n(&overall["decided"]));
    assert!(n(&overall["following"]) > 100 && n(&overall["straying"]) > 100, "{overall:#}");
    let population = &now()["population"];
    let immature: u64 = journeys().iter().filter(|j| !mature().contains(word(&j["day"]))).count() as u64;
    assert_eq!((n(&following["immature"]), n(&population["left_out"])), (immature, immature));
}

#[test]
fn what_stands_beside_the_share_is_what_a_naive_count_gives_with_and_without_ties() {
    let following = &now()["following"];
    for (key, tied) in [("overall", true), ("order_certain", false)] {
        let own: Vec<&Value> = decided().filter(|j| tied || n(&j["tied"]) == 0).collect();
        let found = &following[key];
        assert_eq!(n(&found["decided"]), own.len() as u64);
        let clean = own.iter().filter(|j| n(&j["clean"]) == 1).count();
        assert!((number(&found["coverage"]["value"]) - clean as f64 / own.len() as f64).abs() < 1e-12);
        for outcome in ["completed", "ended", "dropped"] {
            let fits: Vec<f64> = own
                .iter()
                .filter(|j| j["outcome"] == outcome && n(&j["most"]) > 0)
                .map(|j| 1.0 - number(&j["cost"]) / number(&j["most"]))
                .collect();
            let mean = fits.iter().sum::<f64>() / fits.len() as f64;
            let shown = &found["fitness_by_outcome"][outcome];
            assert_eq!(n(&shown["n"]), fits.len() as u64, "{outcome}");
            // Stored in millionths.
            assert!((number(&shown["mean"]) - mean).abs() < 1e-6, "{outcome}: {shown} is not {mean}");
        }
        for figure in ["precision", "precision_etc"] {
            assert!((0.1..=1.0).contains(&number(&found[figure])), "{figure}: {}", found[figure]);
        }
    }
    assert!(n(&following["order_ambiguous"]) > 0, "the shop has ties");
    let tied = decided().filter(|j| n(&j["tied"]) == 1).count() as u64;
    assert_eq!(n(&following["order_ambiguous"]), tied);
    for stage in list(&following["stages"]) {
        let id = word(&stage["stage"]);
        let here = |key: &str, j: &Value| list(&j[key]).iter().any(|s| s == id);
        let own: Vec<&Value> = decided().filter(|j| here("stages", j) || here("at", j)).collect();
        let strays = |j: &&&Value| (0..list(&j["at"]).len()).any(|i| j["at"][i] == id && n(&j["accepted"][i]) == 0);
        assert_eq!(n(&stage["decided"]), own.len() as u64, "{id}");
        assert_eq!(n(&stage["straying"]), own.iter().filter(strays).count() as u64, "{id}");
    }
}

#[test]
fn deviations_are_those_of_v_deviations() {
    let view = rows(
        "SELECT v.kind AS kind, v.place AS place, sum(v.journeys) AS journeys, sumIf(v.journeys, v.accepted = 1) AS accepted, \
         max(v.customers) AS least, sum(v.customers) AS most, sum(v.value_at_stake) AS at_stake FROM v_deviations AS v GROUP BY v.map_version, v.kind, v.place",
    );
    let people = rows(
        "SELECT toString(k) AS kind, toString(p) AS place, uniqExact(customer) AS customers FROM \
         (SELECT customer, `j.d_kind` AS ks, `j.d_place` AS ps FROM customer_journeys FINAL ARRAY JOIN `j.d_kind`, `j.d_place` WHERE is_deleted = 0) \
         ARRAY JOIN ks AS k, ps AS p GROUP BY kind, place",
    );
    let lines = list(&now()["deviations"]);
    assert!(lines.len() > 5 && lines.len() == view.len(), "{} of {}", lines.len(), view.len());
    for line in lines {
        let of = |rows: &'_ [Value]| -> Value {
            rows.iter().find(|v| v["kind"] == line["kind"] && v["place"] == line["place"]).expect("a row").clone()
        };
        let own = of(&view);
        for key in ["journeys", "accepted"] {
            assert_eq!(n(&line[key]), n(&own[key]), "{key} of {line:#}");
        }
        let customers = n(&line["customers"]);
        assert_eq!(customers, n(&of(&people)["customers"]), "customers of {line:#}");
        // Whoever has it once accepted and once not stands in both rows of the view.
        assert!((n(&own["least"])..=n(&own["most"])).contains(&customers), "{own} {line:#}");
        let at_stake: f64 = list(&line["value_at_stake"]).iter().map(|v| number(&v["amount"])).sum();
        assert!((at_stake - number(&own["at_stake"])).abs() < 1e-6);
        let has = |j: &&Value| {
            (0..list(&j["kinds"]).len()).any(|i| j["kinds"][i] == line["kind"] && j["where"][i] == line["place"])
        };
        let with: Vec<&Value> = decided().filter(has).collect();
        let share = with.len() as f64 / decided().count() as f64;
        assert!(with.is_empty() || (number(&line["share"]["value"]) - share).abs() < 1e-12, "{line:#}");
        let lost = with.iter().filter(|j| j["outcome"] == "dropped").count();
        assert!(
            with.is_empty()
                || (number(&line["drop_off_share"]["value"]) * with.len() as f64 - lost as f64).abs() < 1e-9
        );
        assert_eq!(list(&line["examples"]).len(), n(&line["journeys"]).min(3) as usize);
    }
}

/// When a journey reached a landmark, and whether it had the deviation by then: written down once more, with loops.
fn reached(line: &Value, j: &Value, rank_of: &BTreeMap<String, u64>) -> Option<(i64, bool)> {
    let (stages, firsts) = (list(&j["stages"]), list(&j["firsts"]));
    let at = |i: usize| number(&firsts[i]) as i64;
    let (kind, place) = (word(&line["kind"]), word(&line["place"]));
    let minutes = |of: &str| match of {
        "discover" | "discover consider" => 2 * 1_440,
        "consider" | "consider basket" => 5 * 1_440,
        "basket" | "basket checkout" => 1_440,
        "checkout" | "checkout paid" => 120,
        "delivery" | "paid delivery" => 3 * 1_440,
        other => panic!("the shop's file has no limit for {other}"),
    };
    let slow = |micros: i64| micros > minutes(place) * 60_000_000;
    let landmark: Vec<&str> = word(&line["association"]["landmark"]).split(' ').collect();
    match landmark[..] {
        ["left", stage] => {
            let i = (0..stages.len() - 1).find(|&i| stages[i] == stage)?;
            let has = match kind {
                "too_slow" => slow(number(&j["lasts"][i]) as i64 - at(i)),
                "out_of_order" => (0..list(&j["touchpoints"]).len())
                    .any(|k| n(&j["entries"][k]) <= i as u64 + 1 && j["touchpoints"][k] == place),
                _ => stages[i + 1] == *place.split(' ').nth(1).expect("a change"),
            };
            Some((at(i + 1), has))
        }
        ["past", stage] => {
            let i = (0..stages.len()).find(|&i| n(&j["ranks"][i]) > rank_of[stage] && n(&j["exits"][i]) == 0)?;
            let before = |k: usize| n(&j["entries"][k]) <= i as u64;
            let visited = (0..list(&j["touchpoints"]).len()).any(|k| before(k) && j["touchpoints"][k] == place);
            Some((at(i), !visited && !stages[..i].iter().any(|s| s == place)))
        }
        ["change", from, to, "1"] => {
            let i = (0..stages.len() - 1).find(|&i| stages[i] == from && stages[i + 1] == to)?;
            Some((at(i + 1), slow(at(i + 1) - at(i))))
        }
        ["visit", touchpoint, "1"] => {
            let k = list(&j["touchpoints"]).iter().position(|t| t == touchpoint)?;
            let channel = word(&j["channels"][k]);
            Some((number(&j["ats"][k]) as i64, !channel.is_empty() && channel != "web"))
        }
        _ => panic!("{landmark:?}"),
    }
}

#[test]
fn with_and_without_a_deviation_are_counted_from_its_landmark_on() {
    let stages = list(&now()["stages"]).iter().enumerate();
    let rank_of: BTreeMap<String, u64> = stages.map(|(i, s)| (word(&s["stage"]).to_owned(), i as u64)).collect();
    let mut compared = BTreeSet::new();
    for line in list(&now()["deviations"]) {
        let association = &line["association"];
        let Some(landmark) = association["landmark"].as_str() else { continue };
        compared.insert(landmark.split(' ').next().unwrap_or_default());
        let mut counts = [(0, 0), (0, 0)];
        for j in decided().filter(|j| n(&j["most"]) > 0) {
            let Some((at, by_then)) = reached(line, j, &rank_of) else { continue };
            if j["outcome"] != "dropped" && at >= number(&j["decided"]) as i64 {
                continue;
            }
            let of = |i: usize| j["kinds"][i] == line["kind"] && j["where"][i] == line["place"];
            let has = by_then && (0..list(&j["kinds"]).len()).any(of);
            let count = &mut counts[usize::from(!has)];
            count.0 += 1;
            count.1 += u64::from(j["outcome"] == "completed");
        }
        let shown = |key: &str| (n(&association[key]["journeys"]), n(&association[key]["completed"]));
        assert_eq!([shown("with"), shown("without")], counts, "{line:#}");
        let rate = |(n, hits): (u64, u64)| hits as f64 / n as f64;
        let difference = number(&association["conversion"]["difference"]);
        assert!((difference - (rate(counts[0]) - rate(counts[1]))).abs() < 1e-12);
        assert!(counts.iter().all(|c| c.0 >= 30), "below min_n nothing is said");
    }
    assert!(compared.len() >= 3, "the shop has deviations of several kinds: {compared:?}");
}

#[test]
fn measured_emotion_is_the_mean_of_answers_and_declared_impacts() {
    let mature = mature();
    let mut felt: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for j in journeys().iter().filter(|j| mature.contains(word(&j["day"]))) {
        for (i, touchpoint) in list(&j["touchpoints"]).iter().enumerate() {
            let score = if touchpoint == "payment_refused" { Some(-1.0) } else { j["scores"][i].as_f64() };
            felt.entry(word(&j["places"][i]).to_owned()).or_default().extend(score);
        }
    }
    let shown: Vec<&Value> = list(&now()["emotions"]).iter().filter(|e| e["touchpoint"].is_null()).collect();
    assert!(shown.len() >= 2, "{shown:?}");
    for emotion in shown {
        let own = &felt[word(&emotion["stage"])];
        assert_eq!(n(&emotion["n"]), own.len() as u64);
        match emotion["mean"].as_f64() {
            Some(mean) => assert!((mean - own.iter().sum::<f64>() / own.len() as f64).abs() < 1e-9),
            None => assert!(own.len() < 30, "a gap only below min_n"),
        }
    }
}

#[test]
fn every_expectation_of_the_file_is_held_against_a_measurement() {
    let lines = list(&now()["expectations"]);
    let of = |kind: &str| lines.iter().filter(|l| l["expectation"] == kind).count();
    let counts = ["target_share", "within", "max_time", "emotion", "emotion_alert_below", "kpi"].map(of);
    assert_eq!(counts, [4, 5, 5, 6, 1, 2], "as the journey file lists them");
    for line in lines {
        let (target, verdict) = (number(&line["target"]), word(&line["verdict"]));
        let enough = n(&line["n"]) >= 30;
        assert_eq!(verdict == "not_enough_data", !enough, "{line:#}");
        if enough {
            let (low, high) = (number(&line["interval"][0]), number(&line["interval"][1]));
            assert!(low <= number(&line["measured"]) && number(&line["measured"]) <= high, "{line:#}");
            let (met, missed) =
                if line["at_least"] == true { (low >= target, high < target) } else { (high <= target, low > target) };
            assert_eq!((verdict == "met", verdict == "missed"), (met, missed), "{line:#}");
        }
    }
}

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
