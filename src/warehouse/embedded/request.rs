//! One request of ClickHouse's HTTP interface, understood. In: URL arguments, headers, body. Out: the statement, the
//! settings and parameters to set on its connection, the data to insert, how the answer is wanted.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::bytes::Regex as BytesRegex;

/// URL arguments that are no settings.
const NO_SETTINGS: [&str; 19] = [
    "query",
    "database",
    "default_format",
    "user",
    "password",
    "session_id",
    "session_timeout",
    "session_check",
    "query_id",
    "quota_key",
    "compress",
    "decompress",
    "stacktrace",
    "buffer_size",
    "wait_end_of_query",
    "role",
    "close_session",
    "client_protocol_version",
    "hint",
];

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    pub sql: String,
    /// Data of an INSERT, and its format.
    pub data: Option<(Vec<u8>, String)>,
    pub database: Option<String>,
    /// Format of an answer whose statement names none.
    pub default_format: String,
    pub settings: BTreeMap<String, String>,
    pub parameters: BTreeMap<String, String>,
    pub compress: bool,
}

/// Puts the parts of a request together.
pub(super) fn understand(
    arguments: &[(String, String)],
    headers: impl Fn(&str) -> Option<String>,
    body: Vec<u8>,
) -> Result<Statement, String> {
    let mut s = Statement { default_format: "TabSeparated".to_owned(), ..Statement::default() };
    let mut from_url = String::new();
    s.database = headers("x-clickhouse-database");
    if let Some(format) = headers("x-clickhouse-format") {
        s.default_format = format;
    }
    for (key, value) in arguments {
        match key.as_str() {
            "query" => from_url.clone_from(value),
            "database" => s.database = Some(value.clone()),
            "default_format" => s.default_format.clone_from(value),
            "compress" => s.compress = value == "1",
            key if key.starts_with("param_") => {
                s.parameters.insert(key["param_".len()..].to_owned(), value.clone());
            }
            key if NO_SETTINGS.contains(&key) => {}
            key => {
                s.settings.insert(key.to_owned(), value.clone());
            }
        }
    }
    // The statement may stand in the URL, in the body, or begin in one and end in the other.
    let joined = match (from_url.is_empty(), body.is_empty()) {
        (true, _) => body,
        (false, true) => from_url.into_bytes(),
        (false, false) => [from_url.as_bytes(), b"\n", &body[..]].concat(),
    };
    match insert_with_data(&joined) {
        Some((head, format, data)) => {
            s.sql = text(&joined[..head])?;
            s.data = Some((joined[data..].to_vec(), format));
        }
        None => s.sql = text(&joined)?,
    }
    Ok(s)
}

fn text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "Code: 62. DB::Exception: the statement is not UTF-8".to_owned())
}

/// `INSERT … FORMAT X` followed by data: (end of the head before FORMAT, X, start of the data).
fn insert_with_data(all: &[u8]) -> Option<(usize, String, usize)> {
    static INSERT: LazyLock<Option<BytesRegex>> = LazyLock::new(|| {
        BytesRegex::new(r"(?is-u)\A\s*(?:(?:/\*.*?\*/|--[^\n]*\n)\s*)*insert\s+into\b[^\x00]*?\bformat\s+([A-Za-z0-9_]+)[ \t\r]*(?:\n|;\s*\n?|\z)").ok()
    });
    let found = INSERT.as_ref()?.captures(&all[..all.len().min(1 << 20)])?;
    let whole = found.get(0)?;
    let format = found.get(1)?;
    let name = String::from_utf8(format.as_bytes().to_vec()).ok()?;
    if name.eq_ignore_ascii_case("values") {
        return None;
    }
    let keyword = all[..format.start()].to_ascii_lowercase();
    let head = keyword.windows(6).rposition(|w| w == b"format")?;
    Some((head, name, whole.end()))
}

/// The format that a statement names for its answer.
pub(super) fn named_format(sql: &str) -> Option<String> {
    let trimmed = sql.trim_end().trim_end_matches(';').trim_end();
    let mut words = trimmed.rsplit(|c: char| c.is_whitespace()).filter(|w| !w.is_empty());
    let (last, before) = (words.next()?, words.next()?);
    let is_name = last.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (before.eq_ignore_ascii_case("format") && is_name).then(|| last.to_owned())
}

/// Whether a statement has an answer with rows.
pub(super) fn answers(sql: &str) -> bool {
    let first = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let word: String = first.chars().take_while(char::is_ascii_alphabetic).collect();
    ["select", "with", "show", "describe", "desc", "exists", "explain", "check"]
        .contains(&word.to_ascii_lowercase().as_str())
}

/// A string literal.
pub(super) fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A setting's value: a number as it is, anything else as text.
pub(super) fn setting(value: &str) -> String {
    if value.parse::<f64>().is_ok_and(f64::is_finite) { value.to_owned() } else { quote(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insert_is_parted_from_its_data_wherever_it_stands() {
        let of = |url: &str, body: &[u8]| {
            let arguments = if url.is_empty() { vec![] } else { vec![("query".to_owned(), url.to_owned())] };
            understand(&arguments, |_| None, body.to_vec()).unwrap()
        };
        let s = of("INSERT INTO t(a) FORMAT RowBinary", b"\x00\x01\n\n\x02");
        assert_eq!(s.sql, "INSERT INTO t(a) ");
        assert_eq!(s.data, Some((b"\x00\x01\n\n\x02".to_vec(), "RowBinary".to_owned())));
        let s = of("", b"INSERT INTO t FORMAT CSV\n1,2\n");
        assert_eq!(s.data, Some((b"1,2\n".to_vec(), "CSV".to_owned())));
        assert_eq!(of("", b"INSERT INTO t SELECT 1").data, None);
        assert_eq!(of("", b"INSERT INTO t VALUES (1)").data, None);
        assert_eq!(of("SELECT 1", b"").sql, "SELECT 1");
    }

    #[test]
    fn the_format_of_an_answer_is_found_at_the_end_only() {
        assert_eq!(named_format("SELECT 1 FORMAT JSON;").as_deref(), Some("JSON"));
        assert_eq!(named_format("SELECT format FROM t"), None);
        assert!(answers(" (SELECT 1)") && !answers("CREATE TABLE x (a Int8)"));
    }
}
