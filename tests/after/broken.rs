//! Links between trails, cut on purpose. In: shops whose customers now and then lose their identity between two stages, and
//! others that begin in the middle for reasons of their own. Out: what the program counts is what loops count, its estimate
//! covers how many were cut, and where none was it says so.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tropa::aggregate::broken::{BegunCount, BrokenCounts, EndCount, Step, Trails};
use tropa::aggregate::{EmpiricalMap, WalkedMap};
use tropa::compare::{self, BrokenStage};
use tropa::map::{self, MapVersions};
use tropa::time::Timestamp;

use crate::shop::{text, tropa};

const MAP: &str = "schema: journey/v1
id: shop
version: 1
drop_off: { after: P7D }
stages: [{ id: look, role: entry }, { id: basket }, { id: paid, role: success }]
touchpoints:
  - { id: page, stage: look, match: { event: look } }
  - { id: add, stage: basket, match: { event: basket } }
  - { id: pay, stage: paid, match: { event: paid } }
";

const CONFIG: &str = "schema: config/v1
maps: [shop.journey.yaml]
identifiers:
  store: raw
  kinds: { user: { class: person, priority: 1 }, cookie: { class: device, priority: 9 } }
sources:
  web:
    file: { paths: [web.ndjson] }
    decoder: { id: id, name: name, time: at, ids: { user: user, cookie: cookie } }
";

const BEGAN: i64 = 1_767_225_600; // 2026-01-01
const DAYS: i64 = 60;
const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// What one name did, in order: seconds, and the stage.
struct Trail {
    who: String,
    visits: Vec<(i64, &'static str)>,
}

struct Shop {
    trails: Vec<Trail>,
    /// Links of anonymous trails that were cut after a stage: how long until the next one began.
    cut: BTreeMap<&'static str, Vec<i64>>,
}

impl Shop {
    fn cut_within(&self, step: &Step) -> u64 {
        let within = step.within.as_secs() as i64;
        let cut = self.cut.get(step.from.as_str()).map_or(&[][..], Vec::as_slice);
        cut.iter().filter(|took| **took <= within).count() as u64
    }
}

/// `cut`: how often a link is cut of those who go on. `crowd`: journeys a day.
fn shop(seed: u64, cut: f64, crowd: i64) -> Shop {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut shop = Shop { trails: Vec::new(), cut: BTreeMap::new() };
    let mut names = 0;
    for _ in 0..DAYS * crowd {
        // Most come around two in the afternoon, ever more as time goes by.
        let day = rng.random_range(0..DAYS).max(rng.random_range(0..DAYS));
        let mut at = BEGAN + day * DAY + 4 * HOUR + rng.random_range(0..8 * HOUR) + rng.random_range(0..8 * HOUR);
        let mut name = |trails: &mut Vec<Trail>, kind: &str| {
            names += 1;
            trails.push(Trail { who: format!("{kind}:{names}"), visits: Vec::new() });
        };
        name(&mut shop.trails, "cookie");
        for (stage, goes_on, longest) in [("look", 0.5, 2_400), ("basket", 0.6, 1_800), ("paid", 0.0, 1)] {
            shop.trails.last_mut().expect("a trail").visits.push((at, stage));
            if !rng.random_bool(goes_on) {
                break;
            }
            let took = rng.random_range(60..longest);
            at += took;
            if rng.random_bool(cut) {
                let trail = shop.trails.last().expect("a trail");
                if trail.who.starts_with("cookie") && trail.visits[0].1 == "look" {
                    shop.cut.entry(stage).or_default().push(took);
                }
                name(&mut shop.trails, if rng.random_bool(0.5) { "cookie" } else { "user" });
            }
        }
    }
    // Some begin in the middle for reasons of their own: in the evening, and all day long.
    for i in 0..DAYS * crowd / 12 {
        let hour = if i % 2 == 0 { 18 * HOUR + rng.random_range(0..5 * HOUR) } else { rng.random_range(0..DAY) };
        let stage = ["basket", "paid"][rng.random_range(0..2)];
        let at = BEGAN + rng.random_range(0..DAYS) * DAY + hour;
        shop.trails.push(Trail { who: format!("cookie:own{i}"), visits: vec![(at, stage)] });
    }
    shop
}

// Counted once more, with loops.

/// From the beginning of the first entry date to the end of the last.
fn period(shop: &Shop) -> (i64, i64) {
    let entries = || shop.trails.iter().filter(|t| t.visits[0].1 == "look").map(|t| t.visits[0].0 / DAY);
    (entries().min().expect("somebody came") * DAY, (entries().max().expect("somebody came") + 1) * DAY)
}

/// When anonymous trails ended, dropped in that stage.
fn ends(shop: &Shop, stage: &str) -> Vec<i64> {
    let anonymous = shop.trails.iter().filter(|t| t.who.starts_with("cookie") && t.visits[0].1 == "look");
    let mut ends: Vec<i64> =
        anonymous.map(|t| t.visits[t.visits.len() - 1]).filter(|v| v.1 == stage).map(|v| v.0).collect();
    ends.sort_unstable();
    ends
}

fn counts(shop: &Shop, step: &Step) -> BegunCount {
    let mut count = BegunCount { from: step.from.clone(), to: step.to.clone(), ..BegunCount::default() };
    let (ends, (first, last)) = (ends(shop, &step.from), period(shop));
    let within = step.within.as_secs() as i64;
    for at in shop.trails.iter().map(|t| t.visits[0]).filter(|v| v.1 == step.to).map(|v| v.0) {
        let up_to = |moment: i64| ends.partition_point(|e| *e < moment) as f64;
        let before = |moment: i64| up_to(moment) - up_to(moment - within);
        if at - within < first || at > last {
            continue;
        }
        // A line through a week before and after; at the edges one through the two weeks on the other side.
        let weeks = |n: i64| before(at + n * 7 * DAY);
        let chance = if at - within - 7 * DAY < first {
            2.0 * weeks(1) - weeks(2)
        } else if at + 7 * DAY > last {
            2.0 * weeks(-1) - weeks(-2)
        } else {
            (weeks(1) + weeks(-1)) / 2.0
        };
        count.trails += 1;
        count.matches += before(at) as u64;
        count.by_chance += chance;
        count.squares += (before(at) - chance).powi(2);
    }
    count
}

/// What the program makes of counts that it has not counted itself.
fn estimated(shop: &Shop) -> Vec<(Step, BrokenStage)> {
    let step = |from: &str, to: &str| {
        let changes = shop.trails.iter().flat_map(|t| t.visits.windows(2)).filter(|w| w[0].1 == from);
        let mut times: Vec<i64> = changes.map(|w| w[1].0 - w[0].0).collect();
        times.sort_unstable();
        let within = Duration::from_secs(times[times.len() * 9 / 10] as u64);
        Step { from: from.to_owned(), to: to.to_owned(), within }
    };
    let steps = vec![step("look", "basket"), step("basket", "paid")];
    let told = BrokenCounts::Told {
        ends: ["look", "basket"].map(|s| EndCount { stage: s.to_owned(), trails: ends(shop, s).len() as u64 }).to_vec(),
        begun: steps.iter().map(|s| counts(shop, s)).collect(),
        trails: Trails { anonymous: vec!["cookie".to_owned()], steps: steps.clone(), ..Trails::default() },
    };
    let maps = map::load(&[("m.yaml".to_owned(), MAP.to_owned())]).unwrap_or_else(|e| panic!("{e}"));
    let map: MapVersions = maps.into_iter().next().expect("a map");
    let real = EmpiricalMap {
        reading: String::new(),
        as_of: Timestamp::from_micros((BEGAN + 400 * DAY) * 1_000_000),
        customers: 0,
        oversized_customers: 0,
        journeys: Vec::new(),
        stages: Vec::new(),
        transitions: Vec::new(),
        emotions: Vec::new(),
        coverage: Vec::new(),
        unmapped: Vec::new(),
        walked: WalkedMap { broken: told, ..WalkedMap::default() },
    };
    steps.into_iter().zip(compare::compare(&map, &real).broken.stages).collect()
}

#[test]
fn the_interval_covers_what_was_cut_and_none_where_nothing_was() {
    const SEEDS: u64 = 200;
    // Nineteen of twenty, less what chance allows of 200.
    const ENOUGH: u64 = 184;
    for (cut, crowd) in [(0.1, 20), (0.1, 80), (0.03, 40), (0.0, 20), (0.0, 80)] {
        let (mut covered, mut summed, mut truth) = ([0; 2], [0.0; 2], [0; 2]);
        for seed in 0..SEEDS {
            let shop = shop(seed, cut, crowd);
            for (i, (step, stage)) in estimated(&shop).iter().enumerate() {
                assert_eq!(step.from, stage.stage);
                let really = shop.cut_within(step);
                let (value, low, high) = stage.estimate;
                covered[i] += u64::from(low <= really as f64 && really as f64 <= high);
                summed[i] += value;
                truth[i] += really;
            }
        }
        println!("cut {cut}, {crowd} a day: covered {covered:?}, estimated {summed:?} of {truth:?}");
        for i in 0..2 {
            assert!(covered[i] >= ENOUGH, "cut {cut}, {crowd} a day, stage {i}: {covered:?}");
        }
        if cut > 0.0 {
            for i in 0..2 {
                let share = summed[i] / truth[i] as f64;
                assert!((0.95..1.05).contains(&share), "cut {cut}, {crowd} a day, stage {i}: {share}");
            }
        }
    }
}

fn compared(shop: &Shop) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut records = String::new();
    let mut id = 0;
    let mut line = |who: &str, at: i64, name: &str| {
        id += 1;
        let (kind, value) = who.split_once(':').expect("an identifier");
        let at = Timestamp::from_micros(at * 1_000_000);
        writeln!(records, "{{\"id\":{id},\"name\":\"{name}\",\"at\":\"{at}\",\"{kind}\":\"{value}\"}}").expect("text");
    };
    for trail in &shop.trails {
        trail.visits.iter().for_each(|(at, stage)| line(&trail.who, *at, stage));
    }
    // So that every journey is decided.
    line("user:last", BEGAN + (DAYS + 30) * DAY, "note");
    std::fs::write(folder.path().join("web.ndjson"), records).expect("writable");
    std::fs::write(folder.path().join("shop.journey.yaml"), MAP).expect("writable");
    let config = folder.path().join("tropa.yaml");
    std::fs::write(&config, CONFIG).expect("writable");
    tropa(&["run", "--until-end", "--config", text(&config)]);
    let verified = tropa(&["verify", "--config", text(&config)]);
    assert!(verified.contains("stale: 0; "), "{verified}");
    let said = tropa(&["compare", "--config", text(&config)]);
    assert!(said.contains("the map has no `support` rule: contacts with support are not told apart"), "{said}");
    let json = tropa(&["compare", "--format", "json", "--config", text(&config)]);
    serde_json::from_str(&json).expect("JSON")
}

#[test]
fn a_whole_shop_is_counted_as_loops_count_it_and_the_estimate_stands_beside_the_rate() {
    for cut in [0.1, 0.0] {
        // One of the nineteen in twenty whose interval covers what was cut.
        let shop = shop(8, cut, 40);
        let json = compared(&shop);
        let broken = &json["broken_identity"];
        assert_eq!(broken["anonymous_kinds"], serde_json::json!(["cookie"]), "{broken:#}");
        let steps = broken["steps"].as_array().expect("steps");
        let pairs: Vec<_> = steps.iter().map(|s| (s["from"].as_str(), s["to"].as_str())).collect();
        assert_eq!(pairs, [(Some("look"), Some("basket")), (Some("basket"), Some("paid"))]);
        for (step, stage) in steps.iter().zip(broken["stages"].as_array().expect("stages")) {
            let word = |key: &str| step[key].as_str().expect("a stage").to_owned();
            let within = Duration::from_secs_f64(step["within"].as_f64().expect("seconds"));
            let step = Step { from: word("from"), to: word("to"), within };
            let expected = counts(&shop, &step);
            let whole = |key: &str| stage[key].as_u64().expect("a count");
            let number = |value: &Value| value.as_f64().expect("a number");
            assert_eq!((whole("trails_begun"), whole("matches")), (expected.trails, expected.matches), "{stage:#}");
            assert!((number(&stage["by_chance"]) - expected.by_chance).abs() < 1e-9, "{stage:#}");
            let half = (number(&stage["interval"][1]) - number(&stage["interval"][0])) / 2.0;
            let (n, excess) = (expected.trails as f64, expected.matches as f64 - expected.by_chance);
            let variance = (expected.squares - excess * excess / n) * n / (n - 1.0) + 1.0;
            assert!(cut == 0.0 || (half - 1.959_963_984_540_054 * variance.sqrt()).abs() < 1e-6, "{stage:#}");
            assert_eq!(whole("anonymous_trails"), ends(&shop, &expected.from).len() as u64);
            let really = shop.cut_within(&step) as f64;
            let (low, high) = (number(&stage["interval"][0]), number(&stage["interval"][1]));
            assert!(low <= really && really <= high, "{really} was cut: {stage:#}");
            assert!(cut > 0.0 || low == 0.0, "nothing was cut: {stage:#}");
            assert!(cut == 0.0 || low > 0.0, "much was cut: {stage:#}");
            // The same drop-offs as in the rate, and the rate without those that look broken.
            let rate = &stage["drop_off_rate"];
            let lost = number(&rate["value"]) * number(&rate["n"]);
            assert!((whole("drop_offs") as f64 - lost).abs() < 1e-6, "{stage:#}");
            let without = (lost - number(&stage["estimate"])) / number(&rate["n"]);
            assert!((number(&stage["drop_off_rate_without"]) - without).abs() < 1e-9, "{stage:#}");
        }
    }
}
