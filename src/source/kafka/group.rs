//! librdkafka's callbacks. In: rebalances, acknowledged commits, statistics, errors. Out: notes for the reader, which
//! takes them after each poll. They run inside `poll`, on the reader's own thread, and return at once; the only thing
//! done here is to give revoked partitions back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;
use serde::Deserialize;

use super::super::offsets::TopicPartition;

#[derive(Default)]
pub(super) struct Group {
    notes: Mutex<Notes>,
    closing: AtomicBool,
}

/// What happened since the reader last looked.
#[derive(Default)]
pub(super) struct Notes {
    pub rebalances: Vec<Rebalance>,
    /// Answers to commits, in order.
    pub commits: Vec<Result<(), String>>,
    /// librdkafka's own words on the last connection that failed.
    pub failure: Option<String>,
    pub statistics: Option<Statistics>,
}

pub(super) enum Rebalance {
    Assigned(Vec<TopicPartition>),
    Revoked(Vec<TopicPartition>),
}

impl Group {
    pub(super) fn take_notes(&self) -> Notes {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on an assignment is accepted only to be given back: librdkafka cannot close while one is unanswered.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    fn note(&self, write: impl FnOnce(&mut Notes)) {
        write(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl ConsumerContext for Group {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let partitions = partitions_of(list);
        if error == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            // The reader looks up where they start, and assigns them: that needs the network and may have to wait.
            if self.closing.load(Ordering::Relaxed) {
                accept(consumer, &partitions);
            } else {
                self.note(|notes| notes.rebalances.push(Rebalance::Assigned(partitions)));
            }
            return;
        }
        let given_back = if cooperative { consumer.incremental_unassign(list) } else { consumer.unassign() };
        if let Err(e) = given_back {
            tracing::debug!(error = %e, "revoked partitions were not assigned");
        }
        self.note(|notes| notes.rebalances.push(Rebalance::Revoked(partitions)));
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let failed = offsets.elements().into_iter().find_map(|e| e.error().err());
        let answer = match (result.err(), failed) {
            (None, None) => Ok(()),
            (Some(e), _) | (None, Some(e)) => Err(code_text(&e)),
        };
        self.note(|notes| notes.commits.push(answer));
    }
}

impl ClientContext for Group {
    /// librdkafka repeats itself at every attempt; what matters is told by `link`, once.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, "{message}");
    }

    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
        if !matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::AllBrokersDown)) {
            let words = reason.split(" (after").next().unwrap_or(reason).to_owned();
            self.note(|notes| notes.failure = Some(words));
        }
    }

    fn stats_raw(&self, json: &[u8]) {
        match serde_json::from_slice(json) {
            Ok(statistics) => self.note(|notes| notes.statistics = Some(statistics)),
            Err(e) => tracing::warn!(error = %e, "librdkafka's statistics cannot be read"),
        }
    }
}

/// Answers an assignment of which nothing will be read.
pub(super) fn accept(consumer: &BaseConsumer<Group>, partitions: &[TopicPartition]) {
    let offsets = partitions.iter().map(|p| (p, Offset::End));
    let assigned = match (list_of(offsets), consumer.rebalance_protocol()) {
        (Ok(list), RebalanceProtocol::Cooperative) => consumer.incremental_assign(&list),
        (Ok(list), _) => consumer.assign(&list),
        (Err(e), _) => Err(e),
    };
    if let Err(e) = assigned {
        tracing::debug!(error = %e, "an assignment came too late");
    }
}

pub(super) fn list_of<'a>(
    offsets: impl Iterator<Item = (&'a TopicPartition, Offset)>,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in offsets {
        list.add_partition_offset(&partition.topic, partition.partition, offset)?;
    }
    Ok(list)
}

pub(super) fn partitions_of(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements().iter().map(|e| TopicPartition::new(e.topic(), e.partition())).collect()
}

/// An error in the broker's words, without the wrapping of two libraries.
pub(super) fn code_text(error: &rdkafka::error::KafkaError) -> String {
    error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string())
}

/// The part of librdkafka's statistics that is used.
#[derive(Deserialize)]
pub(super) struct Statistics {
    #[serde(default)]
    brokers: HashMap<String, BrokerStatistics>,
    #[serde(default)]
    topics: HashMap<String, TopicStatistics>,
}

#[derive(Deserialize)]
struct BrokerStatistics {
    state: String,
}

#[derive(Deserialize)]
struct TopicStatistics {
    #[serde(default)]
    partitions: HashMap<String, PartitionStatistics>,
}

#[derive(Deserialize)]
pub(super) struct PartitionStatistics {
    pub partition: i32,
    /// Records fetched and not polled yet.
    pub fetchq_cnt: i64,
    /// Where the partition's end was last reached; negative: not since it was assigned.
    pub eof_offset: i64,
    pub hi_offset: i64,
}

impl Statistics {
    pub(super) fn any_broker_up(&self) -> bool {
        self.brokers.values().any(|broker| matches!(broker.state.as_str(), "UP" | "UPDATE"))
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = (&str, &PartitionStatistics)> {
        self.topics.iter().flat_map(|(topic, t)| t.partitions.values().map(move |p| (topic.as_str(), p)))
    }
}
