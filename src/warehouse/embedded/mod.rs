//! The embedded engine: `libchdb.so` behind ClickHouse's HTTP interface on loopback. In: a data folder. Out: an address
//! that the `clickhouse` crate, curl and clickhouse-connect can talk to. One process owns a data folder at a time; its
//! address stands in the folder, so that others reach the store through it.

mod answer;
mod codec;
mod connection;
mod engine;
mod face;
mod guard;
mod incoming;
mod lex;
mod library;
mod request;
mod sessions;
mod work;

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use engine::EngineError;

const ADDRESS: &str = "address";
const LOCK: &str = "lock";
/// The engine's own files stand below the data folder, beside our key and address.
const STORE: &str = "store";

/// A running engine and its HTTP face.
pub struct Embedded {
    url: String,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
    engine: Arc<engine::Engine>,
    address: PathBuf,
    /// Held for as long as the store is ours.
    _lock: fs::File,
}

/// Where the process that holds a store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(SocketAddr);

impl Address {
    pub fn url(&self) -> String {
        format!("http://{}", self.0)
    }
}

/// The address in a data folder, if something answers there.
pub fn locate(data: &Path) -> Option<Address> {
    let text = fs::read_to_string(data.join(ADDRESS)).ok()?;
    let address: SocketAddr = text.trim().parse().ok().filter(|a: &SocketAddr| a.ip().is_loopback())?;
    TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok()?;
    Some(Address(address))
}

impl Embedded {
    /// Opens the store in `data` and serves it on `127.0.0.1:port` (0: any free port). `fsync` is the caller's choice per
    /// insert; it is a setting of the statements.
    pub async fn start(data: &Path, port: u16, _fsync: bool) -> Result<Self, EngineError> {
        let lock = take_lock(data)?;
        let store = data.join(STORE);
        fs::create_dir_all(&store)
            .map_err(|e| EngineError::Folder { path: store.display().to_string(), error: Arc::new(e) })?;
        let opened = tokio::task::spawn_blocking(move || engine::Engine::open(&store)).await;
        let engine = Arc::new(opened.map_err(|e| EngineError::Crashed(e.to_string()))??);
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|e| EngineError::Listen { port, error: Arc::new(e) })?;
        let address = listener.local_addr().map_err(|e| EngineError::Listen { port, error: Arc::new(e) })?;
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(face::serve(listener, engine.clone(), stopped));
        let file = data.join(ADDRESS);
        fs::write(&file, address.to_string())
            .map_err(|e| EngineError::Folder { path: file.display().to_string(), error: Arc::new(e) })?;
        Ok(Self { url: format!("http://{address}"), stop, serving, engine, address: file, _lock: lock })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends what runs and closes every connection; must be awaited before the process ends.
    pub async fn stop(self) -> Result<(), EngineError> {
        fs::remove_file(&self.address).ok();
        self.engine.begin_closing();
        self.stop.send_replace(true);
        let engine = self.engine.clone();
        let closed = tokio::task::spawn_blocking(move || engine.close()).await;
        // Last bytes may still be on their way to a client; a connection that asks for nothing more is not waited for.
        let serving = self.serving.abort_handle();
        tokio::time::timeout(Duration::from_secs(1), self.serving).await.ok();
        serving.abort();
        closed.map_err(|e| EngineError::Crashed(e.to_string()))?
    }
}

/// Whether nobody owns the store in `data` now; in the words of [`Embedded::start`] if somebody does.
pub fn check_free(data: &Path) -> Result<(), EngineError> {
    take_lock(data).map(|_| ())
}

/// A data folder that nobody else may open.
pub struct Held {
    _lock: fs::File,
}

/// Keeps everybody from opening the store in `data` for as long as the answer lives.
pub fn hold(data: &Path) -> Result<Held, EngineError> {
    take_lock(data).map(|lock| Held { _lock: lock })
}

/// One owner per data folder, told in our words: the engine itself only writes its reason to standard error.
fn take_lock(data: &Path) -> Result<fs::File, EngineError> {
    let path = data.join(LOCK);
    let folder = |e| EngineError::Folder { path: path.display().to_string(), error: Arc::new(e) };
    fs::create_dir_all(data).map_err(folder)?;
    let mut file =
        fs::OpenOptions::new().create(true).truncate(false).write(true).read(true).open(&path).map_err(folder)?;
    // A killed owner holds its lock until the system has taken it apart; a live one answers.
    let mut patience = 50;
    while file.try_lock().is_err() {
        if patience > 30 || (patience > 0 && locate(data).is_none()) {
            patience -= 1;
            std::thread::sleep(Duration::from_millis(100));
            continue;
        }
        let pid = fs::read_to_string(&path).unwrap_or_default();
        let address = fs::read_to_string(data.join(ADDRESS)).unwrap_or_default();
        return Err(EngineError::InUse { data: data.display().to_string(), pid: pid.trim().to_owned(), address });
    }
    file.set_len(0).map_err(folder)?;
    write!(file, "{}", std::process::id()).map_err(folder)?;
    // An address that a killed process left behind is nobody's.
    fs::remove_file(data.join(ADDRESS)).ok();
    Ok(file)
}
