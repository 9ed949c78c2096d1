//! In: a comparison. Out: every count of people in it on the sheet, and what adds up to what.

use super::super::Comparison;
use super::super::sheet::{Entry, Sheet};
use super::flow::{Stage, Way, flows, of_population, of_stage, of_transition};
use super::follow::{of_following, of_persona_stages, of_personas};
use super::place::{of_broken, of_deviation, of_expectation, of_lost};

/// Every count of people, and what adds up to what.
pub(super) fn list<'a>(c: &'a mut Comparison, sheet: &mut Sheet<'a>) {
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
