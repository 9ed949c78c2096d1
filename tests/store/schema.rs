//! Expand, then contract: tables that a newer program has migrated, and tables that are not there.

use crate::shop::{assert_same, demo, run, tables, text, tropa};

#[test]
fn a_newer_minor_schema_is_used_and_a_newer_major_one_is_refused_by_every_command() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = demo(folder.path(), 20, 2);
    let data = text(&data);
    let note = |id: u32, major: u32| {
        let row = format!("INSERT INTO schema_migrations (id, name, major) VALUES ({id}, 'of tomorrow', {major})");
        tropa(&["sql", "--write", &row, "--data", data]);
    };
    let before = tropa(&["compare", "--format", "json", "--data", data]);
    note(4000, 1);
    tropa(&["sql", "--write", "ALTER TABLE events ADD COLUMN of_tomorrow UInt8 DEFAULT 7", "--data", data]);
    tropa(&["run", "--until-end", "--data", data]);
    assert_eq!(tropa(&["compare", "--format", "json", "--data", data]), before);
    assert!(tropa(&["verify", "--data", data]).contains("stale: 0; "));

    note(4001, 2);
    let refused = "the tables are newer than this program: migration 4001 has made them schema 2, and this program knows schema 1\n  \
                   hint: upgrade tropa; an older one of the same schema would go on beside newer ones\n";
    for command in [&["run", "--until-end"][..], &["compare"], &["show", "user:1"], &["verify"], &["sql", "SELECT 1"]] {
        let out = run(&[command, &["--data", data]].concat());
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(said.ends_with(&format!("the tables do not fit this program: {refused}")), "{command:?}: {said}");
        assert_eq!(out.status.code(), Some(1));
    }
}

#[test]
fn missing_tables_are_made_again_and_filled_unless_nothing_could_fill_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = demo(folder.path(), 40, 4);
    let before = tables(&data, "2026-05-01");
    let change = |statement: &str| {
        tropa(&["sql", "--write", statement, "--data", text(&data)]);
    };
    let count = |table: &str| {
        let query = format!("SELECT count() FROM {table} FINAL");
        tropa(&["sql", &query, "--format", "TSV", "--data", text(&data)]).trim().to_owned()
    };
    let candidates = count("identity_by_customer");
    for dropped in [
        "VIEW v_stages",
        "VIEW identity_by_customer_fill",
        "TABLE identity_by_customer",
        "TABLE stages_1d",
        "TABLE customer_journeys",
        "TABLE identity",
        "TABLE watermarks",
    ] {
        change(&format!("DROP {dropped}"));
    }
    let out = run(&["run", "--until-end", "--data", text(&data)]);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
    assert_same(&before, &tables(&data, "2026-05-01"));
    assert!(tropa(&["verify", "--data", text(&data)]).contains("stale: 0; "));
    assert_ne!(candidates, "0");
    assert_eq!(count("identity_by_customer"), candidates, "the view fills it again");
    tropa(&["sql", "SELECT * FROM v_stages", "--data", text(&data)]);

    change("DROP TABLE positions");
    let out = run(&["run", "--until-end", "--data", text(&data)]);
    let said = String::from_utf8_lossy(&out.stderr);
    let lost = "the tables do not fit this program: the table `positions` is not there, and what it held follows from nothing else\n  \
                hint: `tropa restore` puts a backup in their place\n";
    assert!(said.ends_with(lost), "{said}");
    assert_eq!(out.status.code(), Some(1));
}
