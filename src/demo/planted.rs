//! What people in the shop do that nobody designed: how often, and what comes of it. In: nothing. Out: the shop's dice, and
//! the differences of conversion that follow from them.
//!
//! The coins are independent of each other, and each moves the probability to pay by its own amount. What a comparison
//! from a landmark on must find is therefore known in closed form ([`effects`]); the story itself is held against it.

/// Of those who choose and go on: sold by phone, past the basket and its terms of sale.
pub(super) const BY_PHONE: f64 = 0.10;
pub(super) const PHONE_PAYS: f64 = 0.88;
/// Of them, some pay so many hours later; the rest within ninety minutes.
pub(super) const PAYS_LATE_ON_PHONE: f64 = 0.70;
pub(super) const LATE_ON_PHONE: (u64, u64) = (3, 60);

/// Of those with a full basket: leave it. A colleague sells it by phone to some of them.
pub(super) const ABANDONS: f64 = 0.25;
pub(super) const SOLD_ANYWAY: f64 = 0.12;

/// Of those who go on from the basket. Nothing comes of the last.
pub(super) const SKIPS_BASKET_PAGE: f64 = 0.30;
pub(super) const COSTS_FIRST: f64 = 0.22;
pub(super) const SLOW_BASKET: f64 = 0.25;
pub(super) const BACK_TO_CHOICE: f64 = 0.18;

/// Probability to pay in the checkout, and what each of those moves it by.
pub(super) const PAYS: f64 = 0.74;
pub(super) const BY_SKIPPING: f64 = -0.18;
pub(super) const BY_COSTS_FIRST: f64 = 0.12;
pub(super) const BY_SLOWNESS: f64 = -0.15;

/// Of those who begin with a look around: in a browser that nobody is ever logged in with.
pub(super) const OTHER_BROWSER: f64 = 0.10;

/// A look around first; a pause in it; back after the pause; on to the choice then.
pub(super) const LOOKS_AROUND: f64 = 0.85;
pub(super) const PAUSES: f64 = 0.28;
pub(super) const RETURNS: f64 = 0.35;
pub(super) const GOES_ON_THEN: f64 = 0.60;
/// Before they leave the choice, of those who began with a look around: one more look.
pub(super) const LOOKS_AGAIN: f64 = 0.16;

/// A deviation that moves conversion, and by how much among journeys undecided at its landmark (docs/comparison.md).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    pub kind: &'static str,
    pub place: &'static str,
    /// Completed with it less completed without it.
    pub conversion: f64,
    /// Difference of the medians of the time from the landmark to the goal, seconds; where one is planted.
    pub time_to_goal: Option<f64>,
}

/// The median of the time from the first leave of the choice to the payment, seconds, of those who are not sold to by phone.
/// No closed form: it is the story's own, of a great many trips.
const MEDIAN_TO_PAYMENT: f64 = 1_202.0;

/// The same of those sold to by phone: a late payment is as likely at each hour of its range.
fn median_by_phone() -> f64 {
    let (from, to) = (LATE_ON_PHONE.0 as f64 * 3_600.0, LATE_ON_PHONE.1 as f64 * 3_600.0);
    from + (0.5 - (1.0 - PAYS_LATE_ON_PHONE)) / PAYS_LATE_ON_PHONE * (to - from)
}

/// Share of the journeys that leave the basket undecided, whose stay there was longer than designed.
pub const SLOW_SHARE: f64 = SLOW_BASKET * (1.0 - BACK_TO_CHOICE);

pub fn effects() -> [Effect; 5] {
    let means = [SKIPS_BASKET_PAGE * BY_SKIPPING, COSTS_FIRST * BY_COSTS_FIRST, SLOW_BASKET * BY_SLOWNESS];
    let pays = PAYS + means.iter().sum::<f64>();
    let other_coins = PAYS + means[1] + means[2];

    // `past basket`: those sold by phone stand in the checkout too and owe the basket page nothing; they are among those
    // without. Those who were sold an abandoned basket are decided by then.
    let by_phone = BY_PHONE;
    let in_order = (1.0 - BY_PHONE) * (1.0 - ABANDONS) * (1.0 - SKIPS_BASKET_PAGE);
    let not_skipping = (by_phone * PHONE_PAYS + in_order * other_coins) / (by_phone + in_order);

    // `left basket`: who goes back to the choice before the long wait leaves at once, and is among those without.
    let (slow_later, quick) = (SLOW_BASKET * BACK_TO_CHOICE, 1.0 - SLOW_BASKET);

    // `left consider`: who takes one more look leaves for discovery, whatever comes later.
    let on_from_discovery = 1.0 - PAUSES + PAUSES * RETURNS * GOES_ON_THEN;
    let whole = LOOKS_AROUND * on_from_discovery * (1.0 - OTHER_BROWSER);
    let again = LOOKS_AGAIN * whole / (1.0 - LOOKS_AROUND + LOOKS_AROUND * on_from_discovery);
    let basket = (1.0 - ABANDONS) * pays + ABANDONS * SOLD_ANYWAY;
    let to_basket = (1.0 - again) * (1.0 - BY_PHONE);
    let after_again = BY_PHONE * PHONE_PAYS + (1.0 - BY_PHONE) * basket;
    let no_phone = (again * after_again + to_basket * basket) / (again + to_basket);

    let time = Some(median_by_phone() - MEDIAN_TO_PAYMENT);
    let effect = |kind, place, conversion| Effect { kind, place, conversion, time_to_goal: None };
    [
        effect("missing", "basket_page", other_coins + BY_SKIPPING - not_skipping),
        effect("out_of_order", "delivery_costs", BY_COSTS_FIRST),
        effect("too_slow", "basket", BY_SLOWNESS * quick / (quick + slow_later)),
        effect("too_slow", "basket checkout", BY_SLOWNESS),
        Effect { time_to_goal: time, ..effect("forbidden", "consider checkout", PHONE_PAYS - no_phone) },
    ]
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::demo::household::household;
    use crate::demo::story::live;
    use crate::demo::trip::Trip;
    use crate::time::Timestamp;

    /// Trips that are lived to their end, of people of many households.
    fn trips(households: u32) -> Vec<Trip> {
        let mut rng = ChaCha8Rng::seed_from_u64(20);
        let (start, end) =
            (Timestamp::parse("2026-03-01T05:00:00Z").unwrap(), Timestamp::parse("2030-01-01T00:00:00Z"));
        let mut trips = Vec::new();
        for place in 0..households {
            for human in household(place, place * 2, 2, &mut rng) {
                trips.extend(live(&human, start, end.unwrap(), &mut rng).trips);
            }
        }
        trips
    }

    /// The difference of conversion of those who reached the landmark, and its standard error.
    fn difference(trips: &[Trip], reached: fn(&Trip) -> bool, with: fn(&Trip) -> bool) -> (f64, f64) {
        let group = |has: bool| {
            let own: Vec<&Trip> = trips.iter().filter(|t| reached(t) && with(t) == has).collect();
            let n = own.len() as f64;
            let share = own.iter().filter(|t| t.paid.is_some()).count() as f64 / n;
            (share, share * (1.0 - share) / n)
        };
        let ((with, v1), (without, v2)) = (group(true), group(false));
        (with - without, (v1 + v2).sqrt())
    }

    #[test]
    fn those_sold_to_by_phone_take_as_much_longer_as_is_said() {
        let trips = trips(60_000);
        let median = |by_phone: bool| {
            let own = trips.iter().filter(|t| (t.by_phone && !t.looked_again) == by_phone);
            let mut took: Vec<i64> =
                own.filter_map(|t| Some(t.paid?.micros() - t.left_choice?.micros())).map(|m| m / 1_000_000).collect();
            took.sort_unstable();
            took[took.len() / 2] as f64
        };
        let (with, without) = (median(true), median(false));
        // Two and a half hours are four standard errors of the first, of some four thousand; a minute is far more of the second.
        assert!((with - median_by_phone()).abs() < 9_000.0, "{with}, planted {}", median_by_phone());
        assert!((without - MEDIAN_TO_PAYMENT).abs() < 60.0, "{without}");
    }

    #[test]
    fn the_story_itself_has_the_effects_that_its_dice_say() {
        let trips = trips(60_000);
        let found = [
            difference(&trips, |t| t.checked_out || t.by_phone, |t| t.skipped),
            difference(&trips, |t| t.checked_out, |t| t.costs_first),
            difference(&trips, |t| t.checked_out, |t| t.slow && !t.went_back),
            difference(&trips, |t| t.checked_out, |t| t.slow),
            difference(&trips, |t| t.left_choice.is_some(), |t| t.by_phone && !t.looked_again),
        ];
        for (effect, (found, error)) in effects().iter().zip(found) {
            let apart = (effect.conversion - found).abs() / error;
            assert!(apart < 4.0 && error < 0.01, "{effect:?}, the story has {found} ± {error}");
        }
        let (back, error) = difference(&trips, |t| t.checked_out, |t| t.went_back);
        assert!(back.abs() < 4.0 * error, "going back does nothing: {back} ± {error}");
        let out: Vec<&Trip> = trips.iter().filter(|t| t.checked_out).collect();
        let slow = out.iter().filter(|t| t.slow && !t.went_back).count() as f64 / out.len() as f64;
        assert!((slow - SLOW_SHARE).abs() < 0.01, "{slow}");
    }
}
