//! What a set of migrations amounts to. In: the migrations this program knows, and which were applied. Out: which tables
//! must be there, which statements make one of them, and whether the tables are beyond this program. Runs nothing.

use super::cluster::Cluster;
use super::migrations::MIGRATIONS;
use crate::aggregate;

/// The schema's major that this program reads and writes (see `migrations`).
pub(super) const MAJOR: u32 = 1;

/// Migrations from which on another major holds, with that major.
const MAJORS: [(u32, u32); 1] = [(1, 1)];

/// Tables that follow from nothing but themselves.
const SETS: [&str; 8] = [
    "events",
    "identity_facts",
    "erasures",
    "horizons",
    "operator_orders",
    "journeys_frozen",
    "positions",
    "dead_letters",
];

pub(super) fn major_of(id: u32) -> u32 {
    MAJORS.iter().rev().find(|(from, _)| id >= *from).map_or(1, |(_, major)| *major)
}

/// Why this program must leave the tables alone, given number and major of each migration that was applied.
pub(super) fn newer(applied: &[(u32, u32)]) -> Option<String> {
    let (id, major) = applied.iter().copied().max_by_key(|(id, major)| (*major, *id))?;
    (major > MAJOR).then(|| {
        format!(
            "the tables are newer than this program: migration {id} has made them schema {major}, and this program knows schema {MAJOR}\n  \
             hint: upgrade tropa; an older one of the same schema would go on beside newer ones"
        )
    })
}

/// Statements end with `;` at the end of a line; comments hold none.
pub(super) fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.split(";\n").map(|s| s.trim().trim_end_matches(';')).filter(|s| !s.is_empty())
}

/// The table or view that a statement creates.
pub(super) fn created(statement: &str) -> Option<&str> {
    let kinds = ["CREATE TABLE", "CREATE VIEW", "CREATE MATERIALIZED VIEW"];
    named(statement, &kinds, "IF NOT EXISTS")
}

fn named<'a>(statement: &'a str, kinds: &[&str], unless: &str) -> Option<&'a str> {
    let rest = kinds.iter().find_map(|k| statement.strip_prefix(k))?.trim_start().strip_prefix(unless)?;
    rest.split_whitespace().next()
}

/// What must be there once these migrations are applied.
pub(super) fn wanted(applied: &[u32]) -> Vec<&'static str> {
    let mut wanted = Vec::new();
    for (_, _, text) in MIGRATIONS.iter().filter(|(id, ..)| applied.contains(id)) {
        for statement in statements(text) {
            wanted.extend(created(statement));
            let dropped = named(statement, &["DROP TABLE", "DROP VIEW"], "IF EXISTS");
            wanted.retain(|name| Some(*name) != dropped);
        }
    }
    wanted
}

/// Every statement about one table or view, in order; each may be repeated.
pub(super) fn makes(name: &str) -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().flat_map(|(_, _, text)| statements(text)).filter(move |statement| {
        let altered = statement.strip_prefix("ALTER TABLE ").and_then(|rest| rest.split_whitespace().next());
        created(statement).or(altered) == Some(name)
    })
}

/// What else must be said once a table was made again: who fills it must know that it is empty.
pub(super) fn fills(name: &str, cluster: Option<&Cluster>) -> Vec<String> {
    if aggregate::ALL.iter().any(|a| a.table == name) {
        // Which buckets are due is asked of this one.
        let table = aggregate::COVERAGE.table;
        return vec![cluster.map_or_else(|| format!("TRUNCATE TABLE IF EXISTS {table}"), |c| c.truncate(table))];
    }
    match name {
        "identity_by_customer" => vec![
            "INSERT INTO identity_by_customer (customer, node, version) SELECT customer, node, version FROM identity WHERE customer != ''"
                .to_owned(),
        ],
        _ => Vec::new(),
    }
}

/// Whether a name is of a table: views hold no rows.
pub(super) fn is_table(name: &str) -> bool {
    makes(name).any(|s| s.starts_with("CREATE TABLE"))
}

/// Why missing tables cannot be made again; `None`: they can.
pub(super) fn lost(missing: &[String]) -> Option<String> {
    let lost: Vec<String> = missing.iter().filter(|m| SETS.contains(&m.as_str())).map(|m| format!("`{m}`")).collect();
    (!lost.is_empty()).then(|| {
        format!(
            "{} not there, and what {} held follows from nothing else\n  hint: `tropa restore` puts a backup in their place",
            if lost.len() == 1 { format!("the table {} is", lost[0]) } else { format!("the tables {} are", lost.join(", ")) },
            if lost.len() == 1 { "it" } else { "they" },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_migration_of_a_newer_program_is_accepted_and_a_major_one_is_not() {
        let mut applied: Vec<(u32, u32)> = MIGRATIONS.iter().map(|(id, ..)| (*id, major_of(*id))).collect();
        assert_eq!(newer(&applied), None);
        applied.push((4_000, MAJOR));
        assert_eq!(newer(&applied), None);
        applied.push((4_001, MAJOR + 1));
        let said = newer(&applied).expect("refused");
        assert!(
            said.starts_with("the tables are newer than this program: migration 4001 has made them schema 2"),
            "{said}"
        );
    }

    #[test]
    fn every_table_of_the_migrations_is_wanted_and_made_by_statements_of_its_own() {
        let all: Vec<u32> = MIGRATIONS.iter().map(|(id, ..)| *id).collect();
        let wanted = wanted(&all);
        for name in ["events", "identity_by_customer_fill", "customer_journeys", "coverage_1d", "v_stages"] {
            assert!(wanted.contains(&name), "{name}");
        }
        for name in &wanted {
            assert_eq!(makes(name).filter(|s| created(s).is_some()).count(), 1, "{name}");
        }
        assert_eq!(makes("v_current").count(), 2, "with its comment");
        assert!(SETS.iter().all(|s| wanted.contains(s)));
    }
}
