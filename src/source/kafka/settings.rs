//! librdkafka's settings. In: a Kafka source. Out: the client's configuration: what the protocol rests on, our defaults,
//! and whatever the config passes through (`check` refuses those that would break the protocol).

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;

use super::KafkaSource;
use crate::config::KafkaInput;

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

const PRODUCER: [(&str, &str); 7] = [
    ("client.id", "tropa"),
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("message.timeout.ms", "0"),
    ("linger.ms", "5"),
    // What a topic takes is the broker's to say.
    ("message.max.bytes", "100000000"),
    // A topic that is not there is an error soon, not after half a minute.
    ("topic.metadata.propagation.max.ms", "3000"),
];

pub(super) fn of(source: &KafkaSource) -> ClientConfig {
    let mut config = reading(&source.input);
    match &source.instance {
        // Workers that share a group are many, come and go, and are to be replaced soon.
        None if !source.input.settings.contains_key("session.timeout.ms") => {
            config.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "1500");
        }
        Some(instance) if !source.input.settings.contains_key("group.instance.id") => {
            config.set("group.instance.id", instance);
        }
        _ => {}
    }
    config
}

/// The same for a consumer that joins no group.
pub(super) fn reading(input: &KafkaInput) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (key, value) in DEFAULTS {
        config.set(key, value);
    }
    for (key, value) in &input.settings {
        config.set(key, value);
    }
    for (key, value) in FIXED {
        config.set(key, value);
    }
    config.set("bootstrap.servers", &input.brokers);
    config.set("group.id", &input.group);
    config
}

/// A producer on the same brokers: nothing counts as written before every replica has it, and it is tried for ever.
pub(super) fn producer(input: &KafkaInput) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (key, value) in &input.settings {
        config.set(key, value);
    }
    for (key, value) in PRODUCER {
        config.set(key, value);
    }
    config.set("bootstrap.servers", &input.brokers);
    config
}

/// The first setting that librdkafka does not know, or not with this value, and what it says of it.
pub fn unusable(settings: &BTreeMap<String, String>) -> Option<(String, String)> {
    let mut config = ClientConfig::new();
    for (key, value) in settings {
        config.set(key, value);
    }
    match config.create_native_config() {
        Err(KafkaError::ClientConfig(_, text, key, _)) => Some((key, text)),
        _ => None,
    }
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
