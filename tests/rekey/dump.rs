//! Everything a store holds, but for what is about the moment of writing.

/// Name and query of each table and view; `{live}` stands for what the config has: sources with their generations.
const TABLES: [(&str, &str); 12] = [
    (
        "events",
        "SELECT node, occurred_at, source, generation, event_id, revision, payload_hash, name, sequence, \
         arrayFilter(i -> splitByChar(':', i)[1] IN ({kinds}), identifiers) AS identifiers, properties, session, plausible \
         FROM events FINAL WHERE (source, generation) IN ({live})",
    ),
    (
        "identity_facts",
        "SELECT kind, a, b, source, generation, day, min((occurred_at, event_id)) AS earliest FROM identity_facts \
         WHERE (source, generation) IN ({live}) GROUP BY kind, a, b, source, generation, day",
    ),
    (
        "identity",
        "SELECT node, has_day, day, argMax(customer, version) AS owner FROM identity GROUP BY node, has_day, day HAVING owner != ''",
    ),
    (
        "customer_journeys",
        "SELECT * EXCEPT (version, written_at) FROM customer_journeys FINAL WHERE is_deleted = 0 AND (map, reading) IN (SELECT map, reading FROM v_current)",
    ),
    ("v_journeys", "SELECT * EXCEPT (version, written_at) FROM v_journeys"),
    ("v_journey_steps", "SELECT * FROM v_journey_steps"),
    ("v_stages", "SELECT * FROM v_stages"),
    ("v_transitions", "SELECT * FROM v_transitions"),
    ("v_drop_offs", "SELECT * FROM v_drop_offs"),
    ("v_coverage", "SELECT * FROM v_coverage"),
    ("v_unmapped", "SELECT * FROM v_unmapped"),
    (
        "positions",
        "SELECT source, partition, next, records, skipped, decoded, rejected, blocked_identifiers, max_occurred, finished \
         FROM positions FINAL WHERE source IN ({names})",
    ),
];

/// What of a store is inside the function.
pub struct Live<'a> {
    pub sources: &'a [(&'a str, u32)],
    pub kinds: &'a [&'a str],
}

/// The queries that give all rows, sorted, as JSON lines.
pub fn queries(live: &Live<'_>) -> Vec<(&'static str, String)> {
    let quoted = |names: &[&str]| names.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
    let names: Vec<&str> = live.sources.iter().map(|(name, _)| *name).collect();
    let pairs: Vec<String> = live.sources.iter().map(|(name, g)| format!("('{name}', {g})")).collect();
    let fill = |query: &str| {
        query
            .replace("{live}", &pairs.join(", "))
            .replace("{names}", &quoted(&names))
            .replace("{kinds}", &quoted(live.kinds))
    };
    TABLES.iter().map(|(table, query)| (*table, fill(query))).collect()
}

/// Rows of one answer, in one order.
pub fn rows(answer: &[u8]) -> Vec<String> {
    let mut rows: Vec<String> = String::from_utf8_lossy(answer).lines().map(str::to_owned).collect();
    rows.sort();
    rows
}

/// The first difference, table by table.
pub fn assert_same(what: &str, found: &[(&str, Vec<String>)], expected: &[(&str, Vec<String>)]) {
    for ((table, found), (_, expected)) in found.iter().zip(expected) {
        let missing: Vec<&String> = expected.iter().filter(|row| !found.contains(row)).take(3).collect();
        let surplus: Vec<&String> = found.iter().filter(|row| !expected.contains(row)).take(3).collect();
        assert!(
            found == expected,
            "{what}: {table} has {} rows, a fresh store {}\n  missing: {missing:#?}\n  surplus: {surplus:#?}",
            found.len(),
            expected.len()
        );
    }
}
