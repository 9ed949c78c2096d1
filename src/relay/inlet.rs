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
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};
use tracing::info;

use super::wire::Wire;
use super::{LONGEST, RelayError, client};
use crate::config::{Config, RolesConfig};
use crate::health::Health;
use crate::source::kafka::group::{Group, GroupConsumer};
use crate::source::kafka::words::Trouble;
use crate::source::offsets::TopicPartition;
use crate::stage::{Again, Heard, Inlet, Notice, Partition};
use crate::time::Timestamp;

/// Longest wait for a message: stops and rebalances are noticed within it.
const POLL: Duration = Duration::from_millis(50);
const ANSWER: Duration = Duration::from_secs(10);
/// Messages that may wait to be taken.
const WAITING: usize = 16;

enum Said {
    Gained(Partition, u64),
    Lost(Partition),
    Message(Partition, i64, Vec<u8>),
    Failed(RelayError),
}

/// Partitions whose losses have been asked for, until the next commit, each with what its log held.
type Asked = Arc<Mutex<BTreeMap<Partition, (i64, i64)>>>;

fn set(asked: &Asked) -> MutexGuard<'_, BTreeMap<Partition, (i64, i64)>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

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
            .set("heartbeat.interval.ms", (roles.session_timeout.as_millis() / 4).to_string())
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
        let (own, ours) = (consumer.clone(), Vec::new());
        let reader = Reader { consumer: own, topic: topic.into(), out, stop: stop.clone(), ours, asking };
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
        let held = self.held.iter().map(|(&partition, &note)| Heard::Gained { partition, note });
        self.first = held.chain(self.waiting.take()).collect();
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
            Said::Gained(partition, note) => {
                self.held.insert(partition, note);
                Ok(Heard::Gained { partition, note })
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
                    Some(Code::IllegalGeneration | Code::UnknownMemberId | Code::FencedInstanceId) => return Ok(false),
                    // The group is being ordered anew, or the broker is away: it will be known soon.
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

/// A position with its note, as Kafka takes it.
fn position(topic: &str, partition: Partition, next: i64, note: u64) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    let mut place = list.add_partition(topic, i32::from(partition));
    place.set_offset(Offset::Offset(next))?;
    place.set_metadata(note.to_string());
    Ok(list)
}

/// Where a partition goes on.
struct Begin {
    next: i64,
    note: u64,
    /// The log does not hold everything since the last commit, or nothing was ever committed.
    lost: bool,
    /// What the log holds: from the first offset to before the second.
    there: (i64, i64),
}

/// As committed, else the beginning of what the log has.
fn committed_of(consumer: &GroupConsumer, topic: &str, partition: Partition) -> KafkaResult<Begin> {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, i32::from(partition));
    let committed = consumer.committed_offsets(list, ANSWER)?;
    let (low, high) = consumer.fetch_watermarks(topic, i32::from(partition), ANSWER)?;
    let Some(place) = committed.find_partition(topic, i32::from(partition)) else {
        return Ok(Begin { next: low, note: 0, lost: true, there: (low, high) });
    };
    let note = place.metadata().parse().unwrap_or_default();
    match place.offset() {
        Offset::Offset(next) if (low..=high).contains(&next) => {
            Ok(Begin { next, note, lost: false, there: (low, high) })
        }
        _ => Ok(Begin { next: low, note, lost: true, there: (low, high) }),
    }
}

/// Asks the identity writer to say again what was lost.
struct Asking {
    config: Arc<Config>,
    roles: RolesConfig,
    lost: fn(u64, Partition) -> Again,
    cut: u64,
    asked: Asked,
}

impl Asking {
    /// Returns once the topic of notices has it.
    fn ask(&self, partition: Partition) -> KafkaResult<()> {
        let again = Some((self.lost)(self.cut, partition));
        let notice = Notice { again, ..Notice::default() };
        let unsaid = |_| KafkaError::ClientCreation("a notice cannot be written".to_owned());
        let bytes = notice.encode(&self.config, &self.config.fingerprint).map_err(unsaid)?;
        let producer: FutureProducer = client(&self.roles)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", ANSWER.as_millis().to_string())
            .create()?;
        let topic = self.roles.identity_topic();
        let record = FutureRecord::<[u8], [u8]>::to(&topic).partition(0).payload(&bytes);
        let mut sent = producer.send_result(record).map_err(|(error, _)| error)?;
        producer.flush(ANSWER)?;
        // After the flush the answer is here.
        match Pin::new(&mut sent).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(Ok(_))) => Ok(()),
            Poll::Ready(Ok(Err((error, _)))) => Err(error),
            Poll::Ready(Err(_)) | Poll::Pending => Err(KafkaError::MessageProduction(Code::MessageTimedOut)),
        }
    }
}

struct Reader {
    consumer: GroupConsumer,
    topic: Arc<str>,
    out: Sender<Said>,
    stop: Arc<AtomicBool>,
    ours: Vec<TopicPartition>,
    asking: Asking,
}

/// Nobody listens any more.
struct Over;

impl Reader {
    fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) && self.turn().is_ok() {}
        self.consumer.unsubscribe();
    }

    fn turn(&mut self) -> Result<(), Over> {
        if self.consumer.context().take_changed() {
            self.follow_group()?;
        }
        let consumer = self.consumer.clone();
        match consumer.poll(POLL) {
            None => Ok(()),
            Some(Ok(message)) => {
                self.consumer.context().works();
                match self.heard(&message) {
                    Some(said) => self.say(said),
                    None => Ok(()),
                }
            }
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                self.say(Said::Failed(RelayError::Kafka(code.to_string())))?;
                Err(Over)
            }
            Some(Err(error)) => {
                if matches!(error.rdkafka_error_code(), Some(Code::AutoOffsetReset | Code::OffsetOutOfRange)) {
                    return self.begin_anew();
                }
                self.consumer.context().trouble(Trouble::of(&error, ""));
                Ok(())
            }
        }
    }

    /// Partitions whose log does not hold any more what comes next are taken as if they were gained now.
    fn begin_anew(&mut self) -> Result<(), Over> {
        let places = std::mem::take(&mut self.ours);
        let mut list = TopicPartitionList::new();
        for place in &places {
            list.add_partition(&place.topic, place.partition);
        }
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            tracing::debug!(%error, "partitions could not be given up to be taken anew");
        }
        for place in places {
            self.say(Said::Lost(Partition::try_from(place.partition).unwrap_or_default()))?;
            self.consumer.context().take_anew(place);
        }
        Ok(())
    }

    fn follow_group(&mut self) -> Result<(), Over> {
        let held = self.consumer.context().held();
        let lost: Vec<TopicPartition> = self.ours.extract_if(.., |p| !held.contains(p)).collect();
        for place in lost {
            self.say(Said::Lost(Partition::try_from(place.partition).unwrap_or_default()))?;
        }
        if let Some(gained) = self.consumer.context().gained()
            && let Err(error) = self.start(&gained)?
        {
            self.consumer.context().trouble(Trouble::of(&error, ""));
            self.consumer.context().look_again();
        }
        Ok(())
    }

    fn start(&mut self, gained: &[TopicPartition]) -> Result<KafkaResult<()>, Over> {
        let mut assignment = TopicPartitionList::new();
        let mut notes = Vec::new();
        for place in gained {
            let partition = Partition::try_from(place.partition).unwrap_or_default();
            let Begin { next, note, lost, there } = match committed_of(&self.consumer, &self.topic, partition) {
                Ok(found) => found,
                Err(error) => return Ok(Err(error)),
            };
            set(&self.asking.asked).remove(&partition);
            if lost {
                info!(
                    topic = &*self.topic,
                    partition,
                    from = next,
                    "what was not read is not there: it is asked for again"
                );
                if let Err(error) = self.asking.ask(partition) {
                    return Ok(Err(error));
                }
                set(&self.asking.asked).insert(partition, there);
            }
            if let Err(error) = assignment.add_partition_offset(&place.topic, place.partition, Offset::Offset(next)) {
                return Ok(Err(error));
            }
            notes.push((partition, note));
        }
        let assigned = match self.consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self.consumer.incremental_assign(&assignment),
            _ => self.consumer.assign(&assignment),
        };
        if let Err(error) = assigned {
            return Ok(Err(error));
        }
        self.consumer.context().started(gained);
        self.ours.extend(gained.iter().cloned());
        for (partition, note) in notes {
            self.say(Said::Gained(partition, note))?;
        }
        Ok(Ok(()))
    }

    /// `None`: fetched before its partition was given back. Whoever has it now reads it.
    fn heard(&self, message: &BorrowedMessage<'_>) -> Option<Said> {
        let place = TopicPartition::new(self.topic.clone(), message.partition());
        let partition = Partition::try_from(message.partition()).unwrap_or_default();
        let bytes = || message.payload().unwrap_or_default().to_vec();
        self.ours.contains(&place).then(|| Said::Message(partition, message.offset(), bytes()))
    }

    /// Gives it back where there is no room now.
    fn offer(&self, said: Said) -> Result<Option<Said>, Over> {
        match self.out.try_send(said) {
            Ok(()) => Ok(None),
            Err(TrySendError::Closed(_)) => Err(Over),
            Err(TrySendError::Full(said)) => Ok(Some(said)),
        }
    }

    /// Hands over; while nobody takes it, the partitions are paused and the membership is kept alive.
    fn say(&mut self, said: Said) -> Result<(), Over> {
        let mut waiting = self.offer(said)?;
        // A short wait costs nothing; pausing throws away what has been fetched.
        for _ in 0..100 {
            let Some(said) = waiting else { return Ok(()) };
            std::thread::sleep(Duration::from_millis(5));
            waiting = self.offer(said)?;
        }
        let mut fetched = Vec::new();
        while let Some(said) = waiting {
            // Each time, for partitions that were gained meanwhile start unpaused.
            self.pause(true);
            let consumer = self.consumer.clone();
            if let Some(Ok(message)) = consumer.poll(POLL) {
                fetched.extend(self.heard(&message));
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(Over);
            }
            waiting = self.offer(said)?;
        }
        self.pause(false);
        for said in fetched {
            self.say(said)?;
        }
        Ok(())
    }

    fn pause(&self, paused: bool) {
        let mut list = TopicPartitionList::new();
        for place in &self.ours {
            list.add_partition(&place.topic, place.partition);
        }
        let done = if paused { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        if let Err(error) = done {
            tracing::debug!(%error, "partitions could not be paused or resumed");
        }
    }
}
