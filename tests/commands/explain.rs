//! `tropa explain`.

use super::world::{EVENTS, PAYMENTS, filled, run};

fn explained(input: &str, more: &[&str]) -> String {
    let (out, errors, code) = run(filled(), &[&["explain", "-"], more].concat(), input);
    assert_eq!((errors.as_str(), code), ("", 0));
    out
}

#[test]
fn a_record_that_matches_says_its_rule_and_identifiers() {
    assert_eq!(
        explained(EVENTS[1], &[]),
        "source `web`
event `signup` id `2` at 2026-01-02T10:00:00Z
  identifier user:u1 (person, priority 2, the strongest: its facts start here)
  identifier email:a@x.org (person, priority 3)
  identifier cookie:c1 (device, priority 9)
map `trial`
  version 1
    is a visit of `signed_up` (stage `signup`): event is `signup`
map `buyers`
  version 1
    matches no touchpoint
"
    );
}

#[test]
fn a_record_that_nearly_matches_says_what_fails() {
    let out = explained(EVENTS[3], &[]);
    assert!(out.contains("map `trial`\n  version 1\n    matches no touchpoint\n    nearly `pricing`: path is `/blog/x`, not `/pricing/**`\n"), "{out}");
}

#[test]
fn a_record_over_several_lines_and_one_that_is_none_are_explained_too() {
    let pretty = EVENTS[0].replace(",\"", ",\n  \"");
    assert!(explained(&pretty, &[]).contains("is a visit of `pricing` (stage `visit`)"));
    assert_eq!(
        explained("{\"type\": \"page\"", &["--source", "web"]),
        "source `web`\ndead letter: the JSON ends too early: EOF while parsing an object at line 1 column 15 (truncated)\n"
    );
    assert_eq!(explained("", &[]), "source `billing`\nthere is no record in it\n");
}

#[test]
fn rows_of_a_delimited_source_are_explained_under_their_header() {
    assert_eq!(
        explained(PAYMENTS, &[]),
        "source `billing`

record on line 2
event `payment` id `p1` at 2026-01-05T08:00:00Z
  identifier email:a@x.org (person, priority 3, the strongest: its facts start here)
map `trial`
  version 1
    is a visit of `first_payment` (stage `paid`): source is `billing`, event is `payment`
map `buyers`
  version 1
    is a visit of `payment` (stage `buy`): event is `payment`

record on line 3
skipped by the config: filtered
"
    );
}

#[test]
fn a_source_that_is_not_there_is_named_with_those_that_are() {
    let (_, errors, code) = run(filled(), &["explain", "-", "--source", "shop"], "{}");
    assert_eq!((errors.as_str(), code), ("there is no source `shop`\n  the config has: `billing`, `web`\n", 1));
    let (_, errors, code) = run(filled(), &["explain", "nothing.json"], "");
    assert_eq!((errors.as_str(), code), ("cannot read nothing.json: No such file or directory (os error 2)\n", 1));
}
