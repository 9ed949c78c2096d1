//! The page an event was on, and the shape of its path. In: properties. Out: the path that rules test, and a template in
//! which ids are `*`, so that coverage counts pages and not visitors.

use std::borrow::Cow;

use super::Properties;

/// `props.path`, else the path of `props.url`.
pub fn event_path(properties: &Properties) -> Option<Cow<'_, str>> {
    if let Some(path) = properties.get("path").and_then(|p| p.as_str()).filter(|p| !p.is_empty()) {
        return Some(Cow::Borrowed(path));
    }
    let url = properties.get("url")?.as_str()?;
    // A URL without a host is already a path; its query and fragment are no part of it.
    match url::Url::parse(url) {
        Ok(parsed) => Some(Cow::Owned(parsed.path().to_owned())),
        Err(_) if url.starts_with('/') => url.split(['?', '#']).next().map(Cow::Borrowed),
        Err(_) => None,
    }
}

/// The path with every segment that looks like an id replaced by `*`: numbers, hashes, UUIDs, long codes with digits.
pub fn path_template(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for (i, segment) in path.split('/').enumerate() {
        if i > 0 {
            out.push('/');
        }
        out.push_str(if is_id(segment) { "*" } else { segment });
    }
    out
}

fn is_id(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let letters = segment.bytes().filter(u8::is_ascii_alphabetic).count();
    let hex = segment.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    match digits {
        0 => false,
        d if d + segment.bytes().filter(|b| b"-_.".contains(b)).count() == segment.len() => true,
        d => (hex && segment.len() >= 8) || (d >= 4 && d >= letters) || segment.len() >= 20,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_a_path_become_stars_and_words_stay() {
        assert_eq!(path_template("/orders/12345/items"), "/orders/*/items");
        assert_eq!(path_template("/u/550e8400-e29b-41d4-a716-446655440000"), "/u/*");
        assert_eq!(path_template("/catalogue/phones/iphone-15"), "/catalogue/phones/iphone-15");
        assert_eq!(path_template("/a1/blog"), "/a1/blog");
    }

    #[test]
    fn the_path_comes_from_path_or_url() {
        let of = |text: &str| {
            let p: Properties = serde_json::from_str(text).unwrap();
            event_path(&p).map(Cow::into_owned)
        };
        assert_eq!(of(r#"{"path":"/a"}"#).as_deref(), Some("/a"));
        assert_eq!(of(r#"{"url":"https://x.org/a/b?q=1#f"}"#).as_deref(), Some("/a/b"));
        assert_eq!(of(r#"{"url":"/a?q"}"#).as_deref(), Some("/a"));
        assert_eq!(of(r#"{"url":"nonsense"}"#), None);
    }
}
