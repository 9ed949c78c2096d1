//! The internal topics, by which stages in different processes tell each other: `<prefix>.identity` (ingest to the identity
//! writer, one partition) and `<prefix>.customers` (the writer to the owners of slices of customers, one partition a
//! slice). In: messages of a stage. Out: the seams `Inlet` and `Outlet` over Kafka. Partitions are given out by Kafka's
//! consumer groups; what has been committed carries a note, so that it outlives its writer.

mod inlet;
mod outlet;
mod reader;
mod topics;
mod wire;

pub use inlet::TopicInlet;
pub use outlet::{TopicOutlet, Upto};
pub use topics::{check, create, owners, partitions_of, wait_until_committed, writers};
pub use wire::Wire;

use rdkafka::ClientConfig;

use crate::config::RolesConfig;

#[derive(Clone, Debug, thiserror::Error)]
pub enum RelayError {
    #[error("a message of an internal topic cannot be read: {0}\n  hint: is something else writing to it?")]
    Unreadable(String),
    #[error(
        "a message of an internal topic has schema {found}, and this program knows {known}\n  hint: upgrade this process"
    )]
    Newer { found: u16, known: u16 },
    #[error(
        "the {what} `{name}` of a message is not declared here\n  hint: all roles need the same config; restart this one with it"
    )]
    Undeclared { what: String, name: String },
    #[error(
        "the events of a message were decoded by another config (its fingerprint is {found}, here {own})\n  \
         hint: all roles need the same config; restart the one that has the older"
    )]
    OtherConfig { found: String, own: String },
    #[error(
        "what is announced is computed with reading {found}, which this process cannot compute\n  \
         hint: all roles need the same config and the same program; restart the one that has the older"
    )]
    UnknownReading { found: String },
    #[error("topic `{topic}` does not exist\n  hint: run `tropa migrate` once")]
    NoTopic { topic: String },
    #[error(
        "topic `{topic}` has {found} partitions, and was made with {wanted}\n  \
         hint: somebody has changed it; `tropa migrate --partitions` begins anew with a topic of its own"
    )]
    OtherPartitions { topic: String, found: usize, wanted: usize },
    #[error("Kafka: {0}")]
    Kafka(String),
    #[error("the thread that reads an internal topic is gone; the lines above say why")]
    Gone,
}

/// Messages are cut when they are larger; only one that cannot be cut may be.
const MESSAGE_BYTES: usize = 900 * 1024;
/// No message may be larger: a customer with very many identifiers, an event of the greatest size.
const LONGEST: &str = "16777216";

/// Settings of every client of the internal topics.
fn client(roles: &RolesConfig) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("client.id", "tropa");
    config.set("reconnect.backoff.max.ms", "2000");
    for (key, value) in &roles.settings {
        config.set(key, value);
    }
    config.set("bootstrap.servers", &roles.brokers);
    config
}
