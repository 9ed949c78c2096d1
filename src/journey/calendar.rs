//! Days of one zone. In: moments, mostly in order. Out: their calendar day. Remembers the bounds of the last day, since
//! looking a zone's clock up for every event would cost more than the fold itself.

use jiff::tz::TimeZone;

use crate::time::{Day, Timestamp};

pub(super) struct Calendar<'a> {
    zone: &'a TimeZone,
    utc: bool,
    /// The last day, and from when until when it lasts.
    last: (Timestamp, Timestamp, Day),
}

impl<'a> Calendar<'a> {
    pub fn new(zone: &'a TimeZone) -> Self {
        let nothing = (Timestamp::MAX, Timestamp::MIN, Day(0));
        Self { zone, utc: *zone == TimeZone::UTC, last: nothing }
    }

    pub fn day(&mut self, t: Timestamp) -> Day {
        if self.utc {
            return t.utc_day();
        }
        let (from, to, day) = self.last;
        if from <= t && t < to {
            return day;
        }
        let day = t.day_in(self.zone);
        self.last = (Day(day.0 - 1).end_in(self.zone), day.end_in(self.zone), day);
        day
    }
}
