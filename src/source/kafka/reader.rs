//! The thread that polls. In: a subscribed consumer. Out: [`SourceEvent`]s. It decodes from the borrowed payload, hands a
//! batch over at `flush_records` or `flush_interval`, and while nobody takes it keeps the membership alive with all
//! partitions paused, so that memory stays bounded however long the warehouse is away.

mod rejected;

pub(super) use rejected::envelope_of;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{Consumer, RebalanceProtocol};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message};
use tokio::runtime::Handle;
use tokio::sync::mpsc::Sender;
use tracing::{info, warn};

use super::group::{Group, GroupConsumer};
use super::letters::LetterTopic;
use super::retried::Original;
use super::settings::plain;
use super::starts::{self, Started};
use super::words::Trouble;
use super::{KafkaError, KafkaSource};
use crate::event::{Admit, Position, RawPayload, RawRecord, RejectReason};
use crate::health::Condition;
use crate::progress::{BarUnit, bar};
use crate::source::gathering::{Gathering, Taken};
use crate::source::offsets::TopicPartition;
use crate::source::{SourceError, SourceEvent};
use crate::time::Timestamp;

/// Longest wait for a message: stop and rebalances are noticed within it.
const POLL: Duration = Duration::from_millis(100);
/// A full queue is waited for without a word so long; pausing throws away what the client has fetched.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Reader {
    consumer: GroupConsumer,
    source: KafkaSource,
    out: Sender<SourceEvent>,
    runtime: Handle,
    stop: Arc<AtomicBool>,
    /// Assigned and started.
    partitions: Vec<Started>,
    /// Where in `partitions` the last message belonged: messages of one partition come in runs.
    last: usize,
    /// Where this process stands in every partition it ever read.
    read_before: BTreeMap<TopicPartition, i64>,
    /// Every partition of every topic is ours.
    whole: bool,
    /// The pipeline has been told where every partition stands, so that the watermark waits for all of them.
    announced: bool,
    gathering: Gathering<Arc<dyn Admit>>,
    /// What went wrong while a batch waited to be taken.
    troubles: Vec<ClientError>,
    /// Where dead letters go besides the table.
    letters: Option<LetterTopic>,
    opened: Instant,
    /// When the topics were last looked up because one was missing.
    looked_at: Instant,
    shown: Option<indicatif::ProgressBar>,
    caught_up: bool,
}

/// So long a join that is under way may keep it from leaving the group.
const LEAVING: Duration = Duration::from_secs(6);

/// The pipeline is gone, or the process is stopping.
struct Over;

impl Reader {
    pub fn new(consumer: GroupConsumer, source: KafkaSource, out: Sender<SourceEvent>, stop: Arc<AtomicBool>) -> Self {
        let gathering = Gathering::new(source.source, source.admit.clone());
        let now = Instant::now();
        let letters = source.dead_letters.topic.as_ref();
        let letters =
            letters.map(|topic| LetterTopic::new(source.name.clone(), &source.input, topic, source.health.clone()));
        Self {
            letters,
            consumer,
            source,
            out,
            runtime: Handle::current(),
            stop,
            partitions: Vec::new(),
            last: 0,
            read_before: BTreeMap::new(),
            whole: false,
            announced: true,
            gathering,
            troubles: Vec::new(),
            opened: now,
            looked_at: now,
            shown: None,
            caught_up: false,
        }
    }

    pub fn run(mut self) {
        while self.turn().is_ok() {}
        // One that comes back as itself does not leave.
        if self.source.instance.is_none() {
            Group::leave(&self.consumer, LEAVING);
        }
    }

    fn turn(&mut self) -> Result<(), Over> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Over);
        }
        if self.consumer.context().take_changed() {
            self.follow_group();
        }
        for error in std::mem::take(&mut self.troubles) {
            self.failed(&error)?;
        }
        let consumer = self.consumer.clone();
        let idle = match consumer.poll(POLL.min(self.source.flush_interval)) {
            Some(Ok(message)) => {
                self.take(&message);
                false
            }
            Some(Err(error)) => {
                self.failed(&error)?;
                false
            }
            None => true,
        };
        let full = self.gathering.is_full(self.source.flush_records);
        let due = self.gathering.records() > 0 && self.aged();
        if full || due || self.whole && !self.announced {
            self.give()?;
        }
        self.fail_if_stopped()?;
        if idle && self.source.until_end && !self.caught_up && self.at_end() {
            self.caught_up = true;
            if let Some(shown) = self.shown.take() {
                shown.finish_and_clear();
            }
            self.send(SourceEvent::CaughtUp { source: self.source.source })?;
        }
        Ok(())
    }

    fn aged(&self) -> bool {
        self.opened.elapsed() >= self.source.flush_interval
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) {
        let is = |p: &Started| p.name.partition == message.partition() && *p.name.topic == *message.topic();
        if !self.partitions.get(self.last).is_some_and(is) {
            // None: a partition that was given back meanwhile. Whoever has it now reads the message again.
            let Some(found) = self.partitions.iter().position(is) else { return };
            self.last = found;
        }
        if self.gathering.is_empty() {
            self.opened = Instant::now();
        }
        let payload = payload_of(message, self.source.input.max_record_bytes);
        let partition = &mut self.partitions[self.last];
        if partition.stopped.is_some() {
            // Fetched before it was paused: left in the topic.
            return;
        }
        partition.next = message.offset() + 1;
        partition.newest = message.timestamp().to_millis();
        let TopicPartition { topic, partition } = partition.name.clone();
        let position = Position { topic, partition, offset: message.offset() };
        let received_at = (self.source.clock)();
        let record = RawRecord { source: self.source.source, position: &position, line: 0, payload, received_at };
        let envelope = || envelope_of(message);
        if self.source.is_retry(message.topic()) {
            match Original::of(message) {
                Some(Original { source, position: original, received_at }) if *source == *self.source.name => {
                    let record = RawRecord { position: &original, received_at, ..record };
                    let is = |p: &&Started| p.name.topic == original.topic && p.name.partition == original.partition;
                    let stands = self.partitions.iter().find(is).map(|p| p.next);
                    self.gathering.take_again(&record, &position, stands, envelope);
                }
                // Another source's, or a stranger's.
                _ => {
                    self.gathering.moved(&position.topic, position.partition, position.offset + 1);
                }
            }
        } else {
            let taken = self.gathering.take(&record, envelope);
            if let Err(why) = self.partitions[self.last].guard.note(taken == Taken::Rejected) {
                self.stop_partition(why);
            }
        }
        if self.gathering.records() == 1 {
            self.consumer.context().works();
        }
    }

    /// Hands the open batch over, however long that takes.
    fn give(&mut self) -> Result<(), Over> {
        let all = !std::mem::replace(&mut self.announced, true);
        for Started { name, next, end, counted_before, newest, stopped, .. } in &mut self.partitions {
            let moved = self.read_before.insert(name.clone(), *next) != Some(*next);
            if let (true, Some(millis)) = (moved, *newest) {
                let written = Timestamp::from_micros(millis.saturating_mul(1000));
                self.source.health.lags().handed(&self.consumer.context().place(name), *next, written);
            }
            if all || moved || self.gathering.speaks_of(&name.topic, name.partition) {
                let progress = self.gathering.moved(&name.topic, name.partition, *next);
                // What a stopped partition holds is not known, and waits.
                progress.behind = stopped.is_some() || *next < self.consumer.context().end(name).unwrap_or(0).max(*end);
                progress.counted_before = counted_before.take();
                progress.content = self.source.reading.clone();
            }
        }
        let batch = self.gathering.give();
        if !batch.dead_letters.is_empty() {
            self.write_letters(&batch)?;
        }
        if let Some(shown) = &self.shown {
            shown.inc(batch.progress.iter().map(|p| p.counters.records).sum());
        }
        self.send(SourceEvent::Batch(batch))
    }

    fn send(&mut self, event: SourceEvent) -> Result<(), Over> {
        let (out, runtime) = (self.out.clone(), self.runtime.clone());
        let mut wait = PATIENCE;
        let mut paused = false;
        loop {
            let reserved = runtime.block_on(async { tokio::time::timeout(wait, out.reserve()).await });
            match reserved {
                Ok(Ok(permit)) => {
                    permit.send(event);
                    break;
                }
                Ok(Err(_)) => return Err(Over),
                Err(_) if self.stop.load(Ordering::Relaxed) => return Err(Over),
                Err(_) => {}
            }
            if !paused {
                info!("the warehouse is behind: Kafka is paused until it has caught up");
            }
            // Each time, for partitions that were gained meanwhile start unpaused.
            self.pause(true);
            (paused, wait) = (true, POLL);
            self.keep_membership();
        }
        if paused {
            self.pause(!self.whole);
            // The silence was ours: whoever waits with more must hold the watermark back before it moves on.
            self.announced = false;
            info!("Kafka is read on");
        }
        Ok(())
    }

    /// Polls without taking more than what had been fetched before the pause.
    fn keep_membership(&mut self) {
        if self.consumer.context().take_changed() {
            self.follow_group();
        }
        let consumer = self.consumer.clone();
        match consumer.poll(Duration::ZERO) {
            Some(Ok(message)) => self.take(&message),
            Some(Err(error)) => self.troubles.push(error),
            None => {}
        }
    }

    fn pause(&self, paused: bool) {
        // A stopped partition stays paused, whatever the others do.
        let all = starts::all(self.partitions.iter().filter(|p| paused || p.stopped.is_none()));
        let done = if paused { self.consumer.pause(&all) } else { self.consumer.resume(&all) };
        if let Err(error) = done {
            warn!(%error, "Kafka partitions could not be paused or resumed");
        }
    }

    /// Starts what was gained, forgets what was lost, and reads only if nothing is missing.
    fn follow_group(&mut self) {
        let held = self.consumer.context().held();
        for lost in self.partitions.extract_if(.., |p| !held.contains(&p.name)) {
            // What was taken of it will be stored: if it comes back, it is read on from there.
            self.read_before.insert(lost.name, lost.next);
        }
        match self.start_gained() {
            Ok(()) => {}
            Err(error) => {
                self.consumer.context().trouble(Trouble::of(&error, ""));
                self.consumer.context().look_again();
            }
        }
    }

    fn start_gained(&mut self) -> Result<(), ClientError> {
        if let Some(gained) = self.consumer.context().gained() {
            if let Some(stored) = &self.source.stored {
                match self.runtime.block_on(stored()) {
                    Ok(positions) => {
                        self.read_before.retain(|p, _| !gained.contains(p));
                        self.source.positions = positions;
                    }
                    Err(error) => {
                        let text = format!("the stored positions cannot be read: {error}");
                        self.consumer.context().trouble(Trouble::lasting(&text));
                        self.consumer.context().look_again();
                        return Ok(());
                    }
                }
            }
            let started = starts::of(&self.consumer, &self.source, &gained, &self.read_before)?;
            let assignment = starts::assignment(&started)?;
            match self.consumer.rebalance_protocol() {
                RebalanceProtocol::Cooperative => self.consumer.incremental_assign(&assignment)?,
                _ => self.consumer.assign(&assignment)?,
            }
            self.consumer.context().started(&gained);
            let now = (self.source.clock)();
            for s in &started {
                self.source.health.lags().starts(self.consumer.context().place(&s.name), s.next, s.end, now);
            }
            self.partitions.extend(started);
            self.announced = false;
        }
        let all = starts::partitions_of(&self.consumer, &self.source.topics())?;
        // Ingest workers share the partitions; a process of all stages must have every one.
        let whole = all == Some(self.partitions.len()) || self.source.stored.is_some() && all.is_some();
        self.say_whether_whole(whole, all);
        self.pause(!whole);
        if whole && !self.whole {
            self.consumer.context().works();
            self.show();
        }
        if let (false, Some(all)) = (whole, all) {
            let ours = self.partitions.len();
            if ours > 0 || self.whole {
                warn!(
                    group = self.source.input.group,
                    ours,
                    all,
                    "paused: one process must have every partition, and another member of the group has some"
                );
            }
        }
        self.whole = whole;
        Ok(())
    }

    fn say_whether_whole(&self, whole: bool, all: Option<usize>) {
        let (health, condition) = (&self.source.health, Condition::Partitions(self.source.name.clone()));
        match (whole, all) {
            (true, _) => health.clear(&condition),
            (false, None) => health.raise(condition, "not all of the topics exist"),
            (false, Some(all)) => {
                let ours = self.partitions.len();
                health.raise(condition, format!("{ours} of {all} partitions are ours; one process must have every one"))
            }
        };
    }

    fn show(&mut self) {
        if self.source.until_end && self.shown.is_none() {
            let waiting = self.partitions.iter().map(|p| (p.end - p.next).max(0) as u64).sum();
            self.shown = Some(bar(waiting, "reading from Kafka", BarUnit::Count));
        }
    }

    /// Everything up to the end that was found at the assignment has been given out.
    fn at_end(&self) -> bool {
        let group = self.consumer.context();
        // The end of a log may hold records that are never given out (of transactions): only statistics tell.
        let reached = |p: &Started| p.next >= p.end || group.fetched(&p.name).is_some_and(|next| next >= p.end);
        self.whole && self.gathering.is_empty() && self.partitions.iter().all(reached)
    }

    fn failed(&mut self, error: &ClientError) -> Result<(), Over> {
        match error {
            ClientError::MessageConsumptionFatal(code) => {
                let reason = code.to_string();
                let input = &self.source.input;
                let failure = KafkaError::Fatal { brokers: input.brokers.clone(), group: input.group.clone(), reason };
                self.send(SourceEvent::Failed(SourceError::Kafka(failure)))?;
                return Err(Over);
            }
            ClientError::MessageConsumption(Code::AutoOffsetReset | Code::OffsetOutOfRange) => self.find_again(),
            ClientError::MessageConsumption(Code::UnknownTopic | Code::UnknownTopicOrPartition) => {
                let topics = self.source.topics().join("`, `");
                let hint = match self.source.dead_letters.retry {
                    Some(_) => "\n  hint: `tropa migrate` creates those for dead letters",
                    None => "",
                };
                let text = format!("not all of the topics `{topics}` exist{hint}");
                self.consumer.context().trouble(Trouble::lasting(&text));
                self.look_again_soon();
            }
            other => self.consumer.context().trouble(Trouble::of(other, "")),
        }
        Ok(())
    }

    fn look_again_soon(&mut self) {
        if self.looked_at.elapsed() > Duration::from_secs(1) {
            self.looked_at = Instant::now();
            self.consumer.context().look_again();
        }
    }

    /// Records have expired under our feet. The client has given the partition up: it is taken anew, and the start that is
    /// found then says what was lost.
    fn find_again(&mut self) {
        let consumer = self.consumer.clone();
        let gone = |p: &mut Started| match consumer.fetch_watermarks(&p.name.topic, p.name.partition, PATIENCE) {
            Ok((low, high)) => !(low..=high).contains(&p.next),
            // Unknown: a partition that was well is only looked up once more.
            Err(_) => true,
        };
        let broken: Vec<Started> = self.partitions.extract_if(.., gone).collect();
        if let Err(error) = consumer.incremental_unassign(&starts::all(&broken)) {
            warn!(error = plain(&error), "partitions could not be given up to be taken anew");
        }
        self.last = 0;
        for Started { name, next, .. } in broken {
            self.read_before.insert(name.clone(), next);
            consumer.context().take_anew(name);
        }
    }
}

/// What a message holds, as far as a record may.
pub(super) fn payload_of<'a>(message: &'a BorrowedMessage<'_>, max_record_bytes: usize) -> RawPayload<'a> {
    match message.payload() {
        None => RawPayload::Broken {
            bytes: b"",
            reason: RejectReason::NoValue,
            detail: "the record has a key and no value; allowed: one JSON document",
        },
        Some(bytes) if bytes.len() > max_record_bytes => RawPayload::Broken {
            bytes,
            reason: RejectReason::TooLarge,
            detail: "longer than the source's `max_record_bytes`",
        },
        Some(bytes) => RawPayload::Json(bytes),
    }
}
