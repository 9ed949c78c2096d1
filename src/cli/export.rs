//! `tropa export`: a designed map, its real journeys or its comparison in the format of another tool. In: a map and a format.
//! Out: a file, which appears only when it is whole, or standard output. What can be large is written page by page.

use std::io::{BufWriter, Seek, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::compare::CompareLanguage;
use super::out::{self, Out};
use super::place::unwritable;
use super::run::clock;
use super::store::Store;
use super::{Failure, Place, PlaceArgs};
use crate::aggregate::exported::ExportedJourney;
use crate::beside::{self, Asked, Journeys};
use crate::conformance::Judge;
use crate::exchange::{bpmn, cjml, mermaid, ocel::Ocel, xes};
use crate::map::{DesignedMap, MapVersions};
use crate::progress::{BarUnit, bar};
use crate::report::{Form, Language};
use crate::warehouse::Clickhouse;

#[derive(Debug, Args)]
pub(super) struct Export {
    /// Which map, where the config names several [default: the first one]
    #[arg(long, value_name = "ID")]
    map: Option<String>,
    #[arg(long)]
    format: Format,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Of journeys and the comparison: a moment such as 2026-06-30 or 2026-06-30T12:00:00Z, as it stood then
    #[arg(long, value_name = "T")]
    as_of: Option<String>,
    /// Of bpmn, pnml, mermaid and cjml: which version of the designed map [default: the newest]
    #[arg(long, value_name = "N")]
    map_version: Option<u32>,
    /// Language of names, where the map has several
    #[arg(long, default_value = "en")]
    language: CompareLanguage,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The designed map as BPMN 2.0, with a drawing; `tropa map import` reads it again
    Bpmn,
    /// The designed map as a Petri net, for process miners
    Pnml,
    /// The designed map as a Mermaid flowchart, for README files and wikis
    Mermaid,
    /// The designed map as a planned journey of CJML
    Cjml,
    /// The real journeys as actual journeys of CJML
    CjmlActual,
    /// The real journeys as an XES event log
    Xes,
    /// The real journeys as OCEL 2.0 (JSON): customers, journeys, and what the journey key names are objects
    Ocel,
    /// The comparison as a workbook, one sheet for each table
    Xlsx,
}

impl Format {
    /// Of the file alone, without a store.
    const fn is_of_the_design(self) -> bool {
        matches!(self, Self::Bpmn | Self::Pnml | Self::Mermaid | Self::Cjml)
    }
}

impl Export {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let (_, map) = place.map(self.map.as_deref())?;
        if self.format == Format::Xlsx {
            out::not_to_a_screen(self.out.as_deref(), "a workbook", "comparison.xlsx")?;
        }
        let asked = Asked::given(None, self.as_of.as_deref()).map_err(Failure::Unusable)?;
        if self.format.is_of_the_design() {
            if asked != Asked::Now {
                return Err(Failure::Unusable(
                    "`--as-of` is about what people did; of the designed map there are versions\n  \
                     allowed: with cjml-actual, xes, ocel and xlsx, or `--map-version`"
                        .to_owned(),
                ));
            }
            let text = self.design(self.version_of(map)?)?;
            let mut out = Out::create(self.out.as_deref())?;
            out.write(&text)?;
            return out.finish();
        }
        if self.map_version.is_some() {
            return Err(Failure::Unusable(
                "`--map-version` is about the designed map; journeys keep the version that was valid when they began\n  \
                 allowed: with bpmn, pnml, mermaid and cjml"
                    .to_owned(),
            ));
        }
        let mut out = Out::create(self.out.as_deref())?;
        let store = Store::reach(&place.config).await?;
        let done = match self.format {
            Format::Xlsx => comparison(&store.client, &place, (map, asked), &mut out).await,
            _ => self.listed(&store.client, &place, (map, asked), &mut out).await,
        };
        store.close().await;
        done?;
        out.finish()
    }

    fn version_of<'m>(&self, map: &'m MapVersions) -> Result<&'m std::sync::Arc<DesignedMap>, Failure> {
        let Some(asked) = self.map_version else { return Ok(map.newest()) };
        map.versions.iter().find(|v| v.version == asked).ok_or_else(|| {
            let known: Vec<String> = map.versions.iter().map(|v| v.version.to_string()).collect();
            Failure::NotFound(format!(
                "map `{}` has no version {asked}\n  the journey files hold: {}",
                map.id,
                known.join(", ")
            ))
        })
    }

    fn design(&self, map: &std::sync::Arc<DesignedMap>) -> Result<String, Failure> {
        let language = Language::from(self.language).code();
        Ok(match self.format {
            Format::Pnml => Judge::new(map.clone()).pnml().map_err(|e| Failure::Unusable(e.to_string()))?,
            Format::Mermaid => mermaid::mermaid(map, language),
            Format::Cjml => cjml::planned(map, language),
            _ => bpmn::bpmn(map, language),
        })
    }

    async fn listed(
        &self,
        store: &Clickhouse,
        place: &Place,
        (map, asked): (&std::sync::Arc<MapVersions>, Asked),
        out: &mut Out,
    ) -> Result<(), Failure> {
        let of = beside::journeys(store, &place.config, map, asked, clock()).await?;
        let written = self.journeys(store, &of, out).await;
        let closed = of.close().await;
        written?;
        Ok(closed?)
    }

    async fn journeys(&self, store: &Clickhouse, of: &Journeys, out: &mut Out) -> Result<(), Failure> {
        let map = &of.reading.map;
        let language = Language::from(self.language).code();
        match self.format {
            Format::Xes => {
                out.write(&xes::head(&map.id))?;
                each(store, of, |journey| out.write(&xes::trace(journey))).await?;
                out.write(xes::TAIL)
            }
            Format::Ocel => {
                let (mut ocel, head) = Ocel::begin(map);
                out.write(&head)?;
                // Objects come first in the file; events wait beside it, so that both are of one look at the store.
                let aside = tempfile::tempfile().map_err(|e| unwritable(&std::env::temp_dir(), e))?;
                let mut events = BufWriter::new(aside);
                each(store, of, |journey| {
                    out.write(&ocel.objects(journey))?;
                    let text = ocel.events(journey);
                    events.write_all(text.as_bytes()).map_err(|e| unwritable(&std::env::temp_dir(), e))
                })
                .await?;
                out.write(Ocel::BETWEEN)?;
                let mut aside = events.into_inner().map_err(|e| Failure::Output(e.into_error()))?;
                aside.rewind()?;
                out.copy(&mut aside)?;
                out.write(Ocel::TAIL)
            }
            _ => {
                out.write(&cjml::head())?;
                let newest = map.newest();
                let version = |n: u32| map.versions.iter().find(|v| v.version == n).unwrap_or(newest);
                each(store, of, |journey| out.write(&cjml::actual(journey, version(journey.map_version), language)))
                    .await?;
                out.write(cjml::TAIL)
            }
        }
    }
}

/// Every journey, in pages of customers.
async fn each(
    store: &Clickhouse,
    of: &Journeys,
    mut take: impl FnMut(&ExportedJourney) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let scope = of.scope();
    let progress = bar(store.exported_counts(&scope).await?.journeys, "writing journeys", BarUnit::Count);
    let mut after: Option<(u8, String)> = None;
    loop {
        let page = store.exported(&scope, after.as_ref().map(|(b, c)| (*b, c.as_str()))).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.bucket, last.customer.clone()));
        for journey in &page {
            take(journey)?;
        }
        progress.inc(page.len() as u64);
    }
    progress.finish_and_clear();
    Ok(())
}

async fn comparison(
    store: &Clickhouse,
    place: &Place,
    (map, asked): (&std::sync::Arc<MapVersions>, Asked),
    out: &mut Out,
) -> Result<(), Failure> {
    let comparison = beside::comparison(store, &place.config, map, asked, clock()).await?;
    out.bytes(&super::compare::render(&comparison, map, Form::Xlsx, Language::English)?)
}
