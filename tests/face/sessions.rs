//! Sessions: temporary tables, settings, time, and requests one after the other.

use std::time::Duration;

use super::ask;
use super::http::{Answer, Request, arguments};

fn within(session: &str, sql: &str, more: &[(&str, &str)]) -> Answer {
    let pairs = [&[("session_id", session)], more].concat();
    Request::post(&arguments(&pairs)).body(sql).send()
}

#[test]
fn a_temporary_table_lives_in_its_session_only() {
    assert_eq!(within("s1", "CREATE TEMPORARY TABLE mine (a Int8)", &[]).status, 200);
    assert_eq!(within("s1", "INSERT INTO mine FORMAT CSV\n1\n2\n", &[]).status, 200);
    assert_eq!(within("s1", "SELECT sum(a) FROM mine", &[]).text(), "3\n");
    assert_eq!(within("s2", "SELECT sum(a) FROM mine", &[]).code(), "60");
    assert_eq!(within("s1", "SELECT 1", &[("close_session", "1")]).status, 200);
    assert_eq!(within("s1", "SELECT sum(a) FROM mine", &[]).code(), "60");
}

#[test]
fn what_a_session_sets_stays_and_what_a_request_sets_does_not() {
    ask("CREATE DATABASE IF NOT EXISTS other ENGINE = Atomic");
    let value = "SELECT getSetting('max_block_size'), currentDatabase()";
    within("s3", "SET max_block_size = 7", &[]);
    let answer = within("s3", value, &[("max_block_size", "9"), ("database", "other")]);
    assert_eq!(answer.text(), "9\tother\n");
    assert_eq!(within("s3", value, &[]).text(), "7\tdefault\n");
    within("s3", "USE other", &[]);
    assert_eq!(within("s3", value, &[]).text(), "7\tother\n");
}

#[test]
fn an_error_does_not_spoil_the_next_answer_of_a_session() {
    assert_eq!(within("s4", "SELECT throwIf(number = 3) FROM numbers(5) FORMAT JSON", &[]).code(), "395");
    assert_eq!(within("s4", "SELECT 1", &[]).text(), "1\n");
    let late = within("s4", "SELECT throwIf(number = 3000000) FROM numbers(5000000)", &[]);
    assert!(late.text().contains("__exception__"));
    assert_eq!(within("s4", "SELECT 2 FORMAT CSV", &[]).text(), "2\n");
}

#[test]
fn requests_of_one_session_wait_for_each_other() {
    within("s5", "CREATE TEMPORARY TABLE counted (a Int64)", &[]);
    let threads: Vec<_> = (0..8)
        .map(|i| {
            std::thread::spawn(move || {
                let sql = format!("INSERT INTO counted SELECT {i} + sleep(0.05)");
                let answer = within("s5", &sql, &[]);
                assert_eq!(answer.status, 200, "{}", answer.text());
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().expect("no panic"));
    assert_eq!(within("s5", "SELECT count(), sum(a) FROM counted", &[]).text(), "8\t28\n");
}

#[test]
fn a_session_ends_with_its_time_and_can_be_asked_to_exist() {
    assert_eq!(within("s6", "SELECT 1", &[("session_check", "1")]).code(), "372");
    assert_eq!(within("s6", "CREATE TEMPORARY TABLE short (a Int8)", &[("session_timeout", "1")]).status, 200);
    assert_eq!(within("s6", "SELECT 1", &[("session_check", "1"), ("session_timeout", "1")]).text(), "1\n");
    std::thread::sleep(Duration::from_millis(3_500));
    assert_eq!(within("s6", "SELECT 1", &[("session_check", "1")]).code(), "372");
    assert_eq!(within("s6", "SELECT 1", &[("session_timeout", "99999")]).code(), "374");
}

#[test]
fn without_a_session_nothing_is_kept() {
    ask("SET max_block_size = 7");
    assert_ne!(ask("SELECT getSetting('max_block_size')"), "7");
}

#[test]
fn a_session_that_made_itself_read_only_can_still_ask() {
    ask("CREATE TABLE session_read_only (a Int8) ENGINE = Memory");
    assert_eq!(within("s7", "SET readonly = 1", &[]).status, 200);
    assert_eq!(within("s7", "SELECT count() FROM session_read_only", &[]).text(), "0\n");
    assert_eq!(within("s7", "INSERT INTO session_read_only VALUES (1)", &[]).code(), "164");
    assert_eq!(within("s7", "SELECT 1", &[]).text(), "1\n");
}
