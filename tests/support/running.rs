//! A `tropa` process that is listened to: its log, its HTTP answers, its end. Ended with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than any of this takes on a busy machine; only reached when something is wrong.
pub const LONG: Duration = Duration::from_secs(600);

pub const MAP: &str = "schema: journey/v1
id: shop
version: 1
stages: [{ id: look, role: entry }, { id: paid, role: success }]
touchpoints:
  - { id: page, stage: look, match: { event: page } }
  - { id: pay, stage: paid, match: { event: pay } }
";

/// A folder with a journey file and a config that has a decoder `web`.
pub fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), config);
    std::fs::write(folder.path().join("shop.journey.yaml"), MAP).expect("writable");
    folder
}

pub fn write_config(folder: &Path, config: &str) {
    let text = format!(
        "schema: config/v1\nmaps: [shop.journey.yaml]\nidentifiers: {{ store: raw }}\n\
         decoders: {{ web: {{ id: id, name: name, time: at, ids: {{ user: user }} }} }}\n{config}"
    );
    std::fs::write(folder.join("tropa.yaml"), text).expect("writable");
}

/// Page views of fifty users.
pub fn records(range: std::ops::Range<u32>) -> String {
    range
        .map(|i| format!("{{\"id\":{i},\"name\":\"page\",\"at\":\"2026-01-01T10:00:00Z\",\"user\":\"u{}\"}}\n", i % 50))
        .collect()
}

pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tropa"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env("RUST_BACKTRACE", "0");
    command
}

pub fn tropa(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the binary runs")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The answer of a query as TSV; empty while nobody answers.
pub fn ask(folder: &Path, query: &str) -> String {
    text(&tropa(folder, &["sql", query, "--format", "TSV"]).stdout)
}

/// Waits until something holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < end, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub struct Running {
    pub child: Child,
    said: Receiver<String>,
    heard: Vec<String>,
    folder: PathBuf,
}

impl Running {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::of(command(folder, arguments), folder)
    }

    pub fn of(mut command: Command, folder: &Path) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the binary runs");
        let (heard, said) = channel();
        let errors = BufReader::new(child.stderr.take().expect("piped"));
        std::thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| heard.send(line)));
        Self { child, said, heard: Vec::new(), folder: folder.to_owned() }
    }

    /// The next line that holds these words.
    pub fn hear(&mut self, words: &str) -> String {
        let until = Instant::now() + LONG;
        while let Ok(line) = self.said.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.heard.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
        panic!("never said {words:?}, but:\n{}", self.heard.join("\n"));
    }

    /// How often these words were said so far.
    pub fn count(&mut self, words: &str) -> usize {
        self.heard.extend(self.said.try_iter());
        self.heard.iter().filter(|l| l.contains(words)).count()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Its exit code, and everything it said.
    pub fn ends(mut self) -> (i32, String) {
        let end = Instant::now() + LONG;
        loop {
            if let Some(status) = self.child.try_wait().expect("our child") {
                self.heard.extend(self.said.iter());
                return (status.code().unwrap_or(-1), self.heard.join("\n"));
            }
            assert!(Instant::now() < end, "it does not end");
            self.heard.extend(self.said.try_iter());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Status and body of an answer of its listener; `None` while there is none.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let data = ["tropa-data", "data"].map(|d| self.folder.join(d).join("serve"));
        let address = data.iter().find_map(|f| std::fs::read_to_string(f).ok())?;
        let mut stream = TcpStream::connect(&address).ok()?;
        stream.set_read_timeout(Some(LONG)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split_whitespace().nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// The value of a figure, by its name and labels as they stand there.
    pub fn figure(&self, name: &str) -> Option<f64> {
        let (_, body) = self.get("/metrics")?;
        body.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    pub fn ready(&self) -> bool {
        self.get("/readyz").is_some_and(|(status, _)| status == 200)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}
