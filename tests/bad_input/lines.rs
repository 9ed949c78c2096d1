//! Records of JSON lines.

use super::world::{File, LIMIT, file, good, world};

/// A record that is good but for one key.
fn with(key: &str, value: &str) -> String {
    let mut fields =
        vec![("id", "\"x\""), ("name", "\"page\""), ("at", "\"2026-01-01T10:00:00Z\""), ("kind", "\"click\"")];
    fields.retain(|(k, _)| *k != key);
    fields.push((key, value));
    let fields: Vec<String> = fields.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
    format!("{{{}}}", fields.join(","))
}

fn joined(records: &[&[u8]]) -> Vec<u8> {
    let mut bytes = good("a").into_bytes();
    for record in records {
        bytes.push(b'\n');
        bytes.extend_from_slice(record);
    }
    bytes.push(b'\n');
    bytes.extend(good("z").into_bytes());
    bytes.push(b'\n');
    bytes
}

fn texts(records: &[&str]) -> Vec<u8> {
    joined(&records.iter().map(|r| r.as_bytes()).collect::<Vec<_>>())
}

pub fn files() -> Vec<File> {
    let huge = format!(r#"{{"id":"h","x":"{}"}}"#, "y".repeat(3 * LIMIT));
    let deep = with("x", &format!("{}{}", "[".repeat(100), "]".repeat(100)));
    let bomb = "[".repeat(LIMIT - 10);
    let mut every_year = String::new();
    for year in 1990..=2100 {
        every_year
            .push_str(&with("at", &format!("\"{year}-06-01T00:00:00Z\"")).replace("\"x\"", &format!("\"{year}\"")));
        every_year.push('\n');
    }
    vec![
        file(
            "syntax",
            "ndjson",
            joined(&[
                br#"{"id":"t","name":"#,
                b"{\"id\":\"\xff\"}",
                b"garbage",
                br#"{"id":"x"} {"id":"y"}"#,
                b"{\"id\":\"a\0b\"}",
                br#"{"id":"\ud800"}"#,
                br#"{"id":"x","x":1e400}"#,
                br#"{"id":"x","name":"page","id":"y"}"#,
                br#"{"id":"x","deep":{"k":1,"k":2}}"#,
            ]),
        ),
        file("kinds", "ndjson", texts(&["[1,2]", "\"text\"", "17", "null", "true"])),
        file("sizes", "ndjson", texts(&[&huge, &deep, &bomb])),
        file("huge_end", "ndjson", format!("{}\n{huge}", good("a"))),
        file(
            "types",
            "ndjson",
            texts(&[
                &with("id", r#"{"a":1}"#),
                &with("id", "123456789012345678901234567890"),
                &with("name", "[1]"),
                &with("name", "\"\""),
                &with("user", r#"{"a":1}"#),
                &with("cookies", r#"["c1",["c2"]]"#),
                &with("user", "1e25"),
                &with("seq", "\"first\""),
                &with("seq", "9223372036854775808"),
                &with("seq", "1.5"),
            ]),
        ),
        file(
            "times",
            "ndjson",
            texts(&[
                &with("at", "null"),
                &with("at", "\"\""),
                &with("at", "\"soon\""),
                &with("at", "1767225600"),
                &with("at", "\"2026-02-30T10:00:00Z\""),
                &with("at", "\"1989-12-31T23:59:59.999999Z\""),
                &with("at", "\"2101-01-01T00:00:00Z\""),
                &with("at", "\"0000-00-00 00:00:00\""),
            ]),
        ),
        file(
            "accepted",
            "ndjson",
            format!(
                "\u{feff}{}\r\n\r\n   \n{}\r\n{}\n{}\n{}\n{}",
                good("bom"),
                with("id", "12345678901234567890"),
                with("user", "\"nul\\u0000inside\"").replace("\"x\"", "\"nul\""),
                with("kind", "\"noise\""),
                with("big", "[9007199254740993, 1e300]").replace("\"x\"", "\"big\""),
                good("no-line-end"),
            ),
        ),
        file("years", "ndjson", every_year),
        file("nothing", "ndjson", ""),
        file("blank", "ndjson", "\n\r\n  \n"),
    ]
}

#[test]
fn what_is_no_json_is_a_dead_letter_that_says_where() {
    world().check(
        "syntax",
        &["a", "z"],
        0,
        &[
            (2, 1, "truncated", "the JSON ends too early: EOF while parsing a value at line 1 column 17"),
            (3, 2, "not_utf8", "byte 7 is not UTF-8"),
            (4, 3, "not_json", "expected value at line 1 column 1"),
            (5, 4, "not_json", "trailing characters at line 1 column 12"),
            (6, 5, "not_json", "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 9"),
            (7, 6, "not_json", "unexpected end of hex escape at line 1 column 14"),
            (8, 7, "not_json", "number out of range at line 1 column 19"),
            (9, 8, "duplicate_key", "`id` stands twice in one object at line 1 column 33"),
            (10, 9, "duplicate_key", "`k` stands twice in one object at line 1 column 30"),
        ],
    );
    assert_eq!(world().payloads("syntax")[2], "garbage", "a dead letter holds the record as it came");
}

#[test]
fn json_that_is_no_object_is_a_dead_letter() {
    world().check(
        "kinds",
        &["a", "z"],
        0,
        &[
            (2, 1, "not_an_object", "a list instead of an object"),
            (3, 2, "not_an_object", "a text instead of an object"),
            (4, 3, "not_an_object", "a number instead of an object"),
            (5, 4, "not_an_object", "null instead of an object"),
            (6, 5, "not_an_object", "true or false instead of an object"),
        ],
    );
}

#[test]
fn huge_and_deep_records_are_dead_letters_and_reading_goes_on() {
    world().check(
        "sizes",
        &["a", "z"],
        0,
        &[
            (2, 1, "too_large", "the record is longer than 2000 bytes"),
            (3, 2, "too_deep", "nested deeper than 64 levels"),
            (4, 3, "too_deep", "nested deeper than 64 levels"),
        ],
    );
    let payload = world().payloads("sizes")[0];
    assert!(payload.starts_with(r#"{"id":"h","x":"yyy"#), "the beginning is kept: {}", &payload[..40]);
    world().check("huge_end", &["a"], 0, &[(2, 1, "too_large", "the record is longer than 2000 bytes")]);
}

#[test]
fn ids_names_and_sequences_of_the_wrong_type_are_never_guessed() {
    let inexact = "a number too long to be exact; allowed: a text, a shorter number";
    world().check(
        "types",
        &["a", "z"],
        0,
        &[
            (2, 1, "wrong_type", "the id is an object; allowed: a text or a number"),
            (3, 2, "wrong_type", &format!("the id is 1.2345678901234568e+29, {inexact}")),
            (4, 3, "wrong_type", "the name is a list; allowed: a text or a number"),
            (5, 4, "missing_name", "the event has no name"),
            (6, 5, "wrong_type", "the identifier is an object; allowed: a text or a number"),
            (7, 6, "wrong_type", "the identifier is a list; allowed: a text or a number"),
            (8, 7, "wrong_type", &format!("the identifier is 1e+25, {inexact}")),
            (9, 8, "wrong_type", "the sequence is \"first\"; allowed: a whole number"),
            (10, 9, "wrong_type", "the sequence is 9223372036854775808; allowed: a whole number"),
            (11, 10, "wrong_type", "the sequence is 1.5; allowed: a whole number"),
        ],
    );
}

#[test]
fn a_time_that_cannot_be_is_a_dead_letter_and_never_now() {
    let allowed = "which is no time; allowed: RFC 3339 or ISO 8601 such as 2026-10-01T10:00:00+03:00, \
                   or without offset in the `zone` of the config";
    let range = "is out of range; allowed: 1990-01-01 <= t < 2101-01-01 UTC";
    world().check(
        "times",
        &["a", "z"],
        0,
        &[
            (2, 1, "missing_time", "`at` is missing; an event needs its time"),
            (3, 2, "unreadable_time", &format!("`at` is \"\", {allowed}")),
            (4, 3, "unreadable_time", &format!("`at` is \"soon\", {allowed}")),
            (5, 4, "unreadable_time", &format!("`at` is 1767225600, {allowed}")),
            (6, 5, "unreadable_time", &format!("`at` is \"2026-02-30T10:00:00Z\", {allowed}")),
            (7, 6, "time_out_of_range", &format!("time 1989-12-31T23:59:59.999999Z {range}")),
            (8, 7, "time_out_of_range", &format!("time 2101-01-01T00:00:00Z {range}")),
            (9, 8, "unreadable_time", &format!("`at` is \"0000-00-00 00:00:00\", {allowed}")),
        ],
    );
}

#[test]
fn byte_order_marks_line_ends_blank_lines_and_long_numbers_are_read() {
    world().check("accepted", &["12345678901234567890", "big", "bom", "no-line-end", "nul"], 1, &[]);
    let events = world().events("accepted");
    let nul = events.iter().find(|e| e["event_id"] == "nul").expect("kept");
    assert_eq!(nul["identifiers"][0], "user:nul\0inside");
}

#[test]
fn one_batch_may_hold_every_year_that_an_event_can_have() {
    let years: Vec<String> = (1990..=2100).map(|y| y.to_string()).collect();
    world().check("years", &years.iter().map(String::as_str).collect::<Vec<_>>(), 0, &[]);
}

#[test]
fn files_without_records_are_read_and_give_nothing() {
    world().check("nothing", &[], 0, &[]);
    world().check("blank", &[], 0, &[]);
}
