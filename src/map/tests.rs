//! What a journey file becomes: the example with every key, versions side by side, arcs, warnings.

use std::time::Duration;

use serde_json::json;

use super::arcs::{arcs, endless, unreachable};
use super::*;
use crate::time::Timestamp;

const EXAMPLE: &str = include_str!("../../config/examples/mortgage.journey.yaml");
const DAY: u64 = 86_400;

fn small(more: &str) -> String {
    format!(
        "{{ schema: journey/v1, id: m, version: 1, stages: [{{ id: a, role: entry }}, {{ id: b, role: success }}], \
         touchpoints: [{{ id: x, stage: a, match: {{ event: x }} }}, {{ id: y, stage: b, match: {{ event: y }} }}] {more} }}"
    )
}

fn load_all(files: &[&str]) -> Result<Loaded, String> {
    let named: Vec<_> = files.iter().enumerate().map(|(i, t)| (format!("{i}.yaml"), (*t).to_owned())).collect();
    load_with_warnings(&named).map_err(|faults| faults.to_string())
}

#[test]
fn every_key_of_the_example_is_in_the_map() {
    let map = parse("mortgage.yaml", EXAMPLE).unwrap();
    assert_eq!(
        (&*map.id, map.version, map.status, map.file.as_str()),
        ("mortgage-online", 3, Status::Active, "mortgage.yaml")
    );
    assert_eq!(map.valid_from, Timestamp::parse("2026-08-31T21:00:00Z"), "a day begins in the map's zone");
    assert_eq!(map.title.get("ru"), Some("Ипотека онлайн"));
    assert_eq!(map.owner.as_deref(), Some("product-mortgage@example.org"));
    assert_eq!(map.objective.get("en"), Some("Signed loan agreement"));
    assert_eq!(map.zone_name, "Europe/Moscow");
    assert_eq!(map.entry, [true, true, false, false, false]);
    assert_eq!(map.journey_key.as_ref().map(|k| k.parts.clone()), Some(vec!["application_id".into()]));
    assert_eq!(map.after_goal.as_secs(), 30 * DAY);
    assert_eq!(map.windows.iter().map(|w| w.as_secs() / DAY).collect::<Vec<_>>(), [14, 30, 30, 30, 30]);
    assert_eq!((map.maturity, map.min_n), (0.95, 30));
    let dimensions: Vec<_> = map.dimensions.iter().map(|d| &*d.name).collect();
    assert_eq!(dimensions, ["channel", "campaign", "props.region"]);
    assert_eq!(map.dimensions[0].path, DimensionPath::Channel);
    assert_eq!(map.exclude[0].matching.any[0].props["email_domain"], [json!("example.org")]);
    assert_eq!(
        (map.personas.len(), map.personas[0].attribute.as_str(), &map.personas[0].values),
        (2, "segment", &vec![json!("first_home")])
    );
    assert_eq!((map.personas[0].goals.len(), map.personas[0].pains.len()), (1, 1));
    assert_eq!(map.channels.iter().map(|c| &*c.id).collect::<Vec<_>>(), ["web", "app", "call", "email"]);

    let apply = &map.stages[1];
    assert_eq!((apply.emotion_expected, apply.emotion_alert_below), (Some(0.0), Some(-0.5)));
    assert_eq!((apply.emotion_by_persona["refinancer"], apply.max_time), (0.5, Some(Duration::from_secs(DAY))));
    assert_eq!(apply.one_of, [1, 2]);
    assert_eq!(
        (apply.pain_points[0].severity.as_deref(), &apply.opportunities[0].solves),
        (Some("high"), &vec!["income_docs".to_owned()])
    );
    assert_eq!(map.stages[0].expectations[0].get("en"), Some("Compare rates without a call"));
    assert_eq!(
        map.stages.iter().map(|s| s.role).collect::<Vec<_>>(),
        [Role::Entry, Role::None, Role::None, Role::Success, Role::Exit]
    );

    let of = |id: &str| &map.touchpoints[usize::from(map.touchpoint_ix(id).unwrap())];
    assert_eq!(of("calculator").channel_from.as_ref().unwrap().parts, ["platform".into()]);
    assert_eq!(of("calculator").matching.any[0].path, ["/mortgage/calculator/**"]);
    assert_eq!(of("start_form").max_repeats, Some(3));
    assert_eq!(of("start_form").failed_when.as_ref().unwrap()["status"], [json!("timeout"), json!("error")]);
    assert_eq!(of("phone_application").matching.any.len(), 2);
    assert_eq!(
        (&*of("upload_error").problem.as_ref().unwrap().id, of("upload_error").emotion_impact),
        ("upload_failed", Some(-1.0))
    );
    assert!(of("withdrawn").exit && of("approved").required && of("signed").goal);
    let (from, low, high) = of("rate_service").emotion_from.clone().unwrap();
    assert_eq!((&*from.written, low, high), ("props.score", 1.0, 5.0));
    assert_eq!(&*of("signed").value.as_ref().unwrap().currency, "RUB");
    assert_eq!(of("signed").channels, ["call".into()]);
    let ranks: Vec<_> = map.touchpoints.iter().map(|t| t.rank).collect();
    assert_eq!(ranks, [0, 1, 2, 3, 4, 5, 6, 7, 8]);

    let first = &map.transitions[1];
    assert_eq!((first.from, first.to, first.kind), (1, 2, TransitionKind::Expected));
    assert_eq!(
        (first.within.unwrap().as_secs(), first.not_before.unwrap().as_secs(), first.target_share),
        (2 * DAY, 300, Some(0.8))
    );
    assert_eq!((map.transitions[5].max_repeats, map.transitions[7].kind), (Some(2), TransitionKind::Forbidden));
    assert_eq!(map.transitions[7].reason.get("en"), Some("Skips scoring"));
    assert_eq!(
        (map.kpis[0].target, map.kpis[1].target),
        (KpiTarget::Share(0.35), KpiTarget::Time(Duration::from_secs(36 * 3600)))
    );
    assert_eq!((map.kpis[1].stage, map.kpis[1].metric), (Some(2), Metric::TimeInStageP90));
    assert_eq!((map.experiments[0].control.as_str(), &map.experiments[0].variants), ("a", &vec!["b".to_owned()]));
    let accepted = &map.accepted_deviations[0];
    assert_eq!((accepted.kind.as_str(), accepted.from, accepted.to), ("unexpected", Some(3), Some(2)));
    assert_eq!(
        (accepted.until.unwrap().to_string().as_str(), accepted.reason.get("en")),
        ("2026-12-31", Some("CRM re-sends status"))
    );

    let test = &map.tests[0];
    assert_eq!((test.events.len(), test.events[0].ids["crm_contact"].as_str()), (3, "17"));
    assert_eq!(
        (test.events[2].props["amount"].clone(), test.events[0].at),
        (json!(6_500_000), Timestamp::parse("2026-10-01T07:00:00Z").unwrap())
    );
    assert_eq!(
        (test.expect.journeys, test.expect.outcome.as_deref(), test.expect.deviations.as_ref().map(Vec::len)),
        (Some(1), Some("completed"), Some(0))
    );
    assert!(test.line > 100 && map.tests[1].as_of.is_some());
    assert_eq!(
        (map.tests[1].expect.reason.as_deref(), map.tests[1].expect.stages.as_deref()),
        (Some("withdrawn"), Some(&["apply".to_owned()][..]))
    );
    assert_eq!(load_all(&[EXAMPLE]).unwrap().warnings, []);
}

#[test]
fn defaults_are_filled_in() {
    let map = parse("m", &small("")).unwrap();
    assert_eq!((map.zone_name.as_str(), map.maturity, map.min_n, map.status), ("UTC", 0.95, 30, Status::Active));
    assert_eq!((map.windows.clone(), map.after_goal), (vec![Duration::from_secs(30 * DAY); 2], Duration::ZERO));
    assert_eq!((map.entry.clone(), map.valid_from), (vec![true, false], None));
    assert_eq!(parse("m", &small(", entry: any")).unwrap().entry, [true, true]);
    assert_eq!(
        parse("m", &small("").replace(", role: entry", "")).unwrap().entry,
        [true, false],
        "else the first stage"
    );
}

#[test]
fn ranks_go_by_stage_then_declaration() {
    let text = "{ schema: journey/v1, id: m, version: 1, stages: [{ id: a }, { id: b, role: success }], touchpoints: \
        [{ id: y, stage: b, match: { event: y } }, { id: x, stage: a, match: { event: x } }, { id: w, stage: a, match: { event: w } }] }";
    assert_eq!(parse("m", text).unwrap().touchpoints.iter().map(|t| t.rank).collect::<Vec<_>>(), [2, 0, 1]);
}

#[test]
fn versions_of_one_map_come_together_oldest_first() {
    let v2 = small(", valid_from: 2026-02-01").replace("version: 1", "version: 2");
    let v3 = small(", status: draft").replace("version: 1", "version: 3");
    let other = small("").replace("id: m", "id: other");
    let loaded = load_all(&[&v3, &v2, &other, &small("")]).unwrap();
    assert_eq!(loaded.maps.iter().map(|m| &*m.id).collect::<Vec<_>>(), ["m", "other"]);
    assert_eq!(loaded.maps[0].versions.iter().map(|v| v.version).collect::<Vec<_>>(), [1, 2, 3]);
    let at = |t: &str| loaded.maps[0].valid_at(Timestamp::parse(t).unwrap());
    assert_eq!((at("2026-01-31T23:59Z"), at("2026-02-01")), (Some(0), Some(1)));
    let again = load_all(&[&small(""), &v2, &v3]).unwrap();
    assert_eq!(again.maps[0].fingerprint, loaded.maps[0].fingerprint, "the order of files is no part of the reading");
    assert_ne!(loaded.maps[1].fingerprint, loaded.maps[0].fingerprint);
}

#[test]
fn versions_said_twice_or_running_backwards_are_faults_of_the_later_file() {
    let twice = load_all(&[&small(""), &small(", min_n: 3")]).unwrap_err();
    assert!(twice.contains("1.yaml:1:39  map `m` has version 1 twice (also in 0.yaml)"), "{twice}");
    let v2 = small("").replace("version: 1", "version: 2");
    let unset = load_all(&[&small(""), &v2]).unwrap_err();
    assert!(unset.contains("version 2 of map `m` has no `valid_from`"), "{unset}");
    let v1 = small(", valid_from: 2026-03-01");
    let v2 = small(", valid_from: 2026-02-01").replace("version: 1", "version: 2");
    let back = load_all(&[&v1, &v2]).unwrap_err();
    assert!(
        back.contains("version 2 of map `m` is valid from 2026-02-01T00:00:00Z, not later than the one before"),
        "{back}"
    );
}

#[test]
fn the_faults_of_all_files_are_reported_together() {
    let found = load_all(&[&small(", entry: c"), "id: [", &small("")]).unwrap_err();
    assert!(found.starts_with("0.yaml, 1.yaml are not usable: 2 faults"), "{found}");
}

#[test]
fn with_no_arc_listed_each_stage_leads_to_the_next_and_to_every_exit() {
    let text = "{ schema: journey/v1, id: m, version: 1, entry: any, after_goal: P1D,
        stages: [{ id: A }, { id: B }, { id: Won, role: success }, { id: After }, { id: Lost, role: exit }],
        touchpoints: [{ id: a, stage: A, required: true }, { id: b, stage: B }, { id: won, stage: Won },
          { id: after, stage: After }, { id: lost, stage: Lost }] }";
    let found = parse("m", text).unwrap_err().to_string();
    assert!(found.contains("no success or exit is reached from stage `After`"), "{found}");
    let without = text.replace(" { id: After },", "").replace("{ id: after, stage: After },", "");
    let map = parse("m", &without).unwrap();
    assert_eq!(arcs(&map), [(0, 1), (1, 2), (0, 3), (1, 3)]);
    assert_eq!((unreachable(&map), endless(&map)), (vec![], vec![]));
    let forbidden = without.replace("}] }", "}], transitions: [{ from: A, to: Lost, kind: forbidden }] }");
    assert_eq!(arcs(&parse("m", &forbidden).unwrap()), [(0, 1), (1, 2), (1, 3)]);
}

#[test]
fn a_map_of_bare_stages_without_any_end_is_accepted_with_a_warning() {
    let text = "{ schema: journey/v1, id: log, version: 1, entry: any, stages: [{ id: A_1 }, { id: A_2 }, { id: O_1 }],
        touchpoints: [{ id: A_1, stage: A_1, match: { event: A_1 } }, { id: A_2, stage: A_2, match: { event: A_2 } },
          { id: O_1, stage: O_1 }] }";
    let loaded = load_all(&[text]).unwrap();
    let warnings: Vec<_> = loaded.warnings.iter().map(|w| w.message.as_str()).collect();
    assert_eq!(
        warnings,
        [
            "touchpoint `O_1` has no `match`: no event can be it",
            "no journey can be completed or ended: silence alone decides, and whether journeys follow the map cannot be told",
        ]
    );
}

#[test]
fn rules_that_one_event_can_match_are_warned_of() {
    let text = "{ schema: journey/v1, id: m, version: 1, stages: [{ id: a, role: entry }, { id: b, role: success }], touchpoints: [
        { id: t1, stage: a, match: { source: web, event: page, path: /a/** } },
        { id: t2, stage: a, match: { event: page, path: /*/b, props: { k: [x, 1] } } },
        { id: t3, stage: a, match: { event: page, path: /c, props: { k: y } } },
        { id: t4, stage: a, match: { source: crm, event: page, path: /a/x } },
        { id: t5, stage: b, match: { source: crm, event: p*, path: /a/x, props: { k: '1' } } },
        { id: t6, stage: b, match: { source: crm, event: page, path: /a/b, props: { k: 2 } } }] }";
    let found: Vec<_> = load_all(&[text]).unwrap().warnings.into_iter().map(|w| w.message).collect();
    assert_eq!(found, ["one event can match both `t1` and `t2`", "one event can match both `t4` and `t5`"]);
}

#[test]
fn variants_and_values_keep_their_types_and_lists_are_lists() {
    let text = small("").replace(
        "match: { event: x }",
        "match: { event: [x, x2], source: [web], props: { k: [1, true, s], 'a.b': 0.5 } }",
    );
    let condition = &parse("m", &text).unwrap().touchpoints[0].matching.any[0];
    assert_eq!((condition.event.len(), condition.source.len()), (2, 1));
    assert_eq!(
        (condition.props["k"].clone(), condition.props["a.b"].clone()),
        (vec![json!(1), json!(true), json!("s")], vec![json!(0.5)])
    );
}

#[test]
fn the_schema_describes_every_key_for_editors() {
    let schema = json_schema();
    let root = schema["properties"].as_object().unwrap();
    assert_eq!(root.len(), 27);
    assert!(root.values().all(|key| key["description"].is_string()), "every key of the file says what it is for");
    assert_eq!(schema["required"], json!(["schema", "id", "version", "stages", "touchpoints"]));
    assert_eq!(schema["additionalProperties"], json!(false));
}
