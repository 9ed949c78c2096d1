//! The HTTP listener of `tropa run`. In: an address, [`Health`], more routes if there are any. Out: `/livez` (200 while
//! the process can answer), `/readyz` (200, or 503 with the reasons as JSON), `/metrics` (OpenMetrics text). It reads
//! states and changes none.

pub mod orders;
pub mod pages;

use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::health::Health;
use crate::time::Timestamp;

/// Name of the file in the data folder that says where the listener is.
pub const ADDRESS_FILE: &str = "serve";

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(
        "cannot listen at {address}: {error}\n  hint: `serve: {{ listen: … }}` in the config takes `auto`, `off` or ADDRESS:PORT"
    )]
    Bind { address: String, error: std::io::Error },
    #[error("cannot write {path}: {error}")]
    Write { path: String, error: std::io::Error },
}

/// A running listener; dropping it ends it.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Serving {
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Writes the address into the data folder, for whoever looks for a port that was chosen freely.
    pub fn note_address(&self, data: &Path) -> Result<(), ServeError> {
        let path = data.join(ADDRESS_FILE);
        let wrong = |error| ServeError::Write { path: path.display().to_string(), error };
        std::fs::create_dir_all(data).map_err(wrong)?;
        std::fs::write(&path, self.address.to_string()).map_err(wrong)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens at `address` and answers these routes.
pub async fn start(address: SocketAddr, routes: Router) -> Result<Serving, ServeError> {
    let wrong = |error| ServeError::Bind { address: address.to_string(), error };
    let listener = TcpListener::bind(address).await.map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    let task = tokio::spawn(async move {
        // Only ends with the process: `axum::serve` waits out errors of single connections.
        axum::serve(listener, routes).await.ok();
    });
    Ok(Serving { address, task })
}

#[derive(Clone)]
struct Watched {
    health: Health,
    clock: fn() -> Timestamp,
}

/// The routes for those who watch the process.
pub fn operations(health: Health, clock: fn() -> Timestamp) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Watched { health, clock })
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    reasons: Vec<ReasonRow>,
}

#[derive(Serialize)]
struct ReasonRow {
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<i32>,
    detail: String,
}

async fn ready(State(watched): State<Watched>) -> Response {
    use crate::health::Condition;
    let row = |(condition, detail): (Condition, String)| {
        let (topic, partition) = match &condition {
            Condition::Paused { topic, partition, .. } => (Some(topic.to_string()), Some(*partition)),
            _ => (None, None),
        };
        ReasonRow {
            reason: condition.as_str(),
            source: condition.source().map(str::to_owned),
            topic,
            partition,
            detail,
        }
    };
    let reasons: Vec<ReasonRow> = watched.health.reasons().into_iter().map(row).collect();
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(Readiness { ready: reasons.is_empty(), reasons })).into_response()
}

async fn metrics(State(watched): State<Watched>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], watched.health.render((watched.clock)())).into_response()
}
