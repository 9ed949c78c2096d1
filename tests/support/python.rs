//! The Python environment that `deploy/setup.sh test` makes.

use std::path::PathBuf;

pub fn python() -> PathBuf {
    let venv = std::env::var_os("TROPA_VENV").map(PathBuf::from);
    let cache = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache/tropa/venv");
    venv.unwrap_or_else(cache).join("bin/python")
}
