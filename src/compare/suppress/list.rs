//! In: a comparison. Out: every count of people in it on the sheet, and what adds up to what.

use super::super::sheet::{Entry, Sheet};
use super::super::{Broken, Comparison, DeviationLine, LostStage};
use super::flow::{People, Stage, Way, flows, of_population, of_stage, of_transition};
use super::follow::{Headline, of_following};
use super::people::{of_persona_stages, of_personas};
use super::place::{
    Elsewhere, Strayed, of_accepted, of_broken, of_deviation, of_emotions, of_expectation, of_lost, of_unmeasured,
};

/// Every count of people, and what adds up to what.
pub(super) fn list<'a>(c: &'a mut Comparison, sheet: &mut Sheet<'a>) {
    let Comparison {
        version,
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
        broken: Broken { stages: broken, untold: _, anonymous: _, steps: _, period: _ },
        // Events of whole sources, and lists that are shortened.
        coverage: _,
        unmapped: _,
        explained: _,
        // No counts of people.
        map: _,
        title: _,
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

    sheet.bounds_of(overall, p.entered);
    let headline = of_following(sheet, following, &p);
    sheet.rates_equal(overall, &[headline.overall.completed], &[headline.overall.decided]);
    sheet.keep(&[overall], &[]);
    // Those of a version that is the only one are those of all.
    for f in headline.versions.iter().map(|v| &v.1).chain([&headline.overall]) {
        sheet.keep(&[], &[f.decided, f.evaluated, f.completed]);
    }
    of_versions(sheet, *version, &headline, &p);
    for (stage, f) in stages.iter().filter_map(|s| Some((s, headline.stages.iter().find(|f| f.0 == s.id)?.1))) {
        for rate in [stage.conversion, stage.drop_off] {
            let mature = rate.point.map(|p| p.1);
            sheet.equal(&[stage.entered], &mature.into_iter().chain([f.immature]).collect::<Vec<_>>());
        }
    }

    let deviations = of_deviations(sheet, deviations, &headline);
    for a in accepted {
        let same = |line: &Line| line.kind == a.kind && line.place == a.place;
        let own: Vec<&Strayed> = deviations.iter().filter(|(line, _)| same(line)).map(|(_, d)| d).collect();
        of_accepted(sheet, a, own.into_iter());
    }

    of_personas(sheet, personas, (&p, overall), &headline);
    let felt = of_emotions(sheet, emotions);
    let felt_by = of_persona_stages(sheet, persona_stages, &stages, &felt);
    let elsewhere = Elsewhere { overall, stages: &stages, ways: &ways, felt: &felt, felt_by: &felt_by };
    expectations.iter_mut().for_each(|e| of_expectation(sheet, e, &elsewhere));
    unmeasured.iter_mut().for_each(|u| of_unmeasured(sheet, u));

    let lost = of_all_lost(sheet, lost, (&stages, &p), &deviations);
    if let Some((hits, of)) = overall.point {
        sheet.equal(&[of], &[&[hits][..], &lost].concat());
    }
    broken.iter_mut().for_each(|b| of_broken(sheet, b, &stages));
}

/// How many began under another version than the one shown is what is told of those versions.
fn of_versions(sheet: &mut Sheet<'_>, newest: u32, headline: &Headline, p: &People) {
    let own = |is_newest: bool| {
        let own = headline.versions.iter().filter(move |v| (v.0 == newest) == is_newest);
        own.flat_map(|v| [v.1.decided, v.1.immature]).collect::<Vec<Entry>>()
    };
    sheet.equal(&[p.older_versions], &own(false));
    sheet.equal(&[p.entered], &[&[p.older_versions][..], &own(true)].concat());
}

/// Which deviation.
struct Line {
    version: u32,
    kind: String,
    place: String,
}

fn of_deviations<'a>(
    sheet: &mut Sheet<'a>,
    lines: &'a mut [DeviationLine],
    headline: &Headline,
) -> Vec<(Line, Strayed)> {
    let mut all = Vec::new();
    for d in lines {
        let line = Line { version: d.version, kind: d.kind.clone(), place: d.place.clone() };
        let cells = of_deviation(sheet, d);
        if let Some((_, f)) = headline.versions.iter().find(|v| v.0 == line.version) {
            sheet.rates_equal(cells.share, &[], &[f.decided]);
        }
        all.push((line, cells));
    }
    all
}

/// Out: the drop-offs of each stage.
fn of_all_lost<'a>(
    sheet: &mut Sheet<'a>,
    lines: &'a mut [LostStage],
    (stages, p): (&[Stage], &People),
    deviations: &[(Line, Strayed)],
) -> Vec<Entry> {
    let (mut lost, mut silent) = (Vec::new(), Vec::new());
    for l in lines {
        let (all, in_silence) = of_lost(sheet, l, stages);
        lost.push(all);
        silent.extend(in_silence);
    }
    sheet.equal(&lost, &[p.ended, p.dropped]);
    // Shares of deviations tell of each version how many were lost in silence.
    let mut versions: Vec<(u32, Entry)> =
        deviations.iter().filter_map(|(line, d)| Some((line.version, d.lost?))).collect();
    versions.sort_unstable();
    versions.dedup_by_key(|v| v.0);
    sheet.total_if_known(&versions.into_iter().map(|v| v.1).collect::<Vec<_>>(), silent);
    lost
}
