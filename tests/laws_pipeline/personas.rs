//! Of which persona a journey is, told once more: by loops over all events of the customer, word by word from
//! docs/comparison.md. In: a customer's events and its journeys. Out: a panic where the two differ.

use tropa::event::Event;
use tropa::journey::{CustomerEvent, CustomerJourneys, Journey};
use tropa::stage::reading::Reading;
use tropa::touchpoint::VersionMatch;

use crate::world::World;

type Seen<'a> = (&'a Event, CustomerEvent);

pub fn told_alike(world: &World, reading: &Reading, events: &[Seen<'_>], found: &CustomerJourneys) {
    for journey in &found.journeys {
        let map = &reading.map.versions[journey.version_ix];
        let expected = map.personas.iter().find(|persona| {
            let value = attribute(world, events, journey, &persona.attribute);
            value.is_some_and(|value| persona.values.iter().any(|wanted| text(wanted) == value))
        });
        let expected = expected.map_or("other", |persona| &*persona.id);
        assert_eq!(map.persona(journey.persona), expected, "{journey:#?} of {events:#?}");
    }
}

/// What the last event until the journey's entry says of an attribute.
fn attribute(world: &World, events: &[Seen<'_>], journey: &Journey, name: &str) -> Option<String> {
    let mut last: Option<(&Seen<'_>, String)> = None;
    for seen in events {
        let (event, matched) = (seen.0, &seen.1.matched[journey.version_ix]);
        if event.occurred_at > journey.entry_at
            || !wins(event, events)
            || matches!(matched, VersionMatch::Excluded { .. })
        {
            continue;
        }
        let properties: serde_json::Value = serde_json::from_str(&event.properties).expect("JSON");
        let Some(said) = properties.get(name).map(text).filter(|said| !said.is_empty()) else { continue };
        let place = |event: &Event| {
            let opens = journey.visits[0].source == event.source && journey.visits[0].event_id == event.event_id;
            let source = world.config.source(event.source).name.clone();
            (event.occurred_at, opens, source, event.sequence, event.event_id.clone())
        };
        if last.as_ref().is_none_or(|(before, _)| place(before.0) < place(event)) {
            last = Some((seen, said));
        }
    }
    last.map(|(_, said)| said)
}

/// No other copy of its key goes before it.
fn wins(event: &Event, events: &[Seen<'_>]) -> bool {
    let rank =
        |e: &Event| (std::cmp::Reverse(e.revision), e.occurred_at, e.payload_hash, e.sequence, e.session.clone());
    let copies = events.iter().map(|(other, _)| *other);
    let mut copies = copies.filter(|other| other.source == event.source && other.event_id == event.event_id);
    copies.all(|other| rank(event) <= rank(other))
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
