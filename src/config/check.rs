//! The config as written -> [`Config`], or all of its faults. Structure is checked first, against the JSON Schema; then
//! what the words mean together. Reads no file and no environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::checked::{
    Class, ClusterConfig, Config, FileFormat, FileInput, IdentifierConfig, Input, KafkaInput, KafkaStart, Kind,
    Normalise, RolesConfig, Source, WarehouseConfig,
};
use super::file::{
    ClassWord, ConfigFile, DecoderRef, FileFile, FormatWord, IdentifiersFile, KafkaFile, KindFile, NormaliseWord,
    RolesFile, SourceFile, StoreWord, json_schema,
};
use super::{decoders, operating};
use crate::time::{Timestamp, parse_duration};
use crate::yaml::{self, Fault, Faults, Node};

/// Values that are no identifiers anywhere.
const BLOCKED: [&str; 11] = [
    "",
    "0",
    "-1",
    "null",
    "none",
    "undefined",
    "nan",
    "guest",
    "anonymous",
    "[object object]",
    "00000000-0000-0000-0000-000000000000",
];
/// Longest record unless the config says otherwise.
const MAX_RECORD_BYTES: usize = 1 << 20;

/// The faults of one file as they are found, and where its values stand.
pub(super) struct Scope<'a> {
    label: &'a str,
    node: Node,
    faults: Faults,
}

impl Scope<'_> {
    pub fn fault(&mut self, pointer: &str, message: impl Into<String>, help: impl Into<String>) {
        let at = self.node.at(pointer);
        self.faults.push(Fault::new(self.label, at, message).help(help));
    }

    pub fn duration(&mut self, pointer: &str, written: Option<&str>, default: Duration) -> Duration {
        match written.map(parse_duration) {
            None => default,
            Some(Ok(d)) => d,
            Some(Err(why)) => {
                self.fault(pointer, why, "allowed: a length such as `30s`, `5m`, `PT1H` or `P1D`");
                default
            }
        }
    }

    /// The same where none at all would keep somebody busy for nothing.
    fn more_than_none(&mut self, pointer: &str, written: Option<&str>, default: Duration) -> Duration {
        let found = self.duration(pointer, written, default);
        if found.is_zero() {
            let written = written.unwrap_or_default();
            self.fault(
                pointer,
                format!("`{written}` is no time at all"),
                "allowed: a length such as `1s`, `30s` or `5m`",
            );
            return default;
        }
        found
    }

    fn moment(&mut self, pointer: &str, written: Option<&str>) -> Option<Timestamp> {
        let text = written?;
        let found = Timestamp::parse(text);
        if found.is_none() {
            self.fault(pointer, format!("`{text}` is no moment"), "allowed: `2026-06-30` or `2026-06-30T12:00:00Z`");
        }
        found
    }
}

/// Checks a config file. `base`: the folder that its paths are relative to.
pub fn parse(label: &str, text: &str, env: &dyn Fn(&str) -> Option<String>, base: &Path) -> Result<Config, Faults> {
    let mut node = yaml::read(label, text)?;
    let mut faults = yaml::substitute(label, &mut node, env);
    let file: ConfigFile = match yaml::fill(&mut node, &json_schema(), label) {
        Ok(file) => file,
        Err(more) => {
            faults.append(more);
            return Err(faults);
        }
    };
    let mut scope = Scope { label, node, faults };
    let config = config(&mut scope, file, base);
    scope.faults.or(config)
}

fn config(scope: &mut Scope<'_>, file: ConfigFile, base: &Path) -> Config {
    let identifiers = identifiers(scope, file.identifiers.unwrap_or_default());
    let kinds = &identifiers.kinds;
    let mut decoders = BTreeMap::new();
    for (name, written) in file.decoders {
        let pointer = format!("decoders/{name}");
        decoders.insert(name, Arc::new(decoders::check(scope, &pointer, written, kinds)));
    }
    let mut sources = Vec::new();
    for (name, written) in file.sources {
        sources.extend(source(scope, &name, written, (&decoders, kinds), base));
    }
    read_twice(scope, &sources);
    if file.roles.is_some() && file.warehouse.is_some() && !identifiers.raw && identifiers.key.is_none() {
        let message =
            "every process of these roles would make an identifier key of its own: one person would be several";
        let help =
            "hint: give all of them one, `identifiers: { key: \"${TROPA_KEY}\" }`, or `identifiers: { store: raw }`";
        scope.fault("roles", message, help);
    }
    let flush = file.flush.unwrap_or_default();
    let embedded = file.embedded.unwrap_or_default();
    let warehouse = match file.warehouse {
        Some(server) => {
            // A variable that is not set has been found already.
            // `clickhouse:8123` would be an address of the scheme `clickhouse`.
            let usable = |u: &url::Url| matches!(u.scheme(), "http" | "https") && u.has_host();
            if !url::Url::parse(&server.url).is_ok_and(|u| usable(&u)) && !server.url.contains("${") {
                scope.fault("warehouse/url", format!("`{}` is no address", server.url), "allowed: `http://host:8123`");
            }
            WarehouseConfig::Server {
                url: server.url,
                database: server.database.unwrap_or_else(|| "tropa".to_owned()),
                user: server.user.unwrap_or_default(),
                password: server.password.unwrap_or_default(),
                cluster: server.cluster.map(|c| ClusterConfig { name: c.name, quorum: c.quorum.unwrap_or(2) }),
            }
        }
        None => WarehouseConfig::Embedded {
            listen: embedded.listen.unwrap_or(0),
            database: embedded.database.unwrap_or_else(|| "tropa".to_owned()),
            fsync: embedded.fsync.unwrap_or(true),
        },
    };
    let listen = operating::listen(scope, file.serve.and_then(|s| s.listen).as_deref(), &warehouse);
    let max_visits = file.max_visits.unwrap_or(100_000) as usize;
    let mut config = Config {
        data: base.join(file.data.as_deref().unwrap_or("tropa-data")),
        warehouse,
        maps: file.maps.iter().map(|m| base.join(m)).collect(),
        identifiers,
        sources,
        decoders,
        max_visits,
        min_cell: file.min_cell.unwrap_or(0),
        refresh: scope.more_than_none("refresh", file.refresh.as_deref(), Duration::from_secs(30)),
        flush_records: flush.records.unwrap_or(100_000) as usize,
        flush_interval: scope.more_than_none("flush/interval", flush.interval.as_deref(), Duration::from_secs(1)),
        roles: file.roles.map(|written| roles(scope, written)),
        cache_bytes: bytes(scope, file.cache.as_deref()),
        listen,
        grace: scope.duration("grace", file.grace.as_deref(), Duration::from_secs(30)),
        fingerprint: String::new(),
    };
    config.fingerprint = fingerprint(&config);
    config
}

/// Hash over what can change a figure: guards, generations, how records are read and what is left out; not addresses,
/// folders, batch sizes or memory.
fn fingerprint(config: &Config) -> String {
    let mut hash = blake3::Hasher::new();
    let mut add = |text: String| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(format!("{} {}", config.max_visits, config.identifiers.raw));
    for kind in &config.identifiers.kinds {
        add(format!("{kind:?}"));
    }
    for s in &config.sources {
        let by_line = match &*s.decoder {
            super::Decoder::Mapping(m) => matches!(m.sequence, super::Sequence::Line),
            super::Decoder::Segment(_) => false,
        };
        add(format!("{} {:?} {} {by_line} {:?}", s.name, s.channel, s.generation, s.observed_from));
    }
    hash.finalize().to_hex().to_string()
}

fn bytes(scope: &mut Scope<'_>, written: Option<&str>) -> u64 {
    const DEFAULT: u64 = 1 << 30;
    let Some(text) = written else { return DEFAULT };
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit: Option<u64> = match text[split..].trim() {
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    match (text[..split].parse::<u64>(), unit) {
        (Ok(n), Some(unit)) if n > 0 => n.saturating_mul(unit),
        _ => {
            scope.fault("cache", format!("`{text}` is no amount of memory"), "allowed: `512MiB`, `2GiB`");
            DEFAULT
        }
    }
}

fn identifiers(scope: &mut Scope<'_>, file: IdentifiersFile) -> IdentifierConfig {
    let raw = file.store == Some(StoreWord::Raw);
    let key = file.key.filter(|k| !k.is_empty());
    if file.kinds.is_empty() {
        return IdentifierConfig { raw, key, kinds: default_kinds() };
    }
    let mut kinds: Vec<Kind> = Vec::new();
    for (name, written) in file.kinds {
        let pointer = format!("identifiers/kinds/{name}");
        if name.contains(':') || name.is_empty() {
            scope.fault(
                &pointer,
                format!("kind `{name}` has a colon or no letters"),
                "allowed: letters, digits, `_`, `-`",
            );
        }
        let kind = kind(scope, &pointer, &name, written);
        if let Some(other) = kinds.iter().find(|k| k.class != Class::Object && k.priority == kind.priority) {
            let message = format!("kinds `{}` and `{name}` have the same priority {}", other.name, kind.priority);
            scope.fault(&format!("{pointer}/priority"), message, "hint: 1 is strongest, every kind has its own");
        }
        kinds.push(kind);
    }
    IdentifierConfig { raw, key, kinds }
}

fn kind(scope: &mut Scope<'_>, pointer: &str, name: &str, file: KindFile) -> Kind {
    let class = match file.class {
        ClassWord::Person => Class::Person,
        ClassWord::Device => Class::Device,
        ClassWord::Object => Class::Object,
    };
    if file.priority.is_none() && class != Class::Object {
        scope.fault(pointer, format!("kind `{name}` has no priority"), "hint: 1 is strongest, every kind has its own");
    }
    let mut blocked: Vec<String> = BLOCKED.iter().map(|b| (*b).to_owned()).collect();
    blocked.extend(file.blocklist.values.into_iter().map(|v| v.into_text().trim().to_lowercase()));
    let mut patterns = Vec::new();
    for (i, pattern) in file.blocklist.patterns.iter().enumerate() {
        match regex::Regex::new(pattern) {
            Ok(regex) => patterns.push(regex),
            Err(_) => scope.fault(
                &format!("{pointer}/blocklist/patterns/{i}"),
                format!("`{pattern}` is no regular expression"),
                "hint: anchor it with `^` and `$`, escape dots",
            ),
        }
    }
    Kind {
        name: Arc::from(name),
        class,
        priority: file.priority.unwrap_or(u32::MAX),
        unique: file.unique,
        limit: file.limit.unwrap_or(1_000),
        max_partners: file.max_partners.unwrap_or(if class == Class::Device { 50 } else { 1_000 }),
        normalise: match file.normalise {
            None | Some(NormaliseWord::Trim) => Normalise::Trim,
            Some(NormaliseWord::Lower) => Normalise::Lower,
            Some(NormaliseWord::Digits) => Normalise::Digits,
        },
        blocked,
        blocked_patterns: patterns,
    }
}

/// What a shop with a website and a CRM has.
pub fn default_kinds() -> Vec<Kind> {
    let kind = |name: &str, class, priority, unique, normalise| Kind {
        name: Arc::from(name),
        class,
        priority,
        unique,
        limit: 1_000,
        max_partners: if class == Class::Device { 50 } else { 1_000 },
        normalise,
        blocked: BLOCKED.iter().map(|b| (*b).to_owned()).collect(),
        blocked_patterns: Vec::new(),
    };
    vec![
        kind("crm_contact", Class::Person, 1, true, Normalise::Trim),
        kind("user", Class::Person, 2, false, Normalise::Trim),
        kind("email", Class::Person, 3, false, Normalise::Lower),
        kind("phone", Class::Person, 4, false, Normalise::Digits),
        kind("device", Class::Device, 8, false, Normalise::Trim),
        kind("cookie", Class::Device, 9, false, Normalise::Trim),
    ]
}

type Known<'a> = (&'a BTreeMap<String, Arc<super::Decoder>>, &'a [Kind]);

fn source(
    scope: &mut Scope<'_>,
    name: &str,
    file: SourceFile,
    (decoders, kinds): Known<'_>,
    base: &Path,
) -> Option<Source> {
    let pointer = format!("sources/{name}");
    let decoder = match file.decoder? {
        DecoderRef::Name(decoder) => match decoders.get(&decoder) {
            Some(found) => found.clone(),
            None => {
                let help = yaml::allowed("declared", &decoder, decoders.keys().map(String::as_str));
                let message = format!("source `{name}` names decoder `{decoder}`, which is not declared");
                scope.fault(&format!("{pointer}/decoder"), message, help);
                return None;
            }
        },
        DecoderRef::Here(written) => Arc::new(decoders::check(scope, &format!("{pointer}/decoder"), *written, kinds)),
    };
    let input = match (file.kafka, file.file) {
        (Some(_), Some(_)) => {
            let message = format!("source `{name}` reads from both `kafka` and `file`");
            scope.fault(&pointer, message, "hint: make two sources of it");
            Input::None
        }
        (Some(kafka), None) => Input::Kafka(kafka_input(scope, &pointer, kafka)),
        (None, Some(files)) => Input::File(file_input(scope, &pointer, files, base)),
        (None, None) => Input::None,
    };
    let dead_letters = operating::dead_letters(
        scope,
        &format!("{pointer}/dead_letters"),
        file.dead_letters.unwrap_or_default(),
        &input,
    );
    Some(Source {
        dead_letters,
        channel: file.channel.map(Arc::from),
        generation: file.generation.unwrap_or(1),
        delay: scope.duration(&format!("{pointer}/delay"), file.delay.as_deref(), Duration::from_secs(300)),
        delay_declared: file.delay.is_some(),
        idle: scope.duration(&format!("{pointer}/idle"), file.idle.as_deref(), Duration::from_secs(300)),
        until: scope.moment(&format!("{pointer}/until"), file.until.as_deref()),
        observed_from: scope.moment(&format!("{pointer}/observed_from"), file.observed_from.as_deref()),
        facts_only: file.facts_only.unwrap_or(false),
        ..Source::of_file(name, decoder, input)
    })
}

/// Settings of librdkafka that have a key of their own, or that the promise of complete tables rests on.
const OURS: [(&str, &str); 9] = [
    ("bootstrap.servers", "hint: write `brokers:` beside `settings:`"),
    ("metadata.broker.list", "hint: write `brokers:` beside `settings:`"),
    ("group.id", "hint: write `group:` beside `settings:`"),
    ("enable.auto.commit", "hint: leave it out; positions are committed once everything derived is stored"),
    ("enable.auto.offset.store", "hint: leave it out; positions are committed once everything derived is stored"),
    ("auto.offset.reset", "hint: write `start:` beside `settings:`; it counts on a first run"),
    ("partition.assignment.strategy", "hint: leave it out; one process must have every partition"),
    ("statistics.interval.ms", "hint: leave it out; the watermark needs to know where the topics end"),
    ("group.protocol", "hint: leave it out; only the classic protocol lets a killed process come back as itself"),
];

/// Of two sources in one group only one would get the partitions of a topic that both read.
fn read_twice(scope: &mut Scope<'_>, sources: &[Source]) {
    let kafka = |source: &'_ Source| match &source.input {
        Input::Kafka(input) => Some((source.name.clone(), input.clone())),
        _ => None,
    };
    let inputs: Vec<_> = sources.iter().filter_map(kafka).collect();
    for (i, (name, input)) in inputs.iter().enumerate() {
        for (other, before) in
            inputs[..i].iter().filter(|(_, b)| (&b.brokers, &b.group) == (&input.brokers, &input.group))
        {
            if let Some(at) = input.topics.iter().position(|topic| before.topics.contains(topic)) {
                let message = format!("topic `{}` is read by `{other}` already, in the same group", input.topics[at]);
                let help = "hint: give this source a `group:` of its own";
                scope.fault(&format!("sources/{name}/kafka/topics/{at}"), message, help);
            }
        }
    }
}

fn roles(scope: &mut Scope<'_>, file: RolesFile) -> RolesConfig {
    let partitions = file.partitions.unwrap_or(8);
    if !partitions.is_power_of_two() || partitions > 64 {
        scope.fault("roles/partitions", format!("{partitions} slices"), "allowed: 1, 2, 4, 8, 16, 32 or 64");
    }
    let session_timeout =
        scope.more_than_none("roles/session_timeout", file.session_timeout.as_deref(), Duration::from_secs(6));
    if file.brokers.trim().is_empty() {
        scope.fault("roles/brokers", "no broker is named", "allowed: addresses such as `kafka-1:9092,kafka-2:9092`");
    }
    RolesConfig {
        brokers: file.brokers,
        prefix: file.prefix.unwrap_or_else(|| "tropa".to_owned()),
        partitions,
        replication: file.replication,
        session_timeout,
        settings: file.settings.into_iter().map(|(k, v)| (k, v.into_text())).collect(),
    }
}

fn kafka_input(scope: &mut Scope<'_>, pointer: &str, file: KafkaFile) -> KafkaInput {
    let start = match file.start.as_deref() {
        None | Some("beginning") => KafkaStart::Beginning,
        Some("end") => KafkaStart::End,
        Some(text) => match Timestamp::parse(text) {
            Some(t) => KafkaStart::At(t),
            None => {
                let message = format!("`{text}` is no place to start");
                scope.fault(&format!("{pointer}/kafka/start"), message, "allowed: `beginning`, `end`, or a moment");
                KafkaStart::Beginning
            }
        },
    };
    if file.brokers.trim().is_empty() {
        let help = "allowed: addresses such as `kafka-1:9092,kafka-2:9092`";
        scope.fault(&format!("{pointer}/kafka/brokers"), "no broker is named", help);
    }
    for (i, topic) in file.topics.iter().enumerate() {
        if topic.is_empty() {
            scope.fault(&format!("{pointer}/kafka/topics/{i}"), "a topic without a name", "hint: write its name");
        }
        if file.topics[..i].contains(topic) {
            let at = format!("{pointer}/kafka/topics/{i}");
            scope.fault(&at, format!("topic `{topic}` is named twice"), "hint: leave it out here");
        }
    }
    for (key, instead) in OURS {
        if file.settings.contains_key(key) {
            let message = format!("`{key}` is not a setting to pass through");
            scope.fault(&format!("{pointer}/kafka/settings/{key}"), message, instead);
        }
    }
    let setting = |key: &str| file.settings.get(key).map(|v| v.clone().into_text().to_lowercase());
    let sasl = setting("security.protocol").is_some_and(|p| p.starts_with("sasl"));
    if sasl && setting("sasl.mechanism").or_else(|| setting("sasl.mechanisms")).is_none() {
        // librdkafka's own default is Kerberos, which this build does not have.
        let at = format!("{pointer}/kafka/settings/security.protocol");
        let help = "allowed: `sasl.mechanism` PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER beside it";
        scope.fault(&at, "`security.protocol` asks for SASL and no `sasl.mechanism` says which", help);
    }
    KafkaInput {
        brokers: file.brokers,
        topics: file.topics,
        group: file.group.unwrap_or_else(|| "tropa".to_owned()),
        start,
        settings: file.settings.into_iter().map(|(k, v)| (k, v.into_text())).collect(),
        max_record_bytes: file.max_record_bytes.unwrap_or(MAX_RECORD_BYTES),
    }
}

fn file_input(scope: &mut Scope<'_>, pointer: &str, file: FileFile, base: &Path) -> FileInput {
    let separator = match file.separator.as_deref().map(str::as_bytes) {
        None => b',',
        Some([one]) => *one,
        Some(_) => {
            let at = format!("{pointer}/file/separator");
            scope.fault(&at, "a separator is one ASCII character", "allowed: `,`, `;`, `|`, a tab");
            b','
        }
    };
    if file.separator.is_some() && matches!(file.format, Some(FormatWord::Ndjson | FormatWord::Json | FormatWord::Tsv))
    {
        let at = format!("{pointer}/file/separator");
        scope.fault(&at, "`separator` goes with `format: csv` only", "hint: remove one of the two");
    }
    let resolve = |p: &String| if p == "-" { p.clone() } else { base.join(PathBuf::from(p)).display().to_string() };
    FileInput {
        paths: file.paths.iter().map(resolve).collect(),
        format: match file.format {
            // Who names a separator means a delimited file, whatever its name ends in.
            None | Some(FormatWord::Auto) if file.separator.is_some() => FileFormat::Csv { separator },
            None | Some(FormatWord::Auto) => FileFormat::Auto,
            Some(FormatWord::Ndjson) => FileFormat::Ndjson,
            Some(FormatWord::Json) => FileFormat::JsonArray,
            Some(FormatWord::Csv) => FileFormat::Csv { separator },
            Some(FormatWord::Tsv) => FileFormat::Csv { separator: b'\t' },
        },
        max_record_bytes: file.max_record_bytes.unwrap_or(MAX_RECORD_BYTES),
    }
}
