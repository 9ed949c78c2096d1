//! The journey file as written. Shapes and words only: the JSON Schema that editors use comes from these types, and the
//! first check of a file walks that schema. What the words mean together is checked in `check`.

mod beside;
mod model;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

pub use crate::yaml::{OneOrMany, Scalar};
pub use beside::*;
pub use model::*;

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
    /// Events that are a contact with support, on the map or not: whom they follow did not leave in silence.
    pub support: Vec<SupportFile>,
    /// Who walks the journey, and how to recognise them.
    pub personas: Vec<PersonaFile>,
    /// Channels by id.
    pub channels: BTreeMap<String, ChannelFile>,
    /// The columns of the map, in order.
    #[schemars(length(min = 1, max = 1000))]
    pub stages: Vec<StageFile>,
    /// Where a customer meets the company; rules are tried in this order, the first that matches wins.
    #[schemars(length(min = 1, max = 10000))]
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
pub struct SupportFile {
    /// Id of the rule, as the report shows it.
    pub id: String,
    /// Which events are a contact with support.
    #[serde(rename = "match")]
    pub matching: MatchFile,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelFile {
    pub title: Option<TextFile>,
}
