//! A topic read again, up to where it was read before. In: a Kafka source, stored positions, where to begin. Out:
//! [`SourceEvent`]s like any source's. It takes the partitions by itself, outside of the consumer group: no member is
//! disturbed, and nothing is committed.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode as Code};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc::Sender;
use tracing::warn;

use super::reader::{envelope_of, payload_of};
use super::settings::plain;
use super::starts::{ANSWER, list, offset_in};
use super::{KafkaError, KafkaSource, settings};
use crate::event::{Position, RawRecord};
use crate::progress::{BarUnit, bar};
use crate::source::gathering::Gathering;
use crate::source::offsets::TopicPartition;
use crate::source::{SourceError, SourceEvent, on_a_thread};
use crate::time::Timestamp;

const POLL: Duration = Duration::from_millis(100);

/// Where to begin.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum From {
    Offset(i64),
    /// The first record that was written at or after this moment.
    At(Timestamp),
}

/// A stretch of one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stretch {
    pub name: TopicPartition,
    pub from: i64,
    /// The stored position: what comes from here on was never read.
    pub until: i64,
}

impl KafkaSource {
    /// What there is to be read again: of each stored partition (or of the one that is named) from `from` on, as far as
    /// the log still holds it. Not of the retry topic: what stands there is a copy, whose place is the original's.
    pub fn stretches(&self, from: From, partition: Option<i32>) -> Result<Vec<Stretch>, KafkaError> {
        let failed = |e: ClientError| KafkaError::Again { brokers: self.input.brokers.clone(), reason: plain(&e) };
        let consumer: BaseConsumer = config(self).create().map_err(failed)?;
        let wanted = |p: &&TopicPartition| !self.is_retry(&p.topic) && partition.is_none_or(|n| p.partition == n);
        let names: Vec<TopicPartition> = self.positions.keys().filter(wanted).cloned().collect();
        let at = match from {
            From::At(moment) if !names.is_empty() => {
                let wanted = list(&names, Offset::Offset(moment.micros().div_euclid(1000))).map_err(failed)?;
                Some(consumer.offsets_for_times(wanted, ANSWER).map_err(failed)?)
            }
            _ => None,
        };
        let mut stretches = Vec::with_capacity(names.len());
        for name in names {
            let stored = self.positions[&name].0;
            let (low, high) = consumer.fetch_watermarks(&name.topic, name.partition, ANSWER).map_err(failed)?;
            let wanted = match from {
                From::Offset(offset) => offset,
                // None that young: nothing is to be read again.
                From::At(_) => at.as_ref().and_then(|l| offset_in(l, &name)).unwrap_or(high),
            };
            if wanted < low {
                warn!(
                    partition = name.to_string(),
                    wanted,
                    first = low,
                    "the log begins later; reading again from there"
                );
            }
            stretches.push(Stretch { name, from: wanted.max(low), until: stored.min(high) });
        }
        stretches.retain(|s| s.from < s.until);
        Ok(stretches)
    }

    /// Reads the stretches on a thread of its own; [`SourceEvent::CaughtUp`] when all are through.
    pub fn read_again(self, stretches: Vec<Stretch>, out: Sender<SourceEvent>) {
        on_a_thread(self.name.clone(), out.clone(), move || {
            let source = self.source;
            let mut by_topic: BTreeMap<_, Vec<Stretch>> = BTreeMap::new();
            for stretch in stretches {
                by_topic.entry(stretch.name.topic.clone()).or_default().push(stretch);
            }
            // Topic by topic: the end of a log is told by the number of its partition alone.
            let done = by_topic.into_values().try_for_each(|stretches| read(&self, stretches, &out));
            let last = match done {
                Ok(()) => SourceEvent::CaughtUp { source },
                Err(error) => SourceEvent::Failed(SourceError::Kafka(error)),
            };
            // A closed channel means that the pipeline is gone: whoever ended it knows.
            out.blocking_send(last).ok();
        });
    }
}

fn config(source: &KafkaSource) -> ClientConfig {
    let mut config = settings::of(source);
    config.remove("group.instance.id");
    // Control records at the end of a log are never given out: only this says that it was reached.
    config.set("enable.partition.eof", "true");
    config
}

fn read(source: &KafkaSource, mut left: Vec<Stretch>, out: &Sender<SourceEvent>) -> Result<(), KafkaError> {
    let failed = |reason: String| KafkaError::Again { brokers: source.input.brokers.clone(), reason };
    let consumer: BaseConsumer = config(source).create().map_err(|e| failed(plain(&e)))?;
    let mut assignment = TopicPartitionList::new();
    for s in &left {
        let added = assignment.add_partition_offset(&s.name.topic, s.name.partition, Offset::Offset(s.from));
        added.map_err(|e| failed(plain(&e)))?;
    }
    consumer.assign(&assignment).map_err(|e| failed(plain(&e)))?;
    let waiting = left.iter().map(|s| (s.until - s.from) as u64).sum();
    let shown = bar(waiting, "reading again", BarUnit::Count);
    let mut gathering = Gathering::new(source.source, source.admit.clone());
    let mut troubled = false;
    while !left.is_empty() {
        match consumer.poll(POLL) {
            Some(Ok(message)) => {
                troubled = false;
                let is = |s: &Stretch| s.name.partition == message.partition() && *s.name.topic == *message.topic();
                let Some(place) = left.iter().position(is) else { continue };
                let stretch = &mut left[place];
                if message.offset() < stretch.until {
                    let TopicPartition { topic, partition } = stretch.name.clone();
                    let position = Position { topic, partition, offset: message.offset() };
                    let record = RawRecord {
                        source: source.source,
                        position: &position,
                        line: 0,
                        payload: payload_of(&message, source.input.max_record_bytes),
                        received_at: (source.clock)(),
                    };
                    gathering.take(&record, || envelope_of(&message));
                    shown.inc(1);
                }
                if message.offset() + 1 >= stretch.until {
                    left.swap_remove(place);
                }
            }
            // The end of the log, where nothing but records of transactions is left.
            Some(Err(ClientError::PartitionEOF(partition))) => left.retain(|s| s.name.partition != partition),
            Some(Err(ClientError::MessageConsumption(Code::AutoOffsetReset | Code::OffsetOutOfRange))) => {
                return Err(failed("records expired while they were read".to_owned()));
            }
            Some(Err(error @ ClientError::MessageConsumptionFatal(_))) => return Err(failed(plain(&error))),
            Some(Err(error)) if !std::mem::replace(&mut troubled, true) => {
                warn!(error = plain(&error), "Kafka is in trouble; waiting for it");
            }
            Some(Err(_)) => {}
            None if out.is_closed() => return Ok(()),
            None => {}
        }
        let full = gathering.is_full(source.flush_records) || left.is_empty();
        if full && !gathering.is_empty() && out.blocking_send(SourceEvent::Batch(gathering.give())).is_err() {
            return Ok(());
        }
    }
    shown.finish_and_clear();
    Ok(())
}
