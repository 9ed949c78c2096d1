//! The guards: what may never end in one customer, and which facts count at all. In: the kinds and sources of the
//! config. Out: verdicts on facts and joins. Knows nothing of how facts are stored or folded.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::Fact;
use crate::config::{Class, Config, Kind};
use crate::event::{KindId, SourceId};

/// Which guard refused a fact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Refusal {
    /// It would put two values of a `unique` kind into one customer.
    Unique,
    /// It would give a customer more identifiers of a kind than `limit`.
    Limit,
    /// It would join two identifiers that an operator has split.
    Forbid,
}

impl Refusal {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unique => "unique",
            Self::Limit => "limit",
            Self::Forbid => "forbid",
        }
    }
}

/// How many identifiers of each kind a group holds.
pub(super) type Tally = SmallVec<[(KindId, u32); 2]>;

/// The part of the config that identity depends on.
#[derive(Clone, Debug)]
pub struct Guards {
    kinds: Vec<KindGuard>,
    sources: Vec<SourceGuard>,
}

#[derive(Clone, Debug)]
struct KindGuard {
    name: Arc<str>,
    class: Class,
    priority: u32,
    unique: bool,
    limit: u32,
    max_partners: u32,
}

#[derive(Clone, Debug)]
struct SourceGuard {
    /// Place of the source's name among all names: facts are ordered by name, not by place in the config.
    rank: u16,
    generation: u32,
}

impl Guards {
    pub fn new(config: &Config) -> Self {
        Self::of(&config.identifiers.kinds, config.sources.iter().map(|s| (&*s.name, s.generation)))
    }

    /// From kinds and (name, generation) of each source, both in the order of the config.
    pub fn of<'a>(kinds: &[Kind], sources: impl IntoIterator<Item = (&'a str, u32)>) -> Self {
        let sources: Vec<(&str, u32)> = sources.into_iter().collect();
        let rank = |name: &str| sources.iter().filter(|(other, _)| *other < name).count() as u16;
        Self {
            sources: sources.iter().map(|&(name, generation)| SourceGuard { rank: rank(name), generation }).collect(),
            kinds: kinds
                .iter()
                .map(|kind| KindGuard {
                    name: kind.name.clone(),
                    class: kind.class,
                    priority: kind.priority,
                    unique: kind.unique,
                    limit: kind.limit,
                    max_partners: kind.max_partners,
                })
                .collect(),
        }
    }

    /// The one filter of what is inside the function: a fact of an older generation is not. What operators take out
    /// of the set stays in it and stands differently (see `Graph::undo`).
    pub(super) fn is_live(&self, fact: &Fact) -> bool {
        self.sources.get(usize::from(fact.source.0)).is_some_and(|source| fact.generation >= source.generation)
    }

    /// The kind of a node `kind:value`; `None` for objects, which are never identifiers, and for kinds not declared.
    pub(super) fn kind_of(&self, node: &str) -> Option<KindId> {
        let (name, _) = node.split_once(':')?;
        let place = self.kinds.iter().position(|kind| &*kind.name == name)?;
        (self.kinds[place].class != Class::Object).then_some(KindId(place as u8))
    }

    pub(super) fn is_person(&self, kind: KindId) -> bool {
        self.kind(kind).class == Class::Person
    }

    pub(super) fn priority(&self, kind: KindId) -> u32 {
        self.kind(kind).priority
    }

    pub(super) fn max_partners(&self, kind: KindId) -> u32 {
        self.kind(kind).max_partners
    }

    pub(super) fn source_rank(&self, source: SourceId) -> u16 {
        self.sources[usize::from(source.0)].rank
    }

    /// Why two disjoint groups may not be one customer. Groups only grow, so a join refused once stays refused.
    pub(super) fn refusal(&self, x: &Tally, y: &Tally) -> Option<Refusal> {
        let mut found = None;
        for (mine, theirs) in [(x, y), (y, x)] {
            for &(kind, n) in mine {
                let others = count(theirs, kind);
                let guard = self.kind(kind);
                if guard.unique && others > 0 {
                    return Some(Refusal::Unique);
                }
                if n.saturating_add(others) > guard.limit {
                    found = Some(Refusal::Limit);
                }
            }
        }
        found
    }

    fn kind(&self, kind: KindId) -> &KindGuard {
        &self.kinds[usize::from(kind.0)]
    }
}

pub(super) fn tally_of(kind: KindId) -> Tally {
    smallvec![(kind, 1)]
}

pub(super) fn add(into: &mut Tally, from: &Tally) {
    for &(kind, n) in from {
        match into.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, have)) => *have += n,
            None => into.push((kind, n)),
        }
    }
}

fn count(tally: &Tally, kind: KindId) -> u32 {
    tally.iter().find(|(k, _)| *k == kind).map_or(0, |&(_, n)| n)
}
