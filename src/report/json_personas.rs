//! Who walks the map, for programs: the keys `personas` and `persona_stages` of `comparison/v1` (docs/comparison.md). In: a
//! [`Comparison`]. Out: JSON.

use serde_json::{Value, json as object};

use super::json::{rate, text};
use super::json_gap::followed;
use crate::compare::{Comparison, Felt, PersonaLine, PersonaStageLine};

pub fn personas(c: &Comparison) -> Value {
    let line = |p: &PersonaLine| {
        object!({
            "persona": p.persona,
            "title": text(&p.title),
            "customers": p.customers,
            "entered": p.entered,
            "completed": p.completed,
            "ended": p.ended,
            "dropped": p.dropped,
            "in_flight": p.in_flight,
            "overall": rate(&p.overall),
            "following": followed(&p.followed),
        })
    };
    c.personas.iter().map(line).collect::<Vec<_>>().into()
}

/// One row for each persona and stage, so that it is a table.
pub fn persona_stages(c: &Comparison) -> Value {
    let felt = |f: &Felt| object!({ "n": f.n, "mean": f.mean, "interval": f.interval.map(|(low, high)| [low, high]) });
    let line = |s: &PersonaStageLine| {
        object!({
            "persona": s.persona,
            "stage": s.stage,
            "customers": s.customers,
            "entered": s.entered,
            "dropped": s.dropped,
            "ended": s.ended,
            "in_flight": s.in_flight,
            "conversion": rate(&s.conversion),
            "drop_off_rate": rate(&s.drop_off_rate),
            "emotion": felt(&s.emotion),
        })
    };
    c.persona_stages.iter().map(line).collect::<Vec<_>>().into()
}
