//! How much of the design people use (semantics.md, "Conformance"). In: paths of decided journeys with how often each was
//! walked. Out: how many of the designed arcs, starts and ends included, at least 1 % of them walked.

use rustc_hash::{FxHashMap, FxHashSet};

use super::judge::Judge;
use super::model::{Model, Symbol};
use super::precision::Walked;
use crate::map::StageIx;

/// Of the decided journeys, at least this share has walked an arc that counts as used.
const USED: f64 = 0.01;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DesignUse {
    pub designed: usize,
    pub used: usize,
}

impl DesignUse {
    pub fn share(&self) -> Option<f64> {
        (self.designed > 0).then(|| self.used as f64 / self.designed as f64)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Designed {
    Start(StageIx),
    Arc(usize),
    End(u16),
}

impl std::ops::AddAssign for DesignUse {
    fn add_assign(&mut self, other: Self) {
        self.designed += other.designed;
        self.used += other.used;
    }
}

pub fn design_use(judge: &Judge, walked: &[Walked]) -> DesignUse {
    let mut all = DesignUse::default();
    design_use_by_stage(judge, walked).into_iter().for_each(|stage| all += stage);
    all
}

/// The same by stage, by stage index: an arc belongs to the stage it leaves, a start or end to that where it lies.
pub fn design_use_by_stage(judge: &Judge, walked: &[Walked]) -> Vec<DesignUse> {
    let arcs = DesignedArcs::of(judge.model(), walked.iter().map(|w| (&*w.path, w.end)));
    arcs.used(&walked.iter().map(|w| w.journeys).enumerate().collect::<Vec<_>>())
}

/// Which designed arcs each of some paths walks, so that the paths can be weighed again and again.
#[derive(Debug, Default)]
pub struct DesignedArcs {
    /// By designed arc, starts and ends included: its stage.
    stage: Vec<StageIx>,
    stages: usize,
    /// By path: its designed arcs, each once.
    walked: Vec<Box<[usize]>>,
}

impl DesignedArcs {
    pub fn of<'a>(model: &Model, paths: impl IntoIterator<Item = (&'a [Symbol], Option<u16>)>) -> Self {
        let starts = (0..model.stages.len()).filter(|&s| model.stages[s].entry && !model.stages[s].symbols.is_empty());
        let starts = starts.map(|s| Designed::Start(s as StageIx));
        let arcs = (0..model.arcs.len()).map(Designed::Arc);
        let ends = (0..model.ends.len()).map(|end| Designed::End(end as u16));
        let all: Vec<Designed> = starts.chain(arcs).chain(ends).collect();
        let place: FxHashMap<Designed, usize> = all.iter().enumerate().map(|(i, &designed)| (designed, i)).collect();
        let own = |(path, end): (&[Symbol], _)| {
            arcs_of(model, path, end).iter().filter_map(|arc| place.get(arc).copied()).collect()
        };
        Self {
            stage: all.iter().map(|&designed| stage_of(model, designed)).collect(),
            stages: model.stages.len(),
            walked: paths.into_iter().map(own).collect(),
        }
    }

    /// By stage index: the arcs that at least 1 % of these journeys walked. The place of each path, and how many walked it.
    pub fn used(&self, walked: &[(usize, u64)]) -> Vec<DesignUse> {
        let decided: u64 = walked.iter().map(|(_, journeys)| journeys).sum();
        let mut journeys = vec![0; self.stage.len()];
        for &(path, times) in walked {
            for &arc in self.walked.get(path).into_iter().flatten() {
                journeys[arc] += times;
            }
        }
        let mut stages = vec![DesignUse::default(); self.stages];
        for (&stage, n) in self.stage.iter().zip(journeys) {
            let often = n > 0 && n as f64 >= USED * decided as f64;
            stages[usize::from(stage)] += DesignUse { designed: 1, used: usize::from(often) };
        }
        stages
    }
}

fn stage_of(model: &Model, designed: Designed) -> StageIx {
    let decides = |end: u16| model.steps.iter().find(|step| step.decides == Some(end)).map(|step| step.stage);
    match designed {
        Designed::Start(stage) => stage,
        Designed::Arc(arc) => model.arcs[arc].from,
        Designed::End(end) => decides(end).unwrap_or_default(),
    }
}

/// The designed arcs that a path walks, each once.
fn arcs_of(model: &Model, path: &[Symbol], end: Option<u16>) -> FxHashSet<Designed> {
    let stages: Vec<StageIx> = path.iter().map(|&symbol| model.step(symbol).stage).collect();
    let start = stages.first().filter(|&&stage| model.stage(stage).entry).map(|&stage| Designed::Start(stage));
    let changes = stages.windows(2).filter(|pair| pair[0] != pair[1]);
    let arcs = changes.filter_map(|pair| model.arc(pair[0], pair[1])).map(Designed::Arc);
    start.into_iter().chain(arcs).chain(end.map(Designed::End)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::map;

    #[test]
    fn arcs_starts_and_ends_count_as_used_from_one_percent_of_decided_journeys_on() {
        let text = "{ schema: journey/v1, id: m, version: 1, stages: [{ id: A, role: entry }, { id: B }, { id: Won, role: success },
            { id: Lost, role: exit }], touchpoints: [{ id: a, stage: A }, { id: b, stage: B }, { id: won, stage: Won },
            { id: lost, stage: Lost }] }";
        let judge = Judge::new(Arc::new(map::parse("m", text).unwrap()));
        let walked = |ids: [u16; 2], last: u16, journeys: u64| {
            let path = judge.path(ids.into_iter().chain([last]));
            Walked { path, end: judge.model().decides(last), journeys }
        };
        let (won, lost) = (2, 3);
        let rare = [walked([0, 1], won, 199), walked([0, 0], lost, 1)];
        assert_eq!(design_use(&judge, &rare), DesignUse { designed: 7, used: 4 });
        let often = [walked([0, 1], won, 198), walked([0, 0], lost, 2)];
        assert_eq!(design_use(&judge, &often), DesignUse { designed: 7, used: 6 });
        let by_stage = design_use_by_stage(&judge, &often);
        assert_eq!(by_stage.iter().map(|s| (s.designed, s.used)).collect::<Vec<_>>(), [(3, 3), (2, 1), (1, 1), (1, 1)]);
        // A way that the map does not have is no part of the design.
        let wild = [walked([1, 0], won, 1)];
        assert_eq!(design_use(&judge, &wild), DesignUse { designed: 7, used: 1 });
    }
}
