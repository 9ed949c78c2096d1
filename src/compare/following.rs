//! Do people follow the map (conformance; semantics.md, "Headline")? In: journeys grouped by how they followed it, their
//! paths, the versions of the map. Out: [`Following`]: the share that follows, and beside it always fitness, precision,
//! the part of the design that is used, and coverage; and the journeys left out. Overall, without uncertain order, by version,
//! stage, entry date and persona.

use std::collections::{BTreeMap, BTreeSet};

use super::rates::Rate;
use super::tracks::{Routes, Tracks};
use crate::aggregate::{EmpiricalMap, FollowCounts, FollowGroup};
use crate::conformance::DesignUse;
use crate::map::{MapVersions, Text};
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
    /// The same of each version of the map.
    pub version_days: Vec<(u32, FollowedDay)>,
    /// By id of the persona, `other` or "" (not told); empty if no version knows a persona.
    pub personas: Vec<(String, Followed)>,
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
    /// Of `decided`: their order rests on a tie.
    pub order_ambiguous: u64,
    /// Journeys beside, of entry dates that are not mature.
    pub immature: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FollowedDay {
    pub entry_date: Day,
    pub mature: bool,
    /// Of a date that is not mature: those decided so far, shares as bounds, and neither precision nor use of the design.
    pub followed: Followed,
    /// Journeys on rare paths, which are in neither precision nor use of the design.
    pub cut_journeys: u64,
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
    let routes = Routes::of(map, &walked.paths.kept);
    let all = Counting { groups: &walked.groups, mature, keyed: map.newest().journey_key.is_some() };
    let tracks = routes.of_paths(|_| true);
    let overall = all.followed(|_| true, &tracks);
    let versions = map.versions.iter().filter_map(|v| {
        let tracks = routes.of_paths(|path| path.version == v.version);
        let followed = all.followed(|g| g.version == v.version, &tracks);
        (followed.decided > 0).then_some((v.version, followed))
    });
    let immature_in = |stage: &str| {
        let own = real.stages.iter().filter(|d| d.stage == stage && !mature.contains(&d.entry_date));
        own.map(|d| d.entered).sum()
    };
    let stages = map.newest().stages.iter().map(|stage| {
        let own = || walked.stages.iter().filter(|s| s.stage == *stage.id);
        let mut followed = followed(&total(own().map(|s| &s.counts)));
        followed.order_ambiguous = total(own().filter(|s| s.order_ambiguous).map(|s| &s.counts)).journeys;
        followed.immature = immature_in(&stage.id);
        tracks.lay_under_stage(&stage.id, &mut followed);
        (stage.id.to_string(), stage.title.clone(), followed)
    });
    let knows_personas = map.versions.iter().any(|v| !v.personas.is_empty());
    let personas: BTreeSet<&str> =
        walked.groups.iter().filter(|_| knows_personas).map(|g| g.persona.as_str()).collect();
    let personas = personas.into_iter().map(|persona| {
        let followed = all.followed(|g| g.persona == persona, &routes.of_persona(persona));
        (persona.to_owned(), followed)
    });
    let days = all.days(&routes, None);
    let of_version = |v: u32| all.days(&routes, Some(v)).into_iter().map(move |day| (v, day));
    let kept: u64 = walked.paths.kept.iter().map(|v| v.journeys).sum();
    let paths = walked.paths.kept.len() as u64;
    let in_flight = walked.groups.iter().filter(|g| g.outcome == "in_flight").map(|g| &g.counts);
    Following {
        certain: all.followed(|g| !g.order_ambiguous, &routes.of_paths(|path| !path.order_ambiguous)),
        versions: versions.collect(),
        stages: stages.collect(),
        version_days: match &map.versions[..] {
            [only] => days.iter().map(|day| (only.version, day.clone())).collect(),
            several => several.iter().map(|v| v.version).flat_map(of_version).collect(),
        },
        days,
        personas: personas.collect(),
        in_flight: fitness(&total(in_flight)),
        order_ambiguous: overall.order_ambiguous,
        ambiguous_type: total(all.counted(|_| true).into_iter().map(|g| &g.counts)).ambiguous_type,
        immature: overall.immature,
        paths: PathsRead {
            paths,
            journeys: kept,
            cut_paths: walked.paths.distinct.saturating_sub(paths),
            cut_journeys: walked.paths.journeys.saturating_sub(kept),
        },
        overall,
    }
}

/// Journeys grouped by how they followed the map, and the entry dates that count.
struct Counting<'a> {
    groups: &'a [FollowGroup],
    mature: &'a BTreeSet<Day>,
    /// Silence decides only provisionally: in bounds the dropped count as in flight.
    keyed: bool,
}

impl<'a> Counting<'a> {
    /// Decided journeys of mature entry dates.
    fn counted(&self, which: impl Fn(&FollowGroup) -> bool) -> Vec<&'a FollowGroup> {
        let ripe = |g: &&FollowGroup| self.mature.contains(&g.entry_date) && g.outcome != "in_flight";
        self.groups.iter().filter(|g| which(g)).filter(ripe).collect()
    }

    fn followed(&self, which: impl Fn(&FollowGroup) -> bool, tracks: &Tracks) -> Followed {
        let mut followed = of_groups(&self.counted(&which));
        tracks.lay_under(&mut followed);
        let own = || self.groups.iter().filter(|g| which(g));
        followed.immature = total(own().filter(|g| !self.mature.contains(&g.entry_date)).map(|g| &g.counts)).journeys;
        if self.mature.is_empty() {
            let all: Vec<&FollowGroup> = own().collect();
            (followed.share, followed.clean) = (bounds(&all, self.keyed), bounds_of_clean(&all, self.keyed));
        }
        followed
    }

    /// By entry date, of all versions or of one.
    fn days(&self, routes: &Routes<'_>, version: Option<u32>) -> Vec<FollowedDay> {
        let mut dates: BTreeMap<Day, Vec<&FollowGroup>> = BTreeMap::new();
        for group in self.groups.iter().filter(|g| version.is_none_or(|version| g.version == version)) {
            dates.entry(group.entry_date).or_default().push(group);
        }
        let day = |(entry_date, all): (Day, Vec<&FollowGroup>)| {
            let decided: Vec<&FollowGroup> = all.iter().copied().filter(|g| g.outcome != "in_flight").collect();
            let mut followed = of_groups(&decided);
            let mature = self.mature.contains(&entry_date);
            let mut cut_journeys = 0;
            if mature {
                let tracks = routes.of_day(entry_date, version);
                tracks.lay_under(&mut followed);
                cut_journeys = (followed.following + followed.straying).saturating_sub(tracks.journeys);
            } else {
                followed.share = bounds(&all, self.keyed);
                followed.clean = bounds_of_clean(&all, self.keyed);
                followed.immature = total(all.iter().map(|g| &g.counts)).journeys;
            }
            FollowedDay { entry_date, mature, followed, cut_journeys }
        };
        dates.into_iter().map(day).collect()
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
        order_ambiguous: total(groups.iter().filter(|g| g.order_ambiguous).map(|g| &g.counts)).journeys,
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

/// Whether it may still follow or stray.
fn is_open(group: &FollowGroup, keyed: bool) -> bool {
    group.outcome == "in_flight" || (keyed && group.outcome == "dropped")
}

/// What the share may still become: those in flight may all stray, or all follow.
fn bounds(groups: &[&FollowGroup], keyed: bool) -> Rate {
    let (mut following, mut evaluated, mut open, mut entered) = (0, 0, 0, 0);
    for group in groups {
        entered += group.counts.journeys;
        if is_open(group, keyed) {
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

/// What coverage may still become: of those in flight the clean ones may meet an unmapped event yet.
fn bounds_of_clean(groups: &[&FollowGroup], keyed: bool) -> Rate {
    let (mut clean, mut open, mut entered) = (0, 0, 0);
    for group in groups {
        entered += group.counts.journeys;
        *(if is_open(group, keyed) { &mut open } else { &mut clean }) += group.counts.clean;
    }
    if entered == 0 {
        return Rate::None;
    }
    let share = |n: u64| n as f64 / entered as f64;
    Rate::Immature { low: share(clean), high: share(clean + open), entered }
}
