//! What the consumer group tells the consumer. In: librdkafka's callbacks, made inside `poll`. Out: partitions gained,
//! for the reader to find where to start; what the broker's trouble is, said once per change. A gained partition is
//! assigned by the reader, which may take its time for that; a lost one is given back here and now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::ConsumerGroup;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};
use tracing::{debug, info, warn};

use super::KafkaSource;
use super::settings::plain;
use super::words::Trouble;
use crate::health::{Condition, Health, Place};
use crate::source::offsets::TopicPartition;
use crate::time::Timestamp;

/// A connection that has held so long since the last trouble is well.
const SETTLED: Duration = Duration::from_secs(2);
/// Longest wait for statistics at once.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) struct Group {
    brokers: String,
    name: String,
    source: Arc<str>,
    health: Health,
    clock: fn() -> Timestamp,
    changed: AtomicBool,
    /// By the last statistics: the group is being joined, and the broker has not answered yet.
    joining: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Given to us; those not started yet are `gained` too.
    held: BTreeSet<TopicPartition>,
    gained: BTreeSet<TopicPartition>,
    /// The group waits for our answer to an assignment, be it an empty one.
    asked: bool,
    /// From statistics: the next offset to fetch, where nothing fetched waits any more; and where the log ends.
    fetched: BTreeMap<TopicPartition, i64>,
    ends: BTreeMap<TopicPartition, i64>,
    /// What does not work, and when it was last heard of.
    trouble: Option<(Trouble, Instant)>,
    refused_commit: Option<String>,
}

impl Group {
    pub fn new(source: &KafkaSource) -> Self {
        let input = &source.input;
        Self::of((&input.brokers, &input.group), source.name.clone(), source.health.clone(), source.clock)
    }

    /// `source`: whose trouble it is, as people know it.
    pub fn of((brokers, name): (&str, &str), source: Arc<str>, health: Health, clock: fn() -> Timestamp) -> Self {
        Self {
            brokers: brokers.to_owned(),
            name: name.to_owned(),
            source,
            health,
            clock,
            changed: AtomicBool::new(false),
            joining: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// A partition as the figures know it.
    pub fn place(&self, partition: &TopicPartition) -> Place {
        (self.source.clone(), partition.topic.clone(), partition.partition)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below leaves the state whole, so a panic elsewhere while it was held changes nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the assignment has changed since this was last asked.
    pub fn take_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed) && self.changed.swap(false, Ordering::Relaxed)
    }

    /// Looks again at the next chance: something could not be found out.
    pub fn look_again(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Those of the partitions that the client reads; others it would not know.
    fn started_of(&self, partitions: &[TopicPartition]) -> TopicPartitionList {
        let state = self.state();
        let mut list = TopicPartitionList::new();
        for p in partitions.iter().filter(|p| !state.gained.contains(p)) {
            list.add_partition(&p.topic, p.partition);
        }
        list
    }

    /// Waits, `longest` at most, until no join is under way, and leaves. The broker answers a client's requests in their
    /// order: a leave that is sent while a join waits for the others is heard too late, and the group gives partitions to a
    /// member that is gone, until its session is over.
    pub fn leave(consumer: &GroupConsumer, longest: Duration) {
        let until = Instant::now() + longest;
        let joining = &consumer.context().joining;
        joining.store(true, Ordering::Relaxed);
        while joining.load(Ordering::Relaxed) && Instant::now() < until {
            // Statistics come with it. Messages are left to whoever has their partitions next.
            consumer.poll(LOOK);
        }
        consumer.unsubscribe();
    }

    pub fn holds(&self, partition: &TopicPartition) -> bool {
        self.state().held.contains(partition)
    }

    pub fn held(&self) -> BTreeSet<TopicPartition> {
        self.state().held.clone()
    }

    /// Partitions of ours that have not been started, if the group waits for them to be.
    pub fn gained(&self) -> Option<Vec<TopicPartition>> {
        let state = self.state();
        state.asked.then(|| state.gained.iter().cloned().collect())
    }

    pub fn started(&self, partitions: &[TopicPartition]) {
        let mut state = self.state();
        state.asked = false;
        for partition in partitions {
            state.gained.remove(partition);
        }
    }

    /// How far a partition has been fetched and given out, by the last statistics.
    pub fn fetched(&self, partition: &TopicPartition) -> Option<i64> {
        self.state().fetched.get(partition).copied()
    }

    /// Where a partition ended by the last statistics.
    pub fn end(&self, partition: &TopicPartition) -> Option<i64> {
        self.state().ends.get(partition).copied()
    }

    /// A partition that is ours and must be started once more.
    pub fn take_anew(&self, partition: TopicPartition) {
        let mut state = self.state();
        state.asked = true;
        state.gained.insert(partition);
        drop(state);
        self.look_again();
    }

    /// Something does not work now. Said once until it is over, or until more is known about it.
    pub fn trouble(&self, trouble: Trouble) {
        let mut state = self.state();
        let known = state.trouble.as_ref().map(|(t, _)| t);
        let says_less = known.is_some_and(|t| t.telling && !trouble.telling && trouble.of_connection);
        if says_less || known == Some(&trouble) {
            if let Some((_, heard)) = &mut state.trouble {
                *heard = Instant::now();
            }
            return;
        }
        warn!(brokers = self.brokers, group = self.name, "Kafka: {}; waiting, nothing is lost", trouble.text);
        let text = format!("Kafka at {}: {}", self.brokers, trouble.text);
        self.health.raise(Condition::Kafka(self.source.clone()), text);
        state.trouble = Some((trouble, Instant::now()));
    }

    pub fn works(&self) {
        if self.state().trouble.take().is_some() {
            self.health.clear(&Condition::Kafka(self.source.clone()));
            info!(brokers = self.brokers, "Kafka answers again");
        }
    }

    /// A connection that is there again ends a trouble that lay in the connection, also while no record comes.
    fn connected(&self) {
        let over = |(t, heard): &(Trouble, Instant)| t.of_connection && heard.elapsed() > SETTLED;
        if self.state().trouble.as_ref().is_some_and(over) {
            self.works();
        }
    }
}

impl ClientContext for Group {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, text: &str) {
        debug!(target: "librdkafka", facility, "{text}");
    }

    fn stats(&self, statistics: Statistics) {
        let of = statistics.cgrp.as_ref();
        let asks = |g: &ConsumerGroup| g.state == "up" && ["wait-join", "wait-sync"].contains(&&*g.join_state);
        self.joining.store(of.is_some_and(asks), Ordering::Relaxed);
        let member = of.is_some_and(|g| g.state == "up" && g.join_state == "steady");
        if member && statistics.brokers.values().any(|b| b.nodeid >= 0 && b.state == "UP") {
            self.connected();
        }
        let now = (self.clock)();
        let mut state = self.state();
        for (name, topic) in &statistics.topics {
            for p in topic.partitions.values().filter(|p| p.partition >= 0) {
                let partition = TopicPartition::new(name.as_str(), p.partition);
                state.ends.insert(partition.clone(), p.hi_offset);
                self.health.lags().ends(&self.place(&partition), p.hi_offset, now);
                if p.fetchq_cnt == 0 {
                    state.fetched.insert(partition, p.next_offset);
                }
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "kafka");
        self.trouble(Trouble::of(&error, reason));
    }
}

impl ConsumerContext for Group {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<TopicPartition> =
            list.elements().iter().map(|e| TopicPartition::new(e.topic(), e.partition())).collect();
        let names = || partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        self.look_again();
        if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            if !partitions.is_empty() {
                info!(group = self.name, partitions = names(), "assigned");
            }
            let mut state = self.state();
            state.asked = true;
            state.held.extend(partitions.iter().cloned());
            state.gained.extend(partitions);
            return;
        }
        if !partitions.is_empty() {
            info!(group = self.name, partitions = names(), "given back");
        }
        let started = self.started_of(&partitions);
        let done = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(&started),
            _ => consumer.unassign(),
        };
        if let Err(e) = done {
            debug!(error = %e, "the broker had taken them already");
        }
        let mut state = self.state();
        for partition in &partitions {
            self.health.lags().lost(&self.place(partition));
            state.held.remove(partition);
            state.gained.remove(partition);
            state.fetched.remove(partition);
            state.ends.remove(partition);
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        // The stored positions are what a restart goes by; a commit that fails is made up by the next.
        let refused = result.err().map(|e| plain(&e));
        let mut state = self.state();
        if refused != state.refused_commit {
            if let Some(reason) = &refused {
                warn!(group = self.name, reason, "offsets are stored in the warehouse and not yet in Kafka");
            }
            state.refused_commit = refused;
        }
    }
}

/// Shared with the handle, which commits.
pub(crate) type GroupConsumer = Arc<BaseConsumer<Group>>;
