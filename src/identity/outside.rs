//! What is outside the function though it may still come: what erasures cover, and what happened before the horizon. In:
//! erasures and a date. Out: one answer per event or fact, the same wherever it is asked: at ingest, when events are
//! read back, in the fold. Covered facts join nothing and still count as links, so that nobody inherits a history.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Erasure;
use crate::config::{Class, Config, Kind};
use crate::event::{DeadLetter, Event};
use crate::time::Day;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// Names of the kinds that are persons.
    persons: FxHashSet<Arc<str>>,
    /// Erased identifiers, each with the last day that is covered.
    until: FxHashMap<Arc<str>, Day>,
    /// Devices, each with the days whose anonymous events are covered.
    days: FxHashMap<Arc<str>, BTreeSet<Day>>,
    /// Events before this UTC day are outside; their facts are not.
    horizon: Option<Day>,
}

impl Outside {
    pub fn new(config: &Config) -> Self {
        Self::of(&config.identifiers.kinds)
    }

    pub fn of(kinds: &[Kind]) -> Self {
        Self::default().under(kinds)
    }

    /// The same where these kinds are declared.
    #[must_use]
    pub fn under(self, kinds: &[Kind]) -> Self {
        let persons = kinds.iter().filter(|k| k.class == Class::Person).map(|k| k.name.clone()).collect();
        Self { persons, ..self }
    }

    pub fn erase(&mut self, erasure: &Erasure) {
        for identifier in &erasure.identifiers {
            let until = self.until.entry(identifier.clone()).or_insert(erasure.until);
            *until = (*until).max(erasure.until);
        }
        for (node, day) in &erasure.days {
            self.days.entry(node.clone()).or_default().insert(*day);
        }
    }

    /// The horizon only moves forward.
    pub fn move_horizon(&mut self, day: Day) {
        self.horizon = self.horizon.max(Some(day));
    }

    pub const fn horizon(&self) -> Option<Day> {
        self.horizon
    }

    /// Erased identifiers, each with the last day that is covered.
    pub fn erased(&self) -> impl Iterator<Item = (&Arc<str>, Day)> {
        self.until.iter().map(|(identifier, until)| (identifier, *until))
    }

    /// Devices and days whose anonymous events are covered.
    pub fn erased_days(&self) -> impl Iterator<Item = (&Arc<str>, Day)> {
        self.days.iter().flat_map(|(node, days)| days.iter().map(move |day| (node, *day)))
    }

    /// Names of the kinds that are persons.
    pub fn persons(&self) -> impl Iterator<Item = &Arc<str>> {
        self.persons.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.until.is_empty() && self.horizon.is_none()
    }

    /// Whether an event is outside, by its identifiers and its UTC day.
    pub fn covers<S: AsRef<str>>(&self, identifiers: impl IntoIterator<Item = S> + Clone, day: Day) -> bool {
        self.horizon.is_some_and(|horizon| day < horizon) || self.erases(identifiers, day)
    }

    pub fn covers_event(&self, event: &Event) -> bool {
        !self.is_empty() && self.covers(event.identifiers.iter().map(|i| &*i.node), event.occurred_at.utc_day())
    }

    /// Whether an erasure covers an event, whatever the horizon.
    pub fn erases<S: AsRef<str>>(&self, identifiers: impl IntoIterator<Item = S> + Clone, day: Day) -> bool {
        if self.until.is_empty() {
            return false;
        }
        let named = identifiers.clone().into_iter().any(|i| self.names(i.as_ref(), day));
        named || (!self.days.is_empty() && self.is_erased_day(identifiers, day))
    }

    /// A rejected record has no day: it is not kept if it names anybody who was ever erased.
    pub fn covers_letter(&self, letter: &DeadLetter) -> bool {
        letter.identifiers.iter().any(|i| self.knows(i))
    }

    /// Whether the identifier has ever been erased.
    pub fn knows(&self, identifier: &str) -> bool {
        self.until.contains_key(identifier)
    }

    /// Whether an erasure covers a statement about this identifier.
    pub fn names(&self, identifier: &str, day: Day) -> bool {
        self.until.get(identifier).is_some_and(|until| day <= *until)
    }

    fn is_erased_day<S: AsRef<str>>(&self, identifiers: impl IntoIterator<Item = S> + Clone, day: Day) -> bool {
        let is_person = |node: &str| node.split_once(':').is_some_and(|(kind, _)| self.persons.contains(kind));
        let anonymous = !identifiers.clone().into_iter().any(|i| is_person(i.as_ref()));
        anonymous && identifiers.into_iter().any(|i| self.days.get(i.as_ref()).is_some_and(|days| days.contains(&day)))
    }
}
