//! Inserts: every packing of a body, in pieces, damaged, and with any byte in it.

use std::io::Write;

use super::http::{Answer, Request, arguments};
use super::{ask, post};

const ROWS: usize = 100_000;

fn table(name: &str) {
    ask(&format!("CREATE TABLE {name} (n UInt32, s String) ENGINE = MergeTree ORDER BY n"));
}

fn csv() -> Vec<u8> {
    (0..ROWS).flat_map(|i| format!("{i},\"text {i}\"\n").into_bytes()).collect()
}

fn insert(name: &str, encoding: &str, body: Vec<u8>) -> Answer {
    let request = Request::post(&arguments(&[("query", &format!("INSERT INTO {name} FORMAT CSV"))]));
    let request = if encoding.is_empty() { request } else { request.header("Content-Encoding", encoding) };
    request.body(body).send()
}

fn count(name: &str) -> String {
    ask(&format!("SELECT count(), uniqExact(n), countIf(s = concat('text ', toString(n))) FROM {name}"))
}

fn lz4(part: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(part).expect("memory");
    encoder.finish().expect("memory")
}

fn gzip(part: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(part).expect("memory");
    encoder.finish().expect("memory")
}

fn deflate(part: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(part).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(part: &[u8]) -> Vec<u8> {
    zstd::encode_all(part, 1).expect("memory")
}

/// Several frames or members, one behind the other, cut anywhere.
fn pieces(pack: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    csv().chunks(70_001).flat_map(pack).collect()
}

#[test]
fn every_encoding_brings_every_row_also_in_several_frames() {
    let bodies: [(&str, Vec<u8>); 9] = [
        ("", csv()),
        ("identity", csv()),
        ("gzip", gzip(&csv())),
        ("gzip", pieces(gzip)),
        ("deflate", deflate(&csv())),
        ("zstd", zstd(&csv())),
        ("zstd", pieces(zstd)),
        ("lz4", lz4(&csv())),
        ("lz4", pieces(lz4)),
    ];
    for (i, (encoding, body)) in bodies.into_iter().enumerate() {
        let name = format!("encoded_{i}");
        table(&name);
        let answer = insert(&name, encoding, body);
        assert_eq!(answer.status, 200, "{encoding}: {}", answer.text());
        let summary: serde_json::Value = serde_json::from_str(answer.header("x-clickhouse-summary")).expect("JSON");
        assert_eq!(summary["written_rows"], ROWS.to_string(), "{encoding}");
        assert_eq!(count(&name), format!("{ROWS}\t{ROWS}\t{ROWS}"), "{encoding}");
    }
}

#[test]
fn a_body_that_is_cut_short_or_damaged_inserts_nothing() {
    table("damaged");
    for (encoding, mut body) in [
        ("gzip", gzip(&csv())),
        ("deflate", deflate(&csv())),
        ("zstd", zstd(&csv())),
        ("lz4", lz4(&csv())),
        ("lz4", pieces(lz4)),
        ("gzip", pieces(gzip)),
    ] {
        body.truncate(body.len() - 10);
        let answer = insert("damaged", encoding, body.clone());
        assert_eq!(answer.code(), "40", "{encoding}: {}", answer.text());
        let middle = body.len() / 2;
        body[middle..middle + 40].fill(0);
        assert_ne!(insert("damaged", encoding, body).status, 200, "{encoding}");
    }
    let mut rest = lz4(&csv());
    rest.extend(b"rest");
    assert_ne!(insert("damaged", "lz4", rest).status, 200);
    assert_eq!(insert("damaged", "br", csv()).code(), "40");
    // The connection breaks before the announced length is there.
    let body = csv();
    let stream = Request::post(&arguments(&[("query", "INSERT INTO damaged FORMAT CSV")]))
        .header("Content-Length", &(body.len() + 1).to_string())
        .body(body)
        .open();
    stream.shutdown(std::net::Shutdown::Both).expect("open");
    let bad = [csv(), b"not a number,x\n".to_vec()].concat();
    let answer = insert("damaged", "", bad);
    assert_eq!(answer.code(), "27", "{}", answer.text());
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(count("damaged"), "0\t0\t0");
}

#[test]
fn the_query_line_may_stand_in_the_body_packed_or_not() {
    table("in_body");
    let whole = [b"INSERT INTO in_body (n, s) FORMAT CSV\n".to_vec(), csv()].concat();
    assert_eq!(Request::post("/").body(whole.clone()).send().status, 200);
    assert_eq!(Request::post("/").header("Content-Encoding", "lz4").body(lz4(&whole)).send().status, 200);
    assert_eq!(ask("SELECT count(), uniqExact(n) FROM in_body"), format!("{}\t{ROWS}", 2 * ROWS));
}

#[test]
fn any_byte_may_stand_in_the_data() {
    table("bytes");
    let mut rows = Vec::new();
    for (n, s) in [(1_u32, &b"\x00\n\n; DROP\n"[..]), (2, b"\xff\xfe'\\"), (3, b"")] {
        rows.extend(n.to_le_bytes());
        rows.push(u8::try_from(s.len()).expect("short"));
        rows.extend(s);
    }
    let answer = Request::post(&arguments(&[("query", "INSERT INTO bytes FORMAT RowBinary")])).body(rows).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        ask("SELECT groupArray(hex(s)) FROM (SELECT s FROM bytes ORDER BY n)"),
        "['000A0A3B2044524F500A','FFFE275C','']"
    );
    // What an engine gave, it takes.
    let native = post("SELECT * FROM bytes ORDER BY n FORMAT Native").body;
    let answer = Request::post(&arguments(&[("query", "INSERT INTO bytes FORMAT Native")])).body(native).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(ask("SELECT count(), uniqExact(s) FROM bytes"), "6\t3");
}

#[test]
fn settings_of_an_insert_hold_and_its_table_must_exist() {
    table("with_settings");
    let sql = "INSERT INTO with_settings SETTINGS input_format_allow_errors_num = 1, async_insert = 0 FORMAT CSV\n";
    let answer = post(&format!("{sql}1,a\nbad,b\n2,c\n"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(ask("SELECT groupArray(n) FROM with_settings"), "[1,2]");
    assert_eq!(post("INSERT INTO with_settings FORMAT CSV\nbad,b\n").code(), "27");
    assert_eq!(post("INSERT INTO nowhere FORMAT CSV\n1,a\n").code(), "60");
    assert_eq!(post("INSERT INTO nowhere FORMAT CSV\n").code(), "60");
    for format in ["CSV", "Native", "RowBinary", "JSONEachRow", "TSV"] {
        let answer = post(&format!("INSERT INTO with_settings FORMAT {format}\n"));
        assert_eq!(answer.status, 200, "{format}: {}", answer.text());
    }
    assert_eq!(post("INSERT INTO with_settings VALUES (3, 'x; y'), (4, 'FORMAT CSV')").status, 200);
    assert_eq!(ask("SELECT count() FROM with_settings"), "4");
}

#[test]
fn curl_inserts_and_asks() {
    table("by_curl");
    let url = format!("http://{}/", super::address());
    let curl = |arguments: &[&str], input: &[u8]| {
        let mut child = std::process::Command::new("curl")
            .args(["--silent", "--show-error", "--fail-with-body", &url])
            .args(arguments)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("curl");
        child.stdin.take().expect("piped").write_all(input).expect("taken");
        let out = child.wait_with_output().expect("it ends");
        (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let chunked = [
        "--url-query",
        "query=INSERT INTO by_curl FORMAT CSV",
        "-H",
        "Transfer-Encoding: chunked",
        "--data-binary",
        "@-",
    ];
    assert_eq!(curl(&chunked, &csv()), (true, String::new()));
    assert_eq!(curl(&["-d", "SELECT count() FROM by_curl"], b""), (true, format!("{ROWS}\n")));
    assert_eq!(curl(&["-G", "--data-urlencode", "query=SELECT 1"], b""), (true, "1\n".to_owned()));
    let (ok, text) = curl(&["-F", "param_x=5", "--url-query", "query=SELECT {x:UInt8}"], b"");
    assert!(ok && text == "5\n", "{text}");
    let (ok, text) = curl(&["-d", "SELECT bad"], b"");
    assert!(!ok && text.starts_with("Code: 47. "), "{text}");
}

#[test]
fn a_dropped_table_is_gone_at_once_when_asked_so() {
    table("dropped");
    assert_eq!(insert("dropped", "", csv()).status, 200);
    ask("DROP TABLE dropped SYNC");
    ask("CREATE DATABASE dropped_too ENGINE = Atomic");
    ask("CREATE TABLE dropped_too.t (n UInt32) ENGINE = MergeTree ORDER BY n");
    ask("INSERT INTO dropped_too.t SELECT number FROM numbers(1000)");
    ask("DROP DATABASE dropped_too SYNC");
    assert_eq!(
        ask("SELECT count() FROM system.dropped_tables WHERE table = 'dropped' OR database = 'dropped_too'"),
        "0"
    );
}
