//! What a plain (unquoted) YAML word is: nothing, a truth value, a number or text. YAML 1.2 core rules, so `no` and `on`
//! are text; a number whose leading zero would be lost (`007`), or that no 64-bit number holds, is text as well.

use serde_json::Number;

use super::node::Content;

pub fn resolve(word: &str) -> Content {
    match word {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" => Content::Bool(true),
        "false" | "False" | "FALSE" => Content::Bool(false),
        _ => number(word).map_or_else(|| Content::Text(word.to_owned()), Content::Number),
    }
}

fn number(word: &str) -> Option<Number> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    if let Some(hex) = word.strip_prefix("0x") {
        return all(hex, |c| c.is_ascii_hexdigit()).then(|| u64::from_str_radix(hex, 16).ok().map(Number::from))?;
    }
    if let Some(octal) = word.strip_prefix("0o") {
        return all(octal, |c| matches!(c, '0'..='7')).then(|| u64::from_str_radix(octal, 8).ok().map(Number::from))?;
    }
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if leading_zero || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if all(digits, |c| c.is_ascii_digit()) {
        let unsigned = word.strip_prefix('+').unwrap_or(word);
        let signed = unsigned.parse::<i64>().ok().map(Number::from);
        return signed.or_else(|| unsigned.parse::<u64>().ok().map(Number::from));
    }
    let float_like = digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if !float_like || !digits.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    word.parse::<f64>().ok().and_then(Number::from_f64)
}

fn all(text: &str, test: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_become_what_yaml_1_2_says() {
        let is_text = |w: &str| matches!(resolve(w), Content::Text(t) if t == w);
        for word in ["no", "on", "2026-09-01", "14d", "007", "1_000", "-", ".", "1.2.3", "99999999999999999999", "0x"] {
            assert!(is_text(word), "{word}");
        }
        assert_eq!(resolve("true"), Content::Bool(true));
        assert_eq!(resolve("~"), Content::Null);
        assert_eq!(resolve("-12"), Content::Number((-12).into()));
        assert_eq!(resolve("0x1F"), Content::Number(31.into()));
        assert_eq!(resolve("0.35"), Content::Number(Number::from_f64(0.35).unwrap()));
        assert_eq!(resolve("1e3"), Content::Number(Number::from_f64(1000.0).unwrap()));
        assert_eq!(resolve("18446744073709551615"), Content::Number(u64::MAX.into()));
    }
}
