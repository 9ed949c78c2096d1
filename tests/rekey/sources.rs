//! A source under another name or generation, and a file that has grown: by the binary, from files.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::dump::{Live, assert_same, queries, rows};

const MAP: &str = "schema: journey/v1
id: shop
version: 1
stages: [{ id: look, role: entry }, { id: paid, role: success }]
touchpoints:
  - { id: page, stage: look, match: { event: page } }
  - { id: pay, stage: paid, match: { event: pay } }
";

fn config(source: &str, generation: u32, name: &str) -> String {
    format!(
        "schema: config/v1
maps: [shop.journey.yaml]
identifiers: {{ store: raw }}
sources:
  {source}:
    file: {{ paths: [log.ndjson] }}
    generation: {generation}
    decoder: {{ id: id, name: {name}, time: at, ids: {{ user: user, cookie: cookie }}, props: {{ keep: [path] }} }}
"
    )
}

fn log(records: u32) -> String {
    (0..records)
        .map(|i| {
            let names = if i % 4 == 3 { ("pay", "page") } else { ("page", "pay") };
            let mut record = format!(
                "{{\"id\":{i},\"wrong\":\"{}\",\"name\":\"{}\",\"at\":\"2026-01-{:02}T10:00:00Z\",\"user\":\"u{}\",\"cookie\":\"c{}\"}}\n",
                names.1,
                names.0,
                1 + i % 20,
                i % 7,
                i % 9
            );
            if i % 10 == 5 {
                record = format!("broken {i}\n");
            }
            record
        })
        .collect()
}

fn tropa(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let out = Command::new(env!("CARGO_BIN_EXE_tropa"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the binary runs");
    assert!(out.status.success(), "tropa {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// Runs each config over the log of that length, one after the other in one folder; gives all that the store then holds.
fn after(steps: &[(String, u32)], source: &str, generation: u32) -> Vec<(&'static str, Vec<String>)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("shop.journey.yaml"), MAP).expect("writable");
    for (config, records) in steps {
        fs::write(folder.path().join("tropa.yaml"), config).expect("writable");
        fs::write(folder.path().join("log.ndjson"), log(*records)).expect("writable");
        tropa(folder.path(), &["run", "--until-end"]);
    }
    let sources = [(source, generation)];
    let mut wanted = queries(&Live { sources: &sources, kinds: &["user", "cookie"] });
    wanted.push((
        "dead_letters",
        format!("SELECT line, dead_letters.offset, reason, payload FROM dead_letters FINAL WHERE source = '{source}'"),
    ));
    let ask = |query: &str| rows(&tropa(folder.path(), &["sql", query, "--format", "JSONEachRow"]));
    wanted.into_iter().map(|(table, query)| (table, ask(&query))).collect()
}

#[test]
fn a_raised_generation_reads_the_files_again_and_takes_back_what_the_older_one_said() {
    let changed = after(&[(config("web", 1, "wrong"), 60), (config("web", 2, "name"), 60)], "web", 2);
    let fresh = after(&[(config("web", 2, "name"), 60)], "web", 2);
    assert_same("a raised generation", &changed, &fresh);
}

#[test]
fn a_renamed_source_is_another_source_and_the_old_one_is_outside() {
    let changed = after(&[(config("web", 1, "name"), 60), (config("site", 1, "name"), 60)], "site", 1);
    let fresh = after(&[(config("site", 1, "name"), 60)], "site", 1);
    assert_same("a renamed source", &changed, &fresh);
}

#[test]
fn a_file_that_has_grown_is_read_again_and_counted_once() {
    let changed = after(&[(config("web", 1, "name"), 40), (config("web", 1, "name"), 60)], "web", 1);
    let fresh = after(&[(config("web", 1, "name"), 60)], "web", 1);
    assert_same("a grown file", &changed, &fresh);
}
