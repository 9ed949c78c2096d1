//! `tropa check --connect` looks at what is between roles: brokers, internal topics, their partitions.

use std::path::Path;

use crate::broker::Broker;
use crate::engine::Engine;
use crate::running::{folder, text, tropa, write_config};

fn check(folder: &Path) -> (String, i32) {
    let out = tropa(folder, &["check", "--connect"]);
    (text(&[out.stdout, out.stderr].concat()), out.status.code().expect("it ends by itself"))
}

#[test]
fn what_is_missing_between_roles_is_found_before_they_run_with_a_hint_each() {
    let broker = Broker::shared();
    let engine = Engine::start();
    let config = |brokers: &str, prefix: &str, partitions: u8| {
        format!(
            "warehouse: {{ url: \"{}\", database: connected }}\n\
             roles: {{ brokers: \"{brokers}\", prefix: {prefix}, partitions: {partitions}, replication: 1 }}\n\
             sources: {{ none: {{ decoder: web }} }}\n",
            engine.url()
        )
    };
    let folder = folder(&config(&broker.address, "connected", 2));
    let (said, code) = check(folder.path());
    assert_eq!(code, 1, "{said}");
    for words in [
        "this server has no database `connected`",
        "hint: `tropa migrate` makes it, with its tables",
        "ok       Kafka at ",
        "PROBLEM  topic `connected.identity` does not exist",
        "PROBLEM  topic `connected.customers` does not exist",
        "hint: run `tropa migrate` once",
    ] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    let (out, errors) = {
        let out = tropa(folder.path(), &["sql", "SELECT 1"]);
        (out.status.code(), text(&out.stderr))
    };
    assert!(out == Some(1) && errors.contains("no database `connected`\n  hint: `tropa migrate`"), "{errors}");

    let migrated = tropa(folder.path(), &["migrate"]);
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    let (said, code) = check(folder.path());
    assert_eq!(code, 0, "{said}");
    for words in [
        "ok       topic `connected.identity`: partitions: 1",
        "ok       topic `connected.customers`: partitions: 2",
        "ok       consumer group `connected.writer` may be used",
        "ok       consumer group `connected.journeys` may be used",
    ] {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    write_config(folder.path(), &config(&broker.address, "connected", 4));
    let (said, code) = check(folder.path());
    assert!(code == 0 && said.contains("cut into 2 slices, and the config says 4"), "{said}");

    broker.topic("unlike.identity", 3);
    write_config(folder.path(), &config(&broker.address, "unlike", 2));
    let (said, code) = check(folder.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("PROBLEM  topic `unlike.identity` has 3 partitions, and was made with 1"), "{said}");

    let port = crate::running::free_port();
    write_config(folder.path(), &config(&format!("127.0.0.1:{port}"), "connected", 2));
    let (said, code) = check(folder.path());
    assert!(code == 1 && said.contains(&format!("PROBLEM  Kafka at 127.0.0.1:{port}: ")), "{said}");
    drop(engine);
}
