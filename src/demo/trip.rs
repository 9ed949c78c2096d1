//! What one shopping trip was in truth, written down by the story as it happens, and the sums of it. In: what a person did.
//! Out: [`Trip`], [`Truth`]. Knows the designed journey's names for what was planted, and nothing of how they are found.

use jiff::tz::TimeZone;

use crate::time::{Day, Timestamp};

/// One shopping trip: from the first look to the end of it. Only what the sources were told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trip {
    /// The first visit on the trail that leads on.
    pub entered: Option<Timestamp>,
    /// The last visit in a browser that nothing ties to the rest of the trip.
    pub cut: Option<Timestamp>,
    /// When it first left the choice, having chosen.
    pub left_choice: Option<Timestamp>,
    pub looked_again: bool,
    pub by_phone: bool,
    pub sold_anyway: bool,
    /// Came into the checkout from the basket; the next four are told then.
    pub checked_out: bool,
    pub skipped: bool,
    pub costs_first: bool,
    pub slow: bool,
    pub went_back: bool,
    pub paid: Option<Timestamp>,
    pub paid_late: bool,
}

/// How often something planted happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub journeys: u64,
    pub customers: u64,
}

/// What the shop has planted so far; complete at the end of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// In the order of [`PLANTED`].
    times: [Times; PLANTED.len()],
    /// Of those who paid later than the file allows: begun while the file accepted it, and after.
    pub late_accepted: u64,
    pub late_not_accepted: u64,
    /// When trails ended that go on under another name.
    cut: Vec<Timestamp>,
}

/// Kind and place as the journey file's names have it, and whether a trip has it.
type Planted = (&'static str, &'static str, fn(&Trip) -> bool);

const PLANTED: [Planted; 8] = [
    ("missing", "basket_page", |t| t.skipped),
    ("out_of_order", "delivery_costs", |t| t.costs_first),
    ("too_slow", "basket", |t| t.slow),
    ("too_slow", "basket checkout", |t| t.slow && t.checked_out),
    ("unexpected", "basket consider", |t| t.went_back),
    ("forbidden", "consider checkout", |t| t.by_phone),
    ("forbidden", "basket paid", |t| t.sold_anyway),
    ("too_slow", "checkout paid", |t| t.paid_late),
];

/// The journey file accepts late payment of journeys that began up to this day.
pub(super) const LATE_ACCEPTED_UNTIL: Day = Day(20_604);

impl Truth {
    /// Deviations by kind and place, journeys and customers.
    pub fn deviations(&self) -> impl Iterator<Item = (&'static str, &'static str, Times)> {
        PLANTED.iter().zip(self.times).map(|(planted, times)| (planted.0, planted.1, times))
    }

    /// Journeys that look dropped at this moment and went on under another name: drop-offs that are none.
    pub fn phantom_drop_offs(&self, as_of: Timestamp) -> u64 {
        let silent = |at: &&Timestamp| as_of.micros() - at.micros() >= 7 * 86_400_000_000;
        self.cut.iter().filter(silent).count() as u64
    }

    /// Trips whose trail is cut in two, silent for long or not.
    pub fn cut_trails(&self) -> u64 {
        self.cut.len() as u64
    }

    /// All trips of one person.
    pub(super) fn add_person(&mut self, trips: &[Trip], zone: &TimeZone) {
        for (times, (_, _, has)) in self.times.iter_mut().zip(PLANTED) {
            let journeys = trips.iter().filter(|t| has(t)).count() as u64;
            times.journeys += journeys;
            times.customers += u64::from(journeys > 0);
        }
        for trip in trips {
            if let (true, Some(entered)) = (trip.paid_late, trip.entered) {
                let accepted = entered.day_in(zone) <= LATE_ACCEPTED_UNTIL;
                self.late_accepted += u64::from(accepted);
                self.late_not_accepted += u64::from(!accepted);
            }
            self.cut.extend(trip.cut);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::planted;

    #[test]
    fn every_effect_is_one_of_what_is_planted() {
        for effect in planted::effects() {
            assert!(PLANTED.iter().any(|p| (p.0, p.1) == (effect.kind, effect.place)), "{effect:?}");
        }
    }

    #[test]
    fn the_journey_file_accepts_late_payment_as_long_as_the_story_thinks() {
        let map = crate::map::parse("shop", crate::demo::JOURNEY).unwrap();
        assert_eq!(map.accepted_deviations[0].until, Some(LATE_ACCEPTED_UNTIL));
    }
}
