//! What a designed map lacks. In: the map, trails, and where each of their events lies in the journeys that the map makes of
//! them. Out: touchpoints, transitions and time limits to paste, each with what was counted; nothing that the map says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::sync::Arc;

use super::classes::Classes;
use super::proposal::line;
use super::units::{percent, quantile, said};
use super::{Asked, Happening, Trail};
use crate::aggregate::{JourneyDay, mature_dates};
use crate::journey::{CustomerJourneys, Outcome};
use crate::map::arcs::arcs;
use crate::map::written::length;
use crate::map::{DesignedMap, MapVersions, StageIx};
use crate::time::{Day, Timestamp};
use crate::yaml::Fields;

/// Quantiles of fewer times say nothing.
const TIMES: usize = 30;

/// Parts to paste.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Missing {
    pub touchpoints: usize,
    pub transitions: usize,
    pub limits: usize,
    pub text: String,
}

/// Customers' journeys under the map.
#[derive(Debug)]
pub struct Placed {
    pub journeys: HashMap<Arc<str>, CustomerJourneys>,
    /// Names of sources by their number.
    pub sources: Vec<Arc<str>>,
    /// What decides silence.
    pub as_of: Timestamp,
}

/// `versions`: the map, of one version.
pub fn missing(versions: &MapVersions, trails: &[Trail], placed: &Placed, asked: &Asked) -> Missing {
    let map = versions.newest();
    let mut out = Missing::default();
    touchpoints(map, trails, placed, asked, &mut out);
    transitions(map, placed, asked, &mut out);
    limits(versions, placed, asked, &mut out);
    if out.text.is_empty() {
        out.text =
            "# nothing is missing: every frequent event has its touchpoint, every frequent transition is listed\n"
                .to_owned();
    }
    out
}

/// Frequent events that no touchpoint matches, in the stage that most of them stand in.
fn touchpoints(map: &DesignedMap, trails: &[Trail], placed: &Placed, asked: &Asked, out: &mut Missing) {
    let mut around: Vec<Trail> = Vec::new();
    let mut stages: Vec<Vec<Option<StageIx>>> = Vec::new();
    for trail in trails {
        let Some(of) = placed.journeys.get(&trail.customer) else { continue };
        let unmapped = |e: &Happening| {
            let template = crate::touchpoint::path::path_template(&e.path);
            of.unmapped.iter().any(|u| {
                *u.name == *e.name && *u.path == *template && placed.sources[usize::from(u.source.0)] == e.source
            })
        };
        let events: Vec<Happening> = trail.events.iter().filter(|e| unmapped(e)).cloned().collect();
        let visits: Vec<_> = of.journeys.iter().flat_map(|j| j.visits.iter()).collect();
        // Where the customer stood, else where the next visit stands.
        let stage = |e: &Happening| {
            let before = visits.iter().filter(|v| v.at <= e.at).max_by_key(|v| v.at);
            before.or_else(|| visits.iter().filter(|v| v.at > e.at).min_by_key(|v| v.at)).map(|v| v.stage)
        };
        stages.push(events.iter().map(stage).collect());
        around.push(Trail { customer: trail.customer.clone(), events });
    }
    let classes = Classes::of(&around, asked);
    let mut votes: Vec<BTreeMap<StageIx, u64>> = vec![BTreeMap::new(); classes.list.len()];
    // A name alone would also take pages that the map has, or that nobody has seen yet.
    let mut pages: Vec<BTreeSet<String>> = vec![BTreeSet::new(); classes.list.len()];
    for event in around.iter().flat_map(|trail| &trail.events) {
        if let Some(class) = classes.class(event) {
            pages[usize::from(class)].insert(classes.template(&event.path));
        }
    }
    for (trail, stages) in around.iter().zip(&stages) {
        for (event, stage) in trail.events.iter().zip(stages) {
            if let (Some(class), Some(stage), true) = (classes.class(event), stage, asked.looks_at(event)) {
                *votes[usize::from(class)].entry(*stage).or_default() += 1;
            }
        }
    }
    let mut taken: BTreeSet<String> = map.touchpoints.iter().map(|t| t.id.to_string()).collect();
    let mut text = String::new();
    for ((class, votes), pages) in classes.list.iter().zip(&votes).zip(&pages) {
        let stage = votes.iter().max_by_key(|(s, n)| (**n, std::cmp::Reverse(**s))).map_or(0, |(s, _)| *s);
        let mut rule = Fields::default();
        rule.put("source", &*class.source);
        rule.put("event", &*class.name);
        let only = pages.first().filter(|page| pages.len() == 1 && !page.is_empty());
        rule.put_some("path", class.path.as_deref().or(only.map(String::as_str)));
        let mut fields = Fields::default();
        fields.put("id", crate::exchange::draft::id_of(&class.id, &mut taken));
        fields.put("stage", &*map.stages[usize::from(stage)].id);
        fields.put("match", rule);
        let total: u64 = votes.values().sum();
        let there = votes.get(&stage).copied().unwrap_or_default();
        let sure = if total == 0 {
            "no journey near".to_owned()
        } else {
            format!("{} of them in that stage", percent(there, total))
        };
        line(&mut text, fields, &format!("{} events of {} trails, {sure}", class.events, class.trails));
        out.touchpoints += 1;
    }
    if !text.is_empty() {
        let _ =
            write!(out.text, "# to `touchpoints`, behind those there are: the first rule that matches wins\n{text}");
    }
}

/// Changes of stage that happen often and that the map does not speak of.
fn transitions(map: &DesignedMap, placed: &Placed, asked: &Asked, out: &mut Missing) {
    let n = map.stages.len();
    let (mut times, mut entries) = (vec![0_u64; n * n], vec![0_u64; n]);
    for journey in placed.journeys.values().flat_map(|c| c.journeys.iter()) {
        for (i, entry) in journey.entries.iter().enumerate() {
            let from = usize::from(entry.stage);
            entries[from] += 1;
            if let Some(next) = journey.entries.get(i + 1) {
                times[from * n + usize::from(next.stage)] += 1;
            }
        }
    }
    let own = arcs(map);
    let spoken = |from: StageIx, to: StageIx| {
        own.contains(&(from, to)) || map.transitions.iter().any(|t| (t.from, t.to) == (from, to))
    };
    let pair = |i: usize| ((i / n) as StageIx, (i % n) as StageIx);
    let often = |i: &usize| times[*i] > 0 && times[*i] as f64 >= asked.share * entries[*i / n] as f64;
    let mut new: Vec<usize> = (0..n * n).filter(often).filter(|i| !spoken(pair(*i).0, pair(*i).1)).collect();
    if new.is_empty() {
        return;
    }
    new.sort_by_key(|i| std::cmp::Reverse(times[*i]));
    out.transitions = new.len();
    let _ = writeln!(out.text, "# to `transitions`");
    let by_order: Vec<usize> = own.iter().map(|(a, b)| usize::from(*a) * n + usize::from(*b)).collect();
    // Listing one transition ends the rule that stages follow each other: then the others must be listed too.
    let rest = if own.iter().all(|(a, b)| map.transitions.iter().all(|t| (t.from, t.to) != (*a, *b))) {
        by_order
    } else {
        Vec::new()
    };
    for (i, kind) in rest.iter().map(|i| (*i, "expected")).chain(new.iter().map(|i| (*i, "allowed"))) {
        let (from, to) = pair(i);
        let mut fields = Fields::default();
        fields.put("from", &*map.stages[usize::from(from)].id);
        fields.put("to", &*map.stages[usize::from(to)].id);
        fields.put("kind", kind);
        line(&mut out.text, fields, &format!("{} times, {} of entries", times[i], percent(times[i], entries[i / n])));
    }
}

/// How long stages take that have no limit: of the journeys that the gap table holds `max_time` against, those of mature
/// entry dates. Whoever is still in a stage has no time in it yet, and young dates know only those who were quick.
fn limits(versions: &MapVersions, placed: &Placed, asked: &Asked, out: &mut Missing) {
    let map = versions.newest();
    let mature = mature_dates(versions, &entry_dates(placed), placed.as_of);
    let (mut stayed, mut left_out) = (vec![Vec::new(); map.stages.len()], vec![0_u64; map.stages.len()]);
    for journey in placed.journeys.values().flat_map(|c| c.journeys.iter()) {
        let goes_on = journey.outcome(placed.as_of) == Outcome::InFlight;
        for (i, entry) in journey.entries.iter().enumerate() {
            let stage = usize::from(entry.stage);
            let is_open = goes_on && i + 1 == journey.entries.len();
            if is_open || !mature.contains(&journey.entry_date) {
                left_out[stage] += 1;
            } else {
                stayed[stage].push(entry.last_at.seconds_since(entry.first_at));
            }
        }
    }
    let mut text = String::new();
    for ((stage, times), left_out) in map.stages.iter().zip(&mut stayed).zip(left_out) {
        if stage.max_time.is_some() || times.len() < TIMES {
            continue;
        }
        let Some(limit) = quantile(times, asked.quantile).filter(|seconds| *seconds > 0.0) else { continue };
        let _ = writeln!(
            text,
            "# {}: max_time: {}  # holds for {:.0} % of {} entries of mature entry dates; {left_out} of others, or still open, left out",
            stage.id,
            length(said(limit)),
            asked.quantile * 100.0,
            times.len()
        );
        out.limits += 1;
    }
    if !text.is_empty() {
        let _ = write!(out.text, "# to `stages`, where you want a limit\n{text}");
    }
}

/// How many journeys began on each day, and what became of them.
fn entry_dates(placed: &Placed) -> Vec<JourneyDay> {
    let mut days: BTreeMap<Day, JourneyDay> = BTreeMap::new();
    for journey in placed.journeys.values().flat_map(|c| c.journeys.iter()) {
        let entry_date = journey.entry_date;
        let day = days.entry(entry_date).or_insert_with(|| JourneyDay { entry_date, ..JourneyDay::default() });
        day.entered += 1;
        *match journey.outcome(placed.as_of) {
            Outcome::Completed => &mut day.completed,
            Outcome::Ended => &mut day.ended,
            Outcome::Dropped => &mut day.dropped,
            Outcome::InFlight => &mut day.in_flight,
        } += 1;
    }
    days.into_values().collect()
}
