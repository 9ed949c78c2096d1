//! `tropa check` and `tropa schema`.

use super::world::{CONFIG, TRIAL, folder, ok, run};

#[test]
fn a_usable_config_says_what_it_is_and_runs_the_tests_of_its_maps() {
    let folder = folder();
    let (out, errors, code) = run(folder.path(), &["check"], "");
    assert_eq!((errors.as_str(), code), ("", 0));
    assert_eq!(
        out,
        "tropa.yaml: the config is usable: 2 sources, 0 named decoders, 6 kinds of identifiers
./trial.journey.yaml: map `trial` version 1 is usable: 3 stages, 3 touchpoints, each stage leads to the next
  ok      who pays has completed
./buyers.journey.yaml: map `buyers` version 1 is usable: 1 stage, 1 touchpoint
"
    );
}

#[test]
fn the_example_of_every_key_is_usable_and_proves_itself() {
    let file = format!("{}/config/examples/mortgage.journey.yaml", env!("CARGO_MANIFEST_DIR"));
    let folder = folder();
    let out = ok(folder.path(), &["check", &file]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[0].ends_with("map `mortgage-online` version 3 is usable: 5 stages, 9 touchpoints, 8 transitions"),
        "{out}"
    );
    assert!(lines.len() > 2 && lines[1..].iter().all(|l| l.starts_with("  ok ")), "{out}");
}

#[test]
fn all_faults_of_all_files_come_at_once_with_exit_code_78() {
    let folder = folder();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writable");
    write(
        "trial.journey.yaml",
        &TRIAL.replace("stage: signup", "stage: sign-up").replace("role: success", "role: sucess"),
    );
    write("buyers.journey.yaml", "schema: journey/v1\nid: buyers\nversion: one\n");
    let (out, errors, code) = run(folder.path(), &["check", "trial.journey.yaml", "buyers.journey.yaml"], "");
    assert_eq!((out.as_str(), code), ("", 78));
    assert_eq!(
        errors,
        "trial.journey.yaml, buyers.journey.yaml are not usable: 5 faults
  trial.journey.yaml:9:23   `stages[paid].role` is the text `sucess`, which is not allowed here
    allowed: `none`, `entry`, `success`, `exit`; did you mean `success`?
  trial.journey.yaml:12:29  touchpoint `signed_up` names stage `sign-up`, which is not declared
    declared: `visit`, `signup`, `paid`; did you mean `signup`?
  buyers.journey.yaml:1:1   key `stages` is missing
    The columns of the map, in order
  buyers.journey.yaml:1:1   key `touchpoints` is missing
    Where a customer meets the company; rules are tried in this order, the first that matches wins
  buyers.journey.yaml:3:10  `version` must be a whole number, found the text `one`
    A whole number, raised on every change; a journey is judged by the version valid at its entry
"
    );
}

#[test]
fn faults_of_a_config_do_not_hide_those_of_its_journey_files() {
    let folder = folder();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writable");
    write("tropa.yaml", &CONFIG.replace("channel: web", "chanel: web"));
    write("trial.journey.yaml", &TRIAL.replace("stage: signup", "stage: sign-up"));
    let (out, errors, code) = run(folder.path(), &["check"], "");
    assert_eq!((out.as_str(), code), ("", 78));
    let words = [
        "tropa.yaml is not usable: 1 fault\n  tropa.yaml:7:5  unknown key `chanel` in `sources.web`\n",
        "did you mean `channel`?\n./trial.journey.yaml is not usable: 1 fault\n  ./trial.journey.yaml:12:29  touchpoint `signed_up` names stage `sign-up`",
    ];
    for part in words {
        assert!(errors.contains(part), "{part:?} in\n{errors}");
    }
}

#[test]
fn a_test_that_fails_says_what_was_expected_and_found() {
    let folder = folder();
    let text = TRIAL.replace("outcome: completed, path: [pricing, first_payment]", "outcome: dropped, path: [pricing]");
    std::fs::write(folder.path().join("trial.journey.yaml"), text).expect("writable");
    let (out, errors, code) = run(folder.path(), &["check", "trial.journey.yaml"], "");
    assert_eq!(code, 78);
    assert!(out.ends_with("  FAILED  who pays has completed\n"), "{out}");
    assert_eq!(
        errors,
        "1 test of the journey files failed:
  trial.journey.yaml:15  test `who pays has completed`
    outcome: expected dropped, found completed
    path: expected [pricing], found [pricing, first_payment]
"
    );
}

#[test]
fn a_test_judges_the_deviations_of_its_journey() {
    let folder = folder();
    let text = TRIAL.replace("deviations: [unexpected visit paid]", "deviations: [missing signup]");
    std::fs::write(folder.path().join("trial.journey.yaml"), text).expect("writable");
    let (_, errors, code) = run(folder.path(), &["check", "trial.journey.yaml"], "");
    assert_eq!(code, 78);
    assert!(errors.ends_with("    deviations: expected [missing signup], found [unexpected visit paid]\n"), "{errors}");
}

#[test]
fn without_a_config_the_hint_says_what_to_do() {
    let empty = tempfile::tempdir().expect("a temporary folder");
    let (_, errors, code) = run(empty.path(), &["check"], "");
    assert_eq!(code, 78);
    assert_eq!(
        errors,
        "no config: give `--config FILE`, or a `--data DIR` that was used with one, or write tropa.yaml here
  hint: `tropa demo` writes a complete example into its data folder
"
    );
}

#[test]
fn schemas_are_json_schemas_that_describe_every_key() {
    let folder = folder();
    for (which, keys) in
        [("journey", ["stages", "touchpoints", "journey_key"]), ("config", ["sources", "decoders", "identifiers"])]
    {
        let schema: serde_json::Value = serde_json::from_str(&ok(folder.path(), &["schema", which])).expect("JSON");
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        for key in keys {
            let text = schema["properties"][key]["description"].as_str().unwrap_or_default();
            assert!(text.len() > 10, "{which}: `{key}` is described as {text:?}");
        }
    }
}

#[test]
fn the_files_of_the_demo_pass_their_own_tests_with_and_without_their_config() {
    let demo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo");
    for arguments in [&["check", "--config", "tropa.yaml"][..], &["check", "shop.journey.yaml"]] {
        let said = ok(&demo, arguments);
        assert_eq!(said.lines().filter(|line| line.starts_with("  ok ")).count(), 3, "{said}");
    }
}

#[test]
fn what_a_config_names_and_cannot_be_used_is_said_with_its_line_and_a_hint() {
    let folder = folder();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writable");
    write("taken", "no folder");
    write(
        "tropa.yaml",
        "schema: config/v1
maps: [trial.journey.yaml, lost.journey.yaml]
data: taken/store
sources:
  web:
    kafka:
      brokers: k
      topics: [web]
      settings:
        fetch.wait.max.ms: 100
        fetch.wait.max.sm: 100
    decoder: { name: e, time: t }
",
    );
    for command in ["check", "run"] {
        let (_, errors, code) = run(folder.path(), &[command], "");
        assert_eq!(code, 78, "{command}: {errors}");
        for words in [
            "tropa.yaml is not usable: 3 faults",
            "tropa.yaml:2:28",
            "lost.journey.yaml cannot be read: No such file or directory",
            "hint: paths are relative to the config",
            "tropa.yaml:3:7",
            "taken is no folder",
            "tropa.yaml:11:28",
            "`fetch.wait.max.sm` cannot be set: ",
        ] {
            assert!(errors.contains(words), "{command}: {words:?} is not in\n{errors}");
        }
    }
    for arguments in [&["check", "lost.journey.yaml"][..], &["check", "--config", "lost.yaml"]] {
        let (_, errors, code) = run(folder.path(), arguments, "");
        assert_eq!(code, 78, "{errors}");
        assert!(
            errors.contains("cannot be read: No such file or directory") && errors.contains("\n  hint: "),
            "{errors}"
        );
    }
}

#[test]
fn a_data_folder_that_was_never_used_is_used_with_the_config_that_lies_here() {
    let folder = folder();
    ok(folder.path(), &["run", "--until-end", "--data", "elsewhere"]);
    assert!(folder.path().join("elsewhere/store").is_dir());
    assert!(!folder.path().join("tropa-data").exists(), "the config's own folder is not touched");
    let counted = ["sql", "SELECT count() > 0 FROM events", "--format", "TSV", "--data", "elsewhere"];
    assert_eq!(ok(folder.path(), &counted), "1\n");
    // A folder that is known to belong to a config stays with it, whatever lies here.
    std::fs::write(folder.path().join("tropa.yaml"), "schema: config/v1\nsources: {").expect("writable");
    let config = folder.path().join("elsewhere/config");
    std::fs::write(folder.path().join("own.yaml"), CONFIG).expect("writable");
    std::fs::write(config, folder.path().join("own.yaml").display().to_string()).expect("writable");
    assert_eq!(ok(folder.path(), &counted), "1\n");
}

#[test]
fn journeys_that_a_version_put_in_the_place_of_another_would_not_judge_are_counted() {
    let folder = folder();
    ok(folder.path(), &["run", "--until-end"]);
    let lines = |text: &str| text.contains("judges them any more");
    let (said, errors, code) = run(folder.path(), &["check", "--connect"], "");
    assert!(code == 0 && !lines(&said), "{said}{errors}");
    let second =
        TRIAL.replace("version: 1", "version: 2\nvalid_from: 2026-06-01").split("tests:").next().map(str::to_owned);
    std::fs::write(folder.path().join("trial.journey.yaml"), second.expect("a map")).expect("writable");
    let (said, errors, code) = run(folder.path(), &["check", "--connect"], "");
    let counted =
        "2 journeys of map `trial` began before 2026-06-01T00:00:00Z, when its first version here becomes valid";
    assert!(
        code == 0 && said.contains(counted) && said.contains("hint: name the file of the version before"),
        "{said}{errors}"
    );
    let (_, errors, code) = run(folder.path(), &["run", "--until-end"], "");
    assert!(code == 0 && errors.contains(counted), "{errors}");
    // Its rows stay where they can be asked for.
    let readings = "SELECT uniqExact(reading) FROM customer_journeys FINAL WHERE map = 'trial'";
    assert_eq!(ok(folder.path(), &["sql", readings, "--format", "TSV"]), "2\n");
    assert_eq!(
        ok(folder.path(), &["sql", "SELECT count() FROM v_journeys WHERE map = 'trial'", "--format", "TSV"]),
        "0\n"
    );
}
