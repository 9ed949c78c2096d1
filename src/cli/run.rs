//! `tropa run`: the configured sources through the pipeline, until told to stop or, with `--until-end`, until every
//! source is at its end. A changed journey file or config, once it is checked, ends one round and begins the next.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::reload::Watched;
use super::store::Store;
use super::{Failure, Place, PlaceArgs, grace};
use crate::config::{Config, WarehouseConfig};
use crate::decode::Decoding;
use crate::health::{Condition, Health};
use crate::intake::{Sources, Starting};
use crate::orders::Desk;
use crate::pipeline::RunSummary;
use crate::roles::{self, Role};
use crate::serve::{self, Serving};
use crate::shutdown::{self, Signals};
use crate::startup;
use crate::telemetry::Telemetry;
use crate::time::Timestamp;
use crate::verify;
use crate::warehouse::{Clickhouse, StaleRow, Writer};

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
            warn!("{warning}");
        }
        if let Some(file) = self.place.config_file() {
            place.remember_config(&file)?;
        }
        if let Some(role) = self.role {
            return run_role(&place, role, self.until_end).await;
        }
        let signals = shutdown::listen();
        let (health, desk) = (Health::default(), Desk::default());
        health.raise(Condition::Starting, "the store is being opened");
        // Only a server may be away. The embedded engine is not to be left half-way, and answers at once or belongs to another
        // process, whose data folder is not ours to write an address into.
        let server = matches!(place.config.warehouse, WarehouseConfig::Server { .. });
        let mut serving = if server { listen(&place, (&health, &desk)).await? } else { None };
        let mut stop = signals.stop.clone();
        let store = tokio::select! {
            store = Store::own_watched(&place.config, &health) => store?,
            // Told to stop before the store has answered: nothing was taken, nothing is owed.
            _ = stop.wait_for(|stop| *stop), if server => {
                info!("stopped; nothing had been taken");
                return Ok(());
            }
        };
        let result = async {
            if !server {
                serving = listen(&place, (&health, &desk)).await?;
            }
            self.rounds(&store, place, &signals, (&health, &desk)).await
        };
        let result = result.await;
        store.close().await;
        drop(serving);
        result
    }

    /// One reading after the other, until the process is told to stop or every source is at its end.
    async fn rounds(
        &self,
        store: &Store,
        mut place: Place,
        signals: &Signals,
        (health, desk): (&Health, &Desk),
    ) -> Result<(), Failure> {
        let mut watched = Watched::new(self.place.clone(), &place, signals.reload.clone());
        let mut before: Option<Place> = None;
        loop {
            let (ended, next) = self.one_round(store, &place, (&mut watched, signals), (health, desk)).await;
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

    /// Runs one reading; ends it when the files have changed for another good one.
    async fn one_round(
        &self,
        store: &Store,
        place: &Place,
        (watched, signals): (&mut Watched, &Signals),
        (health, desk): (&Health, &Desk),
    ) -> (Result<Ended, Failure>, Option<Place>) {
        let (tell, told) = watch::channel(false);
        let (switched, mut has_switched) = watch::channel(false);
        let round =
            Round { store, place, until_end: self.until_end, health, signals, told, desk: Some(desk), switched };
        let running = round.run();
        tokio::pin!(running);
        let mut next = None;
        loop {
            tokio::select! {
                ended = &mut running => return (ended, next),
                // What was shown before is computed no more.
                Ok(_) = has_switched.wait_for(|switched| *switched), if next.is_none() && !self.until_end => {
                    next = Some(place.clone());
                    tell.send_replace(true);
                }
                changed = watched.next(place, health), if next.is_none() && !self.until_end => {
                    next = Some(changed);
                    tell.send_replace(true);
                }
            }
        }
    }
}

/// The listener of the process, if its config wants one.
async fn listen(place: &Place, (health, desk): (&Health, &Desk)) -> Result<Option<Serving>, Failure> {
    let Some(address) = place.config.listen else { return Ok(None) };
    super::place::create_dir(&place.config.data)?;
    let secret = serve::orders::secret(&place.config.data).map_err(|e| Failure::Store(e.to_string()))?;
    let routes = serve::operations(health.clone(), clock).merge(serve::orders::router(desk.clone(), &secret));
    let serving = serve::start(address, routes).await?;
    serving.note_address(&place.config.data)?;
    info!(address = %serving.address(), "listening: /livez, /readyz, /metrics, /orders");
    Ok(Some(serving))
}

/// How a round ended.
pub(super) enum Ended {
    Done(RunSummary),
    /// Told to stop, and the time for it was over.
    OutOfTime,
}

impl Ended {
    fn say(self) {
        match self {
            Self::Done(summary) => info!(
                records = summary.records,
                events = summary.events,
                dead_letters = summary.dead_letters,
                as_of = summary.as_of.map(|t| t.to_string()),
                "stopped; everything taken is written and committed"
            ),
            Self::OutOfTime => {
                warn!(
                    "stopped; what the warehouse had not acknowledged is not committed: the next start reads it again"
                );
            }
        }
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
        return Err(Failure::Unusable(format!(
            "roles share a warehouse, and the embedded one is one process's\n  {help}"
        )));
    }
    let (health, desk) = (Health::default(), Desk::default());
    health.raise(Condition::Starting, "the store is being opened");
    let _serving = listen(place, (&health, &desk)).await?;
    let stop = shutdown::listen().stop;
    let store = Store::own_watched(&place.config, &health).await?;
    let decoding = Arc::new(Decoding::new(place.config.clone(), place.identifier_key()?));
    let (config, maps, files) = (&place.config, &place.maps, &place.files);
    health.clear(&Condition::Starting);
    let stage = roles::Place { store: &store.client, config, roles, maps, files, clock, health: &health };
    let role = match role {
        RoleArg::Ingest => Role::Ingest,
        RoleArg::Identity => Role::Identity,
        RoleArg::Journeys => Role::Journeys,
    };
    let done = stage.run(role, (decoding, until_end), &desk, stop).await;
    store.close().await;
    done.map_err(|e| Failure::Store(e.to_string()))
}

/// Runs the sources of a config against its own store, for a command that ends by itself.
pub(super) async fn run_sources(place: &Place, until_end: bool) -> Result<RunSummary, Failure> {
    let store = Store::own(&place.config).await?;
    let result = run_on(&store, place, until_end).await;
    store.close().await;
    result
}

/// Runs the sources of a config against an open store.
pub(super) async fn run_on(store: &Store, place: &Place, until_end: bool) -> Result<RunSummary, Failure> {
    let signals = shutdown::listen();
    let health = Health::default();
    let (told, switched) = (signals.stop.clone(), watch::channel(false).0);
    let round = Round { store, place, until_end, health: &health, signals: &signals, told, desk: None, switched };
    match round.run().await? {
        Ended::Done(summary) => Ok(summary),
        Ended::OutOfTime => Err(Failure::Store(
            "stopped before everything was written\n  hint: run the command again; what is stored already is not counted twice"
                .to_owned(),
        )),
    }
}

/// One reading of the files, from the loaded store to the last commit.
struct Round<'a> {
    store: &'a Store,
    place: &'a Place,
    until_end: bool,
    health: &'a Health,
    signals: &'a Signals,
    /// Turns true when this round shall end, whether or not the process does.
    told: watch::Receiver<bool>,
    /// Where orders of operators come in, if they can.
    desk: Option<&'a Desk>,
    /// Turns true when a reading is shown that replaces one which was computed until then.
    switched: watch::Sender<bool>,
}

impl Round<'_> {
    async fn run(self) -> Result<Ended, Failure> {
        let Self { store, place, until_end, health, signals, told, desk, switched } = self;
        let config = &place.config;
        let client = store.client.with_config(config).watched_by(health.clone());
        let (mut stop, mut end) = (signals.stop.clone(), told.clone());
        let mut start = tokio::select! {
            loaded = startup::load(&client, config, &place.maps, &place.files) => loaded?,
            // Told to stop before the store has answered: nothing was taken, nothing is owed.
            _ = stop.wait_for(|stop| *stop) => return Ok(Ended::Done(RunSummary::default())),
            _ = end.wait_for(|end| *end) => return Ok(Ended::Done(RunSummary::default())),
        };
        if let Some(desk) = desk {
            desk.open_for(&mut start.stages.identity.orders, start.readings.iter().map(|r| r.id.clone()));
        }
        let decoding = Decoding::new(config.clone(), place.identifier_key()?);
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
        let scope = verify::Scope {
            readings: start.readings.clone(),
            sample: Some(SAMPLE),
            patience: Some(verify::patience(config.refresh)),
        };
        let (_round, over) = watch::channel(());
        let (verified, at, known) = (client.clone(), config.clone(), health.clone());
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || runtime.block_on(follow_stale(verified, at, (scope, known), over)));
        let _coverage = Following(tokio::spawn(follow_coverage(client.clone(), config.refresh, health.clone())));
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

/// A task that ends with whoever follows it.
struct Following(tokio::task::JoinHandle<()>);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Customers that are looked at each time.
const SAMPLE: usize = 10_000;
/// How often.
const HOUR: Duration = Duration::from_secs(3600);

/// Keeps the figure of stale rows: a sample of the tables, held against the sets once an hour.
/// Ends with its round.
async fn follow_stale(
    client: Clickhouse,
    config: Arc<Config>,
    (scope, health): (verify::Scope, Health),
    mut over: watch::Receiver<()>,
) {
    let name =
        |row: &StaleRow| warn!(?row, "a row is not what the sets say\n  hint: `tropa verify --all` names every one");
    let looking = async {
        loop {
            tokio::time::sleep(HOUR).await;
            match verify::verify(&client, &config, &scope, name).await {
                Ok(compared) => health.metrics().stale_rows(compared.stale),
                Err(error) => warn!(%error, "the tables could not be verified this time"),
            }
        }
    };
    tokio::select! {
        () = looking => {}
        _ = over.changed() => {}
    }
}

/// Keeps the figure of coverage; where it cannot be read now, the last one stays.
async fn follow_coverage(client: Clickhouse, every: Duration, health: Health) {
    let mut tick = tokio::time::interval(every.max(Duration::from_secs(1)));
    loop {
        tick.tick().await;
        for (map, share) in client.coverage_by_map().await.unwrap_or_default() {
            health.metrics().coverage(&map, share);
        }
    }
}

pub(super) fn clock() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}
