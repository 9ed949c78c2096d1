//! `tropa show` of one journey: found by the digits that reports give, with what it strayed by.

use serde_json::Value;

use super::shop::{asked, list, n, now, word};
use super::world::{filled, ok, run};

#[test]
fn an_example_of_each_deviation_shows_that_deviation_in_the_words_of_the_report() {
    let report = asked(&["compare", "--data", "d", "--format", "markdown"]).replace('\\', "");
    let lines = list(&now()["deviations"]);
    assert!(lines.len() > 5, "{}", lines.len());
    for line in lines.iter().take(15) {
        // What the map accepts it accepts of some.
        let most = if n(&line["accepted"]) > 0 { 3 } else { 1 };
        for id in list(&line["examples"]).iter().take(most) {
            let (id, begin) = (word(id), &word(id)[..8]);
            let shown = asked(&["show", begin, "--data", "d", "--format", "json"]);
            let shown: Value = serde_json::from_str(&shown).expect("JSON");
            let [journey] = &list(&shown["journeys"])[..] else { panic!("{shown:#}") };
            assert_eq!(journey["journey_id"], id);
            let own = |d: &&Value| ["kind", "place", "stage"].iter().all(|key| d[*key] == line[*key]);
            let found =
                list(&journey["deviations"]).iter().find(own).unwrap_or_else(|| panic!("{line:#} in {shown:#}"));
            assert!(report.contains(&format!("| {} |", word(&found["words"]))), "{found}");
            assert!(found["accepted"] == false || n(&line["accepted"]) > 0, "{line:#}");
            let strays = list(&journey["deviations"]).iter().any(|d| d["accepted"] == false);
            assert_eq!(journey["follows"] == true, !strays && !journey["fitness"].is_null(), "{journey:#}");
        }
    }
    let line = &lines[0];
    let text = asked(&["show", word(&line["examples"][0]), "--data", "d"]);
    let place = format!(" ({}), {} in {}", word(&line["kind"]), word(&line["place"]), word(&line["stage"]));
    assert!(text.contains(&place), "{place:?} in\n{text}");
    assert_eq!(text.matches("\njourney ").count(), 1, "{text}");
}

#[test]
fn a_journey_is_found_by_eight_digits_or_more_and_an_unknown_one_is_answered_with_a_hint() {
    let whole: Value = serde_json::from_str(&ok(filled(), &["show", "user:u1", "--format", "json"])).expect("JSON");
    let id = word(&whole["journeys"][0]["journey_id"]);
    for digits in [id, &id[..8], &id.to_uppercase()] {
        let one: Value = serde_json::from_str(&ok(filled(), &["show", digits, "--format", "json"])).expect("JSON");
        assert_eq!((&one["journeys"], &one["customer"]), (&whole["journeys"], &whole["customer"]), "{digits}");
    }
    let text = ok(filled(), &["show", id]);
    assert!(text.contains(&format!("journey 1, version 1, entered 2026-01-01, id {id}\n")), "{text}");
    assert!(text.contains("\n  follows the map, fitness 1.00\n"), "{text}");
    let (_, errors, code) = run(filled(), &["show", "00c0ffee"], "");
    assert_eq!(code, 1);
    let said = "no journey of map `trial` has the id `00c0ffee`\n  hint: `tropa variants` and the examples of `tropa compare` give ids;";
    assert!(errors.starts_with(said), "{errors}");
    let (_, errors, _) = run(filled(), &["show", &id[..7]], "");
    assert!(errors.starts_with("no customer has the identifier "), "seven digits are none: {errors}");
}
