//! The Segment spec: track, page, screen, identify, alias, group. In: one call as JSON. Out: one [`Found`]. Names: a
//! track call's `event`; `page_view`, `screen_view`, `identify`, `alias`, `group` for the others. Properties: the call's
//! own (or its traits), with the page's path, url, referrer and title, and the campaign's name, where they are absent.

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use smallvec::{SmallVec, smallvec};

use super::record::{kind_of, rejection, text_of};
use super::{Found, when};
use crate::config::{SegmentDecoder, TimeFormat};
use crate::event::{KindId, RawPayload, RejectReason, Rejection};

pub(super) fn decode(
    decoder: &SegmentDecoder,
    mut record: Map<String, Value>,
    _payload: &RawPayload<'_>,
) -> Result<SmallVec<[Found; 1]>, Rejection> {
    const CALLS: &str = "allowed: track, page, screen, identify, alias, group";
    let call = text(&record, "type")?
        .ok_or_else(|| rejection(RejectReason::UnknownCall, format!("`type` is missing; {CALLS}")))?;
    let name = match call.as_str() {
        "track" => text(&record, "event")?
            .filter(|n| !n.is_empty())
            .ok_or_else(|| rejection(RejectReason::MissingName, "a track call without `event`"))?,
        "page" => "page_view".to_owned(),
        "screen" => "screen_view".to_owned(),
        "identify" | "alias" | "group" => call.clone(),
        other => {
            return Err(rejection(RejectReason::UnknownCall, format!("`type` is `{other}`; {CALLS}")));
        }
    };
    // sentAt and receivedAt are other moments: a time that the call does not say is not guessed.
    let column = if record.contains_key("timestamp") { "timestamp" } else { "originalTimestamp" };
    let occurred_at = when::read(record.get(column), column, &TimeFormat::Auto, &TimeZone::UTC)?;

    let mut identifiers = SmallVec::new();
    let mut add = |kind, value: Option<String>| {
        if let Some(value) = value {
            identifiers.push((kind, value));
        }
    };
    add(decoder.user, text(&record, "userId")?);
    add(decoder.anonymous, text(&record, "anonymousId")?);
    if call == "alias" {
        // The previous id is the user's older id, or the anonymous id it went by.
        let previous = text(&record, "previousId")?;
        let known = previous.is_some() && previous == text(&record, "anonymousId")?;
        add(if known { decoder.anonymous } else { decoder.user }, previous);
    }
    let body = match call.as_str() {
        "identify" | "group" => "traits",
        _ => "properties",
    };
    let mut properties = match record.remove(body) {
        Some(Value::Object(object)) => object,
        None | Some(Value::Null) => Map::new(),
        Some(other) => {
            let detail = format!("`{body}` is {}; allowed: an object", kind_of(&other));
            return Err(rejection(RejectReason::WrongType, detail));
        }
    };
    let context = match record.get("context") {
        None | Some(Value::Null) => None,
        Some(Value::Object(object)) => Some(object),
        Some(other) => {
            let detail = format!("`context` is {}; allowed: an object", kind_of(other));
            return Err(rejection(RejectReason::WrongType, detail));
        }
    };
    let traits = context.and_then(|c| c.get("traits")).and_then(Value::as_object);
    for (name, kind) in &decoder.traits {
        let own = (body == "traits").then(|| properties.get(name)).flatten();
        let value = own.or_else(|| traits.and_then(|t| t.get(name)));
        add(*kind, value.map_or(Ok(None), |v| text_of(v, name))?);
    }
    for key in ["groupId", "name"] {
        if let Some(value) = record.get(key).filter(|v| plain(v).is_some()) {
            properties.entry(key).or_insert_with(|| value.clone());
        }
    }
    if let Some(page) = context.and_then(|c| c.get("page")).and_then(Value::as_object) {
        for key in ["path", "url", "referrer", "title"] {
            if let Some(value) = page.get(key).filter(|v| plain(v).is_some_and(|t| !t.is_empty())) {
                properties.entry(key).or_insert_with(|| value.clone());
            }
        }
    }
    if let Some(campaign) = context.and_then(|c| c.get("campaign")).and_then(|c| c.get("name")) {
        properties.entry("campaign").or_insert_with(|| campaign.clone());
    }
    Ok(smallvec![Found {
        id: text(&record, "messageId")?.filter(|id| !id.is_empty()),
        name,
        occurred_at,
        identifiers,
        properties,
        session: context.and_then(|c| c.get("sessionId")).and_then(plain),
        ..Found::default()
    }])
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// A text or number field; absent or null is none, anything else is of the wrong type.
fn text(record: &Map<String, Value>, key: &str) -> Result<Option<String>, Rejection> {
    match record.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(_)) => {
            Err(rejection(RejectReason::WrongType, format!("the {key} is true or false; allowed: a text or a number")))
        }
        Some(value) => text_of(value, key),
    }
}

/// Identifiers of a call that is no event, as far as they can be read.
pub(super) fn named(decoder: &SegmentDecoder, record: &Map<String, Value>) -> Vec<(KindId, String)> {
    let text = |from: Option<&Value>| from.and_then(|v| text_of(v, "identifier").ok().flatten());
    let mut found = Vec::new();
    for (kind, name) in [
        (decoder.user, "userId"),
        (decoder.anonymous, "anonymousId"),
        (decoder.user, "previousId"),
        (decoder.anonymous, "previousId"),
    ] {
        found.extend(text(record.get(name)).map(|value| (kind, value)));
    }
    let traits = [record.get("traits"), record.get("context").and_then(|c| c.get("traits"))];
    for (name, kind) in &decoder.traits {
        found.extend(traits.iter().flatten().filter_map(|t| text(t.get(name))).map(|value| (*kind, value)));
    }
    found
}
