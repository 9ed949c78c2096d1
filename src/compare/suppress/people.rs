//! Who walks the map. In: the figures of each persona, and of each persona at each stage. Out: their counts on the sheet, tied
//! to those of all.

use std::collections::BTreeMap;

use super::super::sheet::{Entry, RateEntry, Sheet};
use super::super::{Felt, PersonaLine, PersonaStageLine};
use super::flow::{People, Stage};
use super::follow::{Headline, of_followed, same};

/// Every journey is of one persona.
pub(super) fn of_personas<'a>(
    sheet: &mut Sheet<'a>,
    lines: &'a mut [PersonaLine],
    (p, reached): (&People, RateEntry),
    headline: &Headline,
) {
    let mut all: [Vec<Entry>; 5] = Default::default();
    let mut of_all: Vec<RateEntry> = Vec::new();
    for line in lines {
        let PersonaLine {
            persona,
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
        sheet.bounds_of(overall, counts[0]);
        let follows = of_followed(sheet, followed);
        sheet.rates_equal(overall, &[follows.completed], &[follows.decided]);
        sheet.equal(&counts[..1], &[follows.decided, follows.immature]);
        let id = persona.as_deref().unwrap_or_default();
        if let Some((_, once)) = headline.personas.iter().find(|p| p.0 == id) {
            same(sheet, once, &follows);
        }
        all.iter_mut().zip(counts).for_each(|(all, n)| all.push(n));
        of_all.push(overall);
    }
    for (whole, parts) in [p.entered, p.completed, p.ended, p.dropped, p.in_flight].into_iter().zip(&all) {
        sheet.equal(&[whole], parts);
    }
    rates_add(sheet, reached, &of_all);
}

/// Of a rate over all the hits are those of its parts, and so is what it is of.
fn rates_add(sheet: &mut Sheet<'_>, whole: RateEntry, parts: &[RateEntry]) {
    let (hits, of): (Vec<Entry>, Vec<Entry>) = parts.iter().filter_map(|r| r.point).unzip();
    sheet.rates_equal(whole, &hits, &of);
    if let Some(whole) = whole.bounds {
        for (i, whole) in whole.into_iter().enumerate() {
            sheet.equal(&[whole], &parts.iter().filter_map(|r| r.bounds).map(|b| b[i]).collect::<Vec<_>>());
        }
    }
}

/// One persona at one stage.
struct Own {
    /// Entered, dropped, ended, in flight.
    counts: [Entry; 4],
    conversion: RateEntry,
    drop_off: RateEntry,
    felt: Entry,
}

/// What personas felt at a stage: how many told it.
pub(super) type FeltBy = Vec<(String, String, Entry)>;

/// `felt`: at each stage as a whole.
pub(super) fn of_persona_stages<'a>(
    sheet: &mut Sheet<'a>,
    lines: &'a mut [PersonaStageLine],
    stages: &[Stage],
    felt: &[(String, Entry)],
) -> FeltBy {
    let mut by_stage: BTreeMap<String, Vec<Own>> = BTreeMap::new();
    let mut felt_by = FeltBy::new();
    for line in lines {
        let PersonaStageLine {
            persona,
            stage,
            customers,
            entered,
            dropped,
            ended,
            in_flight,
            conversion,
            drop_off_rate,
            emotion: Felt { n, mean: _, interval: _ },
        } = line;
        sheet.count(customers);
        let counts = [entered, dropped, ended, in_flight].map(|n| sheet.count(n));
        let (conversion, drop_off) = (sheet.rate(conversion), sheet.rate(drop_off_rate));
        counts[1..].iter().for_each(|some| sheet.part(counts[0], *some));
        sheet.row(&counts[..1], &[conversion, drop_off]);
        sheet.row(&counts[1..3], &[drop_off]);
        sheet.rates_equal(drop_off, &counts[1..3], &counts[..1]);
        sheet.rates_equal(conversion, &[], &counts[..1]);
        sheet.together([conversion, drop_off]);
        [conversion, drop_off].into_iter().for_each(|rate| sheet.bounds_of(rate, counts[0]));
        let felt = sheet.count(n);
        felt_by.push((stage.clone(), persona.clone().unwrap_or_default(), felt));
        by_stage.entry(stage.clone()).or_default().push(Own { counts, conversion, drop_off, felt });
    }
    for (id, own) in &by_stage {
        let of = |i: usize| own.iter().map(|o| o.counts[i]).collect::<Vec<Entry>>();
        match stages.iter().find(|s| s.id == *id) {
            Some(stage) => {
                for (i, whole) in [stage.entered, stage.dropped, stage.ended, stage.in_flight].into_iter().enumerate() {
                    sheet.equal(&[whole], &of(i));
                }
                rates_add(sheet, stage.conversion, &own.iter().map(|o| o.conversion).collect::<Vec<_>>());
                rates_add(sheet, stage.drop_off, &own.iter().map(|o| o.drop_off).collect::<Vec<_>>());
            }
            // A stage of an older version has no line: its total may stand wherever else stages are told.
            None => (0..4).for_each(|i| sheet.total_is_known(of(i))),
        }
    }
    for (stage, whole) in felt {
        let own = by_stage.get(stage).map(Vec::as_slice).unwrap_or_default();
        sheet.equal(&[*whole], &own.iter().map(|o| o.felt).collect::<Vec<_>>());
    }
    felt_by
}
