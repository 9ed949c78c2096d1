//! The thread that reads an internal topic for its inlet. In: a consumer group. Out: partitions gained and lost, messages,
//! handed over one by one; while nobody takes them it pauses and keeps the membership alive. What the log does not hold any
//! more is asked for again before anything is read.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use rdkafka::consumer::{Consumer, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc::{Sender, error::TrySendError};
use tracing::{debug, info};

use super::wire::Wire;
use super::{RelayError, client};
use crate::config::{Config, RolesConfig};
use crate::source::kafka::group::{Group, GroupConsumer};
use crate::source::kafka::words::Trouble;
use crate::source::offsets::TopicPartition;
use crate::stage::{Again, Notice, Partition};

/// Longest wait for a message: stops and rebalances are noticed within it.
pub(super) const POLL: Duration = Duration::from_millis(50);
/// So long something waits to be taken before the partitions are paused.
const PATIENCE: Duration = Duration::from_millis(500);
const ANSWER: Duration = Duration::from_secs(10);

/// What the thread hands over.
pub(super) enum Said {
    Gained(Vec<(Partition, u64)>),
    Lost(Partition),
    Message(Partition, i64, Vec<u8>),
    Failed(RelayError),
}

/// Partitions whose losses have been asked for, until the next commit, each with what its log held.
pub(super) type Asked = Arc<Mutex<BTreeMap<Partition, (i64, i64)>>>;

pub(super) fn set(asked: &Asked) -> MutexGuard<'_, BTreeMap<Partition, (i64, i64)>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A position with its note, as Kafka takes it.
pub(super) fn position(topic: &str, partition: Partition, next: i64, note: u64) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    let mut place = list.add_partition(topic, i32::from(partition));
    place.set_offset(Offset::Offset(next))?;
    place.set_metadata(note.to_string());
    Ok(list)
}

/// Where a partition goes on.
pub(super) struct Begin {
    pub(super) next: i64,
    pub(super) note: u64,
    /// The log does not hold everything since the last commit, or nothing was ever committed.
    pub(super) lost: bool,
    /// What the log holds: from the first offset to before the second.
    pub(super) there: (i64, i64),
}

/// As committed, else the beginning of what the log has.
pub(super) fn committed_of(consumer: &GroupConsumer, topic: &str, partition: Partition) -> KafkaResult<Begin> {
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
pub(super) struct Asking {
    pub(super) config: Arc<Config>,
    pub(super) roles: RolesConfig,
    pub(super) lost: fn(u64, Partition) -> Again,
    pub(super) cut: u64,
    pub(super) asked: Asked,
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

pub(super) struct Reader {
    consumer: GroupConsumer,
    topic: Arc<str>,
    out: Sender<Said>,
    stop: Arc<AtomicBool>,
    asking: Asking,
    ours: Vec<TopicPartition>,
    /// What nobody has taken yet, in its order, and since when the first of it waits.
    waiting: VecDeque<Said>,
    since: Option<Instant>,
}

/// Nobody listens any more.
struct Over;

impl Reader {
    pub(super) fn new(
        consumer: GroupConsumer,
        topic: Arc<str>,
        (out, stop): (Sender<Said>, Arc<AtomicBool>),
        asking: Asking,
    ) -> Self {
        Self { consumer, topic, out, stop, asking, ours: Vec::new(), waiting: VecDeque::new(), since: None }
    }

    pub(super) fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) && self.turn().is_ok() {}
        Group::leave(&self.consumer, self.asking.roles.session_timeout + POLL);
    }

    fn turn(&mut self) -> Result<(), Over> {
        if self.consumer.context().take_changed() {
            self.follow_group();
        }
        self.hand_over()?;
        match self.since.map(|since| since.elapsed()) {
            None => self.listen(),
            // A short wait costs nothing; pausing throws away what has been fetched.
            Some(waited) if waited < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
                Ok(())
            }
            // The group is heard all the while. Each time, for partitions that were gained meanwhile start unpaused.
            Some(_) => {
                self.pause(true);
                self.listen()
            }
        }
    }

    fn listen(&mut self) -> Result<(), Over> {
        let consumer = self.consumer.clone();
        match consumer.poll(POLL) {
            None => Ok(()),
            Some(Ok(message)) => {
                self.consumer.context().works();
                self.waiting.extend(self.heard(&message));
                Ok(())
            }
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                self.waiting.push_back(Said::Failed(RelayError::Kafka(code.to_string())));
                Ok(())
            }
            Some(Err(error)) => {
                if matches!(error.rdkafka_error_code(), Some(Code::AutoOffsetReset | Code::OffsetOutOfRange)) {
                    self.begin_anew();
                } else {
                    self.consumer.context().trouble(Trouble::of(&error, ""));
                }
                Ok(())
            }
        }
    }

    /// Partitions whose log does not hold any more what comes next are taken as if they were gained now.
    fn begin_anew(&mut self) {
        let places = std::mem::take(&mut self.ours);
        let mut list = TopicPartitionList::new();
        for place in &places {
            list.add_partition(&place.topic, place.partition);
        }
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            tracing::debug!(%error, "partitions could not be given up to be taken anew");
        }
        for place in places {
            self.waiting.push_back(Said::Lost(Partition::try_from(place.partition).unwrap_or_default()));
            self.consumer.context().take_anew(place);
        }
    }

    fn follow_group(&mut self) {
        let held = self.consumer.context().held();
        let lost: Vec<TopicPartition> = self.ours.extract_if(.., |p| !held.contains(p)).collect();
        for place in lost {
            self.waiting.push_back(Said::Lost(Partition::try_from(place.partition).unwrap_or_default()));
        }
        if let Some(gained) = self.consumer.context().gained()
            && let Err(error) = self.start(&gained)
        {
            self.consumer.context().trouble(Trouble::of(&error, ""));
            self.consumer.context().look_again();
        }
    }

    fn start(&mut self, gained: &[TopicPartition]) -> KafkaResult<()> {
        let mut assignment = TopicPartitionList::new();
        let mut notes = Vec::new();
        for place in gained {
            let partition = Partition::try_from(place.partition).unwrap_or_default();
            let Begin { next, note, lost, there } = committed_of(&self.consumer, &self.topic, partition)?;
            set(&self.asking.asked).remove(&partition);
            if lost {
                // A topic that never held anything has lost nothing; whether the store has something to say is not known here.
                if there == (0, 0) {
                    debug!(topic = &*self.topic, partition, "a new topic: what it should hold is asked for");
                } else {
                    info!(
                        topic = &*self.topic,
                        partition,
                        from = next,
                        "what was not read is not there: it is asked for again"
                    );
                }
                self.asking.ask(partition)?;
                set(&self.asking.asked).insert(partition, there);
            }
            assignment.add_partition_offset(&place.topic, place.partition, Offset::Offset(next))?;
            notes.push((partition, note));
        }
        match self.consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self.consumer.incremental_assign(&assignment),
            _ => self.consumer.assign(&assignment),
        }?;
        self.consumer.context().started(gained);
        self.ours.extend(gained.iter().cloned());
        if !notes.is_empty() {
            self.waiting.push_back(Said::Gained(notes));
        }
        Ok(())
    }

    /// `None`: fetched before its partition was given back. Whoever has it now reads it.
    fn heard(&self, message: &BorrowedMessage<'_>) -> Option<Said> {
        let place = TopicPartition::new(self.topic.clone(), message.partition());
        let partition = Partition::try_from(message.partition()).unwrap_or_default();
        let bytes = || message.payload().unwrap_or_default().to_vec();
        self.ours.contains(&place).then(|| Said::Message(partition, message.offset(), bytes()))
    }

    /// Gives out what there is room for.
    fn hand_over(&mut self) -> Result<(), Over> {
        while let Some(said) = self.waiting.pop_front() {
            let fails = matches!(said, Said::Failed(_));
            match self.out.try_send(said) {
                Ok(()) if fails => return Err(Over),
                Ok(()) => {}
                Err(TrySendError::Closed(_)) => return Err(Over),
                Err(TrySendError::Full(said)) => {
                    self.waiting.push_front(said);
                    self.since.get_or_insert_with(Instant::now);
                    return Ok(());
                }
            }
        }
        if self.since.take().is_some_and(|since| since.elapsed() >= PATIENCE) {
            self.pause(false);
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
