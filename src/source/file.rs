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
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::{Counters, DecodedBatch, Progress};
use crate::config::FileFormat;
use crate::event::{Admission, Admit, DeadLetter, Position, RawPayload, RawRecord, SourceId};
use crate::time::Timestamp;
use peek::Peeked;

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot read {path}: {error}")]
    Read { path: String, error: io::Error },
}

/// What is read and how.
#[derive(Clone, Debug)]
pub struct FileRead<'a> {
    /// A path, or `-` for standard input.
    pub path: &'a str,
    pub source: SourceId,
    pub format: FileFormat,
    pub max_record_bytes: usize,
    /// A batch is given out at this many records.
    pub flush_records: usize,
    /// Moment of the import: times after it are not believed.
    pub received_at: Timestamp,
    /// Of the source; raised, it wants the file read again.
    pub generation: u32,
}

/// Counts and hashes the bytes as they stand in the file.
struct Watched<R> {
    inner: R,
    read: Arc<AtomicU64>,
    hash: Arc<std::sync::Mutex<blake3::Hasher>>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        self.hash.lock().unwrap_or_else(std::sync::PoisonError::into_inner).update(&buffer[..n]);
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
    give: impl FnMut(DecodedBatch) -> ControlFlow<()>,
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
    give: impl FnMut(DecodedBatch) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let wrong = |error| FileError::Read { path: what.path.to_owned(), error };
    let hash = Arc::new(std::sync::Mutex::new(blake3::Hasher::new()));
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
    let mut batches = Batches {
        what,
        topic: topic(what),
        admit,
        give,
        batch: DecodedBatch::default(),
        counters: Counters::default(),
        max_occurred: None,
        next: 0,
        stopped: false,
    };
    let limit = what.max_record_bytes;
    match format {
        FileFormat::JsonArray => values::values(&mut *input, limit, &mut |r| batches.take(r)),
        FileFormat::Csv { separator } => rows::rows(&mut *input, separator, limit, &mut |r| batches.take(r)),
        FileFormat::Ndjson | FileFormat::Auto => cut::lines(&mut *input, limit, &mut |r| batches.take(r)),
    }
    if !batches.stopped {
        drop(input);
        let hash = hash.lock().unwrap_or_else(std::sync::PoisonError::into_inner).finalize();
        let content = content_of(hash, what.generation);
        // Nothing follows the last batch, whatever the answer.
        let _ = batches.flush(true, &content);
    }
    Ok(())
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

/// Gathers what becomes of the records until a batch is full.
struct Batches<'a, G> {
    what: &'a FileRead<'a>,
    topic: Arc<str>,
    admit: &'a dyn Admit,
    give: G,
    batch: DecodedBatch,
    counters: Counters,
    max_occurred: Option<Timestamp>,
    next: i64,
    stopped: bool,
}

impl<G: FnMut(DecodedBatch) -> ControlFlow<()>> Batches<'_, G> {
    /// One record, cut by a reader.
    fn take(&mut self, (line, payload): (u64, RawPayload<'_>)) -> ControlFlow<()> {
        let position = Position { topic: self.topic.clone(), partition: 0, offset: self.next };
        let record = RawRecord {
            source: self.what.source,
            position: &position,
            line,
            payload,
            received_at: self.what.received_at,
        };
        self.next += 1;
        self.counters.records += 1;
        match self.admit.admit(&record) {
            Admission::Emit(events) => {
                self.counters.decoded += 1;
                for event in events {
                    self.counters.blocked_identifiers += u64::from(event.blocked);
                    if event.plausible {
                        self.max_occurred = self.max_occurred.max(Some(event.occurred_at));
                    }
                    self.batch.events.push(event);
                }
            }
            Admission::Drop(_) => self.counters.skipped += 1,
            Admission::Reject(rejection) => {
                self.counters.rejected += 1;
                self.batch.dead_letters.push(DeadLetter {
                    source: self.what.source,
                    position,
                    line,
                    payload: payload_bytes(&payload),
                    received_at: self.what.received_at,
                    rejection,
                });
            }
        }
        if self.counters.records as usize >= self.what.flush_records {
            self.flush(false, "")
        } else {
            ControlFlow::Continue(())
        }
    }

    fn flush(&mut self, finished: bool, content: &str) -> ControlFlow<()> {
        let progress = Progress {
            source: self.what.source,
            topic: self.topic.clone(),
            partition: 0,
            next: self.next,
            counters: std::mem::take(&mut self.counters),
            max_occurred: self.max_occurred.take(),
            finished,
            content: Arc::from(content),
        };
        let batch = DecodedBatch { progress: vec![progress], ..std::mem::take(&mut self.batch) };
        let flow = (self.give)(batch);
        self.stopped |= flow.is_break();
        flow
    }
}

/// The record as it came, for the dead-letter table.
fn payload_bytes(payload: &RawPayload<'_>) -> Vec<u8> {
    match payload {
        RawPayload::Json(bytes) | RawPayload::Broken { bytes, .. } | RawPayload::Row { text: bytes, .. } => {
            bytes.to_vec()
        }
    }
}
