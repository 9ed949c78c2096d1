//! Whoever reads a suppressed comparison, does every sum that the law promises, and knows all but one of its counts, learns
//! nothing. In: random journeys. The sums are written down here once more, from semantics.md.

use proptest::prelude::*;

use super::super::cell::{Told, is_told};
use super::super::tests::{day, versions};
use super::super::{Comparison, EmpiricalMap, Rate, compare};
use crate::aggregate::lost::LostCount;
use crate::aggregate::{
    DeviationCount, FollowCounts, FollowGroup, Histogram, JourneyDay, StageDay, TransitionDay, WalkedMap,
};
use crate::time::Timestamp;

const MAP: &str = "{ schema: journey/v1, id: m, version: 1, min_n: 3,
  stages: [{ id: A, role: entry }, { id: B }, { id: C }, { id: Won, role: success }, { id: Out, role: exit }],
  touchpoints: [{ id: a, stage: A }, { id: b, stage: B }, { id: c, stage: C }, { id: won, stage: Won }, { id: out, stage: Out }],
  kpis: [{ id: k, metric: overall, target: 0.9 }, { id: l, stage: A, metric: conversion, target: 0.2 }] }";
const STAGES: [&str; 5] = ["A", "B", "C", "Won", "Out"];
const WAYS: [(&[usize], &str); 8] = [
    (&[0], "dropped"),
    (&[0, 1], "dropped"),
    (&[0, 1, 3], "completed"),
    (&[0, 4], "ended"),
    (&[0, 1, 4], "ended"),
    (&[0, 1, 0], "dropped"),
    (&[0, 1], "in_flight"),
    (&[0, 2, 3], "completed"),
];

/// So many journeys that went one way.
#[derive(Clone, Copy, Debug)]
struct Walked {
    way: usize,
    mature: bool,
    evaluated: bool,
    follows: bool,
    tied: bool,
    n: u64,
}

impl Walked {
    fn date(&self) -> crate::time::Day {
        // A date with people on their way is not mature.
        day(if self.mature && WAYS[self.way].1 != "in_flight" { "2026-01-01" } else { "2026-01-20" })
    }
}

fn walked() -> impl Strategy<Value = Vec<Walked>> {
    let one = (0..WAYS.len(), any::<[bool; 4]>(), 1u64..12).prop_map(|(way, [mature, evaluated, follows, tied], n)| {
        Walked { way, mature, evaluated, follows: follows && evaluated, tied, n }
    });
    prop::collection::vec(one, 1..14)
}

fn entry<T>(list: &mut Vec<T>, is: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let at = list.iter().position(is).unwrap_or_else(|| {
        list.push(new());
        list.len() - 1
    });
    &mut list[at]
}

fn real(all: &[Walked]) -> EmpiricalMap {
    let mut real = EmpiricalMap { walked: WalkedMap::default(), ..super::super::tests::real() };
    (real.journeys, real.customers) = (Vec::new(), all.iter().map(|w| w.n).sum());
    for w in all {
        let (stages, outcome) = WAYS[w.way];
        let (date, n, decided) = (w.date(), w.n, outcome != "in_flight");
        let d = entry(
            &mut real.journeys,
            |d| d.entry_date == date,
            || JourneyDay { entry_date: date, ..JourneyDay::default() },
        );
        d.entered += n;
        *match outcome {
            "completed" => &mut d.completed,
            "ended" => &mut d.ended,
            "dropped" => &mut d.dropped,
            _ => &mut d.in_flight,
        } += n;
        d.order_ambiguous += if w.tied { n } else { 0 };
        let last_stay = stages.iter().rev().find(|s| **s != 4).expect("no journey begins at an exit");
        for (i, stage) in stages.iter().enumerate() {
            let id = STAGES[*stage];
            let s = entry(
                &mut real.stages,
                |s| s.entry_date == date && s.stage == id,
                || StageDay { entry_date: date, stage: id.to_owned(), ..StageDay::default() },
            );
            s.entries += n;
            let is_last = i + 1 == stages.len();
            if is_last && !decided {
                s.open_entries += n;
            } else {
                s.time_in_stage.merge(&Histogram(vec![(1_000, n)]));
            }
            if is_last && outcome == "ended" {
                s.ended += n;
            }
            if stages[..i].contains(stage) {
                continue;
            }
            let went_on = outcome == "completed" || stages[i..].iter().any(|later| later > stage && *later != 4);
            s.entered += n;
            s.decided += if decided { n } else { 0 };
            s.progressed += if decided && went_on { n } else { 0 };
            s.in_flight += if decided { 0 } else { n };
            s.lost_dropped += if outcome == "dropped" && last_stay == stage { n } else { 0 };
            s.lost_ended += if outcome == "ended" && last_stay == stage { n } else { 0 };
        }
        let names: Vec<&str> = stages.iter().map(|s| STAGES[*s]).collect();
        for pair in [&["start"][..], &names, &[outcome]].concat().windows(2) {
            let t = entry(
                &mut real.transitions,
                |t| t.entry_date == date && t.from == pair[0] && t.to == pair[1],
                || TransitionDay {
                    entry_date: date,
                    from: pair[0].to_owned(),
                    to: pair[1].to_owned(),
                    ..TransitionDay::default()
                },
            );
            t.transitions += n;
            t.decided += if decided { n } else { 0 };
        }
        let of = |holds: bool| if holds { n } else { 0 };
        let counts = FollowCounts {
            journeys: n,
            evaluated: of(w.evaluated),
            following: of(w.follows),
            forbidden: of(w.way == 5),
            fitness_ppm: of(w.evaluated) * 900_000,
            clean: of(w.tied),
            ..FollowCounts::default()
        };
        let outcome = outcome.to_owned();
        let group = FollowGroup {
            entry_date: date,
            version: 1,
            persona: String::new(),
            outcome,
            order_ambiguous: w.tied,
            counts,
        };
        real.walked.groups.push(group);
        let mature = date == day("2026-01-01");
        if w.evaluated && !w.follows {
            let d = entry(
                &mut real.walked.deviations,
                |d| d.place == names[0],
                || DeviationCount {
                    version: 1,
                    kind: "too_slow".to_owned(),
                    place: names[0].to_owned(),
                    stage: names[0].to_owned(),
                    examples: vec!["x".to_owned()],
                    ..DeviationCount::default()
                },
            );
            d.journeys += n;
            d.customers += n;
            d.accepted += of(w.tied);
            d.mature_decided += of(mature);
            d.mature_dropped += of(mature && WAYS[w.way].1 == "dropped");
        }
        let went = match WAYS[w.way].1 {
            "ended" => "exit_reason",
            "dropped" if w.tied => "silence",
            "dropped" => "outside",
            _ => continue,
        };
        if mature {
            let stage = STAGES[*last_stay];
            let l = entry(
                &mut real.walked.lost,
                |l| l.stage == stage && l.went == went,
                || LostCount {
                    stage: stage.to_owned(),
                    went: went.to_owned(),
                    name: "x".to_owned(),
                    path: String::new(),
                    journeys: 0,
                    examples: vec!["x".to_owned()],
                    of_way: 0,
                    things: 1,
                },
            );
            l.journeys += n;
            l.of_way += n;
        }
    }
    real.as_of = Timestamp::parse("2026-02-02").expect("a day");
    real
}

/// Of a rate that is not told.
const UNKNOWN: u64 = Told::Below(1).as_count();

/// Hits and what they are of.
fn counts_of(rate: &Rate) -> (u64, u64) {
    match rate {
        Rate::Point { value, n, .. } => ((value * *n as f64).round() as u64, *n),
        Rate::Untold => (UNKNOWN, UNKNOWN),
        _ => (0, 0),
    }
}

type Sum = (String, Vec<u64>, Vec<u64>);

/// What adds up to what: in words, and both sides.
fn laws(c: &Comparison) -> Vec<Sum> {
    let mut all: Vec<Sum> = Vec::new();
    let mut law =
        |words: &str, left: &[u64], right: &[u64]| all.push((words.to_owned(), left.to_vec(), right.to_vec()));
    let p = &c.population;
    let outcomes = [p.completed, p.ended, p.dropped, p.in_flight];
    law("entered", &[p.entered], &outcomes);
    let into = |id: &str| c.transitions.iter().filter(|t| t.to == id).map(|t| t.transitions).collect::<Vec<_>>();
    let out_of = |id: &str| c.transitions.iter().filter(|t| t.from == id).map(|t| t.transitions).collect::<Vec<_>>();
    law("from the start", &[p.entered], &out_of("start"));
    for (id, n) in ["completed", "ended", "dropped", "in_flight"].into_iter().zip(outcomes) {
        law(&format!("into {id}"), &[n], &into(id));
    }
    let stays: Vec<_> = c.stages.iter().filter(|s| s.id != "Out").collect();
    for s in &c.stages {
        law(&format!("into {}", s.id), &[s.entries], &into(&s.id));
        law(&format!("out of {}", s.id), &[s.entries], &out_of(&s.id));
        law(&format!("through {}", s.id), &into(&s.id), &out_of(&s.id));
        law(&format!("closed in {}", s.id), &[s.entries], &[s.timed, s.open_entries]);
        let shares: Vec<(u64, u64)> =
            c.transitions.iter().filter(|t| t.from == s.id).map(|t| counts_of(&t.share)).collect();
        let hits: Vec<u64> = shares.iter().map(|s| s.0).collect();
        for (_, n) in &shares {
            law(&format!("shares from {}", s.id), &[*n], &hits);
        }
        let (lost, _) = counts_of(&s.drop_off_rate);
        let own = c.lost.iter().find(|l| l.stage == s.id);
        if let Some(own) = own {
            law(&format!("lost at {}", s.id), &[lost], &[own.journeys]);
            law(
                &format!("ways from {}", s.id),
                &[own.journeys],
                &own.ways.iter().map(|w| w.journeys).collect::<Vec<_>>(),
            );
            law(&format!("lost by two ways at {}", s.id), &[own.journeys], &[s.dropped, s.ended]);
        }
        law(&format!("rate of {}", s.id), &[lost], &[s.dropped, s.ended]);
        law(&format!("conversion of {}", s.id), &[counts_of(&s.conversion).0], &[s.progressed]);
    }
    law("dropped somewhere", &[p.dropped], &stays.iter().map(|s| s.dropped).collect::<Vec<_>>());
    law("ended somewhere", &[p.ended], &stays.iter().map(|s| s.ended).collect::<Vec<_>>());
    law("on their way somewhere", &[p.in_flight], &c.stages.iter().map(|s| s.open_entries).collect::<Vec<_>>());
    let (hits, n) = counts_of(&c.overall);
    law("overall", &[hits], &[p.completed]);
    law("of overall", &[n], &[p.completed, p.ended, p.dropped]);
    let f = &c.following;
    law("decided twice", &[n], &[f.overall.decided]);
    law("ties", &[f.overall.decided], &[f.certain.decided, f.order_ambiguous]);
    law("immature", &[f.immature], &[p.left_out]);
    for of in f.versions.iter().map(|v| &v.1).chain([&f.overall, &f.certain]) {
        law("decided", &[of.decided], &[of.following, of.straying, of.not_evaluated]);
        law("evaluated", &[of.fitness.n], &[of.following, of.straying]);
        law("by outcome", &[of.fitness.n], &[of.completed.n, of.ended.n, of.dropped.n]);
        law("share", &[counts_of(&of.share).0], &[of.following]);
        law("of share", &[counts_of(&of.share).1], &[of.fitness.n]);
    }
    let mature: Vec<_> = f.days.iter().filter(|d| d.mature).collect();
    law("decided by day", &[f.overall.decided], &mature.iter().map(|d| d.followed.decided).collect::<Vec<_>>());
    law("following by day", &[f.overall.following], &mature.iter().map(|d| d.followed.following).collect::<Vec<_>>());
    law(
        "decided on all days",
        &[p.completed, p.ended, p.dropped],
        &f.days.iter().map(|d| d.followed.decided).collect::<Vec<_>>(),
    );
    for d in &f.days {
        law("of a day", &[d.followed.decided], &[d.followed.fitness.n, d.followed.not_evaluated]);
        law("share of a day", &[counts_of(&d.followed.share).0], &[d.followed.following]);
    }
    for d in &c.deviations {
        law("deviation", &[counts_of(&d.share).0], &[counts_of(&d.drop_offs).1]);
        law("of drop-offs", &[counts_of(&d.of_drop_offs).0], &[counts_of(&d.drop_offs).0]);
    }
    for e in c.expectations.iter().filter(|e| e.expected == super::super::Expected::Kpi(crate::map::Metric::Overall)) {
        law("indicator", &[e.n], &[n]);
    }
    all
}

/// Some of others, whose rest is somebody too.
fn parts(c: &Comparison) -> Vec<(&'static str, u64, u64)> {
    let mut all = vec![("tied", c.population.entered, c.population.order_ambiguous)];
    for s in &c.stages {
        all.extend([("progressed", s.entered, s.progressed), ("dropped", s.entered, s.dropped)]);
    }
    for d in &c.deviations {
        all.push(("accepted", d.journeys, d.accepted));
    }
    for f in [&c.following.overall, &c.following.certain] {
        all.push(("forbidden", f.decided, f.forbidden));
    }
    all.push(("certain", c.following.overall.following, c.following.certain.following));
    all
}

fn rates(c: &Comparison) -> Vec<Rate> {
    let mut all = vec![c.overall, c.following.overall.share, c.following.certain.share, c.following.overall.clean];
    all.extend(c.stages.iter().flat_map(|s| [s.conversion, s.drop_off_rate]));
    all.extend(c.transitions.iter().map(|t| t.share));
    all.extend(c.deviations.iter().flat_map(|d| [d.share, d.drop_offs, d.of_drop_offs]));
    all.extend(c.following.days.iter().map(|d| d.followed.share));
    all.extend(c.lost.iter().flat_map(|l| l.ways.iter().map(|w| w.share)));
    all
}

proptest! {
    #[test]
    fn no_sum_of_what_is_told_gives_away_what_is_not(all in walked(), least in 2u64..9) {
        let truth = compare(&versions(MAP), &real(&all));
        let told = truth.clone().suppressed(least);
        let few = |n: u64| 0 < n && n < least;
        for ((words, left, right), (_, was_left, was_right)) in laws(&told).into_iter().zip(laws(&truth)) {
            let was = [was_left.clone(), was_right.clone()].concat();
            let is = [left, right].concat();
            for (was, is) in was.iter().zip(&is) {
                prop_assert!(!is_told(*is) || (is == was && !few(*is)), "{words}: {is} was {was}");
            }
            // Outside of mature dates some sums do not hold, and nobody can rely on them.
            if was_left.iter().sum::<u64>() == was_right.iter().sum::<u64>() {
                let mut unknown = was.iter().zip(&is).filter(|(_, n)| !is_told(**n));
                if let (Some((was_alone, alone)), None) = (unknown.next(), unknown.next()) {
                    // A rate that is left out for its row's sake may be known from counts that are told.
                    prop_assert!(*alone == UNKNOWN && !few(*was_alone), "{words}: {is:?} was {was:?}");
                }
            }
        }
        for (words, whole, part) in parts(&told) {
            prop_assert!(!is_told(whole) || !is_told(part) || !few(whole - part), "{words}: {part} of {whole}");
        }
        for rate in rates(&told) {
            if let Rate::Point { n, .. } = rate {
                let (hits, _) = counts_of(&rate);
                prop_assert!(!few(n) && !few(hits) && !few(n - hits), "{rate:?}");
            }
        }
        for d in &told.deviations {
            prop_assert!(is_told(d.journeys) || d.examples.is_empty(), "{d:?}");
        }
        for way in told.lost.iter().flat_map(|l| &l.ways) {
            prop_assert!(is_told(way.journeys) || way.things.is_empty() && way.examples.is_empty(), "{way:?}");
        }
    }

    #[test]
    fn where_nobody_is_one_of_few_everything_is_told(ways in prop::collection::vec(0usize..6, 1..6), least in 2u64..9) {
        // So many of each that neither a count nor a rest is small.
        let all: Vec<Walked> = ways
            .into_iter()
            .map(|way| Walked { way, mature: true, evaluated: true, follows: true, tied: false, n: 10 * least })
            .collect();
        let truth = compare(&versions(MAP), &real(&all));
        let told = truth.clone().suppressed(least);
        prop_assert_eq!(laws(&told), laws(&truth));
        prop_assert_eq!(rates(&told), rates(&truth));
    }
}

#[test]
fn a_bound_of_nought_or_one_changes_nothing() {
    let one = |way, n| Walked { way, mature: true, evaluated: true, follows: true, tied: false, n };
    let truth = compare(&versions(MAP), &real(&[one(0, 1), one(2, 30)]));
    for least in [0, 1] {
        assert_eq!(format!("{:?}", truth.clone().suppressed(least)), format!("{truth:?}"));
    }
    let told = truth.suppressed(5);
    assert_eq!(Told::of(told.population.dropped), Told::Below(5));
    assert_eq!(Told::of(told.population.completed), Told::AtLeast(5), "else 31 - 30 tells it");
    assert_eq!((told.population.entered, told.overall, told.min_cell), (31, Rate::Untold, 5));
}
