//! The body of a journey file. In: a stage, touchpoint or transition of a [`DesignedMap`]. Out: it as written.

use super::rules::{length, matching, named, path, put_fields, text, values_by_name};
use crate::map::designed::{DesignedMap, Role, Stage, Touchpoint, Transition, TransitionKind};
use crate::yaml::{Fields, Written};

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
