//! A small config and events for it. In: kinds, sources, words of identifiers. Out: events as decoders would give them.

use std::sync::Arc;

use proptest::prelude::*;
use smallvec::SmallVec;
use tropa::config::{Class, Kind, Normalise};
use tropa::event::{Event, Identifier, KindId, SourceId};
use tropa::identity::{Erasure, Fact, Guards, Identity, Outside, Undo, facts_of};
use tropa::time::{Day, Timestamp};

pub struct World {
    pub kinds: Vec<Kind>,
    pub sources: Vec<(&'static str, u32)>,
}

pub fn kind(name: &str, class: Class, priority: u32) -> Kind {
    Kind {
        name: name.into(),
        class,
        priority,
        unique: false,
        limit: 1_000,
        max_partners: if class == Class::Device { 50 } else { 1_000 },
        normalise: Normalise::Trim,
        blocked: Vec::new(),
        blocked_patterns: Vec::new(),
    }
}

/// The kinds of the examples.
pub fn examples() -> World {
    World {
        kinds: vec![
            Kind { unique: true, ..kind("crm", Class::Person, 1) },
            kind("user", Class::Person, 2),
            Kind { max_partners: 3, ..kind("email", Class::Person, 3) },
            Kind { limit: 3, ..kind("cookie", Class::Device, 9) },
            kind("device", Class::Device, 8),
            kind("deal", Class::Object, 10),
        ],
        sources: vec![("web", 1), ("crm", 1)],
    }
}

/// Tight guards, so that a few random events meet each of them. Names of sources stand against their order, a device
/// kind has a higher priority than a person kind, and one source has left a generation behind.
pub fn tight() -> World {
    World {
        kinds: vec![
            Kind { max_partners: 2, limit: 3, ..kind("cookie", Class::Device, 9) },
            Kind { unique: true, ..kind("crm", Class::Person, 1) },
            Kind { unique: true, max_partners: 5, ..kind("box", Class::Device, 2) },
            Kind { limit: 2, ..kind("user", Class::Person, 3) },
            Kind { max_partners: 3, ..kind("email", Class::Person, 4) },
            kind("deal", Class::Object, 5),
        ],
        sources: vec![("web", 1), ("app", 2)],
    }
}

impl World {
    pub fn identity(&self) -> Identity {
        Identity::with(Guards::of(&self.kinds, self.sources.iter().copied()), Outside::of(&self.kinds))
    }

    /// An event of the first source, with identifiers given as `kind:value`.
    pub fn event(&self, at: &str, identifiers: &[&str]) -> Event {
        let at = Timestamp::parse(at).expect("a time");
        self.event_of(0, 1, at.to_string().as_str(), at, identifiers.iter().map(|i| i.to_string()))
    }

    pub fn event_of(
        &self,
        source: u16,
        generation: u32,
        event_id: &str,
        occurred_at: Timestamp,
        identifiers: impl IntoIterator<Item = String>,
    ) -> Event {
        let mut identifiers: SmallVec<[Identifier; 3]> = identifiers
            .into_iter()
            .map(|node| Identifier { kind: self.kind_of(&node), node: Arc::from(node) })
            .collect();
        identifiers.sort_by_key(|i| {
            let kind = &self.kinds[usize::from(i.kind.0)];
            (kind.class, kind.priority, i.node.clone())
        });
        identifiers.dedup();
        Event {
            source: SourceId(source),
            event_id: event_id.into(),
            generation,
            revision: None,
            name: "calc".into(),
            occurred_at,
            received_at: occurred_at,
            sequence: None,
            identifiers,
            properties: "{}".into(),
            session: None,
            payload_hash: 0,
            plausible: true,
            blocked: 0,
        }
    }

    fn kind_of(&self, node: &str) -> KindId {
        let name = node.split(':').next().unwrap_or_default();
        KindId(self.kinds.iter().position(|k| &*k.name == name).expect("a declared kind") as u8)
    }

    pub fn is_current(&self, event: &Event) -> bool {
        event.generation >= self.sources[usize::from(event.source.0)].1
    }

    pub fn priority(&self, node: &str) -> u32 {
        self.kinds[usize::from(self.kind_of(node).0)].priority
    }
}

/// Facts of the events, and the identifiers of those that are inside the function.
pub fn batch_of(world: &World, events: &[Event]) -> (Vec<Fact>, Vec<Arc<str>>) {
    batch_inside(world, events, &Outside::of(&world.kinds))
}

pub fn batch_inside(world: &World, events: &[Event], outside: &Outside) -> (Vec<Fact>, Vec<Arc<str>>) {
    let facts = events.iter().flat_map(facts_of).collect();
    let current = events.iter().filter(|e| world.is_current(e) && !outside.covers_event(e));
    (facts, current.flat_map(|e| e.identifiers.iter().map(|i| i.node.clone())).collect())
}

pub fn customer_of(identity: &Identity, event: &Event) -> Option<String> {
    let identifiers = event.identifiers.iter().map(|i| &*i.node);
    identity.customer_of(identifiers, event.occurred_at.utc_day()).map(|c| c.to_string())
}

/// Up to `most` events of the tight world, over three days. Half of the lists draw identifiers afresh for every event, and
/// so meet the guards. In the other half a few visitors come again and again: most facts are about pairs that are known
/// already, and a batch leaves most components alone, so what must be folded again has no other reason to be.
pub fn events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let fresh = prop::collection::vec((told(), prop::collection::vec(identifier(1), 1..4)), 1..most);
    let visitors = prop::collection::vec(prop::collection::vec(identifier(2), 1..4), 2..9);
    let returning = (visitors, prop::collection::vec((told(), any::<prop::sample::Index>()), 1..most)).prop_map(
        |(visitors, list)| list.into_iter().map(|(told, who)| (told, who.get(&visitors).clone())).collect::<Vec<_>>(),
    );
    prop_oneof![fresh, returning].prop_map(|list| {
        let world = tight();
        list.into_iter()
            .map(|((source, generation, id, at), ids)| world.event_of(source, generation, &id.to_string(), at, ids))
            .collect()
    })
}

fn identifier(spread: u32) -> impl Strategy<Value = String> {
    prop_oneof![
        1 => (0..3 * spread).prop_map(|n| format!("crm:{n}")),
        3 => (0..5 * spread).prop_map(|n| format!("user:{n}")),
        2 => (0..4 * spread).prop_map(|n| format!("email:{n}")),
        2 => (0..4 * spread).prop_map(|n| format!("box:{n}")),
        4 => (0..8 * spread).prop_map(|n| format!("cookie:{n}")),
        1 => (0..2 * spread).prop_map(|n| format!("deal:{n}")),
    ]
}

/// (source, generation, event id, time) of an event; an id may come twice.
fn told() -> impl Strategy<Value = (u16, u32, u32, Timestamp)> {
    let at = (0..4i32, 0..3i64)
        .prop_map(|(day, hour)| Timestamp::from_micros(Day(20_000 + day).start_utc().micros() + hour * 3_600_000_000));
    (0..2u16, prop_oneof![1 => Just(1u32), 4 => Just(2)], 0..9u32, at)
}

/// What an operator orders, as members of the sets.
#[derive(Clone, Debug)]
pub enum Ordered {
    Undo(Undo),
    Erase(Erasure),
    Retain(Day),
}

/// Up to `most` orders about the identifiers and days of `events`.
pub fn orders(most: usize) -> impl Strategy<Value = Vec<Ordered>> {
    let node =
        || identifier(1).prop_filter("no object is an identifier", |n| !n.starts_with("deal:")).prop_map(Arc::from);
    let pair = || {
        let likely = (0..4u32, prop::sample::select(vec!["email", "box", "cookie"]), 0..3u32)
            .prop_map(|(user, kind, n)| (format!("user:{user}").into(), format!("{kind}:{n}").into()));
        prop_oneof![2 => likely, 1 => (node(), node())]
    };
    let day = || (-1..4i32).prop_map(|day| Day(20_000 + day));
    let device = (0..8u32).prop_map(|n| Arc::<str>::from(format!("cookie:{n}")));
    let erasure = (prop::collection::vec(node(), 1..4), day(), prop::collection::vec((device, day()), 0..3))
        .prop_map(|(identifiers, until, days)| Ordered::Erase(Erasure::new(identifiers, until, days)));
    let one = prop_oneof![
        4 => (pair(), day()).prop_map(|((a, b), day)| Ordered::Undo(Undo::Revoke { a, b, day })),
        6 => pair().prop_map(|(a, b)| Ordered::Undo(Undo::Forbid { a, b })),
        3 => erasure,
        1 => day().prop_map(Ordered::Retain),
    ];
    prop::collection::vec(one, 0..most)
}
