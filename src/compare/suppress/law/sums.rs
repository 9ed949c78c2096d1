//! What a reader can add up, written down once more from semantics.md. In: a comparison. Out: sums in words and with both
//! sides, some with the whole they are of, and rates.

use super::super::super::cell::Told;
use super::super::super::{Comparison, Expected, Followed, FollowedDay, Rate};
use crate::map::Metric;
use crate::time::Day;

/// Of a rate that is not told.
pub(super) const UNKNOWN: u64 = Told::Below(1).as_count();

/// Hits and what they are of.
pub(super) fn counts_of(rate: &Rate) -> (u64, u64) {
    match rate {
        Rate::Point { value, n, .. } => ((value * *n as f64).round() as u64, *n),
        Rate::Untold => (UNKNOWN, UNKNOWN),
        _ => (0, 0),
    }
}

fn hits(rate: &Rate) -> u64 {
    counts_of(rate).0
}

fn misses(rate: &Rate) -> u64 {
    match counts_of(rate) {
        (UNKNOWN, _) => UNKNOWN,
        (hits, n) => n - hits,
    }
}

pub(super) type Sum = (String, Vec<u64>, Vec<u64>);

#[derive(Default)]
struct Laws(Vec<Sum>);

impl Laws {
    fn law(&mut self, words: &str, left: &[u64], right: &[u64]) {
        self.0.push((words.to_owned(), left.to_vec(), right.to_vec()));
    }

    /// Every figure of the whole is the sum of its parts'.
    fn adds(&mut self, words: &str, whole: &Followed, parts: &[&Followed]) {
        for (figure, of) in FIGURES {
            self.law(
                &format!("{figure} by {words}"),
                &[of(whole)],
                &parts.iter().map(|part| of(part)).collect::<Vec<u64>>(),
            );
        }
    }
}

type Figure = (&'static str, fn(&Followed) -> u64);

const FIGURES: [Figure; 12] = [
    ("decided", |f| f.decided),
    ("following", |f| f.following),
    ("straying", |f| f.straying),
    ("not evaluated", |f| f.not_evaluated),
    ("forbidden", |f| f.forbidden),
    ("evaluated", |f| f.fitness.n),
    ("completed", |f| f.completed.n),
    ("ended", |f| f.ended.n),
    ("dropped", |f| f.dropped.n),
    ("tied", |f| f.order_ambiguous),
    ("clean", |f| hits(&f.clean)),
    ("not clean", |f| misses(&f.clean)),
];

/// What adds up to what: in words, and both sides.
pub(super) fn laws(c: &Comparison) -> Vec<Sum> {
    let mut laws = Laws::default();
    funnel(c, &mut laws);
    headline(c, &mut laws);
    days(c, &mut laws);
    personas(c, &mut laws);
    felt(c, &mut laws);
    laws.0
}

fn funnel(c: &Comparison, laws: &mut Laws) {
    let p = &c.population;
    let outcomes = [p.completed, p.ended, p.dropped, p.in_flight];
    laws.law("entered", &[p.entered], &outcomes);
    let into = |id: &str| c.transitions.iter().filter(|t| t.to == id).map(|t| t.transitions).collect::<Vec<_>>();
    let out_of = |id: &str| c.transitions.iter().filter(|t| t.from == id).map(|t| t.transitions).collect::<Vec<_>>();
    laws.law("from the start", &[p.entered], &out_of("start"));
    for (id, n) in ["completed", "ended", "dropped", "in_flight"].into_iter().zip(outcomes) {
        laws.law(&format!("into {id}"), &[n], &into(id));
    }
    for s in &c.stages {
        laws.law(&format!("into {}", s.id), &[s.entries], &into(&s.id));
        laws.law(&format!("out of {}", s.id), &[s.entries], &out_of(&s.id));
        laws.law(&format!("through {}", s.id), &into(&s.id), &out_of(&s.id));
        laws.law(&format!("closed in {}", s.id), &[s.entries], &[s.timed, s.open_entries]);
        let shares: Vec<(u64, u64)> =
            c.transitions.iter().filter(|t| t.from == s.id).map(|t| counts_of(&t.share)).collect();
        let all: Vec<u64> = shares.iter().map(|s| s.0).collect();
        for (_, n) in &shares {
            laws.law(&format!("shares from {}", s.id), &[*n], &all);
        }
        let lost = hits(&s.drop_off_rate);
        if let Some(own) = c.lost.iter().find(|l| l.stage == s.id) {
            let ways: Vec<u64> = own.ways.iter().map(|w| w.journeys).collect();
            laws.law(&format!("lost at {}", s.id), &[lost], &[own.journeys]);
            laws.law(&format!("ways from {}", s.id), &[own.journeys], &ways);
            laws.law(&format!("lost by two ways at {}", s.id), &[own.journeys], &[s.dropped, s.ended]);
        }
        laws.law(&format!("rate of {}", s.id), &[lost], &[s.dropped, s.ended]);
        laws.law(&format!("conversion of {}", s.id), &[hits(&s.conversion)], &[s.progressed]);
        if let Some((_, _, f)) = c.following.stages.iter().find(|f| f.0 == s.id) {
            laws.law(&format!("immature in {}", s.id), &[s.entered], &[counts_of(&s.conversion).1, f.immature]);
        }
    }
    let stays: Vec<_> = c.stages.iter().filter(|s| s.id != "Out").collect();
    laws.law("dropped somewhere", &[p.dropped], &stays.iter().map(|s| s.dropped).collect::<Vec<_>>());
    laws.law("ended somewhere", &[p.ended], &stays.iter().map(|s| s.ended).collect::<Vec<_>>());
    laws.law("on their way somewhere", &[p.in_flight], &c.stages.iter().map(|s| s.open_entries).collect::<Vec<_>>());
    let (reached, n) = counts_of(&c.overall);
    laws.law("overall", &[reached], &[p.completed]);
    laws.law("of overall", &[n], &[p.completed, p.ended, p.dropped]);
    let lost: Vec<u64> = c.lost.iter().map(|l| l.journeys).collect();
    laws.law("completed or lost", &[n], &[&[reached][..], &lost].concat());
    for d in &c.deviations {
        laws.law("deviation", &[hits(&d.share)], &[counts_of(&d.drop_offs).1]);
        laws.law("of drop-offs", &[hits(&d.of_drop_offs)], &[hits(&d.drop_offs)]);
    }
    for e in c.expectations.iter().filter(|e| e.expected == Expected::Kpi(Metric::Overall)) {
        laws.law("indicator", &[e.n], &[n]);
    }
}

fn headline(c: &Comparison, laws: &mut Laws) {
    let (f, p, n) = (&c.following, &c.population, counts_of(&c.overall).1);
    laws.law("decided twice", &[n], &[f.overall.decided]);
    laws.law("mature and not", &[p.entered], &[f.overall.decided, p.left_out]);
    laws.law("ties", &[f.overall.decided], &[f.certain.decided, f.order_ambiguous]);
    laws.law("ties twice", &[f.overall.order_ambiguous], &[f.order_ambiguous]);
    laws.law("immature", &[f.immature], &[p.left_out]);
    laws.law("immature twice", &[f.immature], &[f.overall.immature]);
    laws.law("read and cut", &[f.overall.fitness.n], &[f.paths.journeys, f.paths.cut_journeys]);
    let every = f.versions.iter().map(|v| &v.1).chain([&f.overall, &f.certain]);
    let of_days = f.days.iter().chain(f.version_days.iter().map(|d| &d.1)).map(|d| &d.followed);
    for of in every.chain(of_days).chain(f.personas.iter().map(|p| &p.1)) {
        laws.law("decided", &[of.decided], &[of.following, of.straying, of.not_evaluated]);
        laws.law("decided and evaluated", &[of.decided], &[of.fitness.n, of.not_evaluated]);
        laws.law("evaluated", &[of.fitness.n], &[of.following, of.straying]);
        laws.law("by outcome", &[of.fitness.n], &[of.completed.n, of.ended.n, of.dropped.n]);
        laws.law("share", &[hits(&of.share)], &[of.following]);
        laws.law("of share", &[counts_of(&of.share).1], &[of.fitness.n]);
        laws.law("of coverage", &[counts_of(&of.clean).1], &[of.decided]);
    }
    laws.adds("version", &f.overall, &f.versions.iter().map(|v| &v.1).collect::<Vec<_>>());
    let immature: Vec<u64> = f.versions.iter().map(|v| v.1.immature).collect();
    laws.law("immature by version", &[f.immature], &immature);
    let of = |old: bool| {
        f.versions.iter().filter(move |v| (v.0 == c.version) != old).flat_map(|v| [v.1.decided, v.1.immature])
    };
    laws.law("older", &[p.older_versions], &of(true).collect::<Vec<_>>());
    laws.law("newest", &[p.entered], &[&[p.older_versions][..], &of(false).collect::<Vec<_>>()].concat());
}

fn days(c: &Comparison, laws: &mut Laws) {
    let (f, p) = (&c.following, &c.population);
    let own = |of: fn(&FollowedDay) -> u64| f.days.iter().map(of).collect::<Vec<u64>>();
    laws.adds("day", &f.overall, &f.days.iter().filter(|d| d.mature).map(|d| &d.followed).collect::<Vec<_>>());
    laws.law("decided on all days", &[p.completed, p.ended, p.dropped], &own(|d| d.followed.decided));
    laws.law("immature by day", &[p.left_out], &own(|d| d.followed.immature));
    laws.law("cut by day", &[f.paths.cut_journeys], &own(|d| d.cut_journeys));
    let young: Vec<&Followed> = f.days.iter().filter(|d| !d.mature).map(|d| &d.followed).collect();
    let (began, decided): (Vec<u64>, Vec<u64>) = young.iter().map(|f| (f.immature, f.decided)).unzip();
    laws.law("on their way by day", &began, &[&decided[..], &[p.in_flight]].concat());
    let of_date = |date: Day| f.version_days.iter().filter(move |v| v.1.entry_date == date).map(|v| &v.1);
    for d in &f.days {
        let words = format!("version of {}", d.entry_date);
        laws.adds(&words, &d.followed, &of_date(d.entry_date).map(|d| &d.followed).collect::<Vec<_>>());
        let immature: Vec<u64> = of_date(d.entry_date).map(|d| d.followed.immature).collect();
        laws.law(&format!("immature by {words}"), &[d.followed.immature], &immature);
        let cut: Vec<u64> = of_date(d.entry_date).map(|d| d.cut_journeys).collect();
        laws.law(&format!("cut by {words}"), &[d.cut_journeys], &cut);
    }
    for (version, followed) in &f.versions {
        let own = || f.version_days.iter().filter(|v| v.0 == *version).map(|v| &v.1);
        let mature: Vec<&Followed> = own().filter(|d| d.mature).map(|d| &d.followed).collect();
        laws.adds(&format!("day of version {version}"), followed, &mature);
        let immature: Vec<u64> = own().map(|d| d.followed.immature).collect();
        laws.law(&format!("immature by day of version {version}"), &[followed.immature], &immature);
    }
}

fn personas(c: &Comparison, laws: &mut Laws) {
    let (f, p) = (&c.following, &c.population);
    let parts: Vec<&Followed> = f.personas.iter().map(|p| &p.1).collect();
    laws.adds("persona", &f.overall, &parts);
    laws.law("immature by persona", &[f.immature], &parts.iter().map(|f| f.immature).collect::<Vec<_>>());
    for line in &c.personas {
        let id = line.persona.as_deref().unwrap_or_default();
        if let Some((_, own)) = f.personas.iter().find(|p| p.0 == id) {
            laws.adds(&format!("the same {id}"), own, &[&line.followed]);
            laws.law("immature of a persona", &[own.immature], &[line.followed.immature]);
        }
        laws.law("entered by persona", &[line.entered], &[line.completed, line.ended, line.dropped, line.in_flight]);
        laws.law("mature and not of a persona", &[line.entered], &[line.followed.decided, line.followed.immature]);
        laws.law("decided of a persona", &[counts_of(&line.overall).1], &[line.followed.decided]);
    }
    let of = |figure: fn(&super::super::super::PersonaLine) -> u64| c.personas.iter().map(figure).collect::<Vec<u64>>();
    laws.law("entered", &[p.entered], &of(|l| l.entered));
    laws.law("completed", &[p.completed], &of(|l| l.completed));
    laws.law("ended", &[p.ended], &of(|l| l.ended));
    laws.law("dropped", &[p.dropped], &of(|l| l.dropped));
    laws.law("in flight", &[p.in_flight], &of(|l| l.in_flight));
    laws.law("reached the goal", &[hits(&c.overall)], &of(|l| hits(&l.overall)));
    laws.law("did not", &[misses(&c.overall)], &of(|l| misses(&l.overall)));
    for s in &c.stages {
        let own = || c.persona_stages.iter().filter(|l| l.stage == s.id);
        let mut law = |words: &str, whole: u64, parts: Vec<u64>| {
            laws.law(&format!("{words} {} by persona", s.id), &[whole], &parts);
        };
        law("entered", s.entered, own().map(|l| l.entered).collect());
        law("dropped at", s.dropped, own().map(|l| l.dropped).collect());
        law("ended at", s.ended, own().map(|l| l.ended).collect());
        law("on their way in", s.in_flight, own().map(|l| l.in_flight).collect());
        law("went on from", hits(&s.conversion), own().map(|l| hits(&l.conversion)).collect());
        law("did not go on from", misses(&s.conversion), own().map(|l| misses(&l.conversion)).collect());
        law("of those at", counts_of(&s.conversion).1, own().map(|l| counts_of(&l.conversion).1).collect());
        law("were lost at", hits(&s.drop_off_rate), own().map(|l| hits(&l.drop_off_rate)).collect());
        law("were not lost at", misses(&s.drop_off_rate), own().map(|l| misses(&l.drop_off_rate)).collect());
        law("of all at", counts_of(&s.drop_off_rate).1, own().map(|l| counts_of(&l.drop_off_rate).1).collect());
    }
}

fn felt(c: &Comparison, laws: &mut Laws) {
    for whole in c.emotions.iter().filter(|e| e.touchpoint.is_none()) {
        let parts = c.emotions.iter().filter(|e| e.touchpoint.is_some() && e.stage == whole.stage);
        laws.law("felt by touchpoint", &[whole.n], &parts.map(|e| e.n).collect::<Vec<_>>());
        let parts = c.persona_stages.iter().filter(|l| l.stage == whole.stage);
        laws.law("felt by persona", &[whole.n], &parts.map(|l| l.emotion.n).collect::<Vec<_>>());
        for e in c.expectations.iter().filter(|e| e.of == [whole.stage.as_str()]) {
            match e.expected {
                Expected::Emotion | Expected::EmotionAlert => laws.law("felt as expected", &[e.n], &[whole.n]),
                Expected::EmotionOfPersona => {
                    let own = c.persona_stages.iter().filter(|l| l.stage == whole.stage);
                    let own = own.filter(|l| l.persona.as_deref() == Some(&e.by));
                    laws.law("felt by one persona", &[e.n], &own.map(|l| l.emotion.n).collect::<Vec<_>>());
                }
                _ => {}
            }
        }
    }
}

/// Some of others, whose rest is somebody too.
pub(super) fn parts(c: &Comparison) -> Vec<(&'static str, u64, u64)> {
    let mut all = vec![("tied", c.population.entered, c.population.order_ambiguous)];
    for s in &c.stages {
        all.extend([("progressed", s.entered, s.progressed), ("dropped", s.entered, s.dropped)]);
    }
    all.extend(c.deviations.iter().map(|d| ("accepted", d.journeys, d.accepted)));
    for f in [&c.following.overall, &c.following.certain] {
        all.push(("forbidden", f.decided, f.forbidden));
    }
    for (figure, of) in FIGURES {
        all.push((figure, of(&c.following.overall), of(&c.following.certain)));
    }
    let young = c.following.days.iter().filter(|d| !d.mature).map(|d| &d.followed);
    all.extend(young.map(|f| ("on their way", f.immature, f.decided)));
    all
}

pub(super) fn rates(c: &Comparison) -> Vec<Rate> {
    let f = &c.following;
    let mut all = vec![c.overall];
    let days = f.days.iter().chain(f.version_days.iter().map(|d| &d.1)).map(|d| &d.followed);
    let parts = f.versions.iter().map(|v| &v.1).chain(f.personas.iter().map(|p| &p.1)).chain(days);
    all.extend(parts.chain([&f.overall, &f.certain]).flat_map(|f| [f.share, f.clean]));
    all.extend(c.stages.iter().flat_map(|s| [s.conversion, s.drop_off_rate]));
    all.extend(c.transitions.iter().map(|t| t.share));
    all.extend(c.deviations.iter().flat_map(|d| [d.share, d.drop_offs, d.of_drop_offs]));
    all.extend(c.lost.iter().flat_map(|l| l.ways.iter().map(|w| w.share)));
    all.extend(c.personas.iter().map(|p| p.overall));
    all.extend(c.persona_stages.iter().flat_map(|s| [s.conversion, s.drop_off_rate]));
    all
}
