//! What commands ask of a source's brokers once: topics that must be there, dead letters to be tried again. In: a checked
//! source. Out: what was done; a broker that does not answer is an error here, not waited for.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::retried::Original;
use super::settings::{self, plain};
use crate::config::{DeadLetterConfig, KafkaInput};
use crate::event::Position;
use crate::time::Timestamp;

const ANSWER: Duration = Duration::from_secs(30);

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AdminError {
    #[error("the topic `{topic}` could not be created at {brokers}: {why}")]
    Create { brokers: String, topic: String, why: String },
    #[error(
        "{done} of {all} records were written to `{topic}` at {brokers}, then: {why}\n  hint: run the command again; a record that is tried twice counts once"
    )]
    Write { brokers: String, topic: String, done: usize, all: usize, why: String },
}

/// A dead letter to be tried again.
#[derive(Clone, Debug)]
pub struct Again {
    pub position: Position,
    pub received_at: Timestamp,
    pub key: Vec<u8>,
    pub payload: Vec<u8>,
}

/// Hosts of the members that a consumer group of a topic has now. It is asked, not joined; one that was killed is a member
/// until its session is over.
pub(crate) async fn members(mut config: ClientConfig, group: &str, topic: &str) -> Result<Vec<String>, String> {
    let (group, topic) = (group.to_owned(), topic.to_owned());
    config.set("group.id", &group);
    let looked = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = config.create().map_err(|e| plain(&e))?;
        // A group that we may not describe is not listed: it would seem to have no members.
        let mut any = TopicPartitionList::new();
        any.add_partition(&topic, 0);
        let deadline = Instant::now() + ANSWER;
        while let Err(e) = consumer.committed_offsets(any.clone(), ANSWER) {
            // A new group has no coordinator yet.
            if e.rdkafka_error_code() == Some(Code::GroupAuthorizationFailed) || Instant::now() > deadline {
                return Err(format!("the consumer group `{group}` cannot be looked at: {}", plain(&e)));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let list = consumer.fetch_group_list(Some(&group), ANSWER).map_err(|e| plain(&e))?;
        let members = list.groups().iter().flat_map(|g| g.members());
        let mut hosts: Vec<String> = members.map(|m| m.client_host().trim_start_matches('/').to_owned()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        Ok(hosts)
    });
    looked.await.map_err(|e| e.to_string())?
}

/// Hosts of those who read a source in its group now.
pub async fn readers(input: &KafkaInput) -> Result<Vec<String>, String> {
    members(settings::reading(input), &input.group, input.topics.first().map_or("", |topic| topic)).await
}

/// Creates the topics of a source's dead letters that are not there; returns those it made.
pub async fn create_topics(input: &KafkaInput, letters: &DeadLetterConfig) -> Result<Vec<String>, AdminError> {
    let wrong =
        |topic: &str, why: String| AdminError::Create { brokers: input.brokers.clone(), topic: topic.to_owned(), why };
    let mut made = Vec::new();
    for topic in letters.topic.iter().chain(&letters.retry) {
        let admin: AdminClient<DefaultClientContext> =
            settings::producer(input).create().map_err(|e| wrong(topic, plain(&e)))?;
        // Copies as the broker has them for new topics; one partition is plenty for what should not happen.
        let new = NewTopic::new(topic, 1, TopicReplication::Fixed(-1));
        let options = AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER));
        let answer = admin.create_topics([&new], &options).await.map_err(|e| wrong(topic, plain(&e)))?;
        match answer.into_iter().next() {
            Some(Ok(_)) => made.push(topic.clone()),
            Some(Err((_, Code::TopicAlreadyExists))) => {}
            Some(Err((_, code))) => return Err(wrong(topic, code.to_string())),
            None => return Err(wrong(topic, "the broker said nothing about it".to_owned())),
        }
    }
    Ok(made)
}

/// Writes dead letters to the retry topic, each acknowledged.
pub async fn retry(input: &KafkaInput, source: &str, topic: &str, letters: &[Again]) -> Result<(), AdminError> {
    let wrong = |done: usize, why: String| AdminError::Write {
        brokers: input.brokers.clone(),
        topic: topic.to_owned(),
        done,
        all: letters.len(),
        why,
    };
    let mut config = settings::producer(input);
    config.set("message.timeout.ms", ANSWER.as_millis().to_string());
    let producer: FutureProducer = config.create().map_err(|e| wrong(0, plain(&e)))?;
    // A few at a time: memory stays small however many there are.
    for (chunk, some) in letters.chunks(1_000).enumerate() {
        let mut sent = Vec::with_capacity(some.len());
        for letter in some {
            let original = Original {
                source: source.to_owned(),
                position: letter.position.clone(),
                received_at: letter.received_at,
            };
            let record = FutureRecord::to(topic).headers(original.headers()).key(&letter.key).payload(&letter.payload);
            sent.push(producer.send_result(record).map_err(|(e, _)| wrong(chunk * 1_000, plain(&e)))?);
        }
        for (i, acknowledged) in sent.into_iter().enumerate() {
            match acknowledged.await {
                Ok(Ok(_)) => {}
                Ok(Err((error, _))) => return Err(wrong(chunk * 1_000 + i, plain(&error))),
                Err(_) => return Err(wrong(chunk * 1_000 + i, "the client went away".to_owned())),
            }
        }
    }
    Ok(())
}
