//! A record before its decoder looks inside: JSON parsed once, or a row with its header. In: borrowed bytes. Out: a
//! JSON object, or why there is none. Depth and UTF-8 are checked here.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::event::{RawPayload, RejectReason, Rejection};

/// Nesting beyond this is no business record.
const MAX_DEPTH: usize = 64;

pub(super) fn rejection(reason: RejectReason, detail: impl Into<String>) -> Rejection {
    Rejection { reason, detail: detail.into() }
}

/// The record as an object. Cells stay text; an empty cell is absent.
pub(super) fn read(payload: &RawPayload<'_>) -> Result<Map<String, Value>, Rejection> {
    match payload {
        RawPayload::Broken { reason, detail, .. } => Err(rejection(*reason, *detail)),
        RawPayload::Json(bytes) => json(bytes),
        RawPayload::Row { header, cells, .. } => row(header, cells),
    }
}

fn json(bytes: &[u8]) -> Result<Map<String, Value>, Rejection> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| rejection(RejectReason::NotUtf8, format!("byte {} is not UTF-8", e.valid_up_to())))?;
    if too_deep(bytes) {
        return Err(rejection(RejectReason::TooDeep, format!("nested deeper than {MAX_DEPTH} levels")));
    }
    match serde_json::from_str::<Plain>(text) {
        Ok(Plain(Value::Object(object))) => Ok(object),
        Ok(Plain(other)) => {
            Err(rejection(RejectReason::NotAnObject, format!("{} instead of an object", kind_of(&other))))
        }
        Err(e) if e.is_eof() => Err(rejection(RejectReason::Truncated, format!("the JSON ends too early: {e}"))),
        Err(e) if e.is_data() => Err(rejection(RejectReason::DuplicateKey, e.to_string())),
        Err(e) => Err(rejection(RejectReason::NotJson, e.to_string())),
    }
}

/// Any JSON value whose objects name each key once: which of two values was meant is not guessed (RFC 7493, which the
/// canonical form builds on, forbids it).
struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Plain(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            let Plain(value) = object.next_value()?;
            match map.entry(key) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(taken) => {
                    return Err(A::Error::custom(format!("`{}` stands twice in one object", taken.key())));
                }
            }
        }
        Ok(Value::Object(map))
    }
}

/// Counts brackets outside of strings, so that a bomb costs one pass and no stack.
fn too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for b in bytes {
        match (in_string, b) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_string = false,
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'{' | b'[') => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (false, _) => {}
        }
    }
    false
}

fn row(header: &[String], cells: &[&[u8]]) -> Result<Map<String, Value>, Rejection> {
    let mut record = Map::new();
    for (name, cell) in header.iter().zip(cells) {
        let text = std::str::from_utf8(cell)
            .map_err(|_| rejection(RejectReason::NotUtf8, format!("column `{name}` is not UTF-8")))?;
        if !text.is_empty() && !name.is_empty() {
            record.insert(name.clone(), Value::String(text.to_owned()));
        }
    }
    Ok(record)
}

/// Beyond it neighbouring whole numbers are one double: two ids would become one.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value that stands for an id or a name: a text, a number, true or false; null is none.
pub(super) fn text_of(value: &Value, what: &str) -> Result<Option<String>, Rejection> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(n) if n.is_f64() && n.as_f64().is_none_or(|f| f.abs() >= EXACT) => {
            let detail = format!("the {what} is {n}, a number too long to be exact; allowed: a text, a shorter number");
            Err(rejection(RejectReason::WrongType, detail))
        }
        Value::Number(n) => Ok(Some(n.to_string())),
        Value::Bool(b) => Ok(Some(b.to_string())),
        Value::Array(_) | Value::Object(_) => {
            let detail = format!("the {what} is {}; allowed: a text or a number", kind_of(value));
            Err(rejection(RejectReason::WrongType, detail))
        }
    }
}

/// What a JSON value is, for people.
pub(super) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The record's canonical form into a hash: key order and white space of JSON do not matter, nor does a row's quoting.
pub(super) fn hash_into(payload: &RawPayload<'_>, hash: &mut blake3::Hasher) {
    let bytes: &[u8] = match payload {
        RawPayload::Json(bytes) | RawPayload::Broken { bytes, .. } => bytes,
        RawPayload::Row { .. } => &[],
    };
    match read(payload).ok().and_then(|r| serde_json_canonicalizer::to_vec(&Value::Object(r)).ok()) {
        Some(canonical) => hash.update(&canonical),
        None => hash.update(bytes),
    };
}
