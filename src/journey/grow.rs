//! One journey, visit by visit. In: a visit that belongs to it. Out: its stage entries, its decision and its windows as
//! they stand afterwards. Whether a visit belongs is the fold's affair.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{CustomerEvent, Decision, Journey, StageEntry, Visit};
use crate::map::arcs::{is_exit, is_success};
use crate::map::{DesignedMap, Touchpoint};
use crate::time::{Day, Timestamp};
use crate::touchpoint::Touch;

/// Room for the visits of a short journey, so that it grows without moving.
const FEW: usize = 8;

/// Whether a visit of this touchpoint may open a journey.
pub(super) fn may_open(map: &DesignedMap, touchpoint: &Touchpoint) -> bool {
    !touchpoint.is_beside() && map.entry.get(usize::from(touchpoint.stage)).copied().unwrap_or(false)
}

/// A journey about to take its first visit. What needs the whole of it (id, days, flags) is filled in at the end.
pub(super) fn open(version_ix: usize, attempt: u32, at: Timestamp, touch: &Touch) -> Journey {
    Journey {
        id: 0,
        key: touch.key.clone(),
        version_ix,
        attempt,
        entry_at: at,
        entry_date: Day::default(),
        visits: Vec::with_capacity(FEW),
        entries: Vec::with_capacity(FEW / 2),
        decision: Decision::Open,
        last_at: at,
        drops_at: at,
        belongs_until: at,
        closed_by_silence: false,
        value: None,
        currency: None,
        order_ambiguous: false,
        left_truncated: false,
        clean: true,
        after: None,
        trail_ends: false,
        dims: touch.dims.clone(),
        persona: None,
    }
}

/// Adds a visit. The first one must not be beside the model.
pub(super) fn join(journey: &mut Journey, map: &DesignedMap, event: &CustomerEvent, touch: &Touch, session: Arc<str>) {
    let at = event.occurred_at;
    let touchpoint = &map.touchpoints[usize::from(touch.touchpoint)];
    let beside = touchpoint.is_beside();
    let stays = |entry: &StageEntry| beside || entry.stage == touchpoint.stage;
    if !journey.entries.last().is_some_and(stays) {
        let first = journey.entries.iter().all(|entry| entry.stage != touchpoint.stage);
        let problems = Vec::new();
        journey.entries.push(StageEntry {
            stage: touchpoint.stage,
            first_at: at,
            last_at: at,
            visits: 0,
            first,
            problems,
        });
    }
    let entry_ix = journey.entries.len() - 1;
    let entry = &mut journey.entries[entry_ix];
    entry.last_at = at;
    entry.visits += 1;
    if let Some(problem) = &touchpoint.problem
        && !entry.problems.contains(&problem.id)
    {
        entry.problems.push(problem.id.clone());
    }
    let stage = entry.stage;
    journey.visits.push(Visit {
        touchpoint: touch.touchpoint,
        stage,
        at,
        source: event.source,
        event_id: event.event_id.clone(),
        alternative: touch.alternative,
        channel: touch.channel.clone(),
        session,
        failed: touch.failed,
        score: touch.score,
        support: touch.support,
        entry: entry_ix,
        beside,
    });
    if let (Some(value), Some(rule)) = (touch.value, &touchpoint.value) {
        journey.value = Some(value);
        journey.currency = Some(rule.currency.clone());
    }
    journey.last_at = at;
    journey.drops_at = at.saturating_add(map.windows.get(usize::from(stage)).copied().unwrap_or(map.window_default));
    if journey.decision == Decision::Open && !beside {
        let visit = journey.visits.len() - 1;
        if is_success(map, touchpoint) {
            journey.decision = Decision::Completed { at, visit };
            journey.belongs_until = at.saturating_add(map.after_goal);
        } else if is_exit(map, touchpoint) {
            journey.decision = Decision::Ended { at, visit, reason: touchpoint.id.clone() };
        }
    }
    if !matches!(journey.decision, Decision::Completed { .. }) {
        journey.belongs_until = at;
    }
}

/// BLAKE3-128 of (map, mode, customer, journey key or the first visit's event), each part preceded by its length, so
/// that no two lists of parts read alike.
pub(super) fn id(map: &str, mode: &str, customer: &str, key: Option<&str>, first: (&str, &str)) -> u128 {
    let mut bytes: SmallVec<[u8; 256]> = SmallVec::new();
    let mut part = |text: &str| {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    part(map);
    part(mode);
    part(customer);
    match key {
        Some(key) => {
            part("key");
            part(key);
        }
        None => {
            part("visit");
            part(first.0);
            part(first.1);
        }
    }
    let hash = blake3::hash(&bytes);
    let (head, _) = hash.as_bytes().split_at(16);
    head.iter().fold(0, |id, &byte| id << 8 | u128::from(byte))
}
