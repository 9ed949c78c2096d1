//! What may leave the house (semantics.md, "Privacy"). In: a [`Comparison`], and how many somebody must be one of. Out: the same
//! with smaller counts of journeys, customers and visits untold, and with them as many others that none follows from a sum with
//! one unknown; nothing that rests on them is told either. One pass, before the comparison takes any form.
//!
//! Whoever adds a count of people to the comparison names it in `list.rs`: every part of it stands there.

use super::cell::is_told;
use super::sheet::{Entry, Sheet};
use super::{Association, Comparison, Followed, Mean, Unmapped, Verdict};
use crate::aggregate::variants::Variants;
use crate::conformance::DesignUse;

mod flow;
mod follow;
#[cfg(test)]
mod law;
mod list;
mod people;
mod place;

impl Comparison {
    /// `min_cell` below 2 asks for nothing: nobody is told of by a nought.
    pub fn suppressed(mut self, min_cell: u64) -> Self {
        if min_cell < 2 {
            return self;
        }
        self.min_cell = min_cell;
        self.shorten(min_cell);
        let mut sheet = Sheet::new(min_cell);
        list::list(&mut self, &mut sheet);
        sheet.close();
        self.forget(min_cell);
        self
    }

    /// Lists of names, of which the least frequent go into what is not listed.
    fn shorten(&mut self, min_cell: u64) {
        events(&mut self.unmapped, min_cell);
        self.unmeasured.iter_mut().for_each(|u| events(&mut u.alike, min_cell));
        for way in self.lost.iter_mut().flat_map(|stage| &mut stage.ways) {
            let all = way.journeys;
            shorten(&mut way.things, |t| t.journeys, (all, min_cell));
        }
        if let Some(explained) = self.explained.take() {
            self.explained = Some(explained.of_many(self, min_cell));
        }
    }

    /// What rests on counts that are untold.
    fn forget(&mut self, min_cell: u64) {
        let few = |n: u64| 0 < n && n < min_cell;
        for s in &mut self.stages {
            if ![s.entered, s.entries, s.timed].into_iter().all(is_told) {
                (s.time_p50, s.time_p90, s.time_to_next_p50, s.time_to_next_p90) = (None, None, None, None);
            }
        }
        for t in self.transitions.iter_mut().filter(|t| !is_told(t.transitions)) {
            (t.time_p50, t.time_p90) = (None, None);
        }
        let f = &mut self.following;
        f.versions.iter_mut().for_each(|v| means(&mut v.1));
        f.stages.iter_mut().for_each(|s| means(&mut s.2));
        f.personas.iter_mut().for_each(|p| means(&mut p.1));
        f.days.iter_mut().for_each(|d| means(&mut d.followed));
        f.version_days.iter_mut().for_each(|d| means(&mut d.1.followed));
        [&mut f.overall, &mut f.certain].into_iter().for_each(means);
        mean(&mut f.in_flight);
        self.personas.iter_mut().for_each(|p| means(&mut p.followed));
        for felt in self.persona_stages.iter_mut().map(|s| &mut s.emotion).filter(|felt| !is_told(felt.n)) {
            (felt.mean, felt.interval) = (None, None);
        }
        for d in &mut self.deviations {
            let rates = [d.share, d.drop_offs, d.of_drop_offs];
            let told = [d.journeys, d.accepted, d.customers].into_iter().all(is_told);
            if !told || rates.contains(&super::Rate::Untold) {
                d.value.clear();
                d.at_stake.clear();
                d.examples.clear();
                d.association = None;
                d.after_decision = false;
            }
            d.association = d.association.take().filter(|a| !of_few(a, few));
        }
        for e in self.expectations.iter_mut().filter(|e| !is_told(e.n)) {
            (e.measured, e.interval, e.verdict) = (None, None, Verdict::Untold);
        }
        for e in self.emotions.iter_mut().filter(|e| !is_told(e.n)) {
            (e.mean, e.interval) = (None, None);
        }
        for way in self.lost.iter_mut().flat_map(|stage| &mut stage.ways).filter(|w| !is_told(w.journeys)) {
            way.things.clear();
            way.examples.clear();
        }
        self.broken.stages.retain(|b| {
            [b.drop_offs, b.anonymous, b.begun, b.matches].into_iter().all(is_told)
                && b.drop_off_rate != super::Rate::Untold
        });
        if !is_told(self.population.entered) {
            self.explained = None;
        }
    }
}

/// Of few the use of the design is what they walked.
fn means(f: &mut Followed) {
    if !is_told(f.decided) || !is_told(f.fitness.n) {
        (f.precision, f.precision_by_prefix, f.design_use) = (None, None, DesignUse::default());
    }
    [&mut f.fitness, &mut f.completed, &mut f.ended, &mut f.dropped].into_iter().for_each(mean);
}

fn mean(mean: &mut Mean) {
    if !is_told(mean.n) {
        mean.value = None;
    }
}

/// The same of variants: of every path how many journeys, and what became of them.
pub fn suppressed_variants(mut variants: Variants) -> Variants {
    let min_cell = variants.min_cell;
    if min_cell < 2 {
        return variants;
    }
    let mut sheet = Sheet::new(min_cell);
    // A comparison tells each outcome of all paths together.
    let mut outcomes: [Vec<Entry>; 4] = Default::default();
    for of in &mut variants.versions {
        let all = sheet.count(&mut of.journeys);
        let mut paths = Vec::new();
        for v in of.top.iter_mut().chain(&mut of.other) {
            let journeys = sheet.count(&mut v.journeys);
            let ends = [&mut v.completed, &mut v.ended, &mut v.dropped, &mut v.in_flight].map(|n| sheet.count(n));
            let [_, evaluated, following] =
                [&mut v.customers, &mut v.evaluated, &mut v.following].map(|n| sheet.count(n));
            sheet.equal(&[journeys], &ends);
            sheet.part(journeys, evaluated);
            sheet.part(evaluated, following);
            outcomes.iter_mut().zip(ends).for_each(|(all, n)| all.push(n));
            paths.push(journeys);
        }
        sheet.equal(&[all], &paths);
    }
    outcomes.into_iter().for_each(|parts| sheet.total_is_known(parts));
    sheet.close();
    for v in variants.versions.iter_mut().flat_map(|of| of.top.iter_mut().chain(&mut of.other)) {
        if !is_told(v.completed) {
            (v.to_goal_p50, v.to_goal_p90) = (None, None);
        }
        if !is_told(v.journeys) {
            v.examples.clear();
        }
    }
    variants
}

/// With it or without it, reached the goal or did not: some of them are few.
fn of_few(a: &Association, few: impl Fn(u64) -> bool) -> bool {
    [a.with, a.without].into_iter().any(|(all, completed)| few(all) || few(completed) || few(all - completed))
}

fn events(unmapped: &mut Vec<Unmapped>, min_cell: u64) {
    unmapped.retain(|u| u.events >= min_cell);
}

/// A list of the most frequent of `all`: small ones go, and the last one too where the rest would be small.
fn shorten<T>(list: &mut Vec<T>, n: impl Fn(&T) -> u64, (all, min_cell): (u64, u64)) {
    list.retain(|t| n(t) == 0 || n(t) >= min_cell);
    let rest = all.saturating_sub(list.iter().map(&n).sum::<u64>());
    if 0 < rest && rest < min_cell {
        list.pop();
    }
}
