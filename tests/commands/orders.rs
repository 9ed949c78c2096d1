//! `identity`, `forget` and `retain`, on stores of their own: what they say would change is what changes.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::world::{CONFIG, EVENTS, PAYMENTS, folder, ok, run};

/// A store whose identifiers can be read, filled once.
fn readable() -> tempfile::TempDir {
    let folder = folder();
    let config = format!("{CONFIG}identifiers: {{ store: raw }}\n");
    std::fs::write(folder.path().join("tropa.yaml"), config).expect("writable");
    ok(folder.path(), &["run", "--until-end"]);
    folder
}

fn sql(folder: &Path, query: &str) -> String {
    ok(folder, &["sql", query, "--format", "TSV"])
}

#[test]
fn identity_show_says_who_is_whom_and_why() {
    let folder = readable();
    assert_eq!(
        ok(folder.path(), &["identity", "show", "cookie:c1"]),
        "customer user:u1\n  cookie:c1\n  email:a@x.org\n  user:u1\nfacts\n  \
         2026-01-02 user:u1 = cookie:c1  web 2  joins\n  2026-01-02 user:u1 = email:a@x.org  web 2  joins\n"
    );
    assert_eq!(ok(folder.path(), &["identity", "show", "--quarantined"]), "no identifier is a placeholder\n");
    let (_, errors, code) = run(folder.path(), &["identity", "show", "user:nobody"], "");
    assert_eq!(
        (errors.as_str(), code),
        (
            "no customer has the identifier `user:nobody`\n  kinds here: `crm_contact:…`, `user:…`, `email:…`, `phone:…`, `device:…`, `cookie:…`\n",
            1
        )
    );
}

#[test]
fn a_split_says_what_it_changes_and_every_figure_follows() {
    let folder = readable();
    let split = ["identity", "split", "user:u1", "cookie:c1"];
    let changes = "before  cookie:c1: no customer\nafter   cookie:c1: cookie:c1\n\
                   before  user:u1: cookie:c1, email:a@x.org, user:u1\nafter   user:u1: email:a@x.org, user:u1\n\
                   map trial: journeys 1 -> 1; completed 1 -> 0; in_flight 0 -> 1\n\
                   map buyers: journeys 1 -> 1; completed 1 -> 1\n";
    let dry = ok(folder.path(), &[&split[..], &["--dry-run"]].concat());
    assert_eq!(dry, format!("{changes}nothing is changed: this was a dry run\n"));
    assert_eq!(sql(folder.path(), "SELECT count() FROM operator_orders"), "0\n");
    let done = ok(folder.path(), &split);
    assert_eq!(done, format!("{changes}the order is carried out: 2 customers computed anew\n"));
    assert_eq!(
        ok(folder.path(), &["identity", "show", "user:u1"]),
        "customer user:u1\n  email:a@x.org\n  user:u1\nfacts\n  \
         2026-01-02 user:u1 = cookie:c1  web 2  refused: forbid\n  2026-01-02 user:u1 = email:a@x.org  web 2  joins\n  \
         user:u1 and cookie:c1 are kept apart  @operator\n"
    );
    assert_eq!(
        sql(folder.path(), "SELECT sum(completed), sum(in_flight) FROM journeys_1d FINAL WHERE map = 'trial'"),
        "0\t2\n"
    );
    let again = ok(folder.path(), &split);
    assert!(again.starts_with("no customer has other identifiers by this\n"), "{again}");
    let (_, errors, code) = run(folder.path(), &["identity", "split", "user:u1", "user:u1"], "");
    assert_eq!(
        (errors.as_str(), code),
        ("`user:u1` and `user:u1` are one identifier\n  allowed: two different ones\n", 78)
    );
}

#[test]
fn a_revoke_cancels_up_to_its_day_and_the_same_words_later_join_again() {
    let folder = readable();
    let revoke = |day: &str| ok(folder.path(), &["identity", "revoke", "user:u1", "cookie:c1", "--day", day]);
    assert!(revoke("2026-01-01").starts_with("no customer has other identifiers by this\n"));
    assert!(revoke("2026-01-02").contains("after   cookie:c1: cookie:c1\n"));
    let again = EVENTS[1].replace("\"messageId\":\"2\"", "\"messageId\":\"5\"").replace("2026-01-02", "2026-01-03");
    let log = [&EVENTS[..], &[again.as_str()]].concat().join("\n");
    std::fs::write(folder.path().join("events.ndjson"), log).expect("writable");
    ok(folder.path(), &["run", "--until-end"]);
    let shown = ok(folder.path(), &["identity", "show", "cookie:c1"]);
    assert!(shown.starts_with("customer user:u1\n") && shown.contains("web 2  revoked\n"), "{shown}");
}

#[test]
fn whoever_is_forgotten_is_gone_from_every_table_and_stays_away_when_the_log_is_read_again() {
    let folder = readable();
    // A record that is no event names her, too.
    let payments = format!("{PAYMENTS}p3,soon,A@x.org,5,paid\n");
    std::fs::write(folder.path().join("payments.csv"), payments).expect("writable");
    ok(folder.path(), &["run", "--until-end"]);
    let letters = "SELECT (SELECT count() FROM dead_letters FINAL), (SELECT sum(rejected) FROM positions FINAL)";
    assert_eq!(sql(folder.path(), letters), "1\t1\n");
    let said = ok(folder.path(), &["forget", "email:A@x.org", "--day", "2026-06-30"]);
    assert_eq!(sql(folder.path(), letters), "0\t1\n");
    assert!(said.contains("after   user:u1: no customer\n") && said.contains("journeys 1 -> 0"), "{said}");
    let left = "SELECT (SELECT count() FROM events FINAL), (SELECT count() FROM identity_facts WHERE kind = 'link'), \
                (SELECT count() FROM v_journeys), (SELECT sum(entered) FROM journeys_1d FINAL)";
    let before = sql(folder.path(), left);
    assert_eq!(before, "2\t0\t1\t1\n");
    // A longer log is read from its beginning.
    let log = format!("{}\n{}", EVENTS.join("\n"), EVENTS[3].replace("\"4\"", "\"9\""));
    std::fs::write(folder.path().join("events.ndjson"), log).expect("writable");
    let payments = format!("{PAYMENTS}p3,soon,A@x.org,5,paid\np4,2026-01-06 09:00,c@x.org,10,open\n");
    std::fs::write(folder.path().join("payments.csv"), payments).expect("writable");
    ok(folder.path(), &["run", "--until-end"]);
    assert_eq!(sql(folder.path(), left), "3\t0\t1\t1\n");
    assert_eq!(sql(folder.path(), letters), "0\t1\n");
    let (said, _, _) = run(folder.path(), &["identity", "show", "user:u1"], "");
    assert_eq!(said, "user:u1 is erased\n");
    assert!(ok(folder.path(), &["forget", "user:u1", "--day", "2026-06-30"]).contains("the order is carried out"));
}

#[test]
fn what_is_still_to_come_is_not_forgotten_and_a_sample_of_nobody_is_not_verified() {
    let folder = readable();
    let (_, errors, code) = run(folder.path(), &["forget", "user:u1", "--day", "2999-01-01"], "");
    assert!(code == 78 && errors.starts_with("2999-01-01 is still to come: "), "{code}: {errors}");
    assert!(errors.contains("\n  allowed: up to 2"), "{errors}");
    assert_eq!(sql(folder.path(), "SELECT count() FROM operator_orders"), "0\n");
    let (_, errors, code) = run(folder.path(), &["verify", "--sample", "0"], "");
    assert!(code == 2 && errors.contains("a sample of none compares nothing; allowed: 1 or more"), "{code}: {errors}");
}

#[test]
fn retain_lets_history_go_but_not_what_is_still_on_its_way() {
    let folder = readable();
    let (_, errors, code) = run(folder.path(), &["retain", "--before", "2026-01-02"], "");
    assert_eq!(
        (errors.as_str(), code),
        (
            "2026-01-02 is too late: journeys that were last seen before it may still be on their way\n  \
             allowed: up to 2025-12-06, the longest drop-off limit of the maps before the events known now (2026-01-05T08:00:00Z)\n",
            78
        )
    );
    let (_, errors, code) = run(folder.path(), &["retain", "--before", "soon"], "");
    assert_eq!((errors.as_str(), code), ("`soon` is no day\n  allowed: a UTC day such as 2026-06-30\n", 78));
    let later = EVENTS[3].replace("\"4\"", "\"9\"").replace("2026-01-01", "2026-03-01");
    std::fs::write(folder.path().join("events.ndjson"), format!("{}\n{later}", EVENTS.join("\n"))).expect("writable");
    ok(folder.path(), &["run", "--until-end"]);
    // One journey is over before the second of January; the other lies across it, and its entry goes.
    let dry = ok(folder.path(), &["retain", "--before", "2026-01-02", "--dry-run"]);
    assert!(
        dry.contains(
            "map trial: journeys 2 -> 0; completed 1 -> 0; dropped 1 -> 0; to v_journeys_frozen 1; across 2026-01-02 1, which \
             lose what they have before it, and 1 of them disappear\n"
        ) && dry.ends_with("nothing is changed: this was a dry run\n"),
        "{dry}"
    );
    let said = ok(folder.path(), &["retain", "--before", "2026-01-10"]);
    assert_eq!(
        said,
        "before  cookie:c2: cookie:c2\nafter   cookie:c2: no customer\n\
         map trial: journeys 2 -> 0; completed 1 -> 0; dropped 1 -> 0; to v_journeys_frozen 2\n\
         map buyers: journeys 1 -> 0; completed 1 -> 0; to v_journeys_frozen 1\nthe order is carried out: 3 customers computed anew\n"
    );
    assert_eq!(
        sql(folder.path(), "SELECT map, customer, outcome, touchpoints FROM v_journeys_frozen ORDER BY ALL"),
        "buyers\tuser:u1\tcompleted\t['payment']\ntrial\tcookie:c2\tdropped\t['pricing']\n\
         trial\tuser:u1\tcompleted\t['pricing','signed_up','first_payment']\n"
    );
    assert_eq!(sql(folder.path(), "SELECT count() FROM v_journeys"), "0\n");
    assert_eq!(sql(folder.path(), "SELECT sum(entered) FROM journeys_1d FINAL"), "0\n");
    assert_eq!(sql(folder.path(), "SELECT min(occurred_at) FROM events"), "2026-03-01 12:00:00.000000\n");
}

/// A process that goes on, stopped with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn the_process_that_holds_the_store_carries_an_order_out() {
    let folder = readable();
    let address = folder.path().join("tropa-data/serve");
    std::fs::remove_file(&address).expect("the run that filled the store has left its address");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tropa"));
    command.arg("run").current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = Running(command.spawn().expect("the binary runs"));
    let until = Instant::now() + Duration::from_secs(300);
    while !address.exists() {
        assert!(running.0.try_wait().expect("a child").is_none(), "the process has ended");
        assert!(Instant::now() < until, "no address in the data folder");
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = ok(folder.path(), &["forget", "cookie:c2", "--day", "2026-06-30"]);
    assert!(said.contains("the order is carried out: 1 customers computed anew\n"), "{said}");
    assert!(running.0.try_wait().expect("a child").is_none(), "the process goes on");
    assert_eq!(sql(folder.path(), "SELECT count() FROM events WHERE has(identifiers, 'cookie:c2')"), "0\n");
}
