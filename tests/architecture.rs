//! The architecture as `lib.rs` draws it, checked: modules stand in the order of the flow and import only what stands
//! above them; pure modules touch no world; every file opens by saying what comes in and goes out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("src is readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|e| e == "rs") {
                into.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut paths);
    paths.sort();
    paths.into_iter().map(|p| (p.clone(), fs::read_to_string(p).expect("a source file is text"))).collect()
}

/// The top-level module a file belongs to.
fn module_of(path: &Path) -> String {
    let below = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("below src");
    let first = below.components().next().expect("a file").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Module -> place in `lib.rs`.
fn order() -> BTreeMap<String, usize> {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("lib.rs");
    lib.lines()
        .filter_map(|l| l.strip_prefix("pub mod "))
        .enumerate()
        .map(|(i, l)| (l.split(';').next().unwrap_or(l).to_owned(), i))
        .collect()
}

/// The code of a file without its comments and its tests, which may use anything.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]").next().unwrap_or(text);
    body.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

const PURE: [&str; 16] = [
    "time",
    "event",
    "yaml",
    "config",
    "map",
    "decode",
    "identity",
    "touchpoint",
    "journey",
    "conformance",
    "stage",
    "aggregate",
    "compare",
    "report",
    "exchange",
    "discover",
];

#[test]
fn a_module_imports_only_modules_above_it() {
    let order = order();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let own = module_of(&path);
        let Some(&place) = order.get(&own) else { continue };
        for (other, &other_place) in &order {
            let used =
                code(&text).contains(&format!("crate::{other}::")) || code(&text).contains(&format!("crate::{other};"));
            if used && other_place > place {
                wrong.push(format!("{} imports `{other}`, which stands below `{own}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_modules_touch_no_world() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "tokio::",
        "tracing::",
        "rdkafka::",
        "clickhouse::",
        "axum::",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "rand::rng",
        "println!",
        "eprintln!",
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources().into_iter().filter(|(p, _)| PURE.contains(&module_of(p).as_str())) {
        for word in forbidden.iter().filter(|w| code(&text).contains(**w)) {
            wrong.push(format!("{} uses `{word}`", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn kafka_and_clickhouse_types_stay_in_their_folders() {
    for (path, text) in sources() {
        let own = module_of(&path);
        let code = code(&text);
        let kafka = own == "source" || own == "relay";
        assert!(kafka || !code.contains("rdkafka::"), "{} uses Kafka types", path.display());
        let at_home = own == "warehouse" || !code.contains("clickhouse::");
        assert!(at_home || own == "cli", "{} uses ClickHouse types", path.display());
    }
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    let without: Vec<_> = sources().into_iter().filter(|(_, t)| !t.starts_with("//!")).map(|(p, _)| p).collect();
    assert!(without.is_empty(), "without a head: {without:?}");
}

#[test]
fn every_listed_pure_module_exists() {
    let order = order();
    for name in PURE {
        assert!(order.contains_key(name), "`{name}` is listed as pure and is not in lib.rs");
    }
}

#[test]
fn only_a_debug_build_can_be_told_to_die_at_a_step() {
    for (path, text) in sources() {
        let code = code(&text);
        if module_of(&path) != "steps" {
            assert!(!code.contains("TROPA_DIE_AT"), "{} lets a process die", path.display());
            continue;
        }
        let (always, debug) =
            code.split_once("#[cfg(debug_assertions)]\nmod planned {").expect("what reads the plan stands by itself");
        for word in ["TROPA_DIE_AT", "std::env", "libc::"] {
            assert!(!always.contains(word) && debug.contains(word), "a release build has `{word}`");
        }
        assert!(always.contains("#[cfg(not(debug_assertions))]\npub const fn reach(_: When, _: &str) {}"));
    }
}
