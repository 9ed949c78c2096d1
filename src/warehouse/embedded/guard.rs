//! What the engine must not be asked. In: SQL. Out: a refusal, if it holds several statements or reaches for files and
//! addresses: in one process with the engine there are no users and no read-only mode that would stop it.

/// Functions and table engines that reach disk or network.
const REACHING: [&str; 26] = [
    "file",
    "url",
    "s3",
    "s3cluster",
    "hdfs",
    "remote",
    "remotesecure",
    "mysql",
    "postgresql",
    "mongodb",
    "redis",
    "sqlite",
    "odbc",
    "jdbc",
    "executable",
    "azureblobstorage",
    "gcs",
    "deltalake",
    "iceberg",
    "hudi",
    "filecluster",
    "urlcluster",
    "cluster",
    "python",
    "arrowstream",
    "dictget_from_file",
];

/// Why a statement is refused, as ClickHouse would put it; `None`: it may run.
pub(super) fn refusal(sql: &str) -> Option<String> {
    let tokens = tokens(sql);
    let mut words = tokens.iter().peekable();
    while let Some(token) = words.next() {
        match token {
            Token::Semicolon if words.peek().is_some() => {
                return Some("Code: 62. DB::Exception: Multi-statements are not allowed".to_owned());
            }
            Token::Word(w) if matches!(w.as_str(), "infile" | "outfile") => {
                return Some(format!("Code: 497. DB::Exception: {} is not allowed here", w.to_uppercase()));
            }
            Token::Word(w) if REACHING.contains(&w.as_str()) && words.peek() == Some(&&Token::Open) => {
                return Some(format!(
                    "Code: 497. DB::Exception: the function {w} reaches outside of the store and is not allowed"
                ));
            }
            _ => {}
        }
    }
    None
}

#[derive(PartialEq, Eq, Debug)]
enum Token {
    Word(String),
    Open,
    Semicolon,
    Other,
}

/// Words, parentheses and semicolons outside of strings and comments; a quoted identifier is a word too.
fn tokens(sql: &str) -> Vec<Token> {
    let b = sql.as_bytes();
    let (mut i, mut out) = (0, Vec::new());
    while i < b.len() {
        match b[i] {
            b'\'' => i = skip_quoted(b, i),
            q @ (b'"' | b'`') => {
                let end = skip_quoted(b, i);
                let inside = sql.get(i + 1..end.saturating_sub(1)).unwrap_or_default();
                out.push(Token::Word(inside.trim_matches(q as char).to_lowercase()));
                i = end;
            }
            b'-' if b.get(i + 1) == Some(&b'-') => i = line_end(b, i),
            b'#' if matches!(b.get(i + 1), Some(b' ' | b'!')) => i = line_end(b, i),
            b'/' if b.get(i + 1) == Some(&b'*') => {
                i = b[i + 2..].windows(2).position(|w| w == b"*/").map_or(b.len(), |p| i + 2 + p + 2);
            }
            b'$' => i = skip_heredoc(b, i),
            c if c.is_ascii_alphabetic() || c == b'_' => {
                let start = i;
                while i < b.len() && (b[i].is_ascii_alphanumeric() || b[i] == b'_') {
                    i += 1;
                }
                out.push(Token::Word(sql[start..i].to_lowercase()));
            }
            c => {
                match c {
                    b'(' => out.push(Token::Open),
                    b';' => out.push(Token::Semicolon),
                    c if c.is_ascii_whitespace() => {}
                    _ => out.push(Token::Other),
                }
                i += 1;
            }
        }
    }
    out
}

fn line_end(b: &[u8], from: usize) -> usize {
    b[from..].iter().position(|c| *c == b'\n').map_or(b.len(), |p| from + p + 1)
}

/// Past the closing quote; backslashes and doubled quotes escape.
fn skip_quoted(b: &[u8], from: usize) -> usize {
    let quote = b[from];
    let mut i = from + 1;
    while i < b.len() {
        match b[i] {
            b'\\' => i += 1,
            c if c == quote && b.get(i + 1) == Some(&quote) => i += 1,
            c if c == quote => return i + 1,
            _ => {}
        }
        i += 1;
    }
    b.len()
}

/// `$tag$ … $tag$`; a lone `$` is one character.
fn skip_heredoc(b: &[u8], from: usize) -> usize {
    let Some(close) = b[from + 1..].iter().position(|c| !(c.is_ascii_alphanumeric() || *c == b'_')) else {
        return b.len();
    };
    if b[from + 1 + close] != b'$' {
        return from + 1;
    }
    let tag = &b[from..=from + 1 + close];
    let body = from + tag.len();
    b[body..].windows(tag.len()).position(|w| w == tag).map_or(b.len(), |p| body + p + tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_statements_and_reaching_functions_are_refused_and_words_in_strings_are_not() {
        for refused in [
            "SELECT 1; SELECT 2",
            "SELECT * FROM file('/etc/passwd')",
            "SELECT * FROM FiLe /* x */ ('/etc/passwd')",
            "SELECT * FROM `url`('http://x')",
            "SELECT 1 INTO OUTFILE '/tmp/x'",
            "INSERT INTO t FROM INFILE '/x' FORMAT CSV",
            "SELECT '\\'' ; DROP TABLE x",
            "SELECT 1 -- ;\n; SELECT 2",
        ] {
            assert!(refusal(refused).is_some(), "{refused}");
        }
        for allowed in [
            "SELECT 1;",
            "SELECT 'file(''x'')', \"a;b\" FROM t",
            "SELECT path, url FROM t -- file('x')",
            "SELECT 'a; b' /* ; url( */",
            "SELECT file FROM t WHERE url = 'x'",
            "SELECT $x$ ; file( $x$",
        ] {
            assert_eq!(refusal(allowed), None, "{allowed}");
        }
    }
}
