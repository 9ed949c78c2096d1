//! The journey file as checked: the only form that travels. Shapes only; how it is read and checked stands beside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::file::DeviationKind;
use crate::time::{Day, Timestamp};

/// A text in the file's languages (`en`, `ru`, …). A plain string stands under the language `""`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Text(pub BTreeMap<String, String>);

impl Text {
    /// The text in `lang`, else unmarked, else English, else the first there is.
    pub fn get(&self, lang: &str) -> Option<&str> {
        let by = |l: &str| self.0.get(l);
        by(lang).or_else(|| by("")).or_else(|| by("en")).or_else(|| self.0.values().next()).map(String::as_str)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Draft,
    Active,
    Retired,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Role {
    #[default]
    None,
    Entry,
    Success,
    Exit,
}

/// Place of a stage in the file (column order).
pub type StageIx = u16;
/// Place of a touchpoint in the file's list (declaration order; the order in which rules are tried).
pub type TouchpointIx = u16;

/// All versions of one map id that the journey files hold, oldest first (by `version`).
#[derive(Clone, Debug)]
pub struct MapVersions {
    pub id: Arc<str>,
    pub versions: Vec<Arc<DesignedMap>>,
    /// BLAKE3 of the files' bytes in version order, hex: part of the reading.
    pub fingerprint: String,
}

impl MapVersions {
    /// The newest version: zone, maturity, stage order of tables.
    pub fn newest(&self) -> &Arc<DesignedMap> {
        &self.versions[self.versions.len() - 1]
    }

    /// The longest W of any version: how long silence may take to decide.
    pub fn longest_window(&self) -> Duration {
        self.versions.iter().map(|v| v.longest_window()).max().unwrap_or_default()
    }

    /// Index of the version valid at `t`: the last non-draft one, by (valid_from, version), with `valid_from` <= t
    /// (none given: since ever). `None` before the first.
    pub fn valid_at(&self, t: Timestamp) -> Option<usize> {
        (0..self.versions.len())
            .filter(|&i| self.versions[i].status != Status::Draft)
            .filter(|&i| self.versions[i].valid_from.is_none_or(|from| from <= t))
            .max_by_key(|&i| (self.versions[i].valid_from, self.versions[i].version))
    }
}

/// One version of one designed journey.
#[derive(Clone, Debug)]
pub struct DesignedMap {
    pub id: Arc<str>,
    pub version: u32,
    pub status: Status,
    pub valid_from: Option<Timestamp>,
    pub title: Text,
    pub owner: Option<String>,
    pub objective: Text,
    pub time_zone: TimeZone,
    /// IANA name of `time_zone`.
    pub zone_name: String,
    /// Stages that may open a journey, by stage index.
    pub entry: Vec<bool>,
    /// Dotted path such as `props.application_id`.
    pub journey_key: Option<PropertyPath>,
    pub after_goal: Duration,
    /// W of each stage, by stage index: by_stage, else the map's, else P30D.
    pub windows: Vec<Duration>,
    /// The map's own W (P30D unless said).
    pub window_default: Duration,
    pub maturity: f64,
    pub min_n: u64,
    /// At most 4; `props.x` paths, or the plain names `channel`, `campaign`, `device`, `segment`.
    pub dimensions: Vec<Dimension>,
    pub exclude: Vec<ExcludeRule>,
    pub support: Vec<SupportRule>,
    pub personas: Vec<Persona>,
    pub channels: Vec<Channel>,
    pub stages: Vec<Stage>,
    /// In declaration order.
    pub touchpoints: Vec<Touchpoint>,
    pub transitions: Vec<Transition>,
    pub kpis: Vec<Kpi>,
    pub experiments: Vec<Experiment>,
    pub accepted_deviations: Vec<AcceptedDeviation>,
    pub tests: Vec<MapTest>,
    /// Path label of the file, for messages.
    pub file: String,
}

/// Whoever is of no declared persona.
pub const OTHER: &str = "other";

impl DesignedMap {
    /// The word of tables for a place in `personas`.
    pub fn persona(&self, place: Option<u16>) -> &str {
        place.and_then(|place| self.personas.get(usize::from(place))).map_or(OTHER, |persona| &persona.id)
    }
    pub fn stage_ix(&self, id: &str) -> Option<StageIx> {
        self.stages.iter().position(|s| &*s.id == id).map(|i| i as StageIx)
    }
    pub fn touchpoint_ix(&self, id: &str) -> Option<TouchpointIx> {
        self.touchpoints.iter().position(|t| &*t.id == id).map(|i| i as TouchpointIx)
    }
    /// The longest W of any stage.
    pub fn longest_window(&self) -> Duration {
        self.windows.iter().copied().chain([self.window_default]).max().unwrap_or_default()
    }
}

/// A dotted path into an event: `props.a.b` (properties), or a field of the event itself (`name`, `source`).
/// Holds the parts after `props`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PropertyPath {
    pub written: Arc<str>,
    pub parts: Vec<Arc<str>>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Dimension {
    /// As written: `channel`, `campaign`, `props.region`; the column label.
    pub name: Arc<str>,
    pub path: DimensionPath,
}

#[derive(Clone, PartialEq, Debug)]
pub enum DimensionPath {
    /// The channel of the visit (touchpoint's `channel_from`, else the source's).
    Channel,
    /// `campaign`, `device`, `segment`: the property of that name.
    Property(PropertyPath),
}

#[derive(Clone, Debug)]
pub struct ExcludeRule {
    pub id: Arc<str>,
    pub matching: Match,
}

/// Events that are a contact with support, on the map or not.
#[derive(Clone, Debug)]
pub struct SupportRule {
    pub id: Arc<str>,
    pub matching: Match,
}

#[derive(Clone, Debug)]
pub struct Persona {
    pub id: Arc<str>,
    pub title: Text,
    pub attribute: String,
    pub values: Vec<Value>,
    pub goals: Vec<Text>,
    pub pains: Vec<Text>,
}

#[derive(Clone, Debug)]
pub struct Channel {
    pub id: Arc<str>,
    pub title: Text,
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub id: Arc<str>,
    pub title: Text,
    pub role: Role,
    pub expectations: Vec<Text>,
    pub emotion_expected: Option<f64>,
    pub emotion_alert_below: Option<f64>,
    pub emotion_by_persona: BTreeMap<String, f64>,
    pub max_time: Option<Duration>,
    pub sequence: bool,
    pub one_of: Vec<TouchpointIx>,
    pub pain_points: Vec<PainPoint>,
    pub opportunities: Vec<Opportunity>,
}

#[derive(Clone, Debug)]
pub struct PainPoint {
    pub id: String,
    pub severity: Option<String>,
    pub text: Text,
}

#[derive(Clone, Debug)]
pub struct Opportunity {
    pub id: String,
    pub solves: Vec<String>,
    pub text: Text,
}

#[derive(Clone, Debug)]
pub struct Touchpoint {
    pub id: Arc<str>,
    pub title: Text,
    pub stage: StageIx,
    /// Place in (stage, then declaration) order over the whole file: the rank of semantics.md.
    pub rank: u16,
    /// Ids of `channels`; empty: any.
    pub channels: Vec<Arc<str>>,
    pub channel_from: Option<PropertyPath>,
    pub max_repeats: Option<u32>,
    pub failed_when: Option<BTreeMap<String, Vec<Value>>>,
    pub required: bool,
    pub goal: bool,
    /// `role: exit` on the touchpoint itself.
    pub exit: bool,
    pub problem: Option<Problem>,
    pub emotion_impact: Option<f64>,
    /// (where the score stands, lowest, highest of its scale)
    pub emotion_from: Option<(PropertyPath, f64, f64)>,
    pub value: Option<ValueRule>,
    pub matching: Match,
}

impl Touchpoint {
    /// Problem and survey touchpoints stand beside the model: they never open, move or decide a journey.
    pub fn is_beside(&self) -> bool {
        self.problem.is_some() || self.emotion_from.is_some()
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Problem {
    pub id: Arc<str>,
    pub severity: Option<String>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct ValueRule {
    pub from: PropertyPath,
    pub currency: Arc<str>,
}

/// A rule as written: all stated conditions hold of one of the alternatives.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Match {
    /// One entry for a plain match, several for `any:`.
    pub any: Vec<Condition>,
}

/// What an event must be like. `None` / empty: no condition.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Condition {
    pub source: Vec<String>,
    /// Event names; literal, or with `*` as a wildcard.
    pub event: Vec<String>,
    /// Path templates tested on the event's path (`props.path`, or the path of `props.url`): `*` stays in its
    /// segment, `**` does not.
    pub path: Vec<String>,
    /// Property path (without `props.`) -> allowed values. Compared as text: `true` equals `"true"`, 1 equals "1".
    pub props: BTreeMap<String, Vec<Value>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransitionKind {
    Expected,
    Allowed,
    Forbidden,
}

#[derive(Clone, Debug)]
pub struct Transition {
    pub from: StageIx,
    pub to: StageIx,
    pub kind: TransitionKind,
    pub within: Option<Duration>,
    pub not_before: Option<Duration>,
    pub target_share: Option<f64>,
    pub max_repeats: Option<u32>,
    pub reason: Text,
}

/// Words that tables use beside stage ids (`start -> first stage`, `last stage -> outcome`), and the word for all.
pub const RESERVED_STAGES: [&str; 6] = ["start", "any", "completed", "ended", "dropped", "in_flight"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Metric {
    Conversion,
    DropOffRate,
    TimeInStageP50,
    TimeInStageP90,
    TimeToNextP50,
    TimeToNextP90,
    Overall,
}

impl Metric {
    /// As a journey file says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conversion => "conversion",
            Self::DropOffRate => "drop_off_rate",
            Self::TimeInStageP50 => "time_in_stage_p50",
            Self::TimeInStageP90 => "time_in_stage_p90",
            Self::TimeToNextP50 => "time_to_next_p50",
            Self::TimeToNextP90 => "time_to_next_p90",
            Self::Overall => "overall",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Kpi {
    pub id: String,
    pub stage: Option<StageIx>,
    pub metric: Metric,
    pub target: KpiTarget,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum KpiTarget {
    Share(f64),
    Time(Duration),
}

#[derive(Clone, Debug)]
pub struct Experiment {
    pub id: String,
    pub attribute: String,
    pub control: String,
    pub variants: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct AcceptedDeviation {
    pub kind: DeviationKind,
    pub from: Option<StageIx>,
    pub to: Option<StageIx>,
    pub touchpoint: Option<TouchpointIx>,
    pub until: Option<Day>,
    pub reason: Text,
}

/// A test inside the journey file: events, and the journeys they must give.
#[derive(Clone, Debug)]
pub struct MapTest {
    pub name: String,
    pub line: u64,
    pub events: Vec<TestEvent>,
    pub as_of: Option<Timestamp>,
    pub expect: TestExpectation,
}

#[derive(Clone, Debug)]
pub struct TestEvent {
    pub source: String,
    pub event: String,
    pub at: Timestamp,
    pub ids: BTreeMap<String, String>,
    pub props: Value,
}

#[derive(Clone, Debug, Default)]
pub struct TestExpectation {
    pub journeys: Option<u64>,
    pub outcome: Option<String>,
    pub reason: Option<String>,
    pub path: Option<Vec<String>>,
    pub stages: Option<Vec<String>>,
    pub deviations: Option<Vec<String>>,
    pub persona: Option<String>,
}
