//! Rows of delimited files.

use super::world::{File, LIMIT, file, world};

const HEADER: &str = "id,name,at,kind,user,note";

fn row(id: &str) -> String {
    format!("{id},page,2026-01-01 10:00:00,click,u-{id},")
}

pub fn files() -> Vec<File> {
    let long = format!("h,page,2026-01-01,click,u,{}", "y".repeat(LIMIT));
    let long_quoted = format!("q,page,2026-01-01,click,u,\"{}\"", "y\n".repeat(LIMIT));
    vec![
        file(
            "widths",
            "csv",
            format!("{HEADER}\n{}\nshort,page\n{},one,more\n{long}\n{}\n", row("a"), row("wide"), row("z")),
        ),
        file(
            "quotes",
            "csv",
            format!(
                "\u{feff}\"id\",\"name\",\"at\",\"kind\",\"user\",\"note\"\r\n{}\"two\r\nlines, and \"\"quotes\"\"\"\r\n\r\n{}5\" pipe\r\n{}",
                row("a"),
                row("b"),
                row("z")
            ),
        ),
        file(
            "open_quote",
            "csv",
            format!("{HEADER}\n{}\n{}\"never closed\n{}\n{}\n", row("a"), row("b"), row("c"), row("z")),
        ),
        file("long_quote", "csv", format!("{HEADER}\n{}\n{long_quoted}\n{}\n", row("a"), row("z"))),
        file(
            "bytes",
            "csv",
            [
                HEADER.as_bytes(),
                b"\n",
                row("a").as_bytes(),
                b"\n",
                row("b").as_bytes(),
                b"\xff\xfe\nnul,page,2026-01-01,click,u\0v,\n",
                row("z").as_bytes(),
            ]
            .concat(),
        ),
        file("tabs", "tsv", format!("{HEADER}\n{}\nx\ty\n", row("a")).replace(',', "\t")),
        file("twice", "csv", "id,name,at,kind,id\na,page,2026-01-01,click,b\n"),
        file("header_bytes", "csv", b"id,name,at,kind,\xcf\xee\xeb\na,page,2026-01-01,click,x\n".to_vec()),
        file("header_only", "csv", HEADER),
        file("no_rows", "csv", ""),
        file(
            "clocks",
            "csv",
            format!(
                "{HEADER}\n{}\n{}\n{}\n",
                row("a"),
                row("b").replace("10:00:00", "25:00"),
                row("z").replace("2026", "1726")
            ),
        ),
    ]
}

#[test]
fn rows_of_another_width_and_long_rows_are_dead_letters() {
    world().check(
        "widths",
        &["a", "z"],
        0,
        &[
            (3, 1, "wrong_width", "the row has 2 cells, the header 6"),
            (4, 2, "wrong_width", "the row has 8 cells, the header 6"),
            (5, 3, "too_large", "the record is longer than 2000 bytes"),
        ],
    );
    assert_eq!(world().payloads("widths")[0], "short,page", "a dead letter holds the row as it stands in the file");
}

#[test]
fn quoted_cells_may_hold_line_feeds_separators_and_quotes() {
    world().check("quotes", &["a", "b", "z"], 0, &[]);
    let notes: Vec<&str> = world().events("quotes").iter().map(|e| e["properties"].as_str().expect("text")).collect();
    assert!(notes[0].contains(r#""note":"two\r\nlines, and \"quotes\"""#), "{}", notes[0]);
    assert!(notes[1].contains(r#""note":"5\" pipe""#), "{}", notes[1]);
}

#[test]
fn a_quote_that_is_never_closed_does_not_swallow_the_rows_after_it() {
    let hint = "a quote that opens on this line is never closed; hint: write a quote inside a cell twice";
    world().check("open_quote", &["a", "c", "z"], 0, &[(3, 1, "truncated", hint)]);
}

#[test]
fn a_quoted_cell_over_the_limit_costs_its_own_lines_only() {
    let world = world();
    let ids = world.ids("long_quote");
    assert_eq!(ids, ["a", "z"]);
    // The line that opens it, each line of it, and the one that closes it.
    assert_eq!(world.payloads("long_quote").len(), LIMIT + 1);
}

#[test]
fn bytes_that_are_no_text_reject_their_row() {
    world().check("bytes", &["a", "nul", "z"], 0, &[(3, 1, "not_utf8", "column `note` is not UTF-8")]);
    assert_eq!(world().events("bytes")[1]["identifiers"][0], "user:u\0v");
}

#[test]
fn tabs_separate_cells_of_tsv() {
    world().check("tabs", &["a"], 0, &[(3, 1, "wrong_width", "the row has 2 cells, the header 6")]);
}

#[test]
fn a_header_that_cannot_be_trusted_rejects_every_row() {
    world().check("twice", &[], 0, &[(2, 0, "duplicate_key", "the column `id` stands twice in the header")]);
    world().check("header_bytes", &[], 0, &[(2, 0, "not_utf8", "the header is not UTF-8")]);
}

#[test]
fn files_without_rows_give_nothing() {
    world().check("header_only", &[], 0, &[]);
    world().check("no_rows", &[], 0, &[]);
}

#[test]
fn times_of_rows_take_the_zone_of_the_config_and_are_checked() {
    let allowed = "which is no time; allowed: RFC 3339 or ISO 8601 such as 2026-10-01T10:00:00+03:00, \
                   or without offset in the `zone` of the config";
    world().check(
        "clocks",
        &["a"],
        0,
        &[
            (3, 1, "unreadable_time", &format!("`at` is \"2026-01-01 25:00\", {allowed}")),
            (
                4,
                2,
                "time_out_of_range",
                "time 1726-01-01T07:29:43Z is out of range; allowed: 1990-01-01 <= t < 2101-01-01 UTC",
            ),
        ],
    );
    assert_eq!(world().events("clocks")[0]["occurred_at"], "2026-01-01 07:00:00.000000");
}
