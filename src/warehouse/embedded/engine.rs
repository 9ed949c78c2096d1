//! The engine in this process. In: SQL on a connection of its own. Out: bytes in a format, or ClickHouse's error text.
//! Every connection is closed before the engine is: an exit with one open kills the process.

use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::library::{Api, ConnectionPtr, api};

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
    open: AtomicUsize,
}

/// One session of the engine: serial.
pub(super) struct Connection {
    api: &'static Api,
    pointer: ConnectionPtr,
}

// SAFETY: a connection is used by one thread at a time (statements take &mut), and the engine ties it to none.
unsafe impl Send for Connection {}

/// What a statement gave.
pub(super) struct Answer {
    pub bytes: Vec<u8>,
    pub rows_read: u64,
}

impl Engine {
    pub fn open(store: &Path) -> Result<Self, EngineError> {
        let api = api()?;
        let shown = store.display().to_string();
        let path = CString::new(format!("--path={shown}")).map_err(|_| EngineError::Open(shown.clone()))?;
        let engine = Self { api, path, base: Mutex::new(None), open: AtomicUsize::new(0) };
        let base = engine.raw_connection().ok_or(EngineError::Open(shown))?;
        *engine.base.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(base);
        Ok(engine)
    }

    fn raw_connection(&self) -> Option<Connection> {
        let program = c"tropa";
        let mut arguments = [program.as_ptr().cast_mut(), self.path.as_ptr().cast_mut()];
        // SAFETY: two valid C strings that outlive the call.
        let pointer = unsafe { (self.api.connect)(2, arguments.as_mut_ptr()) };
        let connected = !pointer.is_null();
        connected.then_some(Connection { api: self.api, pointer })
    }

    /// Runs `work` on a connection of its own, unless the engine is closing.
    pub fn with_connection<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> Option<T> {
        self.open.fetch_add(1, Ordering::SeqCst);
        let alive = self.base.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_some();
        let done = if alive { self.raw_connection().map(|mut c| work(&mut c)) } else { None };
        self.open.fetch_sub(1, Ordering::SeqCst);
        done
    }

    /// Waits for what runs, kills what takes long, closes the engine.
    pub fn close(&self) {
        let base = self.base.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some(mut base) = base else { return };
        let mut waited = 0_u32;
        while self.open.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_millis(10));
            waited += 1;
            if waited.is_multiple_of(200) {
                base.run("KILL QUERY WHERE 1 ASYNC", "Null").ok();
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

impl Connection {
    /// One statement; the error is ClickHouse's own text.
    pub fn run(&mut self, sql: &str, format: &str) -> Result<Answer, String> {
        let bytes = |p: *const c_char, n: usize| {
            if p.is_null() || n == 0 {
                Vec::new()
            } else {
                // SAFETY: the engine says that n bytes stand at p until the result is destroyed.
                unsafe { std::slice::from_raw_parts(p.cast::<u8>(), n) }.to_vec()
            }
        };
        // SAFETY: the connection is open; lengths are given, so no terminator is needed; the result is destroyed once.
        unsafe {
            let result =
                (self.api.query)(*self.pointer, sql.as_ptr().cast(), sql.len(), format.as_ptr().cast(), format.len());
            if result.is_null() {
                return Err("Code: 1002. DB::Exception: the engine gave no answer".to_owned());
            }
            let error = (self.api.error)(result);
            let answer = if error.is_null() {
                let data = bytes((self.api.buffer)(result), (self.api.length)(result));
                Ok(Answer { bytes: data, rows_read: (self.api.rows_read)(result) })
            } else {
                Err(CStr::from_ptr(error).to_string_lossy().into_owned())
            };
            (self.api.destroy)(result);
            answer
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: opened by connect, closed once.
        unsafe { (self.api.close)(self.pointer) };
    }
}
