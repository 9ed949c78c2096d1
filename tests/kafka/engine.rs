//! An engine in this process, which stands in for a server: others know its address only. In: nothing. Out: its address. A
//! process has room for one, so tests take turns.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tropa::warehouse::embedded::Embedded;

static TURN: Mutex<()> = Mutex::new(());

pub struct Engine {
    embedded: Option<Embedded>,
    runtime: Runtime,
    url: String,
    _folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Engine {
    pub fn start() -> Self {
        // A test that failed has stopped its engine all the same.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        let embedded = runtime.block_on(Embedded::start(folder.path(), 0, false)).expect("an engine");
        let url = embedded.url().to_owned();
        Self { embedded: Some(embedded), runtime, url, _folder: folder, _turn: turn }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let stopped = self.embedded.take().map(|embedded| self.runtime.block_on(embedded.stop()));
        if !std::thread::panicking() {
            stopped.expect("it is stopped once").expect("the engine stops");
        }
    }
}
