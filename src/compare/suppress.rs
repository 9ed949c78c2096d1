//! What may leave the house (semantics.md, "Privacy"). In: a [`Comparison`], and how many somebody must be one of. Out: the same
//! with smaller counts of journeys, customers and visits untold, and with them as many others that none follows from a sum with
//! one unknown; nothing that rests on them is told either. One pass, before the comparison takes any form.
//!
//! Whoever adds a count of people to the comparison lists it here: every part of it is named.

use super::cell::is_told;
use super::sheet::{Entry, RateEntry, Sheet};
use super::{
    Association, BrokenStage, Comparison, DeviationLine, Expectation, Expected, Followed, FollowedDay, Following,
    LostStage, Mean, Population, StageLine, TransitionLine, Unmapped,
};
use crate::aggregate::variants::Variants;
use crate::map::{Metric, Role};
use crate::time::Day;

#[cfg(test)]
mod law;

impl Comparison {
    /// `min_cell` below 2 asks for nothing: nobody is told of by a nought.
    pub fn suppressed(mut self, min_cell: u64) -> Self {
        if min_cell < 2 {
            return self;
        }
        self.min_cell = min_cell;
        self.shorten(min_cell);
        let mut sheet = Sheet::new(min_cell);
        list(&mut self, &mut sheet);
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
            }
            d.association = d.association.take().filter(|a| !of_few(a, few));
        }
        for e in self.expectations.iter_mut().filter(|e| !is_told(e.n)) {
            (e.measured, e.interval) = (None, None);
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

fn means(f: &mut Followed) {
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

/// Every count of people, and what adds up to what.
fn list<'a>(c: &'a mut Comparison, sheet: &mut Sheet<'a>) {
    let Comparison {
        population,
        overall,
        stages,
        transitions,
        following,
        deviations,
        expectations,
        emotions,
        personas,
        persona_stages,
        accepted,
        unmeasured,
        lost,
        broken,
        // Events of whole sources, and lists that are shortened.
        coverage: _,
        unmapped: _,
        explained: _,
        // No counts of people.
        map: _,
        title: _,
        version: _,
        reading: _,
        as_of: _,
        zone: _,
        deviations_cut: _,
        knows_support: _,
        min_cell: _,
    } = c;
    let p = of_population(sheet, population);
    let overall = sheet.rate(overall);
    sheet.row(&[p.completed], &[overall]);
    sheet.rates_equal(overall, &[p.completed], &[p.completed, p.ended, p.dropped]);

    let stages: Vec<Stage> = stages.iter_mut().map(|s| of_stage(sheet, s)).collect();
    let ways: Vec<Way> = transitions.iter_mut().map(|t| of_transition(sheet, t)).collect();
    flows(sheet, &p, &stages, &ways);

    let (versions, decided) = of_following(sheet, following, &p);
    sheet.rates_equal(overall, &[], &[decided]);

    let mut strayed = Vec::new();
    for d in deviations {
        let (version, key) = (d.version, (d.kind.clone(), d.place.clone()));
        let cells = of_deviation(sheet, d);
        if let Some((_, decided)) = versions.iter().find(|v| v.0 == version) {
            sheet.rates_equal(cells.share, &[], &[*decided]);
        }
        strayed.push((key, cells));
    }
    for a in accepted {
        let own = || strayed.iter().filter(|(key, _)| key.0 == a.kind && key.1 == a.place).map(|(_, d)| d);
        let (held, accepted): (Vec<Entry>, Vec<Entry>) = own().map(|d| (d.journeys, d.accepted)).unzip();
        let (is, is_not) = (sheet.count(&mut a.accepted), sheet.count(&mut a.not_accepted));
        sheet.equal(&[is], &accepted);
        sheet.equal(&[is, is_not], &held);
    }

    of_personas(sheet, personas, &p);
    of_persona_stages(sheet, persona_stages);
    for e in expectations {
        of_expectation(sheet, e, overall, (&stages, &ways));
    }
    let mut felt: Vec<(String, bool, Entry)> = Vec::new();
    for e in emotions {
        let n = sheet.count(&mut e.n);
        felt.push((e.stage.clone(), e.touchpoint.is_none(), n));
    }
    for (stage, _, whole) in felt.iter().filter(|f| f.1) {
        let parts: Vec<Entry> = felt.iter().filter(|f| !f.1 && f.0 == *stage).map(|f| f.2).collect();
        sheet.equal(&[*whole], &parts);
    }
    for u in unmeasured {
        sheet.count(&mut u.visits);
    }

    let mut ended_or_dropped = Vec::new();
    for l in lost {
        let own = stages.iter().find(|s| s.id == l.stage);
        let all = of_lost(sheet, l, own);
        ended_or_dropped.push(all);
    }
    sheet.equal(&ended_or_dropped, &[p.ended, p.dropped]);
    for b in &mut broken.stages {
        of_broken(sheet, b, &stages);
    }
}

/// Journeys by what became of them.
struct People {
    entered: Entry,
    completed: Entry,
    ended: Entry,
    dropped: Entry,
    in_flight: Entry,
    left_out: Entry,
}

fn of_population<'a>(sheet: &mut Sheet<'a>, p: &'a mut Population) -> People {
    let Population {
        customers,
        entered,
        completed,
        ended,
        dropped,
        in_flight,
        order_ambiguous,
        left_truncated,
        oversized_customers,
        left_out,
        older_versions,
        mature_dates: _,
        immature_dates: _,
        first_entry: _,
        last_entry: _,
    } = p;
    sheet.count(customers);
    sheet.count(oversized_customers);
    let entered = sheet.count(entered);
    let [completed, ended, dropped, in_flight] = [completed, ended, dropped, in_flight].map(|n| sheet.count(n));
    sheet.equal(&[entered], &[completed, ended, dropped, in_flight]);
    let left_out = sheet.count(left_out);
    for some in [sheet.count(order_ambiguous), sheet.count(left_truncated), left_out, sheet.count(older_versions)] {
        sheet.part(entered, some);
    }
    People { entered, completed, ended, dropped, in_flight, left_out }
}

struct Stage {
    id: String,
    exit: bool,
    /// Those that its times rest on.
    timed: [Entry; 3],
    entered: Entry,
    entries: Entry,
    ended: Entry,
    dropped: Entry,
    open: Entry,
    conversion: RateEntry,
    drop_off: RateEntry,
}

fn of_stage<'a>(sheet: &mut Sheet<'a>, s: &'a mut StageLine) -> Stage {
    let [entered, entries, progressed, ended, dropped, in_flight, open, timed] = [
        &mut s.entered,
        &mut s.entries,
        &mut s.progressed,
        &mut s.ended,
        &mut s.dropped,
        &mut s.in_flight,
        &mut s.open_entries,
        &mut s.timed,
    ]
    .map(|n| sheet.count(n));
    let (conversion, drop_off) = (sheet.rate(&mut s.conversion), sheet.rate(&mut s.drop_off_rate));
    for some in [progressed, ended, dropped, in_flight] {
        sheet.part(entered, some);
    }
    sheet.part(entries, entered);
    sheet.part(entries, open);
    sheet.equal(&[entries], &[timed, open]);
    sheet.row(&[progressed], &[conversion]);
    sheet.row(&[ended, dropped], &[drop_off]);
    sheet.rates_equal(conversion, &[progressed], &[entered]);
    sheet.rates_equal(drop_off, &[ended, dropped], &[entered]);
    let (id, exit) = (s.id.clone(), s.role == Role::Exit);
    Stage { id, exit, timed: [entered, entries, timed], entered, entries, ended, dropped, open, conversion, drop_off }
}

struct Way {
    from: String,
    to: String,
    n: Entry,
    share: RateEntry,
}

fn of_transition<'a>(sheet: &mut Sheet<'a>, t: &'a mut TransitionLine) -> Way {
    let (n, share) = (sheet.count(&mut t.transitions), sheet.rate(&mut t.share));
    sheet.row(&[n], &[share]);
    sheet.rates_equal(share, &[n], &[]);
    Way { from: t.from.clone(), to: t.to.clone(), n, share }
}

/// What goes into a stage comes out of it, and every journey has a beginning and an end (semantics.md, "Laws").
fn flows(sheet: &mut Sheet<'_>, p: &People, stages: &[Stage], ways: &[Way]) {
    let into = |id: &str| ways.iter().filter(|w| w.to == id).map(|w| w.n).collect::<Vec<Entry>>();
    let out_of = |id: &str| ways.iter().filter(|w| w.from == id).map(|w| w.n).collect::<Vec<Entry>>();
    sheet.equal(&[p.entered], &out_of("start"));
    for (outcome, n) in
        [("completed", p.completed), ("ended", p.ended), ("dropped", p.dropped), ("in_flight", p.in_flight)]
    {
        sheet.equal(&[n], &into(outcome));
    }
    let outcomes = ["completed", "ended", "dropped", "in_flight"];
    let mut ids: Vec<&str> = ways.iter().map(|w| w.from.as_str()).filter(|id| *id != "start").collect();
    ids.extend(ways.iter().map(|w| w.to.as_str()).filter(|id| !outcomes.contains(id)));
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        sheet.equal(&into(id), &out_of(id));
        // Each share tells what all of them are of.
        let shares: Vec<(Entry, Entry)> = ways.iter().filter(|w| w.from == id).filter_map(|w| w.share.point).collect();
        let hits: Vec<Entry> = shares.iter().map(|s| s.0).collect();
        shares.iter().for_each(|(_, n)| sheet.equal(&[*n], &hits));
    }
    for s in stages {
        let only = |to: &str| ways.iter().filter(|w| w.from == s.id && w.to == to).map(|w| w.n).collect::<Vec<_>>();
        sheet.equal(&[s.entries], &into(&s.id));
        sheet.equal(&[s.entries], &out_of(&s.id));
        sheet.equal(&[s.open], &only("in_flight"));
        sheet.equal(&[s.dropped], &only("dropped"));
        sheet.equal(&[s.ended], &only("ended"));
        for way in ways.iter().filter(|w| w.from == s.id) {
            sheet.rates_equal(way.share, &[], &[s.entries]);
        }
    }
    let of = |which: fn(&Stage) -> Entry, exit: bool| {
        stages.iter().filter(|s| s.exit == exit).map(which).collect::<Vec<Entry>>()
    };
    sheet.equal(&[p.dropped], &of(|s| s.dropped, false));
    sheet.equal(&[p.ended], &of(|s| s.ended, false));
    sheet.equal(&[p.ended], &of(|s| s.ended, true));
    sheet.equal(&[p.in_flight], &stages.iter().map(|s| s.open).collect::<Vec<_>>());
}

/// Decided, following, not evaluated, forbidden, evaluated; straying.
type Follows = ([Entry; 5], Entry);

fn of_followed<'a>(sheet: &mut Sheet<'a>, f: &'a mut Followed) -> Follows {
    let Followed {
        decided,
        following,
        straying,
        not_evaluated,
        forbidden,
        fitness,
        completed,
        ended,
        dropped,
        share,
        clean,
        // Shown nowhere.
        dropped_journeys: _,
        order_ambiguous,
        immature,
        // No counts of people.
        precision: _,
        precision_by_prefix: _,
        design_use: _,
    } = f;
    let [decided, following, straying, not_evaluated, forbidden] =
        [decided, following, straying, not_evaluated, forbidden].map(|n| sheet.count(n));
    let [evaluated, completed, ended, dropped] =
        [fitness, completed, ended, dropped].map(|mean| sheet.count(&mut mean.n));
    let (share, clean) = (sheet.rate(share), sheet.rate(clean));
    sheet.equal(&[decided], &[following, straying, not_evaluated]);
    sheet.equal(&[decided], &[evaluated, not_evaluated]);
    sheet.equal(&[evaluated], &[following, straying]);
    sheet.equal(&[evaluated], &[completed, ended, dropped]);
    sheet.part(decided, forbidden);
    let tied = sheet.count(order_ambiguous);
    sheet.part(decided, tied);
    sheet.count(immature);
    let all = [decided, following, not_evaluated, forbidden, evaluated];
    sheet.row(&[following, straying], &[share]);
    sheet.row(&[decided], &[clean]);
    sheet.rates_equal(share, &[following], &[evaluated]);
    sheet.rates_equal(clean, &[], &[decided]);
    (all, straying)
}

fn of_followed_day<'a>(sheet: &mut Sheet<'a>, d: &'a mut FollowedDay) -> Follows {
    let FollowedDay { entry_date: _, mature: _, followed, cut_journeys } = d;
    let all = of_followed(sheet, followed);
    let cut = sheet.count(cut_journeys);
    sheet.part(all.0[4], cut);
    all
}

/// Of each version, and over all, how many are decided.
fn of_following<'a>(sheet: &mut Sheet<'a>, f: &'a mut Following, p: &People) -> (Vec<(u32, Entry)>, Entry) {
    let Following {
        overall,
        certain,
        versions: by_version,
        stages,
        days,
        version_days,
        // Shown as those of the comparison.
        personas,
        in_flight,
        order_ambiguous,
        ambiguous_type,
        immature,
        paths,
    } = f;
    let (overall, straying) = of_followed(sheet, overall);
    let (certain, straying_for_certain) = of_followed(sheet, certain);
    let tied = sheet.count(order_ambiguous);
    sheet.equal(&[overall[0]], &[certain[0], tied]);
    for (whole, part) in overall.into_iter().zip(certain).skip(1).chain([(straying, straying_for_certain)]) {
        sheet.part(whole, part);
    }
    let mut versions = Vec::new();
    for (version, f) in by_version {
        versions.push((*version, of_followed(sheet, f)));
    }
    for (_, _, f) in stages {
        of_followed(sheet, f);
    }
    for (_, f) in personas {
        of_followed(sheet, f);
    }
    let (mut mature, mut all) = (Vec::new(), Vec::new());
    let mut by_date: Vec<(Day, Follows)> = Vec::new();
    for d in days {
        let (date, is_mature) = (d.entry_date, d.mature);
        let day = of_followed_day(sheet, d);
        all.push(day.0[0]);
        by_date.push((date, day));
        if is_mature {
            mature.push(day);
        }
    }
    let mut of_versions: Vec<(Day, u32, bool, Follows)> = Vec::new();
    for (version, d) in version_days {
        let (date, is_mature) = (d.entry_date, d.mature);
        of_versions.push((date, *version, is_mature, of_followed_day(sheet, d)));
    }
    // Six figures of each, in the same order.
    let figure = |f: &Follows, i: usize| f.0.get(i).copied().unwrap_or(f.1);
    let whole: Follows = (overall, straying);
    for i in 0..=overall.len() {
        let total = figure(&whole, i);
        sheet.equal(&[total], &versions.iter().map(|v: &(u32, Follows)| figure(&v.1, i)).collect::<Vec<_>>());
        sheet.equal(&[total], &mature.iter().map(|day| figure(day, i)).collect::<Vec<_>>());
        for (date, day) in &by_date {
            let own = of_versions.iter().filter(|v| v.0 == *date).map(|v| figure(&v.3, i));
            sheet.equal(&[figure(day, i)], &own.collect::<Vec<_>>());
        }
        for (version, f) in &versions {
            let own = of_versions.iter().filter(|v| v.1 == *version && v.2).map(|v| figure(&v.3, i));
            sheet.equal(&[figure(f, i)], &own.collect::<Vec<_>>());
        }
    }
    sheet.equal(&all, &[p.completed, p.ended, p.dropped]);
    let immature = sheet.count(immature);
    sheet.equal(&[immature], &[p.left_out]);
    let on_their_way = sheet.count(&mut in_flight.n);
    sheet.part(p.in_flight, on_their_way);
    let ambiguous = sheet.count(ambiguous_type);
    sheet.part(overall[0], ambiguous);
    let (kept, cut) = (sheet.count(&mut paths.journeys), sheet.count(&mut paths.cut_journeys));
    sheet.equal(&[overall[4]], &[kept, cut]);
    (versions.into_iter().map(|(version, f)| (version, f.0[0])).collect(), overall[0])
}

struct Strayed {
    journeys: Entry,
    accepted: Entry,
    share: RateEntry,
}

fn of_deviation<'a>(sheet: &mut Sheet<'a>, d: &'a mut DeviationLine) -> Strayed {
    let [journeys, accepted, _] = [&mut d.journeys, &mut d.accepted, &mut d.customers].map(|n| sheet.count(n));
    let [share, drop_offs, of_drop_offs] = [&mut d.share, &mut d.drop_offs, &mut d.of_drop_offs].map(|r| sheet.rate(r));
    sheet.part(journeys, accepted);
    sheet.row(&[journeys], &[share, drop_offs, of_drop_offs]);
    if let (Some((hits, _)), Some((dropped, _))) = (share.point, of_drop_offs.point) {
        sheet.part(hits, dropped);
        sheet.rates_equal(drop_offs, &[dropped], &[hits]);
    }
    sheet.rates_equal(share, &[journeys], &[]);
    Strayed { journeys, accepted, share }
}

/// Every journey is of one persona.
fn of_personas<'a>(sheet: &mut Sheet<'a>, lines: &'a mut [PersonaLine], p: &People) {
    let mut all: [Vec<Entry>; 5] = Default::default();
    for line in lines {
        let PersonaLine {
            persona: _,
            title: _,
            customers,
            entered,
            completed,
            ended,
            dropped,
            in_flight,
            overall,
            followed,
        } = line;
        sheet.count(customers);
        let counts = [entered, completed, ended, dropped, in_flight].map(|n| sheet.count(n));
        let overall = sheet.rate(overall);
        sheet.equal(&counts[..1], &counts[1..]);
        sheet.row(&counts[1..2], &[overall]);
        sheet.rates_equal(overall, &counts[1..2], &counts[1..4]);
        let (follows, _) = of_followed(sheet, followed);
        sheet.rates_equal(overall, &[], &follows[..1]);
        all.iter_mut().zip(counts).for_each(|(all, n)| all.push(n));
    }
    for (whole, parts) in [p.entered, p.completed, p.ended, p.dropped, p.in_flight].into_iter().zip(&all) {
        sheet.equal(&[whole], parts);
    }
}

fn of_persona_stages<'a>(sheet: &mut Sheet<'a>, lines: &'a mut [PersonaStageLine]) {
    let mut by_stage: Vec<(String, [Entry; 4])> = Vec::new();
    for line in lines {
        let PersonaStageLine {
            persona: _,
            stage,
            customers,
            entered,
            dropped,
            ended,
            in_flight,
            conversion,
            drop_off_rate,
            emotion,
        } = line;
        sheet.count(customers);
        let counts = [entered, dropped, ended, in_flight].map(|n| sheet.count(n));
        let (conversion, drop_off) = (sheet.rate(conversion), sheet.rate(drop_off_rate));
        counts[1..].iter().for_each(|some| sheet.part(counts[0], *some));
        sheet.row(&counts[..1], &[conversion, drop_off]);
        sheet.row(&counts[1..3], &[drop_off]);
        sheet.rates_equal(drop_off, &counts[1..3], &counts[..1]);
        sheet.count(&mut emotion.n);
        by_stage.push((stage.clone(), counts));
    }
    // A stage's own counts are told beside, and add up over personas.
    let stages: std::collections::BTreeSet<&String> = by_stage.iter().map(|s| &s.0).collect();
    for stage in stages {
        for i in 0..4 {
            let parts = by_stage.iter().filter(|s| s.0 == *stage).map(|s| s.1[i]);
            sheet.total_is_known(parts.collect());
        }
    }
}

/// An expectation repeats what stands elsewhere, over mature dates: it is told if that is.
fn of_expectation<'a>(
    sheet: &mut Sheet<'a>,
    e: &'a mut Expectation,
    overall: RateEntry,
    (stages, ways): (&[Stage], &[Way]),
) {
    let stage = |id: Option<&String>| id.and_then(|id| stages.iter().find(|s| s.id == *id));
    let rate = match e.expected {
        Expected::Kpi(Metric::Overall) => Some(overall),
        Expected::Kpi(Metric::Conversion) => stage(e.of.last()).map(|s| s.conversion),
        Expected::Kpi(Metric::DropOffRate) => stage(e.of.last()).map(|s| s.drop_off),
        Expected::TargetShare => ways.iter().find(|w| e.of == [w.from.as_str(), w.to.as_str()]).map(|w| w.share),
        _ => None,
    };
    if let Some(rate) = rate {
        sheet.count_of(&mut e.n, rate);
        return;
    }
    let rests_on: Vec<Entry> = match e.expected {
        Expected::Within | Expected::NotBefore => {
            ways.iter().filter(|w| e.of == [w.from.as_str(), w.to.as_str()]).map(|w| w.n).collect()
        }
        Expected::MaxTime | Expected::Kpi(_) => stage(e.of.last()).map_or_else(Vec::new, |s| s.timed.to_vec()),
        _ => Vec::new(),
    };
    let n = sheet.count(&mut e.n);
    sheet.row_of(&rests_on, &[n]);
}

fn of_lost<'a>(sheet: &mut Sheet<'a>, l: &'a mut LostStage, stage: Option<&Stage>) -> Entry {
    let all = sheet.count(&mut l.journeys);
    let (mut ways, mut reasons, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    for way in &mut l.ways {
        let (n, share) = (sheet.count(&mut way.journeys), sheet.rate(&mut way.share));
        sheet.row(&[n], &[share]);
        sheet.rates_equal(share, &[n], &[all]);
        ways.push(n);
        match way.went {
            Some(crate::journey::Went::ExitReason) => reasons.push(n),
            _ => silent.push(n),
        }
    }
    sheet.equal(&[all], &ways);
    if let Some(stage) = stage {
        sheet.equal(&[all], &[stage.ended, stage.dropped]);
        sheet.equal(&[stage.ended], &reasons);
        sheet.equal(&[stage.dropped], &silent);
        sheet.rates_equal(stage.drop_off, &[all], &[]);
        sheet.part(stage.entered, all);
    }
    all
}

fn of_broken<'a>(sheet: &mut Sheet<'a>, b: &'a mut BrokenStage, stages: &[Stage]) {
    let [drop_offs, anonymous, begun, matches] =
        [&mut b.drop_offs, &mut b.anonymous, &mut b.begun, &mut b.matches].map(|n| sheet.count(n));
    sheet.part(begun, matches);
    sheet.part(drop_offs, anonymous);
    if let Some(stage) = stages.iter().find(|s| s.id == b.stage) {
        sheet.again(&mut b.drop_off_rate, stage.drop_off);
        sheet.rates_equal(stage.drop_off, &[drop_offs], &[]);
    }
}
