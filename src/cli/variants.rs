//! `tropa variants`: the paths that people really take, the most walked first. In: a map. Out: each path with its share,
//! outcome, time to the goal, fitness, and journeys to look at; what is cut stands as `other`.

use std::io::Write;

use clap::{Args, ValueEnum};

use super::run::clock;
use super::store::Store;
use super::{Failure, PlaceArgs};
use crate::aggregate::variants::PathOf;
use crate::beside::{self, Asked};
use crate::compare::suppressed_variants;
use crate::report::{Language, variants};

#[derive(Debug, Args)]
pub(super) struct Variants {
    /// Which map, where the config names several [default: the first one]
    #[arg(long, value_name = "ID")]
    map: Option<String>,
    /// Paths shown of each version of the map; the others are counted together as `other`
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// What a path is made of
    #[arg(long, default_value = "touchpoint")]
    by: By,
    /// A moment such as 2026-06-30 or 2026-06-30T12:00:00Z: as it stood then, with what is known about identity now
    #[arg(long, value_name = "T")]
    as_of: Option<String>,
    /// All history under this version of the map, as `tropa rebuild --version N` computed it
    #[arg(long, value_name = "N", conflicts_with = "as_of")]
    version: Option<u32>,
    #[arg(long, default_value = "text")]
    format: Format,
    /// Language of text
    #[arg(long, default_value = "en")]
    language: super::compare::CompareLanguage,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// Every visit of a touchpoint
    Touchpoint,
    /// Stages as they are entered
    Stage,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    /// `variants/v1`, for programs
    Json,
    Csv,
}

impl Variants {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let (_, map) = place.map(self.map.as_deref())?;
        let path_of = match self.by {
            By::Touchpoint => PathOf::Touchpoints,
            By::Stage => PathOf::Stages,
        };
        let asked = Asked::given(self.version, self.as_of.as_deref()).map_err(Failure::Unusable)?;
        let store = Store::reach(&place.config).await?;
        let found = async {
            let of = beside::journeys(&store.client, &place.config, map, asked, clock()).await?;
            let found = store.client.variants(&of.scope(), path_of, self.limit).await;
            let closed = of.close().await;
            let found = found?;
            closed?;
            Ok::<_, Failure>(found)
        }
        .await;
        store.close().await;
        let found = suppressed_variants(found?);
        let text = match self.format {
            Format::Text => variants::text(&found, self.language.into()),
            Format::Json => format!("{:#}\n", variants::json(&found)),
            Format::Csv => variants::csv(&found).map_err(std::io::Error::from)?,
        };
        Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
    }
}

impl From<super::compare::CompareLanguage> for Language {
    fn from(language: super::compare::CompareLanguage) -> Self {
        match language {
            super::compare::CompareLanguage::En => Self::English,
            super::compare::CompareLanguage::Ru => Self::Russian,
        }
    }
}
