//! The tail of a journey file: targets, experiments, what is accepted, tests. In: a [`DesignedMap`]. Out: the keys that stand
//! behind the transitions.

use super::rules::{length, named, text};
use crate::map::designed::{DesignedMap, KpiTarget, MapTest};
use crate::yaml::{Fields, Written};

/// What stands behind the transitions.
pub fn tail(map: &DesignedMap) -> Fields {
    let stage = |s: u16| &*map.stages[usize::from(s)].id;
    let mut out = Fields::default();
    out.put_list(
        "kpis",
        map.kpis.iter().map(|k| {
            let mut out = named(&k.id);
            out.put_some("stage", k.stage.map(stage));
            out.put("metric", k.metric.as_str());
            match k.target {
                KpiTarget::Share(share) => out.put("target", share),
                KpiTarget::Time(time) => out.put("target", length(time)),
            }
            out
        }),
    );
    out.put_list(
        "experiments",
        map.experiments.iter().map(|e| {
            let mut out = named(&e.id);
            out.put("attribute", &*e.attribute);
            out.put("control", &*e.control);
            out.put_list("variants", e.variants.iter().map(String::as_str));
            out
        }),
    );
    out.put_list(
        "accepted_deviations",
        map.accepted_deviations.iter().map(|a| {
            let mut out = Fields::default();
            out.put("kind", a.kind.as_str());
            out.put_some("from", a.from.map(stage));
            out.put_some("to", a.to.map(stage));
            out.put_some("touchpoint", a.touchpoint.map(|t| &*map.touchpoints[usize::from(t)].id));
            out.put_some("until", a.until.map(|day| day.to_string()));
            out.put("reason", text(&a.reason).unwrap_or_else(|| "".into()));
            out
        }),
    );
    out.put_list("tests", map.tests.iter().map(test));
    out
}

fn test(t: &MapTest) -> Fields {
    let mut out = Fields::default();
    out.put("name", &*t.name);
    out.put_list(
        "events",
        t.events.iter().map(|e| {
            let mut out = Fields::default();
            out.put("source", &*e.source);
            out.put("event", &*e.event);
            out.put("at", e.at.to_string());
            if !e.ids.is_empty() {
                out.put("ids", Fields(e.ids.iter().map(|(kind, id)| (kind.clone(), id.as_str().into())).collect()));
            }
            if e.props.as_object().is_some_and(|p| !p.is_empty()) {
                out.put("props", Written::from(&e.props));
            }
            out
        }),
    );
    out.put_some("as_of", t.as_of.map(|t| t.to_string()));
    let mut expect = Fields::default();
    expect.put_some("journeys", t.expect.journeys);
    expect.put_some("outcome", t.expect.outcome.as_deref());
    expect.put_some("reason", t.expect.reason.as_deref());
    for (key, list) in [("path", &t.expect.path), ("stages", &t.expect.stages), ("deviations", &t.expect.deviations)] {
        // An empty list expects that there is none.
        expect.put_some(key, list.as_ref().map(|l| l.iter().map(|x| x.as_str().into()).collect::<Vec<_>>()));
    }
    expect.put_some("persona", t.expect.persona.as_deref());
    out.put("expect", expect);
    out
}
