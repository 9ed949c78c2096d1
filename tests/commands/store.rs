//! Commands that read the store: `sql`, `show`, `compare`; and `import`.

use super::world::{CONFIG, PAYMENTS, filled, folder, ok, run};

#[test]
fn sql_answers_in_any_format_and_says_what_clickhouse_refuses() {
    let query = "SELECT stage, sum(entered) AS entered FROM v_stages WHERE map = 'trial' GROUP BY stage, position ORDER BY position";
    assert_eq!(ok(filled(), &["sql", query]), "stage\tentered\nvisit\t2\nsignup\t1\npaid\t1\n");
    assert_eq!(ok(filled(), &["sql", query, "--format", "CSV"]), "\"visit\",2\n\"signup\",1\n\"paid\",1\n");
    assert_eq!(
        ok(filled(), &["sql", "SELECT 1 AS one; ", "--format", "JSONEachRow", "--data", "tropa-data"]),
        "{\"one\":1}\n"
    );
    let (_, errors, code) = run(filled(), &["sql", "SELECT * FROM nowhere"], "");
    assert_eq!(code, 1);
    assert!(errors.starts_with("ClickHouse refused: Code: 60. DB::Exception: "), "{errors}");
}

#[test]
fn a_store_is_usable_from_a_folder_that_holds_files_named_like_its_database_and_its_tables() {
    let folder = folder();
    for name in ["tropa", "events", "customer_journeys", "positions", "identity_facts"] {
        std::fs::write(folder.path().join(name), "a program, or whatever else lies there\n").expect("writable");
    }
    ok(folder.path(), &["run", "--until-end"]);
    assert_eq!(ok(folder.path(), &["sql", "SELECT count() > 0 FROM `events`", "--format", "TSV"]), "1\n");
    assert_eq!(ok(folder.path(), &["sql", "SELECT count() > 0 FROM tropa.`events`", "--format", "TSV"]), "1\n");
    let (_, errors, code) = run(folder.path(), &["sql", "SELECT * FROM default.`events`"], "");
    assert_eq!(code, 1);
    assert!(errors.contains("the table `events` is a file outside of the store"), "{errors}");
}

#[test]
fn sql_changes_nothing_unless_it_is_told_to() {
    let statement = "ALTER TABLE dead_letters COMMENT COLUMN reason 'why'";
    let (out, errors, code) = run(filled(), &["sql", statement], "");
    assert_eq!((out.as_str(), code), ("", 1));
    assert_eq!(
        errors,
        "this statement would change the store\n  hint: `tropa sql --write` lets it; what it takes away, no later run brings back\n"
    );
    let (_, errors, _) = run(filled(), &["sql", "SELEC 1"], "");
    assert!(errors.starts_with("no statement begins with \"SELEC\"\n  hint: "), "{errors}");
    ok(filled(), &["sql", "--write", statement]);
    let comment =
        "SELECT comment FROM system.columns WHERE table = 'dead_letters' AND name = 'reason' AND database = 'tropa'";
    assert_eq!(ok(filled(), &["sql", comment, "--format", "TSV"]), "why\n");
}

#[test]
fn show_finds_a_customer_by_any_identifier_as_it_was_written() {
    let text = ok(filled(), &["show", "user:u1"]);
    for identifier in ["cookie:c1", "email: A@X.org "] {
        assert_eq!(ok(filled(), &["show", identifier]), text, "{identifier}");
    }
    let stored = text.split_whitespace().next().expect("its name");
    assert!(stored.starts_with("user:") && stored.len() == 37, "{stored}");
    assert_eq!(ok(filled(), &["show", stored]), text, "as it is stored");
    for words in [
        "completed: first_payment on 2026-01-05",
        "2026-01-01 10:00:00            pricing, by web  <- web event 1: event page_view, path /pricing/**",
        "2026-01-05 08:00:00  +2d 22h   first_payment  <- billing event p1: source billing, event payment",
        "(web event 2 on 2026-01-02)",
    ] {
        assert!(text.contains(words), "{words:?} in\n{text}");
    }
}

#[test]
fn show_gives_json_and_a_graph_with_rule_fact_and_verdict() {
    let json: serde_json::Value =
        serde_json::from_str(&ok(filled(), &["show", "user:u1", "--format", "json"])).expect("JSON");
    let journey = &json["journeys"][0];
    assert_eq!(journey["outcome"], "completed", "{json:#}");
    assert_eq!(json["identity"].as_array().map(Vec::len), Some(2));
    let dot = ok(filled(), &["show", "user:u1", "--format", "dot"]);
    assert!(dot.starts_with("digraph \"trial 1\" {"), "{dot}");
    for words in [
        "web event 1: event page_view, path /pricing/**",
        "completed: first_payment on 2026-01-05",
        "v1 -> v2 [label=\"2d 22h\"]",
    ] {
        assert!(dot.contains(words), "{words:?} in\n{dot}");
    }
    let facts = dot.lines().find(|l| l.contains("v1 [label=")).expect("the sign-up");
    assert!(facts.contains(" = cookie:") && facts.contains(" = email:"), "{facts}");
}

#[test]
fn an_unknown_customer_or_map_is_answered_with_what_there_is() {
    let (_, errors, code) = run(filled(), &["show", "cookie:c9"], "");
    assert_eq!(
        (errors.as_str(), code),
        (
            "no customer has the identifier `cookie:c9`\n  kinds here: `crm_contact:…`, `user:…`, `email:…`, `phone:…`, `device:…`, `cookie:…`\n",
            1
        )
    );
    for command in [&["show", "user:u1"][..], &["compare"]] {
        let (_, errors, code) = run(filled(), &[command, &["--map", "shop"]].concat(), "");
        assert_eq!(
            (errors.as_str(), code),
            ("there is no map `shop`\n  the journey files hold: `trial`, `buyers`\n", 1)
        );
    }
}

#[test]
fn compare_speaks_text_json_and_html_of_any_map_now_and_then() {
    let text = ok(filled(), &["compare"]);
    assert!(text.starts_with("Trial (trial, version 1)\nas of 2026-01-05T08:00:00Z"), "{text}");
    assert!(text.ends_with('\n'), "the last line ends");
    assert!(ok(filled(), &["compare", "--language", "ru"]).starts_with("Пробный период (trial, "));
    let json = |more: &[&str]| -> serde_json::Value {
        serde_json::from_str(&ok(filled(), &[&["compare", "--format", "json"], more].concat())).expect("JSON")
    };
    let now = json(&[]);
    assert_eq!(now["schema"], "comparison/v1");
    assert_eq!((&now["population"]["entered"], &now["population"]["completed"]), (&2.into(), &1.into()), "{now:#}");
    let then = json(&["--as-of", "2026-01-01T11:00:00Z"]);
    assert_eq!((&then["population"]["entered"], &then["population"]["completed"]), (&1.into(), &0.into()), "{then:#}");
    assert_eq!(json(&["--map", "buyers"])["map"], "buyers");

    ok(filled(), &["compare", "--format", "html", "-o", "report.html"]);
    let page = std::fs::read_to_string(filled().join("report.html")).expect("written");
    for words in ["<!doctype html>", "Пробный период", "Trial", "<svg", "As people walk it"] {
        assert!(page.contains(words), "{words:?}");
    }
    assert!(!page.contains("http://") || page.matches("http://").count() == page.matches("http://www.w3.org").count());
    let (_, errors, code) = run(filled(), &["compare", "--as-of", "yesterday"], "");
    assert_eq!(
        (errors.as_str(), code),
        ("`yesterday` is no moment\n  allowed: 2026-06-30 or 2026-06-30T12:00:00Z\n", 78)
    );
}

#[test]
fn import_names_decoders_and_sources_and_a_second_time_changes_nothing() {
    let folder = folder();
    let (_, errors, code) = run(folder.path(), &["import", "payments.csv", "--decoder", "biling"], "");
    assert_eq!(
        (errors.as_str(), code),
        (
            "there is no decoder `biling`, and no source of that name\n  the config has: `billing`, `web`; did you mean `billing`?\n",
            1
        )
    );
    let (_, errors, code) = run(folder.path(), &["import", "nothing.csv", "--decoder", "billing"], "");
    assert!(errors.contains("nothing.csv: No such file or directory"), "{errors}");
    assert_eq!(code, 1);
    let first = ok(folder.path(), &["import", "payments.csv", "--decoder", "billing"]);
    // A customer whose event is stored before identity is loaded is computed more than once.
    assert!(first.starts_with("2 records, 1 events, 0 dead letters; "), "{first}");
    assert!(first.ends_with(" customers recomputed; as of 2026-01-05T08:00:00Z\n"), "{first}");
    // Read as the source's own files are: its separator, its longest record.
    let semicolons =
        CONFIG.replace("paths: [payments.csv]", "paths: [payments.csv], separator: \";\", max_record_bytes: 60");
    std::fs::write(folder.path().join("semicolons.yaml"), semicolons).expect("writable");
    let rows = format!("{}x{}\n", PAYMENTS.replace(',', ";"), "y".repeat(60));
    std::fs::write(folder.path().join("other.csv"), rows).expect("writable");
    let other = ["import", "other.csv", "--decoder", "billing", "--config", "semicolons.yaml", "--data", "other"];
    let said = ok(folder.path(), &other);
    assert!(said.starts_with("3 records, 1 events, 1 dead letters; "), "{said}");
    let again = ok(folder.path(), &["import", "payments.csv", "--decoder", "billing"]);
    assert_eq!(
        again,
        "0 records, 0 events, 0 dead letters; 0 customers recomputed; as of 2026-01-05T08:00:00Z\n  files that were read before and have not changed are not read again\n  hint: after a changed mapping raise the source's `generation`\n"
    );
}

#[test]
fn figures_of_another_config_are_not_shown_as_this_one_s() {
    let folder = folder();
    ok(folder.path(), &["run", "--until-end"]);
    let kinds = "identifiers: { kinds: { email: { class: person, priority: 1 }, user: { class: person, priority: 2 }, cookie: { class: device, priority: 3 } } }\n";
    std::fs::write(folder.path().join("tropa.yaml"), format!("{CONFIG}{kinds}")).expect("writable");
    let changed = "the journey file or config has changed since these figures were computed\n  hint: the next `tropa run` or `tropa import` recomputes everything\n";
    for command in [&["compare"][..], &["compare", "--as-of", "2026-01-01"], &["show", "user:u1"]] {
        let (_, errors, code) = run(folder.path(), command, "");
        assert_eq!((errors.as_str(), code), (changed, 1), "{command:?}");
    }
    ok(folder.path(), &["run", "--until-end"]);
    assert!(ok(folder.path(), &["show", "user:u1"]).starts_with("email:"), "the strongest kind names the customer");
}

#[test]
fn a_store_whose_identifiers_are_of_another_key_takes_nothing_until_its_own_is_back() {
    let folder = folder();
    ok(folder.path(), &["run", "--until-end"]);
    let key = folder.path().join("tropa-data/identifier.key");
    let own = std::fs::read(&key).expect("made at the first start");
    let count = || ok(folder.path(), &["sql", "SELECT count() FROM events FINAL", "--format", "TSV"]);
    let before = count();
    let more = std::fs::read_to_string(folder.path().join("events.ndjson")).expect("the log")
        + "\n"
        + r#"{"messageId":"5","type":"track","event":"signup","userId":"u1","timestamp":"2026-01-03T10:00:00Z"}"#;
    std::fs::write(folder.path().join("events.ndjson"), more).expect("writable");

    // Lost, and one of another store put in its place.
    for (lost, written) in [(true, None), (false, Some("another"))] {
        if lost {
            std::fs::remove_file(&key).expect("it is there");
        }
        if let Some(text) = written {
            std::fs::write(&key, text).expect("writable");
        }
        let (_, said, code) = run(folder.path(), &["run", "--until-end"], "");
        assert_eq!(code, 78, "{said}");
        assert!(said.contains("are made with another key than this one") && said.contains("hint: put back"), "{said}");
        assert_eq!(count(), before);
        assert!(!lost || !key.exists(), "no other key lies where the lost one belongs");
    }
    std::fs::write(&key, own).expect("writable");
    ok(folder.path(), &["run", "--until-end"]);
    assert_ne!(count(), before);
    assert_eq!(ok(folder.path(), &["sql", "SELECT uniqExact(customer) FROM v_journeys", "--format", "TSV"]), "2\n");
}
