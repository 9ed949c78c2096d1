//! Where journeys do not follow the map, how often, what is at stake, and what goes with it. In: deviations that were
//! counted, journeys with and without each of them from a landmark on. Out: [`DeviationLine`]s, most frequent first, and
//! the deviations that the map accepts.
//!
//! An association is no effect: it says how much more, or less, often those who have the deviation reach the goal than
//! those who do not, both still undecided at the landmark.

use super::following::Following;
use super::interval::{MedianDifference, benjamini_hochberg, difference_of_medians, difference_of_shares, p_of_shares};
use super::rates::Rate;
use crate::aggregate::{AssociationCount, DeviationCount, EmpiricalMap, Landmark};
use crate::map::{AcceptedDeviation, MapVersions, Text};
use crate::time::{Day, Timestamp};

/// At most one in twenty of those called significant is expected to be chance.
pub const SIGNIFICANT: f64 = 0.05;
/// An acceptance is warned about this many days before it ends.
const WARNED: i32 = 14;

#[derive(Clone, Debug, PartialEq)]
pub struct DeviationLine {
    pub version: u32,
    pub kind: String,
    pub place: String,
    pub stage: String,
    /// The place in words: titles of touchpoints or stages, and how they belong together.
    pub titles: Vec<Text>,
    pub joined: Joined,
    /// Over all entry dates, in flight included; and how many of them the map accepts.
    pub journeys: u64,
    pub accepted: u64,
    pub customers: u64,
    /// Of decided journeys of mature entry dates under that version, those that have it.
    pub share: Rate,
    /// Of those that have it, how many were lost in silence; and of all that were lost in silence, how many have it.
    pub drop_offs: Rate,
    pub of_drop_offs: Rate,
    pub value: Vec<(String, f64)>,
    /// Value of those ended or dropped.
    pub at_stake: Vec<(String, f64)>,
    pub examples: Vec<String>,
    /// None: too few have it while undecided, or too few do not.
    pub association: Option<Association>,
    /// Enough journeys have it, and nine of ten of them only after they were decided: nothing to compare.
    pub after_decision: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// One touchpoint or stage.
    One,
    /// One of these.
    Choice,
    /// From the first to the second.
    Change,
}

/// With it against without it, from the landmark on.
#[derive(Clone, Debug, PartialEq)]
pub struct Association {
    pub landmark: String,
    /// (journeys, completed)
    pub with: (u64, u64),
    pub without: (u64, u64),
    /// Difference of conversion: with it less without it.
    pub conversion: (f64, f64, f64),
    pub conversion_p: Option<f64>,
    /// Seconds from the landmark to the goal, of those who reach it: with it less without it. None: too few reach it.
    pub time_to_goal: Option<MedianDifference>,
    /// After Benjamini and Hochberg over the whole table.
    pub conversion_adjusted_p: Option<f64>,
    pub time_adjusted_p: Option<f64>,
}

impl Association {
    pub fn conversion_differs(&self) -> bool {
        self.conversion_adjusted_p.is_some_and(|p| p <= SIGNIFICANT)
    }

    pub fn time_differs(&self) -> bool {
        self.time_adjusted_p.is_some_and(|p| p <= SIGNIFICANT)
    }
}

pub(super) fn lines(map: &MapVersions, real: &EmpiricalMap, following: &Following) -> Vec<DeviationLine> {
    let walked = &real.walked;
    let decided = |version: u32| following.versions.iter().find(|v| v.0 == version).map_or(0, |v| v.1.decided);
    let dropped = |version: u32| following.versions.iter().find(|v| v.0 == version).map_or(0, |v| v.1.dropped_journeys);
    let line = |d: &DeviationCount| DeviationLine {
        titles: titles(map, d.version, (&d.kind, &d.place, &d.stage)),
        joined: joined(&d.kind, &d.place),
        version: d.version,
        kind: d.kind.clone(),
        place: d.place.clone(),
        stage: d.stage.clone(),
        journeys: d.journeys,
        accepted: d.accepted,
        customers: d.customers,
        share: Rate::point(d.mature_decided, decided(d.version)),
        drop_offs: Rate::point(d.mature_dropped, d.mature_decided),
        of_drop_offs: Rate::point(d.mature_dropped, dropped(d.version)),
        value: d.value.clone(),
        at_stake: d.at_stake.clone(),
        examples: d.examples.clone(),
        association: association(real, d, map.newest().min_n),
        after_decision: comes_after_decision(real, d, map.newest().min_n),
    };
    let mut lines: Vec<DeviationLine> = walked.deviations.iter().map(line).collect();
    adjust(&mut lines);
    lines
}

/// A deviation's place in words, for whoever names it apart from the table.
pub fn place_in_words(
    map: &MapVersions,
    version: u32,
    (kind, place, stage): (&str, &str, &str),
) -> (Vec<Text>, Joined) {
    (titles(map, version, (kind, place, stage)), joined(kind, place))
}

fn joined(kind: &str, place: &str) -> Joined {
    match (kind, place.contains(' ')) {
        (_, false) => Joined::One,
        ("missing", true) => Joined::Choice,
        (_, true) => Joined::Change,
    }
}

/// Of a place that is the id of a stage and of a touchpoint in it, the touchpoint's where only it can be meant.
fn titles(map: &MapVersions, version: u32, (kind, place, in_stage): (&str, &str, &str)) -> Vec<Text> {
    let plain = |id: &str| Text([(String::new(), id.to_owned())].into());
    let Some(version) = map.versions.iter().find(|v| v.version == version) else { return vec![plain(place)] };
    let of_stages =
        joined(kind, place) == Joined::Change || (kind == "too_slow" || (kind == "missing" && place == in_stage));
    let title = |id: &str| {
        let stage = version.stages.iter().find(|s| *s.id == *id).map(|s| &s.title);
        let touchpoint = version.touchpoints.iter().find(|t| *t.id == *id).map(|t| &t.title);
        let found = if of_stages { stage.or(touchpoint) } else { touchpoint.or(stage) };
        found.filter(|t| !t.0.is_empty()).cloned().unwrap_or_else(|| plain(id))
    };
    place.split(' ').map(title).collect()
}

fn studied_at(real: &EmpiricalMap, d: &DeviationCount) -> Option<usize> {
    real.walked.studied.iter().position(|s| s.version == d.version && s.kind == d.kind && s.place == d.place)
}

fn group(real: &EmpiricalMap, at: usize, with: bool) -> Option<&AssociationCount> {
    real.walked.associations.iter().find(|a| a.studied == at && a.with == with)
}

fn comes_after_decision(real: &EmpiricalMap, d: &DeviationCount, min_n: u64) -> bool {
    let while_undecided = |at| group(real, at, true).map_or(0, |g| g.journeys);
    studied_at(real, d).is_some_and(|at| while_undecided(at) < min_n && while_undecided(at) * 10 < d.mature_decided)
}

fn association(real: &EmpiricalMap, d: &DeviationCount, min_n: u64) -> Option<Association> {
    let walked = &real.walked;
    let at = studied_at(real, d)?;
    let (with, without) = (group(real, at, true)?, group(real, at, false)?);
    let counts = |g: &AssociationCount| (g.journeys, g.completed);
    if with.journeys < min_n || without.journeys < min_n {
        return None;
    }
    let hits = |g: &AssociationCount| (g.completed, g.journeys);
    let enough = with.completed >= min_n && without.completed >= min_n;
    Some(Association {
        landmark: words(&walked.studied[at].landmark, &d.stage),
        with: counts(with),
        without: counts(without),
        conversion: difference_of_shares(hits(with), hits(without))?,
        conversion_p: p_of_shares(hits(with), hits(without)),
        time_to_goal: difference_of_medians(&with.time_to_goal, &without.time_to_goal).filter(|_| enough),
        conversion_adjusted_p: None,
        time_adjusted_p: None,
    })
}

/// `left apply`, `past apply`, `apply decide 1`, `visit form 3`: for programs.
fn words(landmark: &Landmark, stage: &str) -> String {
    match landmark {
        Landmark::Left(stage) => format!("left {stage}"),
        Landmark::Past(_) => format!("past {stage}"),
        Landmark::Change(from, to, n) => format!("change {from} {to} {n}"),
        Landmark::Visit(touchpoint, n) => format!("visit {touchpoint} {n}"),
    }
}

/// One family: every test of the table.
fn adjust(lines: &mut [DeviationLine]) {
    let mut tests: Vec<f64> = Vec::new();
    for a in lines.iter().filter_map(|l| l.association.as_ref()) {
        tests.extend(a.conversion_p);
        tests.extend(a.time_to_goal.and_then(|t| t.p));
    }
    let mut adjusted = benjamini_hochberg(&tests).into_iter();
    for a in lines.iter_mut().filter_map(|l| l.association.as_mut()) {
        a.conversion_adjusted_p = a.conversion_p.and_then(|_| adjusted.next());
        a.time_adjusted_p = a.time_to_goal.and_then(|t| t.p).and_then(|_| adjusted.next());
    }
}

/// A deviation that the newest version of the map accepts.
#[derive(Clone, Debug, PartialEq)]
pub struct AcceptedLine {
    pub kind: String,
    pub place: String,
    /// The place in words.
    pub titles: Vec<Text>,
    pub joined: Joined,
    pub until: Option<Day>,
    pub reason: Text,
    pub state: AcceptedState,
    /// Journeys that have it and are not held to it, and those that have it and are.
    pub accepted: u64,
    pub not_accepted: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedState {
    Holds,
    /// Within two weeks.
    EndsSoon,
    Ended,
}

impl AcceptedState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::EndsSoon => "ends_soon",
            Self::Ended => "ended",
        }
    }
}

pub(super) fn accepted(map: &MapVersions, real: &EmpiricalMap) -> Vec<AcceptedLine> {
    let newest = map.newest();
    let today = today(real.as_of, map);
    let stage = |s: u16| newest.stages[usize::from(s)].id.to_string();
    let touchpoint = |t: u16| newest.touchpoints[usize::from(t)].id.to_string();
    let line = |a: &AcceptedDeviation| {
        let place = match (a.from, a.to, a.touchpoint) {
            (Some(from), Some(to), _) => format!("{} {}", stage(from), stage(to)),
            (_, _, Some(t)) => touchpoint(t),
            (Some(from), ..) => stage(from),
            _ => String::new(),
        };
        // `from` alone: whatever lies in that stage and is no change of stages.
        let wide = a.to.is_none() && a.touchpoint.is_none();
        let own = real.walked.acceptable.iter().filter(|d| {
            let change = d.kind != "missing" && d.place.contains(' ');
            d.kind == a.kind.as_str() && if wide { d.stage == place && !change } else { d.place == place }
        });
        let (journeys, accepted) = own.fold((0, 0), |sum, d| (sum.0 + d.journeys, sum.1 + d.accepted));
        let state = match a.until {
            Some(until) if until < today => AcceptedState::Ended,
            Some(until) if until.0 - today.0 <= WARNED => AcceptedState::EndsSoon,
            _ => AcceptedState::Holds,
        };
        AcceptedLine {
            kind: a.kind.as_str().to_owned(),
            // Alone, a stage is meant, whatever else has its id.
            titles: titles(map, newest.version, (a.kind.as_str(), &place, if wide { &place } else { "" })),
            joined: joined(a.kind.as_str(), &place),
            place,
            until: a.until,
            reason: a.reason.clone(),
            state,
            accepted,
            not_accepted: journeys - accepted,
        }
    };
    newest.accepted_deviations.iter().map(line).collect()
}

fn today(as_of: Timestamp, map: &MapVersions) -> Day {
    as_of.day_in(&map.newest().time_zone)
}
