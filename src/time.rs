//! Time as every stage sees it. In: text and numbers from sources and files. Out: [`Timestamp`] (microseconds, UTC),
//! [`Day`] (a calendar day) and fixed-length durations. Never reads a clock: "now" is an argument everywhere.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1990-01-01T00:00:00Z: an event before it has no usable time (semantics.md, "Time of an event").
    pub const EARLIEST: Self = Self(631_152_000_000_000);
    /// 2101-01-01T00:00:00Z: an event at or after it has no usable time.
    pub const LATEST: Self = Self(4_133_980_800_000_000);
    pub const MIN: Self = Self(i64::MIN);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whether an event may carry this time: 1990-01-01 <= t < 2101-01-01 UTC.
    pub fn is_usable(self) -> bool {
        (Self::EARLIEST..Self::LATEST).contains(&self)
    }

    /// The UTC day.
    pub const fn utc_day(self) -> Day {
        Day(self.0.div_euclid(86_400_000_000) as i32)
    }

    /// The calendar day in a zone.
    pub fn day_in(self, zone: &TimeZone) -> Day {
        match self.to_jiff() {
            Some(t) => Day::from_date(t.to_zoned_datetime(zone.clone()).date()),
            None => self.utc_day(),
        }
    }

    pub fn to_jiff(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_microsecond(self.0).ok()
    }

    /// An RFC 3339 instant, such as `2026-10-01T10:00:00+03:00`; seconds may be missing (`2026-10-01T10:00Z`).
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(t) = text.parse::<jiff::Timestamp>() {
            return Some(Self(t.as_microsecond()));
        }
        text.parse::<Date>().ok().map(|date| Day::from_date(date).start_utc())
    }

    pub fn saturating_add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }

    pub fn saturating_sub(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Seconds from `earlier` to `self`, negative when it lies after.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / 1e6
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        self.saturating_add(d)
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, d: Duration) -> Self {
        self.saturating_sub(d)
    }
}

/// `2026-01-01T10:00:00Z`, with a fraction only where there is one.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_jiff() {
            Some(t) => write!(f, "{t}"),
            None => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A calendar day: days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

impl Day {
    /// 1900-01-01, before every event.
    pub const SINCE_EVER: Self = Self(-25_567);

    pub fn from_date(date: Date) -> Self {
        let epoch = jiff::civil::date(1970, 1, 1);
        Self(date.duration_since(epoch).as_hours().div_euclid(24) as i32)
    }

    pub fn to_date(self) -> Date {
        let epoch = jiff::civil::date(1970, 1, 1);
        epoch.saturating_add(jiff::SignedDuration::from_hours(i64::from(self.0) * 24))
    }

    pub const fn start_utc(self) -> Timestamp {
        Timestamp(self.0 as i64 * 86_400_000_000)
    }

    /// The first moment after this day in a zone (a day may have 23 or 25 hours).
    pub fn end_in(self, zone: &TimeZone) -> Timestamp {
        let next = Self(self.0 + 1);
        match next.to_date().to_zoned_datetime(zone.clone()) {
            Ok(start) => Timestamp(start.timestamp().as_microsecond()),
            Err(_) => next.start_utc(),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_date())
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A length of time as people write it: ISO 8601 (`P14D`, `PT48H`, `P1Y`) or friendly (`14d`, `5 min`).
///
/// Lengths are fixed: a day has 24 hours, a week 7 days, a month 30 and a year 365 days, so that a window means the
/// same in the fold, in SQL and in anyone's own script, whatever the zone's clocks do.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let span: jiff::Span = text.trim().parse().map_err(|_| format!("`{text}` is not a length of time"))?;
    let days = i64::from(span.get_years()) * 365
        + i64::from(span.get_months()) * 30
        + i64::from(span.get_weeks()) * 7
        + i64::from(span.get_days());
    let micros = i128::from(days) * 86_400_000_000
        + i128::from(span.get_hours()) * 3_600_000_000
        + i128::from(span.get_minutes()) * 60_000_000
        + i128::from(span.get_seconds()) * 1_000_000
        + i128::from(span.get_milliseconds()) * 1_000
        + i128::from(span.get_microseconds());
    match u64::try_from(micros) {
        Ok(micros) if micros <= 400 * 365 * 86_400_000_000 => Ok(Duration::from_micros(micros)),
        _ => Err(format!("`{text}` is negative or longer than 400 years")),
    }
}

/// The shortest friendly form: `14d`, `36h`, `5m`, `20s`.
pub fn format_duration(d: Duration) -> String {
    let s = d.as_secs();
    match s {
        0 => format!("{}ms", d.as_millis()),
        _ if s.is_multiple_of(86_400) => format!("{}d", s / 86_400),
        _ if s.is_multiple_of(3_600) => format!("{}h", s / 3_600),
        _ if s.is_multiple_of(60) => format!("{}m", s / 60),
        _ => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_fixed() {
        let d = |t: &str| parse_duration(t).map(|d| d.as_secs());
        assert_eq!(d("P14D"), Ok(14 * 86_400));
        assert_eq!(d("14d"), Ok(14 * 86_400));
        assert_eq!(d("PT48H"), Ok(48 * 3_600));
        assert_eq!(d("P1Y"), Ok(365 * 86_400));
        assert_eq!(d("P1M"), Ok(30 * 86_400));
        assert_eq!(d("5 min"), Ok(300));
        assert!(d("soon").is_err());
        assert!(d("-P1D").is_err());
    }

    #[test]
    fn a_day_belongs_to_its_zone() {
        let moscow = TimeZone::get("Europe/Moscow").unwrap();
        let t = Timestamp::parse("2026-01-02T21:00:00Z").unwrap();
        assert_eq!(t.utc_day().to_string(), "2026-01-02");
        assert_eq!(t.day_in(&moscow).to_string(), "2026-01-03");
        assert_eq!(t.day_in(&moscow).end_in(&moscow), Timestamp::parse("2026-01-03T21:00:00Z").unwrap());
    }

    #[test]
    fn instants_are_read_with_and_without_seconds() {
        assert_eq!(Timestamp::parse("2026-01-01T10:00Z"), Timestamp::parse("2026-01-01T10:00:00Z"));
        assert_eq!(Timestamp::parse("2026-01-01"), Timestamp::parse("2026-01-01T00:00:00Z"));
        assert_eq!(Timestamp::parse("soon"), None);
        assert!(!Timestamp::parse("1989-12-31T23:59Z").unwrap().is_usable());
        assert!(!Timestamp::parse("2101-01-01T00:00Z").unwrap().is_usable());
    }
}
