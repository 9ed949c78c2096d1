//! The gap report for programs: the keys `following`, `deviations`, `expectations`, `emotions`, `personas`,
//! `persona_stages`, `accepted_deviations`, `unmeasured`, `after_drop_off` and `broken_identity` of `comparison/v1`
//! (docs/comparison.md). In: a [`Comparison`]. Out: JSON.

use serde_json::{Map, Value, json as object};

use super::json::{rate, text};
use crate::compare::{Association, Comparison, Followed, FollowedDay, Mean, Unit, Why};

/// The keys of the gap report, to stand beside the others.
pub fn gap(c: &Comparison) -> Map<String, Value> {
    let keys = [
        ("following", following(c)),
        ("deviations", deviations(c)),
        ("deviations_cut", c.deviations_cut.into()),
        ("expectations", expectations(c)),
        ("emotions", emotions(c)),
        ("personas", super::json_personas::personas(c)),
        ("persona_stages", super::json_personas::persona_stages(c)),
        ("accepted_deviations", accepted(c)),
        ("unmeasured", unmeasured(c)),
        ("after_drop_off", super::json_lost::lost(c)),
        ("broken_identity", super::json_lost::broken(c)),
    ];
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn mean(m: &Mean) -> Value {
    object!({ "n": m.n, "mean": m.value })
}

pub(super) fn followed(f: &Followed) -> Value {
    object!({
        "decided": f.decided,
        "following": f.following,
        "straying": f.straying,
        "not_evaluated": f.not_evaluated,
        "share": rate(&f.share),
        "forbidden": f.forbidden,
        "fitness": mean(&f.fitness),
        "fitness_by_outcome": {
            "completed": mean(&f.completed),
            "ended": mean(&f.ended),
            "dropped": mean(&f.dropped),
        },
        "precision": f.precision,
        "precision_etc": f.precision_by_prefix,
        "design_use": {
            "share": f.design_use.share(),
            "used": f.design_use.used,
            "designed": f.design_use.designed,
        },
        "coverage": rate(&f.clean),
        "order_ambiguous": f.order_ambiguous,
        "immature": f.immature,
    })
}

/// A stage has neither fitness by outcome nor precision by prefix.
fn followed_in_stage(f: &Followed) -> Value {
    let mut value = followed(f);
    if let Some(keys) = value.as_object_mut() {
        keys.remove("fitness_by_outcome");
        keys.remove("precision_etc");
    }
    value
}

fn with(mut value: Value, key: &str, id: Value) -> Value {
    if let Some(keys) = value.as_object_mut() {
        keys.insert(key.to_owned(), id);
    }
    value
}

fn day(d: &FollowedDay) -> Value {
    let day = with(followed(&d.followed), "entry_date", d.entry_date.to_string().into());
    with(with(day, "mature", d.mature.into()), "cut_journeys", d.cut_journeys.into())
}

fn following(c: &Comparison) -> Value {
    let f = &c.following;
    object!({
        "overall": followed(&f.overall),
        "order_certain": followed(&f.certain),
        "versions": f.versions.iter().map(|(v, f)| with(followed(f), "version", (*v).into())).collect::<Vec<_>>(),
        "stages": f.stages.iter().map(|(id, _, f)| with(followed_in_stage(f), "stage", id.as_str().into()))
            .collect::<Vec<_>>(),
        "days": f.days.iter().map(day).collect::<Vec<_>>(),
        "version_days": f.version_days.iter().map(|(v, d)| with(day(d), "version", (*v).into())).collect::<Vec<_>>(),
        "in_flight": { "fitness": mean(&f.in_flight) },
        "order_ambiguous": f.order_ambiguous,
        "ambiguous_type": f.ambiguous_type,
        "immature": f.immature,
        "paths": {
            "paths": f.paths.paths,
            "journeys": f.paths.journeys,
            "cut_paths": f.paths.cut_paths,
            "cut_journeys": f.paths.cut_journeys,
        },
    })
}

fn deviations(c: &Comparison) -> Value {
    let amounts = |values: &[(String, f64)]| {
        values.iter().map(|(currency, amount)| object!({ "currency": currency, "amount": amount })).collect::<Vec<_>>()
    };
    let line = |d: &crate::compare::DeviationLine| {
        object!({
            "version": d.version,
            "kind": d.kind,
            "place": d.place,
            "stage": d.stage,
            "titles": d.titles.iter().map(text).collect::<Vec<_>>(),
            "journeys": d.journeys,
            "customers": d.customers,
            "accepted": d.accepted,
            "share": rate(&d.share),
            "drop_off_share": rate(&d.drop_offs),
            "share_of_drop_offs": rate(&d.of_drop_offs),
            "value": amounts(&d.value),
            "value_at_stake": amounts(&d.at_stake),
            "examples": d.examples,
            "after_decision": d.after_decision,
            "association": d.association.as_ref().map(association),
        })
    };
    c.deviations.iter().map(line).collect::<Vec<_>>().into()
}

fn association(a: &Association) -> Value {
    let group = |(journeys, completed): (u64, u64)| object!({ "journeys": journeys, "completed": completed });
    object!({
        "landmark": a.landmark,
        "with": group(a.with),
        "without": group(a.without),
        "conversion": {
            "difference": a.conversion.0,
            "interval": [a.conversion.1, a.conversion.2],
            "p": a.conversion_p,
            "adjusted_p": a.conversion_adjusted_p,
            "significant": a.conversion_differs(),
        },
        "time_to_goal": a.time_to_goal.map(|t| object!({
            "difference": t.value,
            "interval": [t.low, t.high],
            "p": t.p,
            "adjusted_p": a.time_adjusted_p,
            "significant": a.time_differs(),
        })),
    })
}

fn expectations(c: &Comparison) -> Value {
    let line = |e: &crate::compare::Expectation| {
        object!({
            "expectation": e.expected.as_str(),
            "of": e.of,
            "by": e.by,
            "unit": match e.unit {
                Unit::Share => "share",
                Unit::Seconds => "seconds",
                Unit::Emotion => "emotion",
            },
            "target": e.target,
            "at_least": e.at_least,
            "n": e.n,
            "measured": e.measured,
            "interval": e.interval.map(|(low, high)| [low, high]),
            "verdict": e.verdict.as_str(),
        })
    };
    c.expectations.iter().map(line).collect::<Vec<_>>().into()
}

fn emotions(c: &Comparison) -> Value {
    let line = |e: &crate::compare::Emotion| {
        object!({
            "stage": e.stage,
            "touchpoint": e.touchpoint,
            "n": e.n,
            "mean": e.mean,
            "interval": e.interval.map(|(low, high)| [low, high]),
        })
    };
    c.emotions.iter().map(line).collect::<Vec<_>>().into()
}

fn accepted(c: &Comparison) -> Value {
    let line = |a: &crate::compare::AcceptedLine| {
        object!({
            "kind": a.kind,
            "place": a.place,
            "until": a.until.map(|until| until.to_string()),
            "reason": text(&a.reason),
            "state": a.state.as_str(),
            "journeys": a.accepted,
            "not_covered": a.not_accepted,
        })
    };
    c.accepted.iter().map(line).collect::<Vec<_>>().into()
}

fn unmeasured(c: &Comparison) -> Value {
    let line = |u: &crate::compare::Unmeasured| {
        object!({
            "touchpoint": u.touchpoint,
            "title": text(&u.title),
            "stage": u.stage,
            "why": u.why.as_str(),
            "day": match &u.why {
                Why::OnlySince(day) | Why::OnlyUntil(day) => Some(day.to_string()),
                _ => None,
            },
            "channel": match &u.why {
                Why::OnlyThrough(channel) => Some(channel),
                _ => None,
            },
            "visits": u.visits,
            "alike": u.alike.iter().map(|e| object!({
                "source": e.source, "name": e.name, "path": e.path, "events": e.events,
            })).collect::<Vec<_>>(),
        })
    };
    c.unmeasured.iter().map(line).collect::<Vec<_>>().into()
}
