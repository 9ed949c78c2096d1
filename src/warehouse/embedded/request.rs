//! One request of ClickHouse's HTTP interface, understood. In: URL arguments, headers, body. Out: the statement, the
//! settings and parameters to set on its connection, the data to insert, how the answer is wanted, and in which session.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::lex::{Kind, Token, lex};

/// URL arguments that are no settings, or that the face answers for itself.
const NO_SETTINGS: [&str; 11] = [
    "user",
    "password",
    "quota_key",
    "decompress",
    "stacktrace",
    "buffer_size",
    "role",
    "client_protocol_version",
    "hint",
    // The id of a query stands there, for KILL.
    "log_comment",
    "implicit_select",
];
/// ClickHouse's defaults.
const SESSION_TIMEOUT: u64 = 60;
const MAX_SESSION_TIMEOUT: u64 = 3_600;
/// Data begins after the head of an INSERT, which is not longer than this.
const MAX_HEAD: usize = 1 << 20;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    pub sql: String,
    pub insert: Option<Insert>,
    pub database: Option<String>,
    /// Format of an answer whose statement names none.
    pub default_format: String,
    pub settings: BTreeMap<String, String>,
    pub parameters: BTreeMap<String, String>,
    pub compress: bool,
    /// The answer is wanted whole, so that every error comes as an error.
    pub whole: bool,
    pub read_only: bool,
    pub query_id: Option<String>,
    pub session: Option<Session>,
}

/// `INSERT … [SETTINGS …] FORMAT X` with its data.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Insert {
    pub head: String,
    pub settings: String,
    pub format: String,
    pub data: Bytes,
}

#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub(super) struct Session {
    pub id: String,
    pub timeout: Duration,
    /// It must be there already.
    pub check: bool,
    /// It ends with this request.
    pub close: bool,
}

/// Puts the parts of a request together.
pub(super) fn understand(
    arguments: &[(String, String)],
    headers: impl Fn(&str) -> Option<String>,
    body: Bytes,
) -> Result<Statement, String> {
    let mut s = Statement { default_format: "TabSeparated".to_owned(), ..Statement::default() };
    let (mut from_url, mut session, mut seconds) = (String::new(), Session::default(), SESSION_TIMEOUT.to_string());
    s.database = headers("x-clickhouse-database");
    if let Some(format) = headers("x-clickhouse-format") {
        s.default_format = format;
    }
    for (key, value) in arguments {
        let on = value == "1" || value.eq_ignore_ascii_case("true");
        match key.as_str() {
            "query" => from_url.push_str(value),
            "database" => s.database = Some(value.clone()),
            "default_format" => s.default_format.clone_from(value),
            "compress" => s.compress = on,
            "wait_end_of_query" => s.whole = on,
            "readonly" => s.read_only = value != "0",
            "query_id" => s.query_id = Some(value.clone()).filter(|v| !v.is_empty()),
            "session_id" => session.id.clone_from(value),
            "session_timeout" => seconds.clone_from(value),
            "session_check" => session.check = on,
            "close_session" => session.close = on,
            key if key.starts_with("param_") => {
                s.parameters.insert(named(&key["param_".len()..], 456)?, value.clone());
            }
            key if NO_SETTINGS.contains(&key) => {}
            key => {
                s.settings.insert(named(key, 115)?, value.clone());
            }
        }
    }
    if !session.id.is_empty() {
        let timeout = seconds.parse().ok().filter(|t| *t <= MAX_SESSION_TIMEOUT);
        let wrong = || {
            format!(
                "Code: 374. DB::Exception: session_timeout is `{seconds}`; allowed: seconds up to {MAX_SESSION_TIMEOUT}"
            )
        };
        session.timeout = Duration::from_secs(timeout.ok_or_else(wrong)?);
        s.session = Some(session);
    }
    (s.sql, s.insert) = statement(from_url, body)?;
    Ok(s)
}

/// A name that can be pasted into a SET.
fn named(key: &str, code: u32) -> Result<String, String> {
    let fits = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then(|| key.to_owned())
        .ok_or_else(|| format!("Code: {code}. DB::Exception: `{key}` is no name of a setting or parameter"))
}

/// The statement may stand in the URL, in the body, or begin in one and end in the other.
fn statement(url: String, body: Bytes) -> Result<(String, Option<Insert>), String> {
    let joined = match (url.is_empty(), body.is_empty()) {
        (true, _) => body,
        (false, true) => Bytes::from(url),
        (false, false) => {
            if let Some(insert) = insert_with_data(&Bytes::from(url.clone()))?.filter(|i| i.data.is_empty()) {
                return Ok((url, Some(Insert { data: body, ..insert })));
            }
            Bytes::from([url.as_bytes(), b"\n", &body[..]].concat())
        }
    };
    match insert_with_data(&joined)? {
        Some(insert) => {
            let head = joined.len() - insert.data.len();
            Ok((text(&joined[..head])?, Some(insert)))
        }
        None => Ok((text(&joined)?, None)),
    }
}

fn text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "Code: 62. DB::Exception: the statement is not UTF-8".to_owned())
}

/// `INSERT … FORMAT X` followed by data; `None` for VALUES, SELECT and everything else.
fn insert_with_data(all: &Bytes) -> Result<Option<Insert>, String> {
    let mut tokens = lex(&all[..all.len().min(MAX_HEAD)]);
    if !tokens.next().is_some_and(|t| t.is("insert")) {
        return Ok(None);
    }
    let (mut depth, mut settings, mut before) = (0_i32, None, None::<Token<'_>>);
    while let Some(token) = tokens.next() {
        // A table may have any name.
        let names = before.is_some_and(|b| b.is_any(&["into", "table", "function"]) || b.is_symbol(b'.'));
        match token.kind {
            Kind::Symbol(b'(') => depth += 1,
            Kind::Symbol(b')') => depth -= 1,
            Kind::Word if depth == 0 && !names => {
                if token.is_any(&["select", "with", "values", "from", "watch"]) {
                    return Ok(None);
                }
                if token.is("settings") && settings.is_none() {
                    settings = Some(token.start);
                }
                if token.is("format") {
                    let Some(format) = tokens.next().filter(|f| f.kind == Kind::Word) else { return Ok(None) };
                    if format.is("values") {
                        return Ok(None);
                    }
                    let head = settings.unwrap_or(token.start);
                    return Ok(Some(Insert {
                        head: text(all[..head].trim_ascii())?,
                        settings: text(all[head..token.start].trim_ascii())?,
                        format: format.content(),
                        data: all.slice(data_start(all, format.end)..),
                    }));
                }
            }
            _ => {}
        }
        before = Some(token);
    }
    Ok(None)
}

/// Past blanks, one semicolon and one line end behind the format's name, as ClickHouse has it.
fn data_start(all: &[u8], mut at: usize) -> usize {
    let blanks = |mut at: usize| {
        while matches!(all.get(at), Some(b' ' | b'\t' | 0x0C)) {
            at += 1;
        }
        at
    };
    at = blanks(at);
    if all.get(at) == Some(&b';') {
        at = blanks(at + 1);
    }
    at += usize::from(all.get(at) == Some(&b'\r'));
    at + usize::from(all.get(at) == Some(&b'\n'))
}

/// The format that a statement names for its answer.
pub(super) fn named_format(sql: &str) -> Option<String> {
    let tokens: Vec<Token<'_>> = lex(sql.as_bytes()).filter(|t| !t.is_symbol(b';')).collect();
    let settings = tokens.iter().rposition(|t| t.is("settings")).unwrap_or(tokens.len());
    // FORMAT stands last, or last before SETTINGS.
    [tokens.len(), settings].into_iter().find_map(|end| match tokens.get(..end)? {
        [.., keyword, name] if keyword.is("format") && name.kind == Kind::Word => Some(name.content()),
        _ => None,
    })
}

/// Whether a statement has an answer with rows, and changes nothing.
pub(super) fn answers(sql: &str) -> bool {
    let mut tokens = lex(sql.as_bytes()).skip_while(|t| t.is_symbol(b'('));
    let Some(first) = tokens.next() else { return false };
    let asks = ["select", "from", "show", "describe", "desc", "exists", "explain", "check"];
    first.is_any(&asks) || (first.is("with") && !tokens.any(|t| t.is("insert")))
}

/// Whether the engine can give its answer block by block.
pub(super) fn is_select(sql: &str) -> bool {
    let first = lex(sql.as_bytes()).find(|t| !t.is_symbol(b'('));
    first.is_some_and(|t| t.is_any(&["select", "with", "from"])) && answers(sql)
}

/// Whether a statement only changes its session.
pub(super) fn sets(sql: &str) -> bool {
    lex(sql.as_bytes()).next().is_some_and(|t| t.is_any(&["set", "use"]))
}

/// A string literal.
pub(super) fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// An identifier.
pub(super) fn name(value: &str) -> String {
    format!("`{}`", value.replace('\\', "\\\\").replace('`', "\\`"))
}

/// A setting's value: a number as it is, anything else as text.
pub(super) fn setting(value: &str) -> String {
    if value.parse::<f64>().is_ok_and(f64::is_finite) { value.to_owned() } else { quote(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, body: &'static [u8]) -> Statement {
        let arguments = if url.is_empty() { vec![] } else { vec![("query".to_owned(), url.to_owned())] };
        understand(&arguments, |_| None, Bytes::from_static(body)).unwrap()
    }

    #[test]
    fn an_insert_is_parted_from_its_data_wherever_it_stands() {
        let parts = |s: Statement| s.insert.map(|i| (i.head, i.settings, i.format, i.data.to_vec()));
        let insert = |head: &str, settings: &str, format: &str, data: &[u8]| {
            Some((head.to_owned(), settings.to_owned(), format.to_owned(), data.to_vec()))
        };
        assert_eq!(
            parts(of("INSERT INTO t(a) FORMAT RowBinary", b"\x00\x01\n\n\x02")),
            insert("INSERT INTO t(a)", "", "RowBinary", b"\x00\x01\n\n\x02")
        );
        assert_eq!(
            parts(of("", b"/* x */ insert into t settings a='format CSV' format CSV \r\n\n1,2\n")),
            insert("/* x */ insert into t", "settings a='format CSV'", "CSV", b"\n1,2\n")
        );
        assert_eq!(
            parts(of("", b"INSERT INTO t FORMAT Native\n\xff\n")),
            insert("INSERT INTO t", "", "Native", b"\xff\n")
        );
        assert_eq!(
            parts(of("INSERT INTO format (`format`) FORMAT TSV", b"1")),
            insert("INSERT INTO format (`format`)", "", "TSV", b"1")
        );
        for whole in ["INSERT INTO t SELECT 1", "INSERT INTO t VALUES (1)", "INSERT INTO t SELECT format FROM\nx"] {
            assert_eq!(parts(of(whole, b"")), None, "{whole}");
        }
        assert_eq!(of("SELECT 1", b"").sql, "SELECT 1");
    }

    #[test]
    fn the_format_of_an_answer_is_found_at_the_end_only() {
        for sql in ["SELECT 1 FORMAT JSON;", "SELECT 1 format JSON -- CSV", "SELECT 1 FORMAT JSON SETTINGS a = 1"] {
            assert_eq!(named_format(sql).as_deref(), Some("JSON"), "{sql}");
        }
        assert_eq!(named_format("SELECT format FROM t"), None);
        assert_eq!(named_format("SELECT 'x FORMAT JSON'"), None);
    }

    #[test]
    fn what_asks_is_told_from_what_changes() {
        for asks in [" (SELECT 1)", "-- x\nSELECT 1", "FROM t SELECT 1", "WITH 1 AS x SELECT x", "show tables"] {
            assert!(answers(asks), "{asks}");
        }
        for changes in
            ["CREATE TABLE x (a Int8)", "WITH x AS (SELECT 1) INSERT INTO t SELECT 1", "/* SELECT */ DROP TABLE t"]
        {
            assert!(!answers(changes), "{changes}");
        }
        assert!(is_select("((SELECT 1))") && !is_select("SHOW TABLES"));
    }
}
