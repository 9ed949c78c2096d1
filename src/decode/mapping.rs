//! The declarative mapping: any JSON object or row, by configuration alone. In: the record and where everything stands.
//! Out: one [`Found`] per event, why the record is skipped, or a rejection.

use std::borrow::Cow;

use serde_json::{Map, Value};
use smallvec::{SmallVec, smallvec};

use super::record::{rejection, text_of};
use super::{Found, when};
use crate::config::{ColumnPath, MappingDecoder, Properties, Sequence, ValueFrom};
use crate::event::{KindId, RejectReason, Rejection, SkipReason};

type Record = Map<String, Value>;

pub(super) fn decode(
    decoder: &MappingDecoder,
    record: &Record,
    line: u64,
) -> Result<Result<SmallVec<[Found; 1]>, SkipReason>, Rejection> {
    if !holds(&decoder.filter, record) {
        return Ok(Err(SkipReason::Filtered));
    }
    let text = |from: &Option<ValueFrom>, what: &str| match from {
        Some(from) => word(from, record, what).map(|w| w.filter(|w| !w.is_empty())),
        None => Ok(None),
    };
    let id = text(&decoder.id, "id")?;
    let session = text(&decoder.session, "session")?;
    let revision = integer(decoder.revision.as_ref().and_then(|f| value(f, record)).as_deref(), "revision")?;
    let sequence = match &decoder.sequence {
        Sequence::None => None,
        Sequence::Line => i64::try_from(line).ok(),
        Sequence::From(column) => integer(at(record, column), "sequence")?,
    };
    let mut identifiers = SmallVec::new();
    for (kind, from) in &decoder.identifiers {
        match from {
            ValueFrom::Column(column) if at(record, column).is_some_and(Value::is_array) => {
                for one in at(record, column).and_then(Value::as_array).into_iter().flatten() {
                    identifiers.extend(text_of(one, "identifier")?.map(|text| (*kind, text)));
                }
            }
            _ => identifiers.extend(word(from, record, "identifier")?.map(|text| (*kind, text))),
        }
    }
    let properties = properties(decoder, record);
    let mut events: SmallVec<[Found; 1]> = smallvec![];
    for (place, rule) in decoder.events.iter().enumerate().filter(|(_, r)| holds(&r.when, record)) {
        let name = word(&rule.name, record, "name")?.filter(|n| !n.is_empty());
        let name = name.ok_or_else(|| rejection(RejectReason::MissingName, "the event has no name"))?;
        let time = &rule.time;
        // A record that gives several events may lack the time of those that have not happened yet.
        let absent = at(record, &time.column).is_none_or(Value::is_null);
        if decoder.numbered && absent {
            continue;
        }
        events.push(Found {
            id: id.as_ref().map(|id| if decoder.numbered { format!("{id}#{}", place + 1) } else { id.clone() }),
            name,
            occurred_at: when::read(at(record, &time.column), &time.column.written, &time.format, &time.zone)?,
            revision,
            sequence,
            session: session.clone(),
            identifiers: identifiers.clone(),
            properties: properties.clone(),
        });
    }
    if events.is_empty() { Ok(Err(SkipReason::NoRule)) } else { Ok(Ok(events)) }
}

/// Identifiers of a record that is no event, as far as they can be read.
pub(super) fn named(decoder: &MappingDecoder, record: &Record) -> Vec<(KindId, String)> {
    let mut found = Vec::new();
    for (kind, from) in &decoder.identifiers {
        match from {
            ValueFrom::Column(column) if at(record, column).is_some_and(Value::is_array) => {
                let values = at(record, column).and_then(Value::as_array).into_iter().flatten();
                found.extend(values.filter_map(as_text).map(|text| (*kind, text)));
            }
            _ => found.extend(word(from, record, "identifier").ok().flatten().map(|text| (*kind, text))),
        }
    }
    found
}

fn holds(tests: &[(ColumnPath, Vec<Value>)], record: &Record) -> bool {
    tests.iter().all(|(column, allowed)| {
        at(record, column).and_then(as_text).is_some_and(|found| allowed.iter().filter_map(as_text).any(|a| a == found))
    })
}

/// A column by its whole name, else by its dotted path.
fn at<'a>(record: &'a Record, column: &ColumnPath) -> Option<&'a Value> {
    if let Some(value) = record.get(&*column.written) {
        return Some(value);
    }
    let (first, rest) = column.parts.split_first().filter(|(_, rest)| !rest.is_empty())?;
    rest.iter().try_fold(record.get(&**first)?, |value, part| value.get(&**part))
}

fn value<'a>(from: &'a ValueFrom, record: &'a Record) -> Option<Cow<'a, Value>> {
    match from {
        ValueFrom::Column(column) => at(record, column).map(Cow::Borrowed),
        ValueFrom::Const(value) => Some(Cow::Borrowed(value)),
        ValueFrom::Join(columns, separator) => {
            let parts: Vec<String> =
                columns.iter().map(|c| at(record, c).and_then(as_text)).collect::<Option<Vec<_>>>()?;
            Some(Cow::Owned(Value::String(parts.join(separator))))
        }
        ValueFrom::Lookup(column, words, other) => {
            let found = as_text(at(record, column)?)?;
            let word = words.get(&found).or(other.as_ref()).cloned().unwrap_or(found);
            Some(Cow::Owned(Value::String(word)))
        }
    }
}

/// A value that must be one word: an id, a name, an identifier.
fn word(from: &ValueFrom, record: &Record, what: &str) -> Result<Option<String>, Rejection> {
    let read = |column: &ColumnPath| at(record, column).map_or(Ok(None), |found| text_of(found, what));
    match from {
        ValueFrom::Column(column) => read(column),
        ValueFrom::Const(value) => text_of(value, what),
        ValueFrom::Join(columns, separator) => {
            let parts = columns.iter().map(read).collect::<Result<Option<Vec<_>>, _>>()?;
            Ok(parts.map(|parts| parts.join(separator)))
        }
        ValueFrom::Lookup(column, words, other) => {
            Ok(read(column)?.map(|found| words.get(&found).or(other.as_ref()).cloned().unwrap_or(found)))
        }
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

fn integer(value: Option<&Value>, what: &str) -> Result<Option<i64>, Rejection> {
    let parsed = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(n)) => n.as_i64(),
        Some(Value::String(s)) => s.trim().parse().ok(),
        Some(_) => None,
    };
    match (parsed, value) {
        (Some(n), _) => Ok(Some(n)),
        (None, Some(v)) => {
            Err(rejection(RejectReason::WrongType, format!("the {what} is {v}; allowed: a whole number")))
        }
        (None, None) => Ok(None),
    }
}

fn properties(decoder: &MappingDecoder, record: &Record) -> Record {
    let mut out = Record::new();
    match &decoder.properties {
        Properties::Only(kept) => {
            for (name, from) in kept {
                if let Some(found) = value(from, record).filter(|v| !v.is_null()) {
                    out.insert(name.clone(), found.into_owned());
                }
            }
        }
        Properties::AllBut { skip, constants } => {
            let used = |name: &str| {
                let is = |from: &ValueFrom| matches!(from, ValueFrom::Column(c) if *c.written == *name);
                decoder.id.as_ref().is_some_and(is)
                    || decoder.identifiers.iter().any(|(_, f)| is(f))
                    || decoder.events.iter().any(|e| *e.time.column.written == *name)
                    || skip.iter().any(|c| *c.written == *name)
            };
            for (name, found) in record.iter().filter(|(n, v)| !v.is_null() && !used(n)) {
                out.insert(name.clone(), found.clone());
            }
            for (name, from) in constants {
                if let Some(found) = value(from, record) {
                    out.insert(name.clone(), found.into_owned());
                }
            }
        }
    }
    out
}
