//! PM4Py in a process of its own, because its licence forbids linking. In: a command of `tests/oracles/align.py` and its
//! question. Out: its answer.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::python::python;

/// What the script answers; the Python of `make setup-test`.
pub fn ask(command: &str, question: &Value) -> Value {
    let script = format!("{}/tests/oracles/align.py", env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(python())
        .args([&script, command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    child.stdin.take().expect("a pipe").write_all(question.to_string().as_bytes()).expect("it reads");
    let out = child.wait_with_output().expect("it ends");
    assert!(out.status.success(), "align.py {command} failed: is `pm4py` of tests/requirements.txt installed?");
    serde_json::from_slice(&out.stdout).expect("it answers in JSON")
}
