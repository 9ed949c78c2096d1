//! Where people stray, what was promised, where they went. In: deviations, expectations, drop-offs. Out: their counts on the
//! sheet, tied to those of the stages and transitions they repeat.

use super::super::sheet::{Entry, RateEntry, Sheet};
use super::super::{
    AcceptedLine, BrokenStage, DeviationLine, Emotion, Expectation, Expected, LostStage, LostWay, Unmeasured,
};
use super::flow::{Stage, Way};
use super::people::FeltBy;
use crate::journey::Went;
use crate::map::Metric;

pub(super) struct Strayed {
    pub(super) journeys: Entry,
    pub(super) accepted: Entry,
    pub(super) share: RateEntry,
    /// What a share of those lost in silence is of.
    pub(super) lost: Option<Entry>,
}

pub(super) fn of_deviation<'a>(sheet: &mut Sheet<'a>, d: &'a mut DeviationLine) -> Strayed {
    let DeviationLine {
        journeys,
        accepted,
        customers,
        share,
        drop_offs,
        of_drop_offs,
        // Told only beside counts that are.
        value: _,
        at_stake: _,
        examples: _,
        association: _,
        after_decision: _,
        // No counts of people.
        version: _,
        kind: _,
        place: _,
        stage: _,
        titles: _,
        joined: _,
    } = d;
    let [journeys, accepted, _] = [journeys, accepted, customers].map(|n| sheet.count(n));
    let [share, drop_offs, of_drop_offs] = [share, drop_offs, of_drop_offs].map(|r| sheet.rate(r));
    sheet.part(journeys, accepted);
    sheet.row(&[journeys], &[share, drop_offs, of_drop_offs]);
    if let (Some((hits, _)), Some((dropped, _))) = (share.point, of_drop_offs.point) {
        sheet.part(hits, dropped);
        sheet.rates_equal(drop_offs, &[dropped], &[hits]);
    }
    sheet.rates_equal(share, &[journeys], &[]);
    Strayed { journeys, accepted, share, lost: of_drop_offs.point.map(|p| p.1) }
}

/// `own`: where it stands in the table of deviations.
pub(super) fn of_accepted<'a, 's>(
    sheet: &mut Sheet<'a>,
    a: &'a mut AcceptedLine,
    own: impl Iterator<Item = &'s Strayed>,
) {
    let AcceptedLine { kind: _, place: _, titles: _, joined: _, until: _, reason: _, state: _, accepted, not_accepted } =
        a;
    let (held, of_them): (Vec<Entry>, Vec<Entry>) = own.map(|d| (d.journeys, d.accepted)).unzip();
    let (is, is_not) = (sheet.count(accepted), sheet.count(not_accepted));
    sheet.equal(&[is], &of_them);
    sheet.equal(&[is, is_not], &held);
}

/// What is felt at a touchpoint is some of what is felt at its stage. Out: how much at each stage as a whole.
pub(super) fn of_emotions<'a>(sheet: &mut Sheet<'a>, lines: &'a mut [Emotion]) -> Vec<(String, Entry)> {
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    for Emotion { stage, touchpoint, n, mean: _, interval: _ } in lines {
        let n = sheet.count(n);
        (if touchpoint.is_none() { &mut whole } else { &mut parts }).push((stage.clone(), n));
    }
    for (stage, n) in &whole {
        let own: Vec<Entry> = parts.iter().filter(|p| p.0 == *stage).map(|p| p.1).collect();
        sheet.equal(&[*n], &own);
    }
    whole
}

pub(super) fn of_unmeasured<'a>(sheet: &mut Sheet<'a>, u: &'a mut Unmeasured) {
    // Events are no people, and their list is shortened.
    let Unmeasured { touchpoint: _, title: _, stage: _, why: _, visits, alike: _ } = u;
    sheet.count(visits);
}

/// What expectations repeat.
pub(super) struct Elsewhere<'s> {
    pub(super) overall: RateEntry,
    pub(super) stages: &'s [Stage],
    pub(super) ways: &'s [Way],
    pub(super) felt: &'s [(String, Entry)],
    pub(super) felt_by: &'s FeltBy,
}

/// An expectation repeats what stands elsewhere, over mature dates: it is told if that is.
pub(super) fn of_expectation<'a>(sheet: &mut Sheet<'a>, e: &'a mut Expectation, elsewhere: &Elsewhere<'_>) {
    let Expectation { expected, of, by, unit: _, target: _, at_least: _, n, measured: _, interval: _, verdict: _ } = e;
    let stage = of.last().and_then(|id| elsewhere.stages.iter().find(|s| s.id == *id));
    let way = elsewhere.ways.iter().find(|w| *of == [w.from.as_str(), w.to.as_str()]);
    let rate = match expected {
        Expected::Kpi(Metric::Overall) => Some(elsewhere.overall),
        Expected::Kpi(Metric::Conversion) => stage.map(|s| s.conversion),
        Expected::Kpi(Metric::DropOffRate) => stage.map(|s| s.drop_off),
        Expected::TargetShare => way.map(|w| w.share),
        _ => None,
    };
    if let Some(rate) = rate {
        sheet.count_of(n, rate);
        return;
    }
    let felt = match expected {
        Expected::Emotion | Expected::EmotionAlert => {
            elsewhere.felt.iter().find(|f| of.last() == Some(&f.0)).map(|f| f.1)
        }
        Expected::EmotionOfPersona => {
            elsewhere.felt_by.iter().find(|(stage, who, _)| of.last() == Some(stage) && who == by).map(|f| f.2)
        }
        _ => None,
    };
    if let Some(felt) = felt {
        sheet.count_again(n, felt);
        return;
    }
    let rests_on: Vec<Entry> = match expected {
        Expected::Within | Expected::NotBefore => way.map(|w| w.n).into_iter().collect(),
        Expected::MaxTime | Expected::Kpi(_) => stage.map_or_else(Vec::new, |s| s.timed.to_vec()),
        _ => Vec::new(),
    };
    let n = sheet.count(n);
    sheet.row_of(&rests_on, &[n]);
}

/// Out: all drop-offs of the stage, and those in silence.
pub(super) fn of_lost<'a>(sheet: &mut Sheet<'a>, l: &'a mut LostStage, stages: &[Stage]) -> (Entry, Vec<Entry>) {
    let LostStage { stage, title: _, journeys, ways: lines } = l;
    let stage = stages.iter().find(|s| s.id == *stage);
    let all = sheet.count(journeys);
    let (mut ways, mut reasons, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    for way in lines {
        // Things are a list that is shortened; they and examples are told only beside counts that are.
        let LostWay { went, journeys, share, things: _, distinct: _, examples: _ } = way;
        let (n, share) = (sheet.count(journeys), sheet.rate(share));
        sheet.row(&[n], &[share]);
        sheet.rates_equal(share, &[n], &[all]);
        ways.push(n);
        (if *went == Some(Went::ExitReason) { &mut reasons } else { &mut silent }).push(n);
    }
    sheet.equal(&[all], &ways);
    if let Some(stage) = stage {
        sheet.equal(&[all], &[stage.ended, stage.dropped]);
        sheet.equal(&[stage.ended], &reasons);
        sheet.equal(&[stage.dropped], &silent);
        sheet.rates_equal(stage.drop_off, &[all], &[]);
        sheet.part(stage.entered, all);
    }
    (all, silent)
}

pub(super) fn of_broken<'a>(sheet: &mut Sheet<'a>, b: &'a mut BrokenStage, stages: &[Stage]) {
    let BrokenStage {
        stage,
        title: _,
        drop_offs,
        anonymous,
        begun,
        matches,
        drop_off_rate,
        // The line goes with its counts.
        by_chance: _,
        estimate: _,
        without: _,
    } = b;
    let [drop_offs, anonymous, begun, matches] = [drop_offs, anonymous, begun, matches].map(|n| sheet.count(n));
    sheet.part(begun, matches);
    sheet.part(drop_offs, anonymous);
    if let Some(stage) = stages.iter().find(|s| s.id == *stage) {
        sheet.again(drop_off_rate, stage.drop_off);
        sheet.rates_equal(stage.drop_off, &[drop_offs], &[]);
    }
}
