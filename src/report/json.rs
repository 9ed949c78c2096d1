//! The comparison for programs: stable names, seconds for times, shares as numbers. In: a [`Comparison`]. Out: JSON,
//! `schema: comparison/v1`, every key of which stands in docs/comparison.md.

use serde_json::{Value, json as object};

use super::number::count;
use crate::compare::cell::Told;
use crate::compare::{Comparison, Explained, Rate};
use crate::map::Text;

/// One JSON document. A count that must not be told is null, and `suppressed` has its place.
pub fn json(c: &Comparison) -> Value {
    told(c.min_cell, document(c))
}

pub(super) fn told(min_cell: u64, mut document: Value) -> Value {
    let (mut below, mut at_least) = (Vec::new(), Vec::new());
    tell(&mut document, &mut String::new(), &mut |at: &str, told: Told| {
        match told {
            Told::Count(_) => {}
            Told::Below(_) => below.push(at.to_owned()),
            Told::AtLeast(_) => at_least.push(at.to_owned()),
        }
        Value::Null
    });
    with_suppressed(document, min_cell, object!({ "min_cell": min_cell, "below": below, "at_least": at_least }))
}

/// The same for tables that people read: there `<5` and `≥5` stand in place of a count.
pub fn for_sheets(c: &Comparison) -> Value {
    let mut document = document(c);
    tell(&mut document, &mut String::new(), &mut |_: &str, told: Told| count(told.as_count()).into());
    with_suppressed(document, c.min_cell, object!({ "min_cell": c.min_cell }))
}

fn with_suppressed(mut document: Value, min_cell: u64, suppressed: Value) -> Value {
    if let Some(keys) = document.as_object_mut() {
        keys.insert("suppressed".to_owned(), if min_cell > 1 { suppressed } else { Value::Null });
    }
    document
}

/// Puts something in place of every count that must not be told. `at`: its JSON pointer.
fn tell(value: &mut Value, at: &mut String, place: &mut impl FnMut(&str, Told) -> Value) {
    let length = at.len();
    match value {
        Value::Number(n) => {
            let told = n.as_u64().map(Told::of).filter(|told| told.count().is_none());
            if let Some(told) = told {
                *value = place(at, told);
            }
        }
        Value::Array(list) => {
            for (i, value) in list.iter_mut().enumerate() {
                at.push_str(&format!("/{i}"));
                tell(value, at, place);
                at.truncate(length);
            }
        }
        Value::Object(keys) => {
            for (key, value) in keys.iter_mut() {
                at.push_str(&format!("/{key}"));
                tell(value, at, place);
                at.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn document(c: &Comparison) -> Value {
    let p = &c.population;
    let mut document = object!({
        "schema": "comparison/v1",
        "map": c.map,
        "title": text(&c.title),
        "version": c.version,
        "reading": c.reading,
        "as_of": c.as_of.to_string(),
        "time_zone": c.zone,
        "population": {
            "unit": "journeys",
            "customers": p.customers,
            "entered": p.entered,
            "completed": p.completed,
            "ended": p.ended,
            "dropped": p.dropped,
            "in_flight": p.in_flight,
            "order_ambiguous": p.order_ambiguous,
            "left_truncated": p.left_truncated,
            "oversized_customers": p.oversized_customers,
            "mature_dates": p.mature_dates,
            "immature_dates": p.immature_dates,
            "left_out": p.left_out,
            "older_versions": p.older_versions,
            "counts_are_over": "all_entry_dates",
            "rates_are_over": "mature_entry_dates",
            "first_entry_date": p.first_entry.map(|d| d.to_string()),
            "last_entry_date": p.last_entry.map(|d| d.to_string()),
        },
        "overall": rate(&c.overall),
        "stages": c.stages.iter().map(|s| object!({
            "stage": s.id,
            "title": text(&s.title),
            "role": match s.role {
                crate::map::Role::None => Value::Null,
                crate::map::Role::Entry => "entry".into(),
                crate::map::Role::Success => "success".into(),
                crate::map::Role::Exit => "exit".into(),
            },
            "entered": s.entered,
            "entries": s.entries,
            "progressed": s.progressed,
            "ended": s.ended,
            "dropped": s.dropped,
            "in_flight": s.in_flight,
            "open_entries": s.open_entries,
            "conversion": rate(&s.conversion),
            "drop_off_rate": rate(&s.drop_off_rate),
            "time_in_stage": { "n": s.timed, "p50": s.time_p50, "p90": s.time_p90 },
            "time_to_next": { "p50": s.time_to_next_p50, "p90": s.time_to_next_p90 },
            "expected": {
                "max_time": s.expected_max_time.map(|d| d.as_secs_f64()),
                "expectations": s.expectations.iter().map(text).collect::<Vec<_>>(),
            },
        })).collect::<Vec<_>>(),
        "transitions": c.transitions.iter().map(|t| object!({
            "from": t.from,
            "to": t.to,
            "mark": t.mark.as_str(),
            "transitions": t.transitions,
            "share": rate(&t.share),
            "time": { "p50": t.time_p50, "p90": t.time_p90 },
            "expected": {
                "within": t.within.map(|d| d.as_secs_f64()),
                "not_before": t.not_before.map(|d| d.as_secs_f64()),
                "target_share": t.target_share,
            },
        })).collect::<Vec<_>>(),
        "coverage": c.coverage.iter().map(|s| object!({
            "source": s.source,
            "records": s.records,
            "skipped": s.skipped,
            "rejected": s.rejected,
            "decoded": s.decoded,
            "distinct": s.distinct,
            "mapped": s.mapped,
            "excluded": s.excluded,
            "unmapped": s.unmapped,
            "outside": s.outside,
            "no_identifier": s.no_identifier,
            "conflicts": s.conflicts,
        })).collect::<Vec<_>>(),
        "unmapped": c.unmapped.iter().map(|u| object!({
            "source": u.source, "name": u.name, "path": u.path, "events": u.events,
        })).collect::<Vec<_>>(),
    });
    if let Some(keys) = document.as_object_mut() {
        keys.extend(super::json_gap::gap(c));
        keys.insert("explained".to_owned(), c.explained.as_ref().map(explained).into());
    }
    document
}

/// Which paths are shown, and what is hidden.
fn explained(e: &Explained) -> Value {
    let all = (e.journeys + e.hidden_journeys) as f64;
    object!({
        "share": e.share.value(),
        "journeys": e.journeys,
        "carried": e.carried(),
        "paths": e.paths.iter().map(|p| object!({
            "version": p.version, "path": p.path, "journeys": p.journeys, "share": p.journeys as f64 / all,
        })).collect::<Vec<_>>(),
        "hidden": {
            "paths": e.hidden_paths,
            "journeys": e.hidden_journeys,
            "transitions": e.hidden_transitions.iter().map(|(from, to)| object!({ "from": from, "to": to }))
                .collect::<Vec<_>>(),
            "stages": e.hidden_stages,
        },
    })
}

pub(super) fn text(t: &Text) -> Value {
    match t.0.get("") {
        Some(plain) if t.0.len() == 1 => plain.as_str().into(),
        _ => object!(t.0),
    }
}

pub(super) fn rate(r: &Rate) -> Value {
    match r {
        Rate::Point { value, n, low, high } => {
            object!({ "value": value, "n": n, "interval": [low, high], "immature": false })
        }
        Rate::Immature { low, high, entered } => {
            object!({ "value": null, "entered": entered, "bounds": [low, high], "immature": true })
        }
        Rate::None => Value::Null,
        Rate::Untold => object!({ "value": null, "suppressed": true }),
    }
}
