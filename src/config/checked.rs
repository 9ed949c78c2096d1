//! The config as checked: the only form that travels. Every default is filled in.

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use regex::Regex;
use serde_json::Value;

use crate::event::{KindId, SourceId};
use crate::time::Timestamp;

#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of the embedded store, key and lock.
    pub data: PathBuf,
    pub warehouse: WarehouseConfig,
    /// Journey files, in order.
    pub maps: Vec<PathBuf>,
    pub identifiers: IdentifierConfig,
    pub sources: Vec<Source>,
    /// Named decoders, for `tropa import --decoder NAME`.
    pub decoders: BTreeMap<String, Arc<Decoder>>,
    /// A customer with more mapped events than this has no journeys (default 100,000).
    pub max_visits: usize,
    /// Counts of people below this are told by no comparison; below 2: all are told (default 0).
    pub min_cell: u64,
    /// Aggregates of a bucket are refreshed at most this often (default 30 s), and in at most a tenth of the time.
    pub refresh: Duration,
    /// A batch is closed at this many records (default 100,000) or after `flush_interval` (default 1 s).
    pub flush_records: usize,
    pub flush_interval: Duration,
    /// For stages in processes of their own.
    pub roles: Option<RolesConfig>,
    /// Bytes of event sets the journeys stage keeps in memory (default 1 GiB).
    pub cache_bytes: u64,
    /// Where `tropa run` answers over HTTP; `None`: nowhere. Port 0: any free one.
    pub listen: Option<SocketAddr>,
    /// How long a process that was told to stop waits for a warehouse that is away (default 30 s).
    pub grace: Duration,
    /// BLAKE3 (hex) over the keys that can change a figure: part of the reading.
    pub fingerprint: String,
}

impl Config {
    pub fn source(&self, id: SourceId) -> &Source {
        &self.sources[usize::from(id.0)]
    }
    /// Whether what a source said in this generation is inside the function: older ones are not.
    pub fn is_current(&self, source: SourceId, generation: u32) -> bool {
        generation >= self.source(source).generation
    }
    pub fn source_id(&self, name: &str) -> Option<SourceId> {
        self.sources.iter().position(|s| &*s.name == name).map(|i| SourceId(i as u16))
    }
    pub fn kind(&self, id: KindId) -> &Kind {
        &self.identifiers.kinds[usize::from(id.0)]
    }
    pub fn kind_id(&self, name: &str) -> Option<KindId> {
        self.identifiers.kinds.iter().position(|k| &*k.name == name).map(|i| KindId(i as u8))
    }
}

/// The internal topics.
#[derive(Clone, Debug)]
pub struct RolesConfig {
    pub brokers: String,
    pub prefix: String,
    /// Divides the number of buckets.
    pub partitions: u16,
    /// `None`: 3, or as many as there are brokers.
    pub replication: Option<i32>,
    pub session_timeout: Duration,
    pub settings: BTreeMap<String, String>,
}

impl RolesConfig {
    pub fn identity_topic(&self) -> String {
        format!("{}.identity", self.prefix)
    }
    /// `since`: the epoch that the cut of the customers began; 0: the first.
    pub fn customers_topic(&self, since: u64) -> String {
        format!("{}.customers{}", self.prefix, of_epoch(since))
    }
    pub fn writer_group(&self) -> String {
        format!("{}.writer", self.prefix)
    }
    pub fn journeys_group(&self, since: u64) -> String {
        format!("{}.journeys{}", self.prefix, of_epoch(since))
    }
}

fn of_epoch(since: u64) -> String {
    if since == 0 { String::new() } else { format!(".{since}") }
}

#[derive(Clone, Debug)]
pub enum WarehouseConfig {
    /// `libchdb.so` in the data folder; `listen`: port of the HTTP face (0: any free one).
    Embedded { listen: u16, database: String, fsync: bool },
    Server {
        url: String,
        database: String,
        user: String,
        password: String,
        /// The server is one of a cluster, and tables are of all of it.
        cluster: Option<ClusterConfig>,
    },
}

#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// As the servers know it.
    pub name: String,
    /// Replicas that must have an insert before it counts.
    pub quorum: u32,
}

#[derive(Clone, Debug)]
pub struct IdentifierConfig {
    /// Keep values as they are instead of keyed hashes.
    pub raw: bool,
    /// The key, if the config or environment gives one; else the data folder holds it.
    pub key: Option<String>,
    /// In file order; `KindId` is the place here.
    pub kinds: Vec<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    Person,
    Device,
    Object,
}

impl Class {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Device => "device",
            Self::Object => "object",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Normalise {
    /// Surrounding white space only.
    Trim,
    /// Trim and lower-case (Unicode).
    Lower,
    /// Digits only (telephone numbers).
    Digits,
}

#[derive(Clone, Debug)]
pub struct Kind {
    pub name: Arc<str>,
    pub class: Class,
    /// 1 is strongest; distinct over all kinds.
    pub priority: u32,
    pub unique: bool,
    /// Default 1,000.
    pub limit: u32,
    /// Default 50 for devices, 1,000 for persons.
    pub max_partners: u32,
    pub normalise: Normalise,
    /// Literals (compared after trimming, lower-cased) that are no identifiers: the defaults and the config's own.
    pub blocked: Vec<String>,
    pub blocked_patterns: Vec<Regex>,
}

#[derive(Clone, Debug)]
pub struct Source {
    pub name: Arc<str>,
    pub input: Input,
    pub decoder: Arc<Decoder>,
    /// Channel of its events unless a touchpoint says otherwise.
    pub channel: Option<Arc<str>>,
    /// Integer >= 1; events and facts of an older one are outside the function.
    pub generation: u32,
    /// The watermark stays this far behind the source's greatest time (default 5 min).
    pub delay: Duration,
    /// `delay` was written in the config: an idle source keeps holding as_of back by it.
    pub delay_declared: bool,
    /// Default 5 min.
    pub idle: Duration,
    /// File: later times are not plausible.
    pub until: Option<Timestamp>,
    pub observed_from: Option<Timestamp>,
    /// Records only state facts: takes no part in the watermark.
    pub facts_only: bool,
    pub dead_letters: DeadLetterConfig,
}

/// What becomes of records that cannot be read, beside their row in `dead_letters`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeadLetterConfig {
    /// Kafka only: they are written here as well.
    pub topic: Option<String>,
    /// Kafka only: `dead-letters replay` writes here, and the source reads it.
    pub retry: Option<String>,
    pub limits: DeadLetterLimits,
}

/// How many dead letters are too many: the partition or file is then not read on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeadLetterLimits {
    /// A greater share among the last `of` records; 1: never.
    pub share: f64,
    pub of: usize,
    /// So many in a row; 0: never.
    pub in_a_row: u64,
}

impl Default for DeadLetterLimits {
    fn default() -> Self {
        Self { share: 0.05, of: 10_000, in_a_row: 1_000 }
    }
}

impl DeadLetterLimits {
    /// Whatever comes, reading goes on.
    pub const NONE: Self = Self { share: 1.0, of: 1, in_a_row: 0 };
}

impl Source {
    /// A source that the config does not declare, with every default.
    pub fn of_file(name: &str, decoder: Arc<Decoder>, input: Input) -> Self {
        Self {
            name: Arc::from(name),
            input,
            decoder,
            channel: None,
            generation: 1,
            delay: Duration::from_secs(300),
            delay_declared: false,
            idle: Duration::from_secs(300),
            until: None,
            observed_from: None,
            facts_only: false,
            dead_letters: DeadLetterConfig::default(),
        }
    }

    /// Stays declared, with its name, generation and guards, but is not read in this process.
    pub fn silence(&mut self) {
        self.input = Input::None;
    }
}

#[derive(Clone, Debug)]
pub enum Input {
    Kafka(KafkaInput),
    File(FileInput),
    /// Declared only for `tropa import` or for journey files' tests.
    None,
}

#[derive(Clone, Debug)]
pub struct KafkaInput {
    pub brokers: String,
    pub topics: Vec<String>,
    pub group: String,
    pub start: KafkaStart,
    /// librdkafka settings passed through as written.
    pub settings: BTreeMap<String, String>,
    /// Longest payload decoded, bytes (default 1 MiB).
    pub max_record_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum KafkaStart {
    Beginning,
    End,
    At(Timestamp),
}

#[derive(Clone, Debug)]
pub struct FileInput {
    /// Files or globs, in order; `-` is standard input.
    pub paths: Vec<String>,
    pub format: FileFormat,
    /// Longest record, bytes (default 1 MiB).
    pub max_record_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileFormat {
    /// By the file's name (`.ndjson .jsonl .json .csv .tsv`, each also `.gz`), else by its first bytes.
    Auto,
    Ndjson,
    JsonArray,
    Csv {
        separator: u8,
    },
}

/// How a record becomes events.
#[derive(Clone, Debug)]
pub enum Decoder {
    /// Segment-spec JSON. `anonymous`, `user`, `group`: the kinds its ids have.
    Segment(SegmentDecoder),
    /// A declarative mapping of any JSON or delimited record.
    Mapping(Box<MappingDecoder>),
}

#[derive(Clone, Debug)]
pub struct SegmentDecoder {
    /// Kind of `anonymousId`; default `cookie`.
    pub anonymous: KindId,
    /// Kind of `userId` and of `previousId` where it is not an anonymous id; default `user`.
    pub user: KindId,
    /// Traits that are identifiers: (trait name, kind), such as (`email`, email).
    pub traits: Vec<(String, KindId)>,
}

#[derive(Clone, Debug)]
pub struct MappingDecoder {
    pub id: Option<ValueFrom>,
    pub revision: Option<ValueFrom>,
    pub session: Option<ValueFrom>,
    pub sequence: Sequence,
    /// (kind, where its value stands), as declared.
    pub identifiers: Vec<(KindId, ValueFrom)>,
    pub properties: Properties,
    /// Records must match all: column -> allowed values (compared as text); else skipped.
    pub filter: Vec<(ColumnPath, Vec<Value>)>,
    /// One entry: the plain case. Several: one record gives one event per entry whose `when` holds, ids `id#n`.
    pub events: Vec<EventRule>,
    /// `events:` was written as a list: ids get `#n` even if one rule applies.
    pub numbered: bool,
}

#[derive(Clone, Debug)]
pub struct EventRule {
    pub name: ValueFrom,
    pub time: TimeFrom,
    pub when: Vec<(ColumnPath, Vec<Value>)>,
}

#[derive(Clone, Debug)]
pub enum Sequence {
    None,
    /// An integer column.
    From(ColumnPath),
    /// The line of the file: part of the input, leaves ties ambiguous.
    Line,
}

/// A column of a row, or a dotted path into a JSON document. Holds the whole name too, because a column may have dots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ColumnPath {
    pub written: Arc<str>,
    pub parts: Vec<Arc<str>>,
}

#[derive(Clone, Debug)]
pub enum ValueFrom {
    Column(ColumnPath),
    Const(Value),
    /// Several columns joined with a separator (composite ids).
    Join(Vec<ColumnPath>, String),
    /// A column whose values are replaced: value -> word; `other`: what an unlisted value becomes (`None`: itself).
    Lookup(ColumnPath, BTreeMap<String, String>, Option<String>),
}

#[derive(Clone, Debug)]
pub struct TimeFrom {
    pub column: ColumnPath,
    pub format: TimeFormat,
    /// Zone of times that carry none (default UTC).
    pub zone: TimeZone,
}

#[derive(Clone, PartialEq, Debug)]
pub enum TimeFormat {
    /// RFC 3339 / ISO 8601, with `T` or a space, with or without zone and fraction.
    Auto,
    /// Numbers since 1970.
    UnixSeconds,
    UnixMillis,
    UnixMicros,
    /// strptime-like, as jiff reads it.
    Pattern(String),
}

#[derive(Clone, Debug)]
pub enum Properties {
    /// Every column but those in the list (`skip`) and those used as id, time and identifiers.
    AllBut {
        skip: Vec<ColumnPath>,
        /// Added with fixed values.
        constants: Vec<(String, ValueFrom)>,
    },
    /// Only these (`keep`): (name of the property, where it stands).
    Only(Vec<(String, ValueFrom)>),
}
