//! Three journeys workers on one warehouse process, joining and leaving every few seconds, one of them stopped and
//! continued while others own its slices. In: a hard log, piece by piece. Out: the tables of one process, and how long a
//! slice was without an owner. Short: 40 s.

use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::broker::Broker;
use crate::check;
use crate::engine::{Server, ask, number};
use crate::group::{Shared, Worker};
use crate::log::Log;
use crate::running::free_port;
use crate::shop::{text, tropa};

const SESSION: Duration = Duration::from_secs(6);
/// A worker is killed at most so often: a group finds one dead member after the other.
const BETWEEN_KILLS: Duration = Duration::from_secs(20);

#[test]
fn workers_that_come_and_go_and_one_that_was_stopped_give_the_tables_of_one_process() {
    let _turn = crate::turn();
    let (people, lasts, stopped) = if crate::long() {
        (12_000, Duration::from_secs(600), Duration::from_secs(60))
    } else {
        (400, Duration::from_secs(40), Duration::from_secs(14))
    };
    let mut dice = ChaCha8Rng::seed_from_u64(5);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Broker::shared();
    let server = Server::start(&folder.path().join("engine"), free_port());
    let mut log = Log::new("workers", people, 13);
    let more = format!(
        "warehouse: {{ url: \"http://{}\", database: shop }}\nflush: {{ records: 500, interval: 100ms }}\nrefresh: 1s\n\
         roles: {{ brokers: \"{}\", prefix: workers, partitions: 8, replication: 1, session_timeout: {}s }}\n",
        server.address(),
        broker.address,
        SESSION.as_secs()
    );
    let config = log.topics(&broker, &folder.path().join("workers"), "fetch.wait.max.ms: 50", &more);
    let place = ["--config", text(&config)];
    tropa(&[&["migrate"], &place[..]].concat());

    let (owned, said) = (Shared::default(), Arc::new(Mutex::new(Vec::new())));
    let mut count = 0;
    let mut start = |role: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tropa"));
        command.args(["run", "--role", role]).args(place);
        count += 1;
        Worker::start(command, count, &owned, &said)
    };
    let complain = || {
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said[said.len().saturating_sub(80)..].iter().map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let ownership = || owned.lock().unwrap_or_else(PoisonError::into_inner);
    let _others = [start("ingest"), start("identity")];
    let mut slots: Vec<Option<Worker>> = (0..3).map(|_| Some(start("journeys"))).collect();
    let patience = Instant::now() + Duration::from_secs(120);
    while ownership().slices() < 8 || ownership().orphaned() > 0 {
        assert!(Instant::now() < patience, "not every slice has found an owner:\n{}", complain());
        std::thread::sleep(Duration::from_millis(100));
    }

    let began = Instant::now();
    let mut last_kill = Instant::now();
    // Which slot is stopped, and until when; once, in the first half.
    let mut asleep: Option<(usize, Instant)> = None;
    let (mut slept, mut joined, mut left, mut killed) = (false, 0, 0, 0);
    while began.elapsed() < lasts || asleep.is_some() {
        std::thread::sleep(Duration::from_millis(dice.random_range(1_000..4_000)));
        let share = began.elapsed().as_secs_f64() / lasts.as_secs_f64();
        let due = (log.len() as f64 * share.min(1.0)) as usize;
        let more = due.saturating_sub(log.given());
        log.give(&broker, more);
        if let Some((slot, until)) = asleep
            && Instant::now() >= until
        {
            slots[slot].as_ref().expect("it sleeps").signal("CONT");
            asleep = None;
        }
        if !slept && share > 0.2 && slots.iter().flatten().count() > 1 {
            let slot = slots.iter().position(Option::is_some).expect("one is there");
            slots[slot].as_ref().expect("it is there").signal("STOP");
            (asleep, slept) = (Some((slot, Instant::now() + stopped)), true);
            continue;
        }
        let slot = dice.random_range(0..slots.len());
        let is_asleep = |slot: usize| asleep.is_some_and(|(s, _)| s == slot);
        let awake = (0..slots.len()).filter(|s| slots[*s].is_some() && !is_asleep(*s)).count();
        if is_asleep(slot) || (slots[slot].is_some() && awake < 2) {
            continue;
        }
        match slots[slot].take() {
            None => {
                slots[slot] = Some(start("journeys"));
                joined += 1;
            }
            Some(worker) if last_kill.elapsed() > BETWEEN_KILLS && asleep.is_none() => {
                worker.kill();
                (last_kill, killed) = (Instant::now(), killed + 1);
            }
            Some(worker) => {
                worker.leaves();
                left += 1;
            }
        }
    }
    log.give(&broker, log.len());
    slots.iter_mut().filter(|s| s.is_none()).for_each(|slot| *slot = Some(start("journeys")));

    let files = log.files(&folder.path().join("one"), "");
    let alone = check::place(&files, &files.with_file_name("tropa-data"));
    let alone: Vec<&str> = alone.iter().map(String::as_str).collect();
    tropa(&[&["run", "--until-end"], &alone[..]].concat());
    let expected = check::sums(&alone);
    let deadline = Instant::now() + Duration::from_secs(400);
    let stored = || number(ask(&server.address(), "SELECT sum(records) FROM positions FINAL"));
    while stored() != Some(log.len() as u64) || check::sums(&place) != expected {
        if Instant::now() > deadline {
            let found = check::sums(&place);
            panic!("stored {:?} of {}; found\n{found}expected\n{expected}\n{}", stored(), log.len(), complain());
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    let (longest, taken, story) = {
        let mut owned = ownership();
        owned.ends();
        (owned.longest(), owned.taken, owned.story(&said))
    };
    check::is_verified(&place);
    println!(
        "{} records while workers joined {joined}, left {left}, were killed {killed} times and one slept {stopped:?}: 0 rows differ; \
         slices were taken over {taken} times, without an owner for {longest:.1?} at most",
        log.len()
    );
    // On a machine that has other things to do a figure of time says nothing: the long form is run where it does.
    if crate::long() {
        assert!(longest <= SESSION * 2, "a slice had no owner for {longest:?}\n{story}");
    }
}
