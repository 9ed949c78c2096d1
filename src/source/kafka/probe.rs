//! A look at a source's brokers, for `tropa check --connect`. In: a checked source. Out: what is there and may be used,
//! some records of its topics, or what is wrong in words. It joins no group, commits nothing and waits for nobody long.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode as Code};
use rdkafka::message::Message;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::settings::{self, plain};
use super::words::{Trouble, UNTRUSTED};
use crate::config::KafkaInput;
use crate::event::Position;

/// For the first answer of a broker; a reason that it gives is not waited for so long.
const FIRST: Duration = Duration::from_secs(15);
const ANSWER: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(500);

/// What is known of one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    Missing,
    /// What is in the way.
    Refused(String),
    There {
        partitions: usize,
        records: i64,
    },
}

/// Keeps what the client has to complain of.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Trouble>>>);

impl Heard {
    fn list(&self) -> Vec<Trouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why nobody answers, as far as it is known.
    fn telling(&self) -> Option<String> {
        self.list().into_iter().find(|t| t.telling).map(|t| t.text)
    }
}

impl ClientContext for Heard {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: ClientError, reason: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Trouble::of(&error, reason));
    }
}

impl ConsumerContext for Heard {}

/// A connection to the brokers of one source.
pub struct Probe {
    consumer: BaseConsumer<Heard>,
    heard: Heard,
    input: KafkaInput,
    pub brokers: usize,
}

impl Probe {
    /// Blocks until a broker has answered, or it is clear why none does.
    pub fn connect(input: &KafkaInput) -> Result<Self, String> {
        let heard = Heard::default();
        let wrong = |e: ClientError| format!("the Kafka settings cannot be used: {}", plain(&e));
        let consumer: BaseConsumer<Heard> =
            settings::reading(input).create_with_context(heard.clone()).map_err(wrong)?;
        let deadline = Instant::now() + FIRST;
        loop {
            let answer = consumer.fetch_metadata(None, STEP);
            drain(&consumer);
            match answer {
                Ok(metadata) => {
                    let brokers = metadata.brokers().len();
                    return Ok(Self { consumer, heard, input: input.clone(), brokers });
                }
                Err(error) => {
                    if let Some(why) = heard.telling() {
                        return Err(if why.starts_with(UNTRUSTED) { which_of_two(input, why) } else { why });
                    }
                    if Instant::now() > deadline {
                        let last = heard.list().pop().map(|t| t.text);
                        return Err(last.unwrap_or_else(|| Trouble::of(&error, "").text));
                    }
                }
            }
        }
    }

    pub fn topic(&self, name: &str) -> Topic {
        let metadata = match self.consumer.fetch_metadata(Some(name), ANSWER) {
            Ok(metadata) => metadata,
            Err(e) => return Topic::Refused(self.why(&e)),
        };
        let Some(topic) = metadata.topics().iter().find(|t| t.name() == name) else { return Topic::Missing };
        match topic.error().map(Code::from) {
            None => {}
            Some(Code::UnknownTopicOrPartition) => return Topic::Missing,
            Some(Code::TopicAuthorizationFailed) => {
                return Topic::Refused(
                    "the user may not see it\n  hint: it needs the ACL operations Read and Describe".to_owned(),
                );
            }
            Some(code) => return Topic::Refused(code.to_string()),
        }
        let mut records = 0;
        for partition in topic.partitions() {
            match self.consumer.fetch_watermarks(name, partition.id(), ANSWER) {
                Ok((low, high)) => records += high - low,
                Err(e) => return Topic::Refused(self.why(&e)),
            }
        }
        Topic::There { partitions: topic.partitions().len(), records }
    }

    /// Whether the consumer group may be used.
    pub fn group(&self) -> Result<(), String> {
        let mut list = TopicPartitionList::new();
        for topic in &self.input.topics {
            list.add_partition(topic, 0);
        }
        let deadline = Instant::now() + ANSWER;
        loop {
            match self.consumer.committed_offsets(list.clone(), 2 * STEP) {
                Ok(_) => return Ok(()),
                Err(e) => {
                    drain(&self.consumer);
                    if self.heard.telling().is_some() || !may_pass(&e) || Instant::now() > deadline {
                        return Err(self.why(&e));
                    }
                }
            }
        }
    }

    /// The last records of the source's topics, about so many; `take` is given each.
    pub fn sample(&self, count: usize, mut take: impl FnMut(&Position, Option<&[u8]>)) -> Result<usize, String> {
        let mut list = TopicPartitionList::new();
        let mut expected = 0;
        let why = |e: ClientError| self.why(&e);
        for topic in &self.input.topics {
            let metadata = self.consumer.fetch_metadata(Some(topic), ANSWER).map_err(why)?;
            let partitions: Vec<i32> = metadata.topics().iter().flat_map(|t| t.partitions()).map(|p| p.id()).collect();
            let each = (count / self.input.topics.len() / partitions.len().max(1)).max(1) as i64;
            for partition in partitions {
                let (low, high) = self.consumer.fetch_watermarks(topic, partition, ANSWER).map_err(why)?;
                let from = low.max(high - each);
                expected += (high - from) as usize;
                list.add_partition_offset(topic, partition, Offset::Offset(from)).map_err(why)?;
            }
        }
        self.consumer.assign(&list).map_err(why)?;
        let (deadline, mut seen) = (Instant::now() + ANSWER, 0);
        // A log may end in records that are never given out (of transactions): the time decides then.
        while seen < expected && Instant::now() < deadline {
            match self.consumer.poll(STEP) {
                Some(Ok(message)) => {
                    let position = Position {
                        topic: message.topic().into(),
                        partition: message.partition(),
                        offset: message.offset(),
                    };
                    take(&position, message.payload());
                    seen += 1;
                }
                Some(Err(error)) => match Trouble::of(&error, "") {
                    trouble if trouble.telling => return Err(trouble.text),
                    _ => {}
                },
                None => {}
            }
        }
        Ok(seen)
    }

    fn why(&self, error: &ClientError) -> String {
        drain(&self.consumer);
        self.heard.telling().unwrap_or_else(|| Trouble::of(error, "").text)
    }
}

/// Complaints are only heard while somebody polls; each poll hears one.
fn drain(consumer: &BaseConsumer<Heard>) {
    for _ in 0..100 {
        if let Some(Err(error)) = consumer.poll(Duration::from_millis(2)) {
            let trouble = Trouble::of(&error, "");
            if trouble.telling {
                consumer.context().0.lock().unwrap_or_else(PoisonError::into_inner).push(trouble);
            }
        }
    }
}

fn may_pass(error: &ClientError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::OperationTimedOut
                | Code::RequestTimedOut
                | Code::WaitingForCoordinator
                // A group that is new to the broker has none yet.
                | Code::NotCoordinator
                | Code::CoordinatorNotAvailable
                | Code::CoordinatorLoadInProgress
        )
    )
}

/// A certificate that was not accepted: of another host name, if it is accepted without a look at the name. User and
/// password are not sent for that.
fn which_of_two(input: &KafkaInput, why: String) -> String {
    let mut config = settings::reading(input);
    config.set("ssl.endpoint.identification.algorithm", "none").set("security.protocol", "ssl");
    let heard = Heard::default();
    let consumer: BaseConsumer<Heard> = match config.create_with_context(heard.clone()) {
        Ok(consumer) => consumer,
        Err(_) => return why,
    };
    let deadline = Instant::now() + FIRST;
    while Instant::now() < deadline {
        let answered = consumer.fetch_metadata(None, STEP).is_ok();
        drain(&consumer);
        let list = heard.list();
        if list.iter().any(|t| t.text.starts_with(UNTRUSTED)) {
            return "the certificate of the broker is signed by a CA that is not trusted\n  \
                    hint: `ssl.ca.location` names the file of its CA"
                .to_owned();
        }
        // The handshake is over: without user and password the broker ends what follows.
        if answered || !list.is_empty() {
            return "the certificate of the broker is for another host name\n  \
                    hint: write in `brokers:` a name that the certificate holds"
                .to_owned();
        }
    }
    why
}

/// How long a topic keeps its records, in milliseconds (-1: for ever); an error says why that is not known.
pub async fn retention(input: &KafkaInput, topic: &str) -> Result<i64, String> {
    let admin: AdminClient<DefaultClientContext> = settings::producer(input).create().map_err(|e| plain(&e))?;
    let options = AdminOptions::new().request_timeout(Some(ANSWER));
    let answer = admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options).await.map_err(|e| plain(&e))?;
    let config = answer.into_iter().next().ok_or("the broker said nothing")?.map_err(|code| code.to_string())?;
    let entry = config.get("retention.ms").and_then(|e| e.value.clone()).ok_or("the broker does not say")?;
    entry.parse().map_err(|_| format!("`{entry}` is no time"))
}
