//! One event of every key. In: a customer's stored copies, in any order. Out: the winner of each (source, event_id), in
//! order of time, and each loser that says something else. Ties in time are left to `ties`.

use std::cmp::Ordering;

use super::CustomerEvent;

/// Within a key: greatest revision, then least (occurred_at, payload_hash, sequence). The session closes the order, so
/// that copies which differ in nothing else still have one winner.
fn precedence(a: &CustomerEvent, b: &CustomerEvent) -> Ordering {
    b.revision
        .cmp(&a.revision)
        .then_with(|| a.occurred_at.cmp(&b.occurred_at))
        .then_with(|| a.payload_hash.cmp(&b.payload_hash))
        .then_with(|| a.sequence.cmp(&b.sequence))
        .then_with(|| a.session.cmp(&b.session))
}

fn same_key(a: &CustomerEvent, b: &CustomerEvent) -> bool {
    a.source == b.source && a.event_id == b.event_id
}

/// A duplicate: the same content delivered again.
fn same_copy(a: &CustomerEvent, b: &CustomerEvent) -> bool {
    (a.revision, a.occurred_at, a.payload_hash, a.sequence) == (b.revision, b.occurred_at, b.payload_hash, b.sequence)
}

/// The winners by time; `superseded` hears of every distinct loser once.
pub(super) fn winners<'e>(
    events: &[&'e CustomerEvent],
    mut superseded: impl FnMut(&'e CustomerEvent),
) -> Vec<&'e CustomerEvent> {
    let mut sorted = events.to_vec();
    sorted.sort_unstable_by(|a, b| {
        a.source.cmp(&b.source).then_with(|| a.event_id.cmp(&b.event_id)).then_with(|| precedence(a, b))
    });
    let mut last: Option<&CustomerEvent> = None;
    sorted.retain(|event| {
        let previous = last.replace(event);
        let wins = previous.is_none_or(|p| !same_key(p, event));
        if !wins && previous.is_some_and(|p| !same_copy(p, event)) {
            superseded(event);
        }
        wins
    });
    sorted.sort_unstable_by_key(|event| event.occurred_at);
    sorted
}
