//! All sources of a config as one [`Log`]: Kafka consumers and file readers on threads of their own, one bounded channel.
//! In: the config, the stored positions, a way to decode. Out: batches in order of arrival; positions go back to Kafka
//! once they are stored. A file whose content was read to the end before is not read again.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::{error, info, warn};

use crate::config::{Config, FileInput, Input};
use crate::event::{Admit, SourceId};
use crate::health::Health;
use crate::progress::{BarUnit, bar};
use crate::source::file::{self, FileError, FileRead};
use crate::source::kafka::{KafkaHandle, KafkaSource, Stored};
use crate::source::offsets::TopicPartition;
use crate::source::paths::expand;
use crate::source::{Counted, SourceError, SourceEvent, on_a_thread, pause};
use crate::stage::{Log, Polled, PositionRow, Positions};
use crate::steps::{self, When};
use crate::time::Timestamp;

/// Batches that wait between the sources and the pipeline.
const WAITING: usize = 2;

/// How long the last commit may take.
const LAST_COMMIT: Duration = Duration::from_secs(10);

/// The running sources.
pub struct Sources {
    heard: mpsc::Receiver<SourceEvent>,
    /// With the last positions it was told to commit.
    kafka: BTreeMap<SourceId, (KafkaHandle, BTreeMap<TopicPartition, i64>)>,
    /// Sources that are not at their end yet.
    open: Vec<SourceId>,
    until_end: bool,
    names: Vec<Arc<str>>,
    again: Vec<(SourceId, String)>,
}

/// What every source of a process is started with.
pub struct Starting<'a> {
    pub config: &'a Config,
    pub admit: Arc<dyn Admit>,
    pub positions: &'a Positions,
    pub until_end: bool,
    pub clock: fn() -> Timestamp,
    pub health: Health,
    /// Other processes read the same topics: partitions are taken over where the store says.
    pub shared: Option<Arc<dyn StoredPositions>>,
}

/// The positions as they are stored now.
pub trait StoredPositions: Send + Sync {
    fn now(&self) -> Pin<Box<dyn Future<Output = Result<Vec<PositionRow>, String>> + Send>>;
}

impl Sources {
    /// Starts every configured source. Fails on settings and paths that cannot work, never because nobody answers.
    pub fn start(with: &Starting<'_>) -> Result<Self, SourceError> {
        let (out, heard) = mpsc::channel(WAITING);
        let mut kafka = BTreeMap::new();
        let (mut open, mut again) = (Vec::new(), Vec::new());
        for (i, source) in with.config.sources.iter().enumerate() {
            let id = SourceId(i as u16);
            match &source.input {
                Input::Kafka(input) => {
                    let reading = reading_of(source.generation);
                    let own = || with.positions.iter().filter(|p| p.source == id);
                    let stored = with.positions.iter();
                    let known = |topic: &str| own().any(|p| *p.topic == *topic && p.content == reading);
                    let old = own().filter(|p| p.content != reading && !known(&p.topic));
                    again.extend(old.map(|p| (id, p.topic.to_string())));
                    let source = KafkaSource {
                        input: input.clone(),
                        source: id,
                        admit: with.admit.clone(),
                        dead_letters: source.dead_letters.clone(),
                        positions: positions_of(stored, id, &reading),
                        stored: with.shared.clone().map(|store| -> Stored {
                            let reading = reading.clone();
                            Arc::new(move || {
                                let (rows, reading) = (store.now(), reading.clone());
                                Box::pin(async move { Ok(positions_of(rows.await?.iter(), id, &reading)) })
                            })
                        }),
                        reading: reading.clone(),
                        name: source.name.clone(),
                        // Workers that share a group are many, and come and go.
                        instance: with.shared.is_none().then(|| instance(with.config, &source.name)),
                        flush_records: with.config.flush_records,
                        flush_interval: with.config.flush_interval,
                        until_end: with.until_end,
                        clock: with.clock,
                        health: with.health.clone(),
                    };
                    kafka.insert(id, (source.start(out.clone())?, BTreeMap::new()));
                    open.push(id);
                }
                Input::File(input) => {
                    let paths = unread(input, (id, source.generation), with.positions)?;
                    open.push(id);
                    let known = paths.iter().filter(|p| with.positions.get(id, p, 0).is_some());
                    again.extend(known.map(|p| (id, p.clone())));
                    read_files(with, id, input, paths, out.clone());
                }
                Input::None => {}
            }
        }
        let names = with.config.sources.iter().map(|s| s.name.clone()).collect();
        Ok(Self { heard, kafka, open, until_end: with.until_end, names, again })
    }

    /// (source, file) of what was read before, at least in part, and is read from its beginning now.
    pub fn read_again(&self) -> Vec<(String, String)> {
        self.again.iter().map(|(id, path)| (self.name(*id).to_owned(), path.clone())).collect()
    }

    fn name(&self, id: SourceId) -> &str {
        self.names.get(usize::from(id.0)).map_or("?", |n| n)
    }

    fn take(&mut self, event: SourceEvent) -> Result<Polled, SourceError> {
        match event {
            SourceEvent::Batch(batch) => return Ok(Polled::Batch(batch)),
            SourceEvent::Failed(error) => return Err(error),
            SourceEvent::CaughtUp { source } => {
                self.open.retain(|s| *s != source);
                info!(source = self.name(source), "read to its end");
                if self.open.is_empty() && self.until_end {
                    return Ok(Polled::End);
                }
            }
        }
        Ok(Polled::Quiet)
    }
}

impl Log for Sources {
    type Error = SourceError;

    async fn poll(&mut self) -> Result<Polled, SourceError> {
        if self.open.is_empty() && self.until_end {
            return Ok(Polled::End);
        }
        match self.heard.recv().await {
            Some(event) => self.take(event),
            None if !self.open.is_empty() => {
                let names = self.open.iter().map(|s| self.name(*s)).collect::<Vec<_>>().join("`, `");
                Err(SourceError::Gone(names))
            }
            None if self.until_end => Ok(Polled::End),
            // Every file has been read and no stream is configured: nothing comes any more, and nothing is wrong.
            None => {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Ok(Polled::Quiet)
            }
        }
    }

    async fn commit(&mut self, positions: &[PositionRow]) -> Result<(), SourceError> {
        steps::reach(When::Before, steps::COMMIT);
        for (source, (handle, done)) in &mut self.kafka {
            let own: Vec<_> =
                positions.iter().filter(|p| p.source == *source).map(|p| (partition_of(p), p.next)).collect();
            // The stored positions are what a restart goes by; a commit that fails is made up by the next.
            if let Err(error) = handle.commit(&own) {
                warn!(%error, "the positions are stored in the warehouse and not yet in Kafka");
            }
            done.extend(own);
        }
        steps::reach(When::After, steps::COMMIT);
        Ok(())
    }
}

impl Sources {
    /// Commits once more and leaves the consumer groups. A broker that does not answer is not waited for long: a restart
    /// goes by the positions in the warehouse.
    pub async fn stop(self) {
        for (_, (handle, done)) in self.kafka {
            let offsets: Vec<_> = done.into_iter().collect();
            let stopped = tokio::task::spawn_blocking(move || handle.stop(&offsets));
            match tokio::time::timeout(LAST_COMMIT, stopped).await {
                Ok(Ok(Err(error))) => {
                    warn!(%error, "the positions are stored in the warehouse, and a restart goes by them")
                }
                Err(_) => {
                    warn!("Kafka does not answer the last commit; a restart goes by the positions in the warehouse")
                }
                Ok(_) => {}
            }
        }
    }

    /// Leaves without a commit, because what was given out last is not stored.
    pub async fn abandon(self) {
        for (_, (handle, _)) in self.kafka {
            let left = tokio::task::spawn_blocking(move || handle.abandon());
            // Over with the process at the latest.
            tokio::time::timeout(LAST_COMMIT, left).await.ok();
        }
    }
}

/// What is stored of a source's topics under one reading of them.
pub fn positions_of<'a>(
    rows: impl Iterator<Item = &'a PositionRow>,
    id: SourceId,
    reading: &str,
) -> BTreeMap<TopicPartition, (i64, Counted)> {
    let counted = |p: &PositionRow| Counted { counters: p.counters, max_occurred: p.max_occurred };
    let own = rows.filter(|p| p.source == id && &*p.content == reading);
    own.map(|p| (partition_of(p), (p.next, counted(p)))).collect()
}

/// Names a reading of a topic. A raised generation takes back what was said, so the topics are read once more.
pub fn reading_of(generation: u32) -> Arc<str> {
    match generation {
        1 => Arc::from(""),
        generation => format!("generation {generation}").into(),
    }
}

pub fn partition_of(row: &PositionRow) -> TopicPartition {
    TopicPartition::new(row.topic.clone(), row.partition)
}

/// The same for one data folder and source over restarts, so that a killed process resumes at once.
fn instance(config: &Config, source: &str) -> String {
    let folder = std::fs::canonicalize(&config.data).unwrap_or_else(|_| config.data.clone());
    let hash = blake3::hash(format!("{}\0{source}", folder.display()).as_bytes());
    format!("tropa-{}", &hash.to_hex()[..16])
}

/// The paths of a file source that hold something new.
fn unread(
    input: &FileInput,
    (id, generation): (SourceId, u32),
    positions: &Positions,
) -> Result<Vec<String>, SourceError> {
    let mut paths = Vec::new();
    for pattern in &input.paths {
        for path in expand(pattern).map_err(SourceError::Path)? {
            let known = positions.get(id, &path, 0).filter(|p| p.finished && !p.content.is_empty());
            let read = match known {
                Some(p) if path != "-" => file::content(&path, generation)? == *p.content,
                _ => false,
            };
            if read {
                info!(
                    path,
                    "read before and unchanged: not read again (after a changed mapping raise the source's `generation`)"
                );
            } else {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

fn read_files(
    with: &Starting<'_>,
    id: SourceId,
    input: &FileInput,
    paths: Vec<String>,
    out: mpsc::Sender<SourceEvent>,
) {
    let generation = with.config.source(id).generation;
    let (admit, format, max_record_bytes) = (with.admit.clone(), input.format, input.max_record_bytes);
    let (flush_records, flush_interval) = (with.config.flush_records, with.config.flush_interval);
    let received_at = (with.clock)();
    let (name, limits) = (with.config.source(id).name.clone(), with.config.source(id).dead_letters.limits);
    let (health, until_end) = (with.health.clone(), with.until_end);
    on_a_thread(name.clone(), out.clone(), move || {
        for path in paths {
            let there = std::fs::metadata(&path).ok();
            let total = there.as_ref().map_or(0, |m| m.len());
            let shown = bar(total, "reading", BarUnit::Bytes);
            let bytes = Arc::new(AtomicU64::new(0));
            let what = FileRead {
                path: &path,
                source: id,
                format,
                max_record_bytes,
                flush_records,
                // Standard input and pipes wait for whoever writes to them.
                flush_interval: (path == "-" || there.is_none_or(|m| !m.is_file())).then_some(flush_interval),
                received_at,
                generation,
                limits,
            };
            let give = |batch| {
                shown.set_position(bytes.load(Ordering::Relaxed));
                // A closed channel means that the pipeline is going down: the file is read again next time.
                if out.blocking_send(SourceEvent::Batch(batch)).is_ok() {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            };
            let result = file::read(&what, &*admit, &bytes, give);
            shown.finish_and_clear();
            let result = match result {
                Err(FileError::TooManyDeadLetters { path, why }) if until_end => {
                    Err(SourceError::TooManyDeadLetters { place: path, why })
                }
                Err(FileError::TooManyDeadLetters { path, why }) => {
                    pause(&health, &name, &TopicPartition::new(path, 0), &why);
                    // The files after it are not read either: nobody knows what the change of format is about.
                    return;
                }
                other => other.map_err(SourceError::from),
            };
            if let Err(e) = result {
                error!(error = %e, "a file could not be read");
                out.blocking_send(SourceEvent::Failed(e)).ok();
                return;
            }
        }
        out.blocking_send(SourceEvent::CaughtUp { source: id }).ok();
    });
}
