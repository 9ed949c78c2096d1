//! One demo shop for all tests, filled once, and the way into Python.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::python::python;
use crate::shop;

/// The data folder of a demo that has run.
pub fn demo() -> &'static Path {
    static DEMO: OnceLock<(tempfile::TempDir, std::path::PathBuf)> = OnceLock::new();
    &DEMO
        .get_or_init(|| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let data = shop::demo(folder.path(), 300, 7);
            (folder, data)
        })
        .1
}

/// What a command says of the demo.
pub fn asked(arguments: &[&str]) -> String {
    shop::tropa(&[arguments, &["--data", shop::text(demo())]].concat())
}

pub fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&asked(arguments)).expect("JSON")
}

/// A number that `tropa sql` answers.
pub fn number(query: &str) -> u64 {
    asked(&["sql", query, "--format", "TSV"]).trim().parse().expect("a number")
}

/// What `tests/oracles/open.py` finds in a file, with a tool that others wrote.
pub fn opened(what: &str, file: &Path) -> Value {
    let script = format!("{}/tests/oracles/open.py", env!("CARGO_MANIFEST_DIR"));
    let child = Command::new(python())
        .args([&script, what, shop::text(file)])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let out = child.wait_with_output().expect("it ends");
    assert!(out.status.success(), "open.py {what} failed: are tests/requirements.txt installed?");
    serde_json::from_slice(&out.stdout).expect("it answers in JSON")
}
