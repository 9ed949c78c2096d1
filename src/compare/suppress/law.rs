//! Whoever reads a suppressed comparison, does every sum that the law promises, and knows all but one of its counts, learns
//! nothing. In: random journeys of two versions and two personas. The sums are written down once more, from semantics.md.

use proptest::prelude::*;

use super::super::cell::{Told, is_told};
use super::super::{Comparison, Followed, Rate, Verdict, compare};
use crate::conformance::DesignUse;

mod counted; //  the counts of random journeys
mod sums; //     what adds up to what
mod walked; //   random journeys

use counted::real;
use sums::{UNKNOWN, counts_of, laws, parts, rates};
use walked::{Walked, long, versions, walked};

/// Every population with a headline of its own.
fn populations(c: &Comparison) -> Vec<&Followed> {
    let f = &c.following;
    let mut all = vec![&f.overall, &f.certain];
    all.extend(f.versions.iter().map(|v| &v.1));
    all.extend(f.stages.iter().map(|s| &s.2));
    all.extend(f.days.iter().map(|d| &d.followed));
    all.extend(f.version_days.iter().map(|d| &d.1.followed));
    all.extend(f.personas.iter().map(|p| &p.1));
    all.extend(c.personas.iter().map(|p| &p.followed));
    all
}

/// What a reader learns from a sum of it all, in words.
fn given_away(truth: &Comparison, told: &Comparison, least: u64) -> Vec<String> {
    let few = |n: u64| 0 < n && n < least;
    let mut found = Vec::new();
    for ((words, left, right), (_, was_left, was_right)) in laws(told).into_iter().zip(laws(truth)) {
        let was = [&was_left[..], &was_right[..]].concat();
        let is = [left, right].concat();
        for (was, is) in was.iter().zip(&is).filter(|(was, is)| is_told(**is) && (is != was || few(**is))) {
            found.push(format!("{words}: {is} was {was}"));
        }
        // Outside of mature dates some sums do not hold, and nobody can rely on them.
        if was_left.iter().sum::<u64>() == was_right.iter().sum::<u64>() {
            let mut unknown = was.iter().zip(&is).filter(|(_, n)| !is_told(**n));
            if let (Some((was_alone, alone)), None) = (unknown.next(), unknown.next()) {
                // A rate that is left out for its row's sake may be known from counts that are told.
                if *alone != UNKNOWN || few(*was_alone) {
                    found.push(format!("{words}: {is:?} was {was:?}"));
                }
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_sum_of_what_is_told_gives_away_what_is_not(all in walked(), least in 2u64..9) {
        let truth = compare(&versions(), &real(&all));
        let told = truth.clone().suppressed(least);
        let few = |n: u64| 0 < n && n < least;
        prop_assert_eq!(given_away(&truth, &told, least), Vec::<String>::new());
        for (words, whole, part) in parts(&told) {
            prop_assert!(!is_told(whole) || !is_told(part) || !few(whole - part), "{words}: {part} of {whole}");
        }
        for rate in rates(&told) {
            if let Rate::Point { n, .. } = rate {
                let (hits, _) = counts_of(&rate);
                prop_assert!(!few(n) && !few(hits) && !few(n - hits), "{rate:?}");
            }
        }
    }

    #[test]
    fn nothing_is_told_that_rests_on_what_is_not(all in walked(), least in 2u64..9) {
        let told = compare(&versions(), &real(&all)).suppressed(least);
        for d in &told.deviations {
            prop_assert!(is_told(d.journeys) || d.examples.is_empty(), "{d:?}");
        }
        for way in told.lost.iter().flat_map(|l| &l.ways) {
            prop_assert!(is_told(way.journeys) || way.things.is_empty() && way.examples.is_empty(), "{way:?}");
        }
        for f in populations(&told).into_iter().filter(|f| !is_told(f.decided) || !is_told(f.fitness.n)) {
            let walked = (f.precision, f.precision_by_prefix, f.design_use);
            prop_assert_eq!(walked, (None, None, DesignUse::default()), "{:?}", f);
        }
        for e in &told.expectations {
            prop_assert_eq!(e.verdict == Verdict::Untold, !is_told(e.n), "{:?}", e);
            prop_assert!(is_told(e.n) || e.measured.is_none() && e.interval.is_none(), "{e:?}");
        }
    }

    #[test]
    fn where_nobody_is_one_of_few_everything_is_told(ways in prop::collection::vec(0usize..6, 1..6), least in 2u64..9) {
        // So many of each that neither a count nor a rest is small.
        let all: Vec<Walked> = ways.into_iter().map(|way| Walked::plain(way, 10 * least)).collect();
        let truth = compare(&versions(), &real(&all));
        let told = truth.clone().suppressed(least);
        prop_assert_eq!(laws(&told), laws(&truth));
        prop_assert_eq!(rates(&told), rates(&truth));
        let walked = |c: &Comparison| {
            populations(c).into_iter().map(|f| (f.precision, f.precision_by_prefix, f.design_use)).collect::<Vec<_>>()
        };
        prop_assert_eq!(walked(&told), walked(&truth));
    }
}

#[test]
fn a_bound_of_nought_or_one_changes_nothing() {
    let truth = compare(&versions(), &real(&[Walked::plain(0, 1), Walked::plain(2, 30)]));
    for least in [0, 1] {
        assert_eq!(format!("{:?}", truth.clone().suppressed(least)), format!("{truth:?}"));
    }
    let told = truth.suppressed(5);
    assert_eq!(Told::of(told.population.dropped), Told::Below(5));
    assert_eq!(Told::of(told.population.completed), Told::AtLeast(5), "else 31 - 30 tells it");
    assert_eq!((told.population.entered, told.overall, told.min_cell), (31, Rate::Untold, 5));
}

#[test]
fn of_two_personas_the_smaller_tells_nothing_that_the_other_and_all_give_away() {
    let of = |persona: &'static str, follows: bool, n: u64| Walked { persona, follows, ..Walked::plain(2, n) };
    let all = [of("p", true, 30), of("p", false, 10), of("other", true, 28), of("other", false, 2)];
    let told = compare(&versions(), &real(&all)).suppressed(5);
    let straying = |id: &str| told.following.personas.iter().find(|p| p.0 == id).map(|p| Told::of(p.1.straying));
    assert_eq!(told.following.overall.straying, 12);
    assert_eq!(straying("other"), Some(Told::Below(5)));
    assert_eq!(straying("p"), Some(Told::AtLeast(5)), "else 12 - 10 tells it");
    let lines = told.personas.iter().filter(|p| p.entered > 0).map(|p| Told::of(p.followed.straying));
    assert_eq!(lines.collect::<Vec<_>>(), [Told::AtLeast(5), Told::Below(5)], "the same once more");
}

#[test]
fn what_one_journey_walked_is_told_by_no_version() {
    let of = |version: u32, way: usize, n: u64| Walked { version, ..Walked::plain(way, n) };
    let truth = compare(&versions(), &real(&[of(1, 7, 1), of(2, 2, 60)]));
    let used = |c: &Comparison| c.following.versions[0].1.design_use.used;
    assert!(used(&truth) > 0, "one journey is all that was walked under the first version");
    let told = truth.suppressed(5);
    assert_eq!((used(&told), told.following.versions[0].1.precision), (0, None));
    assert!(told.following.overall.precision.is_some(), "all together are many");
}

#[test]
fn two_years_of_days_under_two_versions_and_five_personas_are_closed_in_one_go() {
    let truth = compare(&versions(), &real(&long(730)));
    assert_eq!((truth.following.days.len(), truth.following.version_days.len()), (730, 1_460));
    let told = truth.clone().suppressed(9);
    assert_eq!(given_away(&truth, &told, 9), Vec::<String>::new());
    assert_eq!(told.population.entered, truth.population.entered, "all together are many");
    let untold = told.following.days.iter().filter(|d| !is_told(d.followed.straying)).count();
    assert!(untold > 50, "{untold} dates have few who stray, or tell of one");
}
