//! librdkafka's settings. In: a Kafka source. Out: the client's configuration: what the protocol rests on, our defaults,
//! and whatever the config passes through (`check` refuses those that would break the protocol).

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;

use super::KafkaSource;

/// What a config may change. Fetching: a short pause when the local queue is full, and no request for single records.
const DEFAULTS: [(&str, &str); 5] = [
    ("client.id", "tropa"),
    ("fetch.queue.backoff.ms", "50"),
    ("fetch.min.bytes", "65536"),
    ("fetch.wait.max.ms", "100"),
    ("reconnect.backoff.max.ms", "2000"),
];

/// What it may not: positions are ours to choose and to commit, and a process that was killed must come back as itself.
const FIXED: [(&str, &str); 5] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    // Only there it is told where a log ends, and how far records reach that are never given out (of transactions).
    ("statistics.interval.ms", "1000"),
];

pub(super) fn of(source: &KafkaSource) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (key, value) in DEFAULTS {
        config.set(key, value);
    }
    match &source.instance {
        Some(instance) => config.set("group.instance.id", instance),
        None => config.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "1500"),
    };
    for (key, value) in &source.input.settings {
        config.set(key, value);
    }
    for (key, value) in FIXED {
        config.set(key, value);
    }
    config.set("bootstrap.servers", &source.input.brokers);
    config.set("group.id", &source.input.group);
    config
}

/// The error without the words around it.
pub(super) fn plain(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, text, key, value) => format!("`{key}: {value}`: {text}"),
        KafkaError::ClientCreation(text) | KafkaError::Subscription(text) => text.clone(),
        other => match other.rdkafka_error_code() {
            Some(code) => code.to_string(),
            None => other.to_string(),
        },
    }
}
