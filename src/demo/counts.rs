//! What the shop promised to contain, counted as it is made. In: what every household did and every record that arrived.
//! Out: [`ShopCounts`], shares included.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::record::Draft;

/// Counts of what has been handed out so far; complete at the end of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShopCounts {
    pub humans: u64,
    /// All records, repeated ones included.
    pub records: u64,
    /// Records sent a second time, unchanged.
    pub duplicates: u64,
    /// Records sent a second time with a corrected time.
    pub corrections: u64,
    /// Records behind a later one of their source.
    pub late: u64,
    /// Records at one instant with another record of the same person.
    pub tied: u64,
    pub devices: u64,
    /// Devices on which two people have logged in.
    pub shared_devices: u64,
    /// People met under identifiers that only a later record joined.
    pub merged_humans: u64,
    pub orders: u64,
    pub returns: u64,
}

impl ShopCounts {
    pub fn duplicate_share(&self) -> f64 {
        share(self.duplicates, self.records)
    }
    pub fn late_share(&self) -> f64 {
        share(self.late, self.records)
    }
    pub fn tied_share(&self) -> f64 {
        share(self.tied, self.records)
    }
    pub fn shared_device_share(&self) -> f64 {
        share(self.shared_devices, self.devices)
    }
    pub fn merged_share(&self) -> f64 {
        share(self.merged_humans, self.humans)
    }
    pub fn return_share(&self) -> f64 {
        share(self.returns, self.orders)
    }

    /// One household's records, all of them, before they arrive.
    pub(super) fn add_household(&mut self, drafts: &[Draft]) {
        let mut humans: BTreeMap<u32, Vec<&Draft>> = BTreeMap::new();
        let mut devices: BTreeMap<&Arc<str>, Vec<u32>> = BTreeMap::new();
        for draft in drafts {
            humans.entry(draft.human).or_default().push(draft);
            if let Some((cookie, logged_in)) = draft.device() {
                let people = devices.entry(cookie).or_default();
                if logged_in && !people.contains(&draft.human) {
                    people.push(draft.human);
                }
            }
        }
        self.devices += devices.len() as u64;
        self.shared_devices += devices.values().filter(|people| people.len() > 1).count() as u64;
        for records in humans.values_mut() {
            records.sort_by(|a, b| (a.at, &a.event_id).cmp(&(b.at, &b.event_id)));
            self.tied +=
                records.chunk_by(|a, b| a.at == b.at).filter(|c| c.len() > 1).map(<[_]>::len).sum::<usize>() as u64;
            self.merged_humans += u64::from(joined_later(records));
        }
    }
}

/// Whether two sets of identifiers, each met before, were joined by a later record.
fn joined_later(records: &[&Draft]) -> bool {
    let mut groups: Vec<Vec<&Arc<str>>> = Vec::new();
    for draft in records {
        let named: Vec<&Arc<str>> = draft.identifiers().collect();
        let (met, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(|g| g.iter().any(|i| named.contains(i)));
        if met.len() > 1 {
            return true;
        }
        groups = rest;
        groups.push(met.into_iter().flatten().chain(named).collect());
    }
    false
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
