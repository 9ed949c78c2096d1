//! `tropa run`: the configured sources through the pipeline, until told to stop or, with `--until-end`, until every
//! source is at its end.

use std::sync::Arc;

use clap::Args;
use tracing::info;

use super::store::Store;
use super::{Failure, Place, PlaceArgs};
use crate::decode::Decoding;
use crate::intake::{Sources, Starting};
use crate::orders::Desk;
use crate::pipeline::{self, Control, RunSummary};
use crate::serve::{self, Serving};
use crate::startup;
use crate::time::Timestamp;
use crate::warehouse::Writer;

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    place: PlaceArgs,
    /// Stop when every source has been read to the end it has now
    #[arg(long)]
    until_end: bool,
}

impl Run {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        for warning in &place.warnings {
            tracing::warn!("{warning}");
        }
        if let Some(file) = self.place.config_file() {
            place.remember_config(&file)?;
        }
        let summary = run_sources(&place, self.until_end).await?;
        info!(
            records = summary.records,
            events = summary.events,
            dead_letters = summary.dead_letters,
            as_of = summary.as_of.map(|t| t.to_string()),
            "stopped; everything taken is written and committed"
        );
        Ok(())
    }
}

/// Runs the sources of a config against its own store.
pub(super) async fn run_sources(place: &Place, until_end: bool) -> Result<RunSummary, Failure> {
    let store = Store::own(&place.config).await?;
    let result = run_on(&store, place, until_end).await;
    store.close().await;
    result
}

/// Runs the sources of a config against an open store.
pub(super) async fn run_on(store: &Store, place: &Place, until_end: bool) -> Result<RunSummary, Failure> {
    let mut stop = crate::shutdown::on_signal();
    let mut stages = tokio::select! {
        loaded = startup::load(&store.client, &place.config, &place.maps, &place.files, clock()) => loaded?,
        // Told to stop before the store has answered: nothing was taken, nothing is owed.
        _ = stop.wait_for(|stop| *stop) => return Ok(RunSummary::default()),
    };
    let _serving = take_orders(place, &mut stages).await?;
    let decoding = Decoding::new(place.config.clone(), place.identifier_key()?);
    let starting =
        Starting { config: &place.config, admit: Arc::new(decoding), positions: &stages.positions, until_end, clock };
    let mut sources = Sources::start(&starting).map_err(|e| Failure::Store(e.to_string()))?;
    store.client.forget_dead_letters(&sources.read_again()).await?;
    let control = Control { stop, refresh: place.config.refresh, clock };
    let writer = Writer::new((*store.client).clone(), stages.readings.clone());
    let summary = pipeline::run(&mut sources, Arc::new(writer), stages, control).await;
    sources.stop().await;
    Ok(summary?)
}

/// Opens a door for orders, on this machine only.
async fn take_orders(place: &Place, stages: &mut startup::Stages) -> Result<Serving, Failure> {
    let wrong = |e: &dyn std::fmt::Display| Failure::Store(e.to_string());
    let desk = Desk::default();
    desk.open_for(&mut stages.orders);
    super::place::create_dir(&place.config.data)?;
    let secret = serve::orders::secret(&place.config.data).map_err(|e| wrong(&e))?;
    let serving = serve::start(([127, 0, 0, 1], 0).into(), serve::orders::router(desk, &secret)).await;
    let serving = serving.map_err(|e| wrong(&e))?;
    serving.note_address(&place.config.data).map_err(|e| wrong(&e))?;
    Ok(serving)
}

pub(super) fn clock() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}
