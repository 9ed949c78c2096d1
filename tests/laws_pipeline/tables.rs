//! What a store holds, as text that can be compared. In: a store. Out: the rows of every table and view, without the
//! columns that may differ (`version`, `written_at`, `received_at`, `first_seen_at`) and without what only tells readers
//! that something is gone (tombstones, rows of nothing).

use std::collections::BTreeMap;

use tropa::warehouse::Clickhouse;

pub type Dump = BTreeMap<&'static str, String>;

/// The sets.
const SETS: [(&str, &str); 2] = [
    ("events", "SELECT * EXCEPT (received_at, first_seen_at) FROM events FINAL"),
    ("identity_facts", "SELECT * EXCEPT (first_seen_at) FROM identity_facts FINAL"),
];

/// What is derived from them. `@` stands for the map's current readings.
const DERIVED: [(&str, &str); 25] = [
    ("identity", "SELECT node, has_day, day, customer FROM identity FINAL WHERE customer != ''"),
    (
        "customer_journeys",
        "SELECT * EXCEPT (version, written_at) FROM customer_journeys FINAL WHERE is_deleted = 0 AND reading IN @",
    ),
    ("journeys_1d", "SELECT * EXCEPT (version) FROM journeys_1d FINAL WHERE entered > 0 AND reading IN @"),
    ("stages_1d", "SELECT * EXCEPT (version) FROM stages_1d FINAL WHERE entries > 0 AND reading IN @"),
    (
        "stage_transitions_1d",
        "SELECT * EXCEPT (version) FROM stage_transitions_1d FINAL WHERE transitions > 0 AND reading IN @",
    ),
    ("drop_offs_1d", "SELECT * EXCEPT (version) FROM drop_offs_1d FINAL WHERE drop_offs > 0 AND reading IN @"),
    ("touchpoints_1d", "SELECT * EXCEPT (version) FROM touchpoints_1d FINAL WHERE visits > 0 AND reading IN @"),
    ("conformance_1d", "SELECT * EXCEPT (version) FROM conformance_1d FINAL WHERE journeys > 0 AND reading IN @"),
    ("deviations_1d", "SELECT * EXCEPT (version) FROM deviations_1d FINAL WHERE journeys > 0 AND reading IN @"),
    ("emotions_1d", "SELECT * EXCEPT (version) FROM emotions_1d FINAL WHERE told > 0 AND reading IN @"),
    ("v_emotions", "SELECT * FROM v_emotions"),
    ("v_journey_personas", "SELECT * FROM v_journey_personas"),
    ("v_personas", "SELECT * FROM v_personas"),
    ("v_conformance", "SELECT * FROM v_conformance"),
    ("v_journey_deviations", "SELECT * FROM v_journey_deviations"),
    ("v_deviations", "SELECT * FROM v_deviations"),
    ("coverage_1d", "SELECT * EXCEPT (version) FROM coverage_1d FINAL WHERE events > 0 AND reading IN @"),
    ("v_journeys", "SELECT * EXCEPT (version, written_at) FROM v_journeys"),
    ("v_journey_steps", "SELECT * FROM v_journey_steps"),
    ("v_stages", "SELECT * FROM v_stages"),
    ("v_transitions", "SELECT * FROM v_transitions"),
    ("v_drop_offs", "SELECT * FROM v_drop_offs"),
    ("v_coverage", "SELECT * FROM v_coverage"),
    ("v_unmapped", "SELECT * FROM v_unmapped"),
    ("dead_letters", "SELECT * EXCEPT (received_at) FROM dead_letters FINAL"),
];

pub async fn ask(store: &Clickhouse, query: &str) -> String {
    let mut answer = store.sql(query, "TSVWithNames").await.unwrap_or_else(|e| panic!("{query}: {e}"));
    let mut text = Vec::new();
    while let Some(bytes) = answer.next().await.unwrap_or_else(|e| panic!("{query}: {e}")) {
        text.extend_from_slice(&bytes);
    }
    String::from_utf8(text).expect("the worlds hold text")
}

/// Everything a store holds.
pub async fn dump(store: &Clickhouse) -> Dump {
    let mut dump = derived(store).await;
    for (name, query) in SETS {
        dump.insert(name, ask(store, &format!("{query} ORDER BY ALL")).await);
    }
    dump
}

/// What it holds under the current readings.
pub async fn derived(store: &Clickhouse) -> Dump {
    let mut dump = Dump::new();
    for (name, query) in DERIVED {
        let query = query.replace('@', "(SELECT reading FROM v_current)");
        dump.insert(name, ask(store, &format!("{query} ORDER BY ALL")).await);
    }
    dump
}

/// Lines in which two dumps differ, at most a few of each table.
pub fn differences(found: &Dump, expected: &Dump) -> Vec<String> {
    let mut out = Vec::new();
    for (name, expected) in expected {
        let found = found.get(name).map_or("", |f| f);
        let surplus =
            found.lines().filter(|l| !expected.lines().any(|e| e == *l)).map(|l| format!("{name}: only here {l}"));
        let missing =
            expected.lines().filter(|l| !found.lines().any(|e| e == *l)).map(|l| format!("{name}: missing {l}"));
        out.extend(surplus.take(3).chain(missing.take(3)));
        if found.lines().count() != expected.lines().count() {
            out.push(format!("{name}: {} rows, expected {}", found.lines().count(), expected.lines().count()));
        }
    }
    out
}

/// Merges every part, as the engine does sooner or later in the background.
pub async fn merge_parts(store: &Clickhouse) {
    for table in ["events", "identity_facts", "identity", "customer_journeys", "stages_1d", "coverage_1d"] {
        ask(store, &format!("OPTIMIZE TABLE {table} FINAL")).await;
    }
}
