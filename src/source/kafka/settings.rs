//! What librdkafka is told. In: the checked input. Out: a client configuration, or the setting that cannot be used.
//! The config's `settings` are passed on as written and win over ours, except where correctness hangs on ours.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::KafkaError;
use crate::config::KafkaInput;

/// Ours, unless the config says otherwise.
const DEFAULTS: &[(&str, &str)] = &[
    ("client.id", "tropa"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    // Fill the queue steadily instead of in bursts, and fetch in larger pieces.
    ("fetch.queue.backoff.ms", "50"),
    ("fetch.min.bytes", "65536"),
    ("fetch.wait.max.ms", "200"),
    // A topic or partition that appears is noticed within this time.
    ("topic.metadata.refresh.interval.ms", "10000"),
    ("reconnect.backoff.max.ms", "5000"),
];

/// Ours, always: the promise of exact tables hangs on them.
const REQUIRED: &[(&str, &str, &str)] = &[
    ("enable.auto.commit", "false", "offsets are committed only after the data is stored"),
    ("enable.auto.offset.store", "false", "offsets are committed only after the data is stored"),
    ("auto.offset.reset", "error", "where to start is decided from what is stored; use `start:`"),
    ("group.protocol", "classic", "the group is one process with a static member"),
    ("statistics.interval.ms", "1000", "they tell when a partition is read to its end"),
];

/// Settings that have a key of their own, or other names of the required ones.
const ELSEWHERE: &[(&str, &str)] = &[
    ("bootstrap.servers", "use `brokers:`"),
    ("metadata.broker.list", "use `brokers:`"),
    ("group.id", "use `group:`"),
    ("auto.commit.enable", "offsets are committed only after the data is stored"),
    ("enable.partition.eof", "the end of a partition is told by other means"),
];

pub(super) fn client_config(input: &KafkaInput, instance: Option<&str>) -> Result<ClientConfig, KafkaError> {
    for (name, value) in &input.settings {
        let required = REQUIRED.iter().find(|r| r.0 == name && r.1 != value).map(|r| r.2);
        let elsewhere = ELSEWHERE.iter().find(|e| e.0 == name).map(|e| e.1);
        if let Some(reason) = required.or(elsewhere) {
            return Err(refused(name, value, reason));
        }
    }
    check_sasl(input)?;

    let mut config = ClientConfig::new();
    for (name, value) in DEFAULTS {
        config.set(*name, *value);
    }
    if let Some(instance) = instance {
        config.set("group.instance.id", instance);
    }
    for (name, value) in &input.settings {
        config.set(name, value);
    }
    for (name, value, _) in REQUIRED {
        config.set(*name, *value);
    }
    config.set("bootstrap.servers", &input.brokers).set("group.id", &input.group);
    config.set_log_level(RDKafkaLogLevel::Info);
    Ok(config)
}

/// librdkafka falls back to Kerberos, which is not built in, when no mechanism is named.
fn check_sasl(input: &KafkaInput) -> Result<(), KafkaError> {
    let given = |name: &str| input.settings.get(name).map(String::as_str);
    let Some(protocol) = given("security.protocol").filter(|p| p.to_ascii_lowercase().starts_with("sasl")) else {
        return Ok(());
    };
    match given("sasl.mechanism").or(given("sasl.mechanisms")) {
        None => Err(refused(
            "security.protocol",
            protocol,
            "`sasl.mechanism` must be set too (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER)",
        )),
        Some(mechanism) if mechanism.eq_ignore_ascii_case("gssapi") => {
            Err(refused("sasl.mechanism", mechanism, "Kerberos is not built in"))
        }
        Some(_) => Ok(()),
    }
}

fn refused(name: &str, value: &str, reason: &str) -> KafkaError {
    KafkaError::Setting { name: name.to_owned(), value: value.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KafkaStart;

    fn input(settings: &[(&str, &str)]) -> KafkaInput {
        KafkaInput {
            brokers: "127.0.0.1:9092".to_owned(),
            topics: vec!["clicks".to_owned()],
            group: "tropa".to_owned(),
            start: KafkaStart::Beginning,
            settings: settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            max_record_bytes: 1 << 20,
        }
    }

    #[test]
    fn settings_of_the_config_win_over_the_defaults() {
        let given = input(&[("fetch.min.bytes", "1"), ("enable.auto.commit", "false"), ("group.instance.id", "mine")]);
        let config = client_config(&given, Some("derived")).unwrap();
        assert_eq!(config.get("fetch.min.bytes"), Some("1"));
        assert_eq!(config.get("group.instance.id"), Some("mine"));
        assert_eq!(config.get("partition.assignment.strategy"), Some("cooperative-sticky"));
        assert_eq!(config.get("auto.offset.reset"), Some("error"));
        assert_eq!(client_config(&input(&[]), None).unwrap().get("group.instance.id"), None);
    }

    #[test]
    fn settings_that_would_break_the_promise_are_refused_with_the_reason() {
        let message = |name, value| client_config(&input(&[(name, value)]), None).unwrap_err().to_string();
        assert_eq!(
            message("enable.auto.commit", "true"),
            "setting `enable.auto.commit` = `true` cannot be used: offsets are committed only after the data is stored"
        );
        assert_eq!(message("group.id", "other"), "setting `group.id` = `other` cannot be used: use `group:`");
        assert!(message("group.protocol", "consumer").contains("static member"));
        assert!(message("security.protocol", "SASL_SSL").contains("`sasl.mechanism` must be set too"));
    }
}
