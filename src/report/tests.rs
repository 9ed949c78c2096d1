//! What every form of the report must say of the same comparison.

use std::sync::Arc;

use super::*;
use crate::aggregate::{DeviationCount, EmpiricalMap, StageDay, TransitionDay};
use crate::compare::tests::{MAP, day, real, versions};
use crate::compare::{Comparison, compare};
use crate::map::{self, MapVersions};

const LANGUAGES: [Language; 2] = [Language::English, Language::Russian];

/// The journeys of `real` with a stage, two ways out of it and a deviation.
pub(super) fn walked() -> EmpiricalMap {
    let mut real = real();
    let entry_date = day("2026-01-01");
    real.stages = vec![StageDay {
        entry_date,
        stage: "A".to_owned(),
        entered: 14,
        entries: 14,
        decided: 14,
        progressed: 8,
        lost_dropped: 6,
        ..StageDay::default()
    }];
    let way = |to: &str, n| TransitionDay {
        entry_date,
        from: "A".to_owned(),
        to: to.to_owned(),
        transitions: n,
        decided: n,
        ..TransitionDay::default()
    };
    real.transitions = vec![way("B", 8), way("dropped", 6)];
    real.walked.deviations = vec![DeviationCount {
        version: 1,
        kind: "missing".to_owned(),
        place: "B".to_owned(),
        stage: "B".to_owned(),
        journeys: 5,
        customers: 5,
        mature_decided: 4,
        mature_dropped: 2,
        ..DeviationCount::default()
    }];
    real
}

fn every_form(c: &Comparison, l: Language) -> [(&'static str, String); 4] {
    // A picture breaks its lines.
    let drawn = picture::standing(&picture::picture(c, l)).replace("</text>", " ");
    let drawn: String = drawn.split('<').filter_map(|tag| tag.split_once('>')).map(|(_, text)| text).collect();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    [
        ("text", words(&text(c, l))),
        ("markdown", words(&markdown(c, l))),
        ("html", words(&html(c, &[l], None))),
        ("svg", words(&drawn)),
    ]
}

#[test]
fn no_column_of_shares_stands_beside_counts_of_other_journeys_without_saying_so() {
    let c = compare(&versions(MAP), &walked());
    for l in LANGUAGES {
        let mature = l.pick("(mature)", "(созр.)");
        let deviations = section::sections(&c, l, 9).into_iter().filter(|s| s.title.contains("(deviations)"));
        let mut columns = 0;
        for table in section::plain(&c, l).into_iter().chain(deviations) {
            assert!(table.notes.iter().any(|note| note.starts_with(mature)), "{}: {:?}", table.title, table.notes);
            for (i, head) in table.head.iter().enumerate() {
                let shares = table.rows.iter().any(|row| row[i].contains(" %"));
                // What the design promises is no measurement.
                let promised = head == l.pick("target", "цель");
                assert_eq!(
                    head.ends_with(mature),
                    shares && !promised || head.contains(mature),
                    "{}: {head}",
                    table.title
                );
                columns += u32::from(shares && !promised);
            }
        }
        assert_eq!(columns, 6, "two of stages, one of transitions, three of deviations");
        assert!(every_form(&c, l)[2].1.contains(&section::basis(l)), "on the page, too");
    }
}

#[test]
fn how_many_journeys_lie_beside_a_newer_design_than_their_own_is_said_in_every_form() {
    let newer = MAP.replace("version: 1,", "version: 2, valid_from: 2026-01-15,");
    let map = |text: &str| Arc::new(map::parse("m", text).unwrap_or_else(|e| panic!("{e}")));
    let both = MapVersions { versions: vec![map(MAP), map(&newer)], ..versions(MAP) };
    let mut real = walked();
    real.walked.groups.iter_mut().filter(|g| g.entry_date >= day("2026-01-15")).for_each(|g| g.version = 2);
    let c = compare(&both, &real);
    assert_eq!((c.version, c.population.older_versions, c.population.entered), (2, 14, 20));
    assert_eq!(json(&c)["population"]["older_versions"], 14);
    for l in LANGUAGES {
        let words = l.pick(
            "14 of 20 journeys (70.0 %) began under an older version of the map",
            "14 из 20 путей (70.0 %) начались по более старой версии карты",
        );
        for (form, text) in every_form(&c, l) {
            assert!(text.contains(words), "{form}: {text}");
        }
        let one = compare(&versions(MAP), &walked());
        for (form, text) in every_form(&one, l) {
            assert!(!text.contains(l.pick("older version", "старой версии")), "{form}: {text}");
        }
    }
}

#[test]
fn what_must_not_be_told_is_said_in_every_form_and_its_places_are_listed() {
    let mut real = walked();
    real.walked.deviations[0].journeys = 4;
    let truth = compare(&versions(MAP), &real);
    let c = truth.clone().suppressed(5);
    let document = json(&c);
    assert_eq!(document["suppressed"]["min_cell"], 5);
    let mut places = 0;
    for (list, least) in [("below", 1..5_u64), ("at_least", 5..u64::MAX)] {
        for place in document["suppressed"][list].as_array().expect("a list") {
            let place = place.as_str().expect("a pointer");
            assert!(document.pointer(place).is_some_and(serde_json::Value::is_null), "{place}");
            let was = json(&truth).pointer(place).and_then(serde_json::Value::as_u64).expect("a count");
            assert!(least.contains(&was), "{place} was {was}");
            places += 1;
        }
    }
    assert!(places > 3, "{document:#}");
    assert!(document["suppressed"]["below"].to_string().contains("/deviations/0/journeys"), "{document:#}");
    assert_eq!(document["deviations"][0]["share"], serde_json::json!({ "value": null, "suppressed": true }));
    assert_eq!(for_sheets(&c)["deviations"][0]["journeys"], "<5");
    assert_eq!(json(&truth)["suppressed"], serde_json::Value::Null);
    for l in LANGUAGES {
        let words =
            l.pick("counts of journeys, customers and visits below 5", "числа путей, клиентов и посещений меньше 5");
        for (form, text) in every_form(&c, l) {
            assert!(text.contains(words), "{form}: {text}");
            // No number that stands in place of a count is ever shown.
            assert!(!text.replace(' ', "").contains("92233720"), "{form}: {text}");
        }
        let [(_, text), (_, markdown), (_, html), _] = every_form(&c, l);
        assert!(text.contains(" <5 ") && markdown.contains("| \\<5 |") && html.contains("<td>&lt;5</td>"), "{text}");
        assert!(!every_form(&truth, l).iter().any(|(_, text)| text.contains(words)));
    }
}
