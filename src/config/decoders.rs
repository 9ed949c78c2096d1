//! Decoders as written -> [`Decoder`]. In: the shapes of the file and the declared kinds. Out: where everything stands in
//! a record, or faults.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::check::Scope;
use super::checked::{
    ColumnPath, Decoder, EventRule, Kind, MappingDecoder, Properties, SegmentDecoder, Sequence, TimeFormat, TimeFrom,
    ValueFrom,
};
use super::file::{DecoderFile, SegmentFile, TimeFile, TimeRuleFile, ValueFile, ValueRuleFile};
use crate::event::KindId;
use crate::yaml::{self, OneOrMany, Scalar};

pub(super) fn check(scope: &mut Scope<'_>, pointer: &str, file: DecoderFile, kinds: &[Kind]) -> Decoder {
    match file.segment {
        Some(segment) => Decoder::Segment(check_segment(scope, &format!("{pointer}/segment"), segment, kinds)),
        None => Decoder::Mapping(Box::new(mapping(scope, pointer, file, kinds))),
    }
}

fn check_segment(scope: &mut Scope<'_>, pointer: &str, file: SegmentFile, kinds: &[Kind]) -> SegmentDecoder {
    let anonymous = file.anonymous.as_deref().unwrap_or("cookie");
    let user = file.user.as_deref().unwrap_or("user");
    let anonymous = kind(scope, &format!("{pointer}/anonymous"), anonymous, kinds);
    let user = kind(scope, &format!("{pointer}/user"), user, kinds);
    let mut traits = Vec::new();
    for (name, written) in file.traits {
        let found = kind(scope, &format!("{pointer}/traits/{name}"), &written, kinds);
        traits.push((name, found));
    }
    SegmentDecoder { anonymous, user, traits }
}

fn kind(scope: &mut Scope<'_>, pointer: &str, name: &str, kinds: &[Kind]) -> KindId {
    match kinds.iter().position(|k| &*k.name == name) {
        Some(i) => KindId(i as u8),
        None => {
            let declared: Vec<String> = kinds.iter().map(|k| k.name.to_string()).collect();
            let help = yaml::allowed("declared", name, declared.iter().map(String::as_str));
            scope.fault(pointer, format!("kind of identifier `{name}` is not declared"), help);
            KindId(0)
        }
    }
}

fn mapping(scope: &mut Scope<'_>, pointer: &str, file: DecoderFile, kinds: &[Kind]) -> MappingDecoder {
    let zone = zone(scope, &format!("{pointer}/zone"), file.zone.as_deref()).unwrap_or(TimeZone::UTC);
    let numbered = file.events.is_some();
    let mut events = Vec::new();
    match (file.events, file.name, file.time) {
        (Some(list), None, None) => {
            for (i, event) in list.into_iter().enumerate() {
                let at = format!("{pointer}/events/{i}");
                events.push(EventRule {
                    name: value(scope, &format!("{at}/name"), event.name),
                    time: time(scope, &format!("{at}/time"), event.time, &zone),
                    when: tests(event.when),
                });
            }
        }
        (None, Some(name), Some(written)) => events.push(EventRule {
            name: value(scope, &format!("{pointer}/name"), name),
            time: time(scope, &format!("{pointer}/time"), written, &zone),
            when: Vec::new(),
        }),
        (Some(_), _, _) => {
            scope.fault(
                pointer,
                "a decoder with `events` has its names and times there",
                "hint: remove `name` and `time`",
            );
        }
        (None, ..) => scope.fault(
            pointer,
            "a decoder says neither `segment` nor where `name` and `time` stand",
            "hint: `name: event_name` and `time: created_at`, or `name: {const: order}`",
        ),
    }
    let mut identifiers = Vec::new();
    for (name, written) in file.ids {
        let at = format!("{pointer}/ids/{name}");
        let found = kind(scope, &at, &name, kinds);
        identifiers.push((found, value(scope, &at, written)));
    }
    let props = file.props.unwrap_or_default();
    let (keep, skip) = (props.keep.into_pairs(), props.skip);
    if !keep.is_empty() && !skip.is_empty() {
        scope.fault(&format!("{pointer}/props"), "`props` has both `keep` and `skip`", "hint: one of them is enough");
    }
    let constants = file.r#const.into_iter().map(|(k, v)| (k, ValueFrom::Const(v.0)));
    let properties = if keep.is_empty() {
        Properties::AllBut { skip: skip.iter().map(|c| column(c)).collect(), constants: constants.collect() }
    } else {
        let kept = keep.into_iter().map(|(name, from)| (name, ValueFrom::Column(column(&from))));
        Properties::Only(kept.chain(constants).collect())
    };
    MappingDecoder {
        id: file.id.map(|v| value(scope, &format!("{pointer}/id"), v)),
        revision: file.revision.map(|v| value(scope, &format!("{pointer}/revision"), v)),
        session: file.session.map(|v| value(scope, &format!("{pointer}/session"), v)),
        sequence: match file.sequence.as_deref() {
            None => Sequence::None,
            Some("line") => Sequence::Line,
            Some(name) => Sequence::From(column(name)),
        },
        identifiers,
        properties,
        filter: tests(file.r#where),
        events,
        numbered,
    }
}

fn tests(written: BTreeMap<String, OneOrMany<Scalar>>) -> Vec<(ColumnPath, Vec<Value>)> {
    let values = |v: OneOrMany<Scalar>| v.into_vec().into_iter().map(|s| s.0).collect();
    written.into_iter().map(|(name, v)| (column(&name), values(v))).collect()
}

fn column(written: &str) -> ColumnPath {
    ColumnPath { written: Arc::from(written), parts: written.split('.').map(Arc::from).collect() }
}

fn value(scope: &mut Scope<'_>, pointer: &str, file: ValueFile) -> ValueFrom {
    let rule = match file {
        ValueFile::Column(name) => return ValueFrom::Column(column(&name)),
        ValueFile::Rule(rule) => rule,
    };
    match rule {
        ValueRuleFile { r#const: Some(v), from: None, join, .. } if join.is_empty() => ValueFrom::Const(v.0),
        ValueRuleFile { r#const: None, from: None, join, separator, .. } if !join.is_empty() => {
            ValueFrom::Join(join.iter().map(|c| column(c)).collect(), separator.unwrap_or_else(|| ":".to_owned()))
        }
        ValueRuleFile { r#const: None, from: Some(from), join, lookup, other, .. } if join.is_empty() => {
            if lookup.is_empty() {
                return ValueFrom::Column(column(&from));
            }
            let words = lookup.into_iter().map(|(k, v)| (k, v.into_text())).collect();
            ValueFrom::Lookup(column(&from), words, other.map(Scalar::into_text))
        }
        _ => {
            let message = "a value comes from exactly one of `const`, `from` and `join`";
            scope.fault(
                pointer,
                message,
                "hint: `column`, `{const: x}`, `{join: [a, b]}` or `{from: a, lookup: {1: x}}`",
            );
            ValueFrom::Const(Value::Null)
        }
    }
}

fn time(scope: &mut Scope<'_>, pointer: &str, file: TimeFile, default: &TimeZone) -> TimeFrom {
    let rule = match file {
        TimeFile::Column(from) => TimeRuleFile { from, format: None, zone: None },
        TimeFile::Rule(rule) => rule,
    };
    let format = match rule.format.as_deref() {
        None | Some("auto") => TimeFormat::Auto,
        Some("unix") => TimeFormat::UnixSeconds,
        Some("unix_ms") => TimeFormat::UnixMillis,
        Some("unix_us") => TimeFormat::UnixMicros,
        Some(pattern) if pattern.contains('%') => TimeFormat::Pattern(pattern.to_owned()),
        Some(word) => {
            let help = "allowed: `auto`, `unix`, `unix_ms`, `unix_us`, or a pattern such as `%d.%m.%Y %H:%M`";
            scope.fault(&format!("{pointer}/format"), format!("`{word}` is no format of times"), help);
            TimeFormat::Auto
        }
    };
    let zone = zone(scope, &format!("{pointer}/zone"), rule.zone.as_deref()).unwrap_or_else(|| default.clone());
    TimeFrom { column: column(&rule.from), format, zone }
}

fn zone(scope: &mut Scope<'_>, pointer: &str, written: Option<&str>) -> Option<TimeZone> {
    let name = written?;
    match TimeZone::get(name) {
        Ok(zone) => Some(zone),
        Err(_) => {
            scope.fault(pointer, format!("`{name}` is no time zone"), "allowed: an IANA name such as `Europe/Moscow`");
            None
        }
    }
}
