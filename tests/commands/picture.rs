//! `tropa compare` as a picture and as a workbook, and with only the paths that carry a share of the journeys: where it may
//! be written, and what is said of what is hidden.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::world::{alone, filled, ok, run};

/// Two journeys: one paid, one only looked.
const SENTENCE: &str = "shows 1 of 2 paths of stages, 50.0 % of 2 journeys; hidden: 1 paths, 50.0 %; arcs hidden: 2, \
                        stages hidden: 2; figures are of all journeys";

fn bytes(arguments: &[&str]) -> Vec<u8> {
    let mut tropa = Command::new(env!("CARGO_BIN_EXE_tropa"));
    tropa.args(arguments).current_dir(filled());
    let out = alone(filled(), || tropa.output()).expect("the binary runs");
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

#[test]
fn a_pipe_and_a_file_get_the_same_picture_and_a_dash_is_standard_output() {
    let begins: [(&str, &[u8]); 4] =
        [("svg", b"<?xml "), ("png", b"\x89PNG\r\n"), ("pdf", b"%PDF-1."), ("xlsx", b"PK\x03\x04")];
    for (format, begin) in begins {
        let piped = bytes(&["compare", "--format", format]);
        assert!(piped.starts_with(begin) && piped.len() > 1_000, "{format}: {} bytes", piped.len());
        if format == "xlsx" {
            // A workbook says when it was made.
            continue;
        }
        assert!(piped == bytes(&["compare", "--format", format, "--out", "-"]), "{format}");
        ok(filled(), &["compare", "--format", format, "--out", "map.out"]);
        assert!(piped == std::fs::read(filled().join("map.out")).expect("written"), "{format}");
        assert!(!filled().join("map.out.part").exists());
    }
}

#[test]
fn what_is_no_text_is_kept_from_a_screen_with_a_hint() {
    let terminal = |format: &str| {
        let command = format!("{} compare --format {format}", env!("CARGO_BIN_EXE_tropa"));
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).current_dir(filled()).stdin(Stdio::null());
        let out = alone(filled(), || script.output()).expect("`script`, which every Debian has, lends a terminal");
        (String::from_utf8_lossy(&out.stdout).replace("\r\n", "\n"), out.status.code())
    };
    for (format, what, name) in [
        ("png", "an image", "map.png"),
        ("pdf", "a PDF document", "map.pdf"),
        ("xlsx", "a workbook", "comparison.xlsx"),
    ] {
        let (said, code) = terminal(format);
        assert_eq!((said, code), (format!("{what} is no text for a screen\n  hint: `--out {name}`\n"), Some(78)));
    }
    assert!(terminal("svg").0.starts_with("<?xml "), "an SVG is text");
}

#[test]
fn a_file_that_cannot_be_written_and_a_device_are_told_apart() {
    let (_, errors, code) = run(filled(), &["compare", "--format", "svg", "--out", "no/such/map.svg"], "");
    assert!(errors.starts_with("cannot write no/such/map.svg.part: "), "{errors}");
    assert_eq!(code, 1);
    ok(filled(), &["compare", "--format", "png", "--out", "/dev/null"]);
    assert!(!std::path::Path::new("/dev/null").is_file(), "a device stays one");
}

#[test]
fn the_same_paths_are_shown_and_the_same_is_said_in_every_format() {
    let shown = |format: &str| ok(filled(), &["compare", "--explain", "0.5", "--format", format]);
    for format in ["text", "markdown", "html", "svg"] {
        let text = shown(format);
        // A picture breaks its lines.
        let lines = text.replace("</text>\n", " ");
        let words: Vec<&str> = SENTENCE.split(' ').collect();
        let says = text.contains(SENTENCE) || format == "svg" && words.iter().all(|w| lines.contains(w));
        assert!(says, "{format}: {text}");
    }
    for format in ["text", "markdown"] {
        let text = shown(format);
        assert!(text.contains("The paths that carry 50.0 % of the journeys (variants)"), "{text}");
        assert!(!ok(filled(), &["compare", "--format", format]).contains("The paths that carry"));
    }
    let found: Value = serde_json::from_str(&shown("json")).expect("JSON");
    assert_eq!(
        found["explained"],
        json!({
            "share": 0.5, "journeys": 1, "carried": 0.5,
            "paths": [{ "version": 1, "path": ["visit"], "journeys": 1, "share": 0.5 }],
            "hidden": {
                "paths": 1, "journeys": 1,
                "transitions": [{ "from": "visit", "to": "signup" }, { "from": "signup", "to": "paid" }],
                "stages": ["signup", "paid"],
            },
        }),
        "of two paths of one journey each the first by its text"
    );
    let without: Value = serde_json::from_str(&ok(filled(), &["compare", "--format", "json"])).expect("JSON");
    assert_eq!(without["explained"], Value::Null);
    let russian = ok(filled(), &["compare", "--explain", "0.5", "--lang", "ru"]);
    assert!(russian.contains("показано вариантов (по этапам): 1 из 2, это 50.0 % из 2 путей"), "{russian}");
}

#[test]
fn a_past_moment_has_its_own_paths() {
    let then = ["compare", "--explain", "1", "--format", "json", "--as-of", "2026-01-01T11:00:00Z"];
    let found: Value = serde_json::from_str(&ok(filled(), &then)).expect("JSON");
    assert_eq!(found["explained"]["paths"], json!([{ "version": 1, "path": ["visit"], "journeys": 1, "share": 1.0 }]));
}

#[test]
fn a_share_that_is_none_is_refused_with_its_place_what_is_allowed_and_a_hint() {
    for (given, hint) in [
        ("0", "leave it out to see every path"),
        ("1.5", "`--explain 0.015` for 1.5 %"),
        ("abc", "`--explain 0.8` shows the paths of four journeys in five"),
    ] {
        let (_, errors, code) = run(filled(), &["compare", "--explain", given], "");
        let expected = format!(
            "error: invalid value '{given}' for '--explain <SHARE>': {given} is no part of the journeys\n  \
             allowed: a share above 0, up to 1\n  hint: {hint}\n"
        );
        assert!(errors.starts_with(&expected), "{errors}");
        assert_eq!(code, 2);
    }
}

#[test]
fn letters_that_no_picture_has_are_named() {
    let folder = super::world::folder();
    let map = folder.path().join("trial.journey.yaml");
    let text = std::fs::read_to_string(&map).expect("the map").replace("en: Trial", "en: Trial 試");
    std::fs::write(&map, text).expect("writable");
    ok(folder.path(), &["run", "--until-end"]);
    for (format, silent) in [("png", false), ("pdf", false), ("svg", true), ("html", true)] {
        let (_, errors, code) = run(folder.path(), &["compare", "--format", format, "--out", "map"], "");
        assert_eq!(code, 0);
        assert_eq!(errors.contains("letters that its font lacks: 試\n  hint: `--format svg`"), !silent, "{errors}");
    }
}
