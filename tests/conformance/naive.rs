//! The model once more, word by word from the text of semantics.md and with nothing of `tropa::conformance`: a run is a
//! list of touchpoints, and everything asked of it is asked of the whole list again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use tropa::map::{DesignedMap, Role, TransitionKind};

/// How a run stands: everything that could matter, nothing made small.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Standing {
    stage: Option<usize>,
    /// Last touchpoint's place in the order of the file within the stage.
    last: usize,
    visited: BTreeSet<usize>,
    /// Visits in this stage entry of touchpoints with `max_repeats`.
    here: BTreeMap<usize, u32>,
    /// Times that transitions with `max_repeats` were taken.
    taken: BTreeMap<(usize, usize), u32>,
    /// What it has decided.
    pub end: Option<String>,
    over: bool,
}

pub struct Naive<'a> {
    map: &'a DesignedMap,
    arcs: Vec<(usize, usize)>,
    alive: RefCell<BTreeMap<Standing, bool>>,
}

impl<'a> Naive<'a> {
    pub fn of(map: &'a DesignedMap) -> Self {
        Self { map, arcs: arcs(map), alive: RefCell::default() }
    }

    /// How a run of one more visit stands, if that is a run, and could still come to an end or has.
    pub fn longer(&self, before: &Standing, touchpoint: usize) -> Option<Standing> {
        let standing = self.after(before, touchpoint)?;
        let known = self.alive.borrow().get(&standing).copied();
        let alive = known.unwrap_or_else(|| self.can_end(&standing));
        self.alive.borrow_mut().insert(standing.clone(), alive);
        alive.then_some(standing)
    }

    fn after(&self, before: &Standing, touchpoint: usize) -> Option<Standing> {
        if before.over {
            return None;
        }
        let t = &self.map.touchpoints[touchpoint];
        let stage = usize::from(t.stage);
        let mut now = before.clone();
        match before.stage {
            None if !self.map.entry[stage] => return None,
            Some(from) if from != stage => {
                if !self.arcs.contains(&(from, stage)) {
                    return None;
                }
                let listed = self.map.transitions.iter().find(|t| (t.from as usize, t.to as usize) == (from, stage));
                if let Some(limit) = listed.and_then(|t| t.max_repeats) {
                    let taken = now.taken.entry((from, stage)).or_default();
                    *taken += 1;
                    if *taken > limit {
                        return None;
                    }
                }
                if stage > from && self.map.stages[stage].role != Role::Exit && self.owes(before, from) {
                    return None;
                }
            }
            _ => {}
        }
        if before.stage != Some(stage) {
            (now.stage, now.last) = (Some(stage), 0);
            now.here.clear();
        }
        if self.map.stages[stage].sequence {
            if touchpoint < now.last {
                return None;
            }
            now.last = touchpoint;
        }
        if let Some(limit) = t.max_repeats {
            let here = now.here.entry(touchpoint).or_default();
            *here += 1;
            if *here > limit {
                return None;
            }
        }
        now.visited.insert(touchpoint);
        if now.end.is_none()
            && let Some((end, success)) = self.decides(touchpoint)
        {
            now.end = Some(end);
            now.over = !success || self.map.after_goal.is_zero();
        }
        Some(now)
    }

    fn owes(&self, standing: &Standing, stage: usize) -> bool {
        let touchpoints = self.map.touchpoints.iter().enumerate();
        let mut required = touchpoints.filter(|(_, t)| usize::from(t.stage) == stage && t.required);
        let group = &self.map.stages[stage].one_of;
        required.any(|(i, _)| !standing.visited.contains(&i))
            || (!group.is_empty() && !group.iter().any(|&t| standing.visited.contains(&usize::from(t))))
    }

    /// Name of what a visit decides, and whether it is a success.
    fn decides(&self, touchpoint: usize) -> Option<(String, bool)> {
        let t = &self.map.touchpoints[touchpoint];
        let stage = &self.map.stages[usize::from(t.stage)];
        let goals = self.map.touchpoints.iter().any(|other| other.stage == t.stage && other.goal);
        if t.goal {
            Some((format!("success {}", t.id), true))
        } else if stage.role == Role::Success && !goals {
            Some((format!("success {}", stage.id), true))
        } else if t.exit {
            Some((format!("exit {}", t.id), false))
        } else if stage.role == Role::Exit {
            Some((format!("exit {}", stage.id), false))
        } else {
            None
        }
    }

    fn can_end(&self, standing: &Standing) -> bool {
        self.following(standing, |here| here.end.is_some())
    }

    /// Every end that some run comes to.
    pub fn ends(&self) -> BTreeSet<String> {
        let mut ends = BTreeSet::new();
        self.following(&Standing::default(), |here| {
            ends.extend(here.end.clone());
            false
        });
        ends
    }

    /// Looks at every standing that can follow, until one is what is looked for.
    fn following(&self, standing: &Standing, mut found: impl FnMut(&Standing) -> bool) -> bool {
        let mut seen = BTreeSet::from([standing.clone()]);
        let mut waiting = vec![standing.clone()];
        while let Some(here) = waiting.pop() {
            if found(&here) {
                return true;
            }
            for touchpoint in 0..self.map.touchpoints.len() {
                if let Some(next) = self.after(&here, touchpoint)
                    && seen.insert(next.clone())
                {
                    waiting.push(next);
                }
            }
        }
        false
    }

    /// Name of the end that a touchpoint decides.
    pub fn end(&self, touchpoint: usize) -> Option<String> {
        self.decides(touchpoint).map(|(end, _)| end)
    }
}

/// Exactly the listed ones that are expected or allowed; if there are none, the chain and the ways out.
fn arcs(map: &DesignedMap) -> Vec<(usize, usize)> {
    let pair = |t: &tropa::map::Transition| (usize::from(t.from), usize::from(t.to));
    let forbidden: Vec<_> = map.transitions.iter().filter(|t| t.kind == TransitionKind::Forbidden).map(pair).collect();
    let listed: Vec<_> = map.transitions.iter().filter(|t| t.kind != TransitionKind::Forbidden).map(pair).collect();
    if !listed.is_empty() {
        return listed;
    }
    let (mut out, mut before): (Vec<(usize, usize)>, Option<usize>) = (Vec::new(), None);
    for (s, stage) in map.stages.iter().enumerate() {
        if stage.role == Role::Exit {
            continue;
        }
        out.extend(before.map(|before| (before, s)));
        let goal = map.touchpoints.iter().any(|t| usize::from(t.stage) == s && t.goal);
        if stage.role == Role::Success || goal {
            break;
        }
        let exits = (0..map.stages.len()).filter(|&e| map.stages[e].role == Role::Exit);
        out.extend(exits.map(|e| (s, e)));
        before = Some(s);
    }
    out.retain(|arc| !forbidden.contains(arc));
    out
}
