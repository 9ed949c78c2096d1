//! What we may not be measuring (the instrumentation gap): a designed touchpoint that no journey shows may be one that
//! nobody visits, or one whose events do not arrive. In: when each touchpoint was seen, the unmapped events. Out: what
//! looks like the latter, with the unmapped events that look most like it.

use crate::aggregate::{EmpiricalMap, TouchpointSeen, Unmapped};
use crate::map::{MapVersions, Text, Touchpoint};
use crate::time::{Day, Timestamp};

/// At its usual pace so many visits would have come in the time in which none did: silence by chance is e^-20.
const EXPECTED: f64 = 20.0;
/// What is so rare over the whole time that fewer visits than this were due in the silence may as well be chance.
const DUE: f64 = 5.0;
/// From one moment to another.
type Between = (Timestamp, Timestamp);

/// Names less alike than this tell nothing.
const ALIKE: f64 = 0.8;
const MOST_ALIKE: usize = 3;

#[derive(Clone, Debug, PartialEq)]
pub struct Unmeasured {
    pub touchpoint: String,
    pub title: Text,
    pub stage: String,
    pub why: Why,
    pub visits: u64,
    /// Unmapped events, the most alike first.
    pub alike: Vec<Unmapped>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    NeverSeen,
    /// Not before this day, though journeys began long before.
    OnlySince(Day),
    OnlyUntil(Day),
    /// Of several designed channels.
    OnlyThrough(String),
}

impl Why {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NeverSeen => "never_seen",
            Self::OnlySince(_) => "only_since",
            Self::OnlyUntil(_) => "only_until",
            Self::OnlyThrough(_) => "only_through",
        }
    }
}

pub(super) fn unmeasured(map: &MapVersions, real: &EmpiricalMap) -> Vec<Unmeasured> {
    let newest = map.newest();
    let entered = |d: &&crate::aggregate::JourneyDay| d.entered > 0;
    let Some(began) = real.journeys.iter().filter(entered).map(|d| d.entry_date.start_utc()).min() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for touchpoint in newest.touchpoints.iter().filter(|t| !t.matching.any.is_empty()) {
        let seen = real.walked.seen.iter().find(|s| s.touchpoint == *touchpoint.id);
        let mut push = |why| {
            found.push(Unmeasured {
                touchpoint: touchpoint.id.to_string(),
                title: touchpoint.title.clone(),
                stage: newest.stages[usize::from(touchpoint.stage)].id.to_string(),
                why,
                visits: seen.map_or(0, |s| s.visits),
                alike: alike(touchpoint, &real.unmapped),
            });
        };
        let Some(seen) = seen else {
            push(Why::NeverSeen);
            continue;
        };
        let zone = &newest.time_zone;
        let all = (began, real.as_of);
        if is_too_quiet(map, seen, all, (began, seen.first)) {
            push(Why::OnlySince(seen.first.day_in(zone)));
        }
        if is_too_quiet(map, seen, all, (seen.last, real.as_of)) {
            push(Why::OnlyUntil(seen.last.day_in(zone)));
        }
        if let ([only], true) = (&seen.channels[..], touchpoint.channels.len() > 1 && seen.visits >= newest.min_n) {
            push(Why::OnlyThrough(only.clone()));
        }
    }
    found
}

/// No visit in between, though at the pace of the time in which it was seen many would have come, and some even at that of
/// the whole time (a handful of visits on one day has no pace); later than a journey may take from its entry to there.
fn is_too_quiet(map: &MapVersions, seen: &TouchpointSeen, all: Between, silence: Between) -> bool {
    let seconds = |from: Timestamp, to: Timestamp| to.micros().saturating_sub(from.micros()) as f64 / 1e6;
    let quiet = seconds(silence.0, silence.1);
    let whole = seconds(all.0, all.1).max(quiet).max(1.0);
    let heard = seconds(seen.first, seen.last).max(86_400.0);
    quiet > map.longest_window().as_secs_f64()
        && seen.visits as f64 / heard * quiet >= EXPECTED
        && seen.visits as f64 / whole * quiet >= DUE
}

/// Unmapped events whose name or path reads like the touchpoint's id, title or rule.
fn alike(touchpoint: &Touchpoint, unmapped: &[Unmapped]) -> Vec<Unmapped> {
    let rules = touchpoint.matching.any.iter().flat_map(|c| c.event.iter().chain(&c.path));
    let titles = touchpoint.title.0.values();
    let own: Vec<String> =
        rules.map(String::as_str).chain(titles.map(String::as_str)).chain([&*touchpoint.id]).map(plain).collect();
    let likeness = |event: &Unmapped| {
        let words = [plain(&event.name), plain(&event.path)];
        let pairs = words.iter().filter(|w| !w.is_empty()).flat_map(|w| own.iter().map(move |o| (w, o)));
        pairs.filter(|(_, o)| !o.is_empty()).map(|(w, o)| strsim::jaro_winkler(w, o)).fold(0.0, f64::max)
    };
    let mut near: Vec<(f64, &Unmapped)> = unmapped.iter().map(|u| (likeness(u), u)).filter(|n| n.0 >= ALIKE).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.events.cmp(&a.1.events)));
    near.into_iter().take(MOST_ALIKE).map(|(_, u)| u.clone()).collect()
}

/// Letters and digits only, as somebody who renames an event would keep them.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
