//! What the journey file promises and what people feel, on the demo's shop, held against naive counts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::shop::{journeys, list, mature, n, now, number, word};

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
