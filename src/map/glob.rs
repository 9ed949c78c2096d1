//! Patterns of event names and page paths. `*` stands for any text, in a path for any text inside one segment; `**` for
//! any text at all; a path that ends in `/**` also means the folder itself. Anchored at both ends, everything else is
//! literal. In: the pattern. Out: a test that takes time linear in the text, and whether two patterns can meet.

use regex::Regex;

#[derive(Clone, Debug)]
pub struct Glob {
    tokens: Vec<Token>,
    /// `None`: literal text, compared as such.
    regex: Option<Regex>,
    pattern: Box<str>,
    /// Literal text that every match begins with: most texts fail on it, without the regex.
    prefix: Box<str>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Token {
    Literal(char),
    /// Any text without `/`.
    Segment,
    /// Any text.
    Any,
    /// Nothing, or `/` and any text: the end of `/a/**`.
    Below,
}

impl Glob {
    /// A pattern of page paths.
    pub fn path(pattern: &str) -> Result<Self, regex::Error> {
        let (head, below) = match pattern.strip_suffix("/**") {
            Some(head) => (head, true),
            None => (pattern, false),
        };
        let mut tokens = Vec::new();
        let mut chars = head.chars().peekable();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '*' if chars.next_if_eq(&'*').is_some() => Token::Any,
                '*' => Token::Segment,
                c => Token::Literal(c),
            });
        }
        tokens.extend(below.then_some(Token::Below));
        Self::new(tokens, pattern)
    }

    /// A pattern of event names.
    pub fn name(pattern: &str) -> Result<Self, regex::Error> {
        Self::new(pattern.chars().map(|c| if c == '*' { Token::Any } else { Token::Literal(c) }).collect(), pattern)
    }

    fn new(tokens: Vec<Token>, pattern: &str) -> Result<Self, regex::Error> {
        let literal = tokens.iter().all(|t| matches!(t, Token::Literal(_)));
        let mut text = String::from("^(?s:");
        for token in &tokens {
            match token {
                Token::Literal(c) => text.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
                Token::Segment => text.push_str("[^/]*"),
                Token::Any => text.push_str(".*"),
                Token::Below => text.push_str("(?:/.*)?"),
            }
        }
        text.push_str(")$");
        let regex = if literal { None } else { Some(Regex::new(&text)?) };
        let prefix = tokens.iter().map_while(|t| if let Token::Literal(c) = t { Some(*c) } else { None });
        let prefix: String = prefix.collect();
        Ok(Self { regex, pattern: pattern.into(), prefix: prefix.into(), tokens })
    }

    pub fn is_literal(&self) -> bool {
        self.regex.is_none()
    }

    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Literal text that every match begins with; all of it, where the pattern is literal.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub fn matches(&self, text: &str) -> bool {
        match &self.regex {
            None => *self.pattern == *text,
            Some(regex) => text.starts_with(&*self.prefix) && regex.is_match(text),
        }
    }

    /// Whether some text matches both patterns.
    pub fn meets(&self, other: &Self) -> bool {
        // `Below` is `Any` after an optional `/`; for two patterns it is tried both ways.
        self.expansions().iter().any(|a| other.expansions().iter().any(|b| tokens_meet(a, b)))
    }

    fn expansions(&self) -> Vec<Vec<Token>> {
        match self.tokens.split_last() {
            Some((Token::Below, head)) => {
                vec![head.to_vec(), [head, &[Token::Literal('/'), Token::Any]].concat()]
            }
            _ => vec![self.tokens.clone()],
        }
    }
}

/// Row by row over the two patterns' ends: `meet[j]` = whether `a[i..]` and `b[j..]` share a text.
fn tokens_meet(a: &[Token], b: &[Token]) -> bool {
    let absorbs = |wild: Token, other: Token| match (wild, other) {
        (Token::Segment, Token::Literal(c)) => c != '/',
        (Token::Segment | Token::Any, _) => true,
        _ => false,
    };
    let mut below = vec![false; b.len() + 1];
    for i in (0..=a.len()).rev() {
        let mut row = vec![false; b.len() + 1];
        for j in (0..=b.len()).rev() {
            let (x, y) = (a.get(i).copied(), b.get(j).copied());
            row[j] = match (x, y) {
                (None, None) => true,
                (Some(Token::Literal(p)), Some(Token::Literal(q))) => p == q && below[j + 1],
                _ => {
                    let wild = |t: Option<Token>| t.is_some_and(|t| !matches!(t, Token::Literal(_)));
                    let skip_x = wild(x) && below[j];
                    let skip_y = wild(y) && row[j + 1];
                    let x_eats = x.zip(y).is_some_and(|(x, y)| absorbs(x, y)) && row[j + 1];
                    let y_eats = x.zip(y).is_some_and(|(x, y)| absorbs(y, x)) && below[j];
                    skip_x || skip_y || x_eats || y_eats
                }
            };
        }
        below = row;
    }
    below[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_in_its_segment_and_two_do_not() {
        let is = |pattern: &str, path: &str| Glob::path(pattern).unwrap().matches(path);
        assert!(is("/cart", "/cart") && !is("/cart", "/cart/x") && !is("/cart", "/a/cart"));
        assert!(is("/p/*", "/p/shoe") && !is("/p/*", "/p/shoe/red") && is("/p/*/red", "/p/shoe/red"));
        assert!(is("/p/**", "/p/shoe/red") && is("/p/**", "/p/") && is("/p/**", "/p") && !is("/p/**", "/pa"));
        assert!(is("**/cart", "/a/b/cart") && is("/**", "/") && is("/a.b?(c)", "/a.b?(c)") && !is("/a.b", "/axb"));
    }

    #[test]
    fn names_have_stars_that_stand_for_anything() {
        let is = |pattern: &str, name: &str| Glob::name(pattern).unwrap().matches(name);
        assert!(is("Order *", "Order Completed") && is("*/x*", "a/b/x1") && !is("Order", "order"));
    }

    #[test]
    fn two_patterns_meet_when_one_text_matches_both() {
        let meet = |a: &str, b: &str| Glob::path(a).unwrap().meets(&Glob::path(b).unwrap());
        assert!(meet("/a/*", "/*/b") && meet("/a/**", "/a") && meet("/a/**", "/a/b/c") && meet("**", "/x"));
        assert!(!meet("/a/*", "/a/b/c") && !meet("/a", "/b") && !meet("/a/**", "/ab") && !meet("*", "/x"));
        assert!(meet("/a*", "/*b") && !meet("/a*c", "/b*c"));
    }
}
