//! `tropa discover` on logs of a few lines, where every figure is known.

use std::path::Path;

use super::world::{ok, run};

const CONFIG: &str = "schema: config/v1
maps: [m.journey.yaml]
sources:
  web:
    file: { paths: [events.ndjson] }
    decoder: { segment: { user: user, anonymous: cookie } }
";

const MAP: &str = "schema: journey/v1
id: m
version: 1
drop_off: { after: P1D }
stages: [{ id: A }, { id: Won, role: success }]
touchpoints:
  - { id: a, stage: A, match: { event: look } }
  - { id: won, stage: Won, match: { event: pay } }
";

fn filled(folder: &Path, events: &[String]) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("writable");
    write("tropa.yaml", CONFIG);
    write("m.journey.yaml", MAP);
    write("events.ndjson", &events.join("\n"));
    ok(folder, &["run", "--until-end"]);
}

fn event(id: usize, name: &str, user: &str, at: &str, properties: &str) -> String {
    format!(
        r#"{{"messageId":"{id}","type":"track","event":"{name}","userId":"{user}","timestamp":"{at}","properties":{properties}}}"#
    )
}

#[test]
fn what_is_no_value_of_a_key_makes_no_journey_as_in_a_fold() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let keys = [r#""o1""#, r#""null""#, "7.0", "true", "null", "[1]", r#"{"a":1}"#, r#""""#];
    let mut events = Vec::new();
    for (i, key) in keys.iter().enumerate() {
        let properties = format!(r#"{{"order":{key}}}"#);
        events.push(event(2 * i, "look", "u1", &format!("2026-01-01T{i:02}:00:00Z"), &properties));
        events.push(event(2 * i + 1, "pay", "u1", &format!("2026-01-01T{i:02}:30:00Z"), &properties));
    }
    events.push(event(99, "look", "u1", "2026-01-02T00:00:00Z", "{}"));
    filled(folder.path(), &events);
    let (_, said, code) = run(folder.path(), &["discover", "--key", "props.order"], "");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("8 of 8 events in 4 journeys are mapped"), "o1, the text null, 7 and true: {said}");
}

#[test]
fn a_time_limit_rests_on_mature_dates_and_nobody_still_on_the_way_counts_as_quick() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut events = Vec::new();
    for i in 0..31 {
        for (n, (name, minute)) in [("look", 0), ("look", 10), ("pay", 11)].into_iter().enumerate() {
            let at = format!("2026-01-01T{:02}:{:02}:00Z", i / 4, 15 * (i % 4) + minute);
            events.push(event(10 * i + n, name, &format!("old{i}"), &at, "{}"));
        }
    }
    for i in 0..300 {
        let at = format!("2026-01-10T{:02}:{:02}:00Z", i / 60, i % 60);
        events.push(event(1_000 + i, "look", &format!("new{i}"), &at, "{}"));
    }
    filled(folder.path(), &events);
    let (parts, said, code) = run(folder.path(), &["discover", "--against", "m.journey.yaml"], "");
    assert_eq!(code, 0, "{said}");
    assert!(said.ends_with("0 touchpoints, 0 transitions and 1 time limits are missing\n"), "{said}");
    let line = "# A: max_time: PT10M  # holds for 90 % of 31 entries of mature entry dates; 300 of others, or still open, left out";
    assert!(parts.contains(line), "{parts}");
}

#[test]
fn what_lies_on_one_page_only_is_proposed_with_that_page() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut events = Vec::new();
    for i in 0..20 {
        let user = format!("u{i}");
        let at = |minute: usize| format!("2026-01-01T{i:02}:{minute:02}:00Z");
        let page = format!(r#"{{"path":"/blog/{}"}}"#, 100 + i);
        events.push(event(10 * i, "look", &user, &at(0), "{}"));
        events.push(event(10 * i + 1, "read", &user, &at(1), &page));
        events.push(event(10 * i + 2, "ask", &user, &at(2), "{}"));
        events.push(event(10 * i + 3, "pay", &user, &at(3), "{}"));
    }
    filled(folder.path(), &events);
    let (parts, said, code) = run(folder.path(), &["discover", "--against", "m.journey.yaml"], "");
    assert_eq!(code, 0, "{said}");
    let rule = |event: &str| parts.lines().find(|line| line.contains(&format!("event: {event}"))).unwrap_or_default();
    assert!(rule("read").contains("path: /blog/*"), "{parts}");
    assert!(!rule("ask").is_empty() && !rule("ask").contains("path"), "{parts}");
}
