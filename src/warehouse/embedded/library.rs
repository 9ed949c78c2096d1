//! The engine's C interface, loaded at run time. In: where `libchdb.so` is. Out: its functions. Shapes are those of
//! chdb's public header; the library is never unloaded.

use std::ffi::{c_char, c_int, c_void};
use std::path::PathBuf;
use std::sync::OnceLock;

use libloading::Library;

use super::engine::EngineError;

/// Folder of the cache that `deploy/engine/fetch.sh` fills.
const VERSION: &str = "engine-26.5.3";
const FILE: &str = if cfg!(target_os = "macos") { "libchdb.dylib" } else { "libchdb.so" };

/// `chdb_connection *`: points to an opaque handle that statements take by value.
pub(super) type ConnectionPtr = *mut *mut c_void;
pub(super) type ResultPtr = *mut c_void;

pub(super) struct Api {
    pub connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> ConnectionPtr,
    pub close: unsafe extern "C" fn(ConnectionPtr),
    pub query: unsafe extern "C" fn(*mut c_void, *const c_char, usize, *const c_char, usize) -> ResultPtr,
    pub destroy: unsafe extern "C" fn(ResultPtr),
    pub buffer: unsafe extern "C" fn(ResultPtr) -> *const c_char,
    pub length: unsafe extern "C" fn(ResultPtr) -> usize,
    pub error: unsafe extern "C" fn(ResultPtr) -> *const c_char,
    pub stream: unsafe extern "C" fn(*mut c_void, *const c_char, usize, *const c_char, usize) -> ResultPtr,
    pub fetch: unsafe extern "C" fn(*mut c_void, ResultPtr) -> ResultPtr,
    pub cancel: unsafe extern "C" fn(*mut c_void, ResultPtr),
    /// Rows of the answer.
    pub rows: unsafe extern "C" fn(ResultPtr) -> u64,
    /// What was read from tables for it.
    pub storage_rows: unsafe extern "C" fn(ResultPtr) -> u64,
    pub storage_bytes: unsafe extern "C" fn(ResultPtr) -> u64,
    pub written_rows: unsafe extern "C" fn(ResultPtr) -> u64,
    pub written_bytes: unsafe extern "C" fn(ResultPtr) -> u64,
}

/// The library's functions; loaded once per process.
pub(super) fn api() -> Result<&'static Api, EngineError> {
    static API: OnceLock<Result<Api, EngineError>> = OnceLock::new();
    API.get_or_init(load).as_ref().map_err(Clone::clone)
}

fn path() -> PathBuf {
    if let Some(path) = std::env::var_os("TROPA_ENGINE") {
        return PathBuf::from(path);
    }
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|c| !c.is_empty()).map(PathBuf::from).or_else(home);
    cache.unwrap_or_default().join("tropa").join(VERSION).join(FILE)
}

fn load() -> Result<Api, EngineError> {
    let path = path();
    if !path.exists() {
        return Err(EngineError::Missing(path.display().to_string()));
    }
    let broken = |e: libloading::Error| EngineError::Library { path: path.display().to_string(), error: e.to_string() };
    // SAFETY: the file is the engine we fetched and checked by hash; its initialisers have no preconditions.
    let library = unsafe { Library::new(&path) }.map_err(broken)?;
    // SAFETY: every name is bound to the signature of chdb's public header, and the library stays loaded for ever.
    let api = unsafe {
        let off: libloading::Symbol<'_, unsafe extern "C" fn(c_int)> =
            library.get(b"chdb_set_signal_handlers_enabled\0").map_err(broken)?;
        // With the engine's handlers on, a crash hangs instead of dying.
        off(0);
        Api {
            connect: *library.get(b"chdb_connect\0").map_err(broken)?,
            close: *library.get(b"chdb_close_conn\0").map_err(broken)?,
            query: *library.get(b"chdb_query_n\0").map_err(broken)?,
            destroy: *library.get(b"chdb_destroy_query_result\0").map_err(broken)?,
            buffer: *library.get(b"chdb_result_buffer\0").map_err(broken)?,
            length: *library.get(b"chdb_result_length\0").map_err(broken)?,
            error: *library.get(b"chdb_result_error\0").map_err(broken)?,
            stream: *library.get(b"chdb_stream_query_n\0").map_err(broken)?,
            fetch: *library.get(b"chdb_stream_fetch_result\0").map_err(broken)?,
            cancel: *library.get(b"chdb_stream_cancel_query\0").map_err(broken)?,
            rows: *library.get(b"chdb_result_rows_read\0").map_err(broken)?,
            storage_rows: *library.get(b"chdb_result_storage_rows_read\0").map_err(broken)?,
            storage_bytes: *library.get(b"chdb_result_storage_bytes_read\0").map_err(broken)?,
            written_rows: *library.get(b"chdb_result_rows_written\0").map_err(broken)?,
            written_bytes: *library.get(b"chdb_result_bytes_written\0").map_err(broken)?,
        }
    };
    std::mem::forget(library);
    unblock_sigpipe();
    Ok(api)
}

/// Loading blocks SIGPIPE in the calling thread.
fn unblock_sigpipe() {
    // SAFETY: plain calls on a local set.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
    }
}
