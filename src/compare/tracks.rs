//! Paths laid over the versions of a map once, then weighed for any part of the journeys: all, those of one version, of
//! one entry date, of one persona. In: paths with how often they were walked. Out: [`Tracks`]: what precision and the use
//! of the design are ratios of.

use std::collections::BTreeMap;

use super::following::Followed;
use crate::aggregate::{PathCount, PathPart};
use crate::conformance::{DesignUse, DesignedArcs, Judge, Steps, Symbol, Traces};
use crate::map::MapVersions;
use crate::time::Day;

/// Journeys of one path: its place, and how many.
pub(super) type Weight = (usize, u64);

pub(super) struct Routes<'a> {
    pub paths: &'a [PathCount],
    versions: Vec<OfVersion>,
    /// By path: the place of its version, and its place there.
    places: Vec<Option<(usize, usize)>>,
    by_day: BTreeMap<Day, Vec<(usize, &'a PathPart)>>,
}

struct OfVersion {
    /// Ids, by stage index.
    stages: Vec<String>,
    traces: Traces,
    arcs: DesignedArcs,
}

impl<'a> Routes<'a> {
    pub fn of(map: &MapVersions, paths: &'a [PathCount]) -> Self {
        let mut routes = Self { paths, versions: Vec::new(), places: vec![None; paths.len()], by_day: BTreeMap::new() };
        for version in &map.versions {
            let own: Vec<usize> = (0..paths.len()).filter(|&i| paths[i].version == version.version).collect();
            if own.is_empty() {
                continue;
            }
            let mut judge = Judge::new(version.clone());
            let walked: Vec<_> = own.iter().map(|&i| walked(&judge, &paths[i])).collect();
            let all = || walked.iter().map(|(path, end)| (&**path, *end));
            let arcs = DesignedArcs::of(judge.model(), all());
            for (place, &path) in own.iter().enumerate() {
                routes.places[path] = Some((routes.versions.len(), place));
            }
            routes.versions.push(OfVersion {
                stages: version.stages.iter().map(|s| s.id.to_string()).collect(),
                traces: Traces::of(&mut judge, all()),
                arcs,
            });
        }
        for (path, counted) in paths.iter().enumerate() {
            for part in &counted.parts {
                routes.by_day.entry(part.entry_date).or_default().push((path, part));
            }
        }
        routes
    }

    /// All paths that a condition holds of.
    pub fn of_paths(&self, which: impl Fn(&PathCount) -> bool) -> Tracks {
        let own = self.paths.iter().enumerate().filter(|(_, path)| which(path));
        self.weigh(own.map(|(i, path)| (i, path.journeys)))
    }

    /// Of each path the journeys of one persona.
    pub fn of_persona(&self, persona: &str) -> Tracks {
        let own = |path: &PathCount| path.parts.iter().filter(|p| p.persona == persona).map(|p| p.journeys).sum();
        self.weigh(self.paths.iter().enumerate().map(|(i, path)| (i, own(path))))
    }

    /// Of each path the journeys of one entry date, of all versions or of one.
    pub fn of_day(&self, day: Day, version: Option<u32>) -> Tracks {
        let parts = self.by_day.get(&day).into_iter().flatten();
        let own = parts.filter(|(path, _)| version.is_none_or(|version| self.paths[*path].version == version));
        self.weigh(own.map(|(path, part)| (*path, part.journeys)))
    }

    fn weigh(&self, weights: impl Iterator<Item = Weight>) -> Tracks {
        let mut by_version: Vec<Vec<Weight>> = vec![Vec::new(); self.versions.len()];
        for (path, journeys) in weights.filter(|w| w.1 > 0) {
            if let Some((version, place)) = self.places[path] {
                by_version[version].push((place, journeys));
            }
        }
        let mut tracks = Tracks::default();
        for (version, own) in self.versions.iter().zip(by_version).filter(|(_, own)| !own.is_empty()) {
            tracks.add(version, &own);
        }
        tracks
    }
}

/// The paths of some journeys, weighed.
#[derive(Default)]
pub(super) struct Tracks {
    pub journeys: u64,
    states: Steps,
    prefixes: Steps,
    design: DesignUse,
    /// By stage id.
    stages: Vec<(String, Steps, DesignUse)>,
}

impl Tracks {
    fn add(&mut self, version: &OfVersion, weights: &[Weight]) {
        let found = version.traces.weigh(weights.iter().copied());
        self.journeys += weights.iter().map(|w| w.1).sum::<u64>();
        self.states += found.states;
        self.prefixes += found.prefixes;
        for ((id, steps), design) in version.stages.iter().zip(found.stages).zip(version.arcs.used(weights)) {
            self.design += design;
            match self.stages.iter_mut().find(|s| s.0 == *id) {
                Some(known) => {
                    known.1 += steps;
                    known.2 += design;
                }
                None => self.stages.push((id.clone(), steps, design)),
            }
        }
    }

    pub fn lay_under(&self, followed: &mut Followed) {
        followed.precision = self.states.ratio();
        followed.precision_by_prefix = self.prefixes.ratio();
        followed.design_use = self.design;
    }

    pub fn lay_under_stage(&self, id: &str, followed: &mut Followed) {
        if let Some((_, steps, design)) = self.stages.iter().find(|s| s.0 == id) {
            followed.precision = steps.ratio();
            followed.design_use = *design;
        }
    }
}

/// The first visit that decides anything is the one that decided.
fn walked(judge: &Judge, counted: &PathCount) -> (Box<[Symbol]>, Option<u16>) {
    let map = judge.map();
    let path = judge.path(counted.path.iter().filter_map(|id| map.touchpoint_ix(id)));
    let end = path.iter().find_map(|&symbol| judge.model().step(symbol).decides).filter(|_| counted.decided);
    (path, end)
}
