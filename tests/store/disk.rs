//! A disk that is full: a sentence, a pause, and on once there is room. The disk is a small one in memory, mounted where
//! only the process under test sees it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::data::not_run;
use crate::shop::{run, text, tropa};

/// Longer than any of this takes on a busy machine; only reached when something is wrong.
const LONG: Duration = Duration::from_secs(180);

const CONFIG: &str = "schema: config/v1
identifiers: { store: raw }
flush: { records: 200, interval: 20ms }
refresh: 1s
sources:
  web:
    file: { paths: [\"-\"] }
    decoder: { id: id, name: name, time: at, ids: { user: user } }
";

/// A process that has a disk of its own.
struct Running {
    child: Child,
    said: Receiver<String>,
}

impl Running {
    fn start(disk: &Path, config: &Path) -> Self {
        let mount = format!("mount -t tmpfs -o size=96m tmpfs {} && exec \"$@\"", disk.display());
        let mut child = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", &mount, "sh", env!("CARGO_BIN_EXE_tropa")])
            .args(["run", "--config", text(config), "--data", text(&disk.join("data"))])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let (heard, said) = channel();
        let errors = BufReader::new(child.stderr.take().expect("piped"));
        std::thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| heard.send(line)));
        Self { child, said }
    }

    fn hear(&self, words: &str) {
        let until = Instant::now() + LONG;
        let mut before = Vec::new();
        while let Ok(line) = self.said.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if line.contains(words) {
                return;
            }
            before.push(line);
        }
        panic!("never said {words:?}, but:\n{}", before.join("\n"));
    }

    /// A path of its disk, seen from here.
    fn path(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.child.id(), path.display()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn records(range: std::ops::Range<u32>) -> String {
    let line =
        |i: u32| format!("{{\"id\":{i},\"name\":\"page\",\"at\":\"2026-01-01T10:00:00Z\",\"user\":\"u{}\"}}\n", i % 50);
    range.map(line).collect()
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).expect("a file");
    for size in [1 << 20, 1 << 12] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

#[test]
fn a_full_disk_is_said_once_and_the_run_goes_on_when_there_is_room() {
    let allowed = Command::new("unshare").args(["--map-root-user", "--mount", "true"]).stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|s| s.success()) {
        not_run(
            "a_full_disk_is_said_once_and_the_run_goes_on_when_there_is_room",
            "no mounts of one's own are allowed here",
        );
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).expect("a folder");
    let config = folder.path().join("tropa.yaml");
    fs::write(&config, CONFIG).expect("writable");
    let mut process = Running::start(&disk, &config);
    let mut input = process.child.stdin.take().expect("piped");
    input.write_all(records(0..1_000).as_bytes()).expect("it reads");

    let data = process.path(&disk.join("data"));
    let count = || {
        let query = "SELECT uniqExact(event_id), (SELECT sum(records) FROM positions FINAL) FROM events";
        let out = run(&["sql", query, "--format", "TSV", "--config", text(&config), "--data", text(&data)]);
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    };
    let wait_for = |wanted: &str| {
        let until = Instant::now() + LONG;
        while count() != wanted {
            assert!(Instant::now() < until, "{} and not {wanted}", count());
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    wait_for("1000\t1000");

    let filler = process.path(&disk.join("filler"));
    fill(&filler);
    // On a thread: a process that waits reads no further.
    let writing = std::thread::spawn(move || {
        input.write_all(records(1_000..40_000).as_bytes()).expect("it reads");
        input
    });
    process.hear("is full: waiting until there is room, nothing is lost");
    fs::remove_file(&filler).expect("room again");
    process.hear("the disk of the warehouse has room again");
    let input = writing.join().expect("everything is read");
    wait_for("40000\t40000");
    let said = tropa(&["verify", "--all", "--patience", "20", "--config", text(&config), "--data", text(&data)]);
    assert!(said.contains("stale: 0; "), "{said}");
    assert!(process.child.try_wait().expect("our child").is_none(), "it runs on");
    drop(input);
}
