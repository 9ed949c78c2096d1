//! `tropa explain`: what one record would be: its events, their identifiers, and for every map the rule that matches,
//! those that nearly do and why not. Offline; writes nothing.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::place::unreadable;
use super::run::clock;
use super::{Failure, Place, PlaceArgs};
use crate::decode::{Decoding, IdentifierKey};
use crate::event::{Admission, Admit, Event, Position, RawPayload, RawRecord, SourceId};
use crate::touchpoint::{self, Rules};

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// One record as a source would send it; `-`: standard input
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
        let (source, admission) = self.admit(&place, &decoding, &bytes)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "source `{}`", place.config.source(source).name)?;
        match admission {
            Admission::Reject(r) => writeln!(out, "dead letter: {} ({})", r.detail, r.reason.as_str())?,
            Admission::Drop(reason) => writeln!(out, "skipped by the config: {}", reason.as_str())?,
            Admission::Emit(events) => {
                for event in &events {
                    explain(&mut out, &place, event)?;
                }
            }
        }
        Ok(())
    }

    fn bytes(&self) -> Result<Vec<u8>, Failure> {
        if self.event.as_os_str() == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes)?;
            return Ok(bytes);
        }
        std::fs::read(&self.event).map_err(|e| unreadable(&self.event, e))
    }

    /// The named source; else the first that makes an event of the record; else the first one's verdict.
    fn admit(&self, place: &Place, decoding: &Decoding, bytes: &[u8]) -> Result<(SourceId, Admission), Failure> {
        let config = &place.config;
        let names = || config.sources.iter().map(|s| format!("`{}`", s.name)).collect::<Vec<_>>().join(", ");
        let position = Position { topic: Arc::from("explain"), partition: 0, offset: 0 };
        let admit = |source: SourceId| {
            decoding.admit(&RawRecord {
                source,
                position: &position,
                line: 1,
                payload: RawPayload::Json(bytes),
                received_at: clock(),
            })
        };
        if let Some(name) = &self.source {
            let source = config.source_id(name).ok_or_else(|| {
                Failure::NotFound(format!("there is no source `{name}`\n  the config has: {}", names()))
            })?;
            return Ok((source, admit(source)));
        }
        let mut all = (0..config.sources.len()).map(|i| SourceId(i as u16)).map(|s| (s, admit(s)));
        let first = all.next().ok_or_else(|| Failure::NotFound("the config declares no source".to_owned()))?;
        if matches!(first.1, Admission::Emit(_)) {
            return Ok(first);
        }
        Ok(all.find(|(_, a)| matches!(a, Admission::Emit(_))).unwrap_or(first))
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
        writeln!(out, "  identifier {} ({:?}, priority {}{strongest})", identifier.node, kind.class, kind.priority)?;
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
