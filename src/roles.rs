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
use crate::orders::Desk;
use crate::pipeline::{Machine, PipelineError, identity, ingest, journeys};
use crate::relay::{RelayError, TopicInlet, TopicOutlet, check, wait_until_committed};
use crate::source::SourceError;
use crate::stage::journeys::JourneysStage;
use crate::stage::reading::Reading;
use crate::stage::refold::Refold;
use crate::stage::{Cut, Inlet, Notice, PositionRow, Positions};
use crate::startup::{self, Start};
use crate::telemetry::Telemetry;
use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, Standby, WarehouseError, Writer};

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

/// How often a process that stands by looks what is new.
const STANDING_BY: std::time::Duration = std::time::Duration::from_secs(5);

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
    /// Runs a role until it is told to stop. `admit`: how ingest decodes; `until_end`: ingest ends with its sources;
    /// `desk`: where the identity writer takes orders.
    pub async fn run(
        &self,
        role: Role,
        (admit, until_end): (Arc<dyn Admit>, bool),
        desk: &Desk,
        stop: watch::Receiver<bool>,
    ) -> Result<(), RoleError> {
        // Before this process stores anything; a store that has nothing yet is noted as it will be.
        startup::rekey(self.store, self.config).await?;
        check(self.roles, self.cut().await?).await?;
        match role {
            Role::Ingest => self.ingest(admit, until_end, stop).await,
            Role::Identity => self.identity(desk, stop).await,
            Role::Journeys => self.journeys(stop).await,
        }
    }

    async fn ingest(
        &self,
        admit: Arc<dyn Admit>,
        until_end: bool,
        stop: watch::Receiver<bool>,
    ) -> Result<(), RoleError> {
        let positions = Positions::load(self.store.stored_positions(self.config).await?);
        let (_known, outside) = watch::channel(Arc::new(startup::known(self.store).await?));
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
        let mut out = TopicOutlet::new(self.config.clone(), self.roles, topic, self.fingerprint())?;
        let writer = Writer::new(self.store.clone(), Arc::default());
        let run = ingest::run(
            &mut sources,
            &writer,
            &mut out,
            (positions, outside, None),
            (stop, (self.telemetry(), self.clock)),
        )
        .await;
        sources.stop().await;
        let done = run?;
        info!(records = done.records, events = done.events, "ingest has stopped; everything taken is announced");
        Ok(())
    }

    /// One stand after the other: each begins when the notices are this process's to read, and ends when they are not any
    /// more, when another reading is shown, or with the process.
    async fn identity(&self, desk: &Desk, mut stop: watch::Receiver<bool>) -> Result<(), RoleError> {
        let (topic, group) = (self.roles.identity_topic(), self.roles.writer_group());
        let watched = (self.health.clone(), self.clock);
        let inlet = TopicInlet::new(self.config.clone(), self.roles, (&topic, &group, 0), self.fingerprint(), watched)?;
        let mut inlet = inlet.ending_with_loss();
        let standby = Standby::default();
        let mut look = tokio::time::interval(STANDING_BY);
        let done = loop {
            if *stop.borrow() {
                break Ok(());
            }
            if !inlet.holds_any() {
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => {}
                    heard = inlet.poll() => if let Err(error) = heard { break Err(error.into()) },
                    _ = look.tick() => if let Err(error) = standby.catch_up(self.store, self.config).await {
                        break Err(error.into());
                    }
                }
                continue;
            }
            if let Err(error) = self.stand(&mut inlet, (desk, &standby), stop.clone()).await {
                break Err(error);
            }
        };
        inlet.leave().await;
        done?;
        info!("the identity writer has stopped; everything it was told is announced");
        Ok(())
    }

    async fn stand(
        &self,
        inlet: &mut TopicInlet<Notice>,
        (desk, standby): (&Desk, &Standby),
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), RoleError> {
        let mut start = startup::load(self.store, self.config, self.maps, self.files).await?;
        let computes_more = start.computes_more(self.maps);
        let ids = || start.readings.iter().map(|r| r.id.clone());
        let inputs: Arc<str> = ids().collect::<Vec<_>>().join(" ").into();
        let (hasten, hurry) = watch::channel(*stop.borrow());
        desk.open_for(&mut start.stages.identity.orders, ids());
        start.stages.identity.hurry = hurry;
        // Read after the notices are ours: a newer cut is told by a notice that comes later.
        let cut = self.cut().await?;
        let customers = (self.roles.customers_topic(cut.since), cut.slices);
        let mut out = TopicOutlet::new(self.config.clone(), self.roles, customers, inputs)?;
        let upto = out.upto();
        let Start { stages, readings, new, .. } = start;
        let writer = Writer::new(self.store.clone(), readings.clone()).taking_over(standby.clone());
        let (swept, mut has_swept) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let (host, telemetry) = (self.machine(), self.telemetry());
        let showing = async {
            // An error of the loop ends the wait as well, and is told by it.
            if has_swept.wait_for(|swept| *swept).await.is_ok() && !new.is_empty() {
                wait_until_committed(self.roles, cut, &upto).await?;
                startup::show(self.store, &readings, &new, self.files).await?;
                if computes_more {
                    return Ok::<(), RoleError>(());
                }
            }
            std::future::pending().await
        };
        let ending = async {
            let shown = tokio::select! {
                shown = showing => shown,
                _ = stop.wait_for(|stop| *stop) => Ok(()),
            };
            hasten.send_replace(true);
            end.send_replace(true);
            shown
        };
        inlet.begin(self.fingerprint(), cut.since);
        let running =
            identity::run(&host, &writer, (&mut *inlet, &mut out), stages.identity, (ended, swept), &telemetry);
        tokio::pin!(running, ending);
        tokio::select! {
            run = &mut running => run?,
            told = &mut ending => {
                running.await?;
                told?;
            }
        }
        Ok(())
    }

    /// Owns slices of the customers as they are cut now; when they are cut anew, what was taken is written first.
    async fn journeys(&self, mut stop: watch::Receiver<bool>) -> Result<(), RoleError> {
        let mut rows = 0;
        let mut going = true;
        while going {
            let cut = self.cut().await?;
            let (end, ended) = watch::channel(*stop.borrow());
            let owning = self.slices(cut, ended);
            tokio::pin!(owning);
            tokio::select! {
                done = &mut owning => {
                    rows += done?;
                    going = false;
                }
                _ = stop.wait_for(|stop| *stop) => {
                    end.send_replace(true);
                    rows += owning.await?;
                    going = false;
                }
                anew = self.cut_anew(cut) => {
                    let Cut { slices, .. } = anew?;
                    info!(slices, before = cut.slices, "the customers are cut anew");
                    end.send_replace(true);
                    rows += owning.await?;
                }
            }
        }
        info!(rows, "the journeys worker has stopped; everything it was told is written");
        Ok(())
    }

    /// How the customers are cut now.
    async fn cut(&self) -> Result<Cut, RoleError> {
        let found = self.store.cut(&self.roles.prefix).await?;
        Ok(found.ok_or_else(|| RelayError::NoTopic { topic: self.roles.customers_topic(0) })?)
    }

    /// Waits for another cut than this.
    async fn cut_anew(&self, known: Cut) -> Result<Cut, RoleError> {
        loop {
            tokio::time::sleep(self.machine().tick).await;
            let cut = self.cut().await?;
            if cut != known {
                return Ok(cut);
            }
        }
    }

    /// Computes what is announced, with the readings it is announced with; the number of rows.
    async fn slices(&self, cut: Cut, stop: watch::Receiver<bool>) -> Result<u64, RoleError> {
        let (topic, group) = (self.roles.customers_topic(cut.since), self.roles.journeys_group(cut.since));
        let watched = (self.health.clone(), self.clock);
        let place = (&*topic, &*group, cut.since);
        let mut inlet = TopicInlet::new(self.config.clone(), self.roles, place, Arc::from(""), watched)?;
        let mut readings: Vec<Reading> = Vec::new();
        let mut rows = 0;
        let done = loop {
            let shared = Arc::new(std::mem::take(&mut readings));
            let writer = Arc::new(Writer::new(self.store.clone(), shared.clone()));
            let outside = Arc::new(self.store.outside().await?);
            let refold = Refold::new(self.config.clone(), shared, outside, None);
            let stage = JourneysStage::new(refold, self.config.cache_bytes);
            let (slices, told) = ((cut, None), (stop.clone(), self.telemetry()));
            match journeys::run(&self.machine(), writer, &mut inlet, stage, slices, told).await {
                Ok(done) => rows += done.customers,
                Err(error) => break Err(RoleError::from(error)),
            }
            let Some(inputs) = inlet.other().filter(|_| !*stop.borrow()).cloned() else { break Ok(()) };
            match self.readings(&inputs).await {
                Ok(found) => readings = found,
                Err(error) => break Err(error),
            }
            info!(readings = &*inputs, "going on with what is announced now");
            inlet.begin(inputs, cut.since);
        };
        inlet.leave().await;
        done?;
        Ok(rows)
    }

    /// Readings by their ids, as the writer noted them: nothing is read from journey files here (I12).
    async fn readings(&self, ids: &str) -> Result<Vec<Reading>, RoleError> {
        let mut readings = Vec::new();
        for id in ids.split_whitespace() {
            let found = self.store.reading(id, self.config).await?;
            readings.push(found.ok_or_else(|| RelayError::UnknownReading { found: id.to_owned() })?);
        }
        Ok(readings)
    }

    fn fingerprint(&self) -> Arc<str> {
        Arc::from(&*self.config.fingerprint)
    }

    fn telemetry(&self) -> Telemetry {
        Telemetry::new(self.health.clone(), self.config)
    }

    fn machine(&self) -> Machine {
        Machine { clock: self.clock, tick: self.config.refresh.min(crate::pipeline::TICK) }
    }
}
