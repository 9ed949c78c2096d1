//! A checked map as a journey file again. In: a [`DesignedMap`]. Out: its parts as they would be written, without what
//! says no more than the defaults; read again they give the same map.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::designed::{
    Condition, DesignedMap, KpiTarget, MapTest, Match, PropertyPath, Role, Stage, Status, Text, Touchpoint, Transition,
    TransitionKind,
};
use crate::yaml::{Fields, Written, write};

/// The whole file.
pub fn journey_file(map: &DesignedMap) -> String {
    let mut file = head(map);
    let (stages, touchpoints) = (&map.stages, &map.touchpoints);
    file.put_list("stages", stages.iter().map(|s| stage(map, s)));
    file.put_list("touchpoints", touchpoints.iter().map(|t| touchpoint(map, t)));
    file.put_list("transitions", map.transitions.iter().map(|t| transition(map, t)));
    file.0.extend(tail(map).0);
    write(&file)
}

/// What stands before the stages.
pub fn head(map: &DesignedMap) -> Fields {
    let mut out = Fields::default();
    out.put("schema", "journey/v1");
    out.put("id", &*map.id);
    out.put("version", map.version);
    match map.status {
        Status::Active => {}
        Status::Draft => out.put("status", "draft"),
        Status::Retired => out.put("status", "retired"),
    }
    out.put_some(
        "valid_from",
        map.valid_from.map(|t| {
            let day = t.day_in(&map.time_zone);
            let begins =
                day.to_date().to_zoned_datetime(map.time_zone.clone()).ok().map(|z| z.timestamp().as_microsecond());
            if begins == Some(t.micros()) { day.to_string() } else { t.to_string() }
        }),
    );
    out.put_some("title", text(&map.title));
    out.put_some("owner", map.owner.as_deref());
    out.put_some("objective", text(&map.objective));
    if map.zone_name != "UTC" {
        out.put("time_zone", &*map.zone_name);
    }
    out.put_some("entry", entry(map));
    out.put_some("journey_key", map.journey_key.as_ref().map(path));
    if !map.after_goal.is_zero() {
        out.put("after_goal", length(map.after_goal));
    }
    out.put_some("drop_off", drop_off(map));
    if (map.maturity - 0.95).abs() > f64::EPSILON {
        out.put("maturity", map.maturity);
    }
    if map.min_n != 30 {
        out.put("min_n", map.min_n);
    }
    out.put_list("dimensions", map.dimensions.iter().map(|d| &*d.name));
    out.put_list(
        "exclude",
        map.exclude.iter().map(|rule| {
            let mut out = named(&rule.id);
            out.put_some("match", matching(&rule.matching));
            out
        }),
    );
    out.put_list(
        "support",
        map.support.iter().map(|rule| {
            let mut out = named(&rule.id);
            out.put_some("match", matching(&rule.matching));
            out
        }),
    );
    out.put_list(
        "personas",
        map.personas.iter().map(|p| {
            let mut out = named(&p.id);
            out.put_some("title", text(&p.title));
            if !p.attribute.is_empty() || !p.values.is_empty() {
                let mut segment = Fields::default();
                segment.put("attribute", &*p.attribute);
                segment.put("in", p.values.iter().map(Written::from).collect::<Vec<_>>());
                out.put("segment", segment);
            }
            out.put_list("goals", p.goals.iter().filter_map(text));
            out.put_list("pains", p.pains.iter().filter_map(text));
            out
        }),
    );
    if !map.channels.is_empty() {
        let mut channels = Fields::default();
        for channel in &map.channels {
            let mut about = Fields::default();
            about.put_some("title", text(&channel.title));
            channels.put(&channel.id, about);
        }
        out.put("channels", channels);
    }
    out
}

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

pub fn stage(map: &DesignedMap, s: &Stage) -> Fields {
    let mut out = named(&s.id);
    out.put_some("title", text(&s.title));
    match s.role {
        Role::None => {}
        Role::Entry => out.put("role", "entry"),
        Role::Success => out.put("role", "success"),
        Role::Exit => out.put("role", "exit"),
    }
    out.put_list("expectations", s.expectations.iter().filter_map(text));
    let mut emotion = Fields::default();
    emotion.put_some("expected", s.emotion_expected);
    emotion.put_some("alert_below", s.emotion_alert_below);
    if !s.emotion_by_persona.is_empty() {
        emotion.put("by_persona", Fields(s.emotion_by_persona.iter().map(|(p, v)| (p.clone(), (*v).into())).collect()));
    }
    put_fields(&mut out, "emotion", emotion);
    out.put_some("max_time", s.max_time.map(length));
    if s.sequence {
        out.put("sequence", true);
    }
    out.put_list("one_of", s.one_of.iter().map(|&t| &*map.touchpoints[usize::from(t)].id));
    out.put_list(
        "pain_points",
        s.pain_points.iter().map(|p| {
            let mut out = named(&p.id);
            out.put_some("severity", p.severity.as_deref());
            out.put_some("text", text(&p.text));
            out
        }),
    );
    out.put_list(
        "opportunities",
        s.opportunities.iter().map(|o| {
            let mut out = named(&o.id);
            out.put_list("solves", o.solves.iter().map(String::as_str));
            out.put_some("text", text(&o.text));
            out
        }),
    );
    out
}

pub fn touchpoint(map: &DesignedMap, t: &Touchpoint) -> Fields {
    let mut out = named(&t.id);
    out.put_some("title", text(&t.title));
    out.put("stage", &*map.stages[usize::from(t.stage)].id);
    out.put_list("channels", t.channels.iter().map(|c| &**c));
    out.put_some("channel_from", t.channel_from.as_ref().map(path));
    out.put_some("max_repeats", t.max_repeats);
    out.put_some(
        "failed_when",
        t.failed_when.as_ref().map(|props| {
            let mut out = Fields::default();
            out.put("props", values_by_name(props));
            out
        }),
    );
    for (key, holds) in [("required", t.required), ("goal", t.goal)] {
        if holds {
            out.put(key, true);
        }
    }
    if t.exit {
        out.put("role", "exit");
    }
    out.put_some(
        "problem",
        t.problem.as_ref().map(|p| {
            let mut out = named(&p.id);
            out.put_some("severity", p.severity.as_deref());
            out
        }),
    );
    let mut emotion = Fields::default();
    emotion.put_some("impact", t.emotion_impact);
    if let Some((from, low, high)) = &t.emotion_from {
        emotion.put("from", path(from));
        emotion.put("scale", Written::List(vec![(*low).into(), (*high).into()]));
    }
    put_fields(&mut out, "emotion", emotion);
    out.put_some(
        "value",
        t.value.as_ref().map(|v| {
            let mut out = Fields::default();
            out.put("from", path(&v.from));
            out.put("currency", &*v.currency);
            out
        }),
    );
    out.put_some("match", matching(&t.matching));
    out
}

pub fn transition(map: &DesignedMap, t: &Transition) -> Fields {
    let mut out = Fields::default();
    out.put("from", &*map.stages[usize::from(t.from)].id);
    out.put("to", &*map.stages[usize::from(t.to)].id);
    out.put(
        "kind",
        match t.kind {
            TransitionKind::Expected => "expected",
            TransitionKind::Allowed => "allowed",
            TransitionKind::Forbidden => "forbidden",
        },
    );
    out.put_some("within", t.within.map(length));
    out.put_some("not_before", t.not_before.map(length));
    out.put_some("target_share", t.target_share);
    out.put_some("max_repeats", t.max_repeats);
    out.put_some("reason", text(&t.reason));
    out
}

/// A text, or one for each language.
pub fn text(text: &Text) -> Option<Written> {
    match text.0.get("") {
        _ if text.0.is_empty() => None,
        Some(plain) if text.0.len() == 1 => Some(plain.as_str().into()),
        _ => Some(Fields(text.0.iter().map(|(l, t)| (l.clone(), t.as_str().into())).collect()).into()),
    }
}

/// `P14D`, `PT36H`.
pub fn length(d: Duration) -> String {
    let days = d.as_secs() / 86_400;
    if days > 0 && d.subsec_nanos() == 0 && d.as_secs().is_multiple_of(86_400) {
        return format!("P{days}D");
    }
    jiff::SignedDuration::try_from(d).map_or_else(|_| crate::time::format_duration(d), |d| d.to_string())
}

fn named(id: &str) -> Fields {
    let mut out = Fields::default();
    out.put("id", id);
    out
}

fn put_fields(out: &mut Fields, key: &str, fields: Fields) {
    if !fields.is_empty() {
        out.put(key, fields);
    }
}

fn path(path: &PropertyPath) -> &str {
    &path.written
}

/// Said only where it is not what roles say anyway.
fn entry(map: &DesignedMap) -> Option<Written> {
    let named = map.stages.iter().any(|s| s.role == Role::Entry);
    let default = |(i, s): (usize, &Stage)| if named { s.role == Role::Entry } else { i == 0 };
    if map.stages.iter().enumerate().map(default).eq(map.entry.iter().copied()) {
        return None;
    }
    if map.entry.iter().all(|e| *e) {
        return Some("any".into());
    }
    let open = map.stages.iter().zip(&map.entry).filter(|(_, open)| **open);
    Some(Written::List(open.map(|(s, _)| (&*s.id).into()).collect()))
}

fn drop_off(map: &DesignedMap) -> Option<Fields> {
    let mut out = Fields::default();
    if map.window_default != Duration::from_secs(30 * 86_400) {
        out.put("after", length(map.window_default));
    }
    let others = map.stages.iter().zip(&map.windows).filter(|(_, w)| **w != map.window_default);
    put_fields(&mut out, "by_stage", Fields(others.map(|(s, w)| (s.id.to_string(), length(*w).into())).collect()));
    (!out.is_empty()).then_some(out)
}

/// A rule; none where there is none yet.
pub fn matching(rule: &Match) -> Option<Fields> {
    match rule.any.as_slice() {
        [] => None,
        [one] => Some(condition(one)),
        several => {
            let mut out = Fields::default();
            out.put_list("any", several.iter().map(condition));
            Some(out)
        }
    }
}

fn condition(c: &Condition) -> Fields {
    let mut out = Fields::default();
    for (key, words) in [("source", &c.source), ("event", &c.event), ("path", &c.path)] {
        match words.as_slice() {
            [] => {}
            [one] => out.put(key, one.as_str()),
            several => out.put_list(key, several.iter().map(String::as_str)),
        }
    }
    if !c.props.is_empty() {
        out.put("props", values_by_name(&c.props));
    }
    out
}

fn values_by_name(props: &BTreeMap<String, Vec<Value>>) -> Fields {
    let value = |list: &Vec<Value>| match list.as_slice() {
        [one] => Written::from(one),
        several => Written::List(several.iter().map(Written::from).collect()),
    };
    Fields(props.iter().map(|(name, list)| (name.clone(), value(list))).collect())
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
    out.put("expect", expect);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map;

    /// Everything of a map but where its parts stood in the file.
    fn said(mut map: DesignedMap) -> String {
        map.tests.iter_mut().for_each(|t| t.line = 0);
        map.file.clear();
        format!("{map:#?}")
    }

    #[test]
    fn every_example_written_again_gives_the_same_map() {
        for (name, file) in [
            ("mortgage", include_str!("../../config/examples/mortgage.journey.yaml")),
            ("loan", include_str!("../../config/examples/bpic2012/loan.journey.yaml")),
            ("offers", include_str!("../../config/examples/bpic2012/offers.journey.yaml")),
            ("visits", include_str!("../../config/examples/clique_bait/visits.journey.yaml")),
            ("shop", include_str!("../../config/demo/shop.journey.yaml")),
        ] {
            let map = map::parse(name, file).unwrap_or_else(|f| panic!("{f}"));
            let text = journey_file(&map);
            let again = map::parse(name, &text).unwrap_or_else(|f| panic!("{f}\n{text}"));
            assert_eq!(said(map), said(again), "{text}");
        }
    }
}
