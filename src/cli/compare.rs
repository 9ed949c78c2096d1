//! `tropa compare`: the real journey beside the designed one, now or at a past `as_of`, as text, as data, or as a picture.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::out::{self, Out};
use super::run::clock;
use super::store::Store;
use super::{Failure, PlaceArgs};
use crate::beside::{self, Asked};
use crate::compare::{Comparison, Share};
use crate::forms::{Formed, formed};
use crate::map::MapVersions;
use crate::report::{Form, Language};

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
    /// Only the fewest paths of stages that carry this share of the journeys, such as 0.8: they are listed, the real map
    /// shows their arcs alone, and what is hidden is said. `tropa variants --by stage` lists all of them
    #[arg(long, value_name = "SHARE", value_parser = Share::parse)]
    explain: Option<Share>,
    #[arg(long, default_value = "text")]
    format: CompareFormat,
    /// Where to write; `-` is standard output [default: standard output]
    #[arg(short, long, value_name = "FILE", alias = "output")]
    out: Option<PathBuf>,
    /// Language of text and picture, and of the page's first view
    #[arg(long, default_value = "en", visible_alias = "lang")]
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
    /// Both maps drawn, one below the other: a picture that stands alone, for slides, wikis and vector editors
    Svg,
    /// The same as an image, two pixels for each unit of the SVG
    Png,
    /// The same as a document of one page, with text that can be searched
    Pdf,
    /// A workbook, one sheet for each table
    Xlsx,
}

impl CompareFormat {
    /// What it is called where no screen can show it, and a name for its file.
    const fn no_text(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Png => Some(("an image", "map.png")),
            Self::Pdf => Some(("a PDF document", "map.pdf")),
            Self::Xlsx => Some(("a workbook", "comparison.xlsx")),
            Self::Text | Self::Json | Self::Html | Self::Markdown | Self::Svg => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CompareLanguage {
    En,
    Ru,
}

impl Compare {
    pub(super) async fn run(self) -> Result<(), Failure> {
        if let Some((what, name)) = self.format.no_text() {
            out::not_to_a_screen(self.out.as_deref(), what, name)?;
        }
        let place = self.place.load()?;
        let (_, map) = place.map(self.map.as_deref())?;
        let asked = Asked::given(self.version, self.as_of.as_deref()).map_err(Failure::Unusable)?;
        let store = Store::reach(&place.config).await?;
        let comparison = beside::explained(&store.client, &place.config, map, (asked, self.explain), clock()).await;
        store.close().await;
        let bytes = render(&comparison?, map, self.format.into(), self.language.into())?;
        let mut out = Out::create(self.out.as_deref())?;
        out.bytes(&bytes)?;
        out.finish()
    }
}

/// The comparison in one form; letters that a picture lacks are said.
pub(super) fn render(
    comparison: &Comparison,
    map: &MapVersions,
    form: Form,
    language: Language,
) -> Result<Vec<u8>, Failure> {
    let Formed { bytes, missing } = formed(comparison, map, (form, language), None)?;
    if !missing.is_empty() {
        eprintln!(
            "the picture shows empty boxes for letters that its font lacks: {missing}\n  \
             hint: `--format svg` and `--format html` are shown with the fonts of whoever opens them"
        );
    }
    Ok(bytes)
}

impl From<CompareFormat> for Form {
    fn from(format: CompareFormat) -> Self {
        match format {
            CompareFormat::Text => Self::Text,
            CompareFormat::Json => Self::Json,
            CompareFormat::Html => Self::Html,
            CompareFormat::Markdown => Self::Markdown,
            CompareFormat::Svg => Self::Svg,
            CompareFormat::Png => Self::Png,
            CompareFormat::Pdf => Self::Pdf,
            CompareFormat::Xlsx => Self::Xlsx,
        }
    }
}
