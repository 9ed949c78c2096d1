//! The stream: households move in one after the other, and what they do arrives in the order of its arrival, not of its
//! happening. In: seed and size. Out: [`ShopRecord`]s. Only people whose records are still on their way are in memory.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::time::Timestamp;

use super::counts::ShopCounts;
use super::household::household;
use super::record::{Draft, Side};
use super::story;
use super::trip::Truth;

/// 2026-03-01T05:00:00Z: the first household opens its browser.
const BEGIN: Timestamp = Timestamp::from_micros(1_772_341_200_000_000);
/// People turn up over this long; the last of them are still under way when the log ends.
const SPAN_DAYS: u64 = 178;
/// Nothing happens after this many days from the beginning.
const LAST_DAY: u64 = 184;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// One record as a source hands it over, and who was behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShopRecord {
    pub side: Side,
    pub event_id: Arc<str>,
    pub occurred_at: Timestamp,
    /// One JSON document, without a line end.
    pub json: String,
    /// The truth that no source knows; not in `json`.
    pub human: u32,
}

/// The shop: an iterator over its records in order of arrival.
pub struct Shop {
    seed: u64,
    customers: u32,
    zone: TimeZone,
    households: u32,
    next_human: u32,
    on_the_way: BinaryHeap<Reverse<Parcel>>,
    parcels: u64,
    newest: [Timestamp; 2],
    counts: ShopCounts,
    truth: Truth,
}

/// A draft on its way; ordered by arrival, then by the order of sending.
struct Parcel {
    arrives: Timestamp,
    number: u64,
    sending: Sending,
    draft: Draft,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    Original,
    Repeated,
    Corrected,
}

impl Shop {
    pub fn new(seed: u64, customers: u32) -> Self {
        Self {
            seed,
            customers,
            // Without the zone's data the CRM's clock runs in UTC, which the decoder would read an hour or two off.
            zone: TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC),
            households: 0,
            next_human: 0,
            on_the_way: BinaryHeap::new(),
            parcels: 0,
            newest: [Timestamp::MIN; 2],
            counts: ShopCounts::default(),
            truth: Truth::default(),
        }
    }

    /// What has been handed out so far.
    pub fn counts(&self) -> &ShopCounts {
        &self.counts
    }

    /// What was planted so far; complete at the end of the stream.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// When the next household turns up; nobody's record arrives before that.
    fn next_start(&self) -> Option<Timestamp> {
        if self.next_human >= self.customers {
            return None;
        }
        let into = SPAN_DAYS * 24 * HOUR * u64::from(self.next_human) / u64::from(self.customers);
        Some(BEGIN + Duration::from_secs(into))
    }

    fn move_in(&mut self, start: Timestamp) {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::from(self.households));
        let people = household(self.households, self.next_human, self.customers - self.next_human, &mut rng);
        let end = BEGIN + Duration::from_secs(LAST_DAY * 24 * HOUR);
        let mut drafts = Vec::new();
        for human in &people {
            let lived = story::live(human, start, end, &mut rng);
            self.counts.orders += lived.orders;
            self.counts.returns += lived.returns;
            self.truth.add_person(&lived.trips, &self.zone);
            drafts.extend(lived.drafts);
        }
        self.households += 1;
        self.next_human += people.len() as u32;
        self.counts.humans += people.len() as u64;
        self.counts.add_household(&drafts);
        for draft in drafts {
            self.send(draft, &mut rng);
        }
    }

    fn send(&mut self, draft: Draft, rng: &mut ChaCha8Rng) {
        let delay = match (rng.random_bool(0.16), draft.side()) {
            // A telephone that was off line, a back office that types in the evening.
            (true, _) => rng.random_range(30 * MINUTE..40 * HOUR),
            (false, Side::Web) => rng.random_range(0..5),
            (false, Side::Crm) => rng.random_range(0..2 * MINUTE),
        };
        let arrives = draft.at + Duration::from_secs(delay);
        if rng.random_bool(0.035) {
            let again = arrives + Duration::from_secs(rng.random_range(1..48 * HOUR));
            self.post(again, Sending::Repeated, draft.clone());
        } else if draft.side() == Side::Crm && rng.random_bool(0.01) {
            let again = arrives + Duration::from_secs(rng.random_range(HOUR..24 * HOUR));
            let corrected = Draft { at: draft.at + Duration::from_secs(3 * MINUTE), ..draft.clone() };
            self.post(again, Sending::Corrected, corrected);
        }
        self.post(arrives, Sending::Original, draft);
    }

    fn post(&mut self, arrives: Timestamp, sending: Sending, draft: Draft) {
        self.parcels += 1;
        self.on_the_way.push(Reverse(Parcel { arrives, number: self.parcels, sending, draft }));
    }

    fn hand_over(&mut self, parcel: Parcel) -> ShopRecord {
        let Parcel { sending, draft, .. } = parcel;
        let newest = &mut self.newest[usize::from(draft.side() == Side::Crm)];
        self.counts.records += 1;
        match sending {
            Sending::Original => self.counts.late += u64::from(draft.at < *newest),
            Sending::Repeated => self.counts.duplicates += 1,
            Sending::Corrected => self.counts.corrections += 1,
        }
        *newest = draft.at.max(*newest);
        ShopRecord {
            side: draft.side(),
            json: draft.json(&self.zone),
            occurred_at: draft.at,
            human: draft.human,
            event_id: draft.event_id,
        }
    }
}

impl Iterator for Shop {
    type Item = ShopRecord;

    fn next(&mut self) -> Option<ShopRecord> {
        while let Some(start) = self.next_start() {
            match self.on_the_way.peek() {
                Some(Reverse(first)) if first.arrives < start => break,
                _ => self.move_in(start),
            }
        }
        let Reverse(parcel) = self.on_the_way.pop()?;
        Some(self.hand_over(parcel))
    }
}

impl PartialEq for Parcel {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Parcel {}
impl PartialOrd for Parcel {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Parcel {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.arrives, self.number).cmp(&(other.arrives, other.number))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn stream(seed: u64, customers: u32) -> (Vec<ShopRecord>, ShopCounts) {
        let mut shop = Shop::new(seed, customers);
        let records = shop.by_ref().collect();
        (records, shop.counts().clone())
    }

    #[test]
    fn one_seed_gives_one_stream_and_another_seed_another() {
        assert_eq!(stream(7, 60).0, stream(7, 60).0);
        assert_ne!(stream(7, 60).0, stream(8, 60).0);
    }

    #[test]
    fn the_shop_keeps_its_promises() {
        for seed in 1..=5 {
            for customers in [300, 2_000] {
                let counts = stream(seed, customers).1;
                assert_eq!(counts.humans, u64::from(customers));
                let shares = [
                    ("shared devices", counts.shared_device_share(), 0.03),
                    ("tied times", counts.tied_share(), 0.05),
                    ("late", counts.late_share(), 0.10),
                    ("merged customers", counts.merged_share(), 0.10),
                    ("returns", counts.return_share(), 0.03),
                    ("duplicates", counts.duplicate_share(), 0.02),
                ];
                for (what, share, least) in shares {
                    assert!(share >= least, "seed {seed}, {customers} customers: {what} {share} < {least}: {counts:?}");
                }
            }
        }
    }

    #[test]
    fn an_event_id_is_one_persons_and_no_record_names_the_human() {
        let mut humans = HashMap::new();
        for record in stream(3, 500).0 {
            let key = (record.side, record.event_id.clone());
            assert_eq!(*humans.entry(key).or_insert(record.human), record.human);
            assert!(!record.json.contains("human"));
        }
    }

    #[test]
    fn records_arrive_although_later_households_have_not_moved_in() {
        let mut shop = Shop::new(1, 10_000);
        for _ in 0..1_000 {
            shop.next();
        }
        assert!(shop.counts().humans < 2_000, "{} people in memory", shop.counts().humans);
    }
}
