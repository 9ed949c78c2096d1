//! ClickHouse's HTTP interface over the engine, on loopback. In: requests of any client of ClickHouse. Out: answers,
//! errors and headers as a server gives them. A request has a connection of its own, or that of its session; a query
//! whose client leaves is killed.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::Response;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use super::answer::{self, Rest};
use super::engine::Engine;
use super::incoming::{self, MAX_BODY};
use super::request::{Statement, answers};
use super::sessions::Sessions;
use super::work::{Head, Out, execute};

/// Blocks on their way to a client: the engine waits when it does not take them.
const AHEAD: usize = 2;

#[derive(Clone)]
pub(super) struct Face {
    engine: Arc<Engine>,
    sessions: Arc<Sessions>,
    /// Ids of what runs: an id that stood for two queries would kill both.
    running: Arc<Mutex<HashSet<String>>>,
}

pub(super) async fn serve(listener: TcpListener, engine: Arc<Engine>, stop: watch::Receiver<bool>) {
    let face = Face { engine, sessions: Arc::default(), running: Arc::default() };
    let sessions = face.sessions.clone();
    let ping = any(|| async { "Ok.\n" });
    let router = Router::new()
        .route("/ping", ping.clone())
        .route("/replicas_status", ping)
        .route("/", any(handle))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(face);
    let (mut stopped, mut ending) = (stop.clone(), stop);
    let sweeper = tokio::spawn({
        let sessions = sessions.clone();
        async move {
            while tokio::time::timeout(Duration::from_secs(1), ending.wait_for(|s| *s)).await.is_err() {
                let sessions = sessions.clone();
                tokio::task::spawn_blocking(move || sessions.sweep(Instant::now())).await.ok();
            }
            tokio::task::spawn_blocking(move || sessions.close_all()).await.ok();
        }
    });
    let stopped = async move {
        let _ = stopped.wait_for(|s| *s).await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "the store's HTTP face failed");
    }
    sweeper.await.ok();
    tokio::task::spawn_blocking(move || sessions.close_all()).await.ok();
}

async fn handle(State(face): State<Face>, request: Request) -> Response {
    let id = random_id();
    let statement = match incoming::read(request).await {
        Ok(Some(statement)) => statement,
        Ok(None) => return Response::new("Ok.\n".into()),
        Err(error) => return answer::failure(&face.engine, &id, &error),
    };
    let id = statement.query_id.clone().unwrap_or(id);
    match face.run(statement, &id).await {
        Ok(response) => response,
        Err(error) => answer::failure(&face.engine, &id, &error),
    }
}

fn random_id() -> String {
    let hex = blake3::hash(&rand::random::<[u8; 16]>()).to_hex();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

impl Face {
    async fn run(&self, mut statement: Statement, id: &str) -> Result<Response, String> {
        let ticket = self.ticket(id)?;
        let mut lease = self.sessions.lease(&self.engine, statement.session.take()).await?;
        let (sender, head) = oneshot::channel();
        let (pieces, rest) = mpsc::channel(AHEAD);
        let out = Out { head: Some(sender), pieces, cut: self.engine.cut() };
        let presence = Presence {
            engine: self.engine.clone(),
            id: id.to_owned(),
            done: ticket.done.clone(),
            // What changes something goes on to its end, lest it stop half-way.
            kills: answers(&statement.sql),
        };
        let compress = statement.compress;
        tokio::task::spawn_blocking(move || {
            let shared = lease.is_shared();
            let id = ticket.id.clone();
            execute(lease.connection(), statement, &id, shared, out);
            drop(lease);
            drop(ticket);
        });
        let gone = |_| "Code: 1001. DB::Exception: the statement broke off without an answer".to_owned();
        let head: Head = head.await.map_err(gone)??;
        let rest = Rest {
            pieces: rest,
            tag: answer::random_tag(),
            compress,
            version: self.engine.version.clone(),
            _presence: Box::new(presence),
            ended: false,
        };
        Ok(answer::success(&self.engine, id, head, compress, rest))
    }

    fn ticket(&self, id: &str) -> Result<Ticket, String> {
        let fresh = self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        let taken = || {
            format!(
                "Code: 216. DB::Exception: Query with id = {id} is already running (QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING)"
            )
        };
        let ticket = || Ticket { id: id.to_owned(), running: self.running.clone(), done: Arc::default() };
        fresh.then(ticket).ok_or_else(taken)
    }
}

/// Held by the thread that runs a query.
struct Ticket {
    id: String,
    running: Arc<Mutex<HashSet<String>>>,
    done: Arc<AtomicBool>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.done.store(true, Ordering::SeqCst);
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// Held for as long as the client is there; when it leaves before the query is done, the query is killed.
struct Presence {
    engine: Arc<Engine>,
    id: String,
    done: Arc<AtomicBool>,
    kills: bool,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        let (Ok(runtime), true, false) = (runtime, self.kills, self.done.load(Ordering::SeqCst)) else { return };
        let (engine, id, done) = (self.engine.clone(), self.id.clone(), self.done.clone());
        runtime.spawn(async move {
            // A query that has just been answered ends by itself; one that has not begun yet cannot be killed.
            let mut pause = Duration::from_millis(50);
            loop {
                tokio::time::sleep(pause).await;
                if done.load(Ordering::SeqCst) || engine.is_closing() {
                    return;
                }
                let (engine, id) = (engine.clone(), id.clone());
                tokio::task::spawn_blocking(move || engine.kill(&id)).await.ok();
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        });
    }
}
