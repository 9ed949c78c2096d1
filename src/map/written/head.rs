//! The head of a journey file: what the map is, when it is valid, how journeys begin and end, who and where. In: a
//! [`DesignedMap`]. Out: the keys that stand before the stages.

use std::time::Duration;

use super::rules::{length, matching, named, path, put_fields, text};
use crate::map::designed::{DesignedMap, Role, Stage, Status};
use crate::yaml::{Fields, Written};

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
