//! Drop-offs that look like broken identity: the anonymous trail of a customer ends in a stage, and soon after another
//! trail begins in the middle of the map, at a stage that the design leads to from there. In: a [`Scope`], what to look
//! for ([`Trails`]). Out: SELECTs and their shapes.
//!
//! Trails also meet by chance, the more the busier the shop. So of every beginning the ends shortly before it are counted,
//! and once more a week earlier and a week later, at the same weekday and hour: so many are there by chance.

use std::collections::BTreeSet;
use std::time::Duration;

use super::select::live;
use super::walk::mature;
use super::{Histogram, Scope, TransitionDay, quote};
use crate::config::{Class, Kind};
use crate::map::arcs::arcs;
use crate::map::{DesignedMap, MapVersions, Role};
use crate::time::{Day, Timestamp};

/// Where the same is looked for by chance: a week before and a week after, so that weekday and hour are alike and a
/// growing crowd weighs as much on one side as on the other. Where one side lies outside the time that is counted, the line
/// through one and two weeks on the other side is followed.
const SHIFT: Duration = Duration::from_secs(7 * 86_400);
/// How long a customer may take from the end of one trail to the beginning of the next: as long as nine of ten take who go
/// that way in one trail, but no longer than this; and where too few go that way, a day.
const LONGEST: Duration = Duration::from_secs(3 * 86_400);
const UNKNOWN: Duration = Duration::from_secs(86_400);
const SHORTEST: Duration = Duration::from_secs(60);

/// What to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trails {
    /// Kinds of identifiers whose name alone says that no person is known.
    pub anonymous: Vec<String>,
    pub steps: Vec<Step>,
    /// All that ended in between is counted.
    pub from: Timestamp,
    pub to: Timestamp,
}

/// A trail may break between these stages, and go on within this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub from: String,
    pub to: String,
    pub within: Duration,
}

/// Why nothing can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// No kind of identifier is a device, so nobody is anonymous.
    NobodyIsAnonymous,
    /// The design leads from no stage to a later one that opens no journey.
    NoMiddle,
    /// Mature entry dates span less than three weeks and the time that a customer may take.
    TooShort,
}

impl Untold {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NobodyIsAnonymous => "nobody_is_anonymous",
            Self::NoMiddle => "no_middle",
            Self::TooShort => "too_short",
        }
    }
}

/// What was counted, or why nothing was.
#[derive(Clone, Debug, PartialEq)]
pub enum BrokenCounts {
    Untold(Untold),
    Told { trails: Trails, ends: Vec<EndCount>, begun: Vec<BegunCount> },
}

impl Default for BrokenCounts {
    fn default() -> Self {
        Self::Untold(Untold::NoMiddle)
    }
}

/// Anonymous trails that end in a stage, dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndCount {
    pub stage: String,
    pub trails: u64,
}

/// Trails that begin in `to`, and the ends in `from` shortly before each of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BegunCount {
    pub from: String,
    pub to: String,
    pub trails: u64,
    /// Ends before beginnings, summed over the trails.
    pub matches: u64,
    /// The same as it would be by chance.
    pub by_chance: f64,
    /// Of each trail the square of what it has more than by chance, summed.
    pub squares: f64,
}

/// What to look for in this map, with these kinds of identifiers and measured transitions.
pub fn trails(
    versions: &MapVersions,
    kinds: &[Kind],
    transitions: &[TransitionDay],
    mature: &[Day],
) -> Result<Trails, Untold> {
    let map = versions.newest();
    let anonymous = anonymous(kinds);
    if anonymous.is_empty() {
        return Err(Untold::NobodyIsAnonymous);
    }
    let steps = steps(map, transitions);
    if steps.is_empty() {
        return Err(Untold::NoMiddle);
    }
    let (Some(first), Some(last)) = (mature.iter().min(), mature.iter().max()) else { return Err(Untold::TooShort) };
    let from = Day(first.0 - 1).end_in(&map.time_zone);
    let to = last.end_in(&map.time_zone);
    let longest = steps.iter().map(|s| s.within).max().unwrap_or_default();
    if to < from.saturating_add(SHIFT * 3 + longest) {
        return Err(Untold::TooShort);
    }
    Ok(Trails { anonymous, steps, from, to })
}

/// A customer is called by its strongest identifier. So a name of such a kind says that no person is known, if every
/// person's kind is stronger.
fn anonymous(kinds: &[Kind]) -> Vec<String> {
    let weakest = kinds.iter().filter(|k| k.class == Class::Person).map(|k| k.priority).max().unwrap_or(0);
    let devices = kinds.iter().filter(|k| k.class == Class::Device && k.priority > weakest);
    devices.map(|k| k.name.to_string()).collect()
}

/// Designed arcs to a later stage that is neither an exit nor meant to open journeys. Where any stage may open one, those
/// that the file calls entries, or else the first, are meant to.
fn steps(map: &DesignedMap, transitions: &[TransitionDay]) -> Vec<Step> {
    let is_stage_of = |role: Role| move |s: usize| map.stages[s].role == role;
    let any = map.entry.iter().all(|open| *open) && map.entry.len() > 1;
    let named = (0..map.stages.len()).any(is_stage_of(Role::Entry));
    let opens = |s: usize| match (any, named) {
        (false, _) => map.entry[s],
        (true, true) => is_stage_of(Role::Entry)(s),
        (true, false) => s == 0,
    };
    let chosen: BTreeSet<(u16, u16)> = arcs(map)
        .into_iter()
        .filter(|&(from, to)| from < to && !is_stage_of(Role::Exit)(usize::from(to)) && !opens(usize::from(to)))
        .collect();
    let id = |s: u16| map.stages[usize::from(s)].id.to_string();
    chosen
        .into_iter()
        .map(|(from, to)| {
            let (from, to) = (id(from), id(to));
            let within = usual_time(map, transitions, &from, &to);
            Step { from, to, within }
        })
        .collect()
}

fn usual_time(map: &DesignedMap, transitions: &[TransitionDay], from: &str, to: &str) -> Duration {
    let mut times = Histogram::default();
    transitions.iter().filter(|t| t.from == from && t.to == to).for_each(|t| times.merge(&t.time));
    match times.quantile(0.9).filter(|_| times.n() >= map.min_n) {
        Some(seconds) => Duration::from_secs(seconds.ceil() as u64).clamp(SHORTEST, LONGEST),
        None => UNKNOWN,
    }
}

/// Anonymous trails that end, dropped in a stage from which a step leads.
fn ends(scope: &Scope<'_>, days: &[Day], trails: &Trails) -> String {
    let kinds: Vec<String> = trails.anonymous.iter().map(|k| quote(k)).collect();
    let from: BTreeSet<&str> = trails.steps.iter().map(|s| s.from.as_str()).collect();
    let from: Vec<String> = from.into_iter().map(quote).collect();
    format!(
        "SELECT toString(e_stage[-1]) AS stage, toUnixTimestamp64Micro(last_at) AS at FROM ({}) AS l \
         WHERE outcome = 'dropped' AND l.trail_ends = 1 AND splitByChar(':', customer)[1] IN ({}) AND stage IN ({}) AND {}",
        live(scope, &["last_at", "e_stage", "trail_ends"]),
        kinds.join(", "),
        from.join(", "),
        mature(days)
    )
}

pub fn ended(scope: &Scope<'_>, days: &[Day], trails: &Trails) -> String {
    format!("SELECT stage, count() AS trails FROM ({}) GROUP BY stage ORDER BY stage", ends(scope, days, trails))
}

/// A beginning counts if the time before it lies in the time that is counted: else it could only miss what ended.
pub fn begun(scope: &Scope<'_>, days: &[Day], trails: &Trails) -> String {
    let micros = |d: Duration| d.as_micros() as i64;
    let steps: Vec<String> = trails
        .steps
        .iter()
        .map(|s| format!("({}, {}, toInt64({}))", quote(&s.from), quote(&s.to), micros(s.within)))
        .collect();
    let Scope { table, map, reading, .. } = scope;
    let begins = format!(
        "SELECT customer, step.1 AS source, step.2 AS target, step.3 AS within, toUnixTimestamp64Micro(first_visit_at) AS began, \
         multiIf(began - {shift} - within < {from}, [(toInt64({shift}), 2.), (toInt64({twice}), -1.)], began + {shift} > {to}, [(toInt64(-{shift}), 2.), (toInt64(-{twice}), -1.)], \
          [(toInt64({shift}), 0.5), (toInt64(-{shift}), 0.5)]) AS shifts \
         FROM (SELECT customer, first_visit_at, first_visit_stage FROM {table} FINAL WHERE map = {map} AND reading = {reading} AND is_deleted = 0 AND first_visit_stage != '') \
         ARRAY JOIN arrayFilter(x -> x.2 = first_visit_stage, [{steps}]) AS step WHERE began - within >= {from} AND began <= {to}",
        from = trails.from.micros(),
        to = trails.to.micros(),
        shift = micros(SHIFT),
        twice = micros(SHIFT * 2),
        map = quote(map),
        reading = quote(reading),
        steps = steps.join(", "),
    );
    // How many ended up to a moment, less how many up to the beginning of the time before it; before the first: 0.
    let counted = format!(
        "SELECT b.customer AS customer, b.source AS source, b.target AS target, sumIf(b.sign * toInt64(e.nth), b.shift = 0) AS found, \
         sumIf(b.weight * b.sign * toInt64(e.nth), b.shift != 0) AS chance FROM \
         (SELECT customer, source, target, shift, weight, edge.1 AS sign, edge.2 AS moment FROM \
          (SELECT customer, source, target, within, began, look.1 AS shift, look.2 AS weight FROM ({begins}) ARRAY JOIN arrayConcat([(toInt64(0), 1.)], shifts) AS look) \
          ARRAY JOIN [(toInt64(1), began + shift), (toInt64(-1), began + shift - within)] AS edge) AS b \
         ASOF LEFT JOIN (SELECT stage, at, row_number() OVER (PARTITION BY stage ORDER BY at) AS nth FROM ({ends})) AS e \
         ON b.source = e.stage AND b.moment > e.at GROUP BY customer, source, target",
        ends = ends(scope, days, trails),
    );
    format!(
        "SELECT source, target, count() AS trails, toUInt64(sum(found)) AS matches, sum(chance) AS by_chance, sum((found - chance) * (found - chance)) AS squares \
         FROM ({counted}) GROUP BY source, target ORDER BY source, target"
    )
}
