//! Who follows the map. In: the headline figures, over all and by version, stage, day and persona. Out: their counts on the
//! sheet, and what adds up to what.

use std::collections::BTreeMap;

use super::super::sheet::{Entry, Sheet};
use super::super::{Followed, FollowedDay, Following, Mean, PathsRead};
use super::flow::People;
use crate::time::Day;

/// The counts of one population.
#[derive(Clone, Copy)]
pub(super) struct Follows {
    pub(super) decided: Entry,
    pub(super) evaluated: Entry,
    pub(super) completed: Entry,
    pub(super) tied: Entry,
    pub(super) immature: Entry,
    following: Entry,
    straying: Entry,
    not_evaluated: Entry,
    forbidden: Entry,
    ended: Entry,
    dropped: Entry,
    /// Journeys without an unmapped event, and with one.
    clean: [Option<Entry>; 2],
}

impl Follows {
    /// What adds up over versions, over personas and, of decided journeys, over entry dates.
    fn adding(&self) -> [Option<Entry>; 12] {
        let [clean, unclean] = self.clean;
        [
            Some(self.decided),
            Some(self.following),
            Some(self.straying),
            Some(self.not_evaluated),
            Some(self.forbidden),
            Some(self.evaluated),
            Some(self.completed),
            Some(self.ended),
            Some(self.dropped),
            Some(self.tied),
            clean,
            unclean,
        ]
    }
}

/// The headline figures that others are tied to.
pub(super) struct Headline {
    pub(super) overall: Follows,
    pub(super) versions: Vec<(u32, Follows)>,
    /// By stage, and by persona.
    pub(super) stages: Vec<(String, Follows)>,
    pub(super) personas: Vec<(String, Follows)>,
}

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
        [fitness, completed, ended, dropped].map(|Mean { n, value: _ }| sheet.count(n));
    let (share, clean) = (sheet.rate(share), sheet.rate(clean));
    sheet.equal(&[decided], &[following, straying, not_evaluated]);
    sheet.equal(&[decided], &[evaluated, not_evaluated]);
    sheet.equal(&[evaluated], &[following, straying]);
    sheet.equal(&[evaluated], &[completed, ended, dropped]);
    sheet.part(decided, forbidden);
    let (tied, immature) = (sheet.count(order_ambiguous), sheet.count(immature));
    sheet.part(decided, tied);
    sheet.row(&[following, straying], &[share]);
    sheet.row(&[decided], &[clean]);
    sheet.rates_equal(share, &[following], &[evaluated]);
    sheet.rates_equal(clean, &[], &[decided]);
    sheet.bounds_of(share, immature);
    sheet.bounds_of(clean, immature);
    Follows {
        decided,
        evaluated,
        completed,
        tied,
        immature,
        following,
        straying,
        not_evaluated,
        forbidden,
        ended,
        dropped,
        clean: clean.parts,
    }
}

/// Every figure of the whole is the sum of its parts'.
fn adds(sheet: &mut Sheet<'_>, whole: &Follows, parts: &[Follows]) {
    let figures: Vec<_> = parts.iter().map(Follows::adding).collect();
    for (i, whole) in whole.adding().into_iter().enumerate() {
        let own: Vec<Entry> = figures.iter().filter_map(|figures| figures[i]).collect();
        sheet.equal(&whole.into_iter().collect::<Vec<_>>(), &own);
    }
}

/// Those of immature dates, of which no other figure is told over all.
fn immature_adds(sheet: &mut Sheet<'_>, whole: &Follows, parts: &[Follows]) {
    sheet.equal(&[whole.immature], &parts.iter().map(|part| part.immature).collect::<Vec<_>>());
}

/// The same figures once more.
pub(super) fn same(sheet: &mut Sheet<'_>, one: &Follows, other: &Follows) {
    adds(sheet, one, &[*other]);
    immature_adds(sheet, one, &[*other]);
}

pub(super) fn of_following<'a>(sheet: &mut Sheet<'a>, f: &'a mut Following, p: &People) -> Headline {
    let Following {
        overall,
        certain,
        versions,
        stages,
        days,
        version_days,
        personas,
        in_flight: Mean { n: in_flight, value: _ },
        order_ambiguous,
        ambiguous_type,
        immature,
        paths,
    } = f;
    let overall = of_followed(sheet, overall);
    let certain = of_followed(sheet, certain);
    let [tied, ambiguous, immature] = [order_ambiguous, ambiguous_type, immature].map(|n| sheet.count(n));
    sheet.equal(&[overall.decided], &[certain.decided, tied]);
    sheet.equal(&[overall.tied], &[tied]);
    for (whole, part) in overall.adding().into_iter().zip(certain.adding()) {
        if let (Some(whole), Some(part)) = (whole, part) {
            sheet.part(whole, part);
        }
    }
    sheet.part(overall.immature, certain.immature);
    sheet.part(overall.decided, ambiguous);
    sheet.equal(&[overall.immature], &[immature]);
    sheet.equal(&[immature], &[p.left_out]);
    sheet.equal(&[p.entered], &[overall.decided, p.left_out]);

    let versions: Vec<(u32, Follows)> = versions.iter_mut().map(|(v, f)| (*v, of_followed(sheet, f))).collect();
    let stages = stages.iter_mut().map(|(id, _, f)| (id.clone(), of_followed(sheet, f))).collect();
    let personas: Vec<(String, Follows)> =
        personas.iter_mut().map(|(id, f)| (id.clone(), of_followed(sheet, f))).collect();
    let by_version: Vec<Follows> = versions.iter().map(|v| v.1).collect();
    let by_persona: Vec<Follows> = personas.iter().map(|p| p.1).collect();
    for parts in [&by_version, &by_persona] {
        adds(sheet, &overall, parts);
        immature_adds(sheet, &overall, parts);
    }
    let cut_by_day = of_days(sheet, (days, version_days), (&overall, &versions), p);

    let on_their_way = sheet.count(in_flight);
    sheet.part(p.in_flight, on_their_way);
    let PathsRead { paths: _, journeys, cut_paths: _, cut_journeys } = paths;
    let (kept, cut) = (sheet.count(journeys), sheet.count(cut_journeys));
    sheet.equal(&[overall.evaluated], &[kept, cut]);
    sheet.equal(&[cut], &cut_by_day);
    Headline { overall, versions, stages, personas }
}

struct OfDay {
    date: Day,
    mature: bool,
    follows: Follows,
    cut: Entry,
}

fn of_day<'a>(sheet: &mut Sheet<'a>, d: &'a mut FollowedDay) -> OfDay {
    let FollowedDay { entry_date, mature, followed, cut_journeys } = d;
    let follows = of_followed(sheet, followed);
    let cut = sheet.count(cut_journeys);
    sheet.part(follows.evaluated, cut);
    if !*mature {
        // The rest is on its way.
        sheet.part(follows.immature, follows.decided);
    }
    OfDay { date: *entry_date, mature: *mature, follows, cut }
}

/// Entry dates of all versions and of each. Out: of each date the journeys on rare paths.
fn of_days<'a>(
    sheet: &mut Sheet<'a>,
    (days, version_days): (&'a mut [FollowedDay], &'a mut [(u32, FollowedDay)]),
    (overall, versions): (&Follows, &[(u32, Follows)]),
    p: &People,
) -> Vec<Entry> {
    let days: Vec<OfDay> = days.iter_mut().map(|d| of_day(sheet, d)).collect();
    let follows = |of: &[&OfDay]| of.iter().map(|d| d.follows).collect::<Vec<Follows>>();
    let (mature, young): (Vec<&OfDay>, Vec<&OfDay>) = days.iter().partition(|d| d.mature);
    let (all, mature, young) = (follows(&days.iter().collect::<Vec<_>>()), follows(&mature), follows(&young));
    adds(sheet, overall, &mature);
    immature_adds(sheet, overall, &all);
    if mature.is_empty() {
        // Bounds are over all dates.
        adds(sheet, overall, &all);
    }
    let of = |figure: fn(&Follows) -> Entry, days: &[Follows]| days.iter().map(figure).collect::<Vec<Entry>>();
    sheet.equal(&[p.completed, p.ended, p.dropped], &of(|f| f.decided, &all));
    sheet.equal(&[p.tied], &of(|f| f.tied, &all));
    sheet.equal(&of(|f| f.immature, &young), &[&of(|f| f.decided, &young)[..], &[p.in_flight]].concat());

    let mut of_date: BTreeMap<Day, Vec<OfDay>> = BTreeMap::new();
    let mut of_version: BTreeMap<u32, (Vec<Follows>, Vec<Follows>)> = BTreeMap::new();
    for (version, d) in version_days {
        let day = of_day(sheet, d);
        let (all, mature) = of_version.entry(*version).or_default();
        all.push(day.follows);
        mature.extend(day.mature.then_some(day.follows));
        of_date.entry(day.date).or_default().push(day);
    }
    for day in &days {
        let own = of_date.get(&day.date).map(Vec::as_slice).unwrap_or_default();
        let parts: Vec<Follows> = own.iter().map(|d| d.follows).collect();
        adds(sheet, &day.follows, &parts);
        immature_adds(sheet, &day.follows, &parts);
        sheet.equal(&[day.cut], &own.iter().map(|d| d.cut).collect::<Vec<_>>());
    }
    for (version, whole) in versions {
        if let Some((all, mature)) = of_version.get(version) {
            adds(sheet, whole, mature);
            immature_adds(sheet, whole, all);
        }
    }
    days.iter().map(|d| d.cut).collect()
}
