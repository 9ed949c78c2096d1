//! Where journeys stray and what goes with it, on the demo's shop: against the views, and against counts from each landmark
//! on, written down once more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::shop::{decided, list, n, now, number, rows, word};

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
