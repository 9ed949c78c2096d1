//! What becomes of journeys when history before a day is let go. In: rows before and after, the day. Out: how many go to
//! the frozen ones whole, how many lie across the day and lose what they have before it, and how many of those disappear.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::journey::{Journey, Outcome};
use crate::stage::CustomerRow;
use crate::time::{Day, Timestamp};

#[derive(Default)]
struct Of {
    before: usize,
    after: usize,
    frozen: usize,
    across: usize,
}

/// Of one map, to be put behind its counts; nothing where no journey is concerned.
pub(super) fn say(before: &[CustomerRow], after: &[CustomerRow], (map, as_of): (usize, Timestamp), day: Day) -> String {
    let start = day.start_utc();
    let mut customers: BTreeMap<&str, Of> = BTreeMap::new();
    for (customer, journey) in journeys(before, map) {
        let of = customers.entry(customer).or_default();
        of.before += 1;
        of.frozen += usize::from(is_frozen(journey, as_of, start));
        of.across += usize::from(is_across(journey, start));
    }
    for (customer, _) in journeys(after, map) {
        customers.entry(customer).or_default().after += 1;
    }
    let sum = |of: fn(&Of) -> usize| customers.values().map(of).sum::<usize>();
    let (frozen, across) = (sum(|of| of.frozen), sum(|of| of.across));
    let gone = sum(|of| (of.before - of.frozen).saturating_sub(of.after));
    let mut text = String::new();
    if frozen > 0 {
        write!(text, "; to v_journeys_frozen {frozen}").ok();
    }
    if across > 0 {
        write!(text, "; across {day} {across}, which lose what they have before it, and {gone} of them disappear").ok();
    }
    text
}

fn journeys(rows: &[CustomerRow], map: usize) -> impl Iterator<Item = (&str, &Journey)> {
    let rows = rows.iter().filter(move |row| row.map == map);
    rows.filter_map(|row| Some((&*row.customer, row.journeys.as_ref()?)))
        .flat_map(|(customer, found)| found.journeys.iter().map(move |journey| (customer, journey)))
}

/// The same as the table of frozen journeys takes them: all visits before the day, and decided.
fn is_frozen(journey: &Journey, as_of: Timestamp, start: Timestamp) -> bool {
    let over = journey.visits.iter().all(|visit| visit.at < start);
    over && !matches!(journey.outcome(as_of), Outcome::InFlight)
}

fn is_across(journey: &Journey, start: Timestamp) -> bool {
    journey.visits.iter().any(|visit| visit.at < start) && journey.visits.iter().any(|visit| visit.at >= start)
}
