//! What the engine must not be asked. In: a statement with its settings and parameters. Out: a refusal, if it holds
//! several statements, reaches for files and addresses, or would harm the process: the engine runs inside of it, without
//! users, and no read-only mode of its own would stop such a statement. What stands in strings and comments is harmless.

use std::path::Path;

use super::lex::{Kind, Token, lex};
use super::request::Statement;

/// Functions, sources of dictionaries, disks and engines that reach disk, network or, by name, any file through the
/// engine's `default` database. `tests/face/guard.rs` holds this against all the engine has.
const REACHING: &str = "file filecluster filelog filesystem url urlcluster http s3 s3cluster s3queue gcs oss cosn \
     azureblobstorage azureblobstoragecluster azurequeue azure hdfs hdfscluster remote remotesecure cluster \
     clusterallreplicas distributed mysql materializedmysql postgresql materializedpostgresql mongodb mongo redis sqlite \
     odbc jdbc cassandra ydb ytsaurus clickhouse executable executablepool executable_pool library kafka nats rabbitmq \
     arrowflight arrowstream hive hudi hudicluster python disk deltalake deltalakecluster deltalakelocal deltalakes3 \
     deltalakes3cluster deltalakeazure deltalakeazurecluster iceberg icebergcluster iceberglocal iceberglocalcluster \
     icebergs3 icebergs3cluster icebergazure icebergazurecluster iceberghdfs iceberghdfscluster paimon paimoncluster \
     paimonlocal paimons3 paimons3cluster paimonazure paimonazurecluster paimonhdfs paimonhdfscluster datalakecatalog \
     backup replicated keepermap loop alias buffer aiclassify aigenerate aiextract aitranslate";

/// Engines of tables and databases that keep to the store; every other one is refused.
const ENGINES: &str = "mergetree replacingmergetree summingmergetree aggregatingmergetree collapsingmergetree \
     versionedcollapsingmergetree coalescingmergetree graphitemergetree log tinylog stripelog memory set join null view \
     materializedview windowview merge dictionary generaterandom timeseries embeddedrocksdb fuzzquery fuzzjson atomic \
     ordinary";

/// What SYSTEM may do: nothing that stops the process or its background work.
const SYSTEM: [&str; 9] = ["flush", "drop", "clear", "reload", "sync", "start", "refresh", "wait", "jemalloc"];

/// Settings whose text is run as SQL, read as a file, or changes the language that this guard reads.
const SETTINGS: [&str; 7] = [
    "dialect",
    "additional_table_filters",
    "additional_result_filter",
    "parallel_replicas_custom_key",
    "format_schema",
    "format_template_resultset",
    "format_template_row",
];

/// Where a table's name follows.
const TABLE_FOLLOWS: [&str; 9] = ["from", "join", "into", "table", "describe", "desc", "exists", "attach", "to"];
const CLAUSES: [&str; 14] = [
    "select", "where", "prewhere", "group", "order", "having", "limit", "on", "using", "settings", "format", "sample",
    "values", "array",
];

/// Why a statement is refused, as ClickHouse would put it; `None`: it may run.
pub(super) fn refusal(s: &Statement) -> Option<String> {
    let tokens: Vec<Token<'_>> = lex(s.sql.as_bytes()).collect();
    let by_name = tokens.iter().any(|t| t.is("identifier"));
    let reaching_parameter = s.parameters.values().find(|v| by_name && names_a_file(v, true)).map(|v| file_as_table(v));
    let reaching_setting = s.settings.keys().find(|k| SETTINGS.contains(&k.as_str())).map(|k| setting_refused(k));
    several(&tokens)
        .or(reaching_setting)
        .or(reaching_parameter)
        .or_else(|| reaching(&tokens))
        .or_else(|| files(&tokens, s.database.as_deref().unwrap_or_default()))
}

fn denied(what: &str) -> String {
    format!("Code: 497. DB::Exception: {what}: the embedded store does not allow it (ACCESS_DENIED)")
}

fn file_as_table(name: &str) -> String {
    denied(&format!("the table `{name}` is a file outside of the store"))
}

fn setting_refused(name: &str) -> String {
    denied(&format!("the setting {name} can reach outside of the store"))
}

fn several(tokens: &[Token<'_>]) -> Option<String> {
    let end = tokens.iter().position(|t| t.is_symbol(b';'))?;
    let more = tokens[end..].iter().any(|t| !t.is_symbol(b';'));
    more.then(|| "Code: 62. DB::Exception: Syntax error: Multi-statements are not allowed (SYNTAX_ERROR)".to_owned())
}

fn contains(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|w| w == word)
}

fn reaching(tokens: &[Token<'_>]) -> Option<String> {
    let first = tokens.first()?;
    let makes = first.is_any(&["create", "attach", "replace"]);
    if first.is("system") && !tokens.get(1).is_some_and(|t| t.is_any(&SYSTEM)) {
        return Some(denied("this SYSTEM statement would harm the process"));
    }
    // An ENGINE clause stands outside of parentheses and before the SELECT.
    let (mut sets, mut depth, mut selects) = (first.is("set"), 0_i32, false);
    for (i, token) in tokens.iter().enumerate() {
        let (before, after) = (i.checked_sub(1).and_then(|b| tokens.get(b)), tokens.get(i + 1));
        let is_after = |kind: Kind| after.is_some_and(|a| a.kind == kind);
        let word = token.content().to_lowercase();
        match token.kind {
            Kind::Word if token.is_any(&["infile", "outfile"]) && is_after(Kind::Text) => {
                return Some(denied(&format!("{} reads or writes a file", word.to_uppercase())));
            }
            Kind::Symbol(b'(') => depth += 1,
            Kind::Symbol(b')') => depth -= 1,
            Kind::Word if token.is("parallel") && after.is_some_and(|a| a.is("with")) => {
                return Some(denied("PARALLEL WITH, which runs several statements,"));
            }
            Kind::Word if makes && depth == 0 && token.is("engine") => {
                let named = tokens[i + 1..].iter().find(|t| !t.is_symbol(b'='));
                let engine = named.map(|t| t.content().to_lowercase()).unwrap_or_default();
                // Behind a SELECT the word may be a column of that name.
                if if selects { contains(REACHING, &engine) } else { !contains(ENGINES, &engine) } {
                    return Some(denied(&format!("the engine {engine}")));
                }
            }
            Kind::Word if sets && is_after(Kind::Symbol(b'=')) && SETTINGS.contains(&word.as_str()) => {
                return Some(setting_refused(&word));
            }
            Kind::Word | Kind::Quoted if is_after(Kind::Symbol(b'(')) && contains(REACHING, &word) => {
                // `INSERT INTO url (a)` and `CREATE TABLE url (a Int8)` name a table.
                let a_name = before.is_some_and(|b| {
                    b.is("into") || b.is_symbol(b'.') || (first.is("create") && b.is_any(&["table", "exists", "view"]))
                });
                if !a_name {
                    return Some(denied(&format!("{word}(…) reaches outside of the store")));
                }
            }
            _ => {}
        }
        sets |= token.is("settings");
        selects |= depth == 0 && token.is("select");
    }
    let from = tokens.windows(2).any(|w| w[0].is("from") && w[1].kind == Kind::Text);
    (first.is("attach") && from).then(|| denied("ATTACH … FROM reads a folder"))
}

/// The engine's `default` database takes a table that it does not know for the path of a file; no other database does.
/// `database`: the one that names without one are of; empty: nobody knows.
fn files(tokens: &[Token<'_>], database: &str) -> Option<String> {
    // Whether a comma at this depth of parentheses is followed by another table.
    let mut depths = vec![false];
    for (i, token) in tokens.iter().enumerate() {
        let before = &tokens[..i];
        let place = before.last().is_some_and(|b| {
            b.is_any(&TABLE_FOLLOWS) || b.is_symbol(b'.') || (b.is_symbol(b',') && depths.last() == Some(&true))
        });
        if place && matches!(token.kind, Kind::Quoted | Kind::Text) {
            let qualifies = tokens.get(i + 1).is_some_and(|t| t.is_symbol(b'.'));
            let may_be_a_path = !qualifies && !is_a_database(before) && looks_in_default(before, database);
            if names_a_file(&token.content(), may_be_a_path) {
                return Some(file_as_table(&token.content()));
            }
        }
        match token.kind {
            Kind::Symbol(b'(') => depths.push(false),
            Kind::Symbol(b')') if depths.len() > 1 => {
                depths.pop();
            }
            Kind::Word if token.is_any(&TABLE_FOLLOWS) => *depths.last_mut()? = true,
            Kind::Word if token.is_any(&CLAUSES) => *depths.last_mut()? = false,
            _ => {}
        }
    }
    None
}

/// What follows here is the name of a database: `CREATE DATABASE IF NOT EXISTS …`.
fn is_a_database(before: &[Token<'_>]) -> bool {
    let mut words = before.iter().rev().skip_while(|t| t.is_any(&["if", "not", "exists"]));
    words.next().is_some_and(|t| t.is("database"))
}

/// Whether a table named here may be one of `default`.
fn looks_in_default(before: &[Token<'_>], database: &str) -> bool {
    let other = |name: &str| !name.is_empty() && !name.eq_ignore_ascii_case("default");
    match before {
        [.., more, _, dot] if dot.is_symbol(b'.') && more.is_symbol(b'.') => true,
        [.., named, dot] if dot.is_symbol(b'.') => !other(&named.content()),
        _ => !other(database),
    }
}

/// Whatever looks like a path is one everywhere. A plain name is one only where the engine would take it for one: a store
/// must not depend on what lies in the folder that its process was started in.
fn names_a_file(name: &str, plain_too: bool) -> bool {
    let pattern = name.contains(['*', '?', '{']) && name.contains(['/', '.']);
    pattern || name.contains("://") || ((plain_too || name.contains('/')) && Path::new(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Option<String> {
        refusal(&Statement { sql: sql.to_owned(), ..Statement::default() })
    }

    #[test]
    fn a_setting_or_a_parameter_can_reach_too() {
        let pairs = |k: &str, v: &str| [(k.to_owned(), v.to_owned())].into();
        let sql = || "SELECT * FROM {t:Identifier}".to_owned();
        let by_name = |v| refusal(&Statement { sql: sql(), parameters: pairs("t", v), ..Statement::default() });
        assert!(by_name("/etc/passwd").is_some() && by_name("events").is_none());
        let with =
            |k| refusal(&Statement { sql: "SELECT 1".to_owned(), settings: pairs(k, "x"), ..Statement::default() });
        assert!(with("additional_result_filter").is_some() && with("max_threads").is_none());
    }

    /// Tests run in the folder of `Cargo.toml`.
    #[test]
    fn a_file_of_the_working_folder_is_a_table_of_no_database_but_default() {
        assert!(Path::new("Cargo.toml").is_file());
        let within = |database: &str, sql: &str| {
            refusal(&Statement { sql: sql.to_owned(), database: Some(database.to_owned()), ..Statement::default() })
        };
        for sql in [
            "CREATE DATABASE IF NOT EXISTS `Cargo.toml` ENGINE = Atomic",
            "DROP DATABASE IF EXISTS `Cargo.toml`",
            "SELECT * FROM `Cargo.toml`.`events`",
            "INSERT INTO TABLE `Cargo.toml`.events (a) VALUES (1)",
            "SELECT * FROM tropa.`Cargo.toml`",
        ] {
            assert_eq!(of(sql), None, "{sql}");
        }
        assert_eq!(within("tropa", "ALTER TABLE `Cargo.toml` FREEZE"), None);
        for sql in [
            "SELECT * FROM `Cargo.toml`",
            "SELECT * FROM default.`Cargo.toml`",
            "SELECT * FROM `Default`.`Cargo.toml`",
            "SELECT * FROM default.x.`Cargo.toml`",
            "SELECT * FROM tropa.`./Cargo.toml`",
            "SELECT * FROM tropa.`*.toml`",
        ] {
            assert!(of(sql).is_some(), "{sql}");
            assert!(within("default", sql).is_some(), "{sql}");
        }
        assert!(within("tropa", "SELECT * FROM `./Cargo.toml`").is_some());
        assert!(within("tropa", "SELECT * FROM default.`Cargo.toml`").is_some());
    }

    #[test]
    fn reasons_name_what_was_found() {
        assert!(of("SELECT 1; SELECT 2").unwrap().starts_with("Code: 62. "));
        assert!(of("SELECT * FROM `f\\x69le`('x')").unwrap().contains("file(…)"));
        assert!(of("CREATE TABLE k (a Int8) ENGINE Kafka SETTINGS x = 1").unwrap().contains("engine kafka"));
        assert_eq!(of("SELECT 'file(''x'')'; -- ; file(1)\n;"), None);
    }
}
