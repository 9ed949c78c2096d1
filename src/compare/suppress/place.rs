//! Where people stray, what was promised, where they went. In: deviations, expectations, drop-offs. Out: their counts on the
//! sheet, tied to those of the stages and transitions they repeat.

use super::super::sheet::{Entry, RateEntry, Sheet};
use super::super::{BrokenStage, DeviationLine, Expectation, Expected, LostStage};
use super::flow::{Stage, Way};
use crate::map::Metric;

pub(super) struct Strayed {
    pub(super) journeys: Entry,
    pub(super) accepted: Entry,
    pub(super) share: RateEntry,
}

pub(super) fn of_deviation<'a>(sheet: &mut Sheet<'a>, d: &'a mut DeviationLine) -> Strayed {
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

/// An expectation repeats what stands elsewhere, over mature dates: it is told if that is.
pub(super) fn of_expectation<'a>(
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

pub(super) fn of_lost<'a>(sheet: &mut Sheet<'a>, l: &'a mut LostStage, stage: Option<&Stage>) -> Entry {
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

pub(super) fn of_broken<'a>(sheet: &mut Sheet<'a>, b: &'a mut BrokenStage, stages: &[Stage]) {
    let [drop_offs, anonymous, begun, matches] =
        [&mut b.drop_offs, &mut b.anonymous, &mut b.begun, &mut b.matches].map(|n| sheet.count(n));
    sheet.part(begun, matches);
    sheet.part(drop_offs, anonymous);
    if let Some(stage) = stages.iter().find(|s| s.id == b.stage) {
        sheet.again(&mut b.drop_off_rate, stage.drop_off);
        sheet.rates_equal(stage.drop_off, &[drop_offs], &[]);
    }
}
