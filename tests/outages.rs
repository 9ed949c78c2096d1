//! A ClickHouse that is not there, goes away and comes back; and a data folder that somebody else owns. By the binary;
//! the server is the embedded face of another `tropa` process on a fixed port.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const MAP: &str = "schema: journey/v1
id: shop
version: 1
stages: [{ id: look, role: entry }, { id: paid, role: success }]
touchpoints:
  - { id: page, stage: look, match: { event: page } }
  - { id: pay, stage: paid, match: { event: pay } }
";

const DECODER: &str = "decoders: { web: { id: id, name: name, time: at, ids: { user: user } } }\n";

/// Longer than any of this takes on a busy machine; only reached when something is wrong.
const LONG: Duration = Duration::from_secs(90);

fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text =
        format!("schema: config/v1\nmaps: [shop.journey.yaml]\nidentifiers: {{ store: raw }}\n{DECODER}{config}");
    std::fs::write(folder.path().join("tropa.yaml"), text).expect("writable");
    std::fs::write(folder.path().join("shop.journey.yaml"), MAP).expect("writable");
    folder
}

fn records(range: std::ops::Range<u32>) -> String {
    range
        .map(|i| format!("{{\"id\":{i},\"name\":\"page\",\"at\":\"2026-01-01T10:00:00Z\",\"user\":\"u{}\"}}\n", i % 50))
        .collect()
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tropa"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env("RUST_BACKTRACE", "0");
    command
}

fn tropa(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running process whose standard error is heard; ended with the test.
struct Running {
    child: Child,
    said: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the binary runs");
        let (heard, said) = channel();
        let errors = BufReader::new(child.stderr.take().expect("piped"));
        std::thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| heard.send(line)));
        Self { child, said }
    }

    /// The first line that holds these words.
    fn hear(&self, words: &str) -> String {
        let until = Instant::now() + LONG;
        let mut before = Vec::new();
        while let Ok(line) = self.said.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if line.contains(words) {
                return line;
            }
            before.push(line);
        }
        panic!("never said {words:?}, but:\n{}", before.join("\n"));
    }

    fn input(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("piped")
    }

    fn ends(mut self) -> i32 {
        let until = Instant::now() + LONG;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("our child") {
                return status.code().unwrap_or(-1);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("it does not end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

/// A process that only holds an engine at this port.
fn server(folder: &Path) -> Running {
    let running = Running::start(command(folder, &["run"]));
    running.hear("store loaded");
    running
}

#[test]
fn commands_that_only_read_name_the_address_and_give_up_within_seconds() {
    let port = free_port();
    let folder =
        folder(&format!("warehouse: {{ url: \"http://127.0.0.1:{port}\" }}\nsources: {{ web: {{ decoder: web }} }}\n"));
    for arguments in
        [&["sql", "SELECT 1"][..], &["compare"], &["compare", "--as-of", "2026-01-01"], &["show", "user:u1"]]
    {
        let began = Instant::now();
        let out = tropa(folder.path(), arguments);
        assert!(began.elapsed() < Duration::from_secs(20), "{arguments:?} took {:?}", began.elapsed());
        assert_eq!(out.status.code(), Some(1), "{arguments:?}");
        let said = text(&out.stderr);
        assert!(
            said.starts_with(&format!("ClickHouse at http://127.0.0.1:{port} does not answer: ")),
            "{arguments:?}: {said}"
        );
        assert!(said.contains("Connection refused"), "{said}");
        assert!(
            said.ends_with(
                "\n  hint: is it running, and is the address right? `tropa run` and `tropa import` wait for it\n"
            ),
            "{said}"
        );
    }
}

#[test]
fn a_run_waits_for_the_server_and_lives_through_its_going_away() {
    let port = free_port();
    let host = folder(&format!("embedded: {{ listen: {port} }}\nsources: {{ none: {{ decoder: web }} }}\n"));
    let client = folder(&format!(
        "warehouse: {{ url: \"http://127.0.0.1:{port}\", database: shop }}\nflush: {{ records: 100 }}\nrefresh: 1s\n\
         sources: {{ web: {{ decoder: web, file: {{ paths: [\"-\"] }} }} }}\n"
    ));
    let unmigrated = server(host.path());
    let refused = tropa(client.path(), &["run", "--until-end"]);
    assert_eq!(
        text(&refused.stderr).lines().last(),
        Some("  hint: `tropa migrate` makes it, with its tables"),
        "{}",
        text(&refused.stderr)
    );
    let migrated = tropa(client.path(), &["migrate"]);
    assert!(text(&migrated.stdout).starts_with("the tables are current; "), "{}", text(&migrated.stderr));
    drop(unmigrated);

    // Nobody is there when it starts.
    let mut run = Running::start({
        let mut run = command(client.path(), &["run", "--until-end"]);
        run.stdin(Stdio::piped());
        run
    });
    let waiting = run.hear("does not answer");
    assert!(waiting.contains(&format!("the warehouse at http://127.0.0.1:{port} does not answer: ")), "{waiting}");
    assert!(waiting.contains("waiting for it, nothing is lost"), "{waiting}");
    let first = server(host.path());
    run.hear("the warehouse answers again");
    let mut input = run.input();
    input.write_all(records(0..500).as_bytes()).expect("it reads");

    // It goes away in the middle, killed, and comes back.
    let count = || {
        let out = tropa(client.path(), &["sql", "SELECT uniqExact(event_id) FROM events", "--format", "TSV"]);
        text(&out.stdout).trim().parse::<u32>().unwrap_or_default()
    };
    let until = Instant::now() + LONG;
    while count() < 300 {
        assert!(Instant::now() < until, "only {} events are stored", count());
    }
    drop(first);
    input.write_all(records(500..1_000).as_bytes()).expect("it reads");
    run.hear("does not answer");
    let second = server(host.path());
    run.hear("the warehouse answers again");
    drop(input);
    assert_eq!(run.ends(), 0);
    assert_eq!(count(), 1_000);
    let journeys = tropa(
        client.path(),
        &["sql", "SELECT count(), uniqExact(customer), sum(length(touchpoints)) FROM v_journeys", "--format", "TSV"],
    );
    assert_eq!(text(&journeys.stdout), "50\t50\t1000\n");
    drop(second);
}

#[test]
fn a_run_that_waits_for_a_server_can_be_told_to_stop() {
    let port = free_port();
    let folder =
        folder(&format!("warehouse: {{ url: \"http://127.0.0.1:{port}\" }}\nsources: {{ web: {{ decoder: web }} }}\n"));
    let run = Running::start(command(folder.path(), &["run"]));
    run.hear("does not answer");
    let stopped = Command::new("kill").args(["-TERM", &run.child.id().to_string()]).status().expect("kill");
    assert!(stopped.success());
    let began = Instant::now();
    run.ends();
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn of_two_writers_on_one_server_the_older_stops_before_it_commits() {
    let port = free_port();
    let host = folder(&format!("embedded: {{ listen: {port} }}\nsources: {{ none: {{ decoder: web }} }}\n"));
    let client = folder(&format!(
        "warehouse: {{ url: \"http://127.0.0.1:{port}\", database: shop }}\nflush: {{ records: 100 }}\nrefresh: 1s\n\
         sources: {{ web: {{ decoder: web, file: {{ paths: [\"-\"] }} }} }}\n"
    ));
    let server = server(host.path());
    assert!(tropa(client.path(), &["migrate"]).status.success());
    let writer = |arguments: &[&str]| {
        let mut run = command(client.path(), arguments);
        run.stdin(Stdio::piped());
        Running::start(run)
    };
    let ask = |query: &str| text(&tropa(client.path(), &["sql", query, "--format", "TSV"]).stdout);
    let mut older = writer(&["run"]);
    let mut input = older.input();
    input.write_all(records(0..100).as_bytes()).expect("it reads");
    let until = Instant::now() + LONG;
    while ask("SELECT sum(records) FROM positions FINAL") != "100\n" {
        assert!(Instant::now() < until, "nothing is stored");
    }

    let through = |range: std::ops::Range<u32>| {
        let mut newer = writer(&["run", "--until-end"]);
        newer.input().write_all(records(range).as_bytes()).expect("it reads");
        assert_eq!(newer.ends(), 0);
    };
    through(200..300);
    input.write_all(records(100..200).as_bytes()).expect("it reads");
    older.hear("another process has begun to write to this store");
    assert_eq!(older.ends(), 1);
    // What it had not committed is read again by whoever comes next.
    through(100..200);
    assert_eq!(ask("SELECT uniqExact(customer), sum(length(touchpoints)) FROM v_journeys"), "50\t300\n");
    let verified = tropa(client.path(), &["verify", "--all"]);
    assert!(verified.status.success(), "{}", text(&verified.stdout));
    drop(server);
}

#[test]
fn a_second_owner_of_a_data_folder_is_told_so_and_readers_go_through_the_first() {
    let folder = folder("refresh: 1s\nsources: { web: { decoder: web, file: { paths: [log.ndjson] } } }\n");
    std::fs::write(folder.path().join("log.ndjson"), records(0..100)).expect("writable");
    let owner = Running::start(command(folder.path(), &["run"]));
    owner.hear("read to its end");
    let pid = owner.child.id();
    let address = std::fs::read_to_string(folder.path().join("tropa-data/address")).expect("the owner's address");

    let in_use = |data: &str| {
        format!(
            "the store in {data} is in use by process {pid}, which answers at http://{address}\n  \
             hint: `tropa sql`, `tropa compare` and `tropa show` reach it there; a second writer must wait until it has ended\n"
        )
    };
    let second = |arguments: &[&str], data: &str| {
        let out = tropa(folder.path(), arguments);
        assert_eq!((text(&out.stderr), out.status.code()), (in_use(data), Some(75)), "{arguments:?}");
    };
    second(&["run", "--until-end"], "./tropa-data");
    second(&["import", "log.ndjson", "--decoder", "web"], "./tropa-data");
    second(&["demo", "--no-open", "--customers", "5", "--data", "tropa-data"], "tropa-data");
    assert!(folder.path().join("tropa-data/store").exists(), "the demo has left the store alone");

    let ask = |arguments: &[&str]| {
        let until = Instant::now() + LONG;
        loop {
            let out = tropa(folder.path(), arguments);
            if out.status.success() || Instant::now() > until {
                assert!(out.status.success(), "{arguments:?}: {}", text(&out.stderr));
                return text(&out.stdout);
            }
        }
    };
    assert_eq!(ask(&["sql", "SELECT uniqExact(event_id) FROM events", "--format", "TSV"]), "100\n");
    assert!(ask(&["show", "user:u1"]).starts_with("user:u1 under map `shop`"));
    assert!(ask(&["compare"]).starts_with("shop (shop, version 1)"));
    drop(owner);
}
