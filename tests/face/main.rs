//! The embedded engine's HTTP face, from outside: over raw HTTP, by the `clickhouse` crate and by clickhouse-connect.
//! One engine for the whole process; each test has tables of its own.

mod answers;
mod clients;
mod guard;
mod http;
mod inserts;
#[path = "../support/python.rs"]
mod python;
mod sessions;

use std::path::PathBuf;
use std::sync::OnceLock;

use tropa::warehouse::embedded::Embedded;

use http::{Answer, Request};

/// Where the engine answers, as `127.0.0.1:port`. It stays open to the end of the process, which must end well anyway.
fn address() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| {
        let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("face");
        std::fs::remove_dir_all(&data).ok();
        let embedded = runtime().block_on(Embedded::start(&data, 0, false)).unwrap_or_else(|e| panic!("{e}"));
        let address = embedded.url().trim_start_matches("http://").to_owned();
        std::mem::forget(embedded);
        address
    })
}

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().expect("a runtime"))
}

/// POST of a statement.
fn post(sql: &str) -> Answer {
    Request::post("/").body(sql).send()
}

/// The answer of a statement that must go well, without the last line end.
fn ask(sql: &str) -> String {
    let answer = post(sql);
    assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
    answer.text().trim_end_matches('\n').to_owned()
}
