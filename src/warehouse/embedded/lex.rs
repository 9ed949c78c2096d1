//! SQL as the engine's lexer cuts it. In: bytes, of which only the head need be SQL. Out: tokens outside of comments,
//! one by one, so that the data behind an INSERT is never looked at. Where this differs from the engine, a statement
//! could hide what it does; hence nested comments, heredocs and typographic quotes.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare word or a number.
    Word,
    /// An identifier in quotes.
    Quoted,
    /// A string literal.
    Text,
    Symbol(u8),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    raw: &'a [u8],
    pub start: usize,
    pub end: usize,
}

impl Token<'_> {
    /// Whether it is this bare word, in any case.
    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.raw.eq_ignore_ascii_case(word.as_bytes())
    }

    pub fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|w| self.is(w))
    }

    pub fn is_symbol(&self, symbol: u8) -> bool {
        self.kind == Kind::Symbol(symbol)
    }

    /// What it says, without quotes and with escapes undone.
    pub fn content(&self) -> String {
        let inside = match self.kind {
            Kind::Word | Kind::Symbol(_) => self.raw,
            _ if self.raw.first() == Some(&b'$') => {
                let tag = self.raw[1..].iter().position(|c| *c == b'$').map_or(self.raw.len(), |p| p + 2);
                self.raw.get(tag..self.raw.len().saturating_sub(tag)).unwrap_or_default()
            }
            _ if self.raw.first() == Some(&0xE2) => self.raw.get(3..self.raw.len() - 3).unwrap_or_default(),
            _ => return unescape(self.raw),
        };
        String::from_utf8_lossy(inside).into_owned()
    }
}

/// The inside of a quoted token, escapes and doubled quotes undone.
fn unescape(raw: &[u8]) -> String {
    let quote = raw[0];
    let (mut i, mut out) = (1, Vec::with_capacity(raw.len()));
    while i < raw.len() {
        match raw[i] {
            b'\\' if raw.get(i + 1) == Some(&b'x') => {
                let hex = raw.get(i + 2..i + 4).and_then(|h| std::str::from_utf8(h).ok());
                out.push(hex.and_then(|h| u8::from_str_radix(h, 16).ok()).unwrap_or(b'x'));
                i += 4;
                continue;
            }
            b'\\' => {
                i += 1;
                out.extend(raw.get(i));
            }
            c if c == quote && raw.get(i + 1) == Some(&quote) => {
                i += 1;
                out.push(c);
            }
            c if c == quote => break,
            c => out.push(c),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) struct Lexer<'a> {
    b: &'a [u8],
    at: usize,
}

pub(super) const fn lex(b: &[u8]) -> Lexer<'_> {
    Lexer { b, at: 0 }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let b = self.b;
        loop {
            let i = self.at;
            let next = b.get(i + 1).copied();
            let (kind, end) = match *b.get(i)? {
                b'-' if next == Some(b'-') => (None, line_end(b, i)),
                b'/' if next == Some(b'/') => (None, line_end(b, i)),
                b'#' if matches!(next, Some(b' ' | b'!')) => (None, line_end(b, i)),
                b'/' if next == Some(b'*') => (None, comment_end(b, i)),
                b'\'' => (Some(Kind::Text), quote_end(b, i)),
                b'"' | b'`' => (Some(Kind::Quoted), quote_end(b, i)),
                0xE2 if b[i..].starts_with("‘".as_bytes()) => (Some(Kind::Text), past(b, i + 3, "’".as_bytes())),
                0xE2 if b[i..].starts_with("“".as_bytes()) => (Some(Kind::Quoted), past(b, i + 3, "”".as_bytes())),
                b'$' if heredoc_end(b, i).is_some() => (Some(Kind::Text), heredoc_end(b, i).unwrap_or(b.len())),
                c if is_word(c) => {
                    (Some(Kind::Word), i + b[i..].iter().position(|c| !is_word(*c)).unwrap_or(b.len() - i))
                }
                c if c.is_ascii_graphic() => (Some(Kind::Symbol(c)), i + 1),
                // Blanks of any alphabet part words and are nothing else.
                _ => (None, i + 1),
            };
            self.at = end;
            if let Some(kind) = kind {
                return Some(Token { kind, raw: &b[i..end], start: i, end });
            }
        }
    }
}

const fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c == b'$'
}

/// Past the next `what`, or the end.
fn past(b: &[u8], from: usize, what: &[u8]) -> usize {
    b[from..].windows(what.len()).position(|w| w == what).map_or(b.len(), |p| from + p + what.len())
}

fn line_end(b: &[u8], from: usize) -> usize {
    past(b, from, b"\n")
}

/// Comments nest.
fn comment_end(b: &[u8], from: usize) -> usize {
    let (mut i, mut depth) = (from + 2, 1);
    while i < b.len() {
        match &b[i..(i + 2).min(b.len())] {
            b"/*" => (depth, i) = (depth + 1, i + 2),
            b"*/" if depth == 1 => return i + 2,
            b"*/" => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
    }
    b.len()
}

/// Past the closing quote; backslashes and doubled quotes escape.
fn quote_end(b: &[u8], from: usize) -> usize {
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

/// `$tag$ … $tag$`.
fn heredoc_end(b: &[u8], from: usize) -> Option<usize> {
    let close = from + 1 + b[from + 1..].iter().position(|c| !(c.is_ascii_alphanumeric() || *c == b'_'))?;
    let tag = (b[close] == b'$').then(|| &b[from..=close])?;
    let body = close + 1;
    b[body..].windows(tag.len()).position(|w| w == tag).map(|p| body + p + tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(sql: &str) -> Vec<String> {
        lex(sql.as_bytes()).map(|t| t.content()).collect()
    }

    #[test]
    fn comments_strings_and_names_are_cut_as_the_engine_cuts_them() {
        assert_eq!(contents("a /* /* */ ' */ b"), ["a", "b"]);
        assert_eq!(contents("a // '\nb -- \"\nc # `\nd"), ["a", "b", "c", "d"]);
        assert_eq!(contents("'it''s' `a``b` \"x\\\"y\""), ["it's", "a`b", "x\"y"]);
        assert_eq!(contents("$t$ ' $t$ 1 $x ‘a\\’ “f”"), [" ' ", "1", "$x", "a\\", "f"]);
        assert_eq!(contents("`f\\x69le`\u{a0}(1.5)"), ["file", "(", "1", ".", "5", ")"]);
        assert_eq!(contents("'open"), ["open"]);
    }
}
