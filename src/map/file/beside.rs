//! What stands beside the model, as written: personas, targets, experiments, accepted deviations, the file's tests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Scalar, TextFile};

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
    /// Customer attribute: the dotted name of a property of the customer's events. What the last event until journey entry
    /// says of it counts.
    pub attribute: String,
    /// Its values for this persona.
    #[serde(rename = "in")]
    pub values: Vec<Scalar>,
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
    #[schemars(length(min = 1))]
    pub variants: Vec<Scalar>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct AcceptedFile {
    /// Type of the deviation.
    pub kind: DeviationKind,
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

/// The types of deviations (semantics.md, "Conformance"), in their order. Closed: `as_str` is the column value and the word
/// in a journey file.
#[derive(Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DeviationWord", description = "")]
pub enum DeviationKind {
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

impl DeviationKind {
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
    /// Id of the persona, or `other`.
    pub persona: Option<String>,
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
