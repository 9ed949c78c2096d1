//! TLS and SASL SCRAM-SHA-512 to a real broker: what is right works; a wrong password, an unknown CA, a wrong host name
//! and a user without rights are each named, at once by `check --connect` and once by `run`.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::broker::{Broker, Secure};
use crate::running::{MAP, Running, ask, text, tropa, until};

/// A config whose source is topic `secure` through the TLS listener, with some words replaced.
fn write_config(folder: &Path, secure: &Secure, changes: &[(&str, &str)]) {
    let mut config = format!(
        "schema: config/v1\nmaps: [shop.journey.yaml]\nrefresh: 1s\nsources:\n  web:\n    kafka:\n      brokers: \"{}\"\n      \
         topics: [secure]\n      group: secure\n      settings: {{ security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-512, \
         sasl.username: tropa, sasl.password: tropa-secret, ssl.ca.location: \"{}/ca.pem\" }}\n    \
         decoder: {{ id: id, name: name, time: at, ids: {{ user: user }} }}\n",
        secure.address,
        secure.tls.display()
    );
    for (from, to) in changes {
        assert!(config.contains(from), "{from} is not in\n{config}");
        config = config.replace(from, to);
    }
    std::fs::write(folder.join("tropa.yaml"), config).expect("writable");
    std::fs::write(folder.join("shop.journey.yaml"), MAP).expect("writable");
}

#[test]
fn tls_and_scram_work_and_what_is_wrong_with_them_is_named() {
    let (broker, secure) = Broker::with_tls();
    broker.topic("secure", 2);
    let mut records: Vec<String> = (0..60)
        .map(|i| format!("{{\"id\":{i},\"name\":\"page\",\"at\":\"2026-05-01T10:00:00Z\",\"user\":\"u{i}\"}}"))
        .collect();
    records.push("not json".to_owned());
    records.push("{\"id\":99,\"name\":\"other\",\"at\":\"2026-05-01T10:00:00Z\",\"user\":\"u\"}".to_owned());
    let keys: Vec<String> = (0..records.len()).map(|i| i.to_string()).collect();
    broker.produce("secure", keys.iter().zip(&records).map(|(k, r)| (k.as_str(), Some(r.as_bytes()))), "zstd");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let check = |changes: &[(&str, &str)]| {
        write_config(folder, &secure, changes);
        let began = Instant::now();
        let out = tropa(folder, &["check", "--connect"]);
        // Generous for a busy machine; librdkafka alone would go on for ever.
        assert!(began.elapsed() < Duration::from_secs(60), "{changes:?} took {:?}", began.elapsed());
        (out.status.code(), text(&out.stdout))
    };
    let (code, said) = check(&[]);
    assert_eq!(code, Some(0), "{said}");
    for words in [
        "1 broker, SASL_SSL with SCRAM-SHA-512",
        "topic `secure`: 2 partitions, 62 records, kept for ever",
        "consumer group `secure` may be used",
        "62 records read: 61 become events, 0 left out by the config, 1 dead letters",
        "60 `page`: `page` of map `shop`",
        "1 `other`: no touchpoint",
        "1 dead letters, not_json: ",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    let host = secure.address.replace("localhost", "127.0.0.1");
    type Changes<'a> = &'a [(&'a str, &'a str)];
    let wrong: [(&str, Changes<'_>, &str); 6] = [
        ("password", &[("tropa-secret", "wrong")], "the broker refuses user or password ("),
        (
            "ca",
            &[("/ca.pem", "/other-ca.pem")],
            "the certificate of the broker is signed by a CA that is not trusted\n",
        ),
        ("host", &[(&secure.address, &host)], "the certificate of the broker is for another host name\n"),
        ("topic", &[("[secure]", "[unsure]")], "topic `unsure` does not exist; `tropa run` waits for it"),
        (
            "rights",
            &[("username: tropa", "username: guest"), ("tropa-secret", "guest-secret")],
            "the user may not see it",
        ),
        (
            "group",
            &[("username: tropa", "username: guest"), ("tropa-secret", "guest-secret")],
            "the user may not use the consumer group",
        ),
    ];
    for (what, changes, words) in wrong {
        let (code, said) = check(changes);
        assert_eq!(code, Some(1), "{what}: {said}");
        assert!(said.contains(words), "{what}: {said}");
    }

    // The same as a run says it: once, until it is mended.
    for (changes, words) in [
        (wrong[0].1, "the broker refuses user or password ("),
        (wrong[1].1, "signed by a CA that is not trusted, or is for another host name"),
    ] {
        write_config(folder, &secure, changes);
        let mut run = Running::start(folder, &["run"]);
        run.hear(words);
        until("/readyz says it", || {
            run.get("/readyz").is_some_and(|(status, body)| status == 503 && body.contains(words))
        });
        // Several tries later.
        std::thread::sleep(Duration::from_secs(4));
        // A broker slow to answer may have been said before; why it refuses is said once.
        assert_eq!(run.count(words), 1, "said once, however often it is tried");
        write_config(folder, &secure, &[]);
        run.hear("the files are usable");
        until("the records are there", || ask(folder, "SELECT count() FROM events FINAL") == "61\n");
        until("it is ready", || run.ready());
        run.signal("TERM");
        assert_eq!(run.ends().0, 0);
    }
}
