//! Every expectation of the journey file against its measurement (the gap table). In: the map shown, daily counts. Out: [`Expectation`]s in file order, each with interval and verdict (semantics.md, "Rates").
//!
//! A time limit promises all; it is held to nine of ten: p90 for `within` and `max_time`, p10 for `not_before`.

use std::collections::BTreeSet;

use super::interval::{mean_with_interval, quantile_with_interval};
use super::rates::Rate;
use super::stages::StageLine;
use super::transitions::TransitionLine;
use crate::aggregate::{EmotionDay, EmpiricalMap, Histogram};
use crate::map::{DesignedMap, KpiTarget, MapVersions, Metric};
use crate::time::Day;

/// What a journey file may expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    TargetShare,
    Within,
    NotBefore,
    MaxTime,
    Emotion,
    EmotionAlert,
    EmotionOfPersona,
    Kpi(Metric),
}

impl Expected {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TargetShare => "target_share",
            Self::Within => "within",
            Self::NotBefore => "not_before",
            Self::MaxTime => "max_time",
            Self::Emotion => "emotion",
            Self::EmotionAlert => "emotion_alert_below",
            Self::EmotionOfPersona => "emotion_by_persona",
            Self::Kpi(_) => "kpi",
        }
    }
}

/// What the numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Share,
    Seconds,
    /// -2 .. +2
    Emotion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Met,
    Missed,
    TooClose,
    NotEnoughData,
    /// It rests on so few that it must not be told (`min_cell`).
    Untold,
}

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::TooClose => "too_close",
            Self::NotEnoughData => "not_enough_data",
            Self::Untold => "suppressed",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    pub expected: Expected,
    /// Ids: of a stage, of both stages of a transition, or of the indicator (and its stage).
    pub of: Vec<String>,
    /// The metric of an indicator, the quantile a limit is held to, or the persona.
    pub by: String,
    pub unit: Unit,
    pub target: f64,
    /// The measurement should be at least the target, else at most.
    pub at_least: bool,
    pub n: u64,
    pub measured: Option<f64>,
    pub interval: Option<(f64, f64)>,
    pub verdict: Verdict,
}

type Measured = (u64, Option<(f64, f64, f64)>);

struct Table<'a> {
    map: &'a DesignedMap,
    lines: Vec<Expectation>,
}

impl Table<'_> {
    fn push(
        &mut self,
        expected: Expected,
        (of, by): (Vec<String>, &str),
        (target, at_least): (f64, bool),
        m: Measured,
    ) {
        let (n, found) = m;
        // Of feelings a few say nothing: a gap, as in the table of emotions.
        let feels = matches!(expected, Expected::Emotion | Expected::EmotionAlert | Expected::EmotionOfPersona);
        let found = found.filter(|_| n >= self.map.min_n || !feels);
        let unit = match expected {
            Expected::TargetShare | Expected::Kpi(Metric::Conversion | Metric::DropOffRate | Metric::Overall) => {
                Unit::Share
            }
            _ if feels => Unit::Emotion,
            _ => Unit::Seconds,
        };
        self.lines.push(Expectation {
            expected,
            of,
            by: by.to_owned(),
            unit,
            target,
            at_least,
            n,
            measured: found.map(|f| f.0),
            interval: found.map(|f| (f.1, f.2)),
            verdict: verdict(found.filter(|_| n >= self.map.min_n).map(|f| (f.1, f.2)), target, at_least),
        });
    }
}

/// Met or missed if the whole interval says so.
fn verdict(interval: Option<(f64, f64)>, target: f64, at_least: bool) -> Verdict {
    let Some((low, high)) = interval else { return Verdict::NotEnoughData };
    let (met, missed) = if at_least { (low >= target, high < target) } else { (high <= target, low > target) };
    match (met, missed) {
        (true, _) => Verdict::Met,
        (_, true) => Verdict::Missed,
        _ => Verdict::TooClose,
    }
}

fn of_rate(rate: &Rate) -> Measured {
    match *rate {
        Rate::Point { value, n, low, high } => (n, Some((value, low, high))),
        _ => (0, None),
    }
}

fn of_times(times: &Histogram, q: f64) -> Measured {
    (times.n(), quantile_with_interval(times, q))
}

pub(super) fn expectations(
    versions: &MapVersions,
    (real, mature): (&EmpiricalMap, &BTreeSet<Day>),
    (overall, stages, transitions): (&Rate, &[StageLine], &[TransitionLine]),
) -> Vec<Expectation> {
    let map = versions.newest();
    let mut table = Table { map, lines: Vec::new() };
    let id = |s: u16| map.stages[usize::from(s)].id.to_string();
    let changes = |from: &str, to: &str| {
        let mut times = Histogram::default();
        let own = real.transitions.iter().filter(|t| t.from == from && t.to == to && mature.contains(&t.entry_date));
        own.for_each(|t| times.merge(&t.time));
        times
    };
    for t in &map.transitions {
        let (from, to) = (id(t.from), id(t.to));
        let of = || vec![from.clone(), to.clone()];
        if let Some(target) = t.target_share {
            let line = transitions.iter().find(|l| l.from == from && l.to == to);
            table.push(
                Expected::TargetShare,
                (of(), ""),
                (target, true),
                line.map_or((0, None), |l| of_rate(&l.share)),
            );
        }
        if let Some(limit) = t.within {
            let times = of_times(&changes(&from, &to), 0.9);
            table.push(Expected::Within, (of(), "p90"), (limit.as_secs_f64(), false), times);
        }
        if let Some(limit) = t.not_before {
            let times = of_times(&changes(&from, &to), 0.1);
            table.push(Expected::NotBefore, (of(), "p10"), (limit.as_secs_f64(), true), times);
        }
    }
    let times = |stage: &str, next: bool| {
        let mut times = Histogram::default();
        let own = real.stages.iter().filter(|d| d.stage == stage && mature.contains(&d.entry_date));
        own.for_each(|d| times.merge(if next { &d.time_to_next } else { &d.time_in_stage }));
        times
    };
    for stage in &map.stages {
        let of = || vec![stage.id.to_string()];
        if let Some(limit) = stage.max_time {
            let found = of_times(&times(&stage.id, false), 0.9);
            table.push(Expected::MaxTime, (of(), "p90"), (limit.as_secs_f64(), false), found);
        }
        let felt_here = felt(&real.emotions, mature, |e| e.stage == *stage.id).measured();
        if let Some(expected) = stage.emotion_expected {
            table.push(Expected::Emotion, (of(), ""), (expected, true), felt_here);
        }
        if let Some(alert) = stage.emotion_alert_below {
            table.push(Expected::EmotionAlert, (of(), ""), (alert, true), felt_here);
        }
        for (persona, expected) in &stage.emotion_by_persona {
            let own = felt(&real.emotions, mature, |e| e.stage == *stage.id && e.persona == *persona).measured();
            table.push(Expected::EmotionOfPersona, (of(), persona), (*expected, true), own);
        }
    }
    for kpi in &map.kpis {
        let target = match kpi.target {
            KpiTarget::Share(share) => share,
            KpiTarget::Time(time) => time.as_secs_f64(),
        };
        let stage = kpi.stage.map(id);
        let line = stages.iter().find(|l| Some(&l.id) == stage.as_ref());
        let time = |next: bool, q: f64| stage.as_ref().map_or((0, None), |s| of_times(&times(s, next), q));
        let found = match kpi.metric {
            Metric::Overall => of_rate(overall),
            Metric::Conversion => line.map_or((0, None), |l| of_rate(&l.conversion)),
            Metric::DropOffRate => line.map_or((0, None), |l| of_rate(&l.drop_off_rate)),
            Metric::TimeInStageP50 => time(false, 0.5),
            Metric::TimeInStageP90 => time(false, 0.9),
            Metric::TimeToNextP50 => time(true, 0.5),
            Metric::TimeToNextP90 => time(true, 0.9),
        };
        let at_least = matches!(kpi.metric, Metric::Overall | Metric::Conversion);
        let of = std::iter::once(kpi.id.clone()).chain(stage.clone()).collect();
        table.push(Expected::Kpi(kpi.metric), (of, kpi.metric.as_str()), (target, at_least), found);
    }
    table.lines
}

/// What is felt, as far as it can be told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Felt {
    /// Answers to surveys and declared impacts together.
    pub n: u64,
    pub mean: Option<f64>,
    pub interval: Option<(f64, f64)>,
}

impl Felt {
    /// A few say nothing: a gap, not a number.
    pub(super) fn beyond(self, min_n: u64) -> Self {
        if self.n >= min_n { self } else { Self { n: self.n, ..Self::default() } }
    }

    fn measured(self) -> Measured {
        let found = self.mean.zip(self.interval).map(|(mean, (low, high))| (mean, low, high));
        (self.n, found)
    }
}

/// Over mature entry dates, all outcomes.
pub(super) fn felt(days: &[EmotionDay], mature: &BTreeSet<Day>, which: impl Fn(&EmotionDay) -> bool) -> Felt {
    let (mut n, mut sum, mut squares) = (0, 0.0, 0.0);
    for (ppm, told) in days.iter().filter(|d| mature.contains(&d.entry_date) && which(d)).flat_map(|d| &d.told) {
        let (value, times) = (f64::from(*ppm) / 1e6, *told as f64);
        n += *told;
        sum += value * times;
        squares += value * value * times;
    }
    let found = mean_with_interval(n, sum, squares);
    Felt { n, mean: found.map(|f| f.0), interval: found.map(|(_, low, high)| (low.max(-2.0), high.min(2.0))) }
}

/// Measured emotion of a stage or, within it, of a touchpoint; a gap below `min_n`.
#[derive(Clone, Debug, PartialEq)]
pub struct Emotion {
    pub stage: String,
    /// None: the whole stage.
    pub touchpoint: Option<String>,
    pub n: u64,
    pub mean: Option<f64>,
    pub interval: Option<(f64, f64)>,
}

pub(super) fn emotions(map: &MapVersions, (real, mature): (&EmpiricalMap, &BTreeSet<Day>)) -> Vec<Emotion> {
    let min_n = map.newest().min_n;
    let days = &real.emotions;
    let line = |stage: &str, touchpoint: Option<&str>| {
        let which = |d: &EmotionDay| d.stage == stage && touchpoint.is_none_or(|t| d.touchpoint == t);
        let Felt { n, mean, interval } = felt(days, mature, which).beyond(min_n);
        Emotion { stage: stage.to_owned(), touchpoint: touchpoint.map(str::to_owned), n, mean, interval }
    };
    let mut lines = Vec::new();
    for stage in &map.newest().stages {
        let own = days.iter().filter(|d| d.stage == *stage.id && mature.contains(&d.entry_date));
        let own: BTreeSet<&str> = own.map(|d| d.touchpoint.as_str()).collect();
        if !own.is_empty() {
            lines.push(line(&stage.id, None));
        }
        lines.extend(own.into_iter().map(|touchpoint| line(&stage.id, Some(touchpoint))));
    }
    lines
}
