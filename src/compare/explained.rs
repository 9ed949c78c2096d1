//! The paths that carry a given share of the journeys, and what is hidden with the others. In: every path of stages with its
//! journeys, as `tropa variants --by stage` counts them, and a [`Share`]. Out: [`Explained`]: the fewest paths that carry it,
//! most walked first; at equal journeys the older version of the map, then the path by its text.

use std::collections::BTreeSet;

use super::{Comparison, TransitionMark};
use crate::aggregate::variants::{StagePath, StagePaths};

/// A part of the journeys: above 0, up to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    billionths: u64,
}

impl Share {
    const WHOLE: u64 = 1_000_000_000;

    /// `0.8`; else why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = text.trim().parse::<f64>().ok();
        let billionths =
            number.filter(|s| *s > 0.0 && *s <= 1.0).map_or(0, |s| (s * Self::WHOLE as f64).round() as u64);
        if billionths > 0 {
            return Ok(Self { billionths });
        }
        let hint = match number {
            Some(percent) if percent > 1.0 && percent <= 100.0 => {
                format!("`--explain {}` for {percent} %", percent / 100.0)
            }
            Some(_) => "leave it out to see every path".to_owned(),
            None => "`--explain 0.8` shows the paths of four journeys in five".to_owned(),
        };
        Err(format!("{text} is no part of the journeys\n  allowed: a share above 0, up to 1\n  hint: {hint}"))
    }

    pub const fn value(self) -> f64 {
        self.billionths as f64 / Self::WHOLE as f64
    }

    fn is_carried_by(self, part: u64, of: u64) -> bool {
        u128::from(part) * u128::from(Self::WHOLE) >= u128::from(of) * u128::from(self.billionths)
    }
}

/// What is shown of the real map, and what is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// What was asked for.
    pub share: Share,
    pub paths: Vec<StagePath>,
    /// Of the paths shown, and of the others.
    pub journeys: u64,
    pub hidden_paths: u64,
    pub hidden_journeys: u64,
    /// Walked, and on no path shown: (from, to), as the comparison lists them.
    pub hidden_transitions: Vec<(String, String)>,
    /// Entered, and on no path shown.
    pub hidden_stages: Vec<String>,
}

impl Explained {
    /// What the paths shown carry; `None` without journeys.
    pub fn carried(&self) -> Option<f64> {
        let all = self.journeys + self.hidden_journeys;
        (all > 0).then(|| self.journeys as f64 / all as f64)
    }

    /// The same without paths that fewer walked, and with as many others hidden that these cannot be told from the rest.
    pub(super) fn of_many(mut self, c: &Comparison, min_cell: u64) -> Self {
        let few = |n: u64| 0 < n && n < min_cell;
        while let Some(last) = self.paths.pop_if(|last| few(last.journeys) || few(self.hidden_journeys)) {
            self.journeys -= last.journeys;
            self.hidden_journeys += last.journeys;
            self.hidden_paths += 1;
        }
        (self.hidden_transitions, self.hidden_stages) = hidden(c, &self.paths);
        self
    }
}

impl Comparison {
    /// The picture draws this arc: it is on a path shown, or nobody walks it.
    pub fn shows_transition(&self, from: &str, to: &str) -> bool {
        self.explained.as_ref().is_none_or(|e| !e.hidden_transitions.iter().any(|t| t.0 == from && t.1 == to))
    }

    /// The same, with what is shown of the real map.
    pub fn explain(mut self, paths: StagePaths, share: Share) -> Self {
        self.explained = Some(explained(&self, paths, share));
        self
    }

    pub fn shows_stage(&self, id: &str) -> bool {
        self.explained.as_ref().is_none_or(|e| !e.hidden_stages.iter().any(|s| s == id))
    }
}

fn explained(c: &Comparison, counted: StagePaths, share: Share) -> Explained {
    let StagePaths { mut kept, distinct, journeys: all } = counted;
    let text = |p: &StagePath| p.path.join(" ");
    kept.sort_by(|a, b| {
        b.journeys.cmp(&a.journeys).then(a.version.cmp(&b.version)).then_with(|| text(a).cmp(&text(b)))
    });
    let mut journeys = 0;
    let enough = kept.iter().position(|p| {
        journeys += p.journeys;
        share.is_carried_by(journeys, all)
    });
    kept.truncate(enough.map_or(kept.len(), |last| last + 1));
    let (hidden_transitions, hidden_stages) = hidden(c, &kept);
    Explained {
        share,
        journeys,
        hidden_paths: distinct.saturating_sub(kept.len() as u64),
        hidden_journeys: all.saturating_sub(journeys),
        hidden_transitions,
        hidden_stages,
        paths: kept,
    }
}

/// Walked or entered, and on none of these paths.
fn hidden(c: &Comparison, kept: &[StagePath]) -> (Vec<(String, String)>, Vec<String>) {
    let stages: BTreeSet<&str> = kept.iter().flat_map(|p| p.path.iter().map(String::as_str)).collect();
    let steps = kept.iter().flat_map(|p| p.path.windows(2)).map(|pair| (pair[0].as_str(), pair[1].as_str()));
    let steps: BTreeSet<(&str, &str)> = steps.collect();
    let walked = c.transitions.iter().filter(|t| t.mark != TransitionMark::Boundary && t.transitions > 0);
    let ways = walked.filter(|t| !steps.contains(&(t.from.as_str(), t.to.as_str())));
    let entered = c.stages.iter().filter(|s| s.entered > 0 && !stages.contains(s.id.as_str()));
    (ways.map(|t| (t.from.clone(), t.to.clone())).collect(), entered.map(|s| s.id.clone()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::aggregate::{EmpiricalMap, StageDay, TransitionDay};
    use crate::compare::compare;
    use crate::compare::tests::{MAP, day, real, versions};

    /// Every pair of these stages is walked, and every one is entered.
    const STAGES: [&str; 3] = ["A", "B", "Won"];

    fn comparison() -> Comparison {
        let entry_date = day("2026-01-01");
        let pairs = STAGES.iter().flat_map(|a| STAGES.iter().filter(move |b| a != *b).map(move |b| (*a, *b)));
        let transition = |(from, to): (&str, &str)| TransitionDay {
            entry_date,
            from: from.to_owned(),
            to: to.to_owned(),
            transitions: 3,
            decided: 3,
            ..TransitionDay::default()
        };
        let stage =
            |id: &&str| StageDay { entry_date, stage: (*id).to_owned(), entered: 5, entries: 5, ..StageDay::default() };
        compare(
            &versions(MAP),
            &EmpiricalMap {
                transitions: pairs.map(transition).collect(),
                stages: STAGES.iter().map(stage).collect(),
                ..real()
            },
        )
    }

    fn paths(list: &[(u32, &str, u64)]) -> StagePaths {
        let one = |(version, path, journeys): &(u32, &str, u64)| StagePath {
            version: *version,
            path: path.split(' ').map(str::to_owned).collect(),
            journeys: *journeys,
        };
        let kept: Vec<StagePath> = list.iter().map(one).collect();
        StagePaths { distinct: kept.len() as u64, journeys: kept.iter().map(|p| p.journeys).sum(), kept }
    }

    fn share(text: &str) -> Share {
        Share::parse(text).expect("a share")
    }

    fn explained(list: &[(u32, &str, u64)], asked: &str) -> Explained {
        comparison().explain(paths(list), share(asked)).explained.expect("asked for")
    }

    const LIST: [(u32, &str, u64); 5] =
        [(1, "A", 50), (1, "A B", 20), (2, "A B", 20), (1, "A B Won", 7), (1, "A Won", 3)];

    #[test]
    fn the_fewest_paths_that_carry_the_share_are_shown_and_the_rest_is_counted() {
        let found = explained(&LIST, "0.7");
        assert_eq!(found.paths.iter().map(|p| (p.version, p.journeys)).collect::<Vec<_>>(), [(1, 50), (1, 20)]);
        assert_eq!((found.journeys, found.hidden_journeys, found.hidden_paths), (70, 30, 3));
        assert_eq!(found.carried(), Some(0.7));
        assert_eq!(explained(&LIST, "0.700000001").paths.len(), 3, "one more where a billionth is missing");
        assert_eq!(explained(&LIST, "0.000000001").paths.len(), 1, "at least one");
    }

    #[test]
    fn arcs_and_stages_on_no_path_shown_are_hidden_and_those_nobody_walks_are_not() {
        let c = comparison().explain(paths(&LIST), share("0.7"));
        let hidden = &c.explained.as_ref().expect("asked for").hidden_transitions;
        let hidden: Vec<(&str, &str)> = hidden.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        // As the comparison lists them: designed first, then by their ids.
        assert_eq!(hidden, [("B", "Won"), ("A", "Won"), ("B", "A"), ("Won", "A"), ("Won", "B")]);
        assert!(c.shows_transition("A", "B") && !c.shows_transition("B", "Won"));
        assert!(c.shows_transition("A", "elsewhere"), "nobody walks it");
        assert!(c.shows_stage("B") && !c.shows_stage("Won"));
        assert!(comparison().shows_stage("Won"), "without the option all are shown");
    }

    #[test]
    fn what_is_no_share_is_said_with_what_is_allowed_and_a_hint() {
        let said = |text: &str| Share::parse(text).expect_err("it is no share");
        for wrong in ["0", "-0.1", "1.5", "80", "abc", "", "NaN", "inf", "0.8x"] {
            let error = said(wrong);
            assert!(error.starts_with(&format!("{wrong} is no part of the journeys\n  allowed: ")), "{error}");
            assert!(error.contains("\n  hint: "), "{error}");
        }
        assert!(said("80").ends_with("`--explain 0.8` for 80 %"));
        assert_eq!(share("1"), share("1.0"));
    }

    proptest! {
        #[test]
        fn shown_and_hidden_are_all_whatever_order_they_come_in(
            counts in prop::collection::vec((1u32..3, 1u64..50), 1..30),
            asked in 1u32..=1000,
            turn in 0usize..30,
        ) {
            let texts: Vec<String> = (0..counts.len()).map(|i| format!("A{i} B")).collect();
            let mut list: Vec<(u32, &str, u64)> =
                counts.iter().zip(&texts).map(|((v, n), text)| (*v, text.as_str(), *n)).collect();
            let asked = (f64::from(asked) / 1000.0).to_string();
            let found = explained(&list, &asked);
            let all: u64 = counts.iter().map(|c| c.1).sum();
            prop_assert_eq!(found.journeys + found.hidden_journeys, all);
            prop_assert_eq!(found.paths.len() as u64 + found.hidden_paths, counts.len() as u64);
            prop_assert_eq!(found.paths.iter().map(|p| p.journeys).sum::<u64>(), found.journeys);
            let enough = |n: u64| n as f64 / all as f64 >= asked.parse::<f64>().unwrap() - 1e-9;
            prop_assert!(enough(found.journeys));
            let last = found.paths.last().unwrap().journeys;
            prop_assert!(!enough(found.journeys - last), "the last one is needed");
            prop_assert!(found.paths.windows(2).all(|p| p[0].journeys >= p[1].journeys));
            let at = turn % list.len();
            list.rotate_left(at);
            prop_assert_eq!(explained(&list, &asked), found);
        }

        #[test]
        fn with_all_of_it_no_path_is_hidden(counts in prop::collection::vec(1u64..50, 1..30)) {
            let texts: Vec<String> = (0..counts.len()).map(|i| format!("A B{i}")).collect();
            let list: Vec<(u32, &str, u64)> = counts.iter().zip(&texts).map(|(n, t)| (1, t.as_str(), *n)).collect();
            let found = explained(&list, "1");
            prop_assert_eq!((found.hidden_paths, found.hidden_journeys), (0, 0));
        }
    }
}
