//! One seed through the pipeline. In: a seed. Out: [`Found`]: what the report says of it, and the shop's own truth.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tropa::demo::{Shop, Truth};
use tropa::time::Timestamp;

pub struct Found {
    pub truth: Truth,
    pub as_of: Timestamp,
    /// Trails that go on under another name, counted over the stitched visits and the humans behind them.
    pub cut_trails: u64,
    report: Value,
}

fn tropa(arguments: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_tropa")).args(arguments).output().expect("the binary runs");
    assert!(out.status.success(), "tropa {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text")
}

pub fn look(seed: u64, customers: u32) -> Found {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("demo");
    let at = data.to_str().expect("a path of this test is text");
    let (many, of) = (customers.to_string(), seed.to_string());
    tropa(&["demo", "--customers", &many, "--seed", &of, "--data", at, "--no-open"]);
    let report: Value =
        serde_json::from_str(&tropa(&["compare", "--data", at, "--format", "json"])).expect("the report is JSON");
    let visits = tropa(&[
        "sql",
        "SELECT customer, source, toString(e) AS event, place, toString(toUnixTimestamp64Micro(at)) AS at FROM \
         (SELECT customer, `j.v_source` AS s, `j.v_event_id` AS i, `j.v_stage` AS p, `j.v_at` AS a FROM customer_journeys FINAL \
          ARRAY JOIN `j.v_source`, `j.v_event_id`, `j.v_stage`, `j.v_at` WHERE is_deleted = 0) \
         ARRAY JOIN s AS source, i AS e, p AS place, a AS at",
        "--format",
        "JSONEachRow",
        "--data",
        at,
    ]);
    let mut shop = Shop::new(seed, customers);
    shop.by_ref().for_each(drop);
    let as_of = Timestamp::parse(report["as_of"].as_str().expect("a moment")).expect("a moment");
    Found { truth: shop.truth().clone(), as_of, cut_trails: cut_trails(&data, &visits), report }
}

/// The last visit of a customer met in discovery only, by a human who chooses under another name within three minutes.
fn cut_trails(data: &Path, visits: &str) -> u64 {
    const SOON: i64 = 180_000_000;
    let truth = std::fs::read_to_string(data.join("truth.tsv")).expect("the demo wrote it");
    let human: HashMap<(&str, &str), &str> = truth
        .lines()
        .map(|line| {
            let mut words = line.split('\t');
            let mut word = || words.next().expect("three words");
            ((word(), word()), word())
        })
        .collect();
    let mut customers: BTreeMap<String, Vec<(String, String, i64)>> = BTreeMap::new();
    for line in visits.lines() {
        let v: Value = serde_json::from_str(line).expect("a row");
        let text = |key: &str| v[key].as_str().expect("text");
        let who = human[&(text("source"), text("event"))].to_owned();
        let at = text("at").parse().expect("a time");
        customers.entry(text("customer").to_owned()).or_default().push((who, text("place").to_owned(), at));
    }
    let chooses = |who: &str, not: &str, after: i64| {
        let others = customers.iter().filter(|c| c.0 != not).flat_map(|c| c.1);
        let mut others = others.filter(|v| v.0 == who);
        others.any(|v| v.1 == "consider" && (after..after + SOON).contains(&v.2))
    };
    let mut cut = 0;
    for (name, visits) in &customers {
        let only_looks = visits.iter().all(|v| v.1 == "discover" && v.0 == visits[0].0);
        let last = visits.iter().map(|v| v.2).max().expect("a customer has visits");
        cut += u64::from(only_looks && chooses(&visits[0].0, name, last));
    }
    cut
}

impl Found {
    fn line(&self, kind: &str, place: &str) -> Option<&Value> {
        self.report["deviations"].as_array()?.iter().find(|d| d["kind"] == kind && d["place"] == place)
    }

    /// Journeys and customers.
    pub fn counts(&self, kind: &str, place: &str) -> (u64, u64) {
        let Some(line) = self.line(kind, place) else { return (0, 0) };
        let n = |key: &str| line[key].as_u64().expect("a count");
        (n("journeys"), n("customers"))
    }

    /// State, journeys not held to it, journeys held to it.
    pub fn accepted(&self, kind: &str, place: &str) -> (String, u64, u64) {
        let lines = self.report["accepted_deviations"].as_array().expect("a list");
        let line = lines.iter().find(|a| a["kind"] == kind && a["place"] == place).expect("listed");
        let n = |key: &str| line[key].as_u64().expect("a count");
        (line["state"].as_str().expect("a state").to_owned(), n("journeys"), n("not_covered"))
    }

    /// Touchpoint, reason, the event most like it.
    pub fn unmeasured(&self) -> Vec<[String; 3]> {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let lines = self.report["unmeasured"].as_array().expect("a list").iter();
        lines.map(|u| [text(&u["touchpoint"]), text(&u["why"]), text(&u["alike"][0]["name"])]).collect()
    }

    /// The interval of the difference of conversion, or of the time to the goal.
    pub fn interval(&self, kind: &str, place: &str, of: &str) -> Option<(f64, f64)> {
        let interval = &self.line(kind, place)?["association"][of]["interval"];
        Some((interval[0].as_f64()?, interval[1].as_f64()?))
    }

    /// Of the journeys that reached the landmark undecided, the share that had it: Wilson's interval, written down once more.
    pub fn share_with(&self, kind: &str, place: &str) -> Option<(f64, f64)> {
        let association = &self.line(kind, place)?["association"];
        let (with, without) = (&association["with"]["journeys"], &association["without"]["journeys"]);
        let (x, z) = (with.as_f64()?, 1.959_963_984_540_054_f64);
        let n = x + without.as_f64()?;
        let middle = (x + z * z / 2.0) / (n + z * z);
        let half = z / (n + z * z) * (x * (n - x) / n + z * z / 4.0).sqrt();
        Some((middle - half, middle + half))
    }

    /// None: not tested.
    pub fn is_significant(&self, kind: &str, place: &str, of: &str) -> Option<bool> {
        self.line(kind, place)?["association"][of]["significant"].as_bool()
    }

    /// How many tests of the table are called significant.
    pub fn all_significant(&self) -> f64 {
        let lines = self.report["deviations"].as_array().expect("a list").iter();
        let both =
            lines.flat_map(|d| ["conversion", "time_to_goal"].map(|of| d["association"][of]["significant"] == true));
        both.filter(|&s| s).count() as f64
    }
}
