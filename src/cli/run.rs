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
use crate::pipeline::RunSummary;
use crate::roles::{self, Role};
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
    /// Run one stage only, over the internal topics of the config's `roles:`; left out: all of them in this process
    #[arg(long, value_enum)]
    role: Option<RoleArg>,
}

/// A stage in a process of its own.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum RoleArg {
    /// Read the sources, store events, announce them; any number of workers
    Ingest,
    /// Find out who is who; one writer, further ones stand by
    Identity,
    /// Assemble journeys and count them; any number of workers up to `roles.partitions`
    Journeys,
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
        if let Some(role) = self.role {
            return run_role(&place, role, self.until_end).await;
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

/// Runs one stage until it is told to stop.
async fn run_role(place: &Place, role: RoleArg, until_end: bool) -> Result<(), Failure> {
    let Some(roles) = &place.config.roles else {
        let help = "hint: add `roles: { brokers: kafka:9092 }` to the config, and run `tropa migrate` once";
        return Err(Failure::Unusable(format!("`--role` needs the section `roles:` of the config\n  {help}")));
    };
    if matches!(place.config.warehouse, crate::config::WarehouseConfig::Embedded { .. }) {
        let help = "hint: name a ClickHouse server under `warehouse:`, or leave `--role` out";
        return Err(Failure::Unusable(format!("roles share a warehouse, and the embedded one is one process's\n  {help}")));
    }
    let stop = crate::shutdown::on_signal();
    let store = Store::own(&place.config).await?;
    let decoding = Arc::new(Decoding::new(place.config.clone(), place.identifier_key()?));
    let (config, maps, files) = (&place.config, &place.maps, &place.files);
    let stage = roles::Place { store: &store.client, config, roles, maps, files, clock };
    let role = match role {
        RoleArg::Ingest => Role::Ingest,
        RoleArg::Identity => Role::Identity,
        RoleArg::Journeys => Role::Journeys,
    };
    let done = stage.run(role, (decoding, until_end), stop).await;
    store.close().await;
    done.map_err(|e| Failure::Store(e.to_string()))
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
    let mut start = tokio::select! {
        loaded = startup::load(&store.client, &place.config, &place.maps, &place.files) => loaded?,
        // Told to stop before the store has answered: nothing was taken, nothing is owed.
        _ = stop.wait_for(|stop| *stop) => return Ok(RunSummary::default()),
    };
    let _serving = take_orders(place, &mut start).await?;
    let decoding = Decoding::new(place.config.clone(), place.identifier_key()?);
    let starting =
        Starting { config: &place.config, admit: Arc::new(decoding), positions: &start.stages.positions, until_end, clock, shared: None };
    let mut sources = Sources::start(&starting).map_err(|e| Failure::Store(e.to_string()))?;
    store.client.forget_dead_letters(&sources.read_again()).await?;
    let writer = Writer::new((*store.client).clone(), start.readings.clone());
    let told = (stop, clock as fn() -> Timestamp);
    let summary = startup::run(&store.client, (&mut sources, writer), start, &place.files, told).await;
    sources.stop().await;
    Ok(summary?)
}

/// Opens a door for orders, on this machine only.
async fn take_orders(place: &Place, start: &mut startup::Start) -> Result<Serving, Failure> {
    let wrong = |e: &dyn std::fmt::Display| Failure::Store(e.to_string());
    let desk = Desk::default();
    desk.open_for(&mut start.stages.identity.orders);
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
