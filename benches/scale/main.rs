//! What grows with history, and what an outage, a restart, a cold cache and roles cost. In: made-up customers written to
//! `tropa run` through its standard input, `TROPA_BENCH_CUSTOMERS` of them (default a million; a history of ten events each
//! at the end), before an engine in a process of its own. Out: a line per figure, each a ratio to a baseline of the same run.

#[path = "../../tests/support/broker.rs"]
#[allow(dead_code)] // the tests use the rest of it
mod broker;
#[path = "../../tests/support/running.rs"]
#[allow(dead_code)]
mod running;
mod roles;

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use running::{Running, ask, command, free_port, tropa, write_config};

/// Events of one measured stretch.
const STRETCH: u64 = 200_000;
/// Longer than any of this takes.
const LONG: Duration = Duration::from_secs(3_600);

fn customers() -> u64 {
    std::env::var("TROPA_BENCH_CUSTOMERS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000)
}

/// A server that holds the store, and can be killed.
pub struct Server {
    running: Option<Running>,
    folder: PathBuf,
}

impl Server {
    fn start(folder: &Path, port: u16) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        write_config(folder, &format!("embedded: {{ listen: {port} }}\nsources: {{ none: {{ decoder: web }} }}\n"));
        std::fs::write(folder.join("shop.journey.yaml"), running::MAP).expect("writable");
        let mut server = Self { running: None, folder: folder.to_owned() };
        server.comes_back();
        server
    }

    fn comes_back(&mut self) {
        let mut running = Running::start(&self.folder, &["run"]);
        running.hear("store loaded");
        self.running = Some(running);
    }
}

/// A process that takes what is written to it.
struct Writer {
    run: Running,
    input: ChildStdin,
    folder: PathBuf,
    /// Records that the store held before.
    before: u64,
    written: u64,
}

impl Writer {
    /// `cache`: as in a config.
    fn start(folder: &Path, port: u16, cache: &str) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let text = format!(
            "schema: config/v1\nmaps: [shop.journey.yaml]\nidentifiers: {{ store: raw }}\ncache: {cache}\n\
             warehouse: {{ url: \"http://127.0.0.1:{port}\", database: shop }}\n\
             sources: {{ web: {{ file: {{ paths: [\"-\"] }}, \
             decoder: {{ id: id, name: name, time: at, ids: {{ user: user, cookie: cookie }} }} }} }}\n"
        );
        std::fs::write(folder.join("tropa.yaml"), text).expect("writable");
        std::fs::write(folder.join("shop.journey.yaml"), running::MAP).expect("writable");
        let migrated = tropa(folder, &["migrate"]);
        assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let mut command = command(folder, &["run"]);
        command.stdin(Stdio::piped());
        let mut run = Running::of(command, folder);
        let input = run.child.stdin.take().expect("piped");
        Self { run, input, before: positioned(folder), folder: folder.to_owned(), written: 0 }
    }

    fn write(&mut self, text: &str) {
        self.written += text.lines().count() as u64;
        self.input.write_all(text.as_bytes()).expect("it reads");
    }

    /// Waits until everything written, and all that follows, is in the tables.
    fn settles(&mut self) {
        let name = "tropa_records_total{source=\"web\"}";
        let until = Instant::now() + LONG;
        while self.run.figure(name).is_none_or(|n| (n as u64) < self.written) {
            assert!(Instant::now() < until, "it does not settle");
            // Its log is read, so that it never waits for us.
            self.run.count("");
            std::thread::sleep(Duration::from_millis(50));
        }
        // A stored position says that everything that follows is written.
        while positioned(&self.folder) < self.before + self.written {
            assert!(Instant::now() < until, "it does not settle");
            self.run.count("");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Seconds per event of a stretch of events of these customers.
    fn cost(&mut self, dice: &mut ChaCha8Rng, range: std::ops::Range<u64>) -> f64 {
        let text = events(dice, STRETCH, |dice| dice.random_range(range.clone()));
        let began = Instant::now();
        self.write(&text);
        self.settles();
        began.elapsed().as_secs_f64() / STRETCH as f64
    }

    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.run.child.id())).expect("it runs");
        let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("Linux says so");
        line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).expect("a number") << 10
    }

    fn ends(self) {
        drop(self.input);
        self.run.signal("TERM");
        assert_eq!(self.run.ends().0, 0, "it ends well");
    }
}

/// Records up to the stored positions.
fn positioned(folder: &Path) -> u64 {
    ask(folder, "SELECT sum(records) FROM positions FINAL").trim().parse().unwrap_or_default()
}

/// Events of customers as they are drawn, in half a year, one in eight a payment.
fn events(dice: &mut ChaCha8Rng, count: u64, mut whose: impl FnMut(&mut ChaCha8Rng) -> u64) -> String {
    let mut text = String::with_capacity(count as usize * 130);
    for _ in 0..count {
        let who = whose(dice);
        let (id, name) = (dice.random::<u64>(), if dice.random_bool(0.125) { "pay" } else { "page" });
        let (month, day, hour, minute) =
            (dice.random_range(1..7), dice.random_range(1..29), dice.random_range(0..24), dice.random_range(0..60));
        writeln!(
            text,
            "{{\"id\":\"{id:016x}\",\"name\":\"{name}\",\"at\":\"2026-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z\",\
             \"user\":\"u{who:08}\",\"cookie\":\"c{who:08}\"}}"
        )
        .expect("memory");
    }
    text
}

fn main() {
    let customers = customers();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let port = free_port();
    let mut server = Server::start(&at("engine"), port);
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let recent = customers / 10 * 9..customers;
    let mut writer = Writer::start(&at("writer"), port, "1GiB");
    println!("scale: {customers} customers of two identifiers each; stretches of {STRETCH} events");

    let began = Instant::now();
    let mut next = 0;
    while next < customers {
        let part = STRETCH.min(customers - next);
        let first = next;
        let text = events(&mut dice, part, |_| {
            next += 1;
            next - 1
        });
        debug_assert_eq!(next, first + part);
        writer.write(&text);
    }
    writer.settles();
    let pace = customers as f64 / began.elapsed().as_secs_f64();
    println!("first events of {customers} customers: {pace:.0} events/s; peak memory {} MiB", writer.peak() >> 20);

    let young = writer.cost(&mut dice, recent.clone());
    println!(
        "warm, recent tenth of the customers, history of {} events: {:.1} us per event",
        writer.written,
        young * 1e6
    );

    let text = events(&mut dice, STRETCH, |dice| dice.random_range(recent.clone()));
    server.running = None;
    let feeder = std::thread::spawn(move || {
        writer.write(&text);
        writer
    });
    std::thread::sleep(Duration::from_secs(10));
    server.comes_back();
    let began = Instant::now();
    let mut writer = feeder.join().expect("it writes");
    writer.settles();
    let after = began.elapsed().as_secs_f64() / STRETCH as f64;
    println!("catching up after an outage: {:.2} of the steady pace", young / after);
    writer.ends();

    let began = Instant::now();
    let mut writer = Writer::start(&at("writer"), port, "1GiB");
    writer.write(&events(&mut dice, 1, |_| 0));
    writer.settles();
    println!("restart with {customers} customers: first progress after {:.1?}", began.elapsed());
    let filling = writer.cost(&mut dice, recent.clone());
    let warm = writer.cost(&mut dice, recent.clone());
    println!("after a restart, the cache filling: {:.2} of the warm pace", warm / filling);
    writer.ends();

    let mut writer = Writer::start(&at("writer"), port, "1MiB");
    let cold = writer.cost(&mut dice, 0..customers);
    println!("cold customers only: {:.1} us per event, {:.2} of the warm pace", cold * 1e6, young / cold);
    writer.ends();

    let mut writer = Writer::start(&at("writer"), port, "1GiB");
    let mut history = customers + 5 * STRETCH;
    // Range after range, so that each customer is read and written a few times only; by chance over all of them nearly every
    // event would be of a cold one.
    let ranges = (10 * customers).saturating_sub(history).div_ceil(STRETCH).max(1);
    let mut from = 0;
    for n in 1..=ranges {
        let range = from..(customers * n / ranges).max(from + 1);
        from = range.end;
        writer.write(&events(&mut dice, STRETCH, |dice| dice.random_range(range.clone())));
        history += STRETCH;
    }
    writer.settles();
    writer.cost(&mut dice, recent.clone());
    let old = writer.cost(&mut dice, recent);
    println!(
        "warm, history of {history} events: {:.1} us per event, {:.2} x that of the young store; peak memory {} MiB",
        old * 1e6,
        old / young,
        writer.peak() >> 20
    );
    writer.ends();
    drop(server);
    roles::compare(folder.path());
}
