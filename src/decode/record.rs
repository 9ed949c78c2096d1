//! A record before its decoder looks inside: JSON parsed once, or a row with its header. In: borrowed bytes. Out: a
//! JSON object, or why there is none. Depth and UTF-8 are checked here.

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
        RawPayload::Row { header, cells } => row(header, cells),
    }
}

fn json(bytes: &[u8]) -> Result<Map<String, Value>, Rejection> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| rejection(RejectReason::NotUtf8, format!("byte {} is not UTF-8", e.valid_up_to())))?;
    if too_deep(bytes) {
        return Err(rejection(RejectReason::TooDeep, format!("nested deeper than {MAX_DEPTH} levels")));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(rejection(RejectReason::NotAnObject, format!("{} instead of an object", kind_of(&other)))),
        Err(e) if e.is_eof() => Err(rejection(RejectReason::Truncated, format!("the JSON ends too early: {e}"))),
        Err(e) => Err(rejection(RejectReason::NotJson, e.to_string())),
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
        if !text.is_empty() {
            record.insert(name.clone(), Value::String(text.to_owned()));
        }
    }
    Ok(record)
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
