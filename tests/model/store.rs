//! The warehouse of the model: what the tables would hold. In: rows, whenever the scheduler lets them in. Out: what reads
//! would see at that moment. A table keeps the greatest version of a key; of equal ones the last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tropa::config::Config;
use tropa::event::{Event, SourceId};
use tropa::identity::{Assignment, Fact};
use tropa::journey::CustomerJourneys;
use tropa::stage::announce::buckets_of;
use tropa::stage::{Partition, PositionRow, Rows, Version, bucket};
use tropa::time::{Day, Timestamp};

use crate::mistakes::Mistake;
use crate::naive::FactKey;
use crate::ordered::Ordered;

type CustomerKey = (usize, Arc<str>);
/// (node, day).
type IdentityKey = (Arc<str>, Option<Day>);
/// (source, id, when, content) of an event.
pub type EventKey = (u16, Arc<str>, Timestamp, u128);
/// The newest row: its version and customer.
type Assigned = (Version, Option<Arc<str>>);
/// What an aggregate counts of a bucket: here everything it could.
type Counted = BTreeMap<CustomerKey, CustomerJourneys>;

pub struct Store {
    pub config: Arc<Config>,
    mistake: Option<Mistake>,
    pub events: Vec<Event>,
    pub facts: BTreeMap<FactKey, Fact>,
    /// Facts of which only who, whom and the day are kept.
    pub erased: BTreeSet<FactKey>,
    pub ordered: Ordered,
    /// What arrives now was sent by somebody who is dead, or who does not wait for it.
    pub behind: bool,
    /// Events that arrived so: nobody tells of them, so nobody sweeps them away before the next order.
    pub strays: BTreeSet<EventKey>,
    pub identity: BTreeMap<IdentityKey, Assigned>,
    announcing: Vec<(Version, Arc<str>)>,
    pub customers: BTreeMap<CustomerKey, (Version, Option<CustomerJourneys>)>,
    pub positions: BTreeMap<Arc<str>, PositionRow>,
    epoch: u64,
    /// Into how many slices the customers were cut, one after the other.
    pub cuts: Vec<Partition>,
    pub aggregates: BTreeMap<u8, (Version, Timestamp, Counted)>,
    /// By slice and number of slices.
    pub as_of: BTreeMap<(Partition, Partition), Timestamp>,
}

impl Store {
    pub fn new(config: Arc<Config>, mistake: Option<Mistake>) -> Self {
        Self {
            config,
            mistake,
            events: Vec::new(),
            facts: BTreeMap::new(),
            erased: BTreeSet::new(),
            ordered: Ordered::default(),
            behind: false,
            strays: BTreeSet::new(),
            identity: BTreeMap::new(),
            announcing: Vec::new(),
            customers: BTreeMap::new(),
            positions: BTreeMap::new(),
            epoch: 0,
            cuts: Vec::new(),
            aggregates: BTreeMap::new(),
            as_of: BTreeMap::new(),
        }
    }

    pub fn made(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    pub fn insert(&mut self, rows: &Rows) {
        match rows {
            Rows::Events(events) => {
                self.events.extend(events.iter().cloned());
                if self.behind {
                    self.strays.extend(events.iter().map(event_key));
                }
            }
            Rows::Facts(facts) => facts.iter().for_each(|fact| self.state(fact)),
            Rows::Announcing(list, version) => self.announcing.extend(list.iter().map(|c| (*version, c.clone()))),
            Rows::Assignments(list, version) => {
                for a in list {
                    let stood = self.identity.entry((a.node.clone(), a.day)).or_default();
                    if *version >= stood.0 {
                        *stood = (*version, a.customer.clone());
                    }
                }
            }
            Rows::Customers(rows) => {
                for row in rows {
                    let stood = self.customers.get(&(row.map, row.customer.clone()));
                    let newer = stood.is_none_or(|(version, _)| row.version >= *version);
                    let equal = stood.is_some_and(|(_, journeys)| *journeys == row.journeys);
                    if equal && self.mistake == Some(Mistake::SkipIfEqual) {
                        continue;
                    }
                    if newer || self.mistake == Some(Mistake::NoVersion) {
                        self.customers.insert((row.map, row.customer.clone()), (row.version, row.journeys.clone()));
                    }
                }
            }
            Rows::Positions(rows) => {
                // A row that was under way when its process died may come late: what it says is then read once more.
                for row in rows {
                    let stood = self.positions.entry(row.topic.clone()).or_insert_with(|| row.clone());
                    if row.next >= stood.next {
                        *stood = row.clone();
                    }
                }
            }
            Rows::Orders(rows) => self.carry_out(rows),
            Rows::DeadLetters(_) | Rows::Recovered(_) => {}
        }
    }

    fn state(&mut self, fact: &Fact) {
        let key = key(fact);
        let kept = self.facts.entry(key).or_insert_with(|| fact.clone());
        if (fact.occurred_at, &fact.event_id) < (kept.occurred_at, &kept.event_id) {
            *kept = fact.clone();
        }
    }

    pub fn claim_epoch(&mut self) -> u64 {
        if !self.made(Mistake::NoEpoch) {
            self.epoch += 1;
        }
        self.epoch.max(1)
    }

    pub const fn is_newest(&self, epoch: u64) -> bool {
        self.epoch <= epoch
    }

    pub fn events_of(&self, nodes: &[Arc<str>]) -> Vec<Event> {
        // A replica that trails has not seen the last inserts yet.
        let seen =
            if self.made(Mistake::LaggingRead) { self.events.len().saturating_sub(2) } else { self.events.len() };
        self.events[..seen].iter().filter(|e| nodes.contains(&e.node())).cloned().collect()
    }

    /// Of erased facts only the day is known.
    pub fn live_facts(&self) -> Vec<Fact> {
        let bare = |(a, b, source, generation, day): &FactKey| Fact {
            a: a.clone(),
            b: b.clone(),
            source: SourceId(*source),
            generation: *generation,
            day: *day,
            occurred_at: day.start_utc(),
            event_id: "".into(),
        };
        let all = self.facts.values().cloned().chain(self.erased.iter().map(bare));
        all.filter(|f| self.config.is_current(f.source, f.generation)).collect()
    }

    pub fn nodes(&self) -> Vec<Arc<str>> {
        let outside = self.outside();
        let inside = |e: &&Event| self.config.is_current(e.source, e.generation) && !outside.covers_event(e);
        let current = self.events.iter().filter(inside);
        let mut nodes: Vec<Arc<str>> = current.map(Event::node).filter(|n| !n.is_empty()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    pub fn assignments(&self) -> Vec<Assignment> {
        if self.made(Mistake::NothingMended) {
            let mut identity = tropa::identity::Identity::new(&self.config);
            identity.undo(self.ordered.undos.clone());
            identity.load(self.live_facts(), self.nodes());
            return identity.assignments_all().collect();
        }
        let row = |((node, day), (_, customer)): (&IdentityKey, &Assigned)| Assignment {
            node: node.clone(),
            day: *day,
            customer: customer.clone(),
        };
        self.identity.iter().map(row).collect()
    }

    pub fn unsettled(&self) -> Vec<Arc<str>> {
        if self.made(Mistake::IntentForgotten) {
            return Vec::new();
        }
        let reached = self.identity.values().map(|(version, _)| *version).max().unwrap_or_default();
        self.announcing.iter().filter(|(version, _)| *version > reached).map(|(_, c)| c.clone()).collect()
    }

    /// Number of the cut that holds.
    pub fn cut(&self) -> u64 {
        self.cuts.len() as u64 - 1
    }

    pub fn customers_in(&self, (partition, partitions): (Partition, Partition)) -> Vec<Arc<str>> {
        let own = buckets_of(partition, partitions);
        self.customers.keys().map(|(_, customer)| customer).filter(|c| own.contains(&bucket(c))).cloned().collect()
    }

    /// The newest rows of a slice, bucket by bucket, with the version that each was counted at.
    pub fn count(&self, (partition, partitions): (Partition, Partition)) -> BTreeMap<u8, (Version, Counted)> {
        let own = buckets_of(partition, partitions);
        let mut buckets: BTreeMap<u8, (Version, Counted)> = BTreeMap::new();
        for ((map, customer), (version, journeys)) in &self.customers {
            let b = bucket(customer);
            if !own.contains(&b) {
                continue;
            }
            let (newest, counted) = buckets.entry(b).or_default();
            *newest = (*newest).max(*version);
            if let Some(journeys) = journeys {
                counted.insert((*map, customer.clone()), journeys.clone());
            }
        }
        buckets
    }

    pub fn put_aggregates(&mut self, counted: BTreeMap<u8, (Version, Counted)>, as_of: Timestamp) {
        for (bucket, (version, cells)) in counted {
            match self.aggregates.get_mut(&bucket) {
                // Not due: counted at this version and moment before, or later.
                Some((stood, moment, _)) if *stood > version || (*stood == version && *moment >= as_of) => {}
                Some((stood, moment, old)) => {
                    (*stood, *moment) = (version, as_of);
                    if self.mistake == Some(Mistake::PerCell) {
                        old.extend(cells);
                    } else {
                        *old = cells;
                    }
                }
                None => {
                    self.aggregates.insert(bucket, (version, as_of, cells));
                }
            }
        }
    }
}

pub fn key(fact: &Fact) -> FactKey {
    (fact.a.clone(), fact.b.clone(), fact.source.0, fact.generation, fact.day)
}

pub fn event_key(event: &Event) -> EventKey {
    (event.source.0, event.event_id.clone(), event.occurred_at, event.payload_hash)
}
