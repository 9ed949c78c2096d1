//! The law's paths against small maps: cost and deviations of each, and what the check says of the map. In: the section
//! `conformance` of `cases.yaml`.

use std::sync::Arc;

use serde_json::{Value, json};
use tropa::conformance::{Judge, Verdict};
use tropa::map::{self, DesignedMap, arcs};

#[test]
fn every_path_of_the_section_on_conformance_costs_and_tells_what_the_law_says() {
    let file: Value = serde_saphyr::from_str(include_str!("cases.yaml")).expect("the cases are YAML");
    let (mut failures, mut paths) = (Vec::new(), 0);
    for (name, section) in file["conformance"].as_object().expect("a section") {
        let designed = Arc::new(map(name, section));
        let mut judge = Judge::new(designed.clone());
        for case in section["cases"].as_array().expect("a list of paths") {
            paths += 1;
            let [path, end, cost, deviations] = case.as_array().expect("a path").as_slice() else {
                panic!("{case}: a case is path, end, cost and deviations")
            };
            let verdict = verdict(&mut judge, path.as_str().expect("a path"), end.as_str());
            let found: Vec<String> = verdict.deviations.iter().map(|d| d.words(&designed)).collect();
            let mut wanted: Vec<&str> = deviations.as_array().unwrap().iter().map(|d| d.as_str().unwrap()).collect();
            wanted.sort_by_key(|words| found.iter().position(|f| f == words));
            let found = json!([verdict.fitness.map(|f| f.cost).ok(), found]);
            if found != json!([cost, wanted]) {
                failures.push(format!("{name}: {path} should give {cost} {wanted:?}, and gives {found}"));
            }
        }
    }
    assert!(paths >= 8 && failures.is_empty(), "{} of {paths} paths differ:\n{}", failures.len(), failures.join("\n"));
}

fn verdict(judge: &mut Judge, path: &str, end: Option<&str>) -> Arc<Verdict> {
    let designed = judge.map().clone();
    let touchpoint = |id: &str| designed.touchpoint_ix(id).unwrap_or_else(|| panic!("no touchpoint `{id}`"));
    let end = end.map(|end| {
        let (kind, of) = end.split_once(' ').expect("`success X` or `exit X`");
        let is_it = |t: &map::Touchpoint| *t.id == *of || *designed.stages[usize::from(t.stage)].id == *of;
        let at = (0..designed.touchpoints.len()).find(|&t| is_it(&designed.touchpoints[t])).expect("an end");
        let end = judge.model().decides(at as u16).expect("it decides");
        assert_eq!(judge.model().ends[usize::from(end)].is_success(), kind == "success", "{of}");
        end
    });
    let path = judge.path(path.split_whitespace().map(touchpoint));
    judge.judge(&path, end)
}

/// The map of a section; stages that the check refuses as unreachable are named by the section and left out.
fn map(name: &str, section: &Value) -> DesignedMap {
    let text = |stages: &[Value], touchpoints: &[Value]| {
        let file =
            json!({ "schema": "journey/v1", "id": name, "version": 1, "stages": stages, "touchpoints": touchpoints });
        file.to_string()
    };
    let (stages, touchpoints) = (section["stages"].as_array().unwrap(), section["touchpoints"].as_array().unwrap());
    let unreachable = section["check"]["unreachable"].as_array().unwrap();
    let faults = map::parse(name, &text(stages, touchpoints)).expect_err("a stage is not reached").to_string();
    for stage in unreachable {
        let fault = format!("no entry reaches stage `{}`", stage.as_str().unwrap());
        assert!(faults.contains(&fault), "{faults}");
    }
    let stages: Vec<Value> = stages.iter().filter(|s| !unreachable.contains(&s["id"])).cloned().collect();
    let touchpoints: Vec<Value> = touchpoints.iter().filter(|t| !unreachable.contains(&t["stage"])).cloned().collect();
    let map = map::parse(name, &text(&stages, &touchpoints)).unwrap_or_else(|f| panic!("{f}"));
    assert_eq!(json!(arcs::arcs(&map).len()), section["check"]["arcs"]);
    assert_eq!(json!(map.touchpoints.iter().filter(|t| t.is_beside()).count()), section["check"]["beside"]);
    map
}
