//! From when on journeys with a deviation are held beside those without it (semantics.md, "Conformance"): both must still
//! be undecided there, so that survivors are not compared with the dead. In: deviations that were counted, the versions
//! of the map. Out: what is worth asking, each with its landmark.
//!
//! Who has it is told at the landmark as well: what comes later only survivors can come to have.
//!
//! A step left out is due when the journey goes on to a later stage; a stage is too slow, a step unexpected or out of
//! order, a way unexpected or forbidden by the time that stage is left; a change is too slow, too fast or made once too
//! often among those who made it (as often as is allowed); a visit fails, goes through the wrong channel or is made once
//! too often among those who made it (as often as is allowed).

use std::time::Duration;

use super::{DeviationCount, Exposed, Landmark, Studied};
use crate::map::{DesignedMap, MapVersions};

/// Deviations that enough decided journeys have, at most `most`.
pub fn studied(map: &MapVersions, deviations: &[DeviationCount], most: usize) -> Vec<Studied> {
    let enough = |d: &&DeviationCount| d.mature_decided >= map.newest().min_n;
    let one = |d: &DeviationCount| {
        let version = map.versions.iter().find(|v| v.version == d.version)?;
        let (landmark, exposed) = landmark(version, d)?;
        Some(Studied { version: d.version, kind: d.kind.clone(), place: d.place.clone(), landmark, exposed })
    };
    deviations.iter().filter(enough).filter_map(one).take(most).collect()
}

fn landmark(map: &DesignedMap, d: &DeviationCount) -> Option<(Landmark, Exposed)> {
    let words: Vec<&str> = d.place.split(' ').collect();
    let text = |word: &str| word.to_owned();
    let left = |exposed: Exposed| Some((Landmark::Left(d.stage.clone()), exposed));
    let change = |from: &str, to: &str, times: u32| Landmark::Change(text(from), text(to), times);
    let listed = |from: &str, to: &str| {
        let (from, to) = (map.stage_ix(from)?, map.stage_ix(to)?);
        map.transitions.iter().find(|t| (t.from, t.to) == (from, to))
    };
    let touchpoint = |id: &str| Some(&map.touchpoints[usize::from(map.touchpoint_ix(id)?)]);
    let micros = |time: Duration| time.as_micros() as i64;
    match (d.kind.as_str(), words.as_slice()) {
        ("missing", [one]) if *one == d.stage => {
            Some((Landmark::Past(map.stage_ix(&d.stage)?), Exposed::NotIn(d.stage.clone())))
        }
        ("missing", owed) => {
            let owed = owed.iter().map(|t| text(t)).collect();
            Some((Landmark::Past(map.stage_ix(&d.stage)?), Exposed::NoneOf(owed)))
        }
        ("repeated", [t]) => Some((Landmark::Visit(text(t), touchpoint(t)?.max_repeats?), Exposed::OnceMore)),
        ("repeated", [from, to]) => Some((change(from, to, listed(from, to)?.max_repeats?), Exposed::OnceMore)),
        ("too_slow", [from, to]) => Some((change(from, to, 1), Exposed::Longer(micros(listed(from, to)?.within?)))),
        ("too_fast", [from, to]) => {
            Some((change(from, to, 1), Exposed::Shorter(micros(listed(from, to)?.not_before?))))
        }
        ("too_slow", [stage]) => {
            let limit = map.stages[usize::from(map.stage_ix(stage)?)].max_time?;
            left(Exposed::Longer(micros(limit)))
        }
        ("wrong_channel", [t]) => {
            let channels = touchpoint(t)?.channels.iter().map(|c| text(c)).collect();
            Some((Landmark::Visit(text(t), 1), Exposed::ThroughNoneOf(channels)))
        }
        ("failed", [t]) => Some((Landmark::Visit(text(t), 1), Exposed::Failed)),
        ("out_of_order" | "unexpected", [t]) => left(Exposed::Visited(text(t))),
        ("unexpected" | "forbidden", [_, to]) => left(Exposed::WentTo(text(to))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map;

    fn versions() -> MapVersions {
        let text = "{ schema: journey/v1, id: m, version: 1, min_n: 5, stages: [{ id: A, role: entry, max_time: P1D }, { id: B }, { id: Won, role: success }],
            touchpoints: [{ id: a, stage: A, max_repeats: 2 }, { id: b, stage: B }, { id: won, stage: Won }],
            transitions: [{ from: A, to: B, kind: expected, within: PT1H }, { from: B, to: Won, kind: expected }, { from: B, to: A, kind: allowed, max_repeats: 3 }] }";
        let map = std::sync::Arc::new(map::parse("m", text).unwrap());
        MapVersions { id: map.id.clone(), versions: vec![map], fingerprint: String::new() }
    }

    fn counted(kind: &str, place: &str, stage: &str, mature_decided: u64) -> DeviationCount {
        let text = |t: &str| t.to_owned();
        DeviationCount {
            version: 1,
            kind: text(kind),
            place: text(place),
            stage: text(stage),
            mature_decided,
            ..DeviationCount::default()
        }
    }

    #[test]
    fn each_type_has_the_landmark_at_which_it_can_be_told_from_its_absence() {
        let s = |t: &str| t.to_owned();
        let cases = [
            (("missing", "B", "B"), Landmark::Past(1), Exposed::NotIn(s("B"))),
            (("missing", "b", "B"), Landmark::Past(1), Exposed::NoneOf(vec![s("b")])),
            (("repeated", "a", "A"), Landmark::Visit(s("a"), 2), Exposed::OnceMore),
            (("repeated", "B A", "B"), Landmark::Change(s("B"), s("A"), 3), Exposed::OnceMore),
            (("too_slow", "A", "A"), Landmark::Left(s("A")), Exposed::Longer(86_400_000_000)),
            (("too_slow", "A B", "A"), Landmark::Change(s("A"), s("B"), 1), Exposed::Longer(3_600_000_000)),
            (("unexpected", "A Won", "A"), Landmark::Left(s("A")), Exposed::WentTo(s("Won"))),
            (("out_of_order", "b", "B"), Landmark::Left(s("B")), Exposed::Visited(s("b"))),
            (("failed", "b", "B"), Landmark::Visit(s("b"), 1), Exposed::Failed),
            (("wrong_channel", "b", "B"), Landmark::Visit(s("b"), 1), Exposed::ThroughNoneOf(vec![])),
        ];
        for ((kind, place, stage), landmark, exposed) in cases {
            let found = studied(&versions(), &[counted(kind, place, stage, 5)], 9);
            let found: Vec<_> = found.into_iter().map(|s| (s.landmark, s.exposed)).collect();
            assert_eq!(found, [(landmark, exposed)], "{kind} {place}");
        }
    }

    #[test]
    fn what_too_few_have_and_what_is_beyond_the_bound_is_not_asked_for() {
        let all = [counted("missing", "B", "B", 5), counted("missing", "A", "A", 4), counted("failed", "b", "B", 9)];
        let kinds = |most| studied(&versions(), &all, most).into_iter().map(|s| s.kind).collect::<Vec<_>>();
        assert_eq!(kinds(9), ["missing", "failed"]);
        assert_eq!(kinds(1), ["missing"]);
    }
}
