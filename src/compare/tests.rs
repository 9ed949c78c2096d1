//! The gap report on small maps whose figures can be counted by hand.

use std::sync::Arc;

use super::*;
use crate::aggregate::{
    AcceptableCount, AssociationCount, DeviationCount, Exposed, FollowCounts, FollowGroup, FollowStage, Landmark,
    PathCount, PathPart, Paths, Studied, TouchpointSeen, WalkedMap,
};
use crate::map;
use crate::time::Timestamp;

mod days; //      the headline of each entry date, each version and each persona

pub(crate) const MAP: &str = "{ schema: journey/v1, id: m, version: 1, min_n: 3, stages: [
    { id: A, role: entry, max_time: PT10M, emotion: { expected: 0.5, alert_below: -1, by_persona: { p: 1 } } },
    { id: B }, { id: Won, role: success }],
  personas: [{ id: p }],
  touchpoints: [{ id: a, stage: A, emotion: { impact: -1 } }, { id: b, stage: B }, { id: ask, stage: B, emotion: { from: props.s, scale: [1, 5] } },
    { id: won, stage: Won }],
  transitions: [{ from: A, to: B, kind: expected, within: PT1H, target_share: 0.5 }, { from: B, to: Won, kind: expected }],
  kpis: [{ id: k, metric: overall, target: 0.9 }, { id: lost, stage: A, metric: drop_off_rate, target: 0.2 }],
  accepted_deviations: [{ kind: missing, from: B, until: 2026-02-10, reason: one }, { kind: unexpected, from: A, to: Won, until: 2026-01-31, reason: two },
    { kind: too_slow, from: A, reason: three }, { kind: out_of_order, touchpoint: b, until: 2026-02-16, reason: four }] }";

pub(crate) fn versions(text: &str) -> MapVersions {
    let map = Arc::new(map::parse("m", text).unwrap_or_else(|e| panic!("{e}")));
    MapVersions { id: map.id.clone(), versions: vec![map], fingerprint: String::new() }
}

pub(crate) fn day(text: &str) -> Day {
    Timestamp::parse(text).expect("a day").utc_day()
}

fn group(date: &str, outcome: &str, counts: [u64; 4]) -> FollowGroup {
    let [journeys, evaluated, following, ppm] = counts;
    FollowGroup {
        entry_date: day(date),
        version: 1,
        persona: "other".to_owned(),
        outcome: outcome.to_owned(),
        counts: FollowCounts {
            journeys,
            evaluated,
            following,
            fitness_ppm: ppm,
            clean: following,
            ..FollowCounts::default()
        },
        order_ambiguous: false,
    }
}

fn path_count(path: &str, decided: bool, journeys: u64) -> PathCount {
    let path = path.split(' ').map(str::to_owned).collect();
    let parts = vec![PathPart { entry_date: day("2026-01-01"), persona: "other".to_owned(), journeys }];
    PathCount { version: 1, decided, path, journeys, parts, ..PathCount::default() }
}

/// As of 1 February 2026, with 30 days of silence: 1 January is mature, 20 January is not.
pub(crate) fn real() -> EmpiricalMap {
    let day = |date: &str, completed, dropped, in_flight| JourneyDay {
        entry_date: day(date),
        entered: completed + dropped + in_flight,
        completed,
        dropped,
        in_flight,
        ..JourneyDay::default()
    };
    let mut tied = group("2026-01-01", "completed", [2, 2, 1, 1_500_000]);
    tied.order_ambiguous = true;
    EmpiricalMap {
        reading: "r".to_owned(),
        as_of: Timestamp::parse("2026-02-02").expect("a day"),
        customers: 20,
        oversized_customers: 0,
        journeys: vec![day("2026-01-01", 8, 6, 0), day("2026-01-20", 1, 0, 5)],
        stages: Vec::new(),
        transitions: Vec::new(),
        emotions: Vec::new(),
        coverage: Vec::new(),
        unmapped: Vec::new(),
        walked: WalkedMap {
            groups: vec![
                group("2026-01-01", "completed", [6, 5, 4, 4_500_000]),
                tied,
                group("2026-01-01", "dropped", [6, 6, 3, 5_000_000]),
                group("2026-01-20", "completed", [1, 1, 1, 1_000_000]),
                group("2026-01-20", "in_flight", [5, 4, 4, 4_000_000]),
            ],
            stages: vec![FollowStage {
                version: 1,
                stage: "A".to_owned(),
                counts: FollowCounts {
                    journeys: 14,
                    evaluated: 13,
                    following: 10,
                    fitness_ppm: 11_000_000,
                    ..FollowCounts::default()
                },
                order_ambiguous: false,
            }],
            paths: Paths {
                kept: vec![path_count("a b won", true, 5), path_count("a", false, 6), path_count("a won", true, 2)],
                distinct: 5,
                journeys: 15,
            },
            ..WalkedMap::default()
        },
    }
}

#[test]
fn followers_strayers_and_those_not_evaluated_are_all_that_was_decided() {
    let found = compare(&versions(MAP), &real()).following;
    let whole = |f: &Followed| assert_eq!(f.following + f.straying + f.not_evaluated, f.decided);
    whole(&found.overall);
    whole(&found.certain);
    found.versions.iter().for_each(|v| whole(&v.1));
    found.stages.iter().for_each(|s| whole(&s.2));
    let f = &found.overall;
    assert_eq!((f.decided, f.following, f.straying, f.not_evaluated), (14, 8, 5, 1), "the immature day is left out");
    assert_eq!(f.share, Rate::point(8, 13));
    assert_eq!((f.fitness.n, f.fitness.value), (13, Some(11.0 / 13.0)));
    assert_eq!((f.completed.n, f.completed.value), (7, Some(6.0 / 7.0)));
    assert_eq!((found.in_flight.n, found.in_flight.value), (4, Some(1.0)), "apart, of all entry dates");
    assert_eq!((found.immature, found.order_ambiguous), (6, 2));
    assert_eq!((found.certain.decided, found.certain.following), (12, 7));
    assert_eq!(found.versions.len(), 1);
    assert_eq!(&found.versions[0].1, f, "of one version: the same");
    let (days, mature): (Vec<_>, Vec<_>) = found.days.iter().map(|d| (d.followed.decided, d.mature)).unzip();
    assert_eq!((days, mature), (vec![14, 1], vec![true, false]));
    assert_eq!(found.days[1].followed.share, Rate::Immature { low: 1.0 / 6.0, high: 1.0, entered: 6 });
}

#[test]
fn without_a_mature_date_the_share_is_bounds() {
    let mut real = real();
    real.as_of = Timestamp::parse("2026-01-21").expect("a day");
    let share = compare(&versions(MAP), &real).following.overall.share;
    assert_eq!(share, Rate::Immature { low: 9.0 / 19.0, high: 14.0 / 19.0, entered: 20 });
}

#[test]
fn with_a_journey_key_the_dropped_may_still_follow_or_stray_in_bounds() {
    let text = MAP.replace("version: 1,", "version: 1, journey_key: props.order,");
    assert!(text.contains("journey_key"));
    let mut real = real();
    real.walked.groups.push(group("2026-01-20", "dropped", [2, 1, 1, 1_000_000]));
    let immature = |real: &EmpiricalMap, text: &str| compare(&versions(text), real).following.days[1].followed.share;
    assert_eq!(immature(&real, MAP), Rate::Immature { low: 2.0 / 7.0, high: 1.0, entered: 8 });
    assert_eq!(immature(&real, &text), Rate::Immature { low: 1.0 / 8.0, high: 1.0, entered: 8 });
    real.as_of = Timestamp::parse("2026-01-21").expect("a day");
    let share = compare(&versions(&text), &real).following.overall.share;
    // Of 22 eight completed ones are evaluated, six of them follow; 8 dropped and 5 in flight may still do either.
    assert_eq!(share, Rate::Immature { low: 6.0 / 21.0, high: 19.0 / 21.0, entered: 22 });
}

#[test]
fn precision_and_design_use_are_those_of_the_paths_and_what_was_cut_is_said() {
    use crate::conformance::{Judge, Walked, design_use, precision};
    let versions = versions(MAP);
    let found = compare(&versions, &real()).following;
    let mut judge = Judge::new(versions.versions[0].clone());
    let walked = |path: &[u16], decided: bool, journeys| {
        let path = judge.path(path.iter().copied());
        let end = path.last().and_then(|&s| judge.model().step(s).decides).filter(|_| decided);
        Walked { path, end, journeys }
    };
    let all = [walked(&[0, 1, 3], true, 5), walked(&[0], false, 6), walked(&[0, 3], true, 2)];
    let wanted = precision(&mut judge, &all);
    assert_eq!(found.overall.precision, wanted.by_state);
    assert_eq!(found.overall.precision_by_prefix, wanted.by_prefix);
    assert!(wanted.by_state.is_some_and(|p| p > 0.3 && p < 1.0), "{wanted:?}");
    assert_eq!(found.overall.design_use, design_use(&judge, &all));
    let by_stage = found.stages.iter().map(|s| s.2.design_use.designed).sum::<usize>();
    assert_eq!(by_stage, found.overall.design_use.designed, "every arc belongs to one stage");
    assert_eq!(found.paths, PathsRead { paths: 3, journeys: 13, cut_paths: 2, cut_journeys: 2 });
}

fn deviation(kind: &str, place: &str, stage: &str, journeys: u64, accepted: u64) -> DeviationCount {
    DeviationCount {
        version: 1,
        kind: kind.to_owned(),
        place: place.to_owned(),
        stage: stage.to_owned(),
        journeys,
        accepted,
        mature_decided: journeys,
        ..DeviationCount::default()
    }
}

#[test]
fn acceptances_are_warned_about_two_weeks_before_their_last_day_and_after_it() {
    let mut real = real();
    let acceptable = |kind: &str, place: &str, stage: &str, journeys, accepted| AcceptableCount {
        kind: kind.to_owned(),
        place: place.to_owned(),
        stage: stage.to_owned(),
        journeys,
        accepted,
    };
    real.walked.acceptable = vec![
        acceptable("missing", "B", "B", 9, 4),
        acceptable("missing", "b", "B", 2, 1),
        acceptable("unexpected", "A Won", "A", 3, 0),
        acceptable("unexpected", "a", "A", 5, 0),
        acceptable("too_slow", "A B", "A", 7, 0),
    ];
    let found = compare(&versions(MAP), &real).accepted;
    let lines: Vec<_> = found.iter().map(|a| (a.state.as_str(), a.accepted, a.not_accepted)).collect();
    // As of 2 February: the 10th is 8 days off, the 31st has passed, none is given, the 16th is exactly 14 days off.
    assert_eq!(lines, [("ends_soon", 5, 6), ("ended", 0, 3), ("holds", 0, 0), ("ends_soon", 0, 0)]);
    real.as_of = Timestamp::parse("2026-02-01T23:59:59Z").expect("a moment");
    assert_eq!(compare(&versions(MAP), &real).accepted[3].state.as_str(), "holds", "15 days off");
    real.as_of = Timestamp::parse("2026-02-10T23:59:59Z").expect("a moment");
    assert_eq!(compare(&versions(MAP), &real).accepted[0].state.as_str(), "ends_soon", "its last day");
}

#[test]
fn what_goes_with_a_deviation_is_said_from_min_n_on_and_adjusted_over_the_table() {
    let mut real = real();
    real.walked.deviations = vec![
        deviation("missing", "B", "B", 40, 0),
        deviation("too_slow", "A", "A", 9, 0),
        deviation("unexpected", "Won A", "Won", 9, 0),
    ];
    let studied = |kind: &str, place: &str, landmark, exposed| Studied {
        version: 1,
        kind: kind.to_owned(),
        place: place.to_owned(),
        landmark,
        exposed,
    };
    real.walked.studied = vec![
        studied("missing", "B", Landmark::Past(1), Exposed::NotIn("B".into())),
        studied("too_slow", "A", Landmark::Left("A".into()), Exposed::Longer(600_000_000)),
        studied("unexpected", "Won A", Landmark::Left("Won".into()), Exposed::WentTo("A".into())),
    ];
    let count = |studied, with, journeys, completed| AssociationCount {
        studied,
        with,
        journeys,
        completed,
        time_to_goal: Histogram(vec![
            (1_000 + 40 * i32::from(with), completed / 2),
            (1_100, completed - completed / 2),
        ]),
    };
    real.walked.associations =
        vec![count(0, true, 40, 10), count(0, false, 60, 30), count(1, true, 2, 1), count(1, false, 60, 30)];
    let lines = compare(&versions(MAP), &real).deviations;
    let found = lines[0].association.as_ref().expect("enough data");
    assert_eq!((found.with, found.without, found.landmark.as_str()), ((40, 10), (60, 30), "past B"));
    assert_eq!(found.conversion.0, -0.25);
    let p = found.conversion_p.expect("both outcomes");
    assert!(found.time_to_goal.is_some() && found.conversion_adjusted_p.is_some_and(|q| q >= p && q <= 2.0 * p));
    assert!(found.conversion_differs());
    assert_eq!((&lines[1].association, lines[1].after_decision), (&None, false), "two are fewer than min_n");
    assert_eq!((&lines[2].association, lines[2].after_decision), (&None, true), "nobody had it while undecided");
}

#[test]
fn every_expectation_has_a_verdict_and_emotion_below_min_n_is_a_gap() {
    let mut real = real();
    let date = day("2026-01-01");
    let times = |bucket: i32, n: u64| Histogram(vec![(bucket, n)]);
    // Bucket 1323 holds about 600 s, 1414 about an hour.
    real.stages = vec![StageDay {
        entry_date: date,
        stage: "A".to_owned(),
        entered: 14,
        decided: 14,
        lost_dropped: 12,
        time_in_stage: times(1_400, 14),
        ..StageDay::default()
    }];
    let line = |to: &str, decided| TransitionDay {
        entry_date: date,
        from: "A".to_owned(),
        to: to.to_owned(),
        transitions: decided,
        decided,
        time: times(1_200, decided),
    };
    real.transitions = vec![line("B", 8), line("dropped", 6)];
    let felt = |persona: &str, stage: &str, touchpoint: &str, told: &[(i32, u64)]| EmotionDay {
        entry_date: date,
        version: 1,
        persona: persona.to_owned(),
        stage: stage.to_owned(),
        touchpoint: touchpoint.to_owned(),
        told: told.to_vec(),
    };
    let one = 1_000_000;
    let mut young = felt("p", "A", "a", &[(2 * one, 50)]);
    young.entry_date = day("2026-01-20");
    real.emotions = vec![
        felt("other", "A", "a", &[(-one, 3)]),
        felt("other", "A", "ask", &[(-2 * one, 1), (0, 1)]),
        felt("p", "A", "ask", &[(-one, 1)]),
        felt("other", "B", "ask", &[(2 * one, 1)]),
        young,
    ];
    let found = compare(&versions(MAP), &real);
    let verdicts: Vec<_> = found.expectations.iter().map(|e| (e.expected.as_str(), e.verdict.as_str())).collect();
    let wanted = [
        ("target_share", "too_close"),
        ("within", "met"),
        ("max_time", "missed"),
        ("emotion", "missed"),
        ("emotion_alert_below", "too_close"),
        ("emotion_by_persona", "not_enough_data"),
        ("kpi", "missed"),
        ("kpi", "missed"),
    ];
    assert_eq!(verdicts, wanted);
    let means: Vec<_> =
        found.emotions.iter().map(|e| (e.stage.as_str(), e.touchpoint.as_deref(), e.n, e.mean)).collect();
    assert_eq!(
        means,
        [
            ("A", None, 6, Some(-1.0)),
            ("A", Some("a"), 3, Some(-1.0)),
            ("A", Some("ask"), 3, Some(-1.0)),
            ("B", None, 1, None),
            ("B", Some("ask"), 1, None),
        ]
    );
    let of_persona = |found: &Comparison| {
        let line = found.expectations.iter().find(|e| e.expected == Expected::EmotionOfPersona).expect("a line");
        (line.by.clone(), line.n, line.measured, line.verdict.as_str())
    };
    assert_eq!(of_persona(&found), ("p".to_owned(), 1, None, "not_enough_data"), "the immature date is left out");
    let told = |told: &[(i32, u64)]| {
        let mut real = real.clone();
        real.emotions[2] = felt("p", "A", "ask", told);
        of_persona(&compare(&versions(MAP), &real))
    };
    assert_eq!(told(&[(one, 9)]), ("p".to_owned(), 9, Some(1.0), "met"));
    assert_eq!(told(&[(one / 2, 5), (0, 5)]), ("p".to_owned(), 10, Some(0.25), "missed"));
    assert_eq!(told(&[(one, 2), (2 * one, 1)]).3, "too_close");
}

#[test]
fn a_touchpoint_that_is_too_quiet_may_not_be_measured_and_one_that_is_seldom_is_not_suspected() {
    let text = MAP.replace("{ id: a, stage: A,", "{ id: a, stage: A, match: { event: Look Around },").replace(
        "{ id: b, stage: B }",
        "{ id: b, stage: B, channels: [web, app], match: { event: basket } }, { id: c, stage: B, match: { event: compare } }",
    );
    let text = text
        .replace("personas:", "channels: { web: {}, app: {} }, personas:")
        .replace("version: 1,", "version: 1, drop_off: { after: P5D },");
    let mut real = real();
    let at = |text: &str| Timestamp::parse(text).expect("a moment");
    let seen = |touchpoint: &str, visits, first: &str, last: &str, channels: &[&str]| TouchpointSeen {
        touchpoint: touchpoint.to_owned(),
        visits,
        first: at(first),
        last: at(last),
        channels: channels.iter().map(|&c| c.to_owned()).collect(),
    };
    let event = |name: &str, events| Unmapped { source: "web".into(), name: name.into(), path: String::new(), events };
    real.unmapped = vec![event("something else", 90), event("look_around", 5)];
    // Began on 1 January; as of 2 February.
    real.walked.seen =
        vec![seen("a", 40, "2026-01-13", "2026-01-23", &["web"]), seen("b", 9, "2026-01-02", "2026-01-30", &["app"])];
    let why = |real: &EmpiricalMap| {
        let found = compare(&versions(&text), real).unmeasured;
        found.iter().map(|u| (u.touchpoint.clone(), u.why.as_str())).collect::<Vec<_>>()
    };
    let is = |t: &str, why| (t.to_owned(), why);
    assert_eq!(
        why(&real),
        [is("a", "only_since"), is("a", "only_until"), is("b", "only_through"), is("c", "never_seen")]
    );
    let found = compare(&versions(&text), &real).unmeasured;
    assert_eq!(found[0].why, Why::OnlySince(day("2026-01-13")));
    assert_eq!(found[0].alike, [event("look_around", 5)]);
    // A few visits in the same days prove nothing; two channels are what was designed.
    real.walked.seen = vec![
        seen("a", 4, "2026-01-13", "2026-01-23", &["web"]),
        seen("b", 9, "2026-01-02", "2026-01-30", &["app", "web"]),
        seen("c", 9, "2026-01-02", "2026-01-30", &[]),
    ];
    assert_eq!(why(&real), []);
    // Nor do three visits on one day, weeks ago: at such a pace none was due since.
    real.walked.seen[0] = seen("a", 3, "2026-01-13", "2026-01-13T06:00:00", &["web"]);
    assert_eq!(why(&real), []);
    real.walked.seen[0] = seen("a", 20, "2026-01-13", "2026-01-13T06:00:00", &["web"]);
    assert_eq!(why(&real), [is("a", "only_since"), is("a", "only_until")]);
}
