//! The internal topics themselves. In: the roles' config. Out: topics created as the protocol needs them, or a plain word
//! about what is wrong with those that are there.

use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::{LONGEST, RelayError, Upto, client};
use crate::config::RolesConfig;
use crate::source::kafka::admin;
use crate::stage::Cut;

const ANSWER: Duration = Duration::from_secs(15);
/// What is not stored elsewhere lives this long in them.
const RETENTION_DAYS: u64 = 7;

fn kafka(error: impl std::fmt::Display) -> RelayError {
    RelayError::Kafka(error.to_string())
}

/// Creates what is missing for a cut of the customers; returns the names of what was.
pub async fn create(roles: &RolesConfig, cut: Cut) -> Result<Vec<String>, RelayError> {
    let admin: AdminClient<DefaultClientContext> = client(roles).create().map_err(kafka)?;
    let retention = (RETENTION_DAYS * 86_400_000).to_string();
    let replication = match roles.replication {
        Some(copies) => copies,
        None => brokers(roles).await?.min(3) as i32,
    };
    let insync = if replication >= 3 { "2" } else { "1" };
    let topics = [(roles.identity_topic(), 1), (roles.customers_topic(cut.since), i32::from(cut.slices))];
    let wanted: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|(name, partitions)| {
            NewTopic::new(name, *partitions, TopicReplication::Fixed(replication))
                .set("retention.ms", &retention)
                .set("max.message.bytes", LONGEST)
                .set("min.insync.replicas", insync)
                .set("unclean.leader.election.enable", "false")
        })
        .collect();
    let done = admin.create_topics(&wanted, &AdminOptions::new().operation_timeout(Some(ANSWER))).await;
    let mut made = Vec::new();
    for result in done.map_err(kafka)? {
        match result {
            Ok(name) => made.push(name),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code @ RDKafkaErrorCode::InvalidReplicationFactor)) => {
                let help = "hint: `roles: { replication: … }` asks for more copies than there are brokers";
                return Err(kafka(format!("topic `{name}` cannot be created: {code}\n  {help}")));
            }
            Err((name, code)) => return Err(kafka(format!("topic `{name}` cannot be created: {code}"))),
        }
    }
    check(roles, cut).await?;
    Ok(made)
}

async fn brokers(roles: &RolesConfig) -> Result<usize, RelayError> {
    metadata(roles, None, |found| found.brokers().len()).await
}

/// Partitions of a topic; 0: it is not there.
pub async fn partitions_of(roles: &RolesConfig, topic: String) -> Result<usize, RelayError> {
    let name = topic.clone();
    let partitions =
        move |found: &Metadata| found.topics().iter().find(|t| t.name() == name).map_or(0, |t| t.partitions().len());
    metadata(roles, Some(topic), partitions).await
}

/// What the brokers say of one topic, or of all.
async fn metadata<T: Send + 'static>(
    roles: &RolesConfig,
    topic: Option<String>,
    read: impl FnOnce(&Metadata) -> T + Send + 'static,
) -> Result<T, RelayError> {
    let config = client(roles);
    let looked = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = config.create().map_err(kafka)?;
        Ok(read(&consumer.fetch_metadata(topic.as_deref(), ANSWER).map_err(kafka)?))
    });
    looked.await.map_err(kafka)?
}

/// Hosts where the writer of identity runs, and where others stand by.
pub async fn writers(roles: &RolesConfig) -> Result<Vec<String>, RelayError> {
    admin::members(client(roles), &roles.writer_group(), &roles.identity_topic()).await.map_err(RelayError::Kafka)
}

/// Hosts where owners of customers run.
pub async fn owners(roles: &RolesConfig, cut: Cut) -> Result<Vec<String>, RelayError> {
    let (group, topic) = (roles.journeys_group(cut.since), roles.customers_topic(cut.since));
    admin::members(client(roles), &group, &topic).await.map_err(RelayError::Kafka)
}

/// Whether the topics are there, as the cut of the customers needs them.
pub async fn check(roles: &RolesConfig, cut: Cut) -> Result<(), RelayError> {
    for (topic, wanted) in [(roles.identity_topic(), 1), (roles.customers_topic(cut.since), usize::from(cut.slices))] {
        match partitions_of(roles, topic.clone()).await? {
            0 => return Err(RelayError::NoTopic { topic }),
            found if found != wanted => return Err(RelayError::OtherPartitions { topic, found, wanted }),
            _ => {}
        }
    }
    Ok(())
}

/// Waits until the owners of customers have written everything that was announced up to here.
pub async fn wait_until_committed(roles: &RolesConfig, cut: Cut, upto: &Upto) -> Result<(), RelayError> {
    let consumer: BaseConsumer =
        client(roles).set("group.id", roles.journeys_group(cut.since)).create().map_err(kafka)?;
    let consumer = std::sync::Arc::new(consumer);
    let topic = roles.customers_topic(cut.since);
    let wanted = upto.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    loop {
        let (asked, topic, wanted) = (consumer.clone(), topic.clone(), wanted.clone());
        let there = tokio::task::spawn_blocking(move || {
            let mut list = TopicPartitionList::new();
            for &partition in wanted.keys() {
                list.add_partition(&topic, i32::from(partition));
            }
            let committed = asked.committed_offsets(list, ANSWER)?;
            let next = |partition: u16| match committed.find_partition(&topic, i32::from(partition)).map(|p| p.offset())
            {
                Some(rdkafka::Offset::Offset(next)) => next,
                _ => 0,
            };
            Ok::<bool, KafkaError>(wanted.iter().all(|(&partition, &upto)| next(partition) >= upto))
        });
        match there.await.map_err(kafka)? {
            Ok(true) => return Ok(()),
            // Not yet, or nobody answers now: it is asked again.
            Ok(false) | Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}
