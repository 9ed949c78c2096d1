//! Events per second from a source to the tables, beside the ceiling: the same source, consumed and decoded and thrown
//! away. In: the demo's shop, `TROPA_BENCH_CUSTOMERS` people (default 40,000: half a million events), as files
//! and through a real broker, with the real engine, all on this machine. Out: a line per source: both paces and their
//! ratio. The first goal is 0.3, the one after that 0.6.

#[path = "../tests/support/broker.rs"]
#[allow(dead_code)] // the tests use the rest of it
mod broker;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tropa::config::{self, Config};
use tropa::decode::{Decoding, IdentifierKey};
use tropa::demo::{CONFIG, JOURNEY, JOURNEY_FILE, Shop, Side};
use tropa::intake::{Sources, Starting};
use tropa::map::{self, MapVersions};
use tropa::source::SourceError;
use tropa::stage::{Log, Polled, PositionRow, Positions};
use tropa::startup;
use tropa::time::Timestamp;
use tropa::warehouse::embedded::Embedded;
use tropa::warehouse::{Clickhouse, Target, Writer};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The sources, with the moment of the first batch: joining a consumer group is no work of ours.
struct Timed {
    sources: Sources,
    began: Option<Instant>,
    events: u64,
}

impl Log for Timed {
    type Error = SourceError;

    async fn poll(&mut self) -> Result<Polled, SourceError> {
        let polled = self.sources.poll().await?;
        if let Polled::Batch(batch) = &polled {
            let records: u64 = batch.progress.iter().map(|p| p.counters.records).sum();
            if records > 0 {
                self.began.get_or_insert_with(Instant::now);
            }
            self.events += batch.events.len() as u64;
        }
        Ok(polled)
    }

    async fn commit(&mut self, positions: &[PositionRow]) -> Result<(), SourceError> {
        self.sources.commit(positions).await
    }
}

fn clock() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}

fn start(config: &Arc<Config>, positions: &Positions) -> Timed {
    let admit = Arc::new(Decoding::new(config.clone(), IdentifierKey::raw()));
    let starting =
        Starting { config, admit, positions, until_end: true, clock, health: Default::default(), shared: None };
    let sources = Sources::start(&starting).unwrap_or_else(|e| panic!("{e}"));
    Timed { sources, began: None, events: 0 }
}

/// Consume and decode only.
async fn ceiling(config: &Arc<Config>) -> f64 {
    let mut timed = start(config, &Positions::default());
    loop {
        match timed.poll().await.unwrap_or_else(|e| panic!("{e}")) {
            Polled::End => break,
            Polled::Batch(_) | Polled::Quiet => {}
        }
    }
    finish(timed).await
}

/// Everything up to the tables.
async fn tables(config: &Arc<Config>, maps: &[Arc<MapVersions>], data: &Path) -> f64 {
    let embedded = Embedded::start(data, 0, true).await.unwrap_or_else(|e| panic!("{e}"));
    let client = Clickhouse::connect(&Target::embedded(embedded.url(), "tropa", true), config);
    client.migrate().await.unwrap_or_else(|e| panic!("{e}"));
    let start_of = startup::load(&client, config, maps, &[]).await.unwrap_or_else(|e| panic!("{e}"));
    let mut timed = start(config, &start_of.stages.positions);
    let writer = Writer::new(client.clone(), start_of.readings.clone());
    let (_keep, stop) = tokio::sync::watch::channel(false);
    startup::run(&client, (&mut timed, writer), start_of, &[], (stop, clock, Default::default()))
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    let pace = finish(timed).await;
    embedded.stop().await.unwrap_or_else(|e| panic!("{e}"));
    pace
}

async fn finish(timed: Timed) -> f64 {
    let seconds = timed.began.expect("some records").elapsed().as_secs_f64();
    timed.sources.stop().await;
    timed.events as f64 / seconds
}

/// The shop's records, its journey and a config, in a folder.
fn shop(folder: &Path, customers: u32) -> [String; 2] {
    let mut sides = [String::new(), String::new()];
    for record in Shop::new(1, customers) {
        let side = &mut sides[usize::from(record.side == Side::Crm)];
        writeln!(side, "{}", record.json).expect("memory");
    }
    std::fs::write(folder.join(JOURNEY_FILE), JOURNEY).expect("a folder of our own");
    for (side, text) in [Side::Web, Side::Crm].iter().zip(&sides) {
        std::fs::write(folder.join(side.file_name()), text).expect("a folder of our own");
    }
    sides
}

fn read(folder: &Path, text: &str) -> Arc<Config> {
    Arc::new(config::parse("tropa.yaml", text, &|_| None, folder).unwrap_or_else(|e| panic!("{e}")))
}

/// The demo's config with topics instead of files; every run a group of its own.
fn from_kafka(address: &str, group: &str) -> String {
    ["web", "crm"].iter().fold(CONFIG.to_owned(), |text, name| {
        let file = format!("file: {{ paths: [{name}.ndjson] }}");
        assert!(text.contains(&file), "the demo reads {file}");
        text.replace(&file, &format!("kafka: {{ brokers: \"{address}\", topics: [{name}], group: {group} }}"))
    })
}

fn say(source: &str, mut ceilings: Vec<f64>, mut paces: Vec<f64>) {
    let median = |list: &mut Vec<f64>| {
        list.sort_by(f64::total_cmp);
        list[list.len() / 2]
    };
    let (ceiling, pace) = (median(&mut ceilings), median(&mut paces));
    println!(
        "{source:5} -> tables: {pace:>8.0} events/s   ceiling (consume + decode): {ceiling:>8.0} events/s   ratio {:.2}",
        pace / ceiling
    );
}

fn main() {
    let customers = std::env::var("TROPA_BENCH_CUSTOMERS").ok().and_then(|n| n.parse().ok()).unwrap_or(40_000);
    let runs = 3;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sides = shop(folder.path(), customers);
    let lines: usize = sides.iter().map(|s| s.lines().count()).sum();
    println!("end_to_end: {customers} people, {lines} records, {runs} runs each, the median of them");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let maps = map::load(&[(JOURNEY_FILE.to_owned(), JOURNEY.to_owned())]).unwrap_or_else(|e| panic!("{e}"));
    let maps: Vec<Arc<MapVersions>> = maps.into_iter().map(Arc::new).collect();

    let config = read(folder.path(), CONFIG);
    let fresh = |name: &str, run: usize| folder.path().join(format!("{name}-{run}"));
    let (mut ceilings, mut paces) = (Vec::new(), Vec::new());
    for run in 0..runs {
        ceilings.push(runtime.block_on(ceiling(&config)));
        paces.push(runtime.block_on(tables(&config, &maps, &fresh("file", run))));
    }
    say("file", ceilings, paces);

    let broker = broker::Broker::start(None);
    for (side, text) in [Side::Web, Side::Crm].iter().zip(&sides) {
        broker.topic(side.as_str(), 4);
        let records: Vec<(String, &str)> = text.lines().enumerate().map(|(i, l)| (i.to_string(), l)).collect();
        broker.produce(side.as_str(), records.iter().map(|(k, l)| (k.as_str(), Some(l.as_bytes()))), "lz4");
    }
    let (mut ceilings, mut paces) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let config = |what: &str| read(folder.path(), &from_kafka(&broker.address, &format!("{what}-{run}")));
        ceilings.push(runtime.block_on(ceiling(&config("ceiling"))));
        paces.push(runtime.block_on(tables(&config("tables"), &maps, &fresh("kafka", run))));
    }
    say("kafka", ceilings, paces);
    // Read by nobody else: the broker goes with its data.
    drop(broker);
}
