//! `tropa explain`: what one record would be: its events, their identifiers, and for every map the rule that matches,
//! those that nearly do and why not. Offline; writes nothing.

use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::Args;

use super::place::unreadable;
use super::run::clock;
use super::{Failure, Place, PlaceArgs};
use crate::config::{FileFormat, Input};
use crate::decode::{Decoding, IdentifierKey};
use crate::event::{Admission, Admit, Event, RawRecord, SourceId};
use crate::source::file::{self, FileRead};
use crate::touchpoint::{self, Rules};

/// Records explained at most.
const MOST: usize = 10;

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A record as a source would send it: JSON, or a header and a row; `-`: standard input
    event: PathBuf,
    /// The source it comes from [default: the only one, else the one that can decode it]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Explain {
    pub(super) fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let bytes = self.bytes()?;
        // Raw identifiers: people look for the value they know, and nothing is stored.
        let decoding = Decoding::new(place.config.clone(), IdentifierKey::raw());
        let (source, records) = self.admit(&place, &decoding, &bytes)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "source `{}`", place.config.source(source).name)?;
        if records.is_empty() {
            writeln!(out, "there is no record in it")?;
        }
        for (line, admission) in records.iter().take(MOST) {
            if records.len() > 1 {
                writeln!(out, "\nrecord on line {line}")?;
            }
            match admission {
                Admission::Reject(r) => writeln!(out, "dead letter: {} ({})", r.detail, r.reason.as_str())?,
                Admission::Drop(reason) => writeln!(out, "skipped by the config: {}", reason.as_str())?,
                Admission::Emit(events) => {
                    for event in events {
                        explain(&mut out, &place, event)?;
                    }
                }
            }
        }
        if records.len() > MOST {
            writeln!(out, "\nthe records after the first {MOST} are not explained")?;
        }
        Ok(())
    }

    fn bytes(&self) -> Result<Vec<u8>, Failure> {
        if self.event.as_os_str() == "-" {
            let mut bytes = Vec::new();
            crate::source::standard_input::reader().read_to_end(&mut bytes)?;
            return Ok(bytes);
        }
        std::fs::read(&self.event).map_err(|e| unreadable(&self.event, e))
    }

    /// The named source; else the first that makes an event of a record; else the first one's verdict.
    fn admit(&self, place: &Place, decoding: &Decoding, bytes: &[u8]) -> Result<(SourceId, Verdicts), Failure> {
        let config = &place.config;
        let names = || config.sources.iter().map(|s| format!("`{}`", s.name)).collect::<Vec<_>>().join(", ");
        let verdicts = |source: SourceId| self.verdicts(place, decoding, source, bytes);
        if let Some(name) = &self.source {
            let source = config.source_id(name).ok_or_else(|| {
                Failure::NotFound(format!("there is no source `{name}`\n  the config has: {}", names()))
            })?;
            return Ok((source, verdicts(source)));
        }
        let mut all = (0..config.sources.len()).map(|i| SourceId(i as u16)).map(|s| (s, verdicts(s)));
        let emits = |list: &Verdicts| list.iter().any(|(_, a)| matches!(a, Admission::Emit(_)));
        let first = all.next().ok_or_else(|| Failure::NotFound("the config declares no source".to_owned()))?;
        if emits(&first.1) {
            return Ok(first);
        }
        Ok(all.find(|(_, list)| emits(list)).unwrap_or(first))
    }

    /// What the source makes of every record, cut as it would cut a file.
    fn verdicts(&self, place: &Place, decoding: &Decoding, source: SourceId, bytes: &[u8]) -> Verdicts {
        let name = self.event.display().to_string();
        // One object, over however many lines.
        let whole = serde_json::from_slice::<serde_json::Value>(bytes).is_ok();
        let (format, max_record_bytes) = match &place.config.source(source).input {
            _ if whole => (FileFormat::JsonArray, usize::MAX),
            Input::File(input) => (input.format, input.max_record_bytes),
            Input::Kafka(input) => (FileFormat::Auto, input.max_record_bytes),
            Input::None => (FileFormat::Auto, usize::MAX),
        };
        let what = FileRead {
            path: &name,
            source,
            format,
            max_record_bytes,
            flush_records: MOST + 1,
            flush_interval: None,
            received_at: clock(),
            generation: 1,
            limits: crate::config::DeadLetterLimits::NONE,
        };
        let listener = Listener { decoding, heard: Mutex::default() };
        let input = Box::new(std::io::Cursor::new(bytes.to_vec()));
        // Bytes at hand cannot fail to be read, and nothing is taken beyond the first batch.
        let read = file::read_from(input, &what, &listener, &Arc::default(), |_| ControlFlow::Break(()));
        debug_assert!(read.is_ok(), "{read:?}");
        listener.heard.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What became of the records, each with its line.
type Verdicts = Vec<(u64, Admission)>;

/// Notes every verdict on its way.
struct Listener<'a> {
    decoding: &'a Decoding,
    heard: Mutex<Verdicts>,
}

impl Admit for Listener<'_> {
    fn admit(&self, record: &RawRecord<'_>) -> Admission {
        let admission = self.decoding.admit(record);
        let mut heard = self.heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        heard.push((record.line, admission.clone()));
        admission
    }
}

fn explain(out: &mut impl Write, place: &Place, event: &Event) -> Result<(), Failure> {
    writeln!(out, "event `{}` id `{}` at {}", event.name, event.event_id, event.occurred_at)?;
    if event.identifiers.is_empty() {
        writeln!(out, "  identifiers: none; it belongs to no customer")?;
    }
    for (i, identifier) in event.identifiers.iter().enumerate() {
        let kind = place.config.kind(identifier.kind);
        let strongest = if i == 0 { ", the strongest: its facts start here" } else { "" };
        let class = kind.class.as_str();
        writeln!(out, "  identifier {} ({class}, priority {}{strongest})", identifier.node, kind.priority)?;
    }
    if event.blocked > 0 {
        writeln!(out, "  {} identifiers are on the blocklist and were left out", event.blocked)?;
    }
    let properties = touchpoint::parse_properties(&event.properties);
    for map in &place.maps {
        writeln!(out, "map `{}`", map.id)?;
        let rules = Rules::compile(map, &place.config);
        write!(out, "{}", rules.explain(event, &properties))?;
    }
    Ok(())
}
