//! The arcs of a designed map, and what they reach (semantics.md, "Conformance", "Model"). In: a checked map. Out: pairs
//! of stages.

use super::designed::{DesignedMap, Role, StageIx, Touchpoint, TransitionKind};

/// The model's arcs between stages: the transitions listed as expected or allowed; with none listed, each stage to the
/// next up to the first that can succeed, and each of those before it to every exit. Start and end arcs are not among
/// them.
pub fn arcs(map: &DesignedMap) -> Vec<(StageIx, StageIx)> {
    let of_kind = |forbidden: bool| {
        let chosen = map.transitions.iter().filter(move |t| (t.kind == TransitionKind::Forbidden) == forbidden);
        chosen.map(|t| (t.from, t.to)).collect::<Vec<_>>()
    };
    let listed = of_kind(false);
    if !listed.is_empty() {
        return listed;
    }
    let role = |s: StageIx| map.stages[usize::from(s)].role;
    let all = || 0..map.stages.len() as StageIx;
    let chain: Vec<StageIx> = all().filter(|&s| role(s) != Role::Exit).collect();
    let last = chain.iter().position(|&s| can_succeed(map, s)).unwrap_or(chain.len());
    let forward = chain.windows(2).take(last).map(|pair| (pair[0], pair[1]));
    let leaving = chain.iter().take(last).flat_map(|&s| all().filter(|&e| role(e) == Role::Exit).map(move |e| (s, e)));
    let forbidden = of_kind(true);
    forward.chain(leaving).filter(|arc| !forbidden.contains(arc)).collect()
}

/// The touchpoint decides for success: a goal, or any of a success stage that has no goal touchpoint.
pub fn is_success(map: &DesignedMap, touchpoint: &Touchpoint) -> bool {
    touchpoint.goal || succeeds_by_stage(map, touchpoint.stage)
}

/// Any visit of the stage completes a journey: role success, and no goal touchpoint.
pub fn succeeds_by_stage(map: &DesignedMap, stage: StageIx) -> bool {
    let has_goal = || map.touchpoints.iter().any(|t| t.goal && t.stage == stage);
    map.stages[usize::from(stage)].role == Role::Success && !has_goal()
}

/// The touchpoint decides for an exit, unless it decides for success.
pub fn is_exit(map: &DesignedMap, touchpoint: &Touchpoint) -> bool {
    touchpoint.exit || map.stages[usize::from(touchpoint.stage)].role == Role::Exit
}

/// A journey can be completed in this stage.
pub fn can_succeed(map: &DesignedMap, stage: StageIx) -> bool {
    let goal = map.touchpoints.iter().any(|t| t.stage == stage && t.goal);
    goal || map.stages[usize::from(stage)].role == Role::Success
}

/// A journey can be completed or ended in this stage.
pub fn is_end(map: &DesignedMap, stage: StageIx) -> bool {
    let exit = map.touchpoints.iter().any(|t| t.stage == stage && t.exit);
    exit || map.stages[usize::from(stage)].role == Role::Exit || can_succeed(map, stage)
}

/// Stages that no entry reaches along the arcs.
pub fn unreachable(map: &DesignedMap) -> Vec<StageIx> {
    let entries = (0..map.stages.len()).filter(|&s| map.entry[s]).map(|s| s as StageIx);
    missed(map, &spread(map, entries, &arcs(map)))
}

/// Stages from which the arcs lead to no end. With `after_goal` a journey may stand behind its success, so what a
/// success leads to is not among them. Empty, too, for a map without any end.
pub fn endless(map: &DesignedMap) -> Vec<StageIx> {
    let stages = || 0..map.stages.len() as StageIx;
    if !stages().any(|s| is_end(map, s)) {
        return Vec::new();
    }
    let arcs = arcs(map);
    let backwards: Vec<_> = arcs.iter().map(|&(from, to)| (to, from)).collect();
    let mut reached = spread(map, stages().filter(|&s| is_end(map, s)), &backwards);
    if !map.after_goal.is_zero() {
        let behind = spread(map, stages().filter(|&s| can_succeed(map, s)), &arcs);
        reached.iter_mut().zip(behind).for_each(|(r, b)| *r |= b);
    }
    missed(map, &reached)
}

fn spread(map: &DesignedMap, from: impl Iterator<Item = StageIx>, arcs: &[(StageIx, StageIx)]) -> Vec<bool> {
    let mut reached = vec![false; map.stages.len()];
    let mut waiting: Vec<StageIx> = from.collect();
    while let Some(stage) = waiting.pop() {
        if !std::mem::replace(&mut reached[usize::from(stage)], true) {
            waiting.extend(arcs.iter().filter(|(a, _)| *a == stage).map(|(_, b)| *b));
        }
    }
    reached
}

fn missed(map: &DesignedMap, reached: &[bool]) -> Vec<StageIx> {
    (0..map.stages.len()).filter(|&s| !reached[s]).map(|s| s as StageIx).collect()
}
