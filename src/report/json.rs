//! The comparison for programs: stable names, seconds for times, shares as numbers. In: a [`Comparison`]. Out: JSON,
//! `schema: comparison/v1`, every key of which stands in docs/comparison.md.

use serde_json::{Value, json as object};

use crate::compare::{Comparison, Explained, Rate};
use crate::map::Text;

/// One JSON document.
pub fn json(c: &Comparison) -> Value {
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
    }
}
