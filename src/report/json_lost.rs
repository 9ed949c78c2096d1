//! Drop-offs for programs: the keys `after_drop_off` and `broken_identity` of `comparison/v1` (docs/comparison.md). In: a
//! [`Comparison`]. Out: JSON.

use serde_json::{Value, json as object};

use super::json::{rate, text};
use crate::compare::{BrokenStage, Comparison, LostThing, LostWay};
use crate::journey::Went;

/// One row for each stage and way, so that it is a table.
pub fn lost(c: &Comparison) -> Value {
    let thing =
        |t: &LostThing| object!({ "name": t.name, "title": text(&t.title), "path": t.path, "journeys": t.journeys });
    let rows = c.lost.iter().flat_map(|stage| {
        stage.ways.iter().map(move |way: &LostWay| {
            object!({
                "stage": stage.stage,
                "went": way.went.map(Went::as_str),
                "journeys": way.journeys,
                "drop_offs": stage.journeys,
                "share": rate(&way.share),
                "most_often": way.things.iter().map(thing).collect::<Vec<_>>(),
                "distinct": way.distinct,
                "examples": way.examples,
            })
        })
    });
    rows.collect::<Vec<_>>().into()
}

pub fn broken(c: &Comparison) -> Value {
    let b = &c.broken;
    let interval = |(_, low, high): (f64, f64, f64)| [low, high];
    let stage = |s: &BrokenStage| {
        object!({
            "stage": s.stage,
            "drop_offs": s.drop_offs,
            "anonymous_trails": s.anonymous,
            "trails_begun": s.begun,
            "matches": s.matches,
            "by_chance": s.by_chance,
            "estimate": s.estimate.0,
            "interval": interval(s.estimate),
            "drop_off_rate": rate(&s.drop_off_rate),
            "drop_off_rate_without": s.without.map(|w| w.0),
            "drop_off_rate_without_interval": s.without.map(interval),
        })
    };
    object!({
        "not_told": b.untold.map(crate::aggregate::broken::Untold::as_str),
        "anonymous_kinds": b.anonymous,
        "from": b.period.map(|p| p.0.to_string()),
        "to": b.period.map(|p| p.1.to_string()),
        "steps": b.steps.iter().map(|s| object!({
            "from": s.from, "to": s.to, "within": s.within.as_secs_f64(),
        })).collect::<Vec<_>>(),
        "stages": b.stages.iter().map(stage).collect::<Vec<_>>(),
    })
}
