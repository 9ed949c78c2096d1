//! Sessions: a name that stands for a connection with its own settings and temporary tables. In: `session_id` and its
//! timeout. Out: the connection, to one request at a time; a session that nobody asked for in its time is closed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;

use super::connection::Connection;
use super::engine::Engine;
use super::request::Session;

/// How long a request waits for the one before it, such as a stream that its client has just left.
const TURN: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    connection: Arc<tokio::sync::Mutex<Connection>>,
    until: Instant,
}

/// A connection for one request.
pub(super) enum Lease {
    Own(Connection),
    Shared { connection: OwnedMutexGuard<Connection>, sessions: Arc<Sessions>, ask: Session },
}

impl Lease {
    pub fn connection(&mut self) -> &mut Connection {
        match self {
            Self::Own(connection) => connection,
            Self::Shared { connection, .. } => connection,
        }
    }

    pub const fn is_shared(&self) -> bool {
        matches!(self, Self::Shared { .. })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Self::Shared { sessions, ask, .. } = self else { return };
        let mut open = sessions.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = open.get_mut(&ask.id) {
            entry.until = Instant::now() + ask.timeout;
        }
    }
}

impl Sessions {
    /// The connection of a request: its session's, or one of its own.
    pub async fn lease(self: &Arc<Self>, engine: &Arc<Engine>, ask: Option<Session>) -> Result<Lease, String> {
        let closing = || "Code: 236. DB::Exception: the store is closing (ABORTED)".to_owned();
        let Some(ask) = ask else {
            return engine.connect().map(Lease::Own).ok_or_else(closing);
        };
        let connection = self.find(engine, &ask)?.ok_or_else(closing)?;
        let turn = tokio::time::timeout(TURN, connection.lock_owned()).await;
        let connection = turn.map_err(|_| {
            format!("Code: 373. DB::Exception: Session {} is locked by a concurrent client (SESSION_IS_LOCKED)", ask.id)
        })?;
        if ask.close {
            // Before the answer: whoever has it and asks again begins another session.
            self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&ask.id);
        }
        Ok(Lease::Shared { connection, sessions: self.clone(), ask })
    }

    fn find(&self, engine: &Engine, ask: &Session) -> Result<Option<Arc<tokio::sync::Mutex<Connection>>>, String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = open.get_mut(&ask.id) {
            entry.until = Instant::now() + ask.timeout;
            return Ok(Some(entry.connection.clone()));
        }
        if ask.check {
            return Err(format!("Code: 372. DB::Exception: Session {} not found (SESSION_NOT_FOUND)", ask.id));
        }
        let Some(connection) = engine.connect() else { return Ok(None) };
        let connection = Arc::new(tokio::sync::Mutex::new(connection));
        let entry = Entry { connection: connection.clone(), until: Instant::now() + ask.timeout };
        open.insert(ask.id.clone(), entry);
        Ok(Some(connection))
    }

    /// Closes the sessions whose time is over by `now`.
    pub fn sweep(&self, now: Instant) {
        let mut over = Vec::new();
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, entry| {
            let keep = entry.until > now || Arc::strong_count(&entry.connection) > 1;
            if !keep {
                over.push(entry.connection.clone());
            }
            keep
        });
        // Closing takes its time and must not keep the others waiting.
        drop(over);
    }

    pub fn close_all(&self) {
        let all = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        drop(all);
    }
}
