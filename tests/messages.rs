//! Broken journey files and configs, and the exact words they are refused with: `messages/<name>.yaml` beside
//! `messages/<name>.txt`, configs in `messages/config`. With `TROPA_BLESS=1` the texts are written anew, to be read
//! before they are committed.

use std::fs;
use std::path::Path;

fn check(folder: &Path, refusal: impl Fn(&str) -> Option<String>) {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|e| e == "yaml"));
    names.sort();
    assert!(names.len() >= 12, "only {} broken files", names.len());

    let mut different = Vec::new();
    for path in names {
        let text = fs::read_to_string(&path).unwrap();
        let found = format!("{}\n", refusal(&text).unwrap_or_else(|| "accepted".to_owned()));
        let expected = path.with_extension("txt");
        if std::env::var_os("TROPA_BLESS").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        if fs::read_to_string(&expected).unwrap_or_default() != found {
            different.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn every_broken_journey_file_is_refused_in_these_words() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    check(&folder, |text| tropa::map::parse("journey.yaml", text).err().map(|faults| faults.to_string()));
}

#[test]
fn every_broken_config_is_refused_in_these_words() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages/config");
    check(&folder, |text| {
        tropa::config::parse("tropa.yaml", text, &|_| None, Path::new(".")).err().map(|faults| faults.to_string())
    });
}
