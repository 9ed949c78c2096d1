//! One reading of the files, from the loaded store to the last commit: all stages, or one of them as a role. In: an open
//! store, a place, who may end it. Out: the tables, and how it ended.

use std::sync::Arc;

use tokio::sync::watch;
use tracing::{info, warn};

use super::run::{Doors, clock};
use super::store::Store;
use super::{Failure, Place, at_work, grace, unversioned};
use crate::decode::{Decoding, IdentifierKey};
use crate::follow;
use crate::health::Condition;
use crate::intake::{Sources, Starting};
use crate::pipeline::RunSummary;
use crate::roles::{self, Ending, Left, Role};
use crate::shutdown::{self, Signals};
use crate::startup;
use crate::telemetry::Telemetry;
use crate::time::Timestamp;
use crate::warehouse::{Clickhouse, Writer};

/// How a round ended.
pub(super) enum Ended {
    Done(RunSummary),
    /// A stage by itself; it has said what it did.
    Role,
    /// Told to stop, and the time for it was over.
    OutOfTime,
}

impl Ended {
    pub fn say(self) {
        match self {
            Self::Done(summary) => info!(
                records = summary.records,
                events = summary.events,
                dead_letters = summary.dead_letters,
                as_of = summary.as_of.map(|t| t.to_string()),
                "stopped; everything taken is written and committed"
            ),
            Self::Role => {}
            Self::OutOfTime => {
                warn!(
                    "stopped; what the warehouse had not acknowledged is not committed: the next start reads it again"
                );
            }
        }
    }
}

/// Runs the sources of a config against its own store, for a command that ends by itself.
pub(super) async fn run_sources(place: &Place, until_end: bool) -> Result<RunSummary, Failure> {
    let store = Store::own(&place.config).await?;
    let result = match at_work::nobody(&store, place).await {
        Ok(()) => run_on(&store, place, until_end).await,
        Err(others) => Err(others),
    };
    store.close().await;
    result
}

/// Runs the sources of a config against an open store.
pub(super) async fn run_on(store: &Store, place: &Place, until_end: bool) -> Result<RunSummary, Failure> {
    let signals = shutdown::listen();
    let doors = Doors::default();
    let (told, switched) = (signals.stop.clone(), watch::channel(false).0);
    let round = Round { store, place, until_end, task: Task::All, doors: &doors, signals: &signals, told, switched };
    match round.run().await? {
        Ended::Done(summary) => Ok(summary),
        Ended::Role | Ended::OutOfTime => Err(Failure::Store(
            "stopped before everything was written\n  hint: run the command again; what is stored already is not counted twice"
                .to_owned(),
        )),
    }
}

/// What a process is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Task {
    /// Every stage, and the doors.
    All,
    /// One stage, over the internal topics.
    Stage(Role),
    /// The doors alone.
    Serve,
}

/// One reading of the files.
pub(super) struct Round<'a> {
    pub store: &'a Store,
    pub place: &'a Place,
    pub until_end: bool,
    pub task: Task,
    pub doors: &'a Doors,
    pub signals: &'a Signals,
    /// Turns true when this round shall end, whether or not the process does.
    pub told: watch::Receiver<bool>,
    /// Turns true when a reading is shown that replaces one which was computed until then.
    pub switched: watch::Sender<bool>,
}

impl Round<'_> {
    pub async fn run(self) -> Result<Ended, Failure> {
        let (client, config, maps) = (&self.store.client, &self.place.config, &self.place.maps);
        if !matches!(self.task, Task::Stage(_)) {
            self.doors.pages.show((**client).clone(), config.clone(), maps.clone(), clock);
        }
        if matches!(self.task, Task::Stage(Role::Ingest | Role::Journeys) | Task::Serve) {
            self.doors.desk.close(NO_ORDERS);
        }
        match self.task {
            Task::All => self.all().await,
            Task::Stage(role) => self.one(role).await,
            Task::Serve => Ok(self.doors_alone().await),
        }
    }

    /// Its doors are open; there is nothing else to do.
    async fn doors_alone(self) -> Ended {
        self.doors.health.clear(&Condition::Starting);
        // A closed channel ends the process as well.
        either(self.signals.stop.clone(), self.told).wait_for(|stop| *stop).await.ok();
        Ended::Role
    }

    /// One stage, over the internal topics.
    async fn one(self, role: Role) -> Result<Ended, Failure> {
        let Self { store, place, until_end, doors: Doors { health, desk, .. }, signals, told, .. } = self;
        let stop = either(signals.stop.clone(), told);
        // A changed config may have lost it.
        let roles = place.config.roles.as_ref().ok_or_else(without_roles)?;
        health.clear(&Condition::Starting);
        let (config, maps, files) = (&place.config, &place.maps, &place.files);
        // The names of sources are this round's, not those that the process began with.
        let client = store.client.with_config(config).watched_by(health.clone());
        let key = if role == Role::Ingest {
            let mut told = stop.clone();
            tokio::select! {
                key = place.key_of(&client) => key?,
                // Nothing was taken, nothing is owed.
                _ = told.wait_for(|told| *told) => return Ok(Ended::Role),
            }
        } else {
            // It decodes nothing.
            IdentifierKey::raw()
        };
        let decoding = Arc::new(Decoding::new(config.clone(), key));
        let stage = roles::Place { store: &client, config, roles, maps, files, clock, health };
        if role == Role::Identity {
            let mut told = stop.clone();
            tokio::select! {
                () = warn_of_unversioned(&client, place) => {}
                _ = told.wait_for(|told| *told) => {}
            }
        }
        let (tell, over) = watch::channel(false);
        let running = stage.run(role, (decoding, until_end), desk, Ending { stop, over });
        tokio::pin!(running);
        let left = tokio::select! {
            left = &mut running => left,
            () = grace::over(signals.stop.clone(), config.grace, health) => {
                tell.send_replace(true);
                running.await
            }
        };
        match left.map_err(|e| Failure::Store(e.to_string()))? {
            Left::Settled => Ok(Ended::Role),
            Left::OutOfTime => Ok(Ended::OutOfTime),
        }
    }

    async fn all(self) -> Result<Ended, Failure> {
        let Self { store, place, until_end, doors, signals, told, switched, .. } = self;
        let Doors { health, desk, .. } = doors;
        let config = &place.config;
        let client = store.client.with_config(config).watched_by(health.clone());
        let (mut stop, mut end) = (signals.stop.clone(), told.clone());
        let loading = async {
            no_role(store, place).await?;
            warn_of_unversioned(&client, place).await;
            Ok::<_, Failure>(startup::load(&client, config, &place.maps, &place.files).await?)
        };
        let mut start = tokio::select! {
            loaded = loading => loaded?,
            // Told to stop before the store has answered: nothing was taken, nothing is owed.
            _ = stop.wait_for(|stop| *stop) => return Ok(Ended::Done(RunSummary::default())),
            _ = end.wait_for(|end| *end) => return Ok(Ended::Done(RunSummary::default())),
        };
        desk.open_for(&mut start.stages.identity.orders, start.readings.iter().map(|r| r.id.clone()));
        let decoding = Decoding::new(config.clone(), place.key_of(&client).await?);
        let admit = Arc::new(decoding);
        let starting = Starting {
            config,
            admit,
            positions: &start.stages.positions,
            until_end,
            clock,
            health: health.clone(),
            shared: None,
        };
        let mut sources = Sources::start(&starting).map_err(|e| Failure::Store(e.to_string()))?;
        client.forget_dead_letters(&sources.read_again()).await?;
        health.clear(&Condition::Starting);
        let telemetry = Telemetry::new(health.clone(), config);
        let told = (either(signals.stop.clone(), told), clock as fn() -> Timestamp, telemetry);
        let writer = Writer::new(client.clone(), start.readings.clone());
        if start.computes_more(&place.maps) {
            start.switched = switched;
        }
        let _stale = follow::stale(client.clone(), config.clone(), start.readings.clone(), health.clone());
        let _coverage = follow::coverage(client.clone(), config.refresh, health.clone());
        let summary = tokio::select! {
            summary = startup::run(&client, (&mut sources, writer), start, &place.files, told) => summary,
            () = grace::over(signals.stop.clone(), config.grace, health) => {
                sources.abandon().await;
                return Ok(Ended::OutOfTime);
            }
        };
        sources.stop().await;
        Ok(Ended::Done(summary?))
    }
}

/// Waits until it is known whether roles work on the store; refuses where they do.
async fn no_role(store: &Store, place: &Place) -> Result<(), Failure> {
    let mut said = false;
    loop {
        match at_work::no_role(store, place).await {
            Err(Failure::Store(why)) => {
                if !std::mem::replace(&mut said, true) {
                    warn!("{why}\n  it is asked again every {} s", ASK_AGAIN.as_secs());
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
            known => return known,
        }
    }
}

/// Before a new reading takes the place of the one that is shown.
async fn warn_of_unversioned(client: &Clickhouse, place: &Place) {
    // Why the store cannot be asked is told by whoever needs it.
    for text in unversioned::found(client, &place.maps).await.unwrap_or_default() {
        warn!("{text}");
    }
}

/// While it is not known who works on the store.
const ASK_AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

/// What a process of another role than `identity` answers to an order.
const NO_ORDERS: &str = "a process of this role takes no orders; the active identity process does, whose \
     `tropa_identity_writer` is 1";

/// What a stage by itself lacks.
pub(super) fn without_roles() -> Failure {
    let help = "hint: add `roles: { brokers: kafka:9092 }` to the config, and run `tropa migrate` once";
    Failure::Unusable(format!("`--role` needs the section `roles:` of the config\n  {help}"))
}

/// True once one of them is.
fn either(mut one: watch::Receiver<bool>, mut other: watch::Receiver<bool>) -> watch::Receiver<bool> {
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        // A closed channel is no wish.
        let one = async { one.wait_for(|b| *b).await.is_ok() };
        let other = async { other.wait_for(|b| *b).await.is_ok() };
        tokio::select! {
            true = one => {}
            true = other => {}
            () = tell.closed() => {}
            else => return,
        }
        tell.send_replace(true);
        tell.closed().await;
    });
    told
}
