//! A broker that does not answer and a topic that does not exist are said plainly and waited for; SIGTERM drains.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::shop::{text, tropa};
use crate::stream::one_topic;

/// A `tropa run` that is listened to.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Running {
    pub fn start(config: &Path) -> Self {
        let data = config.with_file_name("data");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tropa"))
            .args(["run", "--config", text(config), "--data", text(&data)])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let (out, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| out.send(line)));
        Self { child, lines, heard: Vec::new() }
    }

    /// Waits for a line that holds `words`.
    pub fn says(&mut self, words: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let found = line.contains(words);
                    self.heard.push(line);
                    if found {
                        return;
                    }
                }
                Err(_) => panic!("it never said `{words}`, but:\n{}", self.heard.join("\n")),
            }
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("kill -9");
        self.child.wait().expect("dead");
    }

    /// SIGTERM, and a clean end.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        let status = self.child.wait().expect("it ends");
        self.heard.extend(self.lines.iter());
        assert!(status.success(), "{status}:\n{}", self.heard.join("\n"));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only of use when a test has failed before it stopped the process.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_broker_and_a_topic_that_are_not_there_are_waited_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let more = "group: late, settings: { topic.metadata.refresh.interval.ms: 1000 }";
    let config = one_topic(folder.path(), &format!("127.0.0.1:{port}"), "late", more, "refresh: 1s\n");
    let mut run = Running::start(&config);
    run.says("waiting, nothing is lost");
    let broker = Broker::start(Some(port));
    run.says("not all of the topics `late` exist");
    broker.topic("late", 1);
    let record: &[u8] = br#"{"id":"1","name":"view","at":"2026-05-01T10:00:00Z","user":"u"}"#;
    broker.produce("late", [("k", Some(record))], "none");
    run.says("Kafka answers again");
    let data = config.with_file_name("data");
    let ask = || tropa(&["sql", "SELECT count() FROM events FINAL", "--format", "TSV", "--data", text(&data)]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while ask().trim() != "1" {
        assert!(Instant::now() < deadline, "the record never came");
        std::thread::sleep(Duration::from_millis(200));
    }
    run.stop();
    assert_eq!(ask().trim(), "1");
}

#[test]
fn records_that_expire_under_a_run_are_said_and_the_rest_is_read() {
    const ALL: usize = 6_000;
    const EXPIRED: usize = 5_000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::shared();
    broker.topic("expiring", 1);
    let filler = "x".repeat(1_000);
    let records: Vec<String> = (0..ALL)
        .map(|i| {
            format!(r#"{{"id":"{i}","name":"view","at":"2026-05-01T10:00:00Z","user":"u{i}","filler":"{filler}"}}"#)
        })
        .collect();
    broker.produce("expiring", records.iter().map(|r| ("k", Some(r.as_bytes()))), "none");
    // One record a fetch: the run is far from the end when the records before it go.
    let slow = "max.partition.fetch.bytes: 1000, fetch.message.max.bytes: 1000, queued.min.messages: 1, fetch.queue.backoff.ms: 20";
    let more = format!("group: expiring, settings: {{ {slow} }}");
    let flush = "flush: { records: 50, interval: 100ms }\n";
    let config = one_topic(folder.path(), &broker.address, "expiring", &more, flush);
    let mut run = Running::start(&config);
    run.says("reading begins");
    broker.expire("expiring", EXPIRED as i64);
    run.says("records expired before they were read");
    let data = config.with_file_name("data");
    let query = "SELECT count(), countIf(toUInt32(event_id) >= 5000) FROM events FINAL";
    let ask = || tropa(&["sql", query, "--format", "TSV", "--data", text(&data)]);
    let deadline = Instant::now() + Duration::from_secs(90);
    while !ask().trim().ends_with(&format!("\t{}", ALL - EXPIRED)) {
        assert!(Instant::now() < deadline, "what was left was not read: {}", ask());
        std::thread::sleep(Duration::from_millis(200));
    }
    run.stop();
    let (read, _) = ask().trim().split_once('\t').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("two figures");
    assert!(read.parse::<usize>().expect("a number") < ALL, "nothing had expired when it was read");
}

#[test]
fn a_broker_that_goes_away_and_comes_back_is_said_once_each_way_also_while_no_record_comes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::start(None);
    broker.topic("silent", 1);
    let config = one_topic(folder.path(), &broker.address, "silent", "group: silent", "data: data\nrefresh: 1s\n");
    let mut run = crate::running::Running::start(config.parent().expect("a folder"), &["run"]);
    crate::running::until("it is ready", || run.ready());
    broker.goes_away();
    run.hear("Kafka: the broker does not answer");
    let (status, body) = run.get("/readyz").expect("an answer");
    assert_eq!(status, 503);
    assert!(body.contains(r#""reason":"kafka","source":"web","detail":"Kafka at 127.0.0.1:"#), "{body}");
    assert_eq!(run.figure("tropa_unready{reason=\"kafka\",source=\"web\"}"), Some(1.0));
    broker.comes_back();
    run.hear("Kafka answers again");
    crate::running::until("it is ready again", || run.ready());
    assert_eq!(run.count("the broker does not answer"), 1, "said once, however often it was tried");
    run.signal("TERM");
    assert_eq!(run.ends().0, 0);
}
