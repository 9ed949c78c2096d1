//! The customer for programs. In: what is shown. Out: one JSON document; names as in the tables, times in UTC.

use serde_json::{Map, Value, json};

use super::{Judged, Shown, Strayed, rule};
use crate::journey::graph::JourneyGraph;
use crate::journey::transitions::{Place, TransitionRow, transitions};
use crate::journey::{Decision, Journey, Visit};
use crate::map::DesignedMap;

pub fn json(shown: &Shown<'_>) -> Value {
    let facts = shown.facts.iter().map(|fact| {
        json!({
            "a": fact.a, "b": fact.b, "source": fact.source, "event_id": fact.event_id,
            "day": fact.day.to_string(), "refused": fact.refused,
        })
    });
    let coverage = shown.journeys.coverage.iter().map(|count| {
        json!({
            "source": shown.source(count.source), "day": count.day.to_string(), "fate": count.fate.as_str(),
            "rule": count.rule, "count": count.count,
        })
    });
    let unmapped = shown.journeys.unmapped.iter().map(|count| {
        json!({
            "source": shown.source(count.source), "name": count.name, "path": count.path, "count": count.count,
        })
    });
    json!({
        "customer": shown.customer,
        "map": shown.map.id,
        "as_of": shown.as_of.to_string(),
        "oversized": shown.journeys.oversized,
        "identity": facts.collect::<Vec<_>>(),
        "journeys": shown.journeys.journeys.iter().enumerate()
            .map(|(i, j)| journey(shown, (j, shown.judged.get(i)))).collect::<Vec<_>>(),
        "coverage": coverage.collect::<Vec<_>>(),
        "unmapped": unmapped.collect::<Vec<_>>(),
    })
}

fn journey(shown: &Shown<'_>, (journey, judged): (&Journey, Option<&Judged>)) -> Value {
    let map = shown.version(journey);
    let graph = JourneyGraph::of(journey);
    let outcome = journey.outcome(shown.as_of);
    let reason = match &journey.decision {
        Decision::Ended { reason, .. } => Some(reason),
        _ => None,
    };
    let dimensions: Map<String, Value> =
        map.dimensions.iter().zip(&journey.dims).map(|(d, value)| (d.name.to_string(), json!(value))).collect();
    let visits = graph.walk().map(|(step, v)| visit(shown, map, v, step.map(|step| step.elapsed.as_secs_f64())));
    let transitions = transitions(journey, outcome);
    let deviation = |d: &Strayed| {
        json!({
            "kind": d.kind, "place": d.place, "stage": d.stage, "words": d.words, "accepted": d.accepted,
        })
    };
    json!({
        "journey_id": format!("{:032x}", journey.id),
        "attempt": journey.attempt,
        "key": journey.key,
        "version": map.version,
        "outcome": outcome.as_str(),
        "reason": reason,
        "verdict": shown.verdict(journey),
        "entry_at": journey.entry_at.to_string(),
        "entry_date": journey.entry_date.to_string(),
        "decided_at": journey.decided_at().map(|t| t.to_string()),
        "last_at": journey.last_at.to_string(),
        "drops_at": journey.drops_at.to_string(),
        "closed_by_silence": journey.closed_by_silence,
        "value": journey.value,
        "currency": journey.currency,
        "order_ambiguous": journey.order_ambiguous,
        "left_truncated": journey.left_truncated,
        "clean": journey.clean,
        "persona": map.persona(journey.persona),
        "fitness": judged.and_then(|j| j.fitness.ok()),
        "not_evaluated": judged.and_then(|j| j.fitness.err()),
        "follows": judged.map(|j| j.follows),
        "deviations": judged.map(|j| j.deviations.iter().map(deviation).collect::<Vec<_>>()),
        "dimensions": dimensions,
        "path": graph.path(shown.map),
        "stages": graph.stage_path(shown.map),
        "visits": visits.collect::<Vec<_>>(),
        "transitions": transitions.iter().map(|row| transition(map, row)).collect::<Vec<_>>(),
    })
}

fn visit(shown: &Shown<'_>, map: &DesignedMap, visit: &Visit, seconds: Option<f64>) -> Value {
    let touchpoint = &map.touchpoints[usize::from(visit.touchpoint)];
    let states = shown.stated_by(visit).map(|fact| json!({ "a": fact.a, "b": fact.b, "refused": fact.refused }));
    json!({
        "touchpoint": touchpoint.id,
        "title": touchpoint.title.get(""),
        "stage": map.stages[usize::from(visit.stage)].id,
        "at": visit.at.to_string(),
        "seconds_since_previous": seconds,
        "source": shown.source(visit.source),
        "event_id": visit.event_id,
        "rule": rule(touchpoint, visit.alternative),
        "alternative": visit.alternative,
        "channel": visit.channel,
        "session": visit.session,
        "failed": visit.failed,
        "problem": touchpoint.problem.as_ref().map(|problem| &problem.id),
        "score": visit.score,
        "beside": visit.beside,
        "states": states.collect::<Vec<_>>(),
    })
}

fn transition(map: &DesignedMap, row: &TransitionRow) -> Value {
    let name = |place: Place| match place {
        Place::Start => "start",
        Place::Stage(stage) => &map.stages[usize::from(stage)].id,
        Place::Outcome(outcome) => outcome.as_str(),
    };
    json!({
        "from": name(row.from), "to": name(row.to), "at": row.at.to_string(), "first": row.first,
        "seconds_to_next": row.seconds_to_next,
    })
}
