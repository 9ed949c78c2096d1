//! Page path -> template: what unmapped events are counted by. Ids, numbers and hashes become `*`, so that a shop with a
//! million products shows as a few lines.

/// Longest template, bytes of text before the rest is cut to `**`.
const LONGEST: usize = 120;
/// Deepest template.
const DEEPEST: usize = 8;

/// `/orders/8812/items` -> `/orders/*/items`. An empty path stays empty.
pub fn path_template(path: &str) -> String {
    let mut out = String::with_capacity(path.len().min(LONGEST) + 4);
    for (depth, segment) in path.split('/').enumerate() {
        if depth > 0 {
            out.push('/');
        }
        if depth > DEEPEST || out.len() + segment.len() > LONGEST && !is_id(segment) {
            out.push_str("**");
            break;
        }
        if is_id(segment) {
            out.push('*');
        } else {
            push_without_long_numbers(&mut out, segment);
        }
    }
    out
}

fn is_id(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let all = |test: fn(&u8) -> bool| bytes.iter().all(test);
    let number = digits > 0 && all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.' | b','));
    let hex = digits > 0 && bytes.len() >= 8 && all(|b| b.is_ascii_hexdigit() || *b == b'-');
    let token =
        digits >= 4 && bytes.len() >= 16 && all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'='));
    number || hex || token
}

/// A run of four or more digits inside a word (`order-18812`) is an id; `iphone-15` is not.
fn push_without_long_numbers(out: &mut String, segment: &str) {
    let mut rest = segment;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let length = rest[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - start);
        out.push_str(&rest[..start]);
        out.push_str(if length >= 4 { "*" } else { &rest[start..start + length] });
        rest = &rest[start + length..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_numbers_and_hashes_become_stars() {
        let is = |path: &str, template: &str| assert_eq!(path_template(path), template, "{path}");
        is("/orders/8812/items", "/orders/*/items");
        is("/u/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "/u/*");
        is("/b/deadbeef01", "/b/*");
        is("/2026/09/01", "/*/*/*");
        is("/p/order-18812/iphone-15-pro", "/p/order-*/iphone-15-pro");
        is("/t/eyJhbGciOi12345JIUzI1NiJ9", "/t/*");
        is("/checkout/", "/checkout/");
        is("/", "/");
        is("", "");
        is("/каталог/обувь", "/каталог/обувь");
    }

    #[test]
    fn deep_and_long_paths_are_cut() {
        assert_eq!(path_template("/a/b/c/d/e/f/g/h/i/j"), "/a/b/c/d/e/f/g/h/**");
        assert_eq!(path_template(&format!("/a/{}", "x".repeat(500))), "/a/**");
    }
}
