//! JSON files whose records are the elements of an array, or objects over several lines.

use super::world::{File, LIMIT, file, good, world};

pub fn files() -> Vec<File> {
    let (a, b, z) = (good("a"), good("b"), good("z"));
    let huge = format!(r#"{{"id":"h","x":"{}"}}"#, "]},{".repeat(LIMIT));
    let pretty = |id: &str| good(id).replace(",\"", ",\n  \"").replace('{', "{\n  ").replace('}', "\n}");
    vec![
        file("elements", "json", format!("[{a}, 17, \"a,]b\", [1], {{\"id\":\"\\\"]}}\"}},\n\n {huge}, null, {z}]\n")),
        file(
            "bracket",
            "json",
            format!("[\n{a},\n{{\"id\":[1}},\n{{\"id\":\"open,\n\"name\":1}},\n{b},\n{{\"x\":1]]}},\n{z}\n]"),
        ),
        file("cut", "json", format!("[{a},\n{b},\n{{\"id\":\"half")),
        file("cut_between", "json", format!("[{a},\n{z},\n")),
        file("after", "json", format!("[{a}]\noops\n[{z}]")),
        file("pretty", "json", format!("\u{feff}{}\n{}\n{{\n \"id\": \"cut\"", pretty("a"), pretty("z"))),
        file("no_elements", "json", " [ \n ] "),
        file("no_bytes", "json", ""),
        file("bomb", "json", format!("[{a},{}", "[".repeat(1_000_000))),
    ]
}

#[test]
fn elements_that_are_no_records_are_dead_letters_at_their_line() {
    world().check(
        "elements",
        &["a", "z"],
        1,
        &[
            (1, 1, "not_an_object", "a number instead of an object"),
            (1, 2, "not_an_object", "a text instead of an object"),
            (1, 3, "not_an_object", "a list instead of an object"),
            (3, 5, "too_large", "the record is longer than 2000 bytes"),
            (3, 6, "not_an_object", "null instead of an object"),
        ],
    );
}

#[test]
fn a_bracket_or_quote_left_open_breaks_one_record_and_not_the_rest() {
    world().check(
        "bracket",
        &["a", "b", "z"],
        0,
        &[
            (3, 1, "not_json", "expected `,` or `]` at line 1 column 9"),
            (4, 2, "not_json", "control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0"),
            (7, 4, "not_json", "expected `,` or `}` at line 1 column 7"),
        ],
    );
}

#[test]
fn a_file_that_breaks_off_keeps_what_came_before() {
    let open = "the file breaks off here: the array is not closed";
    world().check("cut", &["a", "b"], 0, &[(3, 2, "truncated", open)]);
    assert_eq!(world().payloads("cut"), [r#"{"id":"half"#]);
    world().check("cut_between", &["a", "z"], 0, &[(3, 2, "truncated", open)]);
    world().check("bomb", &["a"], 0, &[(1, 1, "too_large", "the record is longer than 2000 bytes")]);
}

#[test]
fn what_stands_behind_an_array_is_not_passed_over() {
    world().check("after", &["a", "z"], 0, &[(2, 1, "not_json", "expected value at line 1 column 1")]);
}

#[test]
fn objects_over_several_lines_are_records() {
    world().check(
        "pretty",
        &["a", "z"],
        0,
        &[(15, 2, "truncated", "the file breaks off here: the object is not closed")],
    );
}

#[test]
fn arrays_without_elements_give_nothing() {
    world().check("no_elements", &[], 0, &[]);
    world().check("no_bytes", &[], 0, &[]);
}
