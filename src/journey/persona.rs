//! Of which persona each journey is (semantics.md, "Emotion, problems, personas"): a rule over the customer's attributes as
//! of the journey's entry; of several that match the first declared. In: a customer's journeys and all of its events, each
//! key once. Out: the journeys, told. What an attribute was at a moment is what the last event until then says of it.

use std::sync::Arc;

use super::context::FoldContext;
use super::{CustomerEvent, Journey};
use crate::event::SourceId;
use crate::map::Persona;
use crate::map::value::as_text;
use crate::time::Timestamp;
use crate::touchpoint::VersionMatch;

/// One event's word on one attribute.
struct Word<'a> {
    at: Timestamp,
    event: &'a CustomerEvent,
    value: Option<&'a str>,
}

/// An attribute with all that was ever said of it, in order.
type History<'a> = (&'a Arc<str>, Vec<Word<'a>>);

/// `events`: in order of time.
pub(super) fn tell(journeys: &mut [Journey], context: &FoldContext<'_>, events: &[&CustomerEvent]) {
    if journeys.is_empty() || events.iter().all(|event| event.said.is_empty()) {
        return;
    }
    let histories = histories(context, events);
    for journey in journeys {
        let entry = Entry::of(journey);
        let personas = &context.map.versions[journey.version_ix].personas;
        let place = personas.iter().position(|persona| entry.is_of(persona, &histories));
        journey.persona = place.and_then(|place| u16::try_from(place).ok());
    }
}

/// At one moment words stand by source, its sequence and id: any order that is always the same.
fn histories<'a>(context: &FoldContext<'_>, events: &[&'a CustomerEvent]) -> Vec<History<'a>> {
    let mut all: Vec<History<'a>> = Vec::new();
    for &event in events {
        for attribute in &event.said {
            let word = Word { at: event.occurred_at, event, value: attribute.value.as_deref() };
            match all.iter_mut().find(|(name, _)| **name == attribute.name) {
                Some((_, words)) => words.push(word),
                None => all.push((&attribute.name, vec![word])),
            }
        }
    }
    let order = |w: &Word<'_>| (w.at, context.source_name(w.event.source), w.event.sequence);
    for (_, words) in &mut all {
        words.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.event.event_id.cmp(&b.event.event_id)));
    }
    all
}

/// Where a journey begins.
struct Entry<'j> {
    at: Timestamp,
    version: usize,
    /// The visit that opened it.
    first: Option<(SourceId, &'j str)>,
}

impl<'j> Entry<'j> {
    fn of(journey: &'j Journey) -> Self {
        let first = journey.visits.first().map(|visit| (visit.source, &*visit.event_id));
        Self { at: journey.entry_at, version: journey.version_ix, first }
    }

    fn is_of(&self, persona: &Persona, histories: &[History<'_>]) -> bool {
        let Some((_, words)) = histories.iter().find(|(name, _)| ***name == *persona.attribute) else { return false };
        let Some(value) = self.last(words).and_then(|word| word.value) else { return false };
        persona.values.iter().filter_map(as_text).any(|wanted| *wanted == *value)
    }

    /// The last word until the entry: that of the visit which opened the journey, if it has one. What a rule of `exclude`
    /// takes out has no say.
    fn last<'w>(&self, words: &'w [Word<'w>]) -> Option<&'w Word<'w>> {
        let until = &words[..words.partition_point(|word| word.at <= self.at)];
        let own = |word: &&Word<'_>| self.first == Some((word.event.source, &*word.event.event_id));
        let counts =
            |word: &&Word<'_>| !matches!(word.event.matched.get(self.version), Some(VersionMatch::Excluded { .. }));
        let mut now = until.iter().rev().take_while(|word| word.at == self.at);
        now.find(own).or_else(|| until.iter().rev().find(counts))
    }
}
