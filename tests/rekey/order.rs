//! Another order, class or set of identifier kinds: events and facts are keyed anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tropa::config::{self, Config};
use tropa::decode::{Decoding, IdentifierKey};
use tropa::event::{Admission, Admit, Position, RawPayload, RawRecord};
use tropa::identity::Keying;
use tropa::map::{self, MapVersions};
use tropa::source::{Counters, DecodedBatch, Progress};
use tropa::startup;
use tropa::time::Timestamp;
use tropa::warehouse::Clickhouse;

use super::dump::{Live, assert_same, queries, rows};
use super::store::{Engine, ingest};

const MAP: &str = "schema: journey/v1
id: shop
version: 1
drop_off: { after: P3D }
stages: [{ id: look, role: entry }, { id: order }, { id: paid, role: success }]
touchpoints:
  - { id: page, stage: look, match: { event: page } }
  - { id: cart, stage: order, match: { event: cart } }
  - { id: pay, stage: paid, match: { event: pay } }
";

fn config(kinds: &str, ids: &[&str]) -> Arc<Config> {
    let ids: Vec<String> = ids.iter().map(|k| format!("{k}: {k}")).collect();
    let text = format!(
        "{{schema: config/v1, identifiers: {{store: raw, kinds: {{{kinds}}}}}, sources: {{web: {{decoder: \
         {{id: id, name: name, time: at, ids: {{{}}}, props: {{keep: [path]}}}}}}}}}}",
        ids.join(", ")
    );
    Arc::new(config::parse("c.yaml", &text, &|_| None, Path::new(".")).unwrap_or_else(|f| panic!("{f}")))
}

fn maps() -> Vec<Arc<MapVersions>> {
    let loaded = map::load(&[("shop.yaml".to_owned(), MAP.to_owned())]).unwrap_or_else(|f| panic!("{f}"));
    loaded.into_iter().map(Arc::new).collect()
}

/// People with several identifiers, shared devices, placeholders, ids that come again with another content.
fn records() -> Vec<String> {
    let mut state = 7_u64;
    let mut dice = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut list = Vec::new();
    for i in 0..400 {
        let person = dice(40);
        let mut fields = vec![format!("\"id\":\"{}\"", if dice(20) == 0 { i / 2 } else { i })];
        fields.push(format!("\"name\":\"{}\"", ["page", "page", "cart", "pay", "noise"][dice(5) as usize]));
        fields.push(format!("\"at\":\"2026-01-{:02}T{:02}:00:00Z\",\"path\":\"/{}\"", 1 + dice(20), dice(24), dice(3)));
        let known = [
            ("user", format!("u{person}"), 3),
            ("email", format!("e{}", person + dice(2) / 2 * 40), 3),
            ("phone", format!("{}", 100 + person / 2), 4),
            ("cookie", format!("c{}", person * 2 + dice(2)), 2),
        ];
        for (kind, value, odds) in known {
            if dice(odds) == 0 {
                fields.push(format!("\"{kind}\":\"{value}\""));
            }
        }
        list.push(format!("{{{}}}", fields.join(",")));
    }
    list
}

fn batch(config: &Arc<Config>) -> DecodedBatch {
    let decoding = Decoding::new(config.clone(), IdentifierKey::raw());
    let source = config.source_id("web").expect("a source");
    let topic: Arc<str> = Arc::from("web.ndjson");
    let mut batch = DecodedBatch::default();
    let mut counters = Counters::default();
    for (i, record) in records().iter().enumerate() {
        let position = Position { topic: topic.clone(), partition: 0, offset: i as i64 };
        let payload = RawPayload::Json(record.as_bytes());
        let received_at = Timestamp::parse("2026-06-01").expect("a day");
        match decoding.admit(&RawRecord { source, position: &position, line: i as u64 + 1, payload, received_at }) {
            Admission::Emit(events) => batch.events.extend(events),
            other => panic!("{record}: {other:?}"),
        }
        counters.records += 1;
        counters.decoded += 1;
    }
    let max_occurred = batch.events.iter().map(|e| e.occurred_at).max();
    let content = Arc::from("whole");
    let next = counters.records as i64;
    batch.progress = vec![Progress {
        source,
        topic,
        partition: 0,
        next,
        counters,
        counted_before: None,
        behind: false,
        max_occurred,
        finished: true,
        content,
    }];
    batch
}

async fn everything(store: &Clickhouse, kinds: &[&str]) -> Vec<(&'static str, Vec<String>)> {
    let mut all = Vec::new();
    for (table, query) in queries(&Live { sources: &[("web", 1)], kinds }) {
        let mut answer = store.sql(&query, "JSONEachRow").await.unwrap_or_else(|e| panic!("{table}: {e}"));
        let mut bytes = Vec::new();
        while let Some(part) = answer.next().await.unwrap_or_else(|e| panic!("{table}: {e}")) {
            bytes.extend_from_slice(&part);
        }
        all.push((table, rows(&bytes)));
    }
    all
}

const BEFORE: &str = "user: {class: person, priority: 1}, email: {class: person, priority: 2}, phone: {class: person, priority: 3}, cookie: {class: device, priority: 9}";
const ALL: [&str; 4] = ["user", "email", "phone", "cookie"];

/// Kinds and the ids that a decoder can name, of configs that follow `BEFORE`.
fn after() -> BTreeMap<&'static str, (&'static str, Vec<&'static str>)> {
    BTreeMap::from([
        (
            "another order",
            (
                "user: {class: person, priority: 3}, email: {class: person, priority: 1}, phone: {class: person, priority: 2, unique: true}, cookie: {class: device, priority: 9}",
                ALL.to_vec(),
            ),
        ),
        (
            "another class",
            (
                "user: {class: person, priority: 4}, email: {class: device, priority: 2}, phone: {class: person, priority: 3}, cookie: {class: person, priority: 1}",
                ALL.to_vec(),
            ),
        ),
        (
            "a kind less",
            (
                "email: {class: person, priority: 2}, phone: {class: person, priority: 3}, cookie: {class: device, priority: 9}",
                vec!["email", "phone", "cookie"],
            ),
        ),
    ])
}

/// One test: a process holds one engine.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_and_facts_are_keyed_anew_once_completely_and_through_crashes() {
    let engine = Engine::start().await;
    kinds_in_another_order_or_class_or_fewer_of_them_give_what_a_fresh_store_holds(&engine).await;
    a_crash_at_any_moment_of_keying_anew_is_made_good_by_the_next_start(&engine).await;
    a_start_under_the_same_order_keys_nothing_anew(&engine).await;
    engine.stop().await;
}

async fn kinds_in_another_order_or_class_or_fewer_of_them_give_what_a_fresh_store_holds(engine: &Engine) {
    let first = config(BEFORE, &ALL);
    for (what, (kinds, ids)) in after() {
        let name = what.replace(' ', "_");
        let second = config(kinds, &ids);
        let fresh = engine.database(&format!("fresh_{name}"), &second).await;
        ingest(&fresh, &second, &maps(), vec![batch(&second)]).await;
        let expected = everything(&fresh, &ids).await;

        let old = engine.database(&format!("old_{name}"), &first).await;
        ingest(&old, &first, &maps(), vec![batch(&first)]).await;
        let before = everything(&old, &ids).await;
        assert_ne!(before[0].1, expected[0].1, "{what}: the change moves events");
        let old = engine.database(&format!("old_{name}"), &second).await;
        ingest(&old, &second, &maps(), Vec::new()).await;
        assert_same(what, &everything(&old, &ids).await, &expected);

        if what == "a kind less" {
            // And back: the kind that was taken away is known again.
            let back = engine.database(&format!("old_{name}"), &first).await;
            ingest(&back, &first, &maps(), Vec::new()).await;
            let fresh = engine.database("first", &first).await;
            ingest(&fresh, &first, &maps(), vec![batch(&first)]).await;
            assert_same("a kind less, taken back", &everything(&back, &ALL).await, &everything(&fresh, &ALL).await);
        }
    }
}

/// Statements that leave a store as a crash in the middle of keying anew would.
const CRASHES: [(&str, &[&str]); 4] = [
    (
        "while the new tables are filled",
        &[
            "CREATE TABLE events_rekeyed AS events",
            "INSERT INTO events_rekeyed SELECT * REPLACE ('user:nobody' AS node) FROM events LIMIT 50",
            "CREATE TABLE identity_facts_rekeyed AS identity_facts",
        ],
    ),
    ("between the two exchanges", &["rekey", "restore facts"]),
    ("before it is marked done", &["rekey"]),
    ("after it is marked done and before anything is recomputed", &["rekey", "mark"]),
];

async fn a_crash_at_any_moment_of_keying_anew_is_made_good_by_the_next_start(engine: &Engine) {
    let first = config(BEFORE, &ALL);
    let kinds = after()["another order"].0;
    let second = config(kinds, &ALL);
    let fresh = engine.database("fresh", &second).await;
    ingest(&fresh, &second, &maps(), vec![batch(&second)]).await;
    let expected = everything(&fresh, &ALL).await;
    let keying = Keying::of(&second.identifiers.kinds);
    for (place, (when, statements)) in CRASHES.iter().enumerate() {
        let name = format!("crash_{place}");
        let old = engine.database(&name, &first).await;
        ingest(&old, &first, &maps(), vec![batch(&first)]).await;
        run(&old, "CREATE TABLE facts_before AS identity_facts").await;
        run(&old, "INSERT INTO facts_before SELECT * FROM identity_facts").await;
        for statement in *statements {
            match *statement {
                "rekey" => {
                    let changed = old.rekey(&keying, |_| {}).await.unwrap_or_else(|e| panic!("{e}"));
                    assert!(changed > 50, "only {changed} events changed");
                }
                "mark" => old.note_keying(&keying).await.unwrap_or_else(|e| panic!("{e}")),
                "restore facts" => run(&old, "EXCHANGE TABLES identity_facts AND facts_before").await,
                sql => run(&old, sql).await,
            }
        }
        let store = engine.database(&name, &second).await;
        ingest(&store, &second, &maps(), Vec::new()).await;
        assert_same(when, &everything(&store, &ALL).await, &expected);
        let left = everything_named(&store, "rekeyed").await;
        assert_eq!(left, "", "{when}: nothing is left over");
    }
}

async fn a_start_under_the_same_order_keys_nothing_anew(engine: &Engine) {
    let config = config(BEFORE, &ALL);
    let store = engine.database("same", &config).await;
    ingest(&store, &config, &maps(), vec![batch(&config)]).await;
    let tables = "SELECT uuid FROM system.tables WHERE database = currentDatabase() AND name = 'events'";
    let before = answer(&store, tables).await;
    startup::load(&store, &config, &maps(), &[]).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(answer(&store, tables).await, before, "the table is the same one");
}

async fn everything_named(store: &Clickhouse, part: &str) -> String {
    answer(
        store,
        &format!("SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '%{part}%'"),
    )
    .await
}

async fn run(store: &Clickhouse, statement: &str) {
    answer(store, statement).await;
}

async fn answer(store: &Clickhouse, query: &str) -> String {
    let mut answer = store.sql(query, "TSV").await.unwrap_or_else(|e| panic!("{query}: {e}"));
    let mut text = String::new();
    while let Some(part) = answer.next().await.unwrap_or_else(|e| panic!("{query}: {e}")) {
        text.push_str(&String::from_utf8_lossy(&part));
    }
    text
}
