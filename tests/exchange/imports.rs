//! What is imported becomes a journey file that the check accepts; our own exports give the same map again.

use std::path::Path;
use std::sync::Arc;

use tropa::exchange::{bpmn, bpmn_read, cjml, cjml_read};
use tropa::map::{self, DesignedMap};

use crate::random;
use crate::shop;
use crate::written::said;

fn through_bpmn(map: &DesignedMap) -> DesignedMap {
    let text = bpmn::bpmn(map, "en");
    let draft = bpmn_read::read("x.bpmn", &text).unwrap_or_else(|f| panic!("{f}\n{text}"));
    let made = draft.finish("x").unwrap_or_else(|f| panic!("{f}\n{text}"));
    map::parse("x", &made).unwrap_or_else(|f| panic!("{f}\n{made}"))
}

fn example(name: &str) -> Arc<DesignedMap> {
    let file = format!("{}/config/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).expect("an example");
    Arc::new(map::parse(name, &text).unwrap_or_else(|f| panic!("{f}")))
}

const EXAMPLES: [&str; 6] = [
    "examples/mortgage.journey.yaml",
    "examples/bpic2012/loan.journey.yaml",
    "examples/bpic2012/offers.journey.yaml",
    "examples/bpic2012/stages.journey.yaml",
    "examples/clique_bait/visits.journey.yaml",
    "demo/shop.journey.yaml",
];

#[test]
fn every_example_through_bpmn_is_the_same_map() {
    for name in EXAMPLES {
        let map = example(name);
        assert_eq!(said(&map), said(&through_bpmn(&map)), "{name}");
    }
}

#[test]
fn two_thousand_random_maps_through_bpmn_are_the_same_maps() {
    let mut rng = random::rng(22);
    for i in 0..2_000 {
        let map = random::map(&mut rng, 2 + i % 6);
        assert_eq!(said(&map), said(&through_bpmn(&map)), "{}", bpmn::bpmn(&map, "en"));
    }
}

#[test]
fn what_is_changed_in_the_drawing_is_changed_in_the_map() {
    let map = example("examples/bpic2012/loan.journey.yaml");
    let text = bpmn::bpmn(&map, "en");
    // A new name, a flow that is taken away, a task in another stage.
    let changed = text.replace("name=\"o_sent_back\"", "name=\"Offer came back\"");
    let flow = changed
        .split("<bpmn:sequenceFlow ")
        .find(|f| f.contains("targetRef=\"stage_6\"") && f.contains("choice_stage_4"));
    let flow = flow.expect("reply to declined").split("</bpmn:sequenceFlow>").next().expect("its text");
    let changed = changed.replace(&format!("<bpmn:sequenceFlow {flow}</bpmn:sequenceFlow>"), "");
    let made =
        bpmn_read::read("x", &changed).unwrap_or_else(|f| panic!("{f}")).finish("x").unwrap_or_else(|f| panic!("{f}"));
    let again = map::parse("x", &made).unwrap_or_else(|f| panic!("{f}"));
    let sent_back = &again.touchpoints[usize::from(again.touchpoint_ix("o_sent_back").expect("it keeps its id"))];
    assert_eq!(sent_back.title.get("en"), Some("Offer came back"));
    assert_eq!(again.transitions.len(), map.transitions.len() - 1);
    let pair = (again.stage_ix("reply").expect("a stage"), again.stage_ix("declined").expect("a stage"));
    assert!(again.transitions.iter().all(|t| (t.from, t.to) != pair));
}

const FOREIGN: &str = r#"<?xml version="1.0"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="x">
 <process id="p" name="Check-out">
  <startEvent id="s"/>
  <userTask id="a" name="Fill the basket"/>
  <exclusiveGateway id="g" default="f3"/>
  <subProcess id="pay" name="Pay">
   <task id="card" name="Card"/>
   <task id="code" name="Code"/>
   <sequenceFlow id="i1" sourceRef="card" targetRef="code"/>
  </subProcess>
  <endEvent id="done"/>
  <endEvent id="gone" name="Gave up"><terminateEventDefinition/></endEvent>
  <sequenceFlow id="f1" sourceRef="s" targetRef="a"/>
  <sequenceFlow id="f2" sourceRef="a" targetRef="g"/>
  <sequenceFlow id="f3" sourceRef="g" targetRef="pay"/>
  <sequenceFlow id="f4" sourceRef="g" targetRef="gone"/>
  <sequenceFlow id="f5" sourceRef="pay" targetRef="done"/>
 </process>
</definitions>
"#;

fn import(folder: &Path, name: &str, content: &[u8], more: &[&str]) -> (String, String, i32) {
    let file = folder.join(name);
    std::fs::write(&file, content).expect("writable");
    let out = shop::run(&[&["map", "import", shop::text(&file)], more].concat());
    let text = |b: Vec<u8>| String::from_utf8(b).expect("text").replace(&format!("{}/", folder.display()), "");
    (text(out.stdout), text(out.stderr), out.status.code().unwrap_or(-1))
}

#[test]
fn bpmn_of_another_tool_becomes_a_journey_file_that_the_check_accepts() {
    let folder = tempfile::tempdir().expect("a folder");
    let (made, errors, code) = import(folder.path(), "x.bpmn", FOREIGN.as_bytes(), &[]);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(
        made,
        "schema: journey/v1
id: check-out
version: 1
title: Check-out
stages:
  - { id: fill_the_basket, title: Fill the basket }
  - { id: pay, title: Pay, sequence: true, role: success }
  - { id: gave_up, title: Gave up, role: exit }
touchpoints:
  - { id: fill_the_basket, title: Fill the basket, stage: fill_the_basket }
  - { id: card, title: Card, stage: pay }
  - { id: code, title: Code, stage: pay }
  - { id: gave_up, title: Gave up, stage: gave_up }
transitions:
  - { from: fill_the_basket, to: pay, kind: expected }
  - { from: fill_the_basket, to: gave_up, kind: allowed }
"
    );
    assert!(errors.contains("touchpoint `card` has no `match`: no event can be it"), "{errors}");
}

#[test]
fn what_is_outside_of_the_subset_is_named_with_its_id_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = FOREIGN
        .replace("  <endEvent id=\"done\"/>\n", "  <endEvent id=\"done\"/>\n  <parallelGateway id=\"both\"/>\n  <boundaryEvent id=\"late\" attachedToRef=\"a\"/>\n")
        .replace("targetRef=\"code\"", "targetRef=\"nowhere\"");
    let (made, errors, code) = import(folder.path(), "x.bpmn", wrong.as_bytes(), &[]);
    assert_eq!((made.as_str(), code), ("", 78));
    for words in [
        "x.bpmn is not usable: 3 faults",
        "x.bpmn:10:4  `sequenceFlow` `i1` names `nowhere`, which is not there",
        "x.bpmn:13:3  `parallelGateway` `both` is not read",
        "x.bpmn:14:3  `boundaryEvent` `late` is not read",
        "read are: one process;",
    ] {
        assert!(errors.contains(words), "{words:?} in\n{errors}");
    }
    let (_, errors, code) = import(folder.path(), "y.bpmn", b"<definitions>", &[]);
    assert_eq!(code, 78);
    assert!(errors.contains("y.bpmn:1:") && errors.contains("this is not XML"), "{errors}");
    let (_, errors, code) = import(folder.path(), "z.doc", b"x", &[]);
    assert_eq!(code, 78);
    assert!(errors.contains("allowed: .bpmn, .cjml, .csv, .xlsx"), "{errors}");
}

#[test]
fn cjml_keeps_stages_touchpoints_titles_and_channels_in_their_order() {
    for name in EXAMPLES {
        let map = example(name);
        let draft = cjml_read::read("x", &cjml::planned(&map, "en")).unwrap_or_else(|f| panic!("{f}"));
        let again = map::parse("x", &draft.finish("x").unwrap_or_else(|f| panic!("{f}"))).expect("checked");
        let stages = |m: &DesignedMap| -> Vec<(String, String)> {
            m.stages.iter().map(|s| (s.id.to_string(), s.title.get("en").unwrap_or(&s.id).to_owned())).collect()
        };
        assert_eq!(stages(&map), stages(&again), "{name}");
        let points = |m: &DesignedMap| -> Vec<(u16, String, String, Vec<String>)> {
            let mut all: Vec<_> = m.touchpoints.iter().collect();
            all.sort_by_key(|t| t.rank);
            let title = |t: &map::Touchpoint| t.title.get("en").unwrap_or(&t.id).to_owned();
            let channels = |t: &map::Touchpoint| t.channels.iter().map(|c| c.to_string()).collect();
            all.iter().map(|t| (t.stage, t.id.to_string(), title(t), channels(t))).collect()
        };
        assert_eq!(points(&map), points(&again), "{name}");
    }
}

const TABLE: &str = "Stage,Touchpoint,Role,Channels,Source,Event,Path,Goal,Max repeats
Look,Price page,entry,web;app,web,page_view,/pricing/**,,3
Look,Call,,call,calls,call_finished,,,
Buy,Payment,success,,billing,payment|paid,,yes,
";

#[test]
fn a_table_becomes_a_journey_file_whether_csv_or_workbook() {
    let folder = tempfile::tempdir().expect("a folder");
    let (made, errors, code) = import(folder.path(), "sales.csv", TABLE.as_bytes(), &[]);
    assert_eq!((errors.as_str(), code), ("", 0));
    assert_eq!(
        made,
        "schema: journey/v1
id: sales
version: 1
title: sales
channels: { web: {}, app: {}, call: {} }
stages:
  - { id: look, title: Look, role: entry }
  - { id: buy, title: Buy, role: success }
touchpoints:
  - id: price_page
    title: Price page
    stage: look
    channels: [web, app]
    max_repeats: 3
    match: { source: web, event: page_view, path: /pricing/** }
  - { id: call, title: Call, stage: look, channels: [call], match: { source: calls, event: call_finished } }
  - { id: payment, title: Payment, stage: buy, goal: true, match: { source: billing, event: [payment, paid] } }
"
    );
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (r, line) in TABLE.lines().enumerate() {
        for (c, cell) in line.split(',').enumerate() {
            match cell.parse::<f64>() {
                Ok(number) => sheet.write_number(r as u32, c as u16, number).expect("a cell"),
                Err(_) => sheet.write_string(r as u32, c as u16, cell).expect("a cell"),
            };
        }
    }
    let book = book.save_to_buffer().expect("a workbook");
    assert_eq!(import(folder.path(), "sales.xlsx", &book, &[]), (made.clone(), String::new(), 0));
    let semicolons = TABLE.replace("web;app", "web|app").replace(',', ";");
    assert_eq!(import(folder.path(), "sales.csv", semicolons.as_bytes(), &[]).0, made);
    let (_, errors, code) = import(folder.path(), "bad.csv", b"stage,tuchpoint,goal\nlook,page,maybe\n", &[]);
    assert_eq!(code, 78);
    assert!(errors.contains("bad.csv:1:2") && errors.contains("did you mean `touchpoint`?"), "{errors}");
    let (_, errors, _) = import(folder.path(), "bad.csv", b"stage,touchpoint,goal\nlook,page,maybe\n,x,\n", &[]);
    assert!(
        errors.contains("bad.csv:2:3  `goal` is `maybe`") && errors.contains("bad.csv:3:1  `stage` is empty"),
        "{errors}"
    );
}
