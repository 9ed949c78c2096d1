//! A journey file that changes under a stream: history is computed while the stream goes on, what was shown is kept up and
//! shown until the new figures are complete, and then the tables are those of a run that knew the new file from the start.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::broker::Broker;
use crate::running::{Running, until};
use crate::shop::{assert_same, demo, run, tables, text, tropa};
use crate::stream::{Topics, place, produce, trickling};

/// Customers of the reading that is shown, and of the reading that has most.
const LOOK: &str = "SELECT sumIf(customers, (map, reading) IN (SELECT map, reading FROM v_current)), max(customers) FROM \
    (SELECT map, reading, count() AS customers FROM customer_journeys FINAL \
    WHERE is_deleted = 0 AND notEmpty(j.id) GROUP BY map, reading)";

#[test]
fn a_changed_map_is_computed_beside_the_stream_and_shown_when_it_is_complete() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = demo(folder.path(), 200, 23);
    let broker = Broker::shared();
    let topics = Topics::of("rebuild");
    let count = produce(&broker, &demo, &topics);
    let config = trickling(&folder.path().join("kafka"), &demo, &broker.address, &topics);
    let place = place(&config);
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    let ask = |query: &str| {
        let out = run(&[&["sql", query, "--format", "TSV"], &place[..]].concat());
        let said = if out.status.success() { out.stdout } else { out.stderr };
        String::from_utf8_lossy(&said).trim().to_owned()
    };
    let number = |query: &str| ask(query).parse::<usize>().unwrap_or(0);
    let stored = || number("SELECT sum(records) FROM positions FINAL");

    let mut running = Running::start(folder.path(), &[&["run"], &place[..]].concat());
    until("a third is stored", || stored() > count / 3);
    let first = ask("SELECT reading FROM v_current");

    // Whoever looks sees figures all the time: of the customers that any reading has, the reading shown has all but those
    // that a block being written may hold. (Not "never fewer than before": customers merge.)
    let over = AtomicBool::new(false);
    let changed = std::fs::read_to_string(demo.join("shop.journey.yaml")).expect("the demo's journey file");
    let changed = changed.replacen("discover: P7D", "discover: P8D", 1);
    assert!(changed.contains("discover: P8D"));
    let looks = std::thread::scope(|threads| {
        let looking = threads.spawn(|| {
            let mut looks = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let look = ask(LOOK);
                let numbers: Vec<usize> = look.split('\t').filter_map(|number| number.parse().ok()).collect();
                let &[shown, most] = &numbers[..] else { panic!("a look at the figures says {look:?}") };
                looks.push((shown, most));
            }
            looks
        });
        std::fs::write(config.with_file_name("shop.journey.yaml"), &changed).expect("writable");
        let rebuilt = run(&[&["rebuild"], &place[..]].concat());
        over.store(true, Ordering::Relaxed);
        let said = String::from_utf8_lossy(&[rebuilt.stdout, rebuilt.stderr].concat()).into_owned();
        assert!(said.contains("customers are computed anew; shown with reading"), "{said}");
        looking.join().expect("whoever looks")
    });
    assert!(!looks.is_empty());
    let missing = looks.iter().find(|(shown, most)| *shown == 0 || shown * 100 < most * 95);
    assert_eq!(missing, None, "figures were missing: customers shown, and of the reading that has most, at {looks:?}");
    let second = ask("SELECT reading FROM v_current");
    assert_ne!(first, second);
    let before = running.count("everything taken is written and committed");
    assert_eq!(before, 0, "the process has gone on");

    until("everything is stored", || stored() >= count);
    running.signal("TERM");
    let (code, said) = running.ends();
    assert_eq!(code, 0, "{said}");
    tropa(&[&["run", "--until-end"], &place[..]].concat());
    assert_eq!(stored(), count, "every record is counted once");
    assert!(tropa(&[&["verify", "--all"], &place[..]].concat()).contains("stale: 0; "));

    std::fs::write(demo.join("shop.journey.yaml"), &changed).expect("writable");
    tropa(&["run", "--until-end", "--data", text(&demo)]);
    let only_shown = |tables: Vec<(&'static str, String)>| -> Vec<(&'static str, String)> {
        let shown = |(name, rows): (&'static str, String)| {
            let kept = |line: &&str| name != "customer_journeys" || line.contains(&second);
            (name, rows.lines().filter(kept).map(|line| format!("{line}\n")).collect())
        };
        tables.into_iter().map(shown).collect()
    };
    let data = config.with_file_name("data");
    assert_same(&only_shown(tables(&demo, "2026-05-01")), &only_shown(tables(&data, "2026-05-01")));
}
