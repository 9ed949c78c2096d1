//! The tables of a cluster, as text: chosen by the config, and every statement is one that ClickHouse's own parser takes.
//! (Whether a real cluster behaves is not shown here: none can be had for a test.)

use std::fs;

use crate::shop::{run, text, tropa};

fn printed(warehouse: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("tropa.yaml");
    fs::write(&config, format!("schema: config/v1\n{warehouse}")).expect("writable");
    let said = tropa(&["migrate", "--print", "--config", text(&config)]);
    said.split_terminator(";\n\n").map(str::to_owned).collect()
}

#[test]
fn the_config_chooses_the_tables_of_a_cluster_and_the_engine_can_read_them() {
    let one = printed("warehouse: { url: \"http://127.0.0.1:1\" }\n");
    assert!(one.len() > 20 && one.iter().all(|s| !s.contains("ON CLUSTER") && !s.contains("Replicated")), "{one:#?}");
    let many = printed("warehouse: { url: \"http://127.0.0.1:1\", database: shop, cluster: { name: company } }\n");
    assert!(many.iter().all(|s| s.contains("ON CLUSTER 'company'")), "{many:#?}");
    assert_eq!(many[0], "CREATE DATABASE IF NOT EXISTS `shop` ON CLUSTER 'company' ENGINE = Atomic");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("tropa.yaml");
    fs::write(&config, "schema: config/v1\n").expect("writable");
    let quote = |s: &String| format!("'{}'", s.replace('\\', "\\\\").replace('\'', "\\'"));
    fs::create_dir(folder.path().join("tropa-data")).expect("a folder");
    let all: Vec<String> = one.iter().chain(&many).map(quote).collect();
    // An argument holds no more than 128 kB.
    for some in all.chunks(10) {
        let query = format!(
            "SELECT count() FROM (SELECT formatQuery(arrayJoin([{}])) AS read WHERE notEmpty(read))",
            some.join(", ")
        );
        let read = tropa(&["sql", &query, "--format", "TSV", "--config", text(&config)]);
        assert_eq!(read.trim(), some.len().to_string());
    }
    // The parser is no yes-man.
    let broken = all[all.len() / 2].replacen("ON CLUSTER", "ON CLUSTERS", 1);
    let query = format!("SELECT formatQuery({broken})");
    assert!(!run(&["sql", &query, "--config", text(&config)]).status.success(), "{broken}");
}
