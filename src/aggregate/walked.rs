//! What the comparison asks of single journeys beyond the daily counts: how they followed the map, by which paths, with
//! which deviations, and what became of those who have one. Shapes only.

use super::Histogram;
use super::broken::BrokenCounts;
use super::lost::LostCount;
use super::personas::{PersonaCount, PersonaStageCount};
use crate::time::{Day, Timestamp};

/// All of it, for one map and reading at one `as_of`. Unless said otherwise over mature entry dates and decided journeys.
#[derive(Clone, Debug, Default)]
pub struct WalkedMap {
    pub groups: Vec<FollowGroup>,
    pub stages: Vec<FollowStage>,
    pub paths: Paths,
    /// Most frequent first, and how many there are before anything was cut.
    pub deviations: Vec<DeviationCount>,
    pub distinct_deviations: u64,
    /// Of every kind that the newest version accepts somewhere, uncut.
    pub acceptable: Vec<AcceptableCount>,
    pub studied: Vec<Studied>,
    pub associations: Vec<AssociationCount>,
    pub seen: Vec<TouchpointSeen>,
    /// Empty if no version knows a persona.
    pub personas: Vec<PersonaCount>,
    pub persona_stages: Vec<PersonaStageCount>,
    /// Where people went after a drop-off.
    pub lost: Vec<LostCount>,
    /// Drop-offs that look like broken identity.
    pub broken: BrokenCounts,
}

/// How some journeys followed the map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowCounts {
    pub journeys: u64,
    pub evaluated: u64,
    /// Without a deviation that is not accepted; of a stage: without one in it.
    pub following: u64,
    pub forbidden: u64,
    /// Sum of the fitness of those evaluated, in millionths, rounded for each journey.
    pub fitness_ppm: u64,
    pub ambiguous_type: u64,
    /// Without an unmapped event of the customer between entry and last visit.
    pub clean: u64,
}

impl<'a> std::iter::Sum<&'a Self> for FollowCounts {
    fn sum<I: Iterator<Item = &'a Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            journeys: sum.journeys + part.journeys,
            evaluated: sum.evaluated + part.evaluated,
            following: sum.following + part.following,
            forbidden: sum.forbidden + part.forbidden,
            fitness_ppm: sum.fitness_ppm + part.fitness_ppm,
            ambiguous_type: sum.ambiguous_type + part.ambiguous_type,
            clean: sum.clean + part.clean,
        })
    }
}

/// Journeys of one entry date, version, persona, outcome and certainty of order; all entry dates, all outcomes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FollowGroup {
    pub entry_date: Day,
    pub version: u32,
    /// Id of a persona or `other`; empty: computed by an older program.
    pub persona: String,
    pub outcome: String,
    pub order_ambiguous: bool,
    pub counts: FollowCounts,
}

/// Journeys that entered a stage, or have a deviation there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FollowStage {
    pub version: u32,
    pub stage: String,
    pub order_ambiguous: bool,
    pub counts: FollowCounts,
}

/// The paths of journeys that were evaluated, most frequent first, and how much was cut.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paths {
    pub kept: Vec<PathCount>,
    /// Distinct paths, and their journeys, before anything was cut.
    pub distinct: u64,
    pub journeys: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathCount {
    pub version: u32,
    pub order_ambiguous: bool,
    /// A deciding visit stands in the path; else the path is a prefix.
    pub decided: bool,
    /// Ids of touchpoints; problem and survey visits are left out.
    pub path: Vec<String>,
    pub journeys: u64,
    /// The same journeys by entry date and persona.
    pub parts: Vec<PathPart>,
}

/// Journeys of one path, entry date and persona.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathPart {
    pub entry_date: Day,
    pub persona: String,
    pub journeys: u64,
}

/// One kind of deviation at one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviationCount {
    pub version: u32,
    pub kind: String,
    /// Ids of touchpoints or stages, parted by spaces.
    pub place: String,
    pub stage: String,
    /// Over all entry dates, in flight included.
    pub journeys: u64,
    pub customers: u64,
    /// Of `journeys`: the map accepts it.
    pub accepted: u64,
    pub completed: u64,
    pub ended: u64,
    pub dropped: u64,
    pub in_flight: u64,
    /// Over mature entry dates.
    pub mature_decided: u64,
    pub mature_dropped: u64,
    /// Value of the journeys, and of those ended or dropped, by currency.
    pub value: Vec<(String, f64)>,
    pub at_stake: Vec<(String, f64)>,
    /// Ids of three journeys.
    pub examples: Vec<String>,
}

/// Journeys with a deviation, of all entry dates and versions, and how many of them the map accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AcceptableCount {
    pub kind: String,
    pub place: String,
    pub stage: String,
    pub journeys: u64,
    pub accepted: u64,
}

/// A deviation whose association with the outcome is asked for, and from when on journeys are held beside each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Studied {
    pub version: u32,
    pub kind: String,
    pub place: String,
    pub landmark: Landmark,
    pub exposed: Exposed,
}

/// What tells at the landmark that a journey has the deviation by then; later on, only survivors could come to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exposed {
    /// It went on to this stage.
    WentTo(String),
    /// The time until then (in the stage, or from stage to stage) was longer, or shorter, than so many microseconds.
    Longer(i64),
    Shorter(i64),
    /// None of these touchpoints was visited before, or the stage was not entered.
    NoneOf(Vec<String>),
    NotIn(String),
    /// The touchpoint was visited by then.
    Visited(String),
    /// That visit failed, or came through none of these channels.
    Failed,
    ThroughNoneOf(Vec<String>),
    /// It came once more while the journey was undecided. This alone lies after the landmark: those who come once more
    /// have lived a little longer than those who do not.
    OnceMore,
}

/// The moment at which both groups must still be undecided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landmark {
    /// The first time it left this stage.
    Left(String),
    /// It first stood in a later stage that is no exit: what the stage is owed was due then. Holds the stage's place.
    Past(u16),
    /// The n-th time it went from stage to stage.
    Change(String, String, u32),
    /// The n-th visit of a touchpoint within one stage entry.
    Visit(String, u32),
}

/// Journeys that reached the landmark undecided, with the deviation or without it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AssociationCount {
    /// Place in the list of what is studied.
    pub studied: usize,
    pub with: bool,
    pub journeys: u64,
    pub completed: u64,
    /// From the landmark to the goal, of those completed.
    pub time_to_goal: Histogram,
}

/// When and where a touchpoint was visited inside journeys, of all entry dates and outcomes.
#[derive(Clone, Debug, PartialEq)]
pub struct TouchpointSeen {
    pub touchpoint: String,
    pub visits: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// Known channels only.
    pub channels: Vec<String>,
}
