//! Answers as a server of ClickHouse gives them. In: what the engine said. Out: status, headers and body. An error that
//! comes when the head is already on its way ends the body in the form that clients look for, marked by a random tag.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::{StatusCode, header, response::Builder};
use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;
use tokio::sync::mpsc;

use super::codec;
use super::engine::Engine;
use super::work::{Head, Piece};

pub(super) fn success(engine: &Engine, id: &str, head: Head, compress: bool, rest: Rest) -> Response {
    let counts = head.counts;
    let summary = serde_json::json!({
        "read_rows": counts.read_rows.to_string(),
        "read_bytes": counts.read_bytes.to_string(),
        "written_rows": counts.written_rows.to_string(),
        "written_bytes": counts.written_bytes.to_string(),
        "total_rows_to_read": counts.read_rows.to_string(),
        "result_rows": counts.rows.max(counts.written_rows).to_string(),
        "result_bytes": counts.bytes.to_string(),
        "elapsed_ns": head.elapsed_ns.to_string(),
    });
    let mut builder = common(engine, id)
        .header("X-ClickHouse-Summary", summary.to_string())
        .header("X-ClickHouse-Exception-Tag", &rest.tag)
        .header(header::CONTENT_TYPE, content_type(head.format.as_deref(), compress));
    if let Some(format) = &head.format {
        builder = builder.header("X-ClickHouse-Format", format);
    }
    let body = match head.body {
        Some(bytes) => Body::from(bytes),
        None => Body::new(rest),
    };
    builder.body(body).unwrap_or_default()
}

pub(super) fn failure(engine: &Engine, id: &str, error: &str) -> Response {
    let code = code_of(error);
    let response = common(engine, id)
        .status(status(code))
        .header("X-ClickHouse-Exception-Code", code.to_string())
        .header(header::CONTENT_TYPE, "text/plain; charset=UTF-8")
        .body(Body::from(format!("{}\n", with_version(error, &engine.version))));
    response.unwrap_or_default()
}

fn common(engine: &Engine, id: &str) -> Builder {
    Response::builder()
        .header("X-ClickHouse-Server-Display-Name", "tropa")
        .header("X-ClickHouse-Query-Id", id.replace(|c: char| !c.is_ascii_graphic() && c != ' ', "?"))
        .header("X-ClickHouse-Timezone", &engine.timezone)
}

fn content_type(format: Option<&str>, compress: bool) -> &'static str {
    match format {
        _ if compress => "application/octet-stream",
        Some(f) if f.starts_with("JSON") => "application/json; charset=UTF-8",
        Some(f) if f.starts_with("CSV") => "text/csv; charset=UTF-8",
        Some(f) if f.starts_with("TSV") || f.starts_with("TabSeparated") => "text/tab-separated-values; charset=UTF-8",
        Some(f) if f.starts_with("RowBinary") || f.starts_with("Arrow") => "application/octet-stream",
        Some("Native" | "Parquet" | "ORC" | "Avro" | "Protobuf" | "MsgPack") => "application/octet-stream",
        _ => "text/plain; charset=UTF-8",
    }
}

fn status(code: u32) -> StatusCode {
    match code {
        46 | 60 | 81 | 115 => StatusCode::NOT_FOUND,
        497 | 516 => StatusCode::FORBIDDEN,
        6 | 26 | 27 | 36 | 38 | 40 | 41 | 42 | 43 | 47 | 53 | 62 | 70 | 72 | 130 | 374 | 386 | 456 | 457 => {
            StatusCode::BAD_REQUEST
        }
        48 => StatusCode::NOT_IMPLEMENTED,
        236 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(super) fn code_of(error: &str) -> u32 {
    let digits = error.split("Code: ").nth(1).unwrap_or_default();
    digits.split(|c: char| !c.is_ascii_digit()).next().and_then(|d| d.parse().ok()).unwrap_or(1002)
}

/// Clients look for the version at the end of an error.
fn with_version(error: &str, version: &str) -> String {
    let (error, version) = (error.trim_end(), format!("(version {version})"));
    if error.ends_with(&version) { error.to_owned() } else { format!("{error} {version}") }
}

/// The body of an answer that comes in pieces; it holds its client's presence for as long as the client is there.
pub(super) struct Rest {
    pub pieces: mpsc::Receiver<Piece>,
    pub tag: String,
    pub compress: bool,
    pub version: String,
    pub _presence: Box<dyn Send + 'static>,
    pub ended: bool,
}

impl Rest {
    /// An error in the middle: `\r\n__exception__\r\n<tag>\r\n<message>\n<length> <tag>\r\n__exception__\r\n`.
    fn late(&self, error: &str) -> Bytes {
        let (mark, tag) = ("__exception__", &self.tag);
        let message = format!("{}\n", with_version(error, &self.version));
        let text = format!("\r\n{mark}\r\n{tag}\r\n{message}{} {tag}\r\n{mark}\r\n", message.len());
        Bytes::from(if self.compress { codec::frame(text.as_bytes()) } else { text.into_bytes() })
    }
}

impl HttpBody for Rest {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.pieces.poll_recv(cx).map(|piece| match piece {
            Some(Piece::Data(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::Failed(error)) => {
                self.ended = true;
                Some(Ok(Frame::data(self.late(&error))))
            }
            Some(Piece::End) => {
                self.ended = true;
                None
            }
            // Half of an answer must not look like a whole one.
            None => {
                self.ended = true;
                Some(Err(io::Error::other("the answer was cut off: the store is closing")))
            }
        })
    }
}

/// Sixteen letters that no data holds by chance.
pub(super) fn random_tag() -> String {
    let bytes: [u8; 16] = rand::random();
    bytes.iter().map(|b| char::from(b'a' + b % 26)).collect()
}
