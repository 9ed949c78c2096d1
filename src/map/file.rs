//! The journey file as written. Shapes and words only: the JSON Schema that editors use comes from these types, and the
//! first check of a file walks that schema. What the words mean together is checked in `check`.

use std::collections::BTreeMap;

use schemars::JsonSchema;

pub use crate::yaml::{OneOrMany, Scalar};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The JSON Schema of a journey file.
pub fn json_schema() -> Value {
    schemars::generate::SchemaSettings::draft07().into_generator().into_root_schema_for::<MapFile>().to_value()
}

/// A designed customer journey: stages, the touchpoints in them, and how events are recognised as touchpoints.
#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Tropa journey file", extend("required" = ["schema", "id", "version", "stages", "touchpoints"]))]
pub struct MapFile {
    /// The format of this file: `journey/v1`.
    pub schema: SchemaName,
    /// Id of the map; its versions share it.
    #[schemars(length(min = 1))]
    pub id: String,
    /// A whole number, raised on every change; a journey is judged by the version valid at its entry.
    #[schemars(range(min = 1))]
    pub version: u32,
    /// `draft`, `active` (default) or `retired`; a draft is never valid.
    pub status: Option<StatusWord>,
    /// Valid from this day in the map's zone (`2026-09-01`), or from this instant; left out: since ever.
    pub valid_from: Option<String>,
    /// What people call the journey: one text, or one for each language.
    pub title: Option<TextFile>,
    /// Who answers for the map.
    pub owner: Option<String>,
    /// What the customer is to reach.
    pub objective: Option<TextFile>,
    /// IANA name of the zone in which days are counted; default `UTC`.
    pub time_zone: Option<String>,
    /// Stages that may open a journey, or `any`; default: the stages with `role: entry`, else the first.
    pub entry: Option<OneOrMany<String>>,
    /// A property (`props.application_id`) each of whose values is a journey of its own.
    pub journey_key: Option<String>,
    /// Visits this long after success still belong to the journey (`P30D` or `30d`); default `P0D`.
    pub after_goal: Option<String>,
    /// How long a silence makes a journey dropped.
    pub drop_off: Option<DropOffFile>,
    /// A rate is a point only where this share of journeys is decided; default 0.95.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub maturity: Option<f64>,
    /// Verdicts need this many journeys; default 30.
    #[schemars(range(min = 1))]
    pub min_n: Option<u64>,
    /// At most four: `channel`, `campaign`, `device`, `segment` or a property (`props.region`); values at entry.
    pub dimensions: Vec<String>,
    /// Events of staff, tests and bots: kept and counted beside, never inside a journey.
    pub exclude: Vec<ExcludeFile>,
    /// Who walks the journey, and how to recognise them.
    pub personas: Vec<PersonaFile>,
    /// Channels by id.
    pub channels: BTreeMap<String, ChannelFile>,
    /// The columns of the map, in order.
    #[schemars(length(min = 1))]
    pub stages: Vec<StageFile>,
    /// Where a customer meets the company; rules are tried in this order, the first that matches wins.
    #[schemars(length(min = 1))]
    pub touchpoints: Vec<TouchpointFile>,
    /// Arcs between stages. What is not listed is unexpected; none at all: each stage to the next.
    pub transitions: Vec<TransitionFile>,
    /// Targets.
    pub kpis: Vec<KpiFile>,
    /// Experiments that run on this journey.
    pub experiments: Vec<ExperimentFile>,
    /// Deviations that are known and accepted, each with a reason.
    pub accepted_deviations: Vec<AcceptedFile>,
    /// Sample events and the journeys they must give; run by `tropa check`.
    pub tests: Vec<TestFile>,
}

#[derive(Deserialize, JsonSchema, Debug, Default, Clone, Copy)]
pub enum SchemaName {
    #[default]
    #[serde(rename = "journey/v1")]
    V1,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub enum StatusWord {
    Draft,
    Active,
    Retired,
}

/// One text, or one for each language: `{ en: Website, ru: Сайт }`.
#[derive(Deserialize, JsonSchema, Debug, Clone)]
#[serde(untagged)]
pub enum TextFile {
    Plain(String),
    ByLanguage(BTreeMap<String, String>),
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct DropOffFile {
    /// Silence as long as this makes a journey dropped (`P30D` or `30d`); default `P30D`.
    pub after: Option<String>,
    /// Other limits by stage id.
    pub by_stage: BTreeMap<String, String>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct ExcludeFile {
    /// Id of the rule, as coverage shows it.
    pub id: String,
    /// Which events are taken out.
    #[serde(rename = "match")]
    pub matching: MatchFile,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct PersonaFile {
    /// Id of the persona.
    pub id: String,
    pub title: Option<TextFile>,
    /// How to recognise the persona in data; several that apply: the first declared.
    pub segment: Option<SegmentFile>,
    #[serde(default)]
    pub goals: Vec<TextFile>,
    #[serde(default)]
    pub pains: Vec<TextFile>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct SegmentFile {
    /// Customer attribute, as of journey entry.
    pub attribute: String,
    /// Its values for this persona.
    #[serde(rename = "in")]
    pub values: Vec<Scalar>,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelFile {
    pub title: Option<TextFile>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct StageFile {
    /// Id of the stage.
    pub id: String,
    pub title: Option<TextFile>,
    /// `entry`: opens a journey. `success`: reaching it completes one. `exit`: reaching it ends one.
    pub role: Option<StageRole>,
    #[serde(default)]
    pub expectations: Vec<TextFile>,
    pub emotion: Option<StageEmotionFile>,
    /// Time limit inside the stage (`P14D` or `14d`).
    pub max_time: Option<String>,
    /// `true`: touchpoints come in the order written.
    #[serde(default)]
    pub sequence: bool,
    /// A choice: one of these touchpoints is owed at the first entry.
    #[serde(default)]
    pub one_of: Vec<String>,
    #[serde(default)]
    pub pain_points: Vec<PainPointFile>,
    #[serde(default)]
    pub opportunities: Vec<OpportunityFile>,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub enum StageRole {
    None,
    Entry,
    Success,
    Exit,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct StageEmotionFile {
    /// Emotion the design expects, from -2 to +2.
    #[schemars(range(min = -2.0, max = 2.0))]
    pub expected: Option<f64>,
    /// Measured emotion below this is shown as an alert, from -2 to +2.
    #[schemars(range(min = -2.0, max = 2.0))]
    pub alert_below: Option<f64>,
    /// Expected emotion of single personas, by persona id.
    pub by_persona: BTreeMap<String, EmotionPoint>,
}

/// Emotion from -2 to +2.
#[derive(Deserialize, JsonSchema, Debug, Clone, Copy)]
#[serde(transparent)]
pub struct EmotionPoint(#[schemars(range(min = -2.0, max = 2.0))] pub f64);

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub enum SeverityWord {
    Low,
    Medium,
    High,
    Critical,
}

impl SeverityWord {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct PainPointFile {
    /// Id of the pain point.
    pub id: String,
    pub severity: Option<SeverityWord>,
    pub text: Option<TextFile>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct OpportunityFile {
    /// Id of the opportunity.
    pub id: String,
    /// Ids of the pain points it would solve.
    #[serde(default)]
    pub solves: Vec<String>,
    pub text: Option<TextFile>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct TouchpointFile {
    /// Id of the touchpoint.
    pub id: String,
    pub title: Option<TextFile>,
    /// Id of the stage it belongs to.
    pub stage: String,
    /// Ids of the channels it is meant for; another one is a deviation. None: any.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Where the channel stands in the event (`props.platform`); default: the source's own channel.
    pub channel_from: Option<String>,
    /// Which events are this touchpoint; left out: none yet.
    #[serde(rename = "match")]
    pub matching: Option<MatchFile>,
    /// More visits than this in one stage entry are a deviation.
    #[schemars(range(min = 1))]
    pub max_repeats: Option<u32>,
    /// The visit failed where this holds.
    pub failed_when: Option<FailedWhenFile>,
    /// `true`: owed at the first entry of its stage.
    #[serde(default)]
    pub required: bool,
    /// `true`: the first visit completes the journey.
    #[serde(default)]
    pub goal: bool,
    /// `exit`: the first visit ends the journey.
    pub role: Option<TouchpointRole>,
    /// The touchpoint is a problem: counted beside the model.
    pub problem: Option<ProblemFile>,
    /// What the touchpoint tells of emotion: a fixed `impact`, or a survey score (`from`, `scale`).
    pub emotion: Option<TouchpointEmotionFile>,
    /// What a journey is worth, where the event says so.
    pub value: Option<ValueFile>,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub enum TouchpointRole {
    Exit,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct FailedWhenFile {
    /// Property -> the value, or the list of values, that means failure.
    pub props: BTreeMap<String, OneOrMany<Scalar>>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct ProblemFile {
    /// Id of the problem, as charts show it.
    pub id: String,
    pub severity: Option<SeverityWord>,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct TouchpointEmotionFile {
    /// Emotion of every visit, from -2 to +2.
    #[schemars(range(min = -2.0, max = 2.0))]
    pub impact: Option<f64>,
    /// Where a survey's score stands (`props.score`).
    pub from: Option<String>,
    /// Lowest and highest score, as in `[1, 5]`.
    pub scale: Option<[f64; 2]>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct ValueFile {
    /// Where the amount stands (`props.amount`).
    pub from: String,
    /// ISO 4217 code, such as `EUR`.
    pub currency: String,
}

/// All stated conditions hold; or, with `any`, those of one of the alternatives.
#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct MatchFile {
    /// Name of the source, or several.
    pub source: Option<OneOrMany<String>>,
    /// Name of the event, or several; `*` stands for anything.
    pub event: Option<OneOrMany<String>>,
    /// Path of the page, or several; `*` stays inside a segment, `**` does not.
    pub path: Option<OneOrMany<String>>,
    /// Property -> its value, or a list of allowed ones.
    pub props: BTreeMap<String, OneOrMany<Scalar>>,
    /// Alternatives, each with conditions of its own; then nothing stands beside `any`.
    pub any: Option<Vec<ConditionFile>>,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ConditionFile {
    /// Name of the source, or several.
    pub source: Option<OneOrMany<String>>,
    /// Name of the event, or several; `*` stands for anything.
    pub event: Option<OneOrMany<String>>,
    /// Path of the page, or several; `*` stays inside a segment, `**` does not.
    pub path: Option<OneOrMany<String>>,
    /// Property -> its value, or a list of allowed ones.
    pub props: BTreeMap<String, OneOrMany<Scalar>>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct TransitionFile {
    /// Id of the stage it leaves.
    pub from: String,
    /// Id of the stage it enters.
    pub to: String,
    /// `expected` and `allowed` cost nothing; `forbidden` is a deviation.
    pub kind: TransitionWord,
    /// From first visit to first visit at most this long (`P7D` or `7d`).
    pub within: Option<String>,
    /// From first visit to first visit at least this long.
    pub not_before: Option<String>,
    /// Share of the entries of `from` that are to go this way, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub target_share: Option<f64>,
    /// More often than this in one journey is a deviation.
    #[schemars(range(min = 1))]
    pub max_repeats: Option<u32>,
    /// Why it is so.
    pub reason: Option<TextFile>,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TransitionWord {
    Expected,
    Allowed,
    Forbidden,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct KpiFile {
    /// Id of the indicator.
    pub id: String,
    /// Id of the stage it is measured on; none for `overall`.
    pub stage: Option<String>,
    /// What is measured.
    pub metric: MetricWord,
    /// A share from 0 to 1, or a length of time (`PT36H`) for the times.
    pub target: KpiTargetFile,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum MetricWord {
    Conversion,
    DropOffRate,
    TimeInStageP50,
    TimeInStageP90,
    TimeToNextP50,
    TimeToNextP90,
    Overall,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(untagged)]
pub enum KpiTargetFile {
    Share(f64),
    Time(String),
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct ExperimentFile {
    /// Id of the experiment.
    pub id: String,
    /// Attribute that says which variant a customer got.
    pub attribute: String,
    /// Its value for the control group.
    pub control: Scalar,
    /// Its values for the variants.
    pub variants: Vec<Scalar>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct AcceptedFile {
    /// Type of the deviation.
    pub kind: DeviationWord,
    /// Id of the stage left, with `to`; alone, for what lies in one stage.
    pub from: Option<String>,
    /// Id of the stage entered.
    pub to: Option<String>,
    /// Id of the touchpoint.
    pub touchpoint: Option<String>,
    /// Last day on which it is accepted.
    pub until: Option<String>,
    /// Why it is accepted.
    pub reason: TextFile,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum DeviationWord {
    OutOfOrder,
    Repeated,
    Forbidden,
    Unexpected,
    Missing,
    TooSlow,
    TooFast,
    WrongChannel,
    Failed,
}

impl DeviationWord {
    pub const ALL: [Self; 9] = [
        Self::OutOfOrder,
        Self::Repeated,
        Self::Forbidden,
        Self::Unexpected,
        Self::Missing,
        Self::TooSlow,
        Self::TooFast,
        Self::WrongChannel,
        Self::Failed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutOfOrder => "out_of_order",
            Self::Repeated => "repeated",
            Self::Forbidden => "forbidden",
            Self::Unexpected => "unexpected",
            Self::Missing => "missing",
            Self::TooSlow => "too_slow",
            Self::TooFast => "too_fast",
            Self::WrongChannel => "wrong_channel",
            Self::Failed => "failed",
        }
    }
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// What the test shows, as a sentence.
    pub name: String,
    /// The events, all of one reading.
    #[schemars(length(min = 1))]
    pub events: Vec<TestEventFile>,
    /// The moment at which silence is judged; default: the last event's time.
    pub as_of: Option<String>,
    /// What must come out; only what is named is compared.
    pub expect: ExpectFile,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct TestEventFile {
    /// Name of the source.
    pub source: String,
    /// Name of the event.
    pub event: String,
    /// When it happened, such as `2026-10-01T10:00:00+03:00`.
    pub at: String,
    /// Identifier kind -> value.
    #[serde(default)]
    pub ids: BTreeMap<String, Scalar>,
    /// The event's properties.
    #[serde(default)]
    pub props: Map<String, Value>,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ExpectFile {
    /// How many journeys.
    pub journeys: Option<u64>,
    /// Outcome of the journey.
    pub outcome: Option<OutcomeWord>,
    /// Id of the touchpoint that ended it.
    pub reason: Option<String>,
    /// Ids of the touchpoints visited, in order.
    pub path: Option<Vec<String>>,
    /// Ids of the stages entered, in order.
    pub stages: Option<Vec<String>>,
    /// Deviations, such as `missing approved` or `unexpected sign decide`.
    pub deviations: Option<Vec<String>>,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeWord {
    Completed,
    Ended,
    Dropped,
    InFlight,
}

impl OutcomeWord {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Ended => "ended",
            Self::Dropped => "dropped",
            Self::InFlight => "in_flight",
        }
    }
}
