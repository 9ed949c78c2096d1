//! The same tables on a cluster of servers. In: a statement of the migrations, as it stands for one server. Out: what to say
//! instead. A table becomes two: `NAME_local` on every server, replicated within its shard, and `NAME`, a Distributed table
//! over them that everybody else goes on using. Rows of a customer lie in one shard by their bucket, rows of the sets by
//! their node; small tables lie in the first shard whole. Runs nothing.

use crate::aggregate::quote;

/// Where a replica's parts are agreed on; the macros are the servers' own.
const PATH: &str = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'";

/// Written to by many, a row of each at a time belongs where its key says.
const SHARDED: [(&str, &str); 5] = [
    ("events", "cityHash64(node)"),
    ("identity", "cityHash64(node)"),
    ("identity_facts", "cityHash64(a)"),
    ("identity_by_customer", "cityHash64(customer)"),
    ("erasures", "cityHash64(identifier)"),
];

/// A cluster as its servers know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub name: String,
    /// Replicas that must have an insert before it counts.
    pub quorum: u32,
}

/// What a statement of the migrations creates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    View,
    Filler,
}

impl Cluster {
    fn on(&self) -> String {
        format!("ON CLUSTER {}", quote(&self.name))
    }

    pub fn database(&self, database: &str) -> String {
        format!("CREATE DATABASE IF NOT EXISTS {database} {} ENGINE = Atomic", self.on())
    }

    /// Settings of every statement: where an insert counts, and where a read looks.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            // An insert through a Distributed table returns once the shards have it, and they once the quorum has.
            ("distributed_foreground_insert", "1".to_owned()),
            ("insert_quorum", self.quorum.to_string()),
            // One replica of each shard, so that what was made to catch up is what is read.
            ("load_balancing", "in_order".to_owned()),
            ("prefer_localhost_replica", "0".to_owned()),
            ("distributed_ddl_task_timeout", "600".to_owned()),
            // Subqueries over Distributed tables are complete on their own: they run where they are asked.
            ("distributed_product_mode", "global".to_owned()),
        ]
    }

    /// Makes the replicas catch up with every insert that was acknowledged before (pipeline.md, I3).
    pub fn catch_up(&self, table: &str) -> String {
        format!("SYSTEM SYNC REPLICA {} {table}_local LIGHTWEIGHT", self.on())
    }

    /// Deletes rows wherever they lie.
    pub fn delete(&self, table: &str, condition: &str) -> String {
        format!("ALTER TABLE {table}_local {} DELETE WHERE {condition} SETTINGS mutations_sync = 2", self.on())
    }

    pub fn truncate(&self, table: &str) -> String {
        format!("TRUNCATE TABLE IF EXISTS {table}_local {}", self.on())
    }

    /// What to say instead of one statement of the migrations. `is_table`: whether a name is of a table, not of a view.
    pub fn instead_of(&self, statement: &str, is_table: impl Fn(&str) -> bool) -> Vec<String> {
        if let Some((kind, name, rest)) = creates(statement) {
            return match kind {
                Kind::Table => self.tables(name, rest),
                Kind::View => vec![format!("CREATE VIEW IF NOT EXISTS {name} {}{rest}", self.on())],
                // It fills from what its own server stores, into wherever the rows belong.
                Kind::Filler => {
                    let rest = rest.replace("FROM identity ", "FROM identity_local ");
                    vec![format!("CREATE MATERIALIZED VIEW IF NOT EXISTS {name} {}{rest}", self.on())]
                }
            };
        }
        if let Some((name, rest)) = altered(statement) {
            let alter = |name: &str| format!("ALTER TABLE {name} {} {rest}", self.on());
            return match is_table(name) {
                true => vec![alter(&format!("{name}_local")), alter(name)],
                false => vec![alter(name)],
            };
        }
        vec![statement.to_owned()]
    }

    fn tables(&self, name: &str, rest: &str) -> Vec<String> {
        let Some((columns, engine)) = rest.split_once("ENGINE = ") else {
            return vec![format!("CREATE TABLE {name}{rest}")];
        };
        let end = engine.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(engine.len());
        let (family, after) = engine.split_at(end);
        let (arguments, after) = match after.strip_prefix('(').and_then(|a| a.split_once(')')) {
            Some((arguments, after)) => (format!(", {arguments}"), after),
            None => (String::new(), after),
        };
        let comment = after.rfind("COMMENT ").map_or("", |at| &after[at..]);
        let sharded = SHARDED.iter().find(|(table, _)| *table == name).map(|(_, key)| *key);
        // What is counted by bucket lies by bucket; the rest is small and lies together.
        let key = sharded.unwrap_or(if columns.contains("\n    bucket ") { "bucket" } else { "0" });
        vec![
            format!(
                "CREATE TABLE IF NOT EXISTS {name}_local {}{columns}ENGINE = Replicated{family}({PATH}{arguments}){after}",
                self.on()
            ),
            format!(
                "CREATE TABLE IF NOT EXISTS {name} {} AS {name}_local ENGINE = Distributed({}, currentDatabase(), {name}_local, {key}) {comment}",
                self.on(),
                quote(&self.name)
            ),
        ]
    }
}

fn creates(statement: &str) -> Option<(Kind, &str, &str)> {
    let kinds = [
        (Kind::Table, "CREATE TABLE IF NOT EXISTS "),
        (Kind::View, "CREATE VIEW IF NOT EXISTS "),
        (Kind::Filler, "CREATE MATERIALIZED VIEW IF NOT EXISTS "),
    ];
    let (kind, rest) = kinds.iter().find_map(|(kind, words)| Some((*kind, statement.strip_prefix(words)?)))?;
    let end = rest.find(char::is_whitespace)?;
    Some((kind, &rest[..end], &rest[end..]))
}

fn altered(statement: &str) -> Option<(&str, &str)> {
    statement.strip_prefix("ALTER TABLE ")?.split_once(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::migrations::MIGRATIONS;
    use crate::warehouse::schema;

    fn cluster() -> Cluster {
        Cluster { name: "company".to_owned(), quorum: 2 }
    }

    fn all() -> Vec<String> {
        let texts = MIGRATIONS.iter().flat_map(|(_, _, text)| schema::statements(text));
        texts.flat_map(|s| cluster().instead_of(s, schema::is_table)).collect()
    }

    #[test]
    fn every_table_is_replicated_below_and_distributed_above() {
        let ids: Vec<u32> = MIGRATIONS.iter().map(|(id, ..)| *id).collect();
        let all = all();
        for name in schema::wanted(&ids).into_iter().filter(|n| schema::is_table(n)) {
            let local = format!("CREATE TABLE IF NOT EXISTS {name}_local ON CLUSTER 'company'");
            let whole =
                format!("CREATE TABLE IF NOT EXISTS {name} ON CLUSTER 'company' AS {name}_local ENGINE = Distributed(");
            let starting = |with: &str| all.iter().filter(|s| s.starts_with(with)).count();
            assert_eq!((starting(&local), starting(&whole)), (1, 1), "{name}");
        }
        assert!(all.iter().all(|s| s.contains("ON CLUSTER 'company'")), "nothing is said to one server only");
    }

    #[test]
    fn engines_keep_their_arguments_and_rows_lie_by_bucket_or_node() {
        let all = all();
        let one = |with: &str| all.iter().find(|s| s.starts_with(with)).unwrap_or_else(|| panic!("no {with}"));
        let journeys = one("CREATE TABLE IF NOT EXISTS customer_journeys_local ");
        let engine = "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', version, is_deleted)\n";
        assert!(journeys.contains(engine), "{journeys}");
        assert!(
            one("CREATE TABLE IF NOT EXISTS customer_journeys ").contains("customer_journeys_local, bucket) COMMENT ")
        );
        assert!(one("CREATE TABLE IF NOT EXISTS stages_1d ").contains("stages_1d_local, bucket) COMMENT "));
        assert!(one("CREATE TABLE IF NOT EXISTS events ").contains("events_local, cityHash64(node)) COMMENT "));
        assert!(one("CREATE TABLE IF NOT EXISTS positions ").contains("positions_local, 0) COMMENT "));
        assert!(
            one("CREATE TABLE IF NOT EXISTS epochs_local ")
                .contains("ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')\n")
        );
        let filler = one("CREATE MATERIALIZED VIEW IF NOT EXISTS identity_by_customer_fill ");
        assert!(
            filler.contains("TO identity_by_customer\n") && filler.contains("FROM identity_local WHERE"),
            "{filler}"
        );
    }
}
