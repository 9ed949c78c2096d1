//! `tropa rebuild`: history computed once more, under the journey files as they are now or under one version of a map.

use super::world::{CONFIG, TRIAL, folder, ok, run};

/// A version in which a sign-up is the goal, from a day on that no log reaches.
fn second() -> String {
    let goal = TRIAL.replace("version: 1", "version: 2\nvalid_from: 2027-01-01");
    let goal = goal.replace("{ id: signup, title", "{ id: signup, role: success, title");
    let untested = goal.split("tests:").next().expect("a journey file");
    untested.lines().filter(|line| !line.contains("paid")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn one_version_for_all_history_stands_beside_what_is_shown() {
    let folder = folder();
    let folder = folder.path();
    std::fs::write(folder.join("trial2.journey.yaml"), second()).expect("writable");
    std::fs::write(folder.join("tropa.yaml"), CONFIG.replace("[trial.", "[trial2.journey.yaml, trial."))
        .expect("writable");
    ok(folder, &["run", "--until-end"]);
    let outcomes = "SELECT outcome, count() FROM v_journeys WHERE map = 'trial' GROUP BY outcome ORDER BY outcome";
    let shown = ok(folder, &["sql", outcomes]);

    let compare = ["compare", "--map", "trial", "--version", "2", "--format", "json"];
    let (_, errors, code) = run(folder, &compare, "");
    assert!(errors.contains("hint: `tropa rebuild --map trial --version 2` does"), "{errors}");
    assert_eq!(code, 1);
    let (_, errors, _) = run(folder, &["rebuild", "--map", "trial", "--version", "9"], "");
    assert_eq!(errors, "map `trial` has no version 9\n  the journey files hold: 1, 2\n");
    let (_, errors, _) = run(folder, &["rebuild", "--map", "trial", "--version", "2", "--from", "2026-01-01"], "");
    assert!(errors.contains("has not been computed for all history"), "{errors}");

    let said = ok(folder, &["rebuild", "--map", "trial", "--version", "2"]);
    assert!(said.starts_with("map trial: 3 customers are computed under version 2"), "{said}");
    let completed = |folder: &std::path::Path, arguments: &[&str]| {
        let json: serde_json::Value = serde_json::from_str(&ok(folder, arguments)).expect("JSON");
        json["population"]["completed"].as_u64().expect("a count")
    };
    assert_eq!(completed(folder, &compare), 1, "who signed up has reached the goal of version 2");
    assert_eq!(completed(folder, &["compare", "--map", "trial", "--format", "json"]), 1);
    assert_eq!(ok(folder, &["sql", outcomes]), shown, "what is shown stays");

    // A second one signs up; the first is not computed again.
    let more =
        r#"{"messageId":"9","type":"track","event":"signup","anonymousId":"c2","timestamp":"2026-01-10T10:00:00Z"}"#;
    std::fs::write(folder.join("more.ndjson"), more).expect("writable");
    ok(folder, &["import", "more.ndjson", "--decoder", "web"]);
    assert_eq!(completed(folder, &compare), 1, "no stream keeps it up");
    let said = ok(folder, &["rebuild", "--map", "trial", "--version", "2", "--from", "2026-01-09"]);
    assert!(said.starts_with("map trial: 1 customers"), "{said}");
    assert_eq!(completed(folder, &compare), 2);
    assert!(ok(folder, &["verify", "--all"]).contains("stale: 0; "));
}

#[test]
fn history_follows_a_changed_journey_file_where_no_process_runs() {
    let folder = folder();
    let folder = folder.path();
    ok(folder, &["run", "--until-end"]);
    let steps = "SELECT DISTINCT arrayJoin(stages) AS s FROM v_journeys WHERE map = 'trial' ORDER BY s";
    assert_eq!(ok(folder, &["sql", steps, "--format", "TSV"]), "paid\nsignup\nvisit\n");

    let changed = TRIAL.replace("signup, title", "joined, title").replace("stage: signup", "stage: joined");
    std::fs::write(folder.join("trial.journey.yaml"), changed).expect("writable");
    let (out, errors, code) = run(folder, &["compare", "--map", "trial"], "");
    assert!(errors.contains("these are the figures of the one before"), "{errors}");
    assert_eq!(code, 0, "{out}");
    let said = ok(folder, &["rebuild", "--map", "trial"]);
    assert!(said.starts_with("map trial: 3 customers are computed anew; shown with reading "), "{said}");
    assert_eq!(ok(folder, &["sql", steps, "--format", "TSV"]), "joined\npaid\nvisit\n");
    assert!(ok(folder, &["verify", "--all"]).contains("stale: 0; "));

    // Once more, only those seen lately.
    let said = ok(folder, &["rebuild", "--map", "trial", "--from", "2026-01-05"]);
    assert!(said.starts_with("map trial: 1 customers are computed anew"), "{said}");
    let before = "SELECT count() FROM customer_journeys WHERE reading NOT IN (SELECT reading FROM v_current)";
    assert_ne!(ok(folder, &["sql", before, "--format", "TSV"]), "0\n", "what was shown before can still be asked for");
}
