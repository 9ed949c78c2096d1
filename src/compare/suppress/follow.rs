//! Who follows the map. In: the headline figures, over all and by version, stage, day and persona. Out: their counts on the
//! sheet, and what adds up to what.

use super::super::sheet::{Entry, Sheet};
use super::super::{Followed, FollowedDay, Following, PersonaLine, PersonaStageLine};
use super::flow::People;
use crate::time::Day;

/// Decided, following, not evaluated, forbidden, evaluated; straying.
pub(super) type Follows = ([Entry; 5], Entry);

pub(super) fn of_followed<'a>(sheet: &mut Sheet<'a>, f: &'a mut Followed) -> Follows {
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

pub(super) fn of_followed_day<'a>(sheet: &mut Sheet<'a>, d: &'a mut FollowedDay) -> Follows {
    let FollowedDay { entry_date: _, mature: _, followed, cut_journeys } = d;
    let all = of_followed(sheet, followed);
    let cut = sheet.count(cut_journeys);
    sheet.part(all.0[4], cut);
    all
}

/// Of each version, and over all, how many are decided.
pub(super) fn of_following<'a>(sheet: &mut Sheet<'a>, f: &'a mut Following, p: &People) -> (Vec<(u32, Entry)>, Entry) {
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

/// Every journey is of one persona.
pub(super) fn of_personas<'a>(sheet: &mut Sheet<'a>, lines: &'a mut [PersonaLine], p: &People) {
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

pub(super) fn of_persona_stages<'a>(sheet: &mut Sheet<'a>, lines: &'a mut [PersonaStageLine]) {
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
