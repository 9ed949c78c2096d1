//! One session of the engine: serial, with its own settings and temporary tables. In: SQL and a format. Out: the answer
//! whole, or block by block, or ClickHouse's own error text. While a stream is open nothing else can run on its
//! connection: the engine would answer it with the wrong bytes.

use std::ffi::{CStr, c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::library::{Api, ConnectionPtr, ResultPtr};

/// What the engine says at the end of a stream.
const NO_MORE: &str = "No active streaming query";

/// Connections of this process: none may be open when it ends in the usual way.
static OPEN: AtomicUsize = AtomicUsize::new(0);

pub(super) struct Connection {
    api: &'static Api,
    pointer: ConnectionPtr,
    count: Arc<AtomicUsize>,
}

// SAFETY: a connection is used by one thread at a time (statements take &mut), and the engine ties it to none.
unsafe impl Send for Connection {}

/// What a statement gave, or one block of it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub bytes: Vec<u8>,
    pub counts: Counts,
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub rows: u64,
    pub bytes: u64,
    pub read_rows: u64,
    pub read_bytes: u64,
    pub written_rows: u64,
    pub written_bytes: u64,
}

impl Connection {
    /// `None` where the engine refuses; its reason stands on standard error.
    pub fn open(api: &'static Api, path: &CStr, count: Arc<AtomicUsize>) -> Option<Self> {
        let mut arguments = [c"tropa".as_ptr().cast_mut(), path.as_ptr().cast_mut()];
        // SAFETY: two valid C strings that outlive the call.
        let pointer = unsafe { (api.connect)(2, arguments.as_mut_ptr()) };
        if pointer.is_null() {
            return None;
        }
        OPEN.fetch_add(1, Ordering::SeqCst);
        count.fetch_add(1, Ordering::SeqCst);
        // Hooks run newest first, and the engine adds its own as it comes to need them.
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        if (OPENED.fetch_add(1, Ordering::SeqCst) + 1).is_power_of_two() {
            leave_quietly();
        }
        Some(Self { api, pointer, count })
    }

    /// One statement, answered whole.
    pub fn run(&mut self, sql: &str, format: &str) -> Result<Answer, String> {
        // SAFETY: the connection is open; lengths are given, so no terminator is needed.
        let result = unsafe {
            (self.api.query)(*self.pointer, sql.as_ptr().cast(), sql.len(), format.as_ptr().cast(), format.len())
        };
        take(self.api, result)
    }

    /// A SELECT, answered block by block; each block is a document of its own.
    pub fn stream(&mut self, sql: &str, format: &str) -> Result<Blocks<'_>, String> {
        // SAFETY: as in `run`.
        let result = unsafe {
            (self.api.stream)(*self.pointer, sql.as_ptr().cast(), sql.len(), format.as_ptr().cast(), format.len())
        };
        if result.is_null() {
            return Err(no_answer());
        }
        // SAFETY: the result is alive until the blocks are dropped.
        match unsafe { error_of(self.api, result) } {
            None => Ok(Blocks { connection: self, result, ended: false }),
            Some(error) => {
                // SAFETY: destroyed once.
                unsafe { (self.api.destroy)(result) };
                Err(error)
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: opened by connect, closed once.
        unsafe { (self.api.close)(self.pointer) };
        OPEN.fetch_sub(1, Ordering::SeqCst);
        self.count.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An open stream; dropping it ends its query.
pub(super) struct Blocks<'c> {
    connection: &'c mut Connection,
    result: ResultPtr,
    ended: bool,
}

impl Blocks<'_> {
    /// The next block; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Answer>, String> {
        if self.ended {
            return Ok(None);
        }
        // SAFETY: the connection and the stream are open, and nobody else uses them.
        let block = unsafe { (self.connection.api.fetch)(*self.connection.pointer, self.result) };
        let answer = take(self.connection.api, block);
        match answer {
            Ok(block) if !block.bytes.is_empty() => Ok(Some(block)),
            Ok(_) => {
                self.ended = true;
                Ok(None)
            }
            Err(error) => {
                self.ended = true;
                if error.contains(NO_MORE) { Ok(None) } else { Err(error) }
            }
        }
    }
}

impl Drop for Blocks<'_> {
    fn drop(&mut self) {
        // SAFETY: cancelled, then destroyed, each once, while the connection is open.
        unsafe {
            if !self.ended {
                (self.connection.api.cancel)(*self.connection.pointer, self.result);
            }
            (self.connection.api.destroy)(self.result);
        }
    }
}

fn no_answer() -> String {
    "Code: 1002. DB::Exception: the engine gave no answer".to_owned()
}

/// # Safety
/// `result` is a living result.
unsafe fn error_of(api: &Api, result: *mut c_void) -> Option<String> {
    // SAFETY: the text lives as long as the result.
    unsafe {
        let error = (api.error)(result);
        (!error.is_null()).then(|| CStr::from_ptr(error).to_string_lossy().into_owned())
    }
}

/// Copies a result out and destroys it.
fn take(api: &Api, result: ResultPtr) -> Result<Answer, String> {
    if result.is_null() {
        return Err(no_answer());
    }
    // SAFETY: the result is alive until it is destroyed, once, at the end; after an error only its text is read.
    unsafe {
        let answer = match error_of(api, result) {
            Some(error) => Err(error),
            None => {
                let (at, n) = ((api.buffer)(result), (api.length)(result));
                let empty = at.is_null() || n == 0;
                Ok(Answer {
                    bytes: if empty { Vec::new() } else { std::slice::from_raw_parts(at.cast::<u8>(), n).to_vec() },
                    counts: Counts {
                        rows: (api.rows)(result),
                        bytes: n as u64,
                        read_rows: (api.storage_rows)(result),
                        read_bytes: (api.storage_bytes)(result),
                        written_rows: (api.written_rows)(result),
                        written_bytes: (api.written_bytes)(result),
                    },
                })
            }
        };
        (api.destroy)(result);
        answer
    }
}

/// A process that ends with a connection open (a panic, `exit` somewhere) would be torn down inside the engine and die of
/// a signal; it ends at once instead, with the status it wanted. What was acknowledged is on disk.
fn leave_quietly() {
    #[cfg(target_os = "linux")]
    {
        unsafe extern "C" {
            fn on_exit(hook: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
        }
        extern "C" fn hook(status: c_int, _: *mut c_void) {
            if OPEN.load(Ordering::SeqCst) > 0 {
                // SAFETY: ends the process.
                unsafe { libc::_exit(status) };
            }
        }
        // SAFETY: the hook lives as long as the program and touches an atomic only.
        unsafe { on_exit(hook, std::ptr::null_mut()) };
    }
}
