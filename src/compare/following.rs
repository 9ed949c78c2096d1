//! Do people follow the map (conformance; semantics.md, "Headline")? In: journeys grouped by how they followed it, their
//! paths, the versions of the map. Out: [`Following`]: the share that follows, and beside it always fitness, precision,
//! the part of the design that is used, and coverage; overall, without uncertain order, by version, stage and entry date.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::rates::Rate;
use crate::aggregate::{EmpiricalMap, FollowCounts, FollowGroup, PathCount};
use crate::conformance::{DesignUse, Judge, Steps, Walked, design_use_by_stage, precision};
use crate::map::{DesignedMap, MapVersions, Text};
use crate::time::Day;

/// How journeys followed the map. Shares, means and counts are over decided journeys of mature entry dates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Following {
    pub overall: Followed,
    /// The same without journeys whose order rests on a tie.
    pub certain: Followed,
    pub versions: Vec<(u32, Followed)>,
    /// In file order of the version shown; of each the journeys that entered it or have a deviation there, and whether
    /// they follow the map in it. Precision: of steps that go on from it.
    pub stages: Vec<(String, Text, Followed)>,
    pub days: Vec<FollowedDay>,
    /// Journeys still on their way: evaluated, and their mean fitness; in none of the above. All entry dates.
    pub in_flight: Mean,
    pub order_ambiguous: u64,
    pub ambiguous_type: u64,
    /// Journeys of entry dates that are not mature.
    pub immature: u64,
    /// What precision and the use of the design rest on.
    pub paths: PathsRead,
}

/// One population of decided journeys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Followed {
    pub decided: u64,
    /// `following + straying + not_evaluated = decided`.
    pub following: u64,
    pub straying: u64,
    pub not_evaluated: u64,
    /// following / (following + straying).
    pub share: Rate,
    /// Journeys with a forbidden deviation, accepted or not.
    pub forbidden: u64,
    /// Mean fitness of those evaluated: all, completed, ended, dropped.
    pub fitness: Mean,
    pub completed: Mean,
    pub ended: Mean,
    pub dropped: Mean,
    /// Decided by silence, evaluated or not.
    pub dropped_journeys: u64,
    /// Steps taken / steps that the map allows there, over its states.
    pub precision: Option<f64>,
    /// The same over prefixes, as other tools count it (ETC).
    pub precision_by_prefix: Option<f64>,
    /// Designed arcs, starts and ends that at least 1 % of the journeys walked.
    pub design_use: DesignUse,
    /// Journeys with no unmapped event between entry and last visit, of those decided.
    pub clean: Rate,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FollowedDay {
    pub entry_date: Day,
    pub mature: bool,
    pub decided: u64,
    pub following: u64,
    pub not_evaluated: u64,
    pub forbidden: u64,
    /// A point if the date is mature, else bounds.
    pub share: Rate,
    pub fitness: Mean,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    pub n: u64,
    pub value: Option<f64>,
}

impl Mean {
    fn of_ppm(n: u64, sum: u64) -> Self {
        Self { n, value: (n > 0).then(|| sum as f64 / 1e6 / n as f64) }
    }
}

/// Most frequent paths first; the rest was left out of precision and the use of the design.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathsRead {
    pub paths: u64,
    pub journeys: u64,
    pub cut_paths: u64,
    pub cut_journeys: u64,
}

pub(super) fn following(map: &MapVersions, real: &EmpiricalMap, mature: &BTreeSet<Day>) -> Following {
    let walked = &real.walked;
    let ripe = |g: &&FollowGroup| mature.contains(&g.entry_date);
    let decided = |g: &&FollowGroup| g.outcome != "in_flight";
    let counted: Vec<&FollowGroup> = walked.groups.iter().filter(ripe).filter(decided).collect();
    let by_version: Vec<(u32, Tracks)> =
        map.versions.iter().map(|v| (v.version, Tracks::of(v, &walked.paths.kept, |_| true))).collect();
    let mut tracks = Tracks::default();
    by_version.iter().for_each(|(_, own)| tracks.add(own));
    let mut overall = of_groups(&counted);
    tracks.lay_under(&mut overall);
    let keyed = map.newest().journey_key.is_some();
    if mature.is_empty() {
        overall.share = bounds(&walked.groups.iter().collect::<Vec<_>>(), keyed);
    }
    let only: Vec<&FollowGroup> = counted.iter().copied().filter(|g| !g.order_ambiguous).collect();
    let mut certain = overall.clone();
    if only.len() < counted.len() {
        certain = of_groups(&only);
        let mut tracks = Tracks::default();
        map.versions.iter().for_each(|v| tracks.add(&Tracks::of(v, &walked.paths.kept, |v| !v.order_ambiguous)));
        tracks.lay_under(&mut certain);
    }
    let versions = by_version.iter().filter_map(|(version, tracks)| {
        let own: Vec<&FollowGroup> = counted.iter().copied().filter(|g| g.version == *version).collect();
        let mut followed = of_groups(&own);
        tracks.lay_under(&mut followed);
        (followed.decided > 0).then_some((*version, followed))
    });
    let stages = map.newest().stages.iter().map(|stage| {
        let own = walked.stages.iter().filter(|s| s.stage == *stage.id).map(|s| &s.counts);
        let mut followed = followed(&total(own));
        tracks.lay_under_stage(&stage.id, &mut followed);
        (stage.id.to_string(), stage.title.clone(), followed)
    });
    let stages = stages.collect();
    let sum = |which: fn(&FollowGroup) -> bool| total(counted.iter().filter(|g| which(g)).map(|g| &g.counts));
    let kept: u64 = walked.paths.kept.iter().map(|v| v.journeys).sum();
    let paths = walked.paths.kept.len() as u64;
    Following {
        certain,
        versions: versions.collect(),
        stages,
        days: days(&walked.groups, mature, keyed),
        in_flight: fitness(&total(walked.groups.iter().filter(|g| g.outcome == "in_flight").map(|g| &g.counts))),
        order_ambiguous: sum(|g| g.order_ambiguous).journeys,
        ambiguous_type: sum(|_| true).ambiguous_type,
        immature: walked.groups.iter().filter(|g| !ripe(g)).map(|g| g.counts.journeys).sum(),
        paths: PathsRead {
            paths,
            journeys: kept,
            cut_paths: walked.paths.distinct.saturating_sub(paths),
            cut_journeys: walked.paths.journeys.saturating_sub(kept),
        },
        overall,
    }
}

fn of_groups(groups: &[&FollowGroup]) -> Followed {
    let of = |outcome: &str| total(groups.iter().filter(|g| g.outcome == outcome).map(|g| &g.counts));
    let (completed, ended, dropped) = (of("completed"), of("ended"), of("dropped"));
    Followed {
        completed: fitness(&completed),
        ended: fitness(&ended),
        dropped: fitness(&dropped),
        dropped_journeys: dropped.journeys,
        ..followed(&total(groups.iter().map(|g| &g.counts)))
    }
}

fn total<'a>(parts: impl Iterator<Item = &'a FollowCounts>) -> FollowCounts {
    parts.sum()
}

fn fitness(of: &FollowCounts) -> Mean {
    Mean::of_ppm(of.evaluated, of.fitness_ppm)
}

fn followed(all: &FollowCounts) -> Followed {
    Followed {
        decided: all.journeys,
        following: all.following,
        straying: all.evaluated - all.following,
        not_evaluated: all.journeys - all.evaluated,
        share: Rate::point(all.following, all.evaluated),
        forbidden: all.forbidden,
        fitness: fitness(all),
        clean: Rate::point(all.clean, all.journeys),
        ..Followed::default()
    }
}

/// What the share may still become: those in flight may all stray, or all follow. `keyed`: silence decides only
/// provisionally, so the dropped count as in flight.
fn bounds(groups: &[&FollowGroup], keyed: bool) -> Rate {
    let (mut following, mut evaluated, mut open, mut entered) = (0, 0, 0, 0);
    for group in groups {
        entered += group.counts.journeys;
        if group.outcome == "in_flight" || (keyed && group.outcome == "dropped") {
            open += group.counts.journeys;
        } else {
            following += group.counts.following;
            evaluated += group.counts.evaluated;
        }
    }
    let all = evaluated + open;
    if all == 0 {
        return Rate::None;
    }
    Rate::Immature { low: following as f64 / all as f64, high: (following + open) as f64 / all as f64, entered }
}

fn days(groups: &[FollowGroup], mature: &BTreeSet<Day>, keyed: bool) -> Vec<FollowedDay> {
    let dates: BTreeSet<Day> = groups.iter().map(|g| g.entry_date).collect();
    let day = |entry_date: Day| {
        let all: Vec<&FollowGroup> = groups.iter().filter(|g| g.entry_date == entry_date).collect();
        let decided: Vec<&FollowGroup> = all.iter().copied().filter(|g| g.outcome != "in_flight").collect();
        let followed = of_groups(&decided);
        let is_mature = mature.contains(&entry_date);
        FollowedDay {
            entry_date,
            mature: is_mature,
            decided: followed.decided,
            following: followed.following,
            not_evaluated: followed.not_evaluated,
            forbidden: followed.forbidden,
            share: if is_mature { followed.share } else { bounds(&all, keyed) },
            fitness: followed.fitness,
        }
    };
    dates.into_iter().map(day).collect()
}

/// The paths of some journeys, laid over the map.
#[derive(Default)]
struct Tracks {
    states: Steps,
    prefixes: Steps,
    design: DesignUse,
    /// By stage id.
    stages: Vec<(String, Steps, DesignUse)>,
}

impl Tracks {
    fn of(version: &Arc<DesignedMap>, paths: &[PathCount], which: impl Fn(&PathCount) -> bool) -> Self {
        let own: Vec<&PathCount> = paths.iter().filter(|p| p.version == version.version && which(p)).collect();
        if own.is_empty() {
            return Self::default();
        }
        let mut judge = Judge::new(version.clone());
        let walked: Vec<Walked> = own.into_iter().map(|path| walked(&judge, path)).collect();
        let found = precision(&mut judge, &walked);
        let designs = design_use_by_stage(&judge, &walked);
        let mut tracks = Self { states: found.states, prefixes: found.prefixes, ..Self::default() };
        for ((stage, steps), design) in version.stages.iter().zip(found.stages).zip(designs) {
            tracks.design += design;
            tracks.stages.push((stage.id.to_string(), steps, design));
        }
        tracks
    }

    fn add(&mut self, other: &Self) {
        self.states += other.states;
        self.prefixes += other.prefixes;
        self.design += other.design;
        for (id, steps, design) in &other.stages {
            match self.stages.iter_mut().find(|s| s.0 == *id) {
                Some(known) => {
                    known.1 += *steps;
                    known.2 += *design;
                }
                None => self.stages.push((id.clone(), *steps, *design)),
            }
        }
    }

    fn lay_under(&self, followed: &mut Followed) {
        followed.precision = self.states.ratio();
        followed.precision_by_prefix = self.prefixes.ratio();
        followed.design_use = self.design;
    }

    fn lay_under_stage(&self, id: &str, followed: &mut Followed) {
        if let Some((_, steps, design)) = self.stages.iter().find(|s| s.0 == id) {
            followed.precision = steps.ratio();
            followed.design_use = *design;
        }
    }
}

/// The first visit that decides anything is the one that decided.
fn walked(judge: &Judge, counted: &PathCount) -> Walked {
    let map = judge.map();
    let path = judge.path(counted.path.iter().filter_map(|id| map.touchpoint_ix(id)));
    let end = path.iter().find_map(|&symbol| judge.model().step(symbol).decides).filter(|_| counted.decided);
    Walked { path, end, journeys: counted.journeys }
}
