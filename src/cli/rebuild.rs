//! `tropa rebuild`: history computed once more under a map. In: the map, perhaps a day, perhaps a version. Out: rows that
//! follow from the sets, by the process that holds the store while it goes on, or by this one; or, for one version, rows
//! beside those that are shown.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::orders::{day, not_taken};
use super::run::clock;
use super::store::Store;
use super::{Failure, Place, PlaceArgs, at_work};
use crate::journey::Mode;
use crate::map::MapVersions;
use crate::one_version;
use crate::orders::Progress;
use crate::progress::{BarUnit, bar};
use crate::serve::orders::{OrderError, ask_rebuild};
use crate::stage::reading::Reading;
use crate::startup;
use crate::time::Day;
use crate::warehouse::{Clickhouse, Writer};

/// How long a running process has to take over files that have changed.
const TAKE_OVER: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(super) struct Rebuild {
    /// Id of the map [default: the only one]
    #[arg(long, value_name = "ID")]
    map: Option<String>,
    /// All history under this version of the map, beside what is shown: `tropa compare --version N` shows it
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// Only customers with an event on this UTC day or later
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Rebuild {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        let from = self.from.as_deref().map(|text| day(Some(text))).transpose()?;
        let (_, map) = place.map(self.map.as_deref())?;
        let store = Store::reach(&place.config).await?;
        let done = match self.version {
            Some(version) => under_version(&store.client, &place, (map, version), from).await,
            None => as_shown(&store, &place, map, from).await,
        };
        store.close().await;
        println!("{}", done?);
        Ok(())
    }
}

/// By the process that holds the store, else here.
async fn as_shown(store: &Store, place: &Place, map: &Arc<MapVersions>, from: Option<Day>) -> Result<String, Failure> {
    let reading = Reading::new(map.clone(), Mode::Valid, &place.config);
    let progress = bar(0, "recomputing customers", BarUnit::Count);
    let hear = |heard: Progress| {
        progress.set_length(heard.of as u64);
        progress.set_position(heard.done as u64);
    };
    let began = std::time::Instant::now();
    let of = loop {
        let mut of = 0;
        let asked = ask_rebuild(&place.config.data, (&reading.id, from), |heard| {
            of = heard.of;
            hear(heard);
        });
        match asked.await {
            Ok(true) => break of,
            // Files that have just changed are taken over within seconds.
            Ok(false) if began.elapsed() < TAKE_OVER => tokio::time::sleep(Duration::from_millis(500)).await,
            Ok(false) => {
                return Err(Failure::Store(
                    "the process that holds the store computes with other journey files or another config\n  \
                     hint: its log says why it did not take over the changed ones"
                        .to_owned(),
                ));
            }
            Err(OrderError::Nobody) if store.is_ours() => {
                at_work::no_writer(place).await?;
                break here(&store.client, place, from).await?;
            }
            Err(OrderError::Nobody) => return Err(not_taken()),
            Err(other) => return Err(Failure::Store(other.to_string())),
        }
    };
    progress.finish_and_clear();
    // A new reading is shown once its figures are complete; for one that is shown already there is nothing to wait for.
    while !store.client.is_current(&reading).await? {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(format!("map {}: {of} customers are computed anew; shown with reading {}", map.id, reading.id))
}

/// No flow runs here: one that ends with the work.
async fn here(store: &Arc<Clickhouse>, place: &Place, from: Option<Day>) -> Result<usize, Failure> {
    let start = startup::load(store, &place.config, &place.maps, &place.files).await?;
    let writer = Writer::new((**store).clone(), start.readings.clone());
    Ok(startup::rebuild((store, writer), start, from, &place.files, clock).await?)
}

async fn under_version(
    store: &Arc<Clickhouse>,
    place: &Place,
    (map, version): (&Arc<MapVersions>, u32),
    from: Option<Day>,
) -> Result<String, Failure> {
    crate::beside::keyed_alike(store, &place.config).await?;
    let reading = crate::beside::of_version(&place.config, map, version)?;
    if from.is_some() && !store.is_current(&reading).await? {
        return Err(Failure::NotFound(format!(
            "version {version} of map `{}` has not been computed for all history with this config and these files yet\n  \
             hint: leave `--from` out once",
            map.id
        )));
    }
    let computed = one_version::compute(store, &place.config, reading, (from, &place.files), clock()).await?;
    let computed = computed.ok_or_else(|| Failure::from(crate::beside::BesideError::Empty))?;
    Ok(format!(
        "map {id}: {} customers are computed under version {version}, as of {}\n  \
         hint: `tropa compare --map {id} --version {version}` shows all of them; run this again for what comes later",
        computed.customers,
        computed.as_of,
        id = map.id
    ))
}
