//! `tropa compare`: the real journey beside the designed one, now or at a past `as_of`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::place::unwritable;
use super::run::clock;
use super::store::Store;
use super::{Failure, Place, PlaceArgs};
use crate::compare::{self, Comparison};
use crate::config::Config;
use crate::identity::Keying;
use crate::journey::Mode;
use crate::map::MapVersions;
use crate::past;
use crate::report::{self, Language};
use crate::stage::reading::Reading;
use crate::time::Timestamp;
use crate::warehouse::Clickhouse;

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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CompareLanguage {
    En,
    Ru,
}

impl Compare {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let (_, map) = place.map(self.map.as_deref())?;
        let as_of = self.as_of.as_deref().map(moment).transpose()?;
        let store = Store::reach(&place.config).await?;
        let comparison = match self.version {
            Some(version) => compare_version(&store.client, &place, (map, version)).await,
            None => compare_map(&store.client, &place, map, as_of).await,
        };
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

fn moment(text: &str) -> Result<Timestamp, Failure> {
    Timestamp::parse(text).ok_or_else(|| {
        Failure::Unusable(format!("`{text}` is no moment\n  allowed: 2026-06-30 or 2026-06-30T12:00:00Z"))
    })
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

pub(super) fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|e| unwritable(file, e))
}

pub(super) fn outdated() -> Failure {
    Failure::NotFound(
        "the journey file or config has changed since these figures were computed\n  \
         hint: the next `tropa run` or `tropa import` recomputes everything"
            .to_owned(),
    )
}

/// What is computed from the sets right now needs them keyed as the config says.
pub(super) async fn keyed_alike(store: &Clickhouse, config: &Config) -> Result<(), Failure> {
    let keying = Keying::of(&config.identifiers.kinds).as_text();
    match store.keying().await? {
        Some(stored) if stored != keying => Err(outdated()),
        _ => Ok(()),
    }
}

/// Compares one map, at the stored `as_of` or at the one asked for.
pub(super) async fn compare_map(
    store: &Arc<Clickhouse>,
    place: &Place,
    map: &Arc<MapVersions>,
    as_of: Option<Timestamp>,
) -> Result<Comparison, Failure> {
    let reading = Reading::new(map.clone(), Mode::Valid, &place.config);
    let stored = store.watermark().await?.ok_or_else(empty)?;
    let real = match as_of {
        Some(t) if t != stored => {
            if t > stored {
                tracing::warn!(
                    "the store knows events up to {stored}: as of {t}, whoever has not been heard of since counts as silent"
                );
            }
            keyed_alike(store, &place.config).await?;
            past::empirical_at(store, &place.config, map, t, clock()).await?
        }
        _ if store.is_current(&reading).await? => store.empirical(&reading, stored).await?,
        _ => {
            // Until the new figures are complete, those that are shown elsewhere.
            let shown = match store.shown(&map.id, Mode::Valid).await? {
                Some(id) => store.reading(&id, &place.config).await?,
                None => None,
            };
            let shown = shown.ok_or_else(outdated)?;
            tracing::warn!(
                "the journey file has changed: these are the figures of the one before, until `tropa run` or `tropa rebuild` has computed the new ones"
            );
            let real = store.empirical(&shown, stored).await?;
            return Ok(compare::compare(shown.map.newest(), shown.map.longest_window(), &real));
        }
    };
    Ok(compare::compare(map.newest(), map.longest_window(), &real))
}

/// Compares all history under one version, as it was computed last.
async fn compare_version(
    store: &Arc<Clickhouse>,
    place: &Place,
    (map, version): (&Arc<MapVersions>, u32),
) -> Result<Comparison, Failure> {
    let reading = super::rebuild::of_version(place, map, version)?;
    let counted = match store.is_current(&reading).await? {
        true => store.counted_at(&reading).await?,
        false => None,
    };
    let as_of = counted.ok_or_else(|| {
        Failure::NotFound(format!(
            "version {version} of map `{}` has not been computed for all history with this config and these files\n  \
             hint: `tropa rebuild --map {} --version {version}` does",
            map.id, map.id
        ))
    })?;
    let real = store.empirical(&reading, as_of).await?;
    let under = map.versions.iter().find(|v| v.version == version).unwrap_or(map.newest());
    Ok(compare::compare(under, under.longest_window(), &real))
}

/// Nothing to show.
pub(super) fn empty() -> Failure {
    Failure::NotFound("the store holds no events yet\n  hint: `tropa run` or `tropa import` bring some".to_owned())
}
