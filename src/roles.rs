//! One stage in a process of its own. In: the role, an open store, the checked config. Out: the stage's loop between the
//! sources, the internal topics and the warehouse, until told to stop. Any number of ingest and journeys workers; one
//! identity writer, the others stand by. Who has what is Kafka's consumer groups' business.

mod identity;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;
use tracing::{info, warn};

use crate::config::{Config, RolesConfig};
use crate::event::Admit;
use crate::health::Health;
use crate::intake::{Sources, Starting, StoredPositions};
use crate::map::MapVersions;
use crate::orders::Desk;
use crate::pipeline::{Machine, PipelineError, ingest, journeys};
use crate::relay::{RelayError, TopicInlet, TopicOutlet, Wire, check};
use crate::source::SourceError;
use crate::stage::journeys::JourneysStage;
use crate::stage::reading::Reading;
use crate::stage::refold::Refold;
use crate::stage::{Announced, Cut, PositionRow, Positions};
use crate::startup;
use crate::telemetry::Telemetry;
use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, WarehouseError, Writer};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Ingest,
    Identity,
    Journeys,
}

/// How a role is told to end.
pub struct Ending {
    /// What was taken is settled first.
    pub stop: watch::Receiver<bool>,
    /// The time for that is over: the rest is left to whoever comes next.
    pub over: watch::Receiver<bool>,
}

/// How a role has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    Settled,
    OutOfTime,
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

/// How long a group may take to let a member go that is out of time.
const LEAVING: std::time::Duration = std::time::Duration::from_secs(5);

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

/// What work gives; `None`: the process was told first, and the work is dropped where it stood.
async fn until<T>(
    told: &watch::Receiver<bool>,
    work: impl Future<Output = Result<T, RoleError>>,
) -> Result<Option<T>, RoleError> {
    let mut told = told.clone();
    tokio::select! {
        done = work => done.map(Some),
        // A closed channel is no wish.
        true = async { told.wait_for(|told| *told).await.is_ok() } => Ok(None),
    }
}

/// Leaves the group, so that others need not wait for a time-out; out of time, not for long.
async fn leave<T: Wire>(inlet: TopicInlet<T>, settled: bool) {
    if settled {
        inlet.leave().await;
    } else if tokio::time::timeout(LEAVING, inlet.leave()).await.is_err() {
        warn!("Kafka does not answer the leave; the group gives the partitions on after its session time-out");
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
        ending: Ending,
    ) -> Result<Left, RoleError> {
        let beginning = async {
            // Before this process stores anything; a store that has nothing yet is noted as it will be.
            startup::rekey(self.store, self.config).await?;
            Ok::<(), RoleError>(check(self.roles, self.cut().await?).await?)
        };
        if until(&ending.stop, beginning).await?.is_none() {
            // Nothing was taken, nothing is owed.
            return Ok(Left::Settled);
        }
        match role {
            Role::Ingest => self.ingest(admit, until_end, ending).await,
            Role::Identity => self.identity(desk, ending).await,
            Role::Journeys => self.journeys(ending).await,
        }
    }

    async fn ingest(
        &self,
        admit: Arc<dyn Admit>,
        until_end: bool,
        Ending { stop, over }: Ending,
    ) -> Result<Left, RoleError> {
        let loading = async {
            let positions = Positions::load(self.store.stored_positions(self.config).await?);
            Ok::<_, RoleError>((positions, startup::known(self.store).await?))
        };
        let Some((positions, known)) = until(&stop, loading).await? else { return Ok(Left::Settled) };
        let (_known, outside) = watch::channel(Arc::new(known));
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
        let taking = async {
            let (known, told) = ((positions, outside, None), (stop, (self.telemetry(), self.clock)));
            Ok::<_, RoleError>(ingest::run(&mut sources, &writer, &mut out, known, told).await?)
        };
        let run = until(&over, taking).await;
        if matches!(run, Ok(None)) {
            sources.abandon().await;
            return Ok(Left::OutOfTime);
        }
        sources.stop().await;
        if let Some(done) = run? {
            info!(records = done.records, events = done.events, "ingest has stopped; everything taken is announced");
        }
        Ok(Left::Settled)
    }

    /// Owns slices of the customers as they are cut now; when they are cut anew, what was taken is written first.
    async fn journeys(&self, Ending { mut stop, over }: Ending) -> Result<Left, RoleError> {
        let mut rows = 0;
        while let Some(cut) = until(&stop, self.cut()).await? {
            let (end, ended) = watch::channel(*stop.borrow());
            let owning = self.slices(cut, Ending { stop: ended, over: over.clone() });
            tokio::pin!(owning);
            let (written, goes_on) = tokio::select! {
                done = &mut owning => (done?, false),
                _ = stop.wait_for(|stop| *stop) => {
                    end.send_replace(true);
                    (owning.await?, false)
                }
                anew = self.cut_anew(cut) => {
                    let Cut { slices, .. } = anew?;
                    info!(slices, before = cut.slices, "the customers are cut anew");
                    end.send_replace(true);
                    (owning.await?, true)
                }
            };
            let Some(written) = written else { return Ok(Left::OutOfTime) };
            rows += written;
            if !goes_on {
                break;
            }
        }
        info!(rows, "the journeys worker has stopped; everything it was told is written");
        Ok(Left::Settled)
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

    /// Computes what is announced, with the readings it is announced with; the number of rows. `None`: out of time.
    async fn slices(&self, cut: Cut, Ending { stop, over }: Ending) -> Result<Option<u64>, RoleError> {
        let (topic, group) = (self.roles.customers_topic(cut.since), self.roles.journeys_group(cut.since));
        let watched = (self.health.clone(), self.clock);
        let place = (&*topic, &*group, cut.since);
        let mut inlet = TopicInlet::new(self.config.clone(), self.roles, place, Arc::from(""), watched)?;
        let done = until(&over, self.computes(&mut inlet, cut, stop)).await;
        leave(inlet, !matches!(done, Ok(None))).await;
        done
    }

    async fn computes(
        &self,
        inlet: &mut TopicInlet<Announced>,
        cut: Cut,
        stop: watch::Receiver<bool>,
    ) -> Result<u64, RoleError> {
        let mut readings: Vec<Reading> = Vec::new();
        let mut rows = 0;
        loop {
            let shared = Arc::new(std::mem::take(&mut readings));
            let writer = Arc::new(Writer::new(self.store.clone(), shared.clone()));
            let outside = Arc::new(self.store.outside().await?);
            let refold = Refold::new(self.config.clone(), shared, outside, None);
            let stage = JourneysStage::new(refold, self.config.cache_bytes);
            let (slices, told) = ((cut, None), (stop.clone(), self.telemetry()));
            rows += journeys::run(&self.machine(), writer, inlet, stage, slices, told).await?.customers;
            let Some(inputs) = inlet.other().filter(|_| !*stop.borrow()).cloned() else { return Ok(rows) };
            readings = self.readings(&inputs).await?;
            info!(readings = &*inputs, "going on with what is announced now");
            inlet.begin(inputs, cut.since);
        }
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
