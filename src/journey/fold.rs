//! The fold (semantics.md, "Journey"). In: all events of a customer that one map's reading holds, in any order, with
//! copies. Out: [`CustomerJourneys`]. A function of the set of events: neither their order nor `as_of` changes it.
//!
//! One rule serves maps with and without `journey_key`: a visit whose key has a journey goes there; a visit without a
//! key goes to the undecided journey visited last, else to a completed one inside `after_goal`; what belongs nowhere
//! opens a journey at an entry stage, or stays outside. Without `journey_key` there is never more than one to choose from.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::calendar::Calendar;
use super::context::{FoldContext, Versions};
use super::coverage::Coverage;
use super::ties::{self, Merge, Ranked, Tied};
use super::winners::winners;
use super::{CustomerEvent, CustomerJourneys, Decision, Fate, FirstVisit, Journey, after, grow, persona};
use crate::map::{DesignedMap, Touchpoint};
use crate::time::Timestamp;
use crate::touchpoint::{Touch, VersionMatch};

/// Silence of the customer, over all events, that ends a session.
const SESSION_GAP: Duration = Duration::from_secs(30 * 60);

/// The journeys of one customer. `events`: not filtered by `as_of`, unless a past one is asked for.
pub fn fold(context: &FoldContext<'_>, customer: &str, events: &[&CustomerEvent]) -> CustomerJourneys {
    let mut calendar = Calendar::new(&context.map.newest().time_zone);
    let mut coverage = Coverage::default();
    let distinct = winners(events, |loser| {
        coverage.count(loser, calendar.day(loser.occurred_at), Fate::Superseded, None);
    });
    let mut fold = Fold::new(context, calendar, coverage);
    let mapped = || distinct.iter().filter(|event| fold.is_mapped(event)).count();
    if distinct.len() > context.max_visits && mapped() > context.max_visits {
        return fold.oversized(&distinct);
    }
    for instant in distinct.chunk_by(|a, b| a.occurred_at == b.occurred_at) {
        fold.instant(instant);
    }
    fold.finish(customer, &distinct)
}

struct Fold<'a, 'e> {
    context: FoldContext<'a>,
    versions: Versions,
    /// Some version declares a `journey_key`.
    keyed: bool,
    calendar: Calendar<'a>,
    coverage: Coverage<'a, 'e>,
    journeys: Vec<Journey>,
    /// Number of the visit that each journey took last.
    touched: Vec<u32>,
    by_key: FxHashMap<&'e str, usize>,
    /// Undecided journeys by the number of a visit, oldest first; what has moved on or fallen silent is dropped when it
    /// comes to the top, so the top is the one that a visit without a key joins.
    undecided: Recent,
    /// The same of completed journeys inside `after_goal`.
    completed: Recent,
    /// The last journey opened without a key, until a key adopts it or silence closes it.
    keyless: Option<usize>,
    /// The journey of the customer's last visit that was inside one.
    last: Option<usize>,
    visits: u32,
    /// Visits that belong to no journey, each with the version that judged it.
    outside: Vec<(&'e CustomerEvent, usize)>,
    first: Option<FirstVisit>,
    last_visit_at: Timestamp,
    session: Session,
    /// Visits of the instant at hand, if there are several.
    tied: SmallVec<[Tied<'a>; 8]>,
}

type Recent = SmallVec<[(u32, usize); 4]>;

/// Where an event would go now.
enum Verdict<'a, 'e> {
    Visit {
        version: usize,
        touch: &'e Touch,
        goes: Goes,
    },
    /// No touchpoint of the version that judges it, or taken out by a rule.
    NoVisit {
        fate: Fate,
        rule: Option<&'a Arc<str>>,
    },
}

enum Goes {
    Joins(usize),
    /// Joins a keyless journey, which takes its key.
    Adopts(usize),
    Opens,
    Outside(Fate),
}

impl<'a, 'e> Fold<'a, 'e> {
    fn new(context: &FoldContext<'a>, calendar: Calendar<'a>, coverage: Coverage<'a, 'e>) -> Self {
        let versions = context.versions();
        let keyed = versions.usable.iter().any(|&v| context.map.versions[v].journey_key.is_some());
        Self {
            context: *context,
            versions,
            keyed,
            calendar,
            coverage,
            journeys: Vec::new(),
            touched: Vec::new(),
            by_key: FxHashMap::default(),
            undecided: Recent::new(),
            completed: Recent::new(),
            keyless: None,
            last: None,
            visits: 0,
            outside: Vec::new(),
            first: None,
            last_visit_at: Timestamp::MIN,
            session: Session::default(),
            tied: SmallVec::new(),
        }
    }

    /// Whether some version of the reading has a touchpoint for it.
    fn is_mapped(&self, event: &CustomerEvent) -> bool {
        self.versions.usable.iter().any(|&v| touch(event, v).is_some())
    }

    fn version(&self, ix: usize) -> &'a DesignedMap {
        &self.context.map.versions[ix]
    }

    fn touchpoint(&self, version: usize, touch: &Touch) -> &'a Touchpoint {
        &self.version(version).touchpoints[usize::from(touch.touchpoint)]
    }

    /// All events of one moment: visits in the order of the law, what is no visit after them.
    fn instant(&mut self, events: &[&'e CustomerEvent]) {
        let Some(first) = events.first() else { return };
        self.session.advance(first.occurred_at);
        self.settle(first.occurred_at);
        self.tied.clear();
        if let [only] = events {
            return self.take(only);
        }
        let mut waiting: SmallVec<[&'e CustomerEvent; 8]> = SmallVec::from_slice(events);
        loop {
            let mut aside: SmallVec<[&'e CustomerEvent; 8]> = SmallVec::new();
            let ranked = waiting.iter().filter_map(|&event| match self.rank(event) {
                Some(rank) => Some(Ranked { rank, event }),
                None => {
                    aside.push(event);
                    None
                }
            });
            let mut merge = Merge::new(ranked);
            let before = self.ranking();
            while let Some(event) = merge.next(&self.context) {
                self.take(event);
                if self.versions.several() && self.ranking() != before {
                    break;
                }
            }
            if self.ranking() == before || !self.versions.several() {
                aside.into_iter().for_each(|event| self.take(event));
                break;
            }
            // Another version may judge what is left.
            waiting = merge.rest().chain(aside).collect();
        }
        let mut tied = std::mem::take(&mut self.tied);
        if tied.len() > 1 {
            ties::ambiguous(&mut tied, &self.context, |journey| self.journeys[journey].order_ambiguous = true);
        }
        self.tied = tied;
    }

    /// Rank of an event as a visit of the journey it would join, or under the version valid then; `None`: no visit.
    fn rank(&self, event: &'e CustomerEvent) -> Option<u16> {
        match self.judge(event) {
            Verdict::Visit { version, touch, .. } => Some(self.touchpoint(version, touch).rank),
            Verdict::NoVisit { .. } => None,
        }
    }

    /// Changes whenever another version may judge an event of this moment.
    fn ranking(&self) -> (usize, Option<usize>, Option<usize>, Option<usize>, usize) {
        let top = |recent: &Recent| recent.last().map(|&(_, journey)| journey);
        (self.journeys.len(), top(&self.undecided), top(&self.completed), self.keyless, self.by_key.len())
    }

    /// Drops journeys from the tops that a visit at `at` cannot join for want of a key.
    fn settle(&mut self, at: Timestamp) {
        let (journeys, touched) = (&self.journeys, &self.touched);
        let stale = |&(visit, journey): &(u32, usize)| touched[journey] != visit;
        while let Some(top) = self.undecided.last() {
            let journey = &journeys[top.1];
            if !stale(top) && journey.decision == Decision::Open && at <= journey.drops_at {
                break;
            }
            self.undecided.pop();
        }
        while let Some(top) = self.completed.last() {
            if !stale(top) && at <= journeys[top.1].belongs_until {
                break;
            }
            self.completed.pop();
        }
    }

    /// Where an event would go now; the tops are settled for its moment.
    fn judge(&self, event: &'e CustomerEvent) -> Verdict<'a, 'e> {
        let valid = self.versions.at(event.occurred_at);
        if self.keyed
            && let Some(verdict) = self.judge_by_key(event, valid)
        {
            return verdict;
        }
        let joins = self.undecided.last().or_else(|| self.completed.last()).map(|&(_, journey)| journey);
        if let Some(journey) = joins {
            let version = self.journeys[journey].version_ix;
            match touch(event, version) {
                Some(touch) if touch.key.is_none() => {
                    return Verdict::Visit { version, touch, goes: Goes::Joins(journey) };
                }
                // Another key than any known, under this version only: it cannot belong to this journey.
                Some(_) => {}
                None => return self.no_visit(event, version),
            }
        }
        let Some(version) = valid else { return Verdict::NoVisit { fate: Fate::NoVersion, rule: None } };
        let Some(touch) = touch(event, version) else { return self.no_visit(event, version) };
        let opens = grow::may_open(self.version(version), self.touchpoint(version, touch));
        let goes = if opens { Goes::Opens } else { Goes::Outside(self.why_outside()) };
        Verdict::Visit { version, touch, goes }
    }

    /// A visit with a key; `None`: it has none under the versions that could judge it.
    fn judge_by_key(&self, event: &'e CustomerEvent, valid: Option<usize>) -> Option<Verdict<'a, 'e>> {
        let others = self.versions.usable.iter().copied().filter(|&v| Some(v) != valid);
        let keys = valid.into_iter().chain(others).filter_map(|v| touch(event, v)?.key.as_deref());
        if let Some(&journey) = keys.into_iter().find_map(|key| self.by_key.get(key)) {
            let Journey { version_ix: version, decision, belongs_until, .. } = &self.journeys[journey];
            let Some(touch) = touch(event, *version) else { return Some(self.no_visit(event, *version)) };
            let goes = match decision {
                Decision::Open => Goes::Joins(journey),
                Decision::Completed { .. } if event.occurred_at <= *belongs_until => Goes::Joins(journey),
                Decision::Completed { .. } => Goes::Outside(Fate::AfterGoal),
                Decision::Ended { .. } => Goes::Outside(Fate::AfterExit),
            };
            return Some(Verdict::Visit { version: *version, touch, goes });
        }
        let open = self.keyless.filter(|&journey| {
            let journey = &self.journeys[journey];
            journey.decision == Decision::Open && event.occurred_at <= journey.drops_at
        });
        if let Some(journey) = open {
            let version = self.journeys[journey].version_ix;
            if let Some(touch) = touch(event, version).filter(|touch| touch.key.is_some()) {
                return Some(Verdict::Visit { version, touch, goes: Goes::Adopts(journey) });
            }
        }
        let version = valid?;
        let touch = touch(event, version).filter(|touch| touch.key.is_some())?;
        let opens = grow::may_open(self.version(version), self.touchpoint(version, touch));
        let goes = if opens { Goes::Opens } else { Goes::Outside(Fate::BeforeEntry) };
        Some(Verdict::Visit { version, touch, goes })
    }

    fn no_visit(&self, event: &CustomerEvent, version: usize) -> Verdict<'a, 'e> {
        // A rule takes visits out; of what is no visit it takes nothing.
        match event.matched.get(version) {
            Some(VersionMatch::Excluded { rule, mapped: true }) => {
                let rule = self.version(version).exclude.get(usize::from(*rule)).map(|rule| &rule.id);
                Verdict::NoVisit { fate: Fate::Excluded, rule }
            }
            _ => Verdict::NoVisit { fate: Fate::Unmapped, rule: None },
        }
    }

    /// Why a visit without a key that opens nothing belongs to no journey: what became of the one visited last.
    fn why_outside(&self) -> Fate {
        let last = self.last.map(|journey| &self.journeys[journey].decision);
        match last {
            None => Fate::BeforeEntry,
            Some(Decision::Open) => Fate::AfterDropOff,
            Some(Decision::Completed { .. }) => Fate::AfterGoal,
            Some(Decision::Ended { .. }) => Fate::AfterExit,
        }
    }

    /// Gives an event its place and its fate.
    fn take(&mut self, event: &'e CustomerEvent) {
        let day = self.calendar.day(event.occurred_at);
        let (version, touch, goes) = match self.judge(event) {
            Verdict::Visit { version, touch, goes } => (version, touch, goes),
            Verdict::NoVisit { fate, rule } => return self.coverage.count(event, day, fate, rule),
        };
        self.close_by_silence(event.occurred_at);
        self.last_visit_at = event.occurred_at;
        let touchpoint = self.touchpoint(version, touch);
        if self.first.is_none() && !touchpoint.is_beside() {
            let stage = self.version(version).stages[usize::from(touchpoint.stage)].id.clone();
            self.first = Some(FirstVisit { at: event.occurred_at, stage });
        }
        let journey = match goes {
            Goes::Joins(journey) => Some(journey),
            Goes::Adopts(journey) => {
                self.name(journey, touch);
                self.keyless = None;
                Some(journey)
            }
            Goes::Opens => Some(self.open(version, event, touch)),
            Goes::Outside(_) => {
                self.outside.push((event, version));
                None
            }
        };
        if let Some(journey) = journey {
            self.join(journey, version, event, touch);
        }
        let fate = if let Goes::Outside(fate) = goes { fate } else { Fate::InJourney };
        self.coverage.count(event, day, fate, None);
        self.tied.push(Tied { source: event.source, sequence: event.sequence, touchpoint: &touchpoint.id, journey });
        self.settle(event.occurred_at);
    }

    /// Any visit after the window of a keyless journey closes it.
    fn close_by_silence(&mut self, at: Timestamp) {
        if let Some(ix) = self.keyless
            && let Some(journey) = self.journeys.get_mut(ix)
            && at > journey.drops_at
        {
            journey.closed_by_silence = journey.decision == Decision::Open;
            self.keyless = None;
        }
    }

    fn name(&mut self, journey: usize, touch: &'e Touch) {
        if let Some(key) = &touch.key {
            self.by_key.insert(key, journey);
            self.journeys[journey].key = Some(key.clone());
        }
    }

    fn open(&mut self, version: usize, event: &CustomerEvent, touch: &'e Touch) -> usize {
        let ix = self.journeys.len();
        let attempt = u32::try_from(ix + 1).unwrap_or(u32::MAX);
        self.journeys.push(grow::open(version, attempt, event.occurred_at, touch));
        self.touched.push(0);
        match touch.key {
            Some(_) => self.name(ix, touch),
            None => self.keyless = Some(ix),
        }
        ix
    }

    fn join(&mut self, ix: usize, version: usize, event: &CustomerEvent, touch: &Touch) {
        let session = event.session.clone().unwrap_or_else(|| self.session.label());
        let map = self.version(version);
        let journey = &mut self.journeys[ix];
        grow::join(journey, map, event, touch, session);
        self.visits = self.visits.saturating_add(1);
        self.touched[ix] = self.visits;
        self.last = Some(ix);
        let recent = match journey.decision {
            Decision::Open => &mut self.undecided,
            Decision::Completed { .. } => &mut self.completed,
            Decision::Ended { .. } => return,
        };
        match recent.last_mut() {
            Some(top) if top.1 == ix => top.0 = self.visits,
            _ => recent.push((self.visits, ix)),
        }
    }

    fn oversized(mut self, distinct: &[&'e CustomerEvent]) -> CustomerJourneys {
        for &event in distinct {
            let day = self.calendar.day(event.occurred_at);
            let (fate, rule) = match self.versions.at(event.occurred_at) {
                None => (Fate::NoVersion, None),
                Some(version) if touch(event, version).is_some() => (Fate::Oversized, None),
                Some(version) => match self.no_visit(event, version) {
                    Verdict::NoVisit { fate, rule } => (fate, rule),
                    Verdict::Visit { .. } => (Fate::Oversized, None),
                },
            };
            self.coverage.count(event, day, fate, rule);
        }
        let (coverage, unmapped) = self.coverage.finish();
        CustomerJourneys { coverage, unmapped, oversized: true, ..CustomerJourneys::default() }
    }

    fn finish(mut self, customer: &str, events: &[&CustomerEvent]) -> CustomerJourneys {
        let context = self.context;
        let mode: Cow<'_, str> = context.mode.as_str();
        let truncated_before = match self.journeys.is_empty() {
            true => None,
            false => context.truncated_before(&self.versions),
        };
        for journey in &mut self.journeys {
            let first = journey.visits.first().map_or(("", ""), |v| (context.source_name(v.source), &*v.event_id));
            journey.id = grow::id(&context.map.id, &mode, customer, journey.key.as_deref(), first);
            journey.entry_date = self.calendar.day(journey.entry_at);
            journey.left_truncated = truncated_before.is_some_and(|from| journey.entry_at < from);
            journey.clean = !self.coverage.is_unmapped_within(journey.entry_at, journey.last_at);
            journey.trail_ends = journey.last_at >= self.last_visit_at;
        }
        let beside = (self.coverage.unmapped(), &self.outside[..]);
        after::tell(&mut self.journeys, &context, &self.versions, beside);
        persona::tell(&mut self.journeys, &context, events);
        let (coverage, unmapped) = self.coverage.finish();
        CustomerJourneys { journeys: self.journeys, coverage, unmapped, first_visit: self.first, oversized: false }
    }
}

fn touch(event: &CustomerEvent, version: usize) -> Option<&Touch> {
    match event.matched.get(version) {
        Some(VersionMatch::Touched(touch)) => Some(touch),
        _ => None,
    }
}

/// The customer's running session, for visits whose source names none.
#[derive(Default)]
struct Session {
    number: u64,
    last_at: Option<Timestamp>,
    label: Option<Arc<str>>,
}

impl Session {
    fn advance(&mut self, at: Timestamp) {
        let silent = self.last_at.is_none_or(|last| at > last.saturating_add(SESSION_GAP));
        self.last_at = Some(at);
        if silent {
            self.number += 1;
            self.label = None;
        }
    }

    fn label(&mut self) -> Arc<str> {
        self.label.get_or_insert_with(|| self.number.to_string().into()).clone()
    }
}
