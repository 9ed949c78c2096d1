//! Batches that are too large for the warehouse as one block: they go in halves, and everything arrives.

use std::path::Path;
use std::sync::atomic::Ordering;

use crate::proxy::Proxy;
use crate::running::{ask, folder, free_port, text, tropa};
use crate::watch::server;

/// Events of one user in eight years, an event a year and id.
fn eight_years(ids: std::ops::Range<u32>) -> String {
    ids.flat_map(|i| (2010..2018).map(move |y| (i, y)))
        .map(|(i, y)| {
            format!("{{\"id\":\"{i}-{y}\",\"name\":\"page\",\"at\":\"{y}-01-01T10:00:00Z\",\"user\":\"u{i}\"}}\n")
        })
        .collect()
}

/// Imports a log through a proxy that changes INSERTs; returns how many events are stored and what was said.
fn import_through(log: &str, change: impl Fn(&str) -> String + Send + Sync + 'static) -> (String, String, usize) {
    let port = free_port();
    let host = folder(&format!("embedded: {{ listen: {port} }}\nsources: {{ none: {{ decoder: web }} }}\n"));
    let _server = server(&host);
    let proxy = Proxy::before(port, change);
    let client = folder(&format!(
        "warehouse: {{ url: \"http://127.0.0.1:{}\", database: shop }}\nsources: {{ web: {{ decoder: web }} }}\n",
        proxy.port
    ));
    let direct = folder(&format!(
        "warehouse: {{ url: \"http://127.0.0.1:{port}\", database: shop }}\nsources: {{ web: {{ decoder: web }} }}\n"
    ));
    let run = |folder: &Path, arguments: &[&str]| {
        let out = tropa(folder, arguments);
        assert!(out.status.success(), "{arguments:?}: {}", text(&out.stderr));
        text(&out.stderr)
    };
    run(direct.path(), &["migrate"]);
    std::fs::write(client.path().join("log.ndjson"), log).expect("writable");
    let said = run(client.path(), &["import", "log.ndjson", "--decoder", "web"]);
    let stored =
        ask(direct.path(), "SELECT uniqExact(event_id), (SELECT sum(length(touchpoints)) FROM v_journeys) FROM events");
    (stored, said, proxy.inserts.load(Ordering::SeqCst))
}

#[test]
fn too_many_partitions_in_one_block_are_inserted_in_halves() {
    let change = |line: &str| {
        assert!(line.contains("max_partitions_per_insert_block=128"), "{line}");
        line.replace("max_partitions_per_insert_block=128", "max_partitions_per_insert_block=3")
    };
    let (stored, said, inserts) = import_through(&eight_years(0..4), change);
    assert_eq!(stored, "32\t32\n");
    assert!(said.contains("they go in halves"), "{said}");
    assert!(inserts >= 8 + 4, "eleven of a tree over eight leaves, and the other tables: {inserts}");
}

#[test]
fn a_batch_that_exceeds_the_memory_twice_is_inserted_in_halves() {
    // Enough for a quarter of the events at a time and not for all of them.
    let change = |line: &str| match line.contains("events") {
        true => line.replacen('?', "?max_memory_usage=12000000&", 1),
        false => line.to_owned(),
    };
    let filler = "x".repeat(600);
    let log: String = (0..20_000)
        .map(|i| {
            format!("{{\"id\":{i},\"name\":\"page\",\"at\":\"2026-01-01T10:00:00Z\",\"user\":\"u{}\",\"filler\":\"{i}{filler}\"}}\n", i % 50)
        })
        .collect();
    let (stored, said, _) = import_through(&log, change);
    assert_eq!(stored, "20000\t20000\n");
    assert!(said.contains("they go in halves"), "{said}");
}
