//! Files and standard input: NDJSON, JSON arrays, CSV, TSV, each also gzip. In: a path and how to decode. Out:
//! [`DecodedBatch`]es, the last of which says the file is finished and what it held. Memory is bounded by the longest
//! record; a record that cannot be cut is a dead letter, and reading goes on.

mod cut;
mod peek;
mod rows;
mod values;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flate2::read::MultiGzDecoder;

use super::gathering::{Gathering, Taken};
use super::limits::{Guard, TooMany};
use super::{Counted, DecodedBatch};
use crate::config::{DeadLetterLimits, FileFormat};
use crate::event::{Admit, Envelope, Position, RawPayload, RawRecord, SourceId};
use crate::time::Timestamp;
use peek::Peeked;

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot read {path}: {error}")]
    Read { path: String, error: io::Error },
    #[error("{path}: {why}")]
    TooManyDeadLetters { path: String, why: TooMany },
}

/// What is read and how.
#[derive(Clone, Debug)]
pub struct FileRead<'a> {
    /// A path, or `-` for standard input.
    pub path: &'a str,
    pub source: SourceId,
    pub format: FileFormat,
    pub max_record_bytes: usize,
    /// A batch is given out at this many records,
    pub flush_records: usize,
    /// and what has been gathered so often, whether or not more comes: for input that waits for its writer.
    pub flush_interval: Option<Duration>,
    /// Moment of the import: times after it are not believed.
    pub received_at: Timestamp,
    /// Of the source; raised, it wants the file read again.
    pub generation: u32,
    /// Of dead letters; beyond them the file is not read on.
    pub limits: DeadLetterLimits,
}

/// Counts and hashes the bytes as they stand in the file.
struct Watched<R> {
    inner: R,
    read: Arc<AtomicU64>,
    hash: Arc<Mutex<blake3::Hasher>>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        locked(&self.hash).update(&buffer[..n]);
        Ok(n)
    }
}

/// Tells whether a file has been read before, by this generation of its source: BLAKE3 of its bytes, hex.
pub fn content(path: &str, generation: u32) -> Result<String, FileError> {
    let mut hash = blake3::Hasher::new();
    let wrong = |error| FileError::Read { path: path.to_owned(), error };
    io::copy(&mut File::open(path).map_err(wrong)?, &mut hash).map_err(wrong)?;
    Ok(content_of(hash.finalize(), generation))
}

fn content_of(hash: blake3::Hash, generation: u32) -> String {
    match generation {
        1 => hash.to_hex().to_string(),
        _ => format!("{} of generation {generation}", hash.to_hex()),
    }
}

/// Reads one file to its end, or until `give` breaks off.
pub fn read(
    what: &FileRead<'_>,
    admit: &dyn Admit,
    bytes_read: &Arc<AtomicU64>,
    give: impl FnMut(DecodedBatch) -> ControlFlow<()> + Send,
) -> Result<(), FileError> {
    let wrong = |error| FileError::Read { path: what.path.to_owned(), error };
    let raw: Box<dyn Read> = match what.path {
        "-" => super::standard_input::reader(),
        path => Box::new(File::open(path).map_err(wrong)?),
    };
    read_from(raw, what, admit, bytes_read, give)
}

/// The same for bytes that are at hand; `what.path` is their name.
pub fn read_from(
    raw: Box<dyn Read>,
    what: &FileRead<'_>,
    admit: &dyn Admit,
    bytes_read: &Arc<AtomicU64>,
    give: impl FnMut(DecodedBatch) -> ControlFlow<()> + Send,
) -> Result<(), FileError> {
    let wrong = |error| FileError::Read { path: what.path.to_owned(), error };
    let hash = Arc::new(Mutex::new(blake3::Hasher::new()));
    let watched = Watched { inner: raw, read: bytes_read.clone(), hash: hash.clone() };
    let raw = Peeked::at(watched, |seen| seen.len() >= 2);
    // A path that cannot be read at all (a folder, no permission) is no file with broken records.
    let raw = raw.readable().map_err(wrong)?;
    let unpacked: Box<dyn Read> =
        if raw.start().starts_with(&[0x1f, 0x8b]) { Box::new(MultiGzDecoder::new(raw)) } else { Box::new(raw) };
    let mut all = Peeked::at(unpacked, |seen| seen.contains(&b'\n'));
    all.skip_byte_order_mark();
    let format = recognise(what, all.start());
    let mut input: Box<dyn BufRead> = Box::new(BufReader::with_capacity(1 << 18, all));
    let reading = Mutex::new(Reading {
        what,
        topic: topic(what),
        gathering: Gathering::new(what.source, admit),
        give,
        next: 0,
        begun: false,
        stopped: false,
        guard: Guard::new(what.limits),
        too_many: None,
    });
    let limit = what.max_record_bytes;
    let (ends, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        if let Some(interval) = what.flush_interval {
            let reading = &reading;
            scope.spawn(move || {
                while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    locked(reading).flush_what_is_there();
                }
            });
        }
        let mut take = |record: (u64, RawPayload<'_>)| locked(&reading).take(record);
        match format {
            FileFormat::JsonArray => values::values(&mut *input, limit, &mut take),
            FileFormat::Csv { separator } => rows::rows(&mut *input, separator, limit, &mut take),
            FileFormat::Ndjson | FileFormat::Auto => cut::lines(&mut *input, limit, &mut take),
        }
        drop(ends);
    });
    let mut reading = reading.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(why) = reading.too_many {
        return Err(FileError::TooManyDeadLetters { path: what.path.to_owned(), why });
    }
    if !reading.stopped {
        drop(input);
        let hash = locked(&hash).finalize();
        reading.finish(&content_of(hash, what.generation));
    }
    Ok(())
}

/// A panic elsewhere is printed by itself, and what was locked is whole between two records.
fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the file's positions and dead letters are kept under. What comes through standard input at two times is two
/// things, even if it is the same.
fn topic(what: &FileRead<'_>) -> Arc<str> {
    match what.path {
        "-" => Arc::from(format!("- {}", what.received_at)),
        path => Arc::from(path),
    }
}

/// By the name, else by the first bytes: `[` an array, `{` lines of JSON, a tab in the first line TSV, else CSV.
fn recognise(what: &FileRead<'_>, start: &[u8]) -> FileFormat {
    if what.format != FileFormat::Auto {
        return what.format;
    }
    let name = what.path.strip_suffix(".gz").unwrap_or(what.path);
    match Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default() {
        "ndjson" | "jsonl" => return FileFormat::Ndjson,
        "csv" => return FileFormat::Csv { separator: b',' },
        "tsv" => return FileFormat::Csv { separator: b'\t' },
        _ => {}
    }
    let text = start.trim_ascii_start();
    let first_line = text.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_end();
    match text.first() {
        Some(b'[') => FileFormat::JsonArray,
        // An object that goes on over several lines.
        Some(b'{') if first_line == b"{" => FileFormat::JsonArray,
        Some(b'{') | None => FileFormat::Ndjson,
        Some(_) if first_line.contains(&b'\t') => FileFormat::Csv { separator: b'\t' },
        Some(_) => FileFormat::Csv { separator: b',' },
    }
}

/// Gives the records of one file to a gathering, and its batches out as they fill.
struct Reading<'a, G> {
    what: &'a FileRead<'a>,
    topic: Arc<str>,
    gathering: Gathering<&'a dyn Admit>,
    give: G,
    next: i64,
    /// A batch was given out.
    begun: bool,
    stopped: bool,
    guard: Guard,
    too_many: Option<TooMany>,
}

impl<G: FnMut(DecodedBatch) -> ControlFlow<()>> Reading<'_, G> {
    /// One record, cut by a reader.
    fn take(&mut self, (line, payload): (u64, RawPayload<'_>)) -> ControlFlow<()> {
        if self.stopped {
            return ControlFlow::Break(());
        }
        let position = Position { topic: self.topic.clone(), partition: 0, offset: self.next };
        self.next += 1;
        let (source, received_at) = (self.what.source, self.what.received_at);
        let record = RawRecord { source, position: &position, line, payload, received_at };
        let taken = self.gathering.take(&record, Envelope::default);
        if let Err(why) = self.guard.note(taken == Taken::Rejected) {
            // What was read so far is stored, so that people can see what is wrong with it.
            let _ = self.flush();
            (self.too_many, self.stopped) = (Some(why), true);
            return ControlFlow::Break(());
        }
        if self.gathering.is_full(self.what.flush_records) { self.flush() } else { ControlFlow::Continue(()) }
    }

    /// Nothing follows: the last batch says so, also if it holds no record.
    fn finish(&mut self, content: &str) {
        let progress = self.gathering.moved(&self.topic, 0, self.next);
        progress.finished = true;
        progress.content = Arc::from(content);
        let _ = self.flush();
    }

    fn flush_what_is_there(&mut self) {
        if !self.stopped && !self.gathering.is_empty() {
            // The next record hears of a break.
            let _ = self.flush();
        }
    }

    fn flush(&mut self) -> ControlFlow<()> {
        self.gathering.moved(&self.topic, 0, self.next).counted_before =
            (!std::mem::replace(&mut self.begun, true)).then(Counted::default);
        let flow = (self.give)(self.gathering.give());
        self.stopped |= flow.is_break();
        flow
    }
}
