//! `tropa check --connect`: reaches the warehouse, the roles' brokers and every source, reads some records and decodes them. In: a usable
//! config. Out: what works and what does not, in plain words; nothing is stored, committed or created.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::run::clock;
use super::store::Store;
use super::{Failure, Place, connect_roles, unversioned};
use crate::config::{Config, DeadLetterLimits, FileInput, Input, KafkaInput, Source, WarehouseConfig};
use crate::decode::{Decoding, IdentifierKey};
use crate::event::{Admission, Admit, RawPayload, RawRecord, RejectReason, SourceId};
use crate::source::DecodedBatch;
use crate::source::file::{self, FileRead};
use crate::source::kafka::probe::{Probe, Topic, retention};
use crate::source::paths::expand;
use crate::time::format_duration;
use crate::touchpoint::{Rules, VersionMatch, parse_properties};
use crate::warehouse::MigrationState;

/// Records of a source that are looked at.
const SAMPLE: usize = 1_000;
/// Names of events that are listed.
const NAMES: usize = 10;

/// Checks everything; the number of problems found.
pub(super) async fn check(place: &Place, out: &mut impl Write) -> Result<usize, Failure> {
    let mut report = Report { out, problems: 0 };
    report.title("warehouse")?;
    warehouse(place, &mut report).await?;
    if let Some(roles) = &place.config.roles {
        report.title("roles")?;
        connect_roles::check(place, roles, &mut report).await?;
    }
    // Identifiers are not shown, so any key will do, and none is made.
    let decoding = Arc::new(Decoding::new(place.config.clone(), IdentifierKey::raw()));
    for (i, source) in place.config.sources.iter().enumerate() {
        report.title(&format!("source `{}`", source.name))?;
        let id = SourceId(i as u16);
        match &source.input {
            Input::Kafka(input) => kafka(place, (id, source, input), &decoding, &mut report).await?,
            Input::File(input) => files(place, (id, source, input), &decoding, &mut report)?,
            Input::None => report.ok("read by `tropa import` only")?,
        }
    }
    Ok(report.problems)
}

pub(super) struct Report<'a, W> {
    out: &'a mut W,
    problems: usize,
}

impl<W: Write> Report<'_, W> {
    fn title(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{text}")?)
    }

    pub(super) fn ok(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "  ok       {text}")?)
    }

    pub(super) fn note(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "           {text}")?)
    }

    fn warning(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "  warning  {}", text.replace('\n', "\n         "))?)
    }

    pub(super) fn problem(&mut self, text: &str) -> Result<(), Failure> {
        self.problems += 1;
        Ok(writeln!(self.out, "  PROBLEM  {}", text.replace('\n', "\n         "))?)
    }
}

async fn warehouse<W: Write>(place: &Place, report: &mut Report<'_, W>) -> Result<(), Failure> {
    let config = &place.config;
    let (what, database) = match &config.warehouse {
        WarehouseConfig::Server { url, database, .. } => (format!("ClickHouse at {url}"), database),
        WarehouseConfig::Embedded { .. } if !config.data.join("store").exists() => {
            return report.ok(&format!("embedded; `tropa run` creates the store in {}", config.data.display()));
        }
        WarehouseConfig::Embedded { database, .. } => {
            (format!("the embedded store in {}", config.data.display()), database)
        }
    };
    let store = match Store::reach(config).await {
        Ok(store) => store,
        Err(failure) => return report.problem(&failure.to_string()),
    };
    let found = async { Ok::<_, Failure>((store.client.version().await?, store.client.migration_state().await?)) };
    let found = found.await;
    // Tables that are not current are told of below.
    let lost = unversioned::found(&store.client, &place.maps).await.unwrap_or_default();
    store.close().await;
    match found {
        Err(failure) => report.problem(&failure.to_string()),
        Ok((version, state)) => {
            report.ok(&format!("{what} answers, version {version}"))?;
            match state {
                MigrationState::Current => {
                    report.ok(&format!("the tables of database `{database}` are current"))?;
                    lost.iter().try_for_each(|text| report.warning(text))
                }
                MigrationState::Behind => report.problem(&format!(
                    "the tables of database `{database}` are older than this program, or not there\n  hint: run `tropa migrate` once"
                )),
                MigrationState::NoDatabase(database) => report.problem(&format!(
                    "there is no database `{database}`\n  hint: `tropa migrate` makes it, with its tables"
                )),
                MigrationState::Newer(why) => report.problem(&why),
                MigrationState::Missing(tables) => report.problem(&format!(
                    "database `{database}` lacks {}\n  hint: run `tropa migrate` once",
                    tables.join(", ")
                )),
            }
        }
    }
}

async fn kafka<W: Write>(
    place: &Place,
    (id, source, input): (SourceId, &Source, &KafkaInput),
    decoding: &Arc<Decoding>,
    report: &mut Report<'_, W>,
) -> Result<(), Failure> {
    let asked = input.clone();
    let probe = match blocking(move || Probe::connect(&asked)).await? {
        Ok(probe) => Arc::new(probe),
        Err(why) => return report.problem(&format!("Kafka at {}: {why}", input.brokers)),
    };
    let brokers = if probe.brokers == 1 { "1 broker".to_owned() } else { format!("{} brokers", probe.brokers) };
    report.ok(&format!("Kafka at {} answers, {brokers}, {}", input.brokers, security(input)))?;
    let letters = &source.dead_letters;
    let mut readable = true;
    for (topic, ours) in
        input.topics.iter().map(|t| (t, false)).chain(letters.topic.iter().chain(&letters.retry).map(|t| (t, true)))
    {
        let (asking, name) = (probe.clone(), topic.clone());
        match blocking(move || asking.topic(&name)).await? {
            Topic::There { partitions, records } => {
                let kept = match retention(input, topic).await {
                    Ok(-1) => "kept for ever".to_owned(),
                    Ok(ms) => format!("kept {}", format_duration(std::time::Duration::from_millis(ms.unsigned_abs()))),
                    Err(why) => format!("how long they are kept is not known ({why})"),
                };
                let partitions =
                    if partitions == 1 { "1 partition".to_owned() } else { format!("{partitions} partitions") };
                report.ok(&format!("topic `{topic}`: {partitions}, {records} records, {kept}"))?;
            }
            Topic::Missing if ours => {
                readable = false;
                report.problem(&format!("topic `{topic}` does not exist\n  hint: `tropa migrate` creates it"))?;
            }
            Topic::Missing => {
                readable = false;
                report.problem(&format!("topic `{topic}` does not exist; `tropa run` waits for it"))?;
            }
            Topic::Refused(why) => {
                readable = false;
                report.problem(&format!("topic `{topic}`: {why}"))?;
            }
        }
    }
    let asking = probe.clone();
    match blocking(move || asking.group()).await? {
        Ok(()) => report.ok(&format!("consumer group `{}` may be used", input.group))?,
        Err(why) => report.problem(&format!("consumer group `{}`: {why}", input.group))?,
    }
    if !readable {
        return Ok(());
    }
    let (decoding, max) = (decoding.clone(), input.max_record_bytes);
    let mut sample = Sample::new(place);
    let read = blocking(move || {
        let read = probe.sample(SAMPLE, |position, payload| {
            let payload = match payload {
                None => RawPayload::Broken { bytes: b"", reason: RejectReason::NoValue, detail: "no value" },
                Some(bytes) if bytes.len() > max => RawPayload::Broken {
                    bytes,
                    reason: RejectReason::TooLarge,
                    detail: "longer than `max_record_bytes`",
                },
                Some(bytes) => RawPayload::Json(bytes),
            };
            sample.take(decoding.admit(&RawRecord { source: id, position, line: 0, payload, received_at: clock() }));
        });
        (read, sample)
    });
    match read.await? {
        (Ok(_), sample) => sample.say(report),
        (Err(why), _) => report.problem(&format!("records cannot be read: {why}")),
    }
}

fn security(input: &KafkaInput) -> String {
    let setting = |key: &str| input.settings.get(key).map(|v| v.to_uppercase());
    let protocol = setting("security.protocol").unwrap_or_else(|| "PLAINTEXT".to_owned());
    match setting("sasl.mechanism").or_else(|| setting("sasl.mechanisms")) {
        Some(mechanism) if protocol.starts_with("SASL") => format!("{protocol} with {mechanism}"),
        _ => protocol,
    }
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Failure::Store(format!("the check broke down: {e}")))
}

fn files<W: Write>(
    place: &Place,
    (id, source, input): (SourceId, &Source, &FileInput),
    decoding: &Decoding,
    report: &mut Report<'_, W>,
) -> Result<(), Failure> {
    let mut paths = Vec::new();
    for pattern in &input.paths {
        match expand(pattern) {
            Ok(found) => paths.extend(found),
            Err(why) => report.problem(&why)?,
        }
    }
    let Some(path) = paths.iter().find(|p| *p != "-") else {
        return if paths.is_empty() { Ok(()) } else { report.ok("standard input, not looked at") };
    };
    let what = FileRead {
        path,
        source: id,
        format: input.format,
        max_record_bytes: input.max_record_bytes,
        flush_records: SAMPLE,
        flush_interval: None,
        received_at: clock(),
        generation: source.generation,
        limits: DeadLetterLimits::NONE,
    };
    let mut sample = Sample::new(place);
    let read = file::read(&what, decoding, &Arc::new(AtomicU64::new(0)), |batch| {
        sample.take_batch(&batch);
        ControlFlow::Break(())
    });
    match read {
        Ok(()) => {
            let more = if paths.len() > 1 { format!(", the first of {}", paths.len()) } else { String::new() };
            report.ok(&format!("{path} can be read{more}"))?;
            sample.say(report)
        }
        Err(why) => report.problem(&why.to_string()),
    }
}

/// What some records become.
struct Sample {
    rules: Vec<(Arc<str>, Rules, Place)>,
    records: usize,
    skipped: usize,
    rejected: BTreeMap<&'static str, (usize, String)>,
    /// Name -> how many, and the touchpoints they are.
    events: BTreeMap<Arc<str>, (usize, BTreeMap<String, usize>)>,
}

impl Sample {
    fn new(place: &Place) -> Self {
        let config: &Config = &place.config;
        let rules = place.maps.iter().map(|m| (m.id.clone(), Rules::compile(m, config), place.clone())).collect();
        Self { rules, records: 0, skipped: 0, rejected: BTreeMap::new(), events: BTreeMap::new() }
    }

    fn take(&mut self, admission: Admission) {
        self.records += 1;
        match admission {
            Admission::Drop(_) => self.skipped += 1,
            Admission::Reject(rejection) => {
                self.rejected.entry(rejection.reason.as_str()).or_insert((0, rejection.detail)).0 += 1;
            }
            Admission::Emit(events) => events.iter().for_each(|e| self.event(e)),
        }
    }

    fn take_batch(&mut self, batch: &DecodedBatch) {
        for progress in &batch.progress {
            self.records += progress.counters.records as usize;
            self.skipped += progress.counters.skipped as usize;
        }
        for letter in &batch.dead_letters {
            let rejection = &letter.rejection;
            self.rejected.entry(rejection.reason.as_str()).or_insert((0, rejection.detail.clone())).0 += 1;
        }
        batch.events.iter().for_each(|e| self.event(e));
    }

    fn event(&mut self, event: &crate::event::Event) {
        let properties = parse_properties(&event.properties);
        let (count, touchpoints) = self.events.entry(event.name.clone()).or_default();
        *count += 1;
        for (map, rules, place) in &self.rules {
            // The newest version that says anything about it.
            let matched = rules.match_event(event, &properties);
            let touched = matched.iter().enumerate().rev().find_map(|(version, m)| match m {
                VersionMatch::Touched(touch) => Some((version, touch.touchpoint)),
                _ => None,
            });
            let versions = place.maps.iter().find(|m| m.id == *map);
            if let (Some((version, touchpoint)), Some(versions)) = (touched, versions) {
                let id = &versions.versions[version].touchpoints[usize::from(touchpoint)].id;
                *touchpoints.entry(format!("`{id}` of map `{map}`")).or_default() += 1;
            }
        }
    }

    fn say<W: Write>(&self, report: &mut Report<'_, W>) -> Result<(), Failure> {
        let rejected: usize = self.rejected.values().map(|(n, _)| n).sum();
        if self.records == 0 {
            return report.ok("no records yet");
        }
        let text = format!(
            "{} records read: {} become events, {} left out by the config, {rejected} dead letters",
            self.records,
            self.records - self.skipped - rejected,
            self.skipped
        );
        // Nothing but dead letters is a wrong decoder; a few are what the table is for.
        if rejected == self.records {
            report.problem(&text)?
        } else {
            report.ok(&text)?
        }
        let mut names: Vec<_> = self.events.iter().collect();
        names.sort_by_key(|(name, (count, _))| (std::cmp::Reverse(*count), (*name).clone()));
        for (name, (count, touchpoints)) in names.iter().take(NAMES) {
            let what: Vec<&str> = touchpoints.keys().map(String::as_str).collect();
            let what = if what.is_empty() { "no touchpoint".to_owned() } else { what.join(", ") };
            report.note(&format!("{count} `{name}`: {what}"))?;
        }
        if names.len() > NAMES {
            report.note(&format!("and {} more names", names.len() - NAMES))?;
        }
        for (reason, (count, detail)) in &self.rejected {
            report.note(&format!("{count} dead letters, {reason}: {detail}"))?;
        }
        Ok(())
    }
}
