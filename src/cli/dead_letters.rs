//! `tropa dead-letters`: lists records that could not become events, and tries them again. In: the table `dead_letters`.
//! Out: rows; or records on the retry topic of their source, or (files, sources without such a topic) events through the
//! same pipeline, here and now. A record keeps its place and so its identity: nothing counts twice.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use clap::{Args, Subcommand};
use tokio::sync::watch;

use super::run::clock;
use super::store::Store;
use super::{Failure, Place, PlaceArgs, at_work};
use crate::config::{Config, Input, Source};
use crate::decode::Decoding;
use crate::event::{Admission, Admit, Position, RawPayload, RawRecord, SourceId};
use crate::source::kafka::admin::{self, Again};
use crate::source::{Counters, DecodedBatch, Progress, Recovered, delimited};
use crate::stage::{Log, Polled, PositionRow, Positions};
use crate::telemetry::Telemetry;
use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, LetterFilter, StoredLetter, Writer};
use crate::{shutdown, startup};

#[derive(Debug, Args)]
pub(super) struct DeadLetters {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print dead letters, with place, reason and what is allowed
    List(List),
    /// Try dead letters again, after a decoder was mended or a limit raised
    ///
    /// Those of a Kafka source with `dead_letters: { topic: … }` or `retry: …` are written to its retry topic, which `tropa
    /// run` reads; all others are decoded here, from what the table holds. What decodes now leaves the table.
    Replay(Replay),
}

#[derive(Debug, Args)]
struct Which {
    /// Only of this source
    #[arg(long)]
    source: Option<String>,
    /// Only with this reason, such as `not_json`
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    which: Which,
    /// So many at most
    #[arg(long, default_value_t = 100)]
    limit: u64,
    /// Any output format of ClickHouse [default: PrettyCompactMonoBlock on a terminal, TSVWithNames off it]
    #[arg(long)]
    format: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
struct Replay {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: PlaceArgs,
}

impl DeadLetters {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self.what {
            What::List(list) => list.run().await,
            What::Replay(replay) => replay.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let store = Store::reach(&place.config).await?;
        let result = self.print(&store.client).await;
        store.close().await;
        result
    }

    async fn print(&self, client: &Clickhouse) -> Result<(), Failure> {
        let terminal = std::io::stdout().is_terminal();
        let format = self.format.as_deref().unwrap_or(if terminal { "PrettyCompactMonoBlock" } else { "TSVWithNames" });
        let Which { source, reason } = &self.which;
        let filter = LetterFilter { source: source.clone(), reason: reason.clone(), limit: Some(self.limit) };
        let mut answer = client.sql(&filter.list(), format).await?;
        let mut out = std::io::stdout().lock();
        while let Some(bytes) = answer.next().await? {
            out.write_all(&bytes)?;
        }
        Ok(out.flush()?)
    }
}

impl Replay {
    async fn run(self) -> Result<(), Failure> {
        let mut place = self.place.load()?;
        let Which { source, reason } = self.which;
        let store = Store::reach(&place.config).await?;
        let letters = store.client.dead_letters(&LetterFilter { source, reason, limit: None }).await;
        store.close().await;
        let (letters, cut): (Vec<_>, Vec<_>) = letters?.into_iter().partition(|l| l.complete);
        place.config = Arc::new(with_imported(&place.config, &letters));
        let mut here = Vec::new();
        let mut by_topic: BTreeMap<u16, Vec<Again>> = BTreeMap::new();
        let mut strangers = 0;
        for letter in letters {
            let Some(id) = place.config.source_id(&letter.source) else {
                strangers += 1;
                continue;
            };
            let source = place.config.source(id);
            match (&source.input, &source.dead_letters.retry) {
                (Input::Kafka(_), Some(_)) => by_topic.entry(id.0).or_default().push(again(letter)),
                _ => here.push((id, letter)),
            }
        }
        for (id, list) in by_topic {
            let source = place.config.source(SourceId(id));
            let (Input::Kafka(input), Some(topic)) = (&source.input, &source.dead_letters.retry) else { continue };
            admin::retry(input, &source.name, topic, &list).await.map_err(|e| Failure::Store(e.to_string()))?;
            println!(
                "{} records of `{}` written to `{topic}`: `tropa run` reads them from there",
                list.len(),
                source.name
            );
        }
        if !here.is_empty() {
            let store = Store::own(&place.config).await?;
            let result = decode_here(&store, &place, here).await;
            store.close().await;
            result?;
        }
        if !cut.is_empty() {
            println!(
                "{} cannot be replayed: the table holds only their beginning\n  \
                 hint: raise the source's `max_record_bytes` if they were too large, and its `generation` to read it again",
                cut.len()
            );
        }
        if strangers > 0 {
            println!("{strangers} cannot be replayed: the config has neither their source nor a decoder of its name");
        }
        Ok(())
    }
}

/// The config with the sources that `tropa import --decoder NAME` makes without declaring them.
fn with_imported(config: &Arc<Config>, letters: &[StoredLetter]) -> Config {
    let mut config = (**config).clone();
    for letter in letters {
        if config.source_id(&letter.source).is_none()
            && let Some(decoder) = config.decoders.get(&letter.source).cloned()
        {
            config.sources.push(Source::of_file(&letter.source, decoder, Input::None));
        }
    }
    config
}

fn again(letter: StoredLetter) -> Again {
    Again {
        position: position(&letter),
        received_at: Timestamp::from_micros(letter.received_at),
        key: letter.record_key,
        payload: letter.payload,
    }
}

fn position(letter: &StoredLetter) -> Position {
    Position { topic: letter.topic.as_str().into(), partition: letter.partition, offset: letter.offset }
}

/// Through the same pipeline as `import`, as the only writer of the store.
async fn decode_here(store: &Store, place: &Place, letters: Vec<(SourceId, StoredLetter)>) -> Result<(), Failure> {
    at_work::nobody(store, place).await?;
    let config = &place.config;
    let client = store.client.with_config(config);
    let start = startup::load(&client, config, &place.maps, &place.files).await?;
    let decoding = Decoding::new(config.clone(), place.key_of(&client).await?);
    let mut log = Letters::decode(&letters, &decoding, config, &start.stages.positions);
    let (recovered, left) = (log.recovered, letters.len() - log.recovered);
    let reasons = std::mem::take(&mut log.reasons);
    let stop: watch::Receiver<bool> = shutdown::listen().stop;
    let writer = Writer::new(client.clone(), start.readings.clone());
    let told = (stop, clock as fn() -> Timestamp, Telemetry::default());
    startup::run(&client, (&mut log, writer), start, &place.files, told).await?;
    println!("{recovered} dead letters are events now, or left out by the config; {left} cannot be read as before");
    for (reason, n) in reasons {
        println!("  {n} {reason}");
    }
    Ok(())
}

/// Batches of decoded letters as a log that ends.
struct Letters {
    batches: std::vec::IntoIter<DecodedBatch>,
    recovered: usize,
    /// Why the others cannot be read.
    reasons: BTreeMap<&'static str, usize>,
}

impl Letters {
    fn decode(
        letters: &[(SourceId, StoredLetter)],
        decoding: &Decoding,
        config: &Config,
        positions: &Positions,
    ) -> Self {
        let mut log = Self { batches: Vec::new().into_iter(), recovered: 0, reasons: BTreeMap::new() };
        let mut batches = Vec::new();
        for some in letters.chunks(config.flush_records.max(1)) {
            let mut batch = DecodedBatch::default();
            for (source, letter) in some {
                let position = position(letter);
                let admission = admit(decoding, config, *source, letter, &position);
                match admission {
                    Admission::Reject(rejection) => {
                        *log.reasons.entry(rejection.reason.as_str()).or_default() += 1;
                        continue;
                    }
                    Admission::Drop(_) => {}
                    Admission::Emit(events) => {
                        let newest = events.iter().filter(|e| e.plausible).map(|e| e.occurred_at).max();
                        if let Some(row) = positions.get(*source, &position.topic, position.partition) {
                            batch.progress.push(newer(row, newest));
                        }
                        batch.events.extend(events);
                    }
                }
                log.recovered += 1;
                batch.recovered.push(Recovered { source: *source, position });
            }
            batches.push(batch);
        }
        log.batches = batches.into_iter();
        log
    }
}

/// The partition stands where it stood; its newest event may be another.
fn newer(row: &PositionRow, newest: Option<Timestamp>) -> Progress {
    Progress {
        source: row.source,
        topic: row.topic.clone(),
        partition: row.partition,
        next: row.next,
        counters: Counters::default(),
        counted_before: None,
        max_occurred: newest,
        behind: row.behind,
        finished: row.finished,
        content: row.content.clone(),
    }
}

fn admit(
    decoding: &Decoding,
    config: &Config,
    source: SourceId,
    letter: &StoredLetter,
    position: &Position,
) -> Admission {
    let received_at = Timestamp::from_micros(letter.received_at);
    let record = |payload| RawRecord { source, position, line: letter.line, payload, received_at };
    if letter.columns.is_empty() {
        return decoding.admit(&record(RawPayload::Json(&letter.payload)));
    }
    let separator = match &config.source(source).input {
        Input::File(file) => Some(file.format),
        Input::Kafka(_) | Input::None => None,
    };
    let cells = delimited::cells(&letter.payload, letter.columns.len(), separator);
    let cells: Vec<&[u8]> = cells.iter().map(Vec::as_slice).collect();
    decoding.admit(&record(RawPayload::Row { header: &letter.columns, cells: &cells, text: &letter.payload }))
}

impl Log for Letters {
    type Error = std::convert::Infallible;

    async fn poll(&mut self) -> Result<Polled, Self::Error> {
        Ok(self.batches.next().map_or(Polled::End, Polled::Batch))
    }

    async fn commit(&mut self, _: &[PositionRow]) -> Result<(), Self::Error> {
        Ok(())
    }
}
