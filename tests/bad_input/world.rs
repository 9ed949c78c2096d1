//! One store for all cases: every file is a source of its own, read by one `tropa run --until-end`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// Longest record of these sources.
pub const LIMIT: usize = 2_000;

pub struct File {
    pub source: &'static str,
    /// Its ending tells the format.
    pub ending: &'static str,
    pub decoder: &'static str,
    pub bytes: Vec<u8>,
}

pub fn file(source: &'static str, ending: &'static str, bytes: impl Into<Vec<u8>>) -> File {
    File { source, ending, decoder: "plain", bytes: bytes.into() }
}

/// A dead letter: line, record number, reason, detail.
pub type Letter<'a> = (u64, i64, &'a str, &'a str);

pub struct World {
    letters: Vec<Value>,
    events: Vec<Value>,
    positions: BTreeMap<String, Value>,
}

const CONFIG: &str = "schema: config/v1
maps: [shop.journey.yaml]
identifiers: { store: raw }
decoders:
  plain:
    id: id
    name: name
    time: { from: at, zone: Europe/Moscow }
    sequence: seq
    where: { kind: [click] }
    ids: { user: user, cookie: cookies }
  segment: { segment: { traits: { email: email } } }
";

const JOURNEY: &str = "schema: journey/v1
id: shop
version: 1
stages: [{ id: look, role: entry }, { id: buy, role: success }]
touchpoints:
  - { id: page, stage: look, match: { event: page } }
  - { id: paid, stage: buy, match: { event: paid } }
";

pub fn tropa(folder: &Path, arguments: &[&str], input: Option<&[u8]>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tropa"));
    command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    if let Some(mut pipe) = child.stdin.take() {
        std::io::Write::write_all(&mut pipe, input.unwrap_or_default()).expect("it reads what it is given");
    }
    let out = child.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "tropa {arguments:?}: {errors}");
    assert!(!errors.contains("panicked"), "tropa {arguments:?}: {errors}");
    out
}

pub fn ask(folder: &Path, query: &str) -> Vec<Value> {
    let out = tropa(folder, &["sql", query, "--format", "JSONEachRow"], None).stdout;
    // Dead letters hold what came, text or not.
    let text = String::from_utf8_lossy(&out);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A folder with the config and these files as sources.
pub fn folder(files: &[File]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut config = CONFIG.to_owned();
    config.push_str("sources:\n  web: { decoder: plain }\n");
    for file in files {
        let name = format!("{}.{}", file.source, file.ending);
        std::fs::write(folder.path().join(&name), &file.bytes).expect("writable");
        config.push_str(&format!(
            "  {}: {{ decoder: {}, file: {{ paths: [{name}], max_record_bytes: {LIMIT} }}, dead_letters: {{ share: 1, in_a_row: 0 }} }}\n",
            file.source, file.decoder
        ));
    }
    std::fs::write(folder.path().join("tropa.yaml"), config).expect("writable");
    std::fs::write(folder.path().join("shop.journey.yaml"), JOURNEY).expect("writable");
    folder
}

pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let files: Vec<File> = [
            super::lines::files(),
            super::values::files(),
            super::rows::files(),
            super::packed::files(),
            super::segment::files(),
        ]
        .into_iter()
        .flatten()
        .collect();
        let folder = folder(&files);
        tropa(folder.path(), &["run", "--until-end"], None);
        World::read(folder.path())
    })
}

impl World {
    pub fn read(path: &Path) -> Self {
        let letters = "SELECT source, topic, toString(offset) AS offset, line, reason, detail, payload FROM dead_letters FINAL \
                       ORDER BY source, topic, dead_letters.offset";
        let positions = "SELECT source, count() AS files, sum(records) AS records, sum(skipped) AS skipped, \
                         sum(decoded) AS decoded, sum(rejected) AS rejected, min(finished) AS finished FROM positions FINAL GROUP BY source";
        Self {
            letters: ask(path, letters),
            events: ask(path, "SELECT * FROM events FINAL ORDER BY source, event_id"),
            positions: ask(path, positions)
                .into_iter()
                .map(|row| (row["source"].as_str().expect("a name").to_owned(), row))
                .collect(),
        }
    }

    pub fn events(&self, source: &str) -> Vec<&Value> {
        self.events.iter().filter(|e| e["source"] == source).collect()
    }

    pub fn ids(&self, source: &str) -> Vec<&str> {
        self.events(source).iter().map(|e| e["event_id"].as_str().expect("an id")).collect()
    }

    pub fn payloads(&self, source: &str) -> Vec<&str> {
        self.letters.iter().filter(|l| l["source"] == source).map(|l| l["payload"].as_str().expect("text")).collect()
    }

    /// The source has exactly these events and dead letters, and its counts reconcile with both.
    pub fn check(&self, source: &str, kept: &[&str], skipped: u64, letters: &[Letter<'_>]) {
        let number = |v: &Value| v.as_u64().or_else(|| v.as_str()?.parse().ok()).expect("a number");
        let found: Vec<(u64, i64, &str, &str)> = self
            .letters
            .iter()
            .filter(|l| l["source"] == source)
            .map(|l| {
                let text = |key: &str| l[key].as_str().expect("text");
                (number(&l["line"]), number(&l["offset"]) as i64, text("reason"), text("detail"))
            })
            .collect();
        assert_eq!(found, letters, "dead letters of {source}");
        assert_eq!(self.ids(source), kept, "events of {source}");
        let position = &self.positions[source];
        let count = |key: &str| number(&position[key]);
        assert_eq!(count("finished"), 1, "{source} has been read to its end");
        assert_eq!(count("rejected"), letters.len() as u64, "rejected of {source}");
        assert_eq!(count("decoded"), kept.len() as u64, "decoded of {source}");
        assert_eq!(count("skipped"), skipped, "skipped of {source}");
        assert_eq!(count("records"), count("decoded") + count("skipped") + count("rejected"), "records of {source}");
    }
}

/// A good record.
pub fn good(id: &str) -> String {
    format!(r#"{{"id":"{id}","name":"page","at":"2026-01-01T10:00:00Z","kind":"click","user":"u-{id}"}}"#)
}
