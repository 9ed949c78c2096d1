//! What stands in deploy/ holds together: every file parses, and what it names (flags, config keys, ports, probes, metrics,
//! files) exists in the program. Other people's checkers look at it too, where they are installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[path = "support/data.rs"]
#[allow(dead_code)]
mod data;

/// Where paths and metrics of the HTTP side come from.
const HTTP_SOURCE: &str = "src/serve/mod.rs";
const METRICS_SOURCE: &str = "src/health/metrics.rs";
const PORT: u64 = 9464;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn read(name: &str) -> String {
    fs::read_to_string(deploy().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Every document of a file.
fn yaml(name: &str) -> Vec<Value> {
    let text = read(name);
    let parsed = text.split("\n---\n").map(serde_saphyr::from_str::<Value>);
    parsed.map(|d| d.unwrap_or_else(|e| panic!("{name}: {e}"))).collect()
}

fn tropa(arguments: &[&str]) -> (String, String, bool) {
    let out = Command::new(env!("CARGO_BIN_EXE_tropa")).args(arguments).output().expect("the binary runs");
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (text(&out.stdout), text(&out.stderr), out.status.success())
}

fn files(ext: &[&str]) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![deploy()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| ext.iter().any(|x| *x == e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every text anywhere in a document.
fn texts<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(list) => list.iter().for_each(|v| texts(v, into)),
        Value::Object(map) => map.values().for_each(|v| texts(v, into)),
        _ => {}
    }
}

/// Command lines of tropa that stand in deploy/: arguments as they are given.
fn command_lines() -> Vec<(String, Vec<String>)> {
    let mut lines = Vec::new();
    for service in ["tropa", "migrate"] {
        let command = yaml("compose.yaml")[0]["services"][service]["command"].as_str().expect("a command").to_owned();
        lines.push((format!("compose.yaml {service}"), command.split_whitespace().map(str::to_owned).collect()));
    }
    for role in ["ingest", "identity", "journeys", "serve", "migrate"] {
        let container = &yaml(&format!("kubernetes/{role}.yaml"))[0]["spec"]["template"]["spec"]["containers"][0];
        let arguments = container["args"].as_array().expect("arguments");
        lines.push((role.to_owned(), arguments.iter().map(|a| a.as_str().expect("text").to_owned()).collect()));
    }
    let unit = read("systemd/tropa.service");
    let start = unit.lines().find_map(|l| l.strip_prefix("ExecStart=/usr/local/bin/tropa ")).expect("a start");
    lines.push(("systemd".to_owned(), start.split_whitespace().map(str::to_owned).collect()));
    lines
}

#[test]
fn every_file_parses() {
    let yaml_files = files(&["yaml", "yml"]);
    assert!(yaml_files.len() >= 15, "{yaml_files:?}");
    for path in yaml_files {
        let name = path.strip_prefix(deploy()).expect("below deploy").display().to_string();
        assert!(yaml(&name).iter().all(Value::is_object), "{name}");
    }
    for path in files(&["json"]) {
        serde_json::from_str::<Value>(&fs::read_to_string(&path).expect("text"))
            .unwrap_or_else(|e| panic!("{path:?}: {e}"));
    }
    for path in files(&["sh"]) {
        let parsed = Command::new("bash").arg("-n").arg(&path).status().expect("bash");
        assert!(parsed.success(), "{path:?}");
    }
}

#[test]
fn every_command_line_is_one_that_the_program_takes() {
    for (place, arguments) in command_lines() {
        let (help, _, known) = tropa(&[&arguments[0], "--help"]);
        assert!(known, "{place}: there is no command `{}`", arguments[0]);
        for flag in arguments.iter().filter(|a| a.starts_with("--")) {
            let there = help.split(|c: char| c.is_whitespace() || c == ',').any(|w| w == flag);
            if there && flag == "--role" {
                // Its values stand in the help too.
                let value = arguments.iter().skip_while(|a| *a != flag).nth(1).expect("a role");
                assert!(help.contains(&format!("- {value}:")), "{place}: there is no role {value}");
            }
            assert!(there, "{place}: `tropa {}` has no {flag}", arguments[0]);
        }
    }
}

#[test]
fn the_configs_are_usable() {
    for folder in ["stack", "kubernetes"] {
        let text = read(&format!("{folder}/tropa.yaml"));
        let there = tempfile::tempdir().expect("a folder");
        fs::write(there.path().join("tropa.yaml"), &text).expect("writable");
        fs::copy(deploy().join(folder).join("shop.journey.yaml"), there.path().join("shop.journey.yaml"))
            .expect("a map");
        let out = Command::new(env!("CARGO_BIN_EXE_tropa"))
            .args(["check", "--config", "tropa.yaml"])
            .current_dir(there.path())
            .env("TROPA_WAREHOUSE_PASSWORD", "x")
            .env("TROPA_KEY", "k")
            .output()
            .expect("the binary runs");
        assert!(
            out.status.success(),
            "{folder}: {}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
        assert!(
            text.contains(&format!("serve: {{ listen: \"0.0.0.0:{PORT}\" }}")),
            "{folder} answers at the port that is named"
        );
    }
    let same = |name: &str| {
        fs::read(deploy().join("stack").join(name)).ok() == fs::read(deploy().join("kubernetes").join(name)).ok()
    };
    assert!(same("shop.journey.yaml"), "one example, twice: kustomize takes no file from outside of its folder");
}

#[test]
fn roles_are_alike_where_they_must_be() {
    for (role, least) in [("ingest", 2), ("identity", 2), ("journeys", 3), ("serve", 2)] {
        let documents = yaml(&format!("kubernetes/{role}.yaml"));
        let (deployment, budget) = (&documents[0], &documents[1]);
        assert_eq!(deployment["kind"], "Deployment", "{role}");
        assert_eq!(budget["kind"], "PodDisruptionBudget", "{role}");
        assert_eq!(deployment["spec"]["replicas"], least, "{role}");
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        assert_eq!(labels["role"], role);
        assert_eq!(&budget["spec"]["selector"]["matchLabels"], labels);
        assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
        let pod = &deployment["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{role}");
        let container = &pod["containers"][0];
        let security = &container["securityContext"];
        assert_eq!(
            (&security["readOnlyRootFilesystem"], &security["allowPrivilegeEscalation"]),
            (&true.into(), &false.into())
        );
        assert_eq!(container["ports"][0]["containerPort"], PORT);
        for (probe, path) in [("livenessProbe", "/livez"), ("readinessProbe", "/readyz"), ("startupProbe", "/livez")] {
            assert_eq!(container[probe]["httpGet"]["path"], path, "{role}");
        }
        let arguments: Vec<&str> =
            container["args"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        assert_eq!(arguments[..3], ["run", "--role", role]);
        // Whatever is mounted is a volume of the pod.
        let names =
            |list: &Value| list.as_array().expect("a list").iter().map(|v| v["name"].clone()).collect::<Vec<_>>();
        assert_eq!(names(&container["volumeMounts"]), names(&pod["volumes"]), "{role}");
    }
    let kustomization = &yaml("kubernetes/kustomization.yaml")[0];
    for list in [&kustomization["resources"], &kustomization["configMapGenerator"][0]["files"]] {
        for file in list.as_array().expect("a list").iter().filter_map(Value::as_str) {
            assert!(deploy().join("kubernetes").join(file).is_file(), "{file}");
        }
    }
}

#[test]
fn the_stack_makes_the_topics_that_its_config_reads() {
    let compose = &yaml("compose.yaml")[0]["services"];
    let made = compose["topics"]["environment"]["TROPA_TOPICS"].as_str().expect("names");
    let made = made.trim_start_matches("${TROPA_TOPICS:-").trim_end_matches('}');
    let sources = &yaml("stack/tropa.yaml")[0]["sources"];
    let read: Vec<&str> = sources
        .as_object()
        .expect("sources")
        .values()
        .flat_map(|source| source["kafka"]["topics"].as_array().expect("topics"))
        .map(|topic| topic.as_str().expect("a name"))
        .collect();
    assert_eq!(read, made.split_whitespace().collect::<Vec<_>>());
    assert_eq!(compose["tropa"]["depends_on"]["topics"]["condition"], "service_completed_successfully");
}

#[test]
fn what_the_stack_mounts_is_there_and_the_image_is_nobody_s() {
    let compose = &yaml("compose.yaml")[0];
    let services = compose["services"].as_object().expect("services");
    for (name, service) in services {
        for volume in service["volumes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let from = volume.split(':').next().expect("a source");
            if let Some(file) = from.strip_prefix("./") {
                assert!(deploy().join(file).exists(), "{name} mounts {file}");
            } else if !from.starts_with('$') {
                assert!(compose["volumes"].get(from).is_some(), "{name} mounts the volume {from}");
            }
        }
        if name == "tropa" || name == "migrate" {
            assert_eq!(service["read_only"], true, "{name}");
        }
    }
    let dockerfile = read("Dockerfile");
    assert!(dockerfile.lines().any(|l| l == "USER 10001:10001"));
    assert!(dockerfile.lines().any(|l| l == format!("EXPOSE {PORT}")));
    for copied in dockerfile.lines().filter_map(|l| l.strip_prefix("COPY ")).filter(|l| !l.starts_with("--from")) {
        let words: Vec<&str> = copied.split_whitespace().collect();
        for from in &words[..words.len() - 1] {
            assert!(deploy().join("..").join(from).exists(), "{from}");
        }
    }
    let copied: Vec<&str> =
        dockerfile.lines().filter_map(|l| l.strip_prefix("COPY ")).flat_map(str::split_whitespace).collect();
    for folder in included_from_outside() {
        assert!(
            copied.contains(&&*folder),
            "the program includes files of `{folder}`, which the image is not built from"
        );
        assert!(
            fs::read_to_string(deploy().join("../.dockerignore")).expect("it is there").contains(&format!("!{folder}"))
        );
    }
    let unit = read("systemd/tropa.service");
    for line in
        ["User=tropa", "NoNewPrivileges=true", "ProtectSystem=strict", "StateDirectory=tropa", "CapabilityBoundingSet="]
    {
        assert!(unit.lines().any(|l| l == line), "{line}");
    }
    assert!(
        unit.contains("RestartPreventExitStatus=78 75 2"),
        "the exit codes of `tropa --help` that do not mend themselves"
    );
    assert!(tropa(&["--help"]).0.contains("2 wrong usage, 75 the store is in use, 78 a file is not usable"));
}

/// Folders beside `src` whose files are part of the program.
fn included_from_outside() -> BTreeSet<String> {
    let (mut folders, mut found) = (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            for (_, rest) in text.match_indices("include_").map(|(i, _)| text.split_at(i)) {
                let Some(named) = rest
                    .split('"')
                    .nth(1)
                    .filter(|_| rest.starts_with("include_str!(\"") || rest.starts_with("include_bytes!(\""))
                else {
                    continue;
                };
                let up = named.matches("../").count();
                let depth = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("inside").components().count() - 1;
                if up == depth {
                    found.extend(named.trim_start_matches("../").split('/').next().map(str::to_owned));
                }
            }
        }
    }
    assert!(found.contains("config"), "the demo's files");
    found
}

/// Names of our metrics in alerts, their tests and the dashboard.
fn metrics() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in ["prometheus/alerts.yaml", "prometheus/alerts.test.yaml"] {
        let documents = yaml(file);
        let mut found = Vec::new();
        documents.iter().for_each(|d| texts(d, &mut found));
        names.extend(found.iter().flat_map(|t| names_in(t)));
    }
    names.extend(names_in(&read("grafana/tropa.json")));
    names
}

fn names_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|w| w.starts_with("tropa_")).map(str::to_owned).collect()
}

#[test]
fn no_metric_and_no_probe_is_invented() {
    let named = metrics();
    assert!(named.len() >= 10, "{named:?}");
    let source = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok();
    match source(METRICS_SOURCE) {
        Some(registered) => {
            for name in &named {
                let bare = name.strip_prefix("tropa_").expect("our prefix").trim_end_matches("_total");
                let is = |name: &str| registered.contains(&format!("\"{name}\""));
                // A unit is put behind the name when it is registered.
                let there =
                    is(bare) || ["_seconds", "_bytes", "_ratios"].iter().any(|u| bare.strip_suffix(u).is_some_and(is));
                assert!(there, "{METRICS_SOURCE} registers no {name}");
            }
        }
        None => data::not_run("no_metric_and_no_probe_is_invented", "the program has no metrics yet"),
    }
    if let Some(served) = source(HTTP_SOURCE) {
        for path in ["/livez", "/readyz", "/metrics"] {
            assert!(served.contains(&format!("\"{path}\"")), "{HTTP_SOURCE} serves no {path}");
        }
    }
}

#[test]
fn every_role_has_acls_for_its_topics_and_no_others() {
    let out = Command::new(deploy().join("kafka-acls.sh"))
        .args(["--prefix", "shop", "--sources", "web,crm", "--groups", "shop-web"])
        .output()
        .expect("bash");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let may = |principal: &str, operation: &str| -> BTreeSet<String> {
        let of = format!("--allow-principal 'User:{principal}' ");
        let operation = format!("--operation {operation} ");
        let lines = said.lines().filter(|l| l.contains(&of) && l.contains(&operation));
        let named = |l: &str| {
            let (name, rest) = l.split_once("--topic '")?.1.split_once('\'')?;
            Some(format!("{name}{}", if rest.ends_with(" prefixed") { "*" } else { "" }))
        };
        lines.filter_map(named).collect()
    };
    let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(may("shop-ingest", "Read"), set(&["web", "crm", "shop.dead-letters.retry"]));
    assert_eq!(may("shop-ingest", "Write"), set(&["shop.identity", "shop.dead-letters"]));
    assert_eq!(may("shop-identity", "Read"), set(&["shop.identity"]));
    // Whoever misses messages asks for them in the topic of notices; cuts of the customers have topics with a number.
    assert_eq!(may("shop-identity", "Write"), set(&["shop.identity", "shop.customers*"]));
    assert_eq!(may("shop-journeys", "Read"), set(&["shop.customers*"]));
    assert_eq!(may("shop-journeys", "Write"), set(&["shop.identity"]));
    for role in ["shop-ingest", "shop-identity", "shop-journeys"] {
        assert!(may(role, "Describe").is_superset(&set(&["shop.identity", "shop.customers*"])), "{role} looks at both");
    }
    for (role, group) in
        [("shop-identity", "shop.writer"), ("shop-journeys", "shop.journeys"), ("shop-ingest", "shop-web")]
    {
        let line = format!("'User:{role}' --operation Read --operation Describe --group '{group}'");
        assert!(said.contains(&line), "{line}");
    }
    assert!(said.contains("--group 'shop.journeys' --resource-pattern-type prefixed"), "groups of every cut");
    assert!(said.contains("'User:shop-journeys' --operation IdempotentWrite --cluster"));
    assert_eq!(
        may("shop-migrate", "Create"),
        set(&["shop.identity", "shop.customers*", "shop.dead-letters.retry", "shop.dead-letters"])
    );
    let named = Command::new(deploy().join("kafka-acls.sh"))
        .args(["--prefix", "shop", "--sources", "web", "--groups", "g", "--dead-letters", "web.dead,crm.dead"])
        .output()
        .expect("bash");
    let named = String::from_utf8_lossy(&named.stdout).into_owned();
    for topic in ["web.dead", "crm.dead", "web.dead.retry", "crm.dead.retry"] {
        assert!(named.contains(&format!("--topic '{topic}'")), "{topic}");
    }
    assert!(!said.contains("--operation All"));
    let refused = Command::new(deploy().join("kafka-acls.sh")).output().expect("bash");
    assert!(!refused.status.success());
}

/// Runs somebody else's checker, if it is there.
fn check(test: &str, program: &Path, arguments: &[&str], dir: &str) {
    match Command::new(program).args(arguments).current_dir(deploy().join(dir)).output() {
        Ok(out) => {
            let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
            assert!(out.status.success(), "{} {arguments:?}: {said}", program.display());
        }
        Err(error) => data::not_run(test, &format!("{}: {error}", program.display())),
    }
}

fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).expect("a home");
    base.join("tropa")
}

#[test]
fn promtool_takes_the_rules_and_their_tests_pass() {
    let promtool = cache().join("tools/bin/promtool");
    let test = "promtool_takes_the_rules_and_their_tests_pass";
    check(test, &promtool, &["check", "rules", "alerts.yaml"], "prometheus");
    check(test, &promtool, &["check", "config", "--syntax-only", "prometheus.yaml"], "prometheus");
    check(test, &promtool, &["test", "rules", "alerts.test.yaml"], "prometheus");
}

#[test]
fn kubernetes_schemas_take_the_manifests() {
    let validate = std::env::var_os("TROPA_VENV")
        .map_or_else(|| cache().join("venv"), PathBuf::from)
        .join("bin/kubernetes-validate");
    for file in ["ingest", "identity", "journeys", "serve", "migrate", "network"] {
        check("kubernetes_schemas_take_the_manifests", &validate, &["--strict", &format!("{file}.yaml")], "kubernetes");
    }
}

#[test]
fn systemd_takes_the_unit() {
    // It looks for the program too: the one that was built stands in for the installed one.
    let there = tempfile::tempdir().expect("a folder");
    let unit = read("systemd/tropa.service").replace("/usr/local/bin/tropa", env!("CARGO_BIN_EXE_tropa"));
    let path = there.path().join("tropa.service");
    fs::write(&path, unit).expect("writable");
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output() {
        Ok(out) => {
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            let ours: Vec<&str> = said.lines().filter(|l| l.contains("tropa.service")).collect();
            assert!(out.status.success() && ours.is_empty(), "{said}");
        }
        Err(error) => data::not_run("systemd_takes_the_unit", &format!("systemd-analyze: {error}")),
    }
}
