//! Random journeys for the laws. In: nothing. Out: so many journeys that went one way, and two versions of the map that they
//! walked on.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::super::tests::day;
use crate::map::{self, MapVersions};
use crate::time::Day;

const MAP: &str = "{ schema: journey/v1, id: m, version: 2, min_n: 3, personas: [{ id: p }],
  stages: [{ id: A, role: entry, emotion: { expected: 0.5, alert_below: -1, by_persona: { p: 1 } } }, { id: B }, { id: C },
    { id: Won, role: success }, { id: Out, role: exit }],
  touchpoints: [{ id: a, stage: A }, { id: ask, stage: A, emotion: { from: props.s, scale: [1, 5] } }, { id: b, stage: B },
    { id: c, stage: C }, { id: won, stage: Won }, { id: out, stage: Out }],
  kpis: [{ id: k, metric: overall, target: 0.9 }, { id: l, stage: A, metric: conversion, target: 0.2 }] }";
pub(super) const STAGES: [(&str, &str); 5] = [("A", "a"), ("B", "b"), ("C", "c"), ("Won", "won"), ("Out", "out")];
pub(super) const WAYS: [(&[usize], &str); 8] = [
    (&[0], "dropped"),
    (&[0, 1], "dropped"),
    (&[0, 1, 3], "completed"),
    (&[0, 4], "ended"),
    (&[0, 1, 4], "ended"),
    (&[0, 1, 0], "dropped"),
    (&[0, 1], "in_flight"),
    (&[0, 2, 3], "completed"),
];
/// As of 2 February and with 30 days of silence the last day that is mature is the second.
const DATES: [&str; 4] = ["2025-12-30", "2026-01-02", "2026-01-20", "2026-01-21"];
const PERSONAS: [&str; 5] = ["p", "q", "r", "s", "other"];

/// So many journeys that went one way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walked {
    pub way: usize,
    pub date: Day,
    pub version: u32,
    pub persona: &'static str,
    pub evaluated: bool,
    pub follows: bool,
    pub tied: bool,
    pub clean: bool,
    /// On a path that is not read.
    pub rare: bool,
    pub n: u64,
}

impl Walked {
    /// Mature, evaluated, following, of the newest version.
    pub fn plain(way: usize, n: u64) -> Self {
        Self {
            way,
            date: day(DATES[1]),
            version: 2,
            persona: "p",
            evaluated: true,
            follows: true,
            tied: false,
            clean: false,
            rare: false,
            n,
        }
    }

    pub(super) const fn outcome(&self) -> &'static str {
        WAYS[self.way].1
    }

    pub(super) fn is_mature(&self) -> bool {
        self.date <= day(DATES[1])
    }
}

pub(super) fn walked() -> impl Strategy<Value = Vec<Walked>> {
    let parts = ((0..WAYS.len(), 0..DATES.len(), 1u32..3), any::<[bool; 6]>(), 1u64..12);
    let one = parts.prop_map(|((way, date, version), [known, evaluated, follows, tied, clean, rare], n)| Walked {
        way,
        // A date with people on their way is not mature.
        date: day(DATES[if WAYS[way].1 == "in_flight" { 2 + date % 2 } else { date }]),
        version,
        persona: if known { "p" } else { "other" },
        evaluated,
        follows: follows && evaluated,
        tied,
        clean,
        rare,
        n,
    });
    prop::collection::vec(one, 1..18)
}

/// Some of every version, persona and outcome on each of so many days until the last mature one, many of them few.
pub(super) fn long(days: i32) -> Vec<Walked> {
    let last = day(DATES[1]);
    let mut all = Vec::new();
    for i in 0..days {
        for (j, persona) in PERSONAS.into_iter().enumerate() {
            for (k, way) in [1, 2, 4].into_iter().enumerate() {
                let n = (u64::from(i.unsigned_abs()) * 7 + j as u64 * 5 + k as u64 * 3) % 23;
                let one = Walked {
                    version: 1 + u32::from(2 * i > days),
                    persona,
                    // One persona of each day strays.
                    follows: j as u64 != u64::from(i.unsigned_abs()) % 5 || k > 0,
                    date: Day(last.0 - i),
                    clean: j % 2 == 0,
                    tied: k == 2,
                    // Paths are judged one by one: those of a few days are enough.
                    rare: i > 9,
                    ..Walked::plain(way, n)
                };
                all.extend((n > 0).then_some(one));
                all.extend((n > 11).then(|| Walked { version: 3 - one.version, n: n - 10, ..one }));
            }
        }
    }
    all
}

pub(super) fn versions() -> MapVersions {
    let map = |text: &str| Arc::new(map::parse("m", text).unwrap_or_else(|e| panic!("{e}")));
    let text = MAP.replace("[{ id: p }]", "[{ id: p }, { id: q }, { id: r }, { id: s }]");
    let newest = map(&text);
    let older = map(&text.replace("version: 2", "version: 1"));
    MapVersions { id: newest.id.clone(), versions: vec![older, newest], fingerprint: String::new() }
}
