//! `tropa run`: the configured sources through the pipeline, until told to stop or, with `--until-end`, until every
//! source is at its end. A changed journey file or config, once it is checked, ends one round and begins the next.

use std::sync::Arc;

use clap::Args;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::reload::Watched;
use super::round::{Ended, Round, Task, without_roles};
use super::store::Store;
use super::{Failure, Place, PlaceArgs};
use crate::config::WarehouseConfig;
use crate::health::{Condition, Health};
use crate::orders::Desk;
use crate::pages::Pages;
use crate::roles::Role;
use crate::serve::{self, Serving};
use crate::shutdown::{self, Signals};
use crate::time::Timestamp;

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
    /// Find out who is who, and take orders; one writer, further ones stand by
    Identity,
    /// Assemble journeys and count them; any number of workers up to `roles.partitions`
    Journeys,
    /// Show the maps as pages; any number of workers
    Serve,
}

impl RoleArg {
    const fn task(self) -> Task {
        match self {
            Self::Ingest => Task::Stage(Role::Ingest),
            Self::Identity => Task::Stage(Role::Identity),
            Self::Journeys => Task::Stage(Role::Journeys),
            Self::Serve => Task::Serve,
        }
    }
}

/// What a process shows and takes beside its stream.
#[derive(Clone, Default)]
pub(super) struct Doors {
    pub health: Health,
    pub desk: Desk,
    pub pages: Pages,
}

impl Run {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let place = self.place.load()?;
        for warning in &place.warnings {
            warn!("{warning}");
        }
        if let Some(file) = self.place.config_file() {
            place.remember_config(&file)?;
        }
        // Only a server may be away. The embedded engine is not to be left half-way, and answers at once or belongs to another
        // process, whose data folder is not ours to write an address into.
        let server = matches!(place.config.warehouse, WarehouseConfig::Server { .. });
        if let Some(role) = self.role {
            fits(&place, role, server)?;
        }
        let signals = shutdown::listen();
        let doors = Doors::default();
        doors.health.raise(Condition::Starting, "the store is being opened");
        let mut serving = if server { listen(&place, &doors).await? } else { None };
        let mut stop = signals.stop.clone();
        let store = tokio::select! {
            store = Store::own_watched(&place.config, &doors.health) => store?,
            // Told to stop before the store has answered: nothing was taken, nothing is owed.
            _ = stop.wait_for(|stop| *stop), if server => {
                info!("stopped; nothing had been taken");
                return Ok(());
            }
        };
        let result = async {
            if !server {
                serving = listen(&place, &doors).await?;
            }
            self.rounds(&store, place, &signals, &doors).await
        };
        let result = result.await;
        doors.pages.hide();
        store.close().await;
        drop(serving);
        result
    }

    /// One reading after the other, until the process is told to stop or every source is at its end.
    async fn rounds(&self, store: &Store, mut place: Place, signals: &Signals, doors: &Doors) -> Result<(), Failure> {
        let health = &doors.health;
        let mut watched = Watched::new(self.place.clone(), &place, signals.reload.clone());
        let mut before: Option<Place> = None;
        loop {
            let (ended, next) = self.one_round(store, &place, (&mut watched, signals), doors).await;
            let stopped = *signals.stop.borrow();
            let begun = health.why(&Condition::Starting).is_none();
            match (ended, before.take()) {
                // What the check cannot see, such as a setting that Kafka's client does not know.
                (Err(failure), Some(old)) if !stopped && !begun => {
                    error!("the changed files cannot be used, going back to what ran before:\n{failure}");
                    health.metrics().reload("refused");
                    place = old;
                }
                (ended, _) => {
                    let ended = ended?;
                    match next {
                        Some(next) if !stopped => before = Some(std::mem::replace(&mut place, next)),
                        _ => {
                            ended.say();
                            return Ok(());
                        }
                    }
                }
            }
            health.forget_sources();
            health.raise(Condition::Starting, "changed files: what they change is being computed");
        }
    }

    /// Runs one reading; ends it when the files have changed for another good one, or when what it kept up beside it need
    /// not be kept up any more.
    async fn one_round(
        &self,
        store: &Store,
        place: &Place,
        (watched, signals): (&mut Watched, &Signals),
        doors: &Doors,
    ) -> (Result<Ended, Failure>, Option<Place>) {
        let (tell, told) = watch::channel(false);
        let (switched, mut has_switched) = watch::channel(false);
        let task = self.role.map_or(Task::All, RoleArg::task);
        let round = Round { store, place, until_end: self.until_end, task, doors, signals, told, switched };
        let running = round.run();
        tokio::pin!(running);
        let mut next = None;
        loop {
            tokio::select! {
                ended = &mut running => return (ended, next),
                Ok(_) = has_switched.wait_for(|switched| *switched), if next.is_none() && !self.until_end => {
                    next = Some(place.clone());
                    tell.send_replace(true);
                }
                changed = watched.next(place, &doors.health), if next.is_none() && !self.until_end => {
                    next = Some(changed);
                    tell.send_replace(true);
                }
            }
        }
    }
}

/// Whether this place can run a stage by itself.
fn fits(place: &Place, role: RoleArg, server: bool) -> Result<(), Failure> {
    if place.config.roles.is_none() && !matches!(role, RoleArg::Serve) {
        return Err(without_roles());
    }
    if !server {
        let help = "hint: name a ClickHouse server under `warehouse:`, or leave `--role` out";
        return Err(Failure::Unusable(format!(
            "roles share a warehouse, and the embedded one is one process's\n  {help}"
        )));
    }
    if matches!(role, RoleArg::Serve) && place.config.listen.is_none() {
        let help = "hint: `serve: { listen: 0.0.0.0:8080 }`, behind whatever lets your people in";
        return Err(Failure::Unusable(format!("the role `serve` needs an address to listen at\n  {help}")));
    }
    Ok(())
}

/// The listener of the process, if its config wants one.
async fn listen(place: &Place, doors: &Doors) -> Result<Option<Serving>, Failure> {
    let Some(address) = place.config.listen else { return Ok(None) };
    super::place::create_dir(&place.config.data)?;
    let secret = serve::orders::secret(&place.config.data).map_err(|e| Failure::Store(e.to_string()))?;
    let routes = serve::operations(doors.health.clone(), clock)
        .merge(serve::orders::router(doors.desk.clone(), &secret))
        .merge(serve::pages::router(Arc::new(doors.pages.clone())));
    let serving = serve::start(address, routes).await?;
    serving.note_address(&place.config.data)?;
    info!(address = %serving.address(), "listening: the maps at /, and /livez, /readyz, /metrics, /orders");
    Ok(Some(serving))
}

pub(super) fn clock() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}
