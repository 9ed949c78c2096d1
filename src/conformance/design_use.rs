//! How much of the design people use (semantics.md, "Conformance"). In: paths of decided journeys with how often each was
//! walked. Out: how many of the designed arcs, starts and ends included, at least 1 % of them walked.

use rustc_hash::{FxHashMap, FxHashSet};

use super::judge::Judge;
use super::model::Model;
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
    let model = judge.model();
    let starts = (0..model.stages.len()).filter(|&s| model.stages[s].entry && !model.stages[s].symbols.is_empty());
    let starts = starts.map(|s| Designed::Start(s as StageIx));
    let arcs = (0..model.arcs.len()).map(Designed::Arc);
    let ends = (0..model.ends.len()).map(|end| Designed::End(end as u16));
    let decided: u64 = walked.iter().map(|w| w.journeys).sum();
    let mut journeys: FxHashMap<Designed, u64> = FxHashMap::default();
    for one in walked {
        for arc in arcs_of(model, one) {
            *journeys.entry(arc).or_default() += one.journeys;
        }
    }
    let mut stages = vec![DesignUse::default(); model.stages.len()];
    for designed in starts.chain(arcs).chain(ends) {
        let often = journeys.get(&designed).is_some_and(|&n| n as f64 >= USED * decided as f64);
        stages[usize::from(stage_of(model, designed))] += DesignUse { designed: 1, used: usize::from(often) };
    }
    stages
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
fn arcs_of(model: &Model, one: &Walked) -> FxHashSet<Designed> {
    let stages: Vec<StageIx> = one.path.iter().map(|&symbol| model.step(symbol).stage).collect();
    let start = stages.first().filter(|&&stage| model.stage(stage).entry).map(|&stage| Designed::Start(stage));
    let changes = stages.windows(2).filter(|pair| pair[0] != pair[1]);
    let arcs = changes.filter_map(|pair| model.arc(pair[0], pair[1])).map(Designed::Arc);
    start.into_iter().chain(arcs).chain(one.end.map(Designed::End)).collect()
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
