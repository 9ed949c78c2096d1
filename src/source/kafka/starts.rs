//! Where to read gained partitions from. In: the consumer, the stored positions, the config's `start:`. Out: offsets,
//! chosen by [`offsets::start`], with what is worth saying about them. Asks the broker, and fails if it does not answer.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};
use tracing::{info, warn};

use super::KafkaSource;
use super::group::GroupConsumer;
use crate::config::{DeadLetterLimits, KafkaStart};
use crate::source::Counted;
use crate::source::limits::{Guard, TooMany};
use crate::source::offsets::{self, Known, StartReason, TopicPartition};

pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// A partition that is read.
#[derive(Clone, Debug)]
pub(super) struct Started {
    pub name: TopicPartition,
    /// The position to read next.
    pub next: i64,
    /// The end it had when it was assigned.
    pub end: i64,
    /// See [`crate::source::Progress::counted_before`]; nothing has been given out yet.
    pub counted_before: Option<Counted>,
    /// When its last record was written to the topic, in milliseconds since 1970, if the broker says so.
    pub newest: Option<i64>,
    pub guard: Guard,
    /// Not read on: too many dead letters.
    pub stopped: Option<TooMany>,
}

pub(super) fn of(
    consumer: &GroupConsumer,
    source: &KafkaSource,
    partitions: &[TopicPartition],
    read_before: &BTreeMap<TopicPartition, i64>,
) -> KafkaResult<Vec<Started>> {
    let at_moment = match source.input.start {
        KafkaStart::At(moment) if !partitions.is_empty() => {
            let millis = moment.micros().div_euclid(1000);
            Some(consumer.offsets_for_times(list(partitions, Offset::Offset(millis))?, ANSWER)?)
        }
        _ => None,
    };
    let mut started = Vec::with_capacity(partitions.len());
    for partition in partitions {
        let (low, high) = consumer.fetch_watermarks(&partition.topic, partition.partition, ANSWER)?;
        let first_run = match source.input.start {
            KafkaStart::Beginning => low,
            // What waits to be tried again was put there for us.
            _ if source.is_retry(&partition.topic) => low,
            KafkaStart::End => high,
            // After the last record: nothing of it is that young yet.
            KafkaStart::At(_) => at_moment.as_ref().and_then(|l| offset_in(l, partition)).unwrap_or(high),
        };
        let known = Known {
            // What this process has read it has stored or will: it goes on there.
            stored: read_before.get(partition).copied().or_else(|| source.positions.get(partition).map(|p| p.0)),
            first_run: source.positions.keys().all(|p| p.topic != partition.topic).then_some(first_run),
            low,
            high,
        };
        let start = offsets::start(&known);
        say(partition, &start, &known);
        let counted_before = match (known.stored, &source.stored) {
            (None, _) => Some(Counted::default()),
            (Some(_), None) => None,
            (Some(_), Some(_)) => source.positions.get(partition).map(|p| p.1),
        };
        // A dead letter that is tried again and fails says nothing new.
        let limits =
            if source.is_retry(&partition.topic) { DeadLetterLimits::NONE } else { source.dead_letters.limits };
        started.push(Started {
            name: partition.clone(),
            next: start.offset,
            end: high,
            counted_before,
            newest: None,
            guard: Guard::new(limits),
            stopped: None,
        });
    }
    Ok(started)
}

fn say(partition: &TopicPartition, start: &offsets::Start, known: &Known) {
    let (name, offset) = (partition.to_string(), start.offset);
    match start.reason {
        StartReason::Resumed => info!(partition = name, offset, behind = known.high - offset, "reading goes on"),
        StartReason::FirstRun => info!(partition = name, offset, behind = known.high - offset, "reading begins"),
        StartReason::NewPartition => info!(partition = name, offset, "a new partition, read from its beginning"),
        StartReason::OutOfRange { wanted } if wanted < known.low => {
            warn!(
                partition = name,
                from = wanted,
                to = known.low,
                "records expired before they were read; going on behind them"
            );
        }
        StartReason::OutOfRange { wanted } => {
            warn!(
                partition = name,
                wanted,
                end = known.high,
                "the topic ends before the stored position: it was made anew, and is read from its beginning"
            );
        }
    }
}

pub(super) fn list(partitions: &[TopicPartition], offset: Offset) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        list.add_partition_offset(&partition.topic, partition.partition, offset)?;
    }
    Ok(list)
}

pub(super) fn offset_in(list: &TopicPartitionList, partition: &TopicPartition) -> Option<i64> {
    match list.find_partition(&partition.topic, partition.partition)?.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}

/// The partitions with the offsets to read from, as librdkafka takes them.
pub(super) fn assignment(started: &[Started]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(started.len());
    for s in started {
        list.add_partition_offset(&s.name.topic, s.name.partition, Offset::Offset(s.next))?;
    }
    Ok(list)
}

/// How many partitions the topics have now; `None` while one of them does not exist.
pub(super) fn partitions_of(consumer: &GroupConsumer, topics: &[String]) -> KafkaResult<Option<usize>> {
    let mut count = 0;
    for topic in topics {
        let metadata = consumer.fetch_metadata(Some(topic), ANSWER)?;
        let known = metadata.topics().iter().find(|t| t.name() == topic && t.error().is_none());
        match known.map_or(0, |t| t.partitions().len()) {
            0 => return Ok(None),
            partitions => count += partitions,
        }
    }
    Ok(Some(count))
}

/// All of these, for pausing and resuming.
pub(super) fn all<'a>(partitions: impl IntoIterator<Item = &'a Started>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for Started { name, .. } in partitions {
        list.add_partition(&name.topic, name.partition);
    }
    list
}
