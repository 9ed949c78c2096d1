//! One demo shop for all tests, filled once, and the way into Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

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

/// Who opens the store lends it to the others, and takes it away when it ends.
static ONE: Mutex<()> = Mutex::new(());

/// What a command says of the demo.
pub fn asked(arguments: &[&str]) -> String {
    let data = shop::text(demo());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    shop::tropa(&[arguments, &["--data", data]].concat())
}

/// Why a command cannot be carried out.
pub fn refused(arguments: &[&str]) -> String {
    let data = shop::text(demo());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let out = shop::run(&[arguments, &["--data", data]].concat());
    assert!(!out.status.success(), "{arguments:?}");
    String::from_utf8(out.stderr).expect("text")
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
        .stderr(Stdio::piped())
        .spawn()
        .expect("python runs");
    let out = child.wait_with_output().expect("it ends");
    assert!(out.status.success(), "open.py {what}: {}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8_lossy(&out.stdout);
    serde_json::from_str(text.lines().last().expect("an answer")).expect("it answers in JSON")
}

/// What `bpmn-moddle` finds in a BPMN file.
pub fn opened_by_moddle(file: &Path) -> Value {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache"));
    let script = format!("{}/tests/oracles/open_bpmn.mjs", env!("CARGO_MANIFEST_DIR"));
    let mut node = Command::new("node");
    let node = node.args([&script, shop::text(file)]);
    let out = node.env("BPMN_MODDLE", cache.join("tropa/node/node_modules/bpmn-moddle")).output().expect("node runs");
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{errors}\nhas `deploy/setup.sh test` installed bpmn-moddle?");
    serde_json::from_slice(&out.stdout).expect("it answers in JSON")
}

/// Writes an export of the demo into a file of a folder.
pub fn exported(format: &str, folder: &Path) -> PathBuf {
    let file = folder.join(format!("shop.{format}"));
    let said = asked(&["export", "--format", format, "--out", shop::text(&file)]);
    assert_eq!(said, "", "a file is written, not the screen");
    assert!(!folder.join(format!("shop.{format}.part")).exists());
    file
}
