//! Answers: formats, headers, errors early and late, memory, and clients that leave.

use std::time::{Duration, Instant};

use super::http::{Request, arguments, read};
use super::{ask, post};

#[test]
fn a_bare_get_and_a_ping_say_ok() {
    for path in ["/", "/ping"] {
        let answer = Request::get(path).send();
        assert_eq!((answer.status, answer.text().as_str()), (200, "Ok.\n"), "{path}");
    }
}

#[test]
fn an_answer_tells_its_format_query_id_zone_and_summary() {
    let path = arguments(&[("query", "SELECT number FROM numbers(3) FORMAT CSV"), ("query_id", "mine")]);
    let answer = Request::get(&path).send();
    assert_eq!(answer.text(), "0\n1\n2\n");
    assert_eq!(answer.header("x-clickhouse-format"), "CSV");
    assert_eq!(answer.header("x-clickhouse-query-id"), "mine");
    assert_eq!(answer.header("x-clickhouse-timezone"), ask("SELECT timezone()"));
    let summary: serde_json::Value = serde_json::from_str(answer.header("x-clickhouse-summary")).expect("JSON");
    assert_eq!(summary["read_rows"], "3");
    let silent = post("CREATE TABLE IF NOT EXISTS silent (a Int8) ENGINE = Memory");
    assert_eq!((silent.status, silent.header("x-clickhouse-format"), silent.body.len()), (200, "", 0));
}

#[test]
fn every_format_comes_as_one_document_however_many_blocks_it_has() {
    let rows = 200_000_usize;
    let of = |format: &str| {
        let answer = post(&format!("SELECT number AS n, toString(number) AS s FROM numbers({rows}) FORMAT {format}"));
        assert!(answer.status == 200 && answer.complete, "{format}: {}", answer.status);
        answer.body
    };
    for format in ["CSV", "TSV", "TabSeparated", "JSONEachRow", "TSVRaw"] {
        assert_eq!(of(format).iter().filter(|b| **b == b'\n').count(), rows, "{format}");
    }
    for (format, extra) in [("CSVWithNames", 1), ("TSVWithNamesAndTypes", 2)] {
        assert_eq!(of(format).iter().filter(|b| **b == b'\n').count(), rows + extra, "{format}");
    }
    let json: serde_json::Value = serde_json::from_slice(&of("JSON")).expect("one document");
    assert_eq!(json["rows"], rows);
    let plain = of("RowBinary");
    let headed = of("RowBinaryWithNamesAndTypes");
    let header = b"\x02\x01n\x01s\x06UInt64\x06String";
    assert_eq!(headed.len(), plain.len() + header.len());
    assert!(headed.starts_with(header) && headed.ends_with(&plain[plain.len() - 100..]));
    assert!(of("Parquet").ends_with(b"PAR1"));
    assert_eq!(ask("SELECT 1 WHERE 0"), "");
    assert_eq!(post("SELECT 1 AS a WHERE 0 FORMAT RowBinaryWithNamesAndTypes").body, b"\x01\x01a\x05UInt8");
    let arrays = arguments(&[("output_format_json_array_of_rows", "1")]);
    let answer = Request::post(&arrays).body(format!("SELECT number FROM numbers({rows}) FORMAT JSONEachRow")).send();
    assert_eq!(serde_json::from_slice::<Vec<serde_json::Value>>(&answer.body).expect("one array").len(), rows);
}

#[test]
fn sparse_answers_are_not_cut_short() {
    let sql = "SELECT number FROM numbers(20000000) WHERE number % 9999999 = 0 SETTINGS max_block_size = 1000";
    assert_eq!(ask(sql), "0\n9999999\n19999998");
}

#[test]
fn an_error_names_its_code_and_text() {
    for (sql, code, status, text) in [
        ("SELEC 1", "62", 400, "Syntax error"),
        ("SELECT * FROM no_such_table", "60", 404, "no_such_table"),
        ("SELECT no_such_column", "47", 400, "no_such_column"),
        ("SELECT throwIf(1)", "395", 500, "throwIf"),
        ("SELECT 1 FORMAT NoSuchFormat", "73", 500, "NoSuchFormat"),
        ("CREATE TABLE x (a Nothing2) ENGINE = Memory", "50", 500, "Nothing2"),
    ] {
        let answer = post(sql);
        let found = (answer.code(), answer.status);
        assert_eq!(found, (code, status), "{sql}: {}", answer.text());
        assert!(answer.text().starts_with(&format!("Code: {code}. DB::Exception: ")), "{sql}: {}", answer.text());
        assert!(answer.text().contains(text), "{sql}: {}", answer.text());
        assert!(answer.text().trim_end().ends_with(&format!("(version {})", ask("SELECT version()"))), "{sql}");
    }
    let answer = Request::post(&arguments(&[("no_such_setting", "1")])).body("SELECT 1").send();
    assert_eq!((answer.code(), answer.status), ("115", 404), "{}", answer.text());
    let answer = Request::post(&arguments(&[("database", "no_such_database")])).body("SELECT 1").send();
    assert_eq!((answer.code(), answer.status), ("81", 404), "{}", answer.text());
}

#[test]
fn a_late_error_ends_the_body_behind_its_tag() {
    let sql = "SELECT number, throwIf(number = 3000000) FROM numbers(5000000)";
    let answer = post(sql);
    let tag = answer.header("x-clickhouse-exception-tag").to_owned();
    assert_eq!((answer.status, tag.len()), (200, 16));
    let from = answer.body.len() - 2000;
    let end = String::from_utf8_lossy(&answer.body[from..]).into_owned();
    let (_, block) = end.split_once(&format!("\r\n__exception__\r\n{tag}\r\n")).expect("the tag");
    let (message, close) = block.rsplit_once('\n').and_then(|(b, _)| b.rsplit_once('\n')).expect("the end");
    let (message, length) = message.rsplit_once('\n').unwrap_or((message, close));
    assert!(message.starts_with("Code: 395. DB::Exception: "), "{message}");
    assert_eq!(length.trim(), format!("{} {tag}", message.len() + 1));
    assert!(answer.body.starts_with(b"0\t0\n1\t0\n"));
    // Wanted whole, it is a proper error.
    let answer = Request::post(&arguments(&[("wait_end_of_query", "1")])).body(sql).send();
    assert_eq!((answer.status, answer.code()), (500, "395"));
}

#[test]
fn three_gigabytes_go_out_in_bounded_memory_to_a_client_that_takes_its_time() {
    let sql = "SELECT number, repeat('x', 1000) FROM numbers(3000000) FORMAT RowBinary";
    post("SELECT 1");
    let before = resident();
    let (mut most, mut seen, mut pieces) = (0, 0_u64, 0);
    let answer = read(Request::post("/").body(sql).open(), |piece| {
        if pieces == 0 {
            std::thread::sleep(Duration::from_secs(2));
        }
        if pieces % 50 == 0 {
            most = most.max(resident());
        }
        pieces += 1;
        seen += piece.len() as u64;
        piece.clear();
    });
    assert!(answer.complete);
    assert_eq!(seen, 3_000_000 * (8 + 2 + 1000));
    println!("3,000,000 rows, {} MB: resident {before} -> at most {most} MB", seen / 1_000_000);
    // Other tests run beside it: a third of the answer is far more than they take, and far less than all of it.
    assert!(most < before + 1_000, "resident {before} -> {most} MB");
}

/// Resident memory of this process, in which the engine runs, MB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

fn runs(id: &str) -> bool {
    ask(&format!("SELECT count() FROM system.processes WHERE Settings['log_comment'] = '{id}'")) != "0"
}

fn wait(what: &str, is: impl Fn() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_client_that_leaves_kills_its_query() {
    let endless = "FROM numbers(100000000000000)";
    for (id, sql) in [
        ("leaves-sum", format!("SELECT sum(cityHash64(number)) {endless}")),
        ("leaves-whole", format!("SELECT sum(cityHash64(number)) {endless} FORMAT JSON")),
        ("leaves-stream", format!("SELECT number {endless}")),
    ] {
        let stream = Request::post(&arguments(&[("query_id", id)])).body(sql).open();
        wait("it starts", || runs(id));
        let again = Request::post(&arguments(&[("query_id", id)])).body("SELECT 1").send();
        assert_eq!(again.code(), "216", "{}", again.text());
        drop(stream);
        wait(id, || !runs(id));
    }
}

#[test]
fn a_statement_that_changes_something_goes_on_when_its_client_leaves() {
    ask("CREATE TABLE goes_on (n UInt64) ENGINE = MergeTree ORDER BY n");
    let sql = "INSERT INTO goes_on SELECT number + sleepEachRow(0.5) FROM numbers(4) SETTINGS max_block_size = 1";
    let stream = Request::post(&arguments(&[("query_id", "goes-on")])).body(sql).open();
    wait("it starts", || runs("goes-on"));
    drop(stream);
    wait("it ends", || !runs("goes-on"));
    assert_eq!(ask("SELECT count() FROM goes_on"), "4");
}

#[test]
fn a_get_only_asks() {
    ask("CREATE TABLE get_only (n UInt64) ENGINE = Memory");
    for sql in
        ["DROP TABLE get_only", "INSERT INTO get_only VALUES (1)", "WITH x AS (SELECT 1) INSERT INTO get_only SELECT 1"]
    {
        let answer = Request::get(&arguments(&[("query", sql)])).send();
        assert_eq!(answer.code(), "164", "{sql}: {}", answer.text());
        let answer = Request::post(&arguments(&[("readonly", "1")])).body(sql).send();
        assert_eq!(answer.code(), "164", "{sql}: {}", answer.text());
    }
    assert_eq!(Request::get(&arguments(&[("query", "SELECT count() FROM get_only")])).send().text(), "0\n");
}

#[test]
fn parameters_are_bound_and_never_pasted() {
    let evil = "it's \\ \"x\"; DROP";
    let path = arguments(&[("query", "SELECT {a:String}, {b:UInt8} + 1"), ("param_a", evil), ("param_b", "41")]);
    let answer = Request::get(&path).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.text(), "it\\'s \\\\ \"x\"; DROP\t42\n");
}
