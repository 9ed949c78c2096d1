//! Orders over HTTP. In: `POST /orders`, an [`Order`] as JSON, from whoever can read the secret in the data folder. Out:
//! [`Accepted`] as JSON once everything that follows is written. `POST /rebuild` answers with a line of [`Progress`] as
//! often as there is some. A browser and another machine do not know the secret, wherever the process listens. The other
//! end of it, for commands, is here as well.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;

use super::ADDRESS_FILE;
use crate::identity::Order;
use crate::orders::{Accepted, Desk, Progress};
use crate::time::{Day, Timestamp};

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
        .route("/rebuild", post(rebuild))
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

/// What history shall be computed once more with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rebuild {
    /// Whoever computes another one must not answer.
    reading: String,
    /// Only customers with an event on this UTC day or later.
    from: Option<String>,
}

impl Door {
    fn knows(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).map_or(&[][..], |h| h.as_bytes());
        blake3::hash(shown) == self.secret
    }
}

/// Whoever asks knows the secret. Asked for first of all: what a stranger sends is not even read.
struct Allowed;

impl FromRequestParts<Door> for Allowed {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Self::Rejection> {
        if door.knows(&parts.headers) {
            return Ok(Self);
        }
        Err((StatusCode::FORBIDDEN, "orders need the secret of the data folder\n"))
    }
}

async fn rebuild(_: Allowed, State(door): State<Door>, asked: Json<Rebuild>) -> Response {
    let from = match asked.from.as_deref().map(|text| Timestamp::parse(text).map(Timestamp::utc_day).ok_or(text)) {
        None => None,
        Some(Ok(day)) => Some(day),
        Some(Err(text)) => {
            return (StatusCode::BAD_REQUEST, format!("`{text}` is no day; allowed: 2026-06-30\n")).into_response();
        }
    };
    let Some(told) = door.desk.rebuild(&asked.reading, from).await else {
        return match door.desk.stands_aside() {
            Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
            None => (StatusCode::CONFLICT, "the process does not compute this reading, or not yet\n").into_response(),
        };
    };
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::new(Lines(told))).into_response()
}

/// A line as often as there is progress.
struct Lines(UnboundedReceiver<Progress>);

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = serde_json::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, serde_json::Error>>> {
        let line = |progress| serde_json::to_string(&progress).map(|line| Frame::data(Bytes::from(line + "\n")));
        self.get_mut().0.poll_recv(context).map(|next| next.map(line))
    }
}

async fn take(_: Allowed, State(door): State<Door>, order: Json<Order>) -> Response {
    match door.desk.ask(order.0).await {
        Some(accepted) => Json(accepted).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", door.desk.why_not())).into_response(),
    }
}

/// The door of the process that takes orders for a data folder.
struct Knocking {
    address: SocketAddr,
    secret: String,
    stream: TcpStream,
}

impl Knocking {
    async fn at(data: &Path) -> Result<Self, OrderError> {
        let read = |name: &str| fs::read_to_string(data.join(name)).map_err(|_| OrderError::Nobody);
        let address: SocketAddr = read(ADDRESS_FILE)?.trim().parse().map_err(|_| OrderError::Nobody)?;
        let secret = read(SECRET_FILE)?;
        match tokio::time::timeout(KNOCK, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => Ok(Self { address, secret, stream }),
            _ => Err(OrderError::Nobody),
        }
    }

    /// Every piece of the answer is heard as it comes.
    async fn post(
        self,
        path: &str,
        body: Vec<u8>,
        mut hear: impl FnMut(&[u8]),
    ) -> Result<StatusCode, Box<dyn std::error::Error + Send + Sync>> {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(self.stream)).await?;
        let driving = tokio::spawn(connection);
        let request = hyper::Request::post(path)
            .header(header::HOST, self.address.to_string())
            .header(header::AUTHORIZATION, bearer(&self.secret))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let mut answer = sender.send_request(request).await?;
        while let Some(frame) = answer.body_mut().frame().await {
            frame?.data_ref().into_iter().for_each(|data| hear(data));
        }
        driving.abort();
        Ok(answer.status())
    }
}

/// Somebody else has the port now.
fn is_stranger(status: StatusCode) -> bool {
    status == StatusCode::NOT_FOUND || status == StatusCode::FORBIDDEN
}

/// Hands an order to the process that takes orders for a data folder.
pub async fn hand_in(data: &Path, order: &Order) -> Result<Accepted, OrderError> {
    let door = Knocking::at(data).await?;
    let address = door.address;
    let refused = |what: String| OrderError::Refused { address, what };
    let mut heard = Vec::new();
    let order = serde_json::to_vec(order).map_err(|e| refused(e.to_string()))?;
    let answered = door.post("/orders", order, |data| heard.extend_from_slice(data)).await;
    let status = answered.map_err(|e| refused(e.to_string()))?;
    if is_stranger(status) {
        return Err(OrderError::Nobody);
    }
    if status.is_success()
        && let Ok(accepted) = serde_json::from_slice(&heard)
    {
        return Ok(accepted);
    }
    Err(refused(format!("{status}: {}", String::from_utf8_lossy(&heard).trim())))
}

/// Lets the process that takes orders for a data folder compute history once more; `Ok(false)`: it does not compute this
/// reading, or not yet.
pub async fn ask_rebuild(
    data: &Path,
    (reading, from): (&str, Option<Day>),
    mut hear: impl FnMut(Progress),
) -> Result<bool, OrderError> {
    let door = Knocking::at(data).await?;
    let address = door.address;
    let refused = |what: String| OrderError::Refused { address, what };
    let asked = Rebuild { reading: reading.to_owned(), from: from.map(|day| day.to_string()) };
    let asked = serde_json::to_vec(&asked).map_err(|e| refused(e.to_string()))?;
    let (mut open, mut last, mut said) = (Vec::new(), None, String::new());
    let answered = door.post("/rebuild", asked, |data| {
        open.extend_from_slice(data);
        while let Some(end) = open.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = open.drain(..=end).collect();
            match serde_json::from_slice::<Progress>(&line) {
                Ok(progress) => {
                    last = Some(progress);
                    hear(progress);
                }
                Err(_) => said.push_str(&String::from_utf8_lossy(&line)),
            }
        }
    });
    let status = answered.await.map_err(|e| refused(e.to_string()))?;
    match (status, last) {
        (status, _) if is_stranger(status) => Err(OrderError::Nobody),
        (StatusCode::CONFLICT, _) => Ok(false),
        (status, Some(Progress { done, of })) if status.is_success() && done == of => Ok(true),
        (status, _) if status.is_success() => Err(refused("it stopped before everything was computed".to_owned())),
        (status, _) => Err(refused(format!("{status}: {}", said.trim()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::{Asked, Orders};

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

        desk.close("this process stands by");
        let refused = hand_in(folder.path(), &order).await.unwrap_err();
        assert!(refused.to_string().contains("this process stands by"), "{refused}");

        desk.open_for(&mut orders, ["abc".into()]);
        let wanted = order.clone();
        let carrying_out = tokio::spawn(async move {
            let Asked::Order(asked) = orders.asked().await else { panic!("an order was handed in") };
            assert_eq!(asked.order, wanted);
            asked.answer.send(Accepted { place: 7, customers: 2 }).unwrap();
            let Asked::Rebuild(asked) = orders.asked().await else { panic!("a rebuild was asked for") };
            assert_eq!(asked.from.unwrap().to_string(), "2026-06-30");
            (0..=3).for_each(|done| asked.tell.send(Progress { done, of: 3 }).unwrap());
            drop(asked);
            let Asked::Rebuild(asked) = orders.asked().await else { panic!("a rebuild was asked for") };
            asked.tell.send(Progress { done: 0, of: 3 }).unwrap();
        });
        assert_eq!(hand_in(folder.path(), &order).await.unwrap(), Accepted { place: 7, customers: 2 });
        let from = Timestamp::parse("2026-06-30").map(Timestamp::utc_day);
        let mut heard = Vec::new();
        assert!(ask_rebuild(folder.path(), ("abc", from), |progress| heard.push(progress.done)).await.unwrap());
        assert_eq!(heard, [0, 1, 2, 3]);
        assert!(!ask_rebuild(folder.path(), ("xyz", from), |_| {}).await.unwrap(), "another reading");
        let cut_off = ask_rebuild(folder.path(), ("abc", None), |_| {}).await.unwrap_err();
        assert!(cut_off.to_string().contains("stopped before everything"), "{cut_off}");
        carrying_out.await.unwrap();

        let status = async |body: &[u8]| {
            let door = Knocking::at(folder.path()).await.unwrap();
            door.post("/orders", body.to_vec(), |_| {}).await.unwrap()
        };
        assert!(status(&b"no order"[..]).await.is_client_error());
        fs::write(folder.path().join(SECRET_FILE), "guessed").unwrap();
        for body in [&b"no order"[..], b"{}", b""] {
            assert_eq!(status(body).await, StatusCode::FORBIDDEN, "nothing is said of the body to a stranger");
        }
        assert!(matches!(hand_in(folder.path(), &order).await, Err(OrderError::Nobody)));
    }
}
