//! Real logs by configuration alone, against published figures and against naive scripts that read only the logs. The
//! logs are no part of the project: without `TROPA_DATA` these tests are listed as not run.

#[path = "support/data.rs"]
mod data;

use std::path::Path;
use std::process::Command;

/// What the binary's tables hold of one example.
struct Example {
    config: String,
    data: tempfile::TempDir,
}

impl Example {
    /// Runs the sources of an example to their end.
    fn run(name: &str) -> Self {
        let config = format!("{}/config/examples/{name}/tropa.yaml", env!("CARGO_MANIFEST_DIR"));
        let example = Self { config, data: tempfile::tempdir().expect("a temporary folder") };
        example.tropa(&["run", "--until-end"]);
        example
    }

    fn tropa(&self, arguments: &[&str]) -> String {
        let data = self.data.path().display().to_string();
        let place = ["--config", &self.config, "--data", &data];
        let mut command = Command::new(env!("CARGO_BIN_EXE_tropa"));
        let out = command.args(arguments).args(place).output().expect("the binary runs");
        assert!(out.status.success(), "tropa {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("text")
    }

    fn ask(&self, query: &str) -> String {
        self.tropa(&["sql", query, "--format", "TSV"]).trim().to_owned()
    }

    /// The answer as lines of words, each after its first word, in no order.
    fn lines(&self, word: &str, query: &str) -> Vec<String> {
        let answer = self.ask(query);
        sorted(answer.lines().map(|line| format!("{word} {}", line.replace('\t', " "))))
    }
}

fn sorted(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

/// What a naive script says of a log.
fn naive(script: &str, log: &Path) -> Vec<String> {
    let script = format!("{}/tests/oracles/{script}", env!("CARGO_MANIFEST_DIR"));
    let out = Command::new("python3").arg(&script).arg(log).output().expect("python3 runs");
    assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text").lines().map(str::to_owned).collect()
}

/// The script's lines of one kind against what the tables say; the figures that follow are printed, so that a log of
/// nothing does not pass for agreement.
fn agree(word: &str, naive: &[String], tables: Vec<String>) {
    let mine = sorted(naive.iter().filter(|l| l.split(' ').next() == Some(word)).cloned());
    let missing: Vec<_> = mine.iter().filter(|l| !tables.contains(l)).collect();
    let surplus: Vec<_> = tables.iter().filter(|l| !mine.contains(l)).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "only the script: {missing:#?}\nonly the tables: {surplus:#?}");
    assert!(!mine.is_empty() && mine.len() == tables.len(), "{word}: {} and {} lines", mine.len(), tables.len());
    println!("{word}: {} lines, 0 differences from the naive script", mine.len());
}

/// Per stage: entered, entries, decided, progressed, in flight, dropped here, ended here.
fn stages(map: &str) -> String {
    format!(
        "SELECT stage, sum(entered), sum(entries), sum(decided), sum(progressed), sum(in_flight), sum(lost_dropped), sum(lost_ended) \
         FROM v_stages WHERE map = '{map}' GROUP BY stage"
    )
}

#[test]
fn bpic_2012_gives_the_published_arcs_and_terminal_states() {
    let test = "bpic_2012_gives_the_published_arcs_and_terminal_states";
    let Some(logs) = data::data_dir(test) else { return };
    let example = Example::run("bpic2012");
    let naive = naive("bpic2012.py", &logs.join("bpic2012/bpic2012.csv.gz"));
    let arcs = "FROM v_transitions WHERE map = 'bpic-arcs' AND from_stage != 'start' \
                AND to_stage NOT IN ('completed', 'ended', 'dropped', 'in_flight')";
    assert_eq!(example.ask(&format!("SELECT sum(transitions), uniqExact(from_stage, to_stage) {arcs}")), "79006\t54");
    let by_arc = format!("SELECT from_stage, to_stage, sum(transitions) {arcs} GROUP BY 1, 2");
    agree("arc", &naive, example.lines("arc", &by_arc));
    agree("stage", &naive, example.lines("stage", &stages("bpic-stages")));
    let last = "SELECT outcome, last_stage, count() FROM v_journeys WHERE map = 'bpic-stages' GROUP BY 1, 2";
    agree("outcome", &naive, example.lines("outcome", last));
    let terminal = "SELECT countIf(last_stage = 'approved'), countIf(last_stage = 'declined'), countIf(last_stage = 'cancelled'), \
                    countIf(outcome = 'in_flight') FROM v_journeys WHERE map = 'bpic-stages'";
    assert_eq!(example.ask(terminal), "2246\t7635\t2807\t399");
}

#[test]
fn clique_bait_gives_the_published_visits_and_purchases_and_without_its_key_what_a_naive_script_gives() {
    let test = "clique_bait_gives_the_published_visits_and_purchases_and_without_its_key_what_a_naive_script_gives";
    let Some(logs) = data::data_dir(test) else { return };
    let example = Example::run("clique_bait");
    let figures = example.ask(
        "SELECT count(), uniqExact(customer), round(100 * countIf(outcome = 'completed') / count(), 2), \
         countIf(has(stages, 'checkout')) AS checkout, \
         round(100 * countIf(has(stages, 'checkout') AND outcome != 'completed') / checkout, 2) \
         FROM v_journeys WHERE map = 'clique-bait'",
    );
    assert_eq!(figures, "3564\t500\t49.86\t2103\t15.5");
    let cookies = example.ask("SELECT uniqExact(node) FROM identity FINAL WHERE startsWith(node, 'cookie:')");
    assert_eq!(cookies, "1782");

    let naive = naive("clique_bait.py", &logs.join("clique_bait"));
    let map = "clique-bait-windows";
    let journeys = format!(
        "SELECT substring(customer, 6), attempt, outcome, \
         toDecimalString(dateDiff('microsecond', entry_at, last_at) / 1e6, 6), arrayStringConcat(stages, ' ') \
         FROM v_journeys WHERE map = '{map}'"
    );
    agree("journey", &naive, example.lines("journey", &journeys));
    let transitions =
        format!("SELECT from_stage, to_stage, sum(transitions) FROM v_transitions WHERE map = '{map}' GROUP BY 1, 2");
    agree("transition", &naive, example.lines("transition", &transitions));
    agree("stage", &naive, example.lines("stage", &stages(map)));
}
