//! Faults put in by hand, each named with its table, its key, what stands and what should stand.

use std::path::Path;

use serde_json::Value;

use crate::shop::{demo, run, text, tropa};

struct Shop<'a>(&'a Path);

impl Shop<'_> {
    fn ask(&self, query: &str) -> String {
        tropa(&["sql", query, "--format", "TSV", "--data", text(self.0)]).trim().to_owned()
    }

    fn change(&self, statement: &str) {
        tropa(&["sql", "--write", statement, "--data", text(self.0)]);
    }

    /// Puts a row in once more, changed.
    fn put(&self, table: &str, changed: &str, of: &str) {
        self.change(&format!(
            "INSERT INTO {table} SELECT * REPLACE ({changed}) FROM (SELECT * FROM {table} FINAL WHERE {of})"
        ));
    }

    fn verify(&self, more: &[&str]) -> (Value, i32) {
        let out = run(&[&["verify", "--format", "json", "--data", text(self.0)], more].concat());
        let (said, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        let json = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}\n{errors}"));
        (json, out.status.code().expect("it ends by itself"))
    }

    /// The stale row of this table whose key holds these, among all that are named.
    fn named(&self, table: &str, key: &[(&str, &str)]) -> Value {
        let (json, code) = self.verify(&["--all"]);
        assert_eq!(code, 1, "{json:#}");
        let rows = json["stale"].as_array().expect("a list");
        let is = |row: &&Value| row["table"] == table && key.iter().all(|(k, v)| row["key"][*k] == *v);
        let found: Vec<&Value> = rows.iter().filter(is).collect();
        assert_eq!(found.len(), 1, "{table} {key:?} in {json:#}");
        found[0].clone()
    }
}

/// The first cell that these keys alone tell from all others, and that counts one.
fn only(keys: &str, table: &str, figure: &str) -> String {
    format!(
        "SELECT {keys} FROM {table} FINAL GROUP BY {keys} HAVING count() = 1 AND sum({figure}) = 1 ORDER BY ALL LIMIT 1"
    )
}

#[test]
fn a_store_that_nobody_touched_is_clean_and_every_fault_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = demo(folder.path(), 120, 5);
    let shop = Shop(&data);

    let (json, code) = shop.verify(&[]);
    assert_eq!((json["stale"].as_array().map(Vec::len), code), (Some(0), 0), "{json:#}");
    let compared = &json["compared"];
    let count = |query: &str| shop.ask(query).parse::<u64>().expect("a number");
    let rows = count("SELECT count() FROM customer_journeys FINAL WHERE is_deleted = 0");
    assert!(rows > 100, "{rows}");
    assert_eq!(compared["customer_journeys"], rows);
    assert_eq!(compared["identity"], count("SELECT count() FROM identity FINAL WHERE is_deleted = 0"));
    assert!(compared["aggregate_buckets"].as_u64() > Some(6 * 30), "{json:#}");
    let (json, code) = shop.verify(&["--sample", "20"]);
    assert_eq!((json["stale"].as_array().map(Vec::len), code), (Some(0), 0), "{json:#}");
    let sampled = json["compared"]["customer_journeys"].as_u64().expect("a number");
    assert!((20..rows).contains(&sampled), "{json:#}");

    // A cell of an aggregate.
    let at = shop.ask(&only("bucket, entry_date, stage", "stages_1d", "entered"));
    let [bucket, day, stage] = at.split('\t').collect::<Vec<_>>()[..] else { panic!("{at}") };
    let cell = format!("bucket = {bucket} AND entry_date = '{day}' AND stage = '{stage}'");
    shop.put("stages_1d", "toUInt64(7) AS entered", &cell);
    let key = [("map", "shop-order"), ("bucket", bucket), ("entry_date", day), ("stage", stage)];
    let row = shop.named("stages_1d", &key);
    assert_eq!((&row["stands"]["entered"], &row["should"]["entered"]), (&"7".into(), &"1".into()), "{row:#}");
    assert_eq!(row["stands"].as_object().map(serde_json::Map::len), Some(1), "only what differs: {row:#}");

    // A cell that is gone, and one that nothing gives.
    let at =
        shop.ask(&only("bucket, from_stage, to_stage, entry_date, event_date", "stage_transitions_1d", "transitions"));
    let [bucket, from, to, entered, happened] = at.split('\t').collect::<Vec<_>>()[..] else { panic!("{at}") };
    let cell = format!(
        "bucket = {bucket} AND from_stage = '{from}' AND to_stage = '{to}' AND entry_date = '{entered}' AND event_date = '{happened}'"
    );
    shop.put("stage_transitions_1d", "toDate32('1999-01-01') AS entry_date", &cell);
    shop.change(&format!("DELETE FROM stage_transitions_1d WHERE {cell}"));
    let place = [("bucket", bucket), ("from_stage", from), ("to_stage", to), ("event_date", happened)];
    let row = shop.named("stage_transitions_1d", &[&place[..], &[("entry_date", entered)]].concat());
    assert_eq!((&row["stands"], &row["should"]["transitions"]), (&Value::Null, &"1".into()), "{row:#}");
    let row = shop.named("stage_transitions_1d", &[&place[..], &[("entry_date", "1999-01-01")]].concat());
    assert_eq!((&row["stands"]["transitions"], &row["should"]), (&"1".into(), &Value::Null), "{row:#}");

    // A row of identity that says another customer, one that is gone, one of a node that nobody ever named.
    let nodes = shop.ask("SELECT node FROM identity FINAL WHERE is_deleted = 0 AND node != customer AND has_day = 0 ORDER BY node LIMIT 2");
    let [moved, gone] = nodes.lines().collect::<Vec<_>>()[..] else { panic!("{nodes}") };
    let customer = shop.ask(&format!("SELECT customer FROM identity FINAL WHERE node = '{moved}' AND has_day = 0"));
    shop.put("identity", "'user:else' AS customer, version + 1 AS version", &format!("node = '{moved}'"));
    shop.put("identity", "'cookie:ghost' AS node", &format!("node = '{gone}'"));
    shop.change(&format!("DELETE FROM identity WHERE node = '{gone}'"));
    let row = shop.named("identity", &[("node", moved)]);
    assert_eq!(row["stands"]["customer"], "user:else");
    assert_eq!(row["should"]["customer"], *customer);
    assert_eq!(shop.named("identity", &[("node", gone)])["stands"], Value::Null);
    assert_eq!(shop.named("identity", &[("node", "cookie:ghost")])["should"]["customer"], "");

    // Rows of customers: one changed, one gone, one of nobody.
    let customers = shop.ask(
        "SELECT customer FROM customer_journeys FINAL WHERE is_deleted = 0 AND notEmpty(`j.id`) ORDER BY customer LIMIT 2",
    );
    let [changed, gone] = customers.lines().collect::<Vec<_>>()[..] else { panic!("{customers}") };
    let reason = "arrayMap(x -> 'nowhere', `j.reason`) AS `j.reason`";
    shop.put("customer_journeys", reason, &format!("customer = '{changed}'"));
    shop.put("customer_journeys", "'cookie:ghost' AS customer", &format!("customer = '{gone}'"));
    shop.change(&format!("DELETE FROM customer_journeys WHERE customer = '{gone}'"));
    let row = shop.named("customer_journeys", &[("map", "shop-order"), ("customer", changed)]);
    let stands = row["stands"]["j.reason"].as_str().expect("the column");
    assert!(stands.starts_with("[nowhere"), "{row:#}");
    assert_eq!(row["stands"].as_object().map(serde_json::Map::len), Some(1), "only what differs: {row:#}");
    let row = shop.named("customer_journeys", &[("customer", gone)]);
    assert_eq!(row["stands"], Value::Null);
    assert!(row["should"]["j.id"].as_str().is_some_and(|id| id.len() >= 34), "{row:#}");
    let row = shop.named("customer_journeys", &[("customer", "cookie:ghost")]);
    assert!(row["stands"]["j.id"].is_string() && row["should"].is_null(), "{row:#}");

    // People are told the same.
    let out = run(&["verify", "--all", "--map", "shop-order", "--data", text(&data)]);
    let said = String::from_utf8_lossy(&out.stdout);
    let line = format!("identity  node={moved}  stands: customer user:else; should: customer {customer}\n");
    assert!(said.contains(&line), "{said}");
    let stale = said.lines().count() - 1;
    assert!(said.lines().last().is_some_and(|l| l.contains(&format!("stale: {stale}; unsettled: 0"))), "{said}");
    let error = format!("{stale} rows are stale: they are not what the sets say\n");
    assert!(String::from_utf8_lossy(&out.stderr).ends_with(&error), "{:?}", out.stderr);
}

#[test]
fn a_count_that_trails_its_rows_is_named_once_for_each_table_and_bucket() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = demo(folder.path(), 40, 3);
    let shop = Shop(&data);
    shop.put("customer_journeys", "version + 1000 AS version", "is_deleted = 0 ORDER BY bucket LIMIT 1");
    let bucket = shop.ask("SELECT bucket FROM customer_journeys ORDER BY version DESC LIMIT 1");
    let row = shop.named("coverage_1d", &[("bucket", &bucket)]);
    let number = |side: &str| row[side]["version"].as_str().and_then(|v| v.parse::<u64>().ok()).expect("a number");
    assert!(number("stands") < number("should"), "{row:#}");
    let (json, _) = shop.verify(&["--all"]);
    let rows = json["stale"].as_array().expect("a list");
    assert!(rows.iter().all(|r| r["key"]["bucket"] == *bucket && r["table"] != "customer_journeys"), "{json:#}");
}
