//! The config file as written. Shapes and words only: the JSON Schema that editors use comes from these types, and the
//! first check of a file walks that schema. What the words mean together is checked in `check`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::yaml::{OneOrMany, Scalar};

/// The JSON Schema of a config file.
pub fn json_schema() -> Value {
    schemars::generate::SchemaSettings::draft07().into_generator().into_root_schema_for::<ConfigFile>().to_value()
}

/// Where events come from, how records become events, who is who, and where everything is stored.
#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Tropa config", extend("required" = ["schema"]))]
pub struct ConfigFile {
    /// The format of this file: `config/v1`.
    pub schema: SchemaName,
    /// Folder of the embedded store and of the identifier key, relative to this file; default `tropa-data`.
    pub data: Option<String>,
    /// A ClickHouse server or cluster; left out: the embedded engine.
    pub warehouse: Option<ServerFile>,
    /// Settings of the embedded engine.
    pub embedded: Option<EmbeddedFile>,
    /// Journey files, relative to this file; the last part may be a pattern (`journeys/*.yaml`).
    pub maps: Vec<String>,
    /// Kinds of identifiers, their guards, and how values are stored.
    pub identifiers: Option<IdentifiersFile>,
    /// Decoders by name, for sources and for `tropa import --decoder NAME`.
    pub decoders: BTreeMap<String, DecoderFile>,
    /// Sources by name; touchpoint rules call them by it.
    pub sources: BTreeMap<String, SourceFile>,
    /// A customer with more mapped events has no journeys and is counted as oversized; default 100000.
    #[schemars(range(min = 1))]
    pub max_visits: Option<u64>,
    /// Counts of journeys, customers and visits below this are shown as `<N` in comparisons, whatever form they are given in,
    /// and others as `≥N` where they would tell such a count; default 0: every count is shown. Tables and single journeys stay
    /// as they are.
    pub min_cell: Option<u64>,
    /// Daily aggregates are brought up to date at most this often; default `30s`. They are also counted in at most a tenth of the
    /// time while rows are written, so a long history makes them rarer.
    pub refresh: Option<String>,
    /// When a batch is closed.
    pub flush: Option<FlushFile>,
    /// Internal topics, for stages that run in processes of their own (`tropa run --role`).
    pub roles: Option<RolesFile>,
    /// Memory for event sets, such as `512MiB` or `2GiB`; default `1GiB`.
    pub cache: Option<String>,
    /// Where `tropa run` answers over HTTP: `/livez`, `/readyz`, `/metrics`.
    pub serve: Option<ServeFile>,
    /// Told to stop, a process waits so long for a warehouse that is away; default `30s`.
    pub grace: Option<String>,
}

#[derive(Deserialize, JsonSchema, Debug, Default, Clone, Copy)]
pub enum SchemaName {
    #[default]
    #[serde(rename = "config/v1")]
    V1,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct ServerFile {
    /// Address of the HTTP interface, such as `http://clickhouse:8123`.
    pub url: String,
    /// Database; default `tropa`.
    pub database: Option<String>,
    /// User; default none.
    pub user: Option<String>,
    /// Password; write `${CLICKHOUSE_PASSWORD}` and keep it in the environment.
    pub password: Option<String>,
    /// The server is one of a cluster: tables are replicated within shards and spread over them.
    pub cluster: Option<ClusterFile>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct ClusterFile {
    /// Name of the cluster, as in `system.clusters`.
    pub name: String,
    /// Replicas that must have an insert before it counts; default 2, of 3.
    #[schemars(range(min = 1))]
    pub quorum: Option<u32>,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddedFile {
    /// Port of ClickHouse's HTTP interface on loopback; default 0: any free one.
    pub listen: Option<u16>,
    /// Database; default `tropa`.
    pub database: Option<String>,
    /// Whether every insert is flushed to disk before it counts; default true.
    pub fsync: Option<bool>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct RolesFile {
    /// Addresses, such as `kafka-1:9092,kafka-2:9092`.
    pub brokers: String,
    /// The topics are `<prefix>.identity` and `<prefix>.customers`, the groups `<prefix>.writer` and `<prefix>.journeys`;
    /// default `tropa`.
    pub prefix: Option<String>,
    /// Into how many slices customers are cut, at most one worker each: a power of two up to 64; default 8. Changed by
    /// `tropa migrate --partitions`, also while the roles run.
    pub partitions: Option<u16>,
    /// Copies of each message; default 3, or as many as there are brokers.
    #[schemars(range(min = 1))]
    pub replication: Option<i32>,
    /// A worker that has not been heard of for so long is replaced; default `6s`.
    pub session_timeout: Option<String>,
    /// Any setting of librdkafka, passed through.
    #[serde(default)]
    pub settings: BTreeMap<String, Scalar>,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ServeFile {
    /// `auto` (default): loopback, any free port, said in the log and in the file `serve` of the data folder; `off`; or
    /// ADDRESS:PORT, such as `0.0.0.0:9464`.
    pub listen: Option<String>,
}

/// When a partition or file is not read on, and where else its dead letters go.
#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct DeadLettersFile {
    /// Topic on the source's brokers that dead letters are written to as well, whole, with Kafka Connect's headers.
    pub topic: Option<String>,
    /// Topic that `tropa dead-letters replay` writes to and this source reads; default `TOPIC.retry` beside `topic`.
    pub retry: Option<String>,
    /// A greater share of dead letters among `of` records pauses the partition; default 0.05; 1: none does.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: Option<f64>,
    /// Records that the share is of; default 10000.
    #[schemars(range(min = 1))]
    pub of: Option<u64>,
    /// So many dead letters in a row pause the partition; default 1000; 0: no number does.
    pub in_a_row: Option<u64>,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct FlushFile {
    /// Records of a batch at most; default 100000.
    #[schemars(range(min = 1))]
    pub records: Option<u64>,
    /// Age of a batch at most; default `1s`.
    pub interval: Option<String>,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct IdentifiersFile {
    /// `hashed` (default): keyed hashes of the values; `raw`: the values themselves.
    pub store: Option<StoreWord>,
    /// Key of the hashes; write `${TROPA_KEY:-}`. Left out or empty: created in the data folder at first start.
    pub key: Option<String>,
    /// Kinds by name. Left out: crm_contact, user, email, phone, device, cookie.
    pub kinds: BTreeMap<String, KindFile>,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum StoreWord {
    Hashed,
    Raw,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct KindFile {
    /// `person`, `device` or `object`.
    pub class: ClassWord,
    /// 1 is strongest; distinct over all kinds. An object kind needs none.
    #[schemars(range(min = 1))]
    pub priority: Option<u32>,
    /// Two different values never end in one customer; default false.
    #[serde(default)]
    pub unique: bool,
    /// How many of this kind one customer may have; default 1000.
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
    /// Distinct partners before it counts as a placeholder; default 50 for devices, 1000 for persons.
    #[schemars(range(min = 1))]
    pub max_partners: Option<u32>,
    /// `trim` (default), `lower` or `digits`.
    pub normalise: Option<NormaliseWord>,
    /// Values that are no identifiers, beside the usual ones (`null`, `guest`, all-zero UUIDs, …).
    #[serde(default)]
    pub blocklist: BlocklistFile,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct BlocklistFile {
    /// Literal values, compared without case.
    pub values: Vec<Scalar>,
    /// Regular expressions; anchor them yourself.
    pub patterns: Vec<String>,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum ClassWord {
    Person,
    Device,
    Object,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum NormaliseWord {
    Trim,
    Lower,
    Digits,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["decoder"]))]
pub struct SourceFile {
    /// Read from Kafka.
    pub kafka: Option<KafkaFile>,
    /// Read from files or standard input.
    pub file: Option<FileFile>,
    /// Name of a decoder, or a decoder written here.
    pub decoder: Option<DecoderRef>,
    /// Channel of its events unless a touchpoint says otherwise.
    pub channel: Option<String>,
    /// Raise it after a wrong mapping: what older generations said is taken back; default 1.
    #[schemars(range(min = 1))]
    pub generation: Option<u32>,
    /// `as_of` stays this far behind the source's newest event; default `5m`.
    pub delay: Option<String>,
    /// A partition without a record for so long is idle; default `5m`.
    pub idle: Option<String>,
    /// Of a file: times after this moment are not believed; default the time of import.
    pub until: Option<String>,
    /// Nothing before this moment was recorded.
    pub observed_from: Option<String>,
    /// Its records only say who is who; default false.
    pub facts_only: Option<bool>,
    /// What becomes of records that cannot be read, and how many are too many.
    pub dead_letters: Option<DeadLettersFile>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct KafkaFile {
    /// Addresses, such as `kafka-1:9092,kafka-2:9092`.
    pub brokers: String,
    /// Topics.
    #[schemars(length(min = 1))]
    pub topics: Vec<String>,
    /// Consumer group; default `tropa`.
    pub group: Option<String>,
    /// Where a first run begins: `beginning` (default), `end` or a moment.
    pub start: Option<String>,
    /// Any setting of librdkafka, passed through.
    #[serde(default)]
    pub settings: BTreeMap<String, Scalar>,
    /// Longest record, bytes; default 1048576.
    pub max_record_bytes: Option<usize>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct FileFile {
    /// Files relative to this file, the last part may be a pattern; `-`: standard input.
    #[schemars(length(min = 1))]
    pub paths: Vec<String>,
    /// `auto` (default), `ndjson`, `json`, `csv` or `tsv`; each also gzip.
    pub format: Option<FormatWord>,
    /// Separator of `csv`, one character; default `,`.
    pub separator: Option<String>,
    /// Longest record, bytes; default 1048576.
    pub max_record_bytes: Option<usize>,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum FormatWord {
    Auto,
    Ndjson,
    Json,
    Csv,
    Tsv,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(untagged)]
pub enum DecoderRef {
    Name(String),
    Here(Box<DecoderFile>),
}

/// Either `segment`, or a mapping of any JSON or delimited record.
#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct DecoderFile {
    /// The Segment spec: track, page, screen, identify, alias, group.
    pub segment: Option<SegmentFile>,
    /// Where the id stands; left out: a hash of the record.
    pub id: Option<ValueFile>,
    /// Where the event's name stands, or `{const: name}`.
    pub name: Option<ValueFile>,
    /// Where the time stands.
    pub time: Option<TimeFile>,
    /// Zone of times that carry none; default UTC.
    pub zone: Option<String>,
    /// An integer column that orders events of one moment, or `line`.
    pub sequence: Option<String>,
    /// Where the revision of a corrected record stands (an integer).
    pub revision: Option<ValueFile>,
    /// Where the source's session id stands.
    pub session: Option<ValueFile>,
    /// Kind of identifier: where its value stands.
    pub ids: BTreeMap<String, ValueFile>,
    /// Which columns become properties; default: all that are not id, time or identifier.
    pub props: Option<PropsFile>,
    /// Properties with a fixed value.
    pub r#const: BTreeMap<String, Scalar>,
    /// Columns that must have one of some values; other records are skipped and counted.
    pub r#where: BTreeMap<String, OneOrMany<Scalar>>,
    /// One record gives several events: each with its own time, name and condition.
    pub events: Option<Vec<EventFile>>,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct SegmentFile {
    /// Kind of `anonymousId`; default `cookie`.
    pub anonymous: Option<String>,
    /// Kind of `userId`; default `user`.
    pub user: Option<String>,
    /// Traits that are identifiers: trait name -> kind.
    pub traits: BTreeMap<String, String>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(untagged)]
pub enum ValueFile {
    /// A column, or a dotted path.
    Column(String),
    Rule(ValueRuleFile),
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ValueRuleFile {
    /// A fixed value.
    pub r#const: Option<Scalar>,
    /// A column, or a dotted path.
    pub from: Option<String>,
    /// Several columns joined.
    pub join: Vec<String>,
    /// Between joined columns; default `:`.
    pub separator: Option<String>,
    /// Values of `from` and the words that replace them.
    pub lookup: BTreeMap<String, Scalar>,
    /// What a value becomes that `lookup` does not list; default: itself.
    pub other: Option<Scalar>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(untagged)]
pub enum TimeFile {
    /// A column with RFC 3339 or ISO 8601 times.
    Column(String),
    Rule(TimeRuleFile),
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct TimeRuleFile {
    /// A column, or a dotted path.
    pub from: String,
    /// `auto` (default), `unix`, `unix_ms`, `unix_us`, or a pattern such as `%d.%m.%Y %H:%M`.
    pub format: Option<String>,
    /// Zone of times that carry none.
    pub zone: Option<String>,
}

#[derive(Deserialize, JsonSchema, Debug, Default)]
#[serde(default, deny_unknown_fields)]
pub struct PropsFile {
    /// Only these columns: a list, or property name -> column.
    pub keep: KeepFile,
    /// All but these columns.
    pub skip: Vec<String>,
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(untagged)]
pub enum KeepFile {
    Columns(Vec<String>),
    Renamed(BTreeMap<String, String>),
}

impl Default for KeepFile {
    fn default() -> Self {
        Self::Columns(Vec::new())
    }
}

impl KeepFile {
    /// (property, column) pairs.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        match self {
            Self::Columns(list) => list.into_iter().map(|c| (c.clone(), c)).collect(),
            Self::Renamed(map) => map.into_iter().collect(),
        }
    }
}

#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct EventFile {
    /// Where its time stands.
    pub time: TimeFile,
    /// Where its name stands, or `{const: name}`.
    pub name: ValueFile,
    /// Columns that must have one of some values.
    #[serde(default)]
    pub when: BTreeMap<String, OneOrMany<Scalar>>,
}
