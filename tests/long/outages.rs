//! Servers that go away, answer slowly, or take an insert and never say so. In: a hard log through a real broker into a
//! server behind a faulty network. Out: the tables of a run that nobody disturbed, and the process within its memory.
//! Short: 20,000 records; long: a million arrive while ClickHouse is away.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::check;
use crate::engine::{Server, ask, number};
use crate::faulty;
use crate::log::Log;
use crate::running::{Running, free_port};
use crate::shop::{text, tropa};

/// What the config of this test allows, by the words of docs/operations.md, "Memory".
mod allowed {
    pub const CACHE: u64 = 32 << 20;
    /// Records of a batch: small in the short form, so that there are inserts to disturb.
    pub fn flush() -> u64 {
        if crate::long() { 5_000 } else { 250 }
    }
    /// Bytes of queued records per Kafka source, set below.
    pub const QUEUE: u64 = 16 << 20;
    const SOURCES: u64 = 2;
    const FIXED: u64 = 160 << 20;
    const BATCHES: u64 = 12;
    const RECORD: u64 = 3_000;
    const IDENTIFIER: u64 = 600;

    pub fn bytes(identifiers: u64) -> u64 {
        FIXED + CACHE * 3 / 2 + SOURCES * QUEUE + BATCHES * flush() * RECORD + IDENTIFIER * identifiers
    }
}

/// The most memory the process ever had, in bytes.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("Linux says so");
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).expect("a number") << 10
}

#[test]
fn outages_of_both_servers_change_nothing_and_memory_stays_within_its_bound() {
    let _turn = crate::turn();
    // Most of the records come while ClickHouse is away.
    let (people, share) = if crate::long() { (85_000, 40) } else { (900, 8) };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::start(None);
    let mut server = Server::start(&folder.path().join("engine"), free_port());
    let (port, faults) = faulty::before(server.port);
    let mut log = Log::new("outages", people, 19);
    let part = log.len() / share;
    let more = format!(
        "warehouse: {{ url: \"http://127.0.0.1:{port}\", database: shop }}\nrefresh: 1s\n\
         flush: {{ records: {}, interval: 200ms }}\ncache: {}MiB\n",
        allowed::flush(),
        allowed::CACHE >> 20
    );
    let settings = format!(
        "session.timeout.ms: 6000, queued.max.messages.kbytes: {}, fetch.message.max.bytes: 1000000",
        allowed::QUEUE >> 10
    );
    let config = log.topics(&broker, &folder.path().join("outages"), &settings, &more);
    let place = ["--config", text(&config)];
    tropa(&[&["migrate"], &place[..]].concat());
    let mut run = Running::start(config.parent().expect("a folder"), &["run"]);
    let direct = server.address();
    let stored = || number(ask(&direct, "SELECT sum(records) FROM positions FINAL"));
    let reaches = |what: &str, least: usize| {
        let patience = Instant::now() + Duration::from_secs(if crate::long() { 1_800 } else { 240 });
        while stored().is_none_or(|n| (n as usize) < least) {
            assert!(Instant::now() < patience, "{what}: {:?} of {least} records are stored", stored());
            std::thread::sleep(Duration::from_millis(200));
        }
        println!("{what}: {least} records are stored");
    };
    log.give(&broker, part);
    reaches("undisturbed", log.given());

    log.give(&broker, part);
    broker.is_killed();
    run.hear("the broker does not answer");
    broker.comes_back();
    run.hear("Kafka answers again");
    reaches("broker killed and restarted", log.given());

    faults.late.store(300, Ordering::SeqCst);
    log.give(&broker, part);
    reaches("ClickHouse answers slowly", log.given());
    faults.late.store(0, Ordering::SeqCst);

    faults.unanswered.store(10, Ordering::SeqCst);
    log.give(&broker, part);
    reaches("every tenth insert is applied and not answered", log.given());
    faults.unanswered.store(0, Ordering::SeqCst);
    let closed = faults.closed.load(Ordering::SeqCst);
    assert!(closed > 0, "no insert was left without an answer");

    server.goes_away();
    let before = log.given();
    log.give(&broker, log.len());
    // The heard lines of the slow phases hold the same words: what counts is that this outage is noticed.
    crate::running::until("the outage is noticed", || !run.ready());
    let away = log.given() - before;
    let waits = Instant::now() + Duration::from_secs(if crate::long() { 60 } else { 5 });
    let mut highest = 0;
    while Instant::now() < waits {
        highest = peak(run.child.id());
        std::thread::sleep(Duration::from_millis(500));
    }
    println!("{away} records came while ClickHouse was away; peak so far {} MiB", highest >> 20);
    server.comes_back();
    reaches("ClickHouse killed and restarted", log.len());
    let nodes = number(ask(&direct, "SELECT uniqExact(node) FROM identity FINAL")).expect("it answers");
    let (used, most) = (peak(run.child.id()), allowed::bytes(nodes));
    run.signal("TERM");
    let (code, said) = run.ends();
    assert_eq!(code, 0, "{said}");

    let files = log.files(&folder.path().join("one"), "");
    let alone = check::place(&files, &files.with_file_name("tropa-data"));
    let alone: Vec<&str> = alone.iter().map(String::as_str).collect();
    tropa(&[&["run", "--until-end"], &alone[..]].concat());
    assert_eq!(check::sums(&place), check::sums(&alone), "rows differ from those of a run that nobody disturbed");
    check::is_verified(&place);
    println!(
        "{} records, {away} of them while ClickHouse was away, {closed} inserts applied and not answered: 0 rows differ; \
         peak memory {} MiB, bound {} MiB at {nodes} identifiers",
        log.len(),
        used >> 20,
        most >> 20
    );
    assert!(used <= most, "{used} bytes are more than {most}");
}
