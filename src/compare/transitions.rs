//! One line per transition, designed or seen. In: daily counts and the designed arcs. Out: [`TransitionLine`]s: designed
//! ones in file order, then what nobody planned, most frequent first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::rates::Rate;
use crate::aggregate::{EmpiricalMap, Histogram};
use crate::map::arcs::arcs;
use crate::map::{DesignedMap, StageIx, Transition, TransitionKind};
use crate::time::Day;

/// How a transition stands to the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransitionMark {
    /// Designed (expected or allowed) and walked.
    Planned,
    /// Walked, and not in the design.
    Unplanned,
    /// Designed, and walked by nobody.
    Unused,
    /// Walked although the design forbids it, or forbidden and rightly unused (`transitions` = 0).
    Forbidden,
    /// Into the journey or out of it: neither planned nor unplanned.
    Boundary,
}

impl TransitionMark {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Unplanned => "unplanned",
            Self::Unused => "unused",
            Self::Forbidden => "forbidden",
            Self::Boundary => "boundary",
        }
    }
}

/// A transition, designed and measured.
#[derive(Clone, Debug)]
pub struct TransitionLine {
    pub from: String,
    pub to: String,
    pub mark: TransitionMark,
    /// Over all entry dates.
    pub transitions: u64,
    /// transitions / entries of `from`, in decided journeys of mature entry dates.
    pub share: Rate,
    pub time_p50: Option<f64>,
    pub time_p90: Option<f64>,
    pub within: Option<Duration>,
    pub not_before: Option<Duration>,
    pub target_share: Option<f64>,
}

impl TransitionLine {
    /// The design speaks of it, for or against.
    pub fn mark_is_designed(&self) -> bool {
        !matches!(self.mark, TransitionMark::Unplanned | TransitionMark::Boundary)
    }
}

/// The arcs that the design speaks of: those listed, forbidden ones among them, then those of the default that are not.
fn designed_arcs(map: &DesignedMap) -> Vec<(StageIx, StageIx, Option<&Transition>)> {
    let mut all: Vec<_> = map.transitions.iter().map(|t| (t.from, t.to, Some(t))).collect();
    let by_default = arcs(map).into_iter().filter(|arc| map.transitions.iter().all(|t| (t.from, t.to) != *arc));
    all.extend(by_default.map(|(from, to)| (from, to, None)));
    all
}

#[derive(Default)]
struct Seen {
    transitions: u64,
    ripe: u64,
    time: Histogram,
}

pub(super) fn lines(map: &DesignedMap, real: &EmpiricalMap, mature: &BTreeSet<Day>) -> Vec<TransitionLine> {
    let mut seen: BTreeMap<(String, String), Seen> = BTreeMap::new();
    // Entries of a stage in decided journeys of mature dates: the sum of what goes out of it.
    let mut out_of: BTreeMap<&str, u64> = BTreeMap::new();
    for t in &real.transitions {
        let entry = seen.entry((t.from.clone(), t.to.clone())).or_default();
        entry.transitions += t.transitions;
        entry.time.merge(&t.time);
        if mature.contains(&t.entry_date) {
            entry.ripe += t.decided;
            *out_of.entry(&t.from).or_default() += t.decided;
        }
    }
    let line = |from: &str, to: &str, mark, design: Option<&Transition>, found: Option<&Seen>| TransitionLine {
        from: from.to_owned(),
        to: to.to_owned(),
        mark,
        transitions: found.map_or(0, |s| s.transitions),
        share: Rate::point(found.map_or(0, |s| s.ripe), out_of.get(from).copied().unwrap_or(0)),
        time_p50: found.and_then(|s| s.time.quantile(0.5)),
        time_p90: found.and_then(|s| s.time.quantile(0.9)),
        within: design.and_then(|d| d.within),
        not_before: design.and_then(|d| d.not_before),
        target_share: design.and_then(|d| d.target_share),
    };
    let mut lines = Vec::new();
    let mut designed = BTreeSet::new();
    for (from, to, design) in designed_arcs(map) {
        let key = (map.stages[usize::from(from)].id.to_string(), map.stages[usize::from(to)].id.to_string());
        let found = seen.get(&key).filter(|s| s.transitions > 0);
        let mark = match (design.map(|d| d.kind), found) {
            (Some(TransitionKind::Forbidden), _) => TransitionMark::Forbidden,
            (_, Some(_)) => TransitionMark::Planned,
            (_, None) => TransitionMark::Unused,
        };
        lines.push(line(&key.0, &key.1, mark, design, found));
        designed.insert(key);
    }
    let is_stage = |id: &str| map.stage_ix(id).is_some();
    let mut rest: Vec<_> = seen.iter().filter(|(k, s)| !designed.contains(*k) && s.transitions > 0).collect();
    rest.sort_by(|a, b| b.1.transitions.cmp(&a.1.transitions).then(a.0.cmp(b.0)));
    for (key, found) in rest {
        let inside = is_stage(&key.0) && is_stage(&key.1);
        let mark = if inside { TransitionMark::Unplanned } else { TransitionMark::Boundary };
        lines.push(line(&key.0, &key.1, mark, None, Some(found)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map;

    fn of(transitions: &str) -> Vec<(StageIx, StageIx, bool)> {
        let text = format!(
            "{{ schema: journey/v1, id: m, version: 1, stages: [{{ id: A }}, {{ id: B }}, {{ id: Won, role: success }}, {{ id: Out, role: exit }}],
              touchpoints: [{{ id: a, stage: A }}, {{ id: b, stage: B }}, {{ id: won, stage: Won }}, {{ id: out, stage: Out }}], transitions: [{transitions}] }}"
        );
        let map = map::parse("m", &text).unwrap_or_else(|e| panic!("{e}"));
        designed_arcs(&map).into_iter().map(|(from, to, listed)| (from, to, listed.is_some())).collect()
    }

    #[test]
    fn an_arc_of_the_default_that_is_forbidden_is_designed_once() {
        let default = [(0, 1, false), (1, 2, false), (0, 3, false), (1, 3, false)];
        assert_eq!(of(""), default);
        let forbidden = of("{ from: A, to: Out, kind: forbidden }");
        assert_eq!(forbidden, [(0, 3, true), (0, 1, false), (1, 2, false), (1, 3, false)]);
        let listed = "{ from: A, to: B, kind: allowed }, { from: B, to: Won, kind: expected }, { from: B, to: Out, kind: allowed }";
        assert_eq!(of(listed), [(0, 1, true), (1, 2, true), (1, 3, true)], "then there is no default");
    }
}
