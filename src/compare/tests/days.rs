//! The headline of each entry date, version and persona: all five figures together, with the journeys left out beside, as if
//! there were no other journeys.

use super::*;
use crate::conformance::{DesignUse, Judge, Walked, design_use, precision};

/// Of one day: path, decided by a visit, persona, journeys.
type Walks<'a> = &'a [(&'a str, bool, &'a str, u64)];

const DAYS: [(&str, Walks<'_>); 3] = [
    ("2026-01-01", &[("a b won", true, "p", 5), ("a", false, "other", 6), ("a won", true, "p", 2)]),
    ("2026-01-02", &[("a won", true, "other", 1)]),
    ("2026-01-03", &[("a", false, "p", 150), ("a b won", true, "other", 1)]),
];

fn days() -> EmpiricalMap {
    let mut real = real();
    real.as_of = Timestamp::parse("2026-02-04").expect("a day");
    real.walked.groups.retain(|g| g.entry_date == day("2026-01-20"));
    real.journeys.retain(|d| d.entry_date == day("2026-01-20"));
    real.walked.paths = Paths::default();
    for (date, walks) in DAYS {
        let mut whole = JourneyDay { entry_date: day(date), ..JourneyDay::default() };
        for &(path, decided, persona, journeys) in walks {
            let outcome = if decided { "completed" } else { "dropped" };
            let mut own = group(date, outcome, [journeys, journeys, journeys - 1, 750_000 * journeys]);
            own.persona = persona.to_owned();
            own.order_ambiguous = path == "a won";
            real.walked.groups.push(own);
            whole.entered += journeys;
            *(if decided { &mut whole.completed } else { &mut whole.dropped }) += journeys;
            let part = PathPart { entry_date: day(date), persona: persona.to_owned(), journeys };
            let mut one = path_count(path, decided, 0);
            one.parts.clear();
            let kept = &mut real.walked.paths.kept;
            let place = kept.iter().position(|k| k.path == one.path).unwrap_or_else(|| {
                kept.push(one);
                kept.len() - 1
            });
            kept[place].journeys += journeys;
            kept[place].parts.push(part);
            real.walked.paths.journeys += journeys;
        }
        real.journeys.push(whole);
    }
    real.walked.paths.distinct = real.walked.paths.kept.len() as u64;
    real
}

/// Precision by states and by prefixes, and use of the design, of these walks alone.
fn alone<'a>(walks: impl Iterator<Item = &'a (&'a str, bool, &'a str, u64)>) -> (Option<f64>, Option<f64>, DesignUse) {
    let versions = versions(MAP);
    let map = versions.newest();
    let mut judge = Judge::new(map.clone());
    let walked = |&(path, decided, _, journeys): &(&str, bool, &str, u64)| {
        let path = judge.path(path.split(' ').filter_map(|id| map.touchpoint_ix(id)));
        let end = path.last().and_then(|&s| judge.model().step(s).decides).filter(|_| decided);
        Walked { path, end, journeys }
    };
    let walked: Vec<Walked> = walks.map(walked).collect();
    let found = precision(&mut judge, &walked);
    (found.by_state, found.by_prefix, design_use(&judge, &walked))
}

fn figures(f: &Followed) -> (Option<f64>, Option<f64>, DesignUse) {
    (f.precision, f.precision_by_prefix, f.design_use)
}

#[test]
fn every_entry_date_has_the_figures_of_its_own_journeys() {
    let found = compare(&versions(MAP), &days()).following;
    assert_eq!(found.days.len(), 4);
    for ((date, walks), shown) in DAYS.iter().zip(&found.days) {
        assert_eq!((shown.entry_date, shown.mature), (day(date), true));
        assert_eq!(figures(&shown.followed), alone(walks.iter()), "{date}");
        let journeys: u64 = walks.iter().map(|w| w.3).sum();
        let (f, strayed) = (&shown.followed, walks.len() as u64);
        assert_eq!((f.decided, f.following, f.straying), (journeys, journeys - strayed, strayed));
        assert_eq!(f.share, Rate::point(journeys - strayed, journeys));
        assert_eq!(f.clean, Rate::point(journeys - strayed, journeys));
        assert_eq!((f.fitness.n, f.fitness.value), (journeys, Some(0.75)));
        let tied: u64 = walks.iter().filter(|w| w.0 == "a won").map(|w| w.3).sum();
        assert_eq!((f.order_ambiguous, f.immature, f.not_evaluated, shown.cut_journeys), (tied, 0, 0, 0));
    }
    let of_day = |i: usize| found.days[i].followed.precision;
    assert!(of_day(0) > of_day(1), "one journey walks less of what the map allows than thirteen");
    assert!(
        found.days[2].followed.design_use.used < found.days[0].followed.design_use.used,
        "1 of 151 is less than 1 %"
    );
    let young = &found.days[3];
    assert_eq!((young.mature, young.followed.immature, young.followed.decided), (false, 6, 1));
    assert_eq!(figures(&young.followed), (None, None, DesignUse::default()), "too early for a figure");
    assert_eq!(young.followed.clean, Rate::Immature { low: 1.0 / 6.0, high: 5.0 / 6.0, entered: 6 });
    let of_version: Vec<_> = found.version_days.iter().map(|(version, day)| (*version, day.clone())).collect();
    assert_eq!(
        of_version,
        found.days.iter().map(|day| (1, day.clone())).collect::<Vec<_>>(),
        "of one version: the same"
    );
}

#[test]
fn journeys_on_paths_that_were_not_read_are_named_day_by_day() {
    let mut real = days();
    real.walked.paths.kept.retain(|k| k.path.len() != 2);
    let found = compare(&versions(MAP), &real).following;
    let cut: Vec<u64> = found.days.iter().map(|d| d.cut_journeys).collect();
    assert_eq!(cut, [2, 1, 0, 0]);
    assert_eq!(found.days[1].followed.precision, None, "nothing is left of that day");
    assert_eq!(found.paths.cut_journeys, 3);
}

#[test]
fn a_persona_has_all_five_figures_of_its_own_journeys() {
    let found = compare(&versions(MAP), &days());
    let ids: Vec<_> = found.following.personas.iter().map(|p| p.0.as_str()).collect();
    assert_eq!(ids, ["other", "p"]);
    for (id, followed) in &found.following.personas {
        let own = || DAYS.iter().flat_map(|d| d.1).filter(|w| w.2 == id);
        assert_eq!(figures(followed), alone(own()), "{id}");
        assert_eq!(followed.decided, own().map(|w| w.3).sum::<u64>());
    }
    let parts = found.following.personas.iter().map(|p| p.1.following).sum::<u64>();
    assert_eq!(parts, found.following.overall.following);
    // Nobody was counted by persona: the declared one stands there all the same, the other does not.
    let lines: Vec<_> = found.personas.iter().map(|p| (p.persona.as_deref(), p.entered, p.overall)).collect();
    assert_eq!(lines, [(Some("p"), 0, Rate::None)]);
    let without = MAP.replace("personas: [{ id: p }],", "").replace(", by_persona: { p: 1 }", "");
    let found = compare(&versions(&without), &days());
    assert!(found.personas.is_empty() && found.persona_stages.is_empty() && found.following.personas.is_empty());
}

#[test]
fn rates_of_a_persona_are_points_over_mature_dates_and_bounds_before() {
    use crate::aggregate::personas::{PersonaCount, PersonaStageCount};
    let mut real = days();
    let all = JourneyDay { entered: 20, completed: 8, ended: 1, dropped: 3, in_flight: 8, ..JourneyDay::default() };
    let mature = JourneyDay { entered: 10, completed: 6, ended: 1, dropped: 3, ..JourneyDay::default() };
    let entered =
        StageDay { entered: 20, decided: 12, progressed: 7, in_flight: 8, lost_dropped: 3, ..StageDay::default() };
    let ripe = StageDay { entered: 10, decided: 10, progressed: 6, lost_dropped: 3, ..StageDay::default() };
    real.walked.personas = vec![PersonaCount { persona: "p".to_owned(), customers: 9, all, mature }];
    real.walked.persona_stages = vec![PersonaStageCount {
        persona: "p".to_owned(),
        stage: "A".to_owned(),
        customers: 9,
        all: entered,
        mature: ripe,
    }];
    let found = compare(&versions(MAP), &real);
    assert_eq!(found.personas[0].overall, Rate::point(6, 10));
    let stage = &found.persona_stages[0];
    assert_eq!((stage.conversion, stage.drop_off_rate), (Rate::point(6, 10), Rate::point(3, 10)));
    assert_eq!((stage.customers, stage.entered, stage.dropped, stage.in_flight), (9, 20, 3, 8));
    real.as_of = Timestamp::parse("2026-01-21").expect("a day");
    let early = compare(&versions(MAP), &real);
    assert_eq!(early.personas[0].overall, Rate::Immature { low: 0.4, high: 0.8, entered: 20 });
    assert_eq!(early.persona_stages[0].drop_off_rate, Rate::Immature { low: 0.15, high: 0.55, entered: 20 });
}
