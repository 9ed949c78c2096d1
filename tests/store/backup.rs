//! Backups of a store at rest: everything is in them, nothing is replaced by mistake, damage is found. (While a stream
//! runs: tests/kafka/backup.rs.)

use std::fs;
use std::path::{Path, PathBuf};

use crate::shop::{assert_same, demo, run, tables, text, tropa};

fn refused(arguments: &[&str]) -> (String, i32) {
    let out = run(arguments);
    (String::from_utf8_lossy(&out.stderr).into_owned(), out.status.code().expect("it ends by itself"))
}

/// The greatest file below a folder.
fn greatest(below: &Path) -> PathBuf {
    let mut all = Vec::new();
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { all.push(entry.path()) }
        }
    }
    all.into_iter().max_by_key(|p| fs::metadata(p).map_or(0, |m| m.len())).expect("a file")
}

#[test]
fn a_backup_holds_everything_and_is_put_in_the_place_of_nothing_by_mistake() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = demo(folder.path(), 60, 9);
    let config = data.join("tropa.yaml");
    let backup = folder.path().join("backup");
    let said = tropa(&["backup", text(&backup), "--data", text(&data)]);
    let (tables_there, key) = (said.lines().next().expect("a line"), said.lines().nth(1).expect("a line"));
    assert!(tables_there.ends_with(&format!(" tables are in {}", backup.display())), "{said}");
    let has_key = data.join("identifier.key").exists();
    let about_key = if has_key { "  the key of identifier hashes is in it (identifier.key)" } else { "  no key of " };
    assert!(key.starts_with(about_key), "{said}");
    assert_eq!(backup.join("identifier.key").exists(), has_key);
    assert!(
        !data.join("store/shadow").read_dir().is_ok_and(|d| d.flatten().any(|e| e.path().is_dir())),
        "links are left"
    );

    let (said, code) = refused(&["backup", text(&backup), "--data", text(&data)]);
    let hint = "hint: name a folder that does not exist yet, one for each backup";
    assert_eq!((said.as_str(), code), (&*format!("{} is not empty\n  {hint}\n", backup.display()), 1));

    // Into a folder where nothing is.
    let other = folder.path().join("other");
    let into = ["--config", text(&config), "--data", text(&other)];
    let said = tropa(&[&["restore", text(&backup)], &into[..]].concat());
    let hint =
        "\n  the next `tropa run` reads on from where the backup stands, and counts the aggregates that trailed ";
    assert!(said.contains(hint), "{said}");
    assert_same(&tables(&data, "2026-05-01"), &tables(&other, "2026-05-01"));
    assert!(!other.join("restoring").exists());
    let again = tropa(&[&["verify", "--all"], &into[..]].concat());
    assert!(again.contains("stale: 0; "), "{again}");
    let counted =
        tropa(&[&["sql", "SELECT max(version) > 0 FROM identity_by_customer", "--format", "TSV"], &into[..]].concat());
    assert_eq!(counted, "1\n");

    // Over another one only if that is said, and then it is gone.
    let (said, code) = refused(&[&["restore", text(&backup)], &into[..]].concat());
    let hint = "hint: name another folder with `--data`, or replace what is here with `--force`";
    assert_eq!((said.as_str(), code), (&*format!("there is a store in {} already\n  {hint}\n", other.display()), 1));
    tropa(&[&["sql", "--write", "TRUNCATE TABLE events"], &into[..]].concat());
    tropa(&[&["restore", text(&backup), "--force"], &into[..]].concat());
    assert_same(&tables(&data, "2026-05-01"), &tables(&other, "2026-05-01"));

    // A backup that is cut short, one with a changed byte.
    let manifest = fs::read(backup.join("backup.json")).expect("the manifest");
    fs::remove_file(backup.join("backup.json")).expect("removable");
    let (said, code) = refused(&[&["restore", text(&backup), "--force"], &into[..]].concat());
    assert!(said.starts_with(&format!("{} holds no whole backup: backup.json: ", backup.display())), "{said}");
    assert_eq!(code, 1);
    fs::write(backup.join("backup.json"), manifest).expect("writable");
    let victim = greatest(&backup.join("tables/events"));
    let mut bytes = fs::read(&victim).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&victim, bytes).expect("writable");
    let (said, code) = refused(&[&["restore", text(&backup), "--force"], &into[..]].concat());
    assert!(said.contains("the backup is damaged: table `events`: "), "{said}");
    assert!(said.ends_with("hint: take another backup; nothing was changed here\n"), "{said}");
    assert_eq!(code, 1);
    assert_same(&tables(&data, "2026-05-01"), &tables(&other, "2026-05-01"));
}

#[test]
fn a_server_s_tables_are_not_ours_to_copy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("tropa.yaml");
    fs::write(&config, "schema: config/v1\nwarehouse: { url: \"http://127.0.0.1:1\" }\n").expect("writable");
    for command in ["backup", "restore"] {
        let (said, code) = refused(&[command, "there", "--config", text(&config)]);
        assert!(
            said.starts_with("the config names a ClickHouse server, and this is for the embedded store\n"),
            "{said}"
        );
        assert_eq!(code, 78);
    }
}
