//! The headline of every entry date on the demo's shop, counted once more from single journeys. In: the store of `shop.rs`.
//! Out: all five figures together, with those left out beside, of exactly the journeys that began on that day.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tropa::conformance::{Judge, Walked, design_use, precision};

use super::shop::{list, n, now, number, rows, word};

fn journeys() -> Vec<Value> {
    rows(
        "SELECT toString(`j.entry_date`) AS day, `j.map_version` AS version, `j.order_ambiguous` = 1 AS tied, `j.fit_cost` AS cost, `j.fit_most` AS most, `j.clean` = 1 AS clean, \
         `j.follows` = 1 AS follows, has(`j.d_kind`, 'forbidden') AS forbidden, `j.v_touchpoint` AS touchpoints, `j.v_beside` AS beside, \
         multiIf(`j.decision` != 'open', `j.decision`, as_of >= `j.drops_at`, 'dropped', 'in_flight') AS outcome \
         FROM (SELECT *, (SELECT max(as_of) FROM watermarks) AS as_of FROM customer_journeys FINAL WHERE is_deleted = 0) \
         ARRAY JOIN `j.entry_date`, `j.map_version`, `j.order_ambiguous`, `j.fit_cost`, `j.fit_most`, `j.clean`, `j.follows`, `j.d_kind`, `j.v_touchpoint`, `j.v_beside`, `j.decision`, `j.drops_at`",
    )
}

fn near(found: &Value, wanted: f64, what: &str) {
    assert!((number(found) - wanted).abs() < 1e-6, "{what}: {found} is not {wanted}");
}

/// One journey as a path of its own: nothing is added up before it is weighed.
fn walked(judge: &Judge, journey: &Value) -> Walked {
    let map = judge.map();
    let steps = list(&journey["touchpoints"]).iter().zip(list(&journey["beside"])).filter(|(_, beside)| n(beside) == 0);
    let path = judge.path(steps.filter_map(|(touchpoint, _)| map.touchpoint_ix(word(touchpoint))));
    let decided = journey["outcome"] != "dropped";
    let end = path.iter().find_map(|&symbol| judge.model().step(symbol).decides).filter(|_| decided);
    Walked { path, end, journeys: 1 }
}

#[test]
fn every_entry_date_has_all_five_figures_of_its_own_journeys_and_the_three_counts_beside() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo/shop.journey.yaml");
    let text = std::fs::read_to_string(file).expect("the demo's map");
    let mut judge = Judge::new(Arc::new(tropa::map::parse("shop", &text).unwrap_or_else(|e| panic!("{e}"))));
    let journeys = journeys();
    let mut by_day: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    journeys.iter().for_each(|j| by_day.entry(word(&j["day"])).or_default().push(j));
    let following = &now()["following"];
    let days = list(&following["days"]);
    assert_eq!(
        days.iter().map(|d| word(&d["entry_date"])).collect::<Vec<_>>(),
        by_day.keys().copied().collect::<Vec<_>>()
    );
    assert_eq!(days.iter().filter(|d| d["mature"] == true).count() as u64, n(&now()["population"]["mature_dates"]));
    let (mut weighed, mut decided_on_mature, mut tied_on_mature) = (0, 0, 0);
    for day in days {
        let own = &by_day[word(&day["entry_date"])];
        let decided: Vec<&Value> = own.iter().copied().filter(|j| j["outcome"] != "in_flight").collect();
        let evaluated: Vec<&Value> = decided.iter().copied().filter(|j| n(&j["most"]) > 0).collect();
        let count = |key: &str| decided.iter().filter(|j| n(&j[key]) == 1).count() as u64;
        assert_eq!(n(&day["decided"]), decided.len() as u64, "{day:#}");
        assert_eq!(n(&day["not_evaluated"]), (decided.len() - evaluated.len()) as u64);
        assert_eq!((n(&day["following"]), n(&day["forbidden"])), (count("follows"), count("forbidden")));
        assert_eq!(n(&day["order_ambiguous"]), count("tied"));
        let fitness: Vec<f64> = evaluated.iter().map(|j| 1.0 - number(&j["cost"]) / number(&j["most"])).collect();
        if !fitness.is_empty() {
            near(&day["fitness"]["mean"], fitness.iter().sum::<f64>() / fitness.len() as f64, "fitness");
        }
        if day["mature"] != true {
            assert_eq!(n(&day["immature"]), own.len() as u64, "all of them are left out");
            assert!(
                day["precision"].is_null() && day["design_use"]["share"].is_null() && day["share"]["immature"] == true
            );
            continue;
        }
        assert_eq!((n(&day["immature"]), n(&day["cut_journeys"])), (0, 0));
        near(&day["share"]["value"], count("follows") as f64 / evaluated.len() as f64, "share");
        near(&day["coverage"]["value"], count("clean") as f64 / decided.len() as f64, "coverage");
        let walked: Vec<Walked> = evaluated.iter().map(|j| walked(&judge, j)).collect();
        let found = precision(&mut judge, &walked);
        near(&day["precision"], found.by_state.expect("somebody went on"), "precision");
        near(&day["precision_etc"], found.by_prefix.expect("somebody went on"), "precision by prefix");
        let used = design_use(&judge, &walked);
        assert_eq!(
            (n(&day["design_use"]["used"]), n(&day["design_use"]["designed"])),
            (used.used as u64, used.designed as u64)
        );
        weighed += 1;
        decided_on_mature += decided.len() as u64;
        tied_on_mature += count("tied");
    }
    assert!(weighed > 30, "{weighed} mature dates");
    assert_eq!(
        (n(&following["overall"]["decided"]), n(&following["order_ambiguous"])),
        (decided_on_mature, tied_on_mature)
    );
    let precisions: Vec<f64> = days.iter().filter_map(|d| d["precision"].as_f64()).collect();
    assert!(precisions.iter().any(|p| (p - precisions[0]).abs() > 0.01), "days differ: {precisions:?}");
}

#[test]
fn every_version_has_its_days_and_every_population_carries_the_three_counts() {
    let following = &now()["following"];
    let version = &following["versions"][0]["version"];
    let mut days = list(&following["version_days"]).clone();
    for day in &mut days {
        let keys = day.as_object_mut().expect("a day");
        assert_eq!(&keys.remove("version").expect("a version"), version);
    }
    assert_eq!(&days, list(&following["days"]), "the shop has one version");
    for of in ["overall", "order_certain"] {
        assert_eq!(n(&following[of]["order_ambiguous"]) == 0, of == "order_certain");
        assert!(n(&following[of]["immature"]) > 0);
    }
    let versions = list(&following["versions"]);
    let sum = |key: &str| versions.iter().map(|v| n(&v[key])).sum::<u64>();
    assert_eq!(
        (sum("order_ambiguous"), sum("immature")),
        (n(&following["order_ambiguous"]), n(&following["immature"]))
    );
    let immature = rows(
        "SELECT s.stage AS stage, sum(s.entered) AS entered FROM v_stages AS s WHERE s.entry_date NOT IN \
         (SELECT entry_date FROM (SELECT entry_date, sum(journeys) AS j, sumIf(journeys, outcome != 'in_flight') AS d, min(mature) AS done FROM v_conformance GROUP BY entry_date) WHERE done = 1 AND d / j >= 0.95) \
         GROUP BY stage",
    );
    for stage in list(&following["stages"]) {
        let own = immature.iter().find(|r| r["stage"] == stage["stage"]).map_or(0, |r| n(&r["entered"]));
        assert_eq!(n(&stage["immature"]), own, "{stage:#}");
    }
}
