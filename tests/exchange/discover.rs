//! `tropa discover`: a proposal passes the check and describes the log it came from; against a map only what is missing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use tropa::conformance::Judge;
use tropa::map;

use crate::data;
use crate::python::python;
use crate::shop;
use crate::world::{asked, demo, refused};

/// A store filled from a log by an example's config, with another map.
struct Log {
    folder: tempfile::TempDir,
}

impl Log {
    /// `maps`: the line of the example's config.
    fn of(example: &str, map: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples").join(example);
        let config = std::fs::read_to_string(from.join("tropa.yaml")).expect("the example");
        let keep = |l: &&str| !l.starts_with("maps:") && !l.starts_with("data:");
        let lines: Vec<&str> = config.lines().filter(keep).collect();
        let config = format!("{}\nmaps: [found.journey.yaml]\ndata: store\n", lines.join("\n"));
        let log = Self { folder };
        std::fs::write(log.path("tropa.yaml"), config).expect("writable");
        std::fs::copy(from.join(map), log.path("found.journey.yaml")).expect("writable");
        log.tropa(&["run", "--until-end"]);
        log
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tropa(&self, arguments: &[&str]) -> (String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tropa"));
        let out = command.args(arguments).current_dir(self.folder.path()).output().expect("the binary runs");
        let text = |b: Vec<u8>| String::from_utf8(b).expect("text");
        let (said, errors) = (text(out.stdout), text(out.stderr));
        assert!(out.status.success(), "tropa {arguments:?}: {errors}");
        (said, errors)
    }

    fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let (answer, _) = self.tropa(&["sql", query, "--format", "TSV"]);
        answer.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }

    fn number(&self, query: &str) -> f64 {
        self.rows(query)[0][0].parse().expect("a number")
    }

    /// Proposes, checks, takes the proposal for the map and computes with it.
    fn discover(&self, more: &[&str]) -> Arc<map::DesignedMap> {
        let (_, said) = self.tropa(&[&["discover", "--id", "found", "--out", "new.journey.yaml"], more].concat());
        assert!(said.contains(" journeys are mapped"), "{said}");
        self.tropa(&["check", "new.journey.yaml"]);
        let text = std::fs::read_to_string(self.path("new.journey.yaml")).expect("written");
        println!("{text}");
        let active = text.replace("status: draft\n", "");
        std::fs::write(self.path("found.journey.yaml"), &active).expect("writable");
        self.tropa(&["run", "--until-end"]);
        Arc::new(map::parse("found", &active).unwrap_or_else(|f| panic!("{f}")))
    }

    /// What PM4Py says of the map's net and of its own miner on the log whose traces a query gives: of one path in so many.
    fn measured(&self, map: Arc<map::DesignedMap>, (traces, one_in): (&str, u32)) -> Value {
        let paths = format!("SELECT t, count() FROM ({traces}) WHERE cityHash64(t) % {one_in} = 0 GROUP BY t");
        let log: Vec<Value> = self
            .rows(&format!("{paths} ORDER BY count() DESC, t"))
            .iter()
            .map(|r| json!([r[0].split_whitespace().collect::<Vec<_>>(), r[1].parse::<u64>().expect("a count")]))
            .collect();
        let pnml = Judge::new(map).pnml().expect("a net");
        let script = format!("{}/tests/oracles/measure.py", env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(python())
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python runs");
        let question = json!({ "pnml": pnml, "log": log }).to_string();
        child.stdin.take().expect("a pipe").write_all(question.as_bytes()).expect("it reads");
        let out = child.wait_with_output().expect("it ends");
        assert!(out.status.success(), "measure.py failed: is `pm4py` of tests/requirements.txt installed?");
        let text = String::from_utf8_lossy(&out.stdout);
        serde_json::from_str(text.lines().last().expect("an answer")).expect("JSON")
    }
}

/// Names as ids, in the order of the journeys.
fn traces(events: &str, by: &str) -> String {
    format!(
        "SELECT arrayStringConcat(arrayMap(e -> lower(e.3), arraySort(groupArray((occurred_at, ifNull(sequence, 0), name)))), ' ') AS t \
         FROM events FINAL WHERE {events} GROUP BY {by}"
    )
}

#[test]
fn on_bpic_2012_the_proposal_fits_and_in_the_long_form_is_at_least_as_precise_as_the_inductive_miner() {
    let test = "on_bpic_2012_the_proposal_fits_and_in_the_long_form_is_at_least_as_precise_as_the_inductive_miner";
    if data::data_dir(test).is_none() {
        return;
    }
    let log = Log::of("bpic2012", "stages.journey.yaml");
    let map = log.discover(&["--event", "A_*", "--event", "O_*"]);
    let looked = "(name LIKE 'A\\_%' OR name LIKE 'O\\_%')";
    // PM4Py takes minutes for all paths.
    let long = std::env::var_os("TROPA_LONG").is_some();
    let found = log.measured(map, (&traces(looked, "node"), if long { 1 } else { 12 }));
    println!("{found:#}");
    let of = |who: &str, what: &str| found[who][what].as_f64().expect("a number");
    assert!(of("found", "fitness") >= 0.9, "{found:#}");
    // The less of a log one sees, the less precise a map of all of it seems: a sample says nothing here.
    if long {
        assert_eq!(found["traces"], 13_087);
        assert!(of("found", "precision") >= of("inductive", "precision"), "{found:#}");
    }
    let inside = log.number("SELECT sum(events) FROM v_coverage WHERE map = 'found' AND fate = 'in_journey'");
    let all = log.number(&format!("SELECT count() FROM events FINAL WHERE {looked}"));
    println!("{inside} of {all} events lie in journeys");
    assert!(inside >= 0.9 * all, "{inside} of {all}");
    // Nothing of what it looked at is missing any more.
    let (parts, said) = log.tropa(&["discover", "--against", "found.journey.yaml", "--event", "A_*", "--event", "O_*"]);
    assert!(said.contains("0 touchpoints, "), "{said} {parts}");
}

#[test]
fn on_clique_bait_the_same_figures_are_told() {
    if data::data_dir("on_clique_bait_the_same_figures_are_told").is_none() {
        return;
    }
    let log = Log::of("clique_bait", "visits.journey.yaml");
    let map = log.discover(&["--key", "props.visit"]);
    let visits = traces("source = 'shop'", "JSONExtractString(properties, 'visit')");
    let found = log.measured(map, (&visits, 1));
    println!("{found:#}");
    let mapped =
        log.number("SELECT sumIf(events, fate = 'in_journey') / sum(events) FROM v_coverage WHERE map = 'found' AND source = 'shop'");
    println!("{mapped} of the events lie in journeys");
    assert!(mapped >= 0.9);
    // Visits that end without a purchase reach no end of the map, which an alignment counts against it.
    let of = |who: &str, what: &str| found[who][what].as_f64().expect("a number");
    assert!(of("found", "fitness") >= 0.85 && of("found", "precision") >= of("inductive", "precision"), "{found:#}");
}

#[test]
fn the_shop_s_proposal_has_templates_for_pages_and_passes_the_check() {
    let text = asked(&["discover", "--id", "again", "--goal", "order.paid"]);
    let map = map::parse("again", &text).unwrap_or_else(|f| panic!("{f}\n{text}"));
    assert_eq!(asked(&["discover", "--id", "again", "--goal", "order.paid"]), text, "the same every time");
    assert!(map.touchpoints.iter().any(|t| t.matching.any.iter().any(|c| !c.path.is_empty())), "{text}");
    assert!(map.touchpoints.len() >= 5 && map.stages.len() >= 2 && !map.transitions.is_empty(), "{text}");
    assert!(text.lines().filter(|l| l.starts_with("  - {")).all(|l| l.contains("  # ")), "{text}");
}

#[test]
fn what_no_event_has_is_answered_with_what_there_is_and_no_file_is_written_over() {
    for flag in ["--event", "--goal"] {
        let said = refused(&["discover", flag, "nope"]);
        assert!(said.starts_with(&format!("no event is named as `{flag} nope` says\n  there are: ")), "{said}");
        assert!(said.contains("order.paid"), "{said}");
    }
    let said = refused(&["discover", "--key", "props.nope"]);
    assert!(said.starts_with("no event with a customer has `props.nope`"), "{said}");

    let folder = tempfile::tempdir().expect("a folder");
    let mine = folder.path().join("mine.journey.yaml");
    std::fs::write(&mine, "by hand").expect("writable");
    let said = refused(&["discover", "--out", shop::text(&mine)]);
    assert!(said.contains("is there already\n  hint: `--out` with another name"), "{said}");
    assert_eq!(std::fs::read_to_string(&mine).expect("it is there"), "by hand");
}

#[test]
fn against_a_map_only_what_was_taken_out_of_it_is_proposed_and_it_can_be_pasted() {
    let whole = include_str!("../../config/demo/shop.journey.yaml");
    let designed = map::parse("shop", whole).expect("the demo's map");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("less.journey.yaml");
    let against = |text: &str| {
        std::fs::write(&file, text).expect("writable");
        asked(&["discover", "--against", shop::text(&file), "--min-customers", "0.02"])
    };
    let before = against(&map::written::journey_file(&designed));
    // The commonest touchpoint of a stage that has others, and a transition.
    let gone = designed.touchpoint_ix("add_to_basket").or(designed.touchpoint_ix("basket_add"));
    let gone = usize::from(
        gone.unwrap_or_else(|| panic!("{:?}", designed.touchpoints.iter().map(|t| &t.id).collect::<Vec<_>>())),
    );
    let rule = designed.touchpoints[gone].matching.any[0].event[0].clone();
    let mut less = designed.clone();
    less.touchpoints[gone].matching = map::Match::default();
    let parts = against(&map::written::journey_file(&less));
    let line =
        parts.lines().find(|l| l.contains(&format!("event: {rule}"))).unwrap_or_else(|| panic!("{rule} in\n{parts}"));
    assert!(!before.contains(&format!("event: {rule}")), "{before}");
    assert!(line.contains(" events of ") && line.contains("# "), "{line}");
    let pasted = map::written::journey_file(&less).replace("\ntransitions:\n", &format!("\n{line}\ntransitions:\n"));
    let again = map::parse("pasted", &pasted).unwrap_or_else(|f| panic!("{f}\n{pasted}"));
    assert_eq!(again.touchpoints.len(), designed.touchpoints.len() + 1);
    assert!(!against(&pasted).contains(&format!("event: {rule}")));
    assert!(demo().exists());
}
