//! The end of the embedded engine while it is busy: in a process of its own, because there is one engine per process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tropa::warehouse::embedded::Embedded;

fn open(engine: &Embedded, path: &str, sql: &str) -> TcpStream {
    let address = engine.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the face listens");
    let length = sql.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{sql}"
    )
    .expect("sent");
    stream
}

fn rest(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).ok();
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_ends_what_runs_and_what_was_stored_is_there_again() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let engine = Embedded::start(data.path(), 0, false).await.unwrap_or_else(|e| panic!("{e}"));
    for sql in [
        "CREATE DATABASE kept ENGINE = Atomic",
        "CREATE TABLE kept.t (n UInt64) ENGINE = MergeTree ORDER BY n",
        "INSERT INTO kept.t SELECT number FROM numbers(100000)",
    ] {
        let answer = rest(open(&engine, "/", sql));
        assert!(answer.starts_with("HTTP/1.1 200"), "{sql}: {answer}");
    }
    let endless = "FROM numbers(100000000000000)";
    let session = open(&engine, "/?session_id=s", "CREATE TEMPORARY TABLE t (a Int8)");
    assert!(rest(session).starts_with("HTTP/1.1 200"));
    let sum = open(&engine, "/", &format!("SELECT sum(cityHash64(number)) {endless}"));
    let in_session = open(&engine, "/?session_id=s", &format!("SELECT sum(sipHash64(number)) {endless}"));
    let unread = open(&engine, "/", &format!("SELECT number {endless}"));
    let insert = open(&engine, "/", &format!("INSERT INTO kept.t SELECT number {endless}"));
    tokio::time::sleep(Duration::from_secs(1)).await;

    let start = Instant::now();
    engine.stop().await.unwrap_or_else(|e| panic!("{e}"));
    println!("closed in {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    for (name, stream) in [("sum", sum), ("in_session", in_session), ("insert", insert)] {
        let answer = rest(stream);
        assert!(answer.contains("Code: 394") || answer.contains("Code: 236"), "{name}: {answer}");
    }
    // Half of an answer does not look like a whole one.
    let cut = rest(unread);
    assert!(cut.starts_with("HTTP/1.1 200") && !cut.ends_with("\r\n0\r\n\r\n") || cut.contains("__exception__"));

    let again = Embedded::start(data.path(), 0, false).await.unwrap_or_else(|e| panic!("{e}"));
    let answer = rest(open(
        &again,
        "/",
        "SELECT uniqExact(n) >= 100000, (SELECT count() FROM kept.t WHERE n < 100000) >= 100000 FROM kept.t",
    ));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\n1\t1\n"), "{answer}");
    again.stop().await.unwrap_or_else(|e| panic!("{e}"));
}
