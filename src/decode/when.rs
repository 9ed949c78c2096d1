//! Times as sources write them. In: a value, a format, a zone for times that carry none. Out: a [`Timestamp`], or a
//! rejection; an unreadable time never becomes "now".

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::record::rejection;
use crate::config::TimeFormat;
use crate::event::{RejectReason, Rejection};
use crate::time::Timestamp;

pub(super) fn read(
    value: Option<&Value>,
    column: &str,
    format: &TimeFormat,
    zone: &TimeZone,
) -> Result<Timestamp, Rejection> {
    let value = value.filter(|v| !v.is_null()).ok_or_else(|| {
        rejection(RejectReason::MissingTime, format!("`{column}` is missing; an event needs its time"))
    })?;
    parse(value, format, zone).ok_or_else(|| {
        rejection(
            RejectReason::UnreadableTime,
            format!("`{column}` is {value}, which is no time; allowed: {}", allowed(format)),
        )
    })
}

fn allowed(format: &TimeFormat) -> String {
    match format {
        TimeFormat::Auto => {
            "RFC 3339 or ISO 8601 such as 2026-10-01T10:00:00+03:00, or without offset in the `zone` of the config"
                .to_owned()
        }
        TimeFormat::UnixSeconds => "seconds since 1970".to_owned(),
        TimeFormat::UnixMillis => "milliseconds since 1970".to_owned(),
        TimeFormat::UnixMicros => "microseconds since 1970".to_owned(),
        TimeFormat::Pattern(pattern) => format!("the pattern {pattern}"),
    }
}

fn parse(value: &Value, format: &TimeFormat, zone: &TimeZone) -> Option<Timestamp> {
    match format {
        TimeFormat::Auto => auto(value.as_str()?.trim(), zone),
        TimeFormat::UnixSeconds => unix(value, 1e6),
        TimeFormat::UnixMillis => unix(value, 1e3),
        TimeFormat::UnixMicros => unix(value, 1.0),
        TimeFormat::Pattern(pattern) => pattern_of(value.as_str()?.trim(), pattern, zone),
    }
}

fn auto(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(t) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_micros(t.as_microsecond()));
    }
    text.parse::<DateTime>().ok().and_then(|t| in_zone(t, zone))
}

/// A time that the clock skipped or showed twice takes the moment that jiff's "compatible" rule gives.
fn in_zone(t: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let moment = t.to_zoned_datetime(zone.clone()).ok()?.timestamp();
    Some(Timestamp::from_micros(moment.as_microsecond()))
}

/// Whole numbers exactly, fractions as far as a double goes; also as text.
fn unix(value: &Value, micros: f64) -> Option<Timestamp> {
    let whole = match value {
        Value::Number(n) => n.as_i64(),
        Value::String(s) => s.trim().parse::<i64>().ok(),
        _ => None,
    };
    if let Some(n) = whole {
        return n.checked_mul(micros as i64).map(Timestamp::from_micros);
    }
    let fraction = match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.trim().parse::<f64>().ok(),
        _ => None,
    };
    let scaled = (fraction? * micros).round();
    (scaled.abs() < 9e18).then(|| Timestamp::from_micros(scaled as i64))
}

fn pattern_of(text: &str, pattern: &str, zone: &TimeZone) -> Option<Timestamp> {
    let broken_down = jiff::fmt::strtime::parse(pattern, text).ok()?;
    if let Ok(t) = broken_down.to_timestamp() {
        return Some(Timestamp::from_micros(t.as_microsecond()));
    }
    match broken_down.to_datetime() {
        Ok(t) => in_zone(t, zone),
        Err(_) => broken_down.to_date().ok().and_then(|d| in_zone(d.at(0, 0, 0, 0), zone)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_read_in_every_format() {
        let moscow = TimeZone::get("Europe/Moscow").unwrap();
        let at = |v: Value, f: TimeFormat, z: &TimeZone| parse(&v, &f, z).map(|t| t.to_string());
        let ten = Some("2026-01-01T07:00:00Z".to_owned());
        assert_eq!(at(json!("2026-01-01 10:00:00"), TimeFormat::Auto, &moscow), ten);
        assert_eq!(at(json!("2026-01-01T10:00+03:00"), TimeFormat::Auto, &TimeZone::UTC), ten);
        assert_eq!(at(json!("01.01.2026 10:00"), TimeFormat::Pattern("%d.%m.%Y %H:%M".into()), &moscow), ten);
        assert_eq!(at(json!(1_767_250_800), TimeFormat::UnixSeconds, &moscow), ten);
        assert_eq!(at(json!("1767250800000"), TimeFormat::UnixMillis, &moscow), ten);
        assert_eq!(
            at(json!("2020-02-04 19:16:09.182546"), TimeFormat::Auto, &TimeZone::UTC).as_deref(),
            Some("2020-02-04T19:16:09.182546Z")
        );
        assert_eq!(at(json!("soon"), TimeFormat::Auto, &moscow), None);
        assert_eq!(at(json!(9e300), TimeFormat::UnixMicros, &moscow), None);
    }
}
