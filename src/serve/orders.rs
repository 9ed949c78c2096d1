//! Orders over HTTP. In: `POST /orders`, an [`Order`] as JSON, from whoever can read the secret in the data folder. Out:
//! [`Accepted`] as JSON once everything that follows is written. A browser and another machine do not know the secret,
//! wherever the process listens. The other end of it, for commands, is here as well.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::ADDRESS_FILE;
use crate::identity::Order;
use crate::orders::{Accepted, Desk};

/// Name of the file in the data folder that holds the secret of the process that takes orders.
pub const SECRET_FILE: &str = "orders.key";

/// How long a process has to answer its door.
const KNOCK: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// Nobody takes orders for this data folder now.
    #[error("no process takes orders here")]
    Nobody,
    #[error("the process at {address} did not carry the order out: {what}\n  hint: the same order again does no harm")]
    Refused { address: SocketAddr, what: String },
    #[error("cannot write {path}: {error}")]
    Write { path: String, error: std::io::Error },
}

/// `POST /orders` of a process with this secret.
pub fn router(desk: Desk, secret: &str) -> Router {
    Router::new()
        .route("/orders", post(take))
        .with_state(Door { desk, secret: blake3::hash(bearer(secret).as_bytes()) })
}

/// A new secret for this process, in a file that only its owner can read.
pub fn secret(data: &Path) -> Result<String, OrderError> {
    let path = data.join(SECRET_FILE);
    let wrong = |error| OrderError::Write { path: path.display().to_string(), error };
    let secret = blake3::Hash::from_bytes(rand::random()).to_hex().to_string();
    if path.exists() {
        fs::remove_file(&path).map_err(wrong)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&path).map_err(wrong)?;
    std::io::Write::write_all(&mut file, secret.as_bytes()).map_err(wrong)?;
    Ok(secret)
}

#[derive(Clone)]
struct Door {
    desk: Desk,
    /// Compared as a hash, which takes the same time for every wrong secret.
    secret: blake3::Hash,
}

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

async fn take(State(door): State<Door>, headers: HeaderMap, order: Json<Order>) -> Response {
    let shown = headers.get(header::AUTHORIZATION).map_or(&[][..], |h| h.as_bytes());
    if blake3::hash(shown) != door.secret {
        return (StatusCode::FORBIDDEN, "orders need the secret of the data folder\n").into_response();
    }
    match door.desk.ask(order.0).await {
        Some(accepted) => Json(accepted).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the process is starting or stopping\n").into_response(),
    }
}

/// Hands an order to the process that takes orders for a data folder.
pub async fn hand_in(data: &Path, order: &Order) -> Result<Accepted, OrderError> {
    let read = |name: &str| fs::read_to_string(data.join(name)).map_err(|_| OrderError::Nobody);
    let address: SocketAddr = read(ADDRESS_FILE)?.trim().parse().map_err(|_| OrderError::Nobody)?;
    let secret = read(SECRET_FILE)?;
    let stream = match tokio::time::timeout(KNOCK, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        _ => return Err(OrderError::Nobody),
    };
    let (status, body) = post_json(stream, address, &secret, order)
        .await
        .map_err(|e| OrderError::Refused { address, what: e.to_string() })?;
    if status == StatusCode::NOT_FOUND || status == StatusCode::FORBIDDEN {
        // Somebody else has the port now.
        return Err(OrderError::Nobody);
    }
    if status.is_success()
        && let Ok(accepted) = serde_json::from_slice(&body)
    {
        return Ok(accepted);
    }
    let what = format!("{status}: {}", String::from_utf8_lossy(&body).trim());
    Err(OrderError::Refused { address, what })
}

async fn post_json(
    stream: TcpStream,
    address: SocketAddr,
    secret: &str,
    order: &Order,
) -> Result<(StatusCode, Vec<u8>), Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let request = hyper::Request::post("/orders")
        .header(header::HOST, address.to_string())
        .header(header::AUTHORIZATION, bearer(secret))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(bytes::Bytes::from(serde_json::to_vec(order)?)))?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes().to_vec();
    driving.abort();
    Ok((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::Orders;

    #[tokio::test]
    async fn an_order_is_answered_to_whoever_knows_the_secret_and_to_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let order = Order::Split { a: "user:1".into(), b: "user:2".into() };
        assert!(matches!(hand_in(folder.path(), &order).await, Err(OrderError::Nobody)));

        let (desk, mut orders) = (Desk::default(), Orders::default());
        let secret = secret(folder.path()).unwrap();
        let serving = crate::serve::start(([127, 0, 0, 1], 0).into(), router(desk.clone(), &secret)).await.unwrap();
        serving.note_address(folder.path()).unwrap();
        let refused = hand_in(folder.path(), &order).await.unwrap_err();
        assert!(refused.to_string().contains("starting or stopping"), "{refused}");

        desk.open_for(&mut orders);
        let wanted = order.clone();
        let carrying_out = tokio::spawn(async move {
            let asked = orders.asked().await;
            assert_eq!(asked.order, wanted);
            asked.answer.send(Accepted { place: 7, customers: 2 }).unwrap();
        });
        assert_eq!(hand_in(folder.path(), &order).await.unwrap(), Accepted { place: 7, customers: 2 });
        carrying_out.await.unwrap();

        fs::write(folder.path().join(SECRET_FILE), "guessed").unwrap();
        assert!(matches!(hand_in(folder.path(), &order).await, Err(OrderError::Nobody)));
    }
}
