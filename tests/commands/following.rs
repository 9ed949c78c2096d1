//! How many follow the map, on the demo's shop: against the views, and against naive counts over single journeys.

use std::collections::BTreeMap;

use serde_json::Value;

use super::shop::{decided, journeys, list, mature, n, now, number, rows, word};

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
