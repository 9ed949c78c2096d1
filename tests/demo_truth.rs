//! What the demo's shop plants, against what the binary reports of it: counts must be equal, the interval of each effect must
//! cover what the shop's dice say (`demo::planted::effects`, in closed form, held against the story in its own tests), and
//! what has nothing to do with the outcome must not be called significant. Ten seeds; with `TROPA_LONG=1` two hundred.

#[path = "demo_truth/found.rs"]
mod found;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use found::{Found, look};
use tropa::demo::planted::{SLOW_SHARE, effects};

/// Journeys of one seed; enough for `min_n` of each planted kind.
pub const CUSTOMERS: u32 = 1_200;

fn is_long() -> bool {
    std::env::var("TROPA_LONG").is_ok_and(|v| v == "1")
}

/// Every seed is walked through once, two at a time.
fn seeds() -> &'static BTreeMap<u64, Found> {
    static SEEDS: OnceLock<BTreeMap<u64, Found>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let (next, found) = (AtomicU64::new(1), Mutex::new(BTreeMap::new()));
        let count = if is_long() { 200 } else { 10 };
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed > count {
                            break;
                        }
                        let one = look(seed, CUSTOMERS);
                        let missed: Vec<String> =
                            checks().into_iter().filter(|(_, covers)| !covers(&one)).map(|(what, _)| what).collect();
                        println!("seed {seed} of {count}; not covered: {}", missed.join(", "));
                        found.lock().expect("no thread failed").insert(seed, one);
                    }
                });
            }
        });
        found.into_inner().expect("no thread failed")
    })
}

/// Every seed must hold; a failure names those that do not.
fn all_hold(wrong: impl Fn(&Found) -> Vec<String>) {
    let failed: Vec<String> =
        seeds().iter().flat_map(|(seed, f)| wrong(f).into_iter().map(move |w| format!("seed {seed}: {w}"))).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn planted_deviations_are_reported_as_often_as_they_were_planted() {
    all_hold(|f| {
        let planted = f.truth.deviations();
        let unequal = planted.filter_map(|(kind, place, times)| {
            let reported = f.counts(kind, place);
            let truth = (times.journeys, times.customers);
            (reported != truth || truth.0 == 0)
                .then(|| format!("{kind} {place}: planted {truth:?}, found {reported:?}"))
        });
        unequal.collect()
    });
}

#[test]
fn an_acceptance_that_has_ended_is_listed_as_ended_and_covers_none_who_began_after_it() {
    all_hold(|f| {
        let accepted = f.accepted("too_slow", "checkout paid");
        let truth = ("ended".to_owned(), f.truth.late_accepted, f.truth.late_not_accepted);
        let both = truth.1 > 0 && truth.2 > 0;
        (accepted != truth || !both).then(|| format!("planted {truth:?}, found {accepted:?}")).into_iter().collect()
    });
}

#[test]
fn broken_tracking_and_nothing_else_is_named_with_its_reason_and_the_event_it_became() {
    all_hold(|f| {
        let wanted = [("compare", "only_until", "Compare Opened"), ("wishlist", "only_through", "wishlist_add")];
        let wanted = wanted.map(|w| [w.0, w.1, w.2].map(str::to_owned));
        let found = f.unmeasured();
        (found != wanted).then(|| format!("{found:?}")).into_iter().collect()
    });
}

#[test]
fn as_many_trails_are_cut_in_two_as_the_shop_says() {
    all_hold(|f| {
        let (planted, found) = (f.truth.cut_trails(), f.cut_trails);
        let phantom = f.truth.phantom_drop_offs(f.as_of);
        let plausible = phantom > 0 && phantom <= planted;
        (planted != found || !plausible).then(|| format!("planted {planted}, found {found}")).into_iter().collect()
    });
}

/// Of n intervals at 95 % so many must cover. 200: what the issue asks for, 97.8 % likely at exactly 95 %. 10: fewer than 7
/// would come of chance once in a thousand times, for each effect.
fn least_covering(n: usize) -> usize {
    if n == 200 { 184 } else { n * 7 / 10 }
}

/// A planted figure in words, and whether the interval of one seed covers it.
type Check = (String, Box<dyn Fn(&Found) -> bool>);

fn checks() -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    // Too few in a group is no interval, and a miss.
    let mut of_line = |what: &'static str, kind: &'static str, place: &'static str, planted: f64| {
        let covers = move |f: &Found| f.interval(kind, place, what).is_some_and(|(l, h)| l <= planted && planted <= h);
        checks.push((format!("{what} of {kind} {place}: {planted:+.4}"), Box::new(covers)));
    };
    for e in effects() {
        of_line("conversion", e.kind, e.place, e.conversion);
        if let Some(planted) = e.time_to_goal {
            of_line("time_to_goal", e.kind, e.place, planted);
        }
    }
    let slow = |f: &Found| f.share_with("too_slow", "basket").is_some_and(|(l, h)| l <= SLOW_SHARE && SLOW_SHARE <= h);
    checks.push((format!("share beyond the time limit of the basket: {SLOW_SHARE:.4}"), Box::new(slow)));
    checks
}

#[test]
fn the_interval_of_each_effect_covers_what_was_planted() {
    let seeds = seeds();
    let mut missed = Vec::new();
    for (what, covers) in checks() {
        let covering = seeds.values().filter(|f| covers(f)).count();
        println!("{what}: {covering} of {} intervals cover it", seeds.len());
        if covering < least_covering(seeds.len()) {
            missed.push(format!("{what}: {covering} of {}", seeds.len()));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Deviations that the story makes independent of what follows: conversion, time to goal. Who goes back from the basket
/// pays as often as others, only a little later.
const NOTHING: [(&str, &str, bool); 7] = [
    ("too_slow", "discover", true),
    ("too_slow", "discover consider", true),
    ("too_slow", "consider", true),
    ("too_slow", "consider basket", true),
    ("wrong_channel", "compare", true),
    ("unexpected", "basket consider", false),
    // These two move conversion, and not how long those who pay take.
    ("too_slow", "basket checkout", true),
];

#[test]
fn what_has_nothing_to_do_with_the_outcome_is_called_significant_in_at_most_one_of_twenty() {
    let (mut called, mut tests, mut false_shares) = (Vec::new(), 0.0, 0.0);
    for (seed, f) in seeds() {
        let mut wrong = 0.0;
        for (kind, place, time_too) in NOTHING {
            let moves_conversion = effects().iter().any(|e| (e.kind, e.place) == (kind, place));
            let conversion = f.is_significant(kind, place, "conversion").filter(|_| !moves_conversion);
            let time = f.is_significant(kind, place, "time_to_goal").filter(|_| time_too);
            for (of, significant) in [("conversion", conversion), ("time to goal", time)] {
                tests += f64::from(u8::from(significant.is_some()));
                if significant == Some(true) {
                    wrong += 1.0;
                    called.push(format!("seed {seed}: {of} of {kind} {place}"));
                }
            }
        }
        false_shares += wrong / f.all_significant().max(1.0);
    }
    let share = called.len() as f64 / tests;
    let of_discoveries = false_shares / seeds().len() as f64;
    println!("{} of {tests} called significant, {:.2} % of what was called so", called.len(), of_discoveries * 100.0);
    // Ten seeds are too few for a share of one in twenty: of some 90 tests, each called with that chance, more than 12 come
    // once in a thousand times; the tests of one seed are about the same journeys, and adjusted, so they come more rarely.
    let most = if is_long() { 0.05 } else { 12.0 / 90.0 };
    assert!(tests >= 8.0 * seeds().len() as f64, "{tests} tests");
    assert!(share <= most, "{}", called.join("\n"));
    assert!(of_discoveries <= most, "{}", called.join("\n"));
}
