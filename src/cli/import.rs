//! `tropa import`: files, once, through the same pipeline as `run`. Importing a file again changes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::round::run_sources;
use super::{Failure, PlaceArgs};
use crate::config::{Config, DeadLetterLimits, FileFormat, FileInput, Input, Source};
use crate::time::Timestamp;

/// Longest record of an imported file whose source the config does not know.
const MAX_RECORD_BYTES: usize = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct Import {
    /// Files (NDJSON, JSON array, CSV, TSV; each also gzip), or `-` for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A decoder of the config, or a source whose decoder is meant
    #[arg(long, value_name = "NAME")]
    decoder: String,
    /// The source these events count as [default: the source that uses the decoder, else the decoder's name]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Times after this moment are not believed [default: now]
    #[arg(long, value_name = "T")]
    until: Option<String>,
    /// Read on however many records are dead letters
    #[arg(long)]
    keep_going: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Import {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut place = self.place.load()?;
        if let Some(file) = self.place.config_file() {
            place.remember_config(&file)?;
        }
        let config = self.only_these_files(&place.config)?;
        place.config = Arc::new(config);
        let summary = run_sources(&place, true).await?;
        println!(
            "{} records, {} events, {} dead letters; {} customers recomputed; as of {}",
            summary.records,
            summary.events,
            summary.dead_letters,
            summary.customers_recomputed,
            summary.as_of.map_or_else(|| "–".to_owned(), |t| t.to_string())
        );
        if summary.records == 0 {
            println!(
                "  files that were read before and have not changed are not read again\n  \
                 hint: after a changed mapping raise the source's `generation`"
            );
        }
        if summary.dead_letters > 0 {
            println!("  why: tropa dead-letters list; after the decoder is mended: tropa dead-letters replay");
        }
        Ok(())
    }

    /// The config with one source that reads, and the others as they are but silent.
    fn only_these_files(&self, config: &Arc<Config>) -> Result<Config, Failure> {
        let of_source = config.sources.iter().find(|s| *s.name == *self.decoder).map(|s| &s.decoder);
        let decoder = config.decoders.get(&self.decoder).or(of_source).ok_or_else(|| {
            let mut known: Vec<&str> = config.decoders.keys().map(String::as_str).collect();
            known.extend(config.sources.iter().map(|s| &*s.name).filter(|s| !config.decoders.contains_key(*s)));
            let help = crate::yaml::allowed("the config has", &self.decoder, known);
            Failure::NotFound(format!("there is no decoder `{}`, and no source of that name\n  {help}", self.decoder))
        })?;
        let until = match &self.until {
            Some(text) => Some(Timestamp::parse(text).ok_or_else(|| {
                Failure::Unusable(format!("`{text}` is no moment\n  allowed: 2026-06-30 or 2026-06-30T12:00:00Z"))
            })?),
            None => None,
        };
        let paths = self.files.iter().map(|f| f.display().to_string()).collect();
        let mut config = (**config).clone();
        let using = config.sources.iter().position(|s| Arc::ptr_eq(&s.decoder, decoder));
        let named = self.source.as_deref().map(|n| config.sources.iter().position(|s| &*s.name == n));
        let place = named.unwrap_or(using);
        // Files of a source are read as the source's own are.
        let (format, max_record_bytes) = match place.map(|i| &config.sources[i].input) {
            Some(Input::File(own)) => (own.format, own.max_record_bytes),
            Some(Input::Kafka(own)) => (FileFormat::Auto, own.max_record_bytes),
            Some(Input::None) | None => (FileFormat::Auto, MAX_RECORD_BYTES),
        };
        for source in &mut config.sources {
            source.silence();
            if self.keep_going {
                source.dead_letters.limits = DeadLetterLimits::NONE;
            }
        }
        let input = Input::File(FileInput { paths, format, max_record_bytes });
        match place {
            Some(i) => {
                let source = &mut config.sources[i];
                source.decoder = decoder.clone();
                source.input = input;
                source.until = until.or(source.until);
            }
            None => {
                let name = self.source.clone().unwrap_or_else(|| self.decoder.clone());
                let mut source = Source { until, ..Source::of_file(&name, decoder.clone(), input) };
                if self.keep_going {
                    source.dead_letters.limits = DeadLetterLimits::NONE;
                }
                config.sources.push(source);
            }
        }
        Ok(config)
    }
}
