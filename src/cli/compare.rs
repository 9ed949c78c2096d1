//! `tropa compare`: the real journey beside the designed one, now or at a past `as_of`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::place::write;
use super::run::clock;
use super::store::Store;
use super::{Failure, PlaceArgs};
use crate::beside::{self, Asked};
use crate::compare::Comparison;
use crate::map::MapVersions;
use crate::report::{self, Language};

#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Which map, where the config names several [default: the first one]
    #[arg(long, value_name = "ID")]
    map: Option<String>,
    /// A moment such as 2026-06-30 or 2026-06-30T12:00:00Z: as it stood then, with what is known about identity now
    #[arg(long, value_name = "T")]
    as_of: Option<String>,
    /// All history under this version of the map, as `tropa rebuild --version N` computed it
    #[arg(long, value_name = "N", conflicts_with = "as_of")]
    version: Option<u32>,
    #[arg(long, default_value = "text")]
    format: CompareFormat,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Language of text and of the page's first view
    #[arg(long, default_value = "en")]
    language: CompareLanguage,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CompareFormat {
    /// Tables for the screen
    Text,
    /// `comparison/v1`, for programs
    Json,
    /// One self-contained file with both maps drawn
    Html,
    /// Headings and tables, for wikis and tickets
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CompareLanguage {
    En,
    Ru,
}

impl Compare {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let (_, map) = place.map(self.map.as_deref())?;
        let asked = match (self.version, self.as_of.as_deref()) {
            (Some(version), _) => Asked::Version(version),
            (None, Some(text)) => Asked::at(text).map_err(Failure::Unusable)?,
            (None, None) => Asked::Now,
        };
        let store = Store::reach(&place.config).await?;
        let comparison = beside::comparison(&store.client, &place.config, map, asked, clock()).await;
        store.close().await;
        let language = match self.language {
            CompareLanguage::En => Language::English,
            CompareLanguage::Ru => Language::Russian,
        };
        let text = render(&comparison?, map, self.format, language)?;
        match &self.output {
            Some(file) => write(file, &text),
            None => {
                use std::io::Write;
                Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
            }
        }
    }
}

/// The comparison in one format.
pub(super) fn render(
    comparison: &Comparison,
    map: &MapVersions,
    format: CompareFormat,
    language: Language,
) -> Result<String, Failure> {
    Ok(match format {
        CompareFormat::Text => report::text(comparison, language),
        CompareFormat::Markdown => report::markdown(comparison, language),
        CompareFormat::Json => {
            let mut text = serde_json::to_string_pretty(&report::json(comparison)).map_err(std::io::Error::from)?;
            text.push('\n');
            text
        }
        CompareFormat::Html => {
            let mut languages = Language::of(map.newest());
            languages.sort_by_key(|l| *l != language);
            report::html(comparison, &languages)
        }
    })
}
