//! What the stage before has said, over Kafka. In: a topic and a consumer group. Out: partitions gained and lost, messages,
//! commits that carry a note. One thread polls; while nobody takes what it has, it pauses and keeps the membership alive.
//!
//! A message whose sender works with other inputs (another reading) is not given out: the inlet ends before it, so that
//! what was taken is settled first, and goes on with it once its owner can compute what is asked for. The same before a
//! message about another cut of the customers.
//!
//! Where the log does not hold what nobody has read (it was emptied or made anew, or the topic is new), the identity writer
//! is asked to say it again, before anything is read or committed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use tokio::sync::mpsc::{self, Receiver};

use super::reader::{Asked, Asking, Begin, POLL, Reader, Said, committed_of, position, set};
use super::wire::Wire;
use super::{LONGEST, RelayError, client};
use crate::config::{Config, RolesConfig};
use crate::health::Health;
use crate::source::kafka::group::{Group, GroupConsumer};
use crate::source::offsets::TopicPartition;
use crate::stage::{Heard, Inlet, Partition};
use crate::time::Timestamp;

/// Messages that may wait to be taken.
const WAITING: usize = 16;
/// Milliseconds; so late a member that leaves may learn that it is joining.
const STATISTICS: &str = "200";

pub struct TopicInlet<T> {
    consumer: GroupConsumer,
    topic: Arc<str>,
    heard: Receiver<Said>,
    stop: Arc<AtomicBool>,
    asked: Asked,
    thread: Option<std::thread::JoinHandle<()>>,
    config: Arc<Config>,
    inputs: Arc<str>,
    /// The cut of the customers that messages may speak of.
    cut: u64,
    /// The newest writer heard of.
    writer: u64,
    /// Partitions that were given out, each with its last note.
    held: BTreeMap<Partition, u64>,
    /// Said before anything else.
    first: VecDeque<Heard<T>>,
    /// Inputs of the message that waits for them.
    other: Option<Arc<str>>,
    waiting: Option<Heard<T>>,
    /// A lost partition is the end: whoever gains it again begins anew.
    ends_with_loss: bool,
}

impl<T: Wire> TopicInlet<T> {
    pub fn new(
        config: Arc<Config>,
        roles: &RolesConfig,
        (topic, group, cut): (&str, &str, u64),
        inputs: Arc<str>,
        (health, clock): (Health, fn() -> Timestamp),
    ) -> Result<Self, RelayError> {
        let wrong = |e: KafkaError| RelayError::Kafka(e.to_string());
        let consumer: BaseConsumer<Group> = client(roles)
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", roles.session_timeout.as_millis().to_string())
            // So soon a member hears that another has come or gone.
            .set("heartbeat.interval.ms", (roles.session_timeout.as_millis() / 12).to_string())
            .set("statistics.interval.ms", STATISTICS)
            .set("fetch.message.max.bytes", LONGEST)
            .set("fetch.wait.max.ms", "50")
            .create_with_context(Group::of((&roles.brokers, group), topic.into(), health, clock))
            .map_err(wrong)?;
        consumer.subscribe(&[topic]).map_err(wrong)?;
        let consumer = Arc::new(consumer);
        let (out, heard) = mpsc::channel(WAITING);
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Asked::default();
        let asking = Asking { config: config.clone(), roles: roles.clone(), lost: T::lost, cut, asked: asked.clone() };
        let reader = Reader::new(consumer.clone(), topic.into(), (out, stop.clone()), asking);
        let thread = Some(std::thread::spawn(move || reader.run()));
        let topic = topic.into();
        Ok(Self {
            consumer,
            topic,
            heard,
            stop,
            asked,
            thread,
            config,
            inputs,
            cut,
            writer: 0,
            held: BTreeMap::new(),
            first: VecDeque::new(),
            other: None,
            waiting: None,
            ends_with_loss: false,
        })
    }

    /// A lost partition ends what is heard, until [`TopicInlet::begin`].
    pub fn ending_with_loss(mut self) -> Self {
        self.ends_with_loss = true;
        self
    }

    /// What the message works with that ended what is heard.
    pub fn other(&self) -> Option<&Arc<str>> {
        self.other.as_ref()
    }

    pub fn holds_any(&self) -> bool {
        !self.held.is_empty()
    }

    /// Begins anew for a stage with these inputs: the partitions that are held are gained once more, and what waited for
    /// the inputs comes next.
    pub fn begin(&mut self, inputs: Arc<str>, cut: u64) {
        (self.inputs, self.cut) = (inputs, cut);
        self.other = None;
        let held: Vec<(Partition, u64)> = self.held.iter().map(|(&partition, &note)| (partition, note)).collect();
        let gained = (!held.is_empty()).then_some(Heard::Gained(held));
        self.first = gained.into_iter().chain(self.waiting.take()).collect();
    }

    /// Leaves the group at once, so that others need not wait for a time-out.
    pub async fn leave(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.heard.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed by itself.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    /// The message, unless its inputs must come first. What an older writer said is computed with what we have: its
    /// successor says again whatever needs more.
    fn judge(&mut self, heard: Heard<T>, inputs: String) -> Result<Heard<T>, RelayError> {
        let Heard::Message { message, .. } = &heard else { return Ok(heard) };
        let ours = *self.inputs == *inputs;
        if ours && message.cut() > self.cut {
            self.other = Some(inputs.into());
            self.waiting = Some(heard);
            return Ok(Heard::End);
        }
        match message.writer() {
            None if ours => Ok(heard),
            None => Err(RelayError::OtherConfig { found: inputs, own: self.inputs.to_string() }),
            Some(writer) if ours || writer < self.writer => {
                self.writer = self.writer.max(writer);
                Ok(heard)
            }
            Some(writer) => {
                self.writer = writer;
                self.other = Some(inputs.into());
                self.waiting = Some(heard);
                Ok(Heard::End)
            }
        }
    }

    fn holds(&self, partition: Partition) -> bool {
        self.consumer.context().holds(&TopicPartition::new(self.topic.clone(), i32::from(partition)))
    }
}

impl<T: Wire> Inlet<T> for TopicInlet<T> {
    type Error = RelayError;

    async fn poll(&mut self) -> Result<Heard<T>, RelayError> {
        if let Some(heard) = self.first.pop_front() {
            return Ok(heard);
        }
        if self.other.is_some() {
            return Ok(Heard::End);
        }
        match self.heard.recv().await.ok_or(RelayError::Gone)? {
            Said::Gained(gained) => {
                self.held.extend(gained.iter().copied());
                Ok(Heard::Gained(gained))
            }
            Said::Lost(partition) => {
                self.held.remove(&partition);
                if self.ends_with_loss {
                    self.first.push_back(Heard::End);
                }
                Ok(Heard::Lost { partition })
            }
            Said::Message(partition, offset, bytes) => {
                let (message, inputs) = T::decode(&bytes, &self.config)?;
                self.judge(Heard::Message { partition, offset, message }, inputs)
            }
            Said::Failed(error) => Err(error),
        }
    }

    async fn confirm(&mut self, partition: Partition, note: u64) -> Result<bool, RelayError> {
        loop {
            if !self.holds(partition) {
                return Ok(false);
            }
            let (consumer, topic, asked) = (self.consumer.clone(), self.topic.clone(), self.asked.clone());
            let committed = tokio::task::spawn_blocking(move || {
                let Begin { next, lost, there, .. } = committed_of(&consumer, &topic, partition)?;
                // The trace of a loss stands until somebody has asked for what was lost.
                let asked_for = |&(low, high): &(i64, i64)| low == there.0 && high <= there.1;
                if lost && !set(&asked).get(&partition).is_some_and(asked_for) {
                    return Ok::<bool, KafkaError>(false);
                }
                consumer.commit(&position(&topic, partition, next, note)?, CommitMode::Sync)?;
                set(&asked).remove(&partition);
                Ok(true)
            });
            match committed.await.map_err(|_| RelayError::Gone)? {
                Ok(ours) => return Ok(ours),
                Err(error) => match error.rdkafka_error_code() {
                    Some(Code::FencedInstanceId) => return Ok(false),
                    // The group is being ordered anew, or the broker is away: it will be known soon. A generation that is
                    // over says nothing of the partition: it may be ours in the next one, and is not announced again then.
                    _ => tokio::time::sleep(POLL).await,
                },
            }
        }
    }

    async fn commit(&mut self, partition: Partition, next: i64, note: u64) -> Result<(), RelayError> {
        self.held.entry(partition).and_modify(|known| *known = note);
        // Of a partition that is ours no more its new owner says how far it is. A commit that fails is made up by the next.
        if self.holds(partition) {
            let list = position(&self.topic, partition, next, note).map_err(|e| RelayError::Kafka(e.to_string()))?;
            if let Err(error) = self.consumer.commit(&list, CommitMode::Async) {
                tracing::debug!(%error, "a commit was refused");
            }
        }
        Ok(())
    }
}
