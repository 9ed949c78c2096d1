//! One stage in a process of its own. In: the role, an open store, the checked config. Out: the stage's loop between the
//! sources, the internal topics and the warehouse, until told to stop. Any number of ingest and journeys workers; one
//! identity writer, the others stand by. Who has what is Kafka's consumer groups' business.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;
use tracing::info;

use crate::config::{Config, RolesConfig};
use crate::event::Admit;
use crate::health::Health;
use crate::intake::{Sources, Starting, StoredPositions};
use crate::map::MapVersions;
use crate::pipeline::{Machine, PipelineError, identity, ingest, journeys};
use crate::relay::{RelayError, TopicInlet, TopicOutlet, check, wait_until_committed};
use crate::source::SourceError;
use crate::stage::PositionRow;
use crate::stage::journeys::JourneysStage;
use crate::startup::{self, Start};
use crate::telemetry::Telemetry;
use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, WarehouseError, Writer};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Ingest,
    Identity,
    Journeys,
}

#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// What every role is run with.
pub struct Place<'a> {
    pub store: &'a Clickhouse,
    pub config: &'a Arc<Config>,
    pub roles: &'a RolesConfig,
    pub maps: &'a [Arc<MapVersions>],
    /// Names and texts of the journey files.
    pub files: &'a [(String, String)],
    pub clock: fn() -> Timestamp,
    pub health: &'a Health,
}

/// Looks at the stored positions whenever a partition is taken over.
struct Stored(Clickhouse, Arc<Config>);

impl StoredPositions for Stored {
    fn now(&self) -> Pin<Box<dyn Future<Output = Result<Vec<PositionRow>, String>> + Send>> {
        let (store, config) = (self.0.clone(), self.1.clone());
        Box::pin(async move { store.stored_positions(&config).await.map_err(|e| e.to_string()) })
    }
}

impl Place<'_> {
    /// Runs a role until it is told to stop. `admit`: how ingest decodes; `until_end`: ingest ends with its sources.
    pub async fn run(
        &self,
        role: Role,
        (admit, until_end): (Arc<dyn Admit>, bool),
        stop: watch::Receiver<bool>,
    ) -> Result<(), RoleError> {
        check(self.roles).await?;
        let start = startup::load(self.store, self.config, self.maps, self.files).await?;
        let ids: Vec<&str> = start.readings.iter().map(|r| &*r.id).collect();
        let reading: Arc<str> = ids.join(" ").into();
        match role {
            Role::Ingest => self.ingest(start, reading, admit, until_end, stop).await,
            Role::Identity => self.identity(start, reading, stop).await,
            Role::Journeys => self.journeys(start, reading, stop).await,
        }
    }

    async fn ingest(
        &self,
        start: Start,
        reading: Arc<str>,
        admit: Arc<dyn Admit>,
        until_end: bool,
        stop: watch::Receiver<bool>,
    ) -> Result<(), RoleError> {
        let (positions, outside) = (start.stages.positions, start.stages.identity.outside.subscribe());
        let shared: Arc<dyn StoredPositions> = Arc::new(Stored(self.store.clone(), self.config.clone()));
        let (config, clock) = (self.config, self.clock);
        let starting = Starting {
            config,
            admit,
            positions: &positions,
            until_end,
            clock,
            health: self.health.clone(),
            shared: Some(shared),
        };
        let mut sources = Sources::start(&starting)?;
        let topic = (self.roles.identity_topic(), 1);
        let mut out = TopicOutlet::new(self.config.clone(), self.roles, topic, reading)?;
        let writer = Writer::new(self.store.clone(), start.readings);
        let run =
            ingest::run(&mut sources, &writer, &mut out, (positions, outside), (stop, (self.telemetry(), self.clock)))
                .await;
        sources.stop().await;
        let done = run?;
        info!(records = done.records, events = done.events, "ingest has stopped; everything taken is announced");
        Ok(())
    }

    async fn identity(&self, start: Start, reading: Arc<str>, stop: watch::Receiver<bool>) -> Result<(), RoleError> {
        let (topic, group) = (self.roles.identity_topic(), self.roles.writer_group());
        let watched = || (self.health.clone(), self.clock);
        let mut inlet = TopicInlet::new(self.config.clone(), self.roles, (&topic, &group), reading.clone(), watched())?;
        let customers = (self.roles.customers_topic(), self.roles.partitions);
        let mut out = TopicOutlet::new(self.config.clone(), self.roles, customers, reading)?;
        let upto = out.upto();
        let Start { stages, readings, new } = start;
        let writer = Writer::new(self.store.clone(), readings.clone());
        let (started, mut has_started) = watch::channel(false);
        let (host, telemetry) = (self.machine(), self.telemetry());
        let showing = async {
            // An error of the loop ends the wait as well, and is told by it.
            if has_started.wait_for(|started| *started).await.is_err() || new.is_empty() {
                return Ok(());
            }
            wait_until_committed(self.roles, &upto).await?;
            Ok::<(), RoleError>(startup::show(self.store, &readings, &new, self.files).await?)
        };
        let mut stopped = stop.clone();
        let running =
            identity::run(&host, &writer, (&mut inlet, &mut out), stages.identity, (stop, started), &telemetry);
        tokio::pin!(showing);
        let shown = async {
            tokio::select! {
                shown = &mut showing => shown,
                _ = stopped.wait_for(|stop| *stop) => Ok(()),
            }
        };
        let (run, shown) = tokio::join!(running, shown);
        inlet.leave().await;
        run?;
        shown?;
        info!("the identity writer has stopped; everything it was told is announced");
        Ok(())
    }

    async fn journeys(&self, start: Start, reading: Arc<str>, stop: watch::Receiver<bool>) -> Result<(), RoleError> {
        let (topic, group) = (self.roles.customers_topic(), self.roles.journeys_group());
        let watched = || (self.health.clone(), self.clock);
        let mut inlet = TopicInlet::new(self.config.clone(), self.roles, (&topic, &group), reading, watched())?;
        let writer = Arc::new(Writer::new(self.store.clone(), start.readings));
        let stage = JourneysStage::new(start.stages.refold, self.config.cache_bytes);
        let slices = (self.roles.partitions, None);
        let run = journeys::run(&self.machine(), writer, &mut inlet, stage, slices, (stop, self.telemetry())).await;
        inlet.leave().await;
        let done = run?;
        info!(rows = done.customers, "the journeys worker has stopped; everything it was told is written");
        Ok(())
    }

    fn telemetry(&self) -> Telemetry {
        Telemetry::new(self.health.clone(), self.config)
    }

    fn machine(&self) -> Machine {
        Machine { clock: self.clock, tick: self.config.refresh.min(crate::pipeline::TICK) }
    }
}
