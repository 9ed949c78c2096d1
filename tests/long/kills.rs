//! kill -9, at random and at every named step of the write protocol, while a hard log is read and operators split, revoke
//! and erase. In: the log. Out: tables that equal the naive oracle's, row by row, aggregates too. Short: 10 kills.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::broker::Broker;
use crate::check;
use crate::engine::{ask_owner, number};
use crate::log::Log;
use crate::orders::{Kind, Order};
use crate::shop::tropa;

/// Steps that every batch reaches, so that the n-th time may be asked for.
const OFTEN: [&str; 6] = ["events", "identity_facts", "announcing", "identity", "customer_journeys", "positions"];
/// Steps that come now and then.
const SELDOM: [&str; 8] = [
    "dead_letters",
    "commit",
    "journeys_1d",
    "stages_1d",
    "stage_transitions_1d",
    "drop_offs_1d",
    "touchpoints_1d",
    "coverage_1d",
];
/// Steps of an order.
const ORDERED: [&str; 2] = ["operator_orders", "erasures"];

/// How one life of the process ends.
#[derive(Clone, Debug)]
enum End {
    At {
        when: &'static str,
        step: &'static str,
        times: u32,
    },
    /// After so long, whatever it does.
    After(Duration),
}

/// Every step in turn, on each side of it; every third kill comes at random.
fn plan(kills: usize, dice: &mut ChaCha8Rng) -> Vec<End> {
    let mut ends = Vec::new();
    while ends.len() < kills {
        let steps = OFTEN.iter().map(|s| (*s, 6)).chain(SELDOM.iter().chain(&ORDERED).map(|s| (*s, 1)));
        let mut round: Vec<_> = steps.flat_map(|step| [("before", step), ("after", step)]).collect();
        round.shuffle(dice);
        for (when, (step, most)) in round {
            if ends.len() % 3 == 2 {
                ends.push(End::After(Duration::from_millis(dice.random_range(300..4_000))));
            }
            ends.push(End::At { when, step, times: dice.random_range(1..=most) });
        }
    }
    ends.truncate(kills);
    ends
}

fn start(place: &[&str], end: &End, said: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tropa"));
    command.arg("run").args(place).stdin(Stdio::null()).stdout(Stdio::null());
    let said = std::fs::OpenOptions::new().create(true).append(true).open(said).expect("a log");
    command.stderr(said);
    if let End::At { when, step, times } = end {
        command.env("TROPA_DIE_AT", format!("{when} {step} {times}"));
    }
    command.spawn().expect("the binary runs")
}

/// Another number of kills in the long form.
fn asked_for() -> Option<usize> {
    std::env::var("TROPA_KILLS").ok()?.parse().ok()
}

fn stored(data: &Path) -> Option<u64> {
    number(ask_owner(data, "SELECT sum(records) FROM positions FINAL"))
}

#[test]
fn processes_killed_at_every_step_while_operators_order_leave_the_tables_of_the_naive_oracle() {
    let _turn = crate::turn();
    if !cfg!(debug_assertions) {
        panic!("a release build has no named steps: run this test in the profile `dev` or `long`");
    }
    let (kills, people) = if crate::long() { (asked_for().unwrap_or(200), 16_000) } else { (10, 500) };
    let began = Instant::now();
    let mut dice = ChaCha8Rng::seed_from_u64(kills as u64);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::shared();
    let mut log = Log::new("kills", people, 7);
    let settings = "session.timeout.ms: 6000, heartbeat.interval.ms: 1000";
    let more = "flush: { records: 300, interval: 50ms }\nrefresh: 1s\nembedded: { fsync: false }\n";
    let config = log.topics(&broker, &folder.path().join("killed"), settings, more);
    let data = config.with_file_name("data");
    let place = check::place(&config, &data);
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    let said = folder.path().join("said.log");
    println!("{} records, {kills} kills", log.len());
    let (mut reached, mut at_steps, mut asked) = (BTreeSet::new(), 0, 0);
    let chunk = log.len() / (kills + 1) + 1;
    for (nth, end) in plan(kills, &mut dice).into_iter().enumerate() {
        let life = Instant::now();
        log.give(&broker, chunk);
        for name in ["serve", "address"] {
            std::fs::remove_file(data.join(name)).ok();
        }
        let mut run = start(&place, &end, &said);
        let ordered = matches!(end, End::At { step, .. } if ORDERED.contains(&step));
        let kind = match end {
            End::At { step: "erasures", .. } => Kind::Forget,
            _ => [Kind::Split, Kind::Revoke, Kind::Forget][nth % 3],
        };
        // An order in every other life, and in those that shall end in one.
        let mut wanted = ordered || nth % 2 == 1;
        let mut order: Option<Order> = None;
        let mut idle: Option<Instant> = None;
        let how = loop {
            if run.try_wait().expect("our child").is_some() {
                at_steps += 1;
                if let End::At { when, step, .. } = end {
                    reached.insert((when, step));
                }
                break "at its step";
            }
            // Where the step is one of an order's, one that came too early is followed by another.
            if ordered && order.as_mut().is_some_and(Order::is_over) {
                order.take().into_iter().for_each(Order::end);
                wanted = true;
            }
            if wanted && data.join("serve").exists() {
                order = Order::give(&config, &data, kind, &mut dice);
                wanted = order.is_none() && ordered;
                asked += usize::from(order.is_some());
            }
            match &end {
                End::After(time) if life.elapsed() >= *time => break "at random",
                End::After(_) => {}
                End::At { .. } => {
                    // The step does not come once nothing is left to do: then the kill is one like any other.
                    let over = !ordered
                        && order.as_mut().is_none_or(Order::is_over)
                        && stored(&data) == Some(log.given() as u64);
                    idle = if over { idle.or(Some(Instant::now())) } else { None };
                    if idle.is_some_and(|since| since.elapsed() > Duration::from_secs(5)) {
                        break "with nothing left to do";
                    }
                }
            }
            assert!(life.elapsed() < Duration::from_secs(1_800), "stuck: {end:?}\n{}", tail(&said));
            std::thread::sleep(Duration::from_millis(30));
        };
        run.kill().ok();
        let status = run.wait().expect("it is dead");
        assert!(
            std::os::unix::process::ExitStatusExt::signal(&status) == Some(9),
            "it ended by itself: {status}\n{}",
            tail(&said)
        );
        order.into_iter().for_each(Order::end);
        println!(
            "kill {}/{kills} {how} {end:?}: {} records given, {asked} orders, {:.1?}",
            nth + 1,
            log.given(),
            life.elapsed()
        );
    }
    assert!(at_steps * 2 >= kills, "only {at_steps} of {kills} kills hit their step");
    log.give(&broker, log.len());
    tropa(&[&["run", "--until-end"], &place[..]].concat());
    let query = "SELECT (SELECT sum(records) FROM positions FINAL), (SELECT count() FROM operator_orders FINAL), \
                 (SELECT uniqExact(node) - uniqExact(customer) FROM identity FINAL WHERE customer != '')";
    let counts = tropa(&[&["sql", query, "--format", "TSV"], &place[..]].concat());
    let counts: Vec<usize> = counts.split_whitespace().map(|n| n.parse().expect("a number")).collect();
    assert_eq!(counts[0], log.len(), "every record is counted once");
    assert!(counts[1] * 10 >= kills, "{} orders were accepted beside {kills} kills", counts[1]);
    let files = log.files(&folder.path().join("files"), "");
    let equal = check::equals_the_oracle(&files, &place);
    check::is_verified(&place);
    println!(
        "{kills} kills, {at_steps} of them at their step, {} records, {} orders, {} merges: {equal}; {:.0?}",
        log.len(),
        counts[1],
        counts[2],
        began.elapsed()
    );
    if crate::long() && asked_for().is_none() {
        assert!(counts[2] >= 5_000, "{} merges", counts[2]);
        let steps = OFTEN.len() + SELDOM.len() + ORDERED.len();
        assert_eq!(reached.len(), 2 * steps, "steps that a process has died at: {reached:?}");
    }
}

fn tail(said: &Path) -> String {
    let text = std::fs::read_to_string(said).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
