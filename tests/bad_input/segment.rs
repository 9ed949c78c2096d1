//! Calls of the Segment spec that are none.

use super::world::{File, file, world};

pub fn files() -> Vec<File> {
    let records = [
        r#"{"messageId":"a","type":"page","anonymousId":"c1","timestamp":"2026-01-01T10:00:00Z"}"#,
        r#"{"messageId":"b","type":"purchase","timestamp":"2026-01-01T10:00:00Z"}"#,
        r#"{"messageId":"c","timestamp":"2026-01-01T10:00:00Z"}"#,
        r#"{"messageId":"d","type":"track","timestamp":"2026-01-01T10:00:00Z"}"#,
        r#"{"messageId":"e","type":"page","sentAt":"2026-01-01T10:00:00Z"}"#,
        r#"{"messageId":"f","type":"page","userId":{"id":1},"timestamp":"2026-01-01T10:00:00Z"}"#,
        r#"{"messageId":"g","type":"page","userId":true,"timestamp":"2026-01-01T10:00:00Z"}"#,
        r#"{"messageId":"h","type":"page","properties":[1],"timestamp":"2026-01-01T10:00:00Z"}"#,
        r#"{"messageId":"i","type":"page","context":"web","timestamp":"2026-01-01T10:00:00Z"}"#,
        r#"{"messageId":"j","type":"identify","userId":"u","traits":{"email":["a@b"]},"timestamp":"2026-01-01T10:00:00Z"}"#,
        r#"{"messageId":["k"],"type":"page","timestamp":"2026-01-01T10:00:00Z"}"#,
        r#"{"messageId":"z","type":"track","event":"paid","userId":7,"originalTimestamp":"2026-01-01T10:00:00Z"}"#,
    ];
    vec![File { decoder: "segment", ..file("calls", "ndjson", records.join("\n")) }]
}

#[test]
fn calls_that_are_none_are_dead_letters_with_the_reason() {
    world().check(
        "calls",
        &["a", "z"],
        0,
        &[
            (2, 1, "unknown_call", "`type` is `purchase`; allowed: track, page, screen, identify, alias, group"),
            (3, 2, "unknown_call", "`type` is missing; allowed: track, page, screen, identify, alias, group"),
            (4, 3, "missing_name", "a track call without `event`"),
            (5, 4, "missing_time", "`originalTimestamp` is missing; an event needs its time"),
            (6, 5, "wrong_type", "the userId is an object; allowed: a text or a number"),
            (7, 6, "wrong_type", "the userId is true or false; allowed: a text or a number"),
            (8, 7, "wrong_type", "`properties` is a list; allowed: an object"),
            (9, 8, "wrong_type", "`context` is a text; allowed: an object"),
            (10, 9, "wrong_type", "the email is a list; allowed: a text or a number"),
            (11, 10, "wrong_type", "the messageId is a list; allowed: a text or a number"),
        ],
    );
}
