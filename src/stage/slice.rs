//! One slice of the customers, as its owner keeps it: event sets of customers, bounded by bytes. In: announcements in
//! order, and event sets as they are read. Out: who can be recomputed, who must be read first, and how far everything is
//! written. A cache only: whatever it forgets is read again.
//!
//! A customer's set is kept as long as what belongs to it stays the same; a node that passes whole from one customer to
//! another takes its events along, if both were announced in one message. Between messages it must not: what the former
//! owner was still to hear of the node would be missing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::CustomerRow;
use super::Version;
use super::announce::{Announced, Announcement};
use super::refold::{NodeEvents, Refold, SeenEvent};
use crate::identity::{Membership, Span};
use crate::time::Timestamp;

/// What an entry waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Its row is written, or on its way.
    Clean,
    /// Listed in `ready`.
    Ready,
    /// Listed in `waiting`: nodes of it must be read.
    Waiting,
    /// A read that will bring what it lacks is under way.
    Reading,
}

#[derive(Debug)]
struct Held {
    node: Arc<str>,
    events: NodeEvents,
    /// Every event of the node that is the customer's is here.
    whole: bool,
}

#[derive(Debug)]
struct Entry {
    /// `None`: a tombstone that must be written.
    membership: Option<Arc<Membership>>,
    nodes: SmallVec<[Held; 2]>,
    /// Told apart by it: reads that began before what belongs to the customer changed.
    change: u64,
    state: State,
    /// The oldest announcement that no written row answers yet.
    owed: Option<i64>,
    used: u64,
    bytes: u64,
}

impl Entry {
    fn is_whole(&self) -> bool {
        self.nodes.iter().all(|held| held.whole)
    }

    fn add(&mut self, event: SeenEvent) {
        let Some(node) = event.identifiers.first() else { return };
        if let Some(held) = self.nodes.iter_mut().find(|held| held.node == *node) {
            self.bytes += held.events.add(event);
        }
    }
}

/// A customer in a read, with the `change` it was asked at.
pub(super) type Wanted = (Arc<str>, u64);

#[derive(Debug)]
pub(super) struct Slice {
    epoch: u64,
    /// The newest identity writer heard of.
    writer: u64,
    customers: FxHashMap<Arc<str>, Entry>,
    ready: Vec<Arc<str>>,
    waiting: Vec<Arc<str>>,
    /// How many customers are owed a row, by the oldest announcement they are owed it for.
    open: BTreeMap<i64, usize>,
    /// The last message taken.
    last: Option<i64>,
    committed: Option<i64>,
    /// Blocks of rows handed out.
    blocks: i64,
    marks: VecDeque<(i64, Timestamp)>,
    changes: u64,
    clock: u64,
    bytes: u64,
}

/// Customers whose rows were handed out, each with the announcement they answer.
pub(super) type Answered = Vec<i64>;

impl Slice {
    pub fn new(epoch: u64, writer: u64) -> Self {
        Self {
            epoch,
            writer,
            customers: FxHashMap::default(),
            ready: Vec::new(),
            waiting: Vec::new(),
            open: BTreeMap::new(),
            last: None,
            committed: None,
            blocks: 0,
            marks: VecDeque::new(),
            changes: 0,
            clock: 0,
            bytes: 0,
        }
    }

    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn take(&mut self, offset: i64, message: Announced, refold: &Refold) {
        self.last = Some(offset);
        if message.writer < self.writer {
            return;
        }
        self.writer = message.writer;
        if let Some(as_of) = message.as_of {
            self.marks.push_back((offset, as_of));
        }
        let mut passing = self.let_go(&message.customers);
        for announcement in &message.customers {
            self.receive(offset, announcement, &mut passing);
            if let Some(entry) = self.customers.get_mut(&announcement.customer) {
                let before = entry.bytes;
                for &i in &announcement.events {
                    let seen = message.events.get(i as usize).and_then(|event| refold.see(event));
                    seen.into_iter().for_each(|event| entry.add(event));
                }
                self.bytes += entry.bytes - before;
            }
        }
    }

    /// Takes out the entries of customers to whom something else belongs now; gives the nodes that may pass on whole.
    fn let_go(&mut self, announcements: &[Announcement]) -> FxHashMap<Arc<str>, NodeEvents> {
        let mut passing = FxHashMap::default();
        for announcement in announcements {
            let Some(entry) = self.customers.get_mut(&announcement.customer) else { continue };
            if entry.membership == announcement.membership && !announcement.reread {
                continue;
            }
            let before = entry.membership.replace(Arc::default());
            for held in entry.nodes.drain(..) {
                let passes = before.as_ref().is_some_and(|m| m.span(&held.node) == Some(&Span::Always));
                if held.whole && passes && !announcement.reread {
                    passing.insert(held.node, held.events);
                }
            }
            self.bytes -= entry.bytes;
            entry.bytes = 0;
        }
        passing
    }

    /// Brings the customer's entry in line with what belongs to it now, and notes that a row is owed.
    fn receive(&mut self, offset: i64, announcement: &Announcement, passing: &mut FxHashMap<Arc<str>, NodeEvents>) {
        let Announcement { customer, membership, fresh, .. } = announcement;
        self.changes += 1;
        self.clock += 1;
        let entry = self.customers.entry(customer.clone()).or_insert_with(|| Entry {
            membership: Some(Arc::default()),
            nodes: SmallVec::new(),
            change: 0,
            state: State::Clean,
            owed: None,
            used: 0,
            bytes: 0,
        });
        entry.used = self.clock;
        if entry.membership != *membership || entry.bytes == 0 {
            entry.membership.clone_from(membership);
            entry.change = self.changes;
            entry.nodes.clear();
            entry.bytes = customer.len() as u64 + (size_of::<Entry>() + 64) as u64;
            if let Some(m) = membership {
                entry.bytes += m.bytes();
                for (node, span) in m
                    .nodes
                    .iter()
                    .map(|(node, span)| (node, Some(span)))
                    .chain(m.placeholders.iter().map(|node| (node, None)))
                {
                    let passed = if span == Some(&Span::Always) { passing.remove(node) } else { None };
                    let whole = passed.is_some() || fresh.contains(node);
                    let events = passed.unwrap_or_default();
                    entry.bytes += events.bytes() + size_of::<Held>() as u64;
                    entry.nodes.push(Held { node: node.clone(), events, whole });
                }
            }
            self.bytes += entry.bytes;
            // Whatever was under way for it brings the wrong nodes.
            if entry.state == State::Reading {
                entry.state = State::Clean;
            }
        }
        if entry.owed.is_none() {
            entry.owed = Some(offset);
            *self.open.entry(offset).or_default() += 1;
        }
        let whole = entry.is_whole();
        match entry.state {
            State::Reading => {}
            State::Ready if whole => {}
            State::Waiting if !whole => {}
            _ if whole => {
                entry.state = State::Ready;
                self.ready.push(customer.clone());
            }
            _ => {
                entry.state = State::Waiting;
                self.waiting.push(customer.clone());
            }
        }
    }

    /// Rows of customers that have all their events, at most `limit` customers.
    pub fn recompute(&mut self, refold: &Refold, limit: usize, rows: &mut Vec<CustomerRow>) -> Answered {
        let mut answered = Answered::new();
        if self.ready.is_empty() {
            return answered;
        }
        // Every block has a version of its own: aggregates are due by it.
        self.blocks += 1;
        let version = Version::of(self.epoch, self.blocks);
        let from = self.ready.len().saturating_sub(limit);
        for customer in self.ready.split_off(from) {
            let Some(entry) = self.customers.get_mut(&customer).filter(|e| e.state == State::Ready) else { continue };
            entry.state = State::Clean;
            answered.extend(entry.owed.take());
            match entry.membership.clone() {
                Some(membership) => {
                    let own = entry.nodes.iter().flat_map(|held| held.events.iter());
                    let own = own.filter(|e| membership.holds(&e.identifiers, e.day));
                    refold.rows(&customer, true, own, version, rows);
                }
                None => {
                    refold.rows(&customer, false, std::iter::empty(), version, rows);
                    self.bytes -= entry.bytes;
                    self.customers.remove(&customer);
                }
            }
        }
        answered
    }

    /// Rows that answer these announcements are acknowledged.
    pub fn written(&mut self, answered: &Answered) {
        for offset in answered {
            if let Some(count) = self.open.get_mut(offset) {
                *count -= 1;
                if *count == 0 {
                    self.open.remove(offset);
                }
            }
        }
    }

    /// Customers that must be read before they can be recomputed, and their nodes; at most about `limit` nodes.
    pub fn read(&mut self, limit: usize, nodes: &mut Vec<Arc<str>>) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        while nodes.len() < limit {
            let Some(customer) = self.waiting.pop() else { break };
            let Some(entry) = self.customers.get_mut(&customer).filter(|e| e.state == State::Waiting) else { continue };
            entry.state = State::Reading;
            nodes.extend(entry.nodes.iter().filter(|held| !held.whole).map(|held| held.node.clone()));
            wanted.push((customer, entry.change));
        }
        wanted
    }

    /// What a read has brought, by node.
    pub fn filled(&mut self, wanted: &[Wanted], events: &FxHashMap<Arc<str>, NodeEvents>) {
        for (customer, change) in wanted {
            let Some(entry) = self.customers.get_mut(customer) else { continue };
            if entry.change != *change || entry.state != State::Reading {
                continue;
            }
            let Some(membership) = entry.membership.clone() else { continue };
            let mut more = 0;
            for held in entry.nodes.iter_mut().filter(|held| !held.whole) {
                let own = events.get(&held.node).into_iter().flat_map(NodeEvents::iter);
                for event in own.filter(|e| membership.holds(&e.identifiers, e.day)) {
                    more += held.events.add(event.clone());
                }
                held.whole = true;
            }
            entry.bytes += more;
            self.bytes += more;
            entry.state = State::Ready;
            self.ready.push(customer.clone());
        }
    }

    /// Everything before this is written; `None`: it was said already. With the newest identity writer heard of.
    pub fn committable(&mut self) -> Option<(i64, u64)> {
        let next = self.written_up_to()?;
        if self.committed.is_some_and(|before| before >= next) {
            return None;
        }
        self.committed = Some(next);
        Some((next, self.writer))
    }

    fn written_up_to(&self) -> Option<i64> {
        let last = self.last?;
        Some(self.open.keys().next().copied().unwrap_or(last + 1))
    }

    /// The newest `as_of` before which everything announced is written; each is given once.
    pub fn due(&mut self) -> Option<Timestamp> {
        let upto = self.written_up_to()?;
        let mut newest = None;
        while let Some((_, as_of)) = self.marks.pop_front_if(|(offset, _)| *offset < upto) {
            newest = newest.max(Some(as_of));
        }
        newest
    }

    /// Customers that wait for a read.
    pub fn parked(&self) -> usize {
        self.waiting.len()
    }

    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Forgets the customers used longest ago until no more than `limit` bytes are held; those owed a row stay.
    pub fn shrink(&mut self, limit: u64) {
        if self.bytes <= limit {
            return;
        }
        let idle = self.customers.iter().filter(|(_, e)| e.state == State::Clean && e.owed.is_none());
        let mut by_use: Vec<(u64, Arc<str>)> = idle.map(|(c, e)| (e.used, c.clone())).collect();
        by_use.sort_unstable();
        for (_, customer) in by_use {
            // With room to spare, so that not every message shrinks again.
            if self.bytes <= limit / 4 * 3 {
                break;
            }
            if let Some(entry) = self.customers.remove(&customer) {
                self.bytes -= entry.bytes;
            }
        }
    }
}
