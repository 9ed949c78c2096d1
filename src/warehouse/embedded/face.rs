//! ClickHouse's HTTP interface over the engine, on loopback. In: requests of any client of ClickHouse. Out: answers,
//! errors and headers as a server gives them. Answers are buffered whole; a request has a connection of its own, so
//! settings and parameters of one never reach another, and sessions are not kept.

use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::codec;
use super::engine::{Connection, Engine};
use super::guard::refusal;
use super::request::{Statement, answers, named_format, quote, setting, understand};

/// Largest body taken, bytes.
const MAX_BODY: usize = 4 << 30;

pub(super) async fn serve(listener: TcpListener, engine: Arc<Engine>, mut stop: watch::Receiver<bool>) {
    let ping = any(|| async { "Ok.\n" });
    let router = Router::new()
        .route("/ping", ping.clone())
        .route("/replicas_status", ping)
        .route("/", any(handle))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(engine);
    let stopped = async move {
        let _ = stop.wait_for(|s| *s).await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "the store's HTTP face failed");
    }
}

async fn handle(State(engine): State<Arc<Engine>>, request: Request) -> Response {
    let head = request.method() == Method::HEAD;
    let query_id = argument(&request, "query_id").filter(|q| !q.is_empty()).unwrap_or_else(random_id);
    let outcome = match prepare(request).await {
        Ok(None) => Ok(Done { body: b"Ok.\n".to_vec(), format: None, rows: 0, compressed: false }),
        Ok(Some(statement)) => {
            let run = tokio::task::spawn_blocking(move || {
                engine
                    .with_connection(|c| execute(c, statement))
                    .unwrap_or_else(|| Err("Code: 236. DB::Exception: the store is closing".to_owned()))
            });
            run.await.unwrap_or_else(|e| Err(format!("Code: 1001. DB::Exception: {e}")))
        }
        Err(error) => Err(error),
    };
    respond(outcome, &query_id, head)
}

fn argument(request: &Request, name: &str) -> Option<String> {
    let query = request.uri().query()?;
    url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == name).map(|(_, v)| v.into_owned())
}

fn random_id() -> String {
    let bytes: [u8; 16] = rand::random();
    let hex = blake3::hash(&bytes).to_hex();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

/// Only this machine may ask, also by name: a page in a browser must not reach the store through a name of its own.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or("127.0.0.1");
    let name = host
        .rsplit_once(':')
        .map_or(host, |(name, port)| if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host });
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

/// The statement of a request; `None` for a bare GET of `/`.
async fn prepare(request: Request) -> Result<Option<Statement>, String> {
    if !is_local(request.headers()) {
        return Err("Code: 516. DB::Exception: the embedded store answers to this machine only".to_owned());
    }
    let bad = |e: String| format!("Code: 62. DB::Exception: {e}");
    let (get, headers) = (matches!(*request.method(), Method::GET | Method::HEAD), request.headers().clone());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let mut arguments: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let form = text("content-type").is_some_and(|t| t.starts_with("multipart/form-data"));
    let mut body = Vec::new();
    if form {
        let mut parts = Multipart::from_request(request, &()).await.map_err(|e| bad(e.to_string()))?;
        while let Some(part) = parts.next_field().await.map_err(|e| bad(e.to_string()))? {
            let name = part.name().unwrap_or_default().to_owned();
            arguments.push((name, part.text().await.map_err(|e| bad(e.to_string()))?));
        }
    } else {
        body = axum::body::to_bytes(request.into_body(), MAX_BODY).await.map_err(|e| bad(e.to_string()))?.to_vec();
    }
    if let Some(encoding) = text("content-encoding") {
        body = codec::decode(&encoding, body).map_err(bad)?;
    }
    if arguments.iter().any(|(k, v)| k == "decompress" && v == "1") && !body.is_empty() {
        body = codec::unframe(&body).map_err(|e| format!("Code: 40. DB::Exception: {e}"))?;
    }
    let statement = understand(&arguments, text, body)?;
    if statement.sql.trim().is_empty() {
        return if get { Ok(None) } else { Err("Code: 62. DB::Exception: Syntax error: empty query".to_owned()) };
    }
    match refusal(&statement.sql) {
        Some(refused) => Err(refused),
        None => Ok(Some(statement)),
    }
}

struct Done {
    body: Vec<u8>,
    format: Option<String>,
    rows: u64,
    compressed: bool,
}

fn execute(connection: &mut Connection, s: Statement) -> Result<Done, String> {
    let mut prelude = |sql: String| connection.run(&sql, "Null").map(|_| ());
    prelude("SET implicit_select = 0".to_owned())?;
    if let Some(database) = s.database.as_deref().filter(|d| !d.is_empty()) {
        prelude(format!("USE `{}`", database.replace('`', "")))?;
    }
    for (key, value) in &s.settings {
        if !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!(
                "Code: 115. DB::Exception: Setting {key} is neither a builtin setting nor started with the prefix"
            ));
        }
        prelude(format!("SET {key} = {}", setting(value)))?;
    }
    for (key, value) in &s.parameters {
        if !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("Code: 456. DB::Exception: parameter {key} has no usable name"));
        }
        prelude(format!("SET param_{key} = {}", quote(value)))?;
    }
    if let Some((data, format)) = s.data {
        if data.is_empty() {
            return Ok(Done { body: Vec::new(), format: None, rows: 0, compressed: s.compress });
        }
        let file = memory_file(&data).map_err(|e| format!("Code: 74. DB::Exception: {e}"))?;
        drop(data);
        let sql = format!(
            "{} FROM INFILE '/proc/self/fd/{}' COMPRESSION 'none' FORMAT {format}",
            head_without_settings(&s.sql),
            file.as_raw_fd()
        );
        let answer = connection.run(&sql, "Null")?;
        return Ok(Done { body: Vec::new(), format: None, rows: answer.rows_read, compressed: s.compress });
    }
    let format = named_format(&s.sql).unwrap_or_else(|| s.default_format.clone());
    let answer = connection.run(s.sql.trim_end().trim_end_matches(';'), &format)?;
    let has_answer = answers(&s.sql);
    let body = if s.compress { codec::frame(&answer.bytes) } else { answer.bytes };
    Ok(Done { body, format: has_answer.then_some(format), rows: answer.rows_read, compressed: s.compress })
}

/// `INSERT INTO t (…) SETTINGS … ` : the settings were set on the connection's statement; FROM INFILE stands before them.
fn head_without_settings(head: &str) -> String {
    let lower = head.to_ascii_lowercase();
    match lower.rfind(" settings ") {
        Some(at) => head[..at].trim_end().to_owned(),
        None => head.trim_end().to_owned(),
    }
}

/// The data as a file that only this process has: any byte may stand in it.
fn memory_file(data: &[u8]) -> std::io::Result<OwnedFd> {
    // SAFETY: a constant name; the descriptor is checked and owned at once.
    let file = unsafe {
        let fd = libc::memfd_create(c"insert".as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(fd)
    };
    let mut writer = std::fs::File::from(file);
    writer.write_all(data)?;
    Ok(OwnedFd::from(writer))
}

fn respond(outcome: Result<Done, String>, query_id: &str, head: bool) -> Response {
    let mut builder = Response::builder()
        .header("X-ClickHouse-Server-Display-Name", "tropa")
        .header("X-ClickHouse-Query-Id", query_id)
        .header("X-ClickHouse-Timezone", "UTC");
    match outcome {
        Ok(done) => {
            if let Some(format) = &done.format {
                builder = builder.header("X-ClickHouse-Format", format);
            }
            let summary = format!(
                r#"{{"read_rows":"{0}","read_bytes":"0","written_rows":"0","written_bytes":"0","total_rows_to_read":"{0}","result_rows":"0","result_bytes":"{1}"}}"#,
                done.rows,
                done.body.len()
            );
            let kind = match done.format.as_deref() {
                _ if done.compressed => "application/octet-stream",
                Some(f) if f.starts_with("JSON") => "application/json; charset=UTF-8",
                Some(f) if f.starts_with("CSV") => "text/csv; charset=UTF-8",
                Some(f) if f.starts_with("TSV") || f.starts_with("TabSeparated") => {
                    "text/tab-separated-values; charset=UTF-8"
                }
                Some("RowBinary" | "RowBinaryWithNamesAndTypes" | "Native" | "Parquet" | "Arrow" | "ArrowStream") => {
                    "application/octet-stream"
                }
                _ => "text/plain; charset=UTF-8",
            };
            let body = if head { Body::empty() } else { Body::from(done.body) };
            let response =
                builder.header("X-ClickHouse-Summary", summary).header(header::CONTENT_TYPE, kind).body(body);
            response.unwrap_or_default()
        }
        Err(error) => {
            let code = code_of(&error);
            let status = match code {
                60 | 81 | 46 | 115 => StatusCode::NOT_FOUND,
                497 | 516 => StatusCode::FORBIDDEN,
                36 | 38 | 41 | 42 | 43 | 47 | 53 | 62 | 72 | 130 | 386 | 456 | 457 => StatusCode::BAD_REQUEST,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            let version = if error.contains("(version ") { "" } else { " (version 26.5.3.1)" };
            let response = builder
                .status(status)
                .header("X-ClickHouse-Exception-Code", code.to_string())
                .header(header::CONTENT_TYPE, "text/plain; charset=UTF-8")
                .body(Body::from(format!("{}{version}\n", error.trim_end())));
            response.unwrap_or_default()
        }
    }
}

fn code_of(error: &str) -> u32 {
    let digits = error.split("Code: ").nth(1).unwrap_or_default();
    digits.split(|c: char| !c.is_ascii_digit()).next().and_then(|d| d.parse().ok()).unwrap_or(1002)
}
