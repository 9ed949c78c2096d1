//! Clients that others wrote: the `clickhouse` crate here, clickhouse-connect in `tests/clients/check_face.py`.

use std::path::Path;
use std::process::Command;

use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};

use super::{address, ask, runtime};
use crate::python::python;

#[derive(Row, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Visit {
    id: u64,
    page: String,
    tags: Vec<String>,
    score: Option<f64>,
}

#[test]
fn the_clickhouse_crate_inserts_and_reads() {
    ask(
        "CREATE TABLE by_crate (id UInt64, page String, tags Array(String), score Nullable(Float64)) ENGINE = MergeTree ORDER BY id",
    );
    let row = |id: u64| Visit {
        id,
        page: format!("/p?{id}\n'"),
        tags: vec![format!("t{}", id % 3); (id % 4) as usize],
        score: id.is_multiple_of(2).then_some(id as f64 / 2.0),
    };
    for compression in [clickhouse::Compression::Lz4, clickhouse::Compression::None] {
        let client = Client::default().with_url(format!("http://{}", address())).with_compression(compression);
        runtime().block_on(async {
            client.query("TRUNCATE TABLE by_crate").execute().await.expect("truncated");
            let mut insert = client.insert::<Visit>("by_crate").await.expect("an insert");
            for id in 0..100_000 {
                insert.write(&row(id)).await.expect("written");
            }
            insert.end().await.expect("acknowledged");
            let mut cursor = client
                .query("SELECT ?fields FROM by_crate WHERE id >= {from:UInt64} ORDER BY id")
                .param("from", 10)
                .fetch::<Visit>()
                .expect("a cursor");
            let mut id = 10;
            while let Some(found) = cursor.next().await.expect("a row") {
                assert_eq!(found, row(id));
                id += 1;
            }
            assert_eq!(id, 100_000);
            let error = client.query("SELECT no_such_column").fetch_one::<u8>().await.expect_err("no column");
            assert!(error.to_string().contains("Code: 47"), "{error}");
        });
    }
}

#[test]
fn the_clickhouse_crate_sees_a_late_error() {
    for compression in [clickhouse::Compression::Lz4, clickhouse::Compression::None] {
        let client = Client::default().with_url(format!("http://{}", address())).with_compression(compression);
        runtime().block_on(async {
            let sql = "SELECT number + throwIf(number = 3000000) FROM numbers(5000000)";
            let mut cursor = client.query(sql).fetch::<u64>().expect("a cursor");
            let mut rows = 0;
            let error = loop {
                match cursor.next().await {
                    Ok(Some(_)) => rows += 1,
                    Ok(None) => panic!("no error after {rows} rows"),
                    Err(error) => break error.to_string(),
                }
            };
            assert!(rows > 0 && rows <= 3_000_000, "{rows}");
            assert!(error.contains("Code: 395"), "{error}");
        });
    }
}

#[test]
fn clickhouse_connect_works_unchanged() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/check_face.py");
    let (host, port) = address().split_once(':').expect("an address");
    let out = Command::new(python()).arg(script).args([host, port]).output().expect("Python starts");
    let (said, wrong) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    println!("{said}");
    assert!(out.status.success() && said.contains("every case passed"), "{said}\n{wrong}");
}
