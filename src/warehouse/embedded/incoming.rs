//! Requests as they come in. In: HTTP. Out: a statement that may run, with its data plain and whole, or the reason why
//! not. Only programs of this machine may ask: a web page in a browser here must not be able to drive the store.

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, Method, header};
use bytes::Bytes;

use super::codec;
use super::guard::refusal;
use super::request::{Statement, answers, sets, understand};

/// Largest body taken, bytes.
pub(super) const MAX_BODY: usize = 4 << 30;

/// The statement of a request; `None` for a bare GET of `/`.
pub(super) async fn read(request: Request) -> Result<Option<Statement>, String> {
    if let Some(reason) = stranger(request.headers()) {
        return Err(format!("Code: 516. DB::Exception: {reason} (AUTHENTICATION_FAILED)"));
    }
    let bad = |e: String| format!("Code: 62. DB::Exception: {e}");
    let (get, headers) = (matches!(*request.method(), Method::GET | Method::HEAD), request.headers().clone());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let mut arguments: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let mut body = Bytes::new();
    if text("content-type").is_some_and(|t| t.starts_with("multipart/form-data")) {
        let mut parts = Multipart::from_request(request, &()).await.map_err(|e| bad(e.to_string()))?;
        while let Some(part) = parts.next_field().await.map_err(|e| bad(e.to_string()))? {
            let name = part.name().unwrap_or_default().to_owned();
            arguments.push((name, part.text().await.map_err(|e| bad(e.to_string()))?));
        }
    } else {
        body = axum::body::to_bytes(request.into_body(), MAX_BODY).await.map_err(|e| bad(e.to_string()))?;
    }
    let framed = arguments.iter().any(|(k, v)| k == "decompress" && v == "1");
    let encoding = text("content-encoding").unwrap_or_default();
    let plain = tokio::task::spawn_blocking(move || plain(&encoding, framed, body)).await;
    let body = plain.map_err(|e| bad(e.to_string()))??;
    let mut statement = understand(&arguments, text, body)?;
    statement.read_only |= get;
    if statement.sql.trim().is_empty() {
        return if get { Ok(None) } else { Err(bad("Syntax error: empty query".to_owned())) };
    }
    if statement.read_only && !answers(&statement.sql) && !sets(&statement.sql) {
        let reason = "Cannot execute query in readonly mode. Method GET and readonly=1 are for questions; use POST";
        return Err(format!("Code: 164. DB::Exception: {reason} (READONLY)"));
    }
    refusal(&statement).map_or(Ok(Some(statement)), Err)
}

/// Undoes what the body is packed in.
fn plain(encoding: &str, framed: bool, body: Bytes) -> Result<Bytes, String> {
    let body = codec::decode(encoding, body).map_err(|e| format!("Code: 40. DB::Exception: {e}"))?;
    if !framed || body.is_empty() {
        return Ok(body);
    }
    codec::unframe(&body).map(Bytes::from).map_err(|e| format!("Code: 40. DB::Exception: {e}"))
}

/// Why a request does not come from a program of this machine. A name that merely resolves here (rebinding) shows in
/// `Host`; a page of another address shows in `Origin`, or, where the browser sends none, in `Sec-Fetch-Site`.
fn stranger(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).map(|h: &header::HeaderValue| h.to_str().unwrap_or("?"));
    let host = text(header::HOST).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    if !matches!(name.map_or(host, |(name, _)| name), "127.0.0.1" | "localhost" | "[::1]") {
        return Some(format!("the embedded store answers to 127.0.0.1 and localhost, not to `{host}`"));
    }
    let own = |origin: &str| origin.strip_prefix("http://").is_some_and(|o| o == host);
    let site = headers.get("sec-fetch-site").and_then(|s| s.to_str().ok());
    let foreign =
        text(header::ORIGIN).is_some_and(|o| !own(o)) || site.is_some_and(|s| !matches!(s, "none" | "same-origin"));
    foreign.then(|| "the embedded store does not answer to web pages".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_this_machine_are_known_from_web_pages() {
        let asks = |pairs: &[(&'static str, &str)]| {
            let headers = pairs.iter().map(|(k, v)| (header::HeaderName::from_static(k), v.parse().unwrap())).collect();
            stranger(&headers).is_none()
        };
        assert!(asks(&[("host", "127.0.0.1:8123")]) && asks(&[("host", "localhost")]) && asks(&[("host", "[::1]:1")]));
        assert!(!asks(&[("host", "evil.example:8123")]) && !asks(&[]) && !asks(&[("host", "127.0.0.1.evil:80")]));
        assert!(asks(&[("host", "localhost:1"), ("origin", "http://localhost:1"), ("sec-fetch-site", "same-origin")]));
        assert!(!asks(&[("host", "localhost:1"), ("origin", "http://localhost:3000")]));
        assert!(!asks(&[("host", "localhost:1"), ("origin", "null")]));
        assert!(!asks(&[("host", "127.0.0.1:1"), ("sec-fetch-site", "cross-site")]));
    }
}
