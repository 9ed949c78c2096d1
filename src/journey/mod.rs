//! A customer's events -> journeys. In: the customer's events as one map sees them. Out: [`CustomerJourneys`], the whole
//! of what is stored for one customer and map. Pure: `as_of` decides silence later, so nothing here depends on it.
//!
//! ```text
//!  copies ─ winners ─> instants ─ ties ─> visits in order ─ fold ─> journeys ─> transitions, graph, show
//!                                                             └──> coverage, unmapped
//! ```

mod after; //         where people go after a drop-off
mod calendar; //      days of the newest version's zone
mod context; //       what the fold is told beside the events
mod coverage; //      what became of every event
pub mod fold; //      the state machine
pub mod graph; //     visits as nodes, steps as edges
mod grow; //          one journey, visit by visit
mod persona; //       whom a journey is made by
pub mod show; //      a customer's journeys for people
mod ties; //          order within one instant, and when it is ambiguous
pub mod transitions; //   stage entries -> transitions, times in stages
mod winners; //       one event of every key

pub use after::{After, Went};
pub use context::{FoldContext, Mode, SourceInfo};
pub use fold::fold;
pub use graph::JourneyGraph;
pub use transitions::{Place, TransitionRow, stage_times, transitions};

use std::sync::Arc;

use smallvec::SmallVec;

use crate::event::{Event, SourceId};
use crate::map::{StageIx, TouchpointIx};
use crate::time::{Day, Timestamp};
use crate::touchpoint::{Matched, Said};

/// One distinct event of a customer, as one map's versions see it: the fold's input.
#[derive(Clone, Debug)]
pub struct CustomerEvent {
    pub source: SourceId,
    pub event_id: Arc<str>,
    pub revision: Option<i64>,
    pub payload_hash: u128,
    pub occurred_at: Timestamp,
    pub sequence: Option<i64>,
    pub name: Arc<str>,
    /// Template for coverage of unmapped events: the event's path, or "".
    pub path: Arc<str>,
    pub session: Option<Arc<str>>,
    pub matched: Matched,
    /// What it says of its customer.
    pub said: Said,
}

impl CustomerEvent {
    /// An event as one map sees it; `path`: its template for coverage, or "".
    pub fn of(event: &Event, path: Arc<str>, matched: Matched, said: Said) -> Self {
        Self {
            source: event.source,
            event_id: event.event_id.clone(),
            revision: event.revision,
            payload_hash: event.payload_hash,
            occurred_at: event.occurred_at,
            sequence: event.sequence,
            name: event.name.clone(),
            path,
            session: event.session.clone(),
            matched,
            said,
        }
    }
}

/// Everything the tables hold of one customer under one map and reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomerJourneys {
    pub journeys: Vec<Journey>,
    pub coverage: Vec<CoverageCount>,
    pub unmapped: Vec<UnmappedCount>,
    /// Where its trail begins on the map, inside a journey or not; problem and survey visits tell of no stage.
    pub first_visit: Option<FirstVisit>,
    /// More mapped events than `max_visits`: no journeys.
    pub oversized: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstVisit {
    pub at: Timestamp,
    /// Id of the touchpoint's stage.
    pub stage: Arc<str>,
}

/// How many of a customer's distinct events of one source and day (map's zone) fared how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoverageCount {
    pub source: SourceId,
    pub day: Day,
    pub fate: Fate,
    /// Exclude rule id for `Excluded`, else "".
    pub rule: Arc<str>,
    pub count: u64,
}

/// What became of a distinct event within its customer. Closed: `as_str` is the column value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// A visit of a journey.
    InJourney,
    /// A visit, but of no journey.
    BeforeEntry,
    AfterDropOff,
    AfterExit,
    AfterGoal,
    /// Matched no touchpoint.
    Unmapped,
    /// Taken out by an `exclude` rule.
    Excluded,
    /// Under no version of the map (before the first `valid_from`).
    NoVersion,
    /// A copy with another payload that lost to the winner; beside the distinct events.
    Superseded,
    /// The customer is oversized.
    Oversized,
}

impl Fate {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InJourney => "in_journey",
            Self::BeforeEntry => "before_entry",
            Self::AfterDropOff => "after_drop_off",
            Self::AfterExit => "after_exit",
            Self::AfterGoal => "after_goal",
            Self::Unmapped => "unmapped",
            Self::Excluded => "excluded",
            Self::NoVersion => "no_version",
            Self::Superseded => "superseded",
            Self::Oversized => "oversized",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmappedCount {
    pub source: SourceId,
    pub name: Arc<str>,
    pub path: Arc<str>,
    pub count: u64,
}

/// One run of one customer through one designed map.
#[derive(Clone, Debug, PartialEq)]
pub struct Journey {
    /// BLAKE3-128 of map, mode, customer's name, and journey key or first visit.
    pub id: u128,
    pub key: Option<Arc<str>>,
    /// Index into `MapVersions::versions`.
    pub version_ix: usize,
    /// 1, 2, … in order of entry; keyed journeys are numbered too.
    pub attempt: u32,
    pub entry_at: Timestamp,
    /// Day of `entry_at` in the newest version's zone.
    pub entry_date: Day,
    pub visits: Vec<Visit>,
    /// Consecutive stage entries; beside-the-model visits make none.
    pub entries: Vec<StageEntry>,
    pub decision: Decision,
    /// Time of the last visit.
    pub last_at: Timestamp,
    /// last_at + W(stage where the journey stands): undecided, it is dropped once as_of >= this.
    pub drops_at: Timestamp,
    /// Completed: success + after_goal. Otherwise equal to `last_at`.
    pub belongs_until: Timestamp,
    /// A later visit of the customer arrived after W and closed this journey as dropped (keyless only).
    pub closed_by_silence: bool,
    pub value: Option<f64>,
    pub currency: Option<Arc<str>>,
    pub order_ambiguous: bool,
    pub left_truncated: bool,
    /// No unmapped event of the customer between entry and last visit.
    pub clean: bool,
    /// What followed the last visit; `None`: completed or ended.
    pub after: Option<After>,
    /// No visit of the customer, in a journey or not, came after this journey's last one.
    pub trail_ends: bool,
    /// Values of the map's dimensions at entry.
    pub dims: SmallVec<[Arc<str>; 4]>,
    /// Place in the version's `personas`; `None`: other.
    pub persona: Option<u16>,
}

/// What decided a journey, if anything did. Silence is not stored: `as_of` decides it.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Open,
    /// `visit` = index into `visits`.
    Completed {
        at: Timestamp,
        visit: usize,
    },
    /// `reason` = id of the exit touchpoint (or of the touchpoint visited in the exit stage).
    Ended {
        at: Timestamp,
        visit: usize,
        reason: Arc<str>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Completed,
    Ended,
    Dropped,
    InFlight,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Ended => "ended",
            Self::Dropped => "dropped",
            Self::InFlight => "in_flight",
        }
    }
}

impl Journey {
    pub fn outcome(&self, as_of: Timestamp) -> Outcome {
        match self.decision {
            Decision::Completed { .. } => Outcome::Completed,
            Decision::Ended { .. } => Outcome::Ended,
            Decision::Open if as_of >= self.drops_at => Outcome::Dropped,
            Decision::Open => Outcome::InFlight,
        }
    }
}

/// One touchpoint of one customer at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    pub touchpoint: TouchpointIx,
    /// The stage of the entry it belongs to: of a beside visit, the stage where the journey stood.
    pub stage: StageIx,
    pub at: Timestamp,
    pub source: SourceId,
    pub event_id: Arc<str>,
    pub alternative: u16,
    pub channel: Option<Arc<str>>,
    /// The source's session id, else a running number of 30-minute sessions of the customer.
    pub session: Arc<str>,
    pub failed: bool,
    pub score: Option<f64>,
    /// The map's rule by which it is a contact with support.
    pub support: Option<u16>,
    /// Index into `entries` of the stage entry it belongs to.
    pub entry: usize,
    /// Problem or survey touchpoint: beside the model.
    pub beside: bool,
}

/// A stay in one stage: from its first visit until the journey enters another stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageEntry {
    pub stage: StageIx,
    pub first_at: Timestamp,
    /// Last visit of the entry, problem and survey visits included.
    pub last_at: Timestamp,
    /// Beside visits included.
    pub visits: u32,
    /// The journey's first entry of this stage.
    pub first: bool,
    /// Distinct problem ids met during the entry.
    pub problems: Vec<Arc<str>>,
}
