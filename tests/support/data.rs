//! Real logs live outside the project, in the folder that `TROPA_DATA` names. Without it a test is `not run`: it says so
//! in a list that `make test` prints, and counts neither way.

use std::io::Write;
use std::path::PathBuf;

/// The data folder, or `None` after noting that `test` was not run.
pub fn data_dir(test: &str) -> Option<PathBuf> {
    match std::env::var("TROPA_DATA").ok().filter(|d| !d.is_empty()).map(PathBuf::from).filter(|d| d.is_dir()) {
        Some(dir) => Some(dir),
        None => {
            not_run(test, "TROPA_DATA names no folder of real logs");
            None
        }
    }
}

/// Notes that a test was not run, and why.
pub fn not_run(test: &str, why: &str) {
    println!("not run: {test}: {why}");
    let list = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/not-run.txt");
    if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(list) {
        writeln!(file, "not run: {test}: {why}").ok();
    }
}
