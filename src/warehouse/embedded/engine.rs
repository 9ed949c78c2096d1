//! The engine in this process. In: a folder. Out: connections, and the killing of queries by their id. Every connection
//! is closed before the engine is: an exit with one open would kill the process.

use std::ffi::CString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::connection::Connection;
use super::library::{Api, api};
use super::request::quote;

/// How long what runs may go on once the store is to close.
const GRACE: Duration = Duration::from_secs(2);
/// How long killed queries may take to notice.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    #[error(
        "the embedded engine is not at {0}\n  hint: `deploy/engine/fetch.sh` fetches it once; TROPA_ENGINE may name another place"
    )]
    Missing(String),
    #[error("{path} is not the engine this program knows: {error}\n  hint: delete it and run `deploy/engine/fetch.sh`")]
    Library { path: String, error: String },
    #[error("the store in {data} is in use by process {pid}{}\n  hint: `tropa sql`, `tropa compare` and `tropa show` reach it there; a second writer must wait until it has ended", answering(.address))]
    InUse { data: String, pid: String, address: String },
    #[error("cannot use {path}: {error}")]
    Folder {
        path: String,
        #[source]
        error: std::sync::Arc<std::io::Error>,
    },
    #[error("cannot listen on 127.0.0.1:{port}: {error}")]
    Listen {
        port: u16,
        #[source]
        error: std::sync::Arc<std::io::Error>,
    },
    #[error("the engine cannot open {0}; the lines above say why")]
    Open(String),
    #[error("the engine failed: {0}")]
    Crashed(String),
    #[error("the store did not close: {0} queries run on although they were killed; what was acknowledged is on disk")]
    Busy(usize),
}

fn answering(address: &str) -> String {
    if address.is_empty() { String::new() } else { format!(", which answers at http://{}", address.trim()) }
}

impl EngineError {
    pub const fn is_in_use(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }
}

/// The open engine.
pub(super) struct Engine {
    api: &'static Api,
    path: CString,
    /// Keeps the engine up between requests.
    base: Mutex<Option<Connection>>,
    open: Arc<AtomicUsize>,
    closing: AtomicBool,
    /// Turns true when what still runs is cut off.
    cut: watch::Sender<bool>,
    pub version: String,
    pub timezone: String,
}

impl Engine {
    pub fn open(store: &Path) -> Result<Self, EngineError> {
        let api = api()?;
        // Without this folder the engine takes the store for a scratch one and never starts its clean-up of dropped
        // tables: `DROP … SYNC` would wait for ever, and a plain DROP would free no disk until the next start.
        std::fs::create_dir_all(store.join("metadata"))
            .map_err(|e| EngineError::Folder { path: store.display().to_string(), error: Arc::new(e) })?;
        let shown = store.display().to_string();
        let path = CString::new(format!("--path={shown}")).map_err(|_| EngineError::Open(shown.clone()))?;
        let mut base = Connection::open(api, &path, Arc::default()).ok_or(EngineError::Open(shown))?;
        let mut ask = |what: &str| {
            let answer = base.run(&format!("SELECT {what}"), "TSVRaw").map_err(EngineError::Crashed)?;
            Ok::<_, EngineError>(String::from_utf8_lossy(&answer.bytes).trim().to_owned())
        };
        let (version, timezone) = (ask("version()")?, ask("timezone()")?);
        Ok(Self {
            api,
            path,
            base: Mutex::new(Some(base)),
            open: Arc::default(),
            closing: AtomicBool::new(false),
            cut: watch::channel(false).0,
            version,
            timezone,
        })
    }

    /// A connection of its own; `None` once the store closes.
    pub fn connect(&self) -> Option<Connection> {
        // Counted before the question, so that `close` either sees it or is seen.
        let _opening = Opening::of(&self.open);
        if self.is_closing() {
            return None;
        }
        Connection::open(self.api, &self.path, self.open.clone())
    }

    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub fn cut(&self) -> watch::Receiver<bool> {
        self.cut.subscribe()
    }

    /// Asks the query with this id to end.
    pub fn kill(&self, id: &str) {
        if let Some(mut connection) = self.connect() {
            let sql = format!("KILL QUERY WHERE Settings['log_comment'] = {} ASYNC", quote(id));
            if let Err(error) = connection.run(&sql, "Null") {
                tracing::warn!(%error, id, "a query could not be killed");
            }
        }
    }

    /// From now on `connect` gives nothing.
    pub fn begin_closing(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Waits for what runs, kills what takes long, closes the engine.
    pub fn close(&self) -> Result<(), EngineError> {
        self.begin_closing();
        let Some(mut base) = self.base.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        let start = Instant::now();
        let mut killed = GRACE;
        loop {
            let open = self.open.load(Ordering::SeqCst);
            let waited = start.elapsed();
            if open == 0 {
                return Ok(());
            }
            if waited > GRACE + PATIENCE {
                // Closing it would wait for them; the process may still end.
                std::mem::forget(base);
                return Err(EngineError::Busy(open));
            }
            if waited > killed {
                self.cut.send_replace(true);
                base.run("KILL QUERY WHERE 1 ASYNC", "Null").ok();
                killed = waited + Duration::from_millis(200);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close().ok();
    }
}

/// Counts a connection that is being opened.
struct Opening<'a>(&'a AtomicUsize);

impl<'a> Opening<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
