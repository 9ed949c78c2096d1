//! Beside a process that writes: what is only on its way is not called stale, what stays wrong is.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::shop::{run, text, tropa};

const MAP: &str = "schema: journey/v1
id: shop
version: 1
stages: [{ id: look, role: entry }, { id: paid, role: success }]
touchpoints:
  - { id: page, stage: look, match: { event: page } }
  - { id: pay, stage: paid, match: { event: pay } }
";

const CONFIG: &str = "schema: config/v1
maps: [shop.journey.yaml]
identifiers: { store: raw }
flush: { records: 50, interval: 20ms }
refresh: 1s
sources:
  web:
    file: { paths: [\"-\"] }
    decoder: { id: id, name: name, time: at, ids: { user: user, cookie: cookie } }
";

/// Longer than any of this takes on a busy machine; only reached when something is wrong.
const LONG: Duration = Duration::from_secs(240);

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn records(range: std::ops::Range<u32>) -> String {
    range
        .map(|i| {
            let name = if i % 7 == 0 { "pay" } else { "page" };
            let (user, cookie, minute) = (i % 40, i % 90, i % 60);
            format!(
                "{{\"id\":{i},\"name\":\"{name}\",\"at\":\"2026-01-{:02}T10:{minute:02}:00Z\",\"user\":\"u{user}\",\"cookie\":\"c{cookie}\"}}\n",
                1 + i % 27
            )
        })
        .collect()
}

fn stored(config: &Path) -> u64 {
    let query = "SELECT sum(records) FROM positions FINAL";
    let out = run(&["sql", query, "--format", "TSV", "--config", text(config)]);
    String::from_utf8_lossy(&out.stdout).trim().parse().unwrap_or(0)
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_row_that_is_on_its_way_is_not_stale_and_one_that_stays_wrong_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("tropa.yaml");
    std::fs::write(&config, CONFIG).expect("writable");
    std::fs::write(folder.path().join("shop.journey.yaml"), MAP).expect("writable");
    let mut process = Running(
        Command::new(env!("CARGO_BIN_EXE_tropa"))
            .args(["run", "--config", text(&config)])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs"),
    );
    let mut input = process.0.stdin.take().expect("piped");
    input.write_all(records(0..500).as_bytes()).expect("it reads");
    wait_for("the first records are stored", || stored(&config) >= 400);

    // A steady stream while the tables are compared.
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let stream = std::thread::spawn(move || {
        let mut next = 500;
        while stopped.try_recv().is_err() {
            input.write_all(records(next..next + 30).as_bytes()).expect("it reads");
            next += 30;
            std::thread::sleep(Duration::from_millis(30));
        }
        (input, next)
    });
    let before = stored(&config);
    {
        let said = tropa(&["verify", "--all", "--patience", "20", "--config", text(&config)]);
        assert!(said.contains("stale: 0; "), "{said}");
    }
    assert!(stored(&config) > before, "nothing was written meanwhile");
    stop.send(()).expect("the stream runs");
    let (input, count) = stream.join().expect("the stream");

    wait_for("everything that fills a batch is stored", || stored(&config) + 50 >= u64::from(count));
    tropa(&[
        "sql",
        "--write",
        "INSERT INTO identity SELECT * REPLACE ('user:else' AS customer, version + 1 AS version) FROM (SELECT * FROM identity FINAL WHERE node = 'cookie:c3' AND has_day = 0)",
        "--config",
        text(&config),
    ]);
    let out = run(&["verify", "--all", "--patience", "2", "--config", text(&config)]);
    let said = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("identity  node=cookie:c3  stands: customer user:else; should: customer "), "{said}");
    drop(input);
}
