//! Stages, touchpoints, their rules and transitions as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{OneOrMany, Scalar, TextFile};

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
