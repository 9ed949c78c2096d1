//! The dead-letter topic of a source. In: dead letters. Out: records with the original key, value and headers and those
//! that Kafka Connect writes, acknowledged by every replica before this returns. A restart may write one twice: the exact
//! count is in the table `dead_letters`.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext};
use tracing::{info, warn};

use super::settings::{self, plain};
use crate::config::KafkaInput;
use crate::event::DeadLetter;
use crate::health::{Condition, Health};

/// Prefix of Kafka Connect's headers.
const CONNECT: &str = "__connect.errors.";
/// Between two tries at a topic that does not take what is written.
const AGAIN: Duration = Duration::from_secs(1);

/// What became of a record: its place in the batch, and the error if there was one.
type Ack = (usize, Option<KafkaError>);

#[derive(Clone, Default)]
struct Acks(Arc<Mutex<Vec<Ack>>>);

impl ClientContext for Acks {}

impl ProducerContext for Acks {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, place: Box<usize>) {
        let error = result.as_ref().err().map(|(e, _)| e.clone());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((*place, error));
    }
}

impl Acks {
    fn take(&self) -> Vec<Ack> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes to one topic of a source's brokers.
pub(super) struct LetterTopic {
    source: Arc<str>,
    topic: String,
    config: ClientConfig,
    producer: Option<(ThreadedProducer<Acks>, Acks)>,
    health: Health,
}

/// A record on its way.
struct Open<'a> {
    letter: &'a DeadLetter,
    /// The topic takes no record of this size: it goes without its value, which the headers say.
    without_value: bool,
}

impl LetterTopic {
    pub fn new(source: Arc<str>, input: &KafkaInput, topic: &str, health: Health) -> Self {
        let config = settings::producer(input);
        Self { source, topic: topic.to_owned(), config, producer: None, health }
    }

    /// Returns once all are acknowledged, however long that takes; `wait` is called all the while and may break it off.
    pub fn write(
        &mut self,
        letters: &[DeadLetter],
        wait: &mut dyn FnMut(Duration) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut open: Vec<Option<Open<'_>>> =
            letters.iter().map(|letter| Some(Open { letter, without_value: false })).collect();
        loop {
            let sent = self.send_all(&open);
            let mut waiting = sent.as_ref().map_or(0, |n| *n);
            let mut failure = sent.err();
            while waiting > 0 {
                let acks = self.producer.as_ref().map(|(_, acks)| acks.take()).unwrap_or_default();
                waiting -= acks.len().min(waiting);
                for (place, error) in acks {
                    match error {
                        None => open[place] = None,
                        Some(KafkaError::MessageProduction(Code::MessageSizeTooLarge)) => {
                            open[place].iter_mut().for_each(|o| o.without_value = true);
                        }
                        Some(error) => failure = Some(error),
                    }
                }
                if waiting > 0 {
                    wait(Duration::from_millis(10))?;
                }
            }
            let condition = Condition::DeadLetterTopic(self.source.clone());
            let Some(error) = failure else {
                if open.iter().all(Option::is_none) {
                    if self.health.clear(&condition) {
                        info!(topic = self.topic, "the dead-letter topic takes records again");
                    }
                    return ControlFlow::Continue(());
                }
                continue;
            };
            let text = format!("the dead-letter topic `{}` does not take records: {}", self.topic, plain(&error));
            if self.health.raise(condition, text.as_str()) {
                warn!(source = &*self.source, "{text}; waiting, nothing is committed before they are there");
            }
            // A producer that has failed for good is no use any more, and a new one costs little.
            self.producer = None;
            wait(AGAIN)?;
        }
    }

    /// Hands every open one to the client; returns how many.
    fn send_all(&mut self, open: &[Option<Open<'_>>]) -> Result<usize, KafkaError> {
        if self.producer.is_none() {
            let acks = Acks::default();
            self.producer = Some((self.config.create_with_context(acks.clone())?, acks));
        }
        let Some((producer, _)) = &self.producer else { return Ok(0) };
        let mut sent = 0;
        for (place, one) in open.iter().enumerate() {
            let Some(one) = one else { continue };
            let mut record =
                BaseRecord::with_opaque_to(&self.topic, Box::new(place)).headers(headers(&self.source, one));
            record.key = one.letter.envelope.key.as_deref();
            record.payload =
                one.letter.envelope.has_value.then_some(&*one.letter.payload).filter(|_| !one.without_value);
            match producer.send::<[u8], [u8]>(record) {
                Ok(()) => sent += 1,
                // The rest goes with the next round.
                Err((KafkaError::MessageProduction(Code::QueueFull), _)) => break,
                Err((error, _)) if sent == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(sent)
    }
}

fn headers(source: &str, one: &Open<'_>) -> OwnedHeaders {
    let letter = one.letter;
    let mut headers = OwnedHeaders::new();
    for (key, value) in &letter.envelope.headers {
        headers = headers.insert(Header { key, value: value.as_deref() });
    }
    let (topic, reason) = (&*letter.position.topic, letter.rejection.reason.as_str());
    let connect = [
        ("topic", topic.to_owned()),
        ("partition", letter.position.partition.to_string()),
        ("offset", letter.position.offset.to_string()),
        ("connector.name", format!("tropa/{source}")),
        ("task.id", "0".to_owned()),
        ("stage", "VALUE_CONVERTER".to_owned()),
        ("class.name", "tropa::decode".to_owned()),
        ("exception.class.name", reason.to_owned()),
        ("exception.message", letter.rejection.detail.clone()),
    ];
    for (key, value) in connect {
        headers = headers.insert(Header { key: &format!("{CONNECT}{key}"), value: Some(value.as_bytes()) });
    }
    if one.without_value {
        let why = "the topic takes no record of this size";
        headers = headers.insert(Header { key: "tropa.value_left_out", value: Some(why.as_bytes()) });
    }
    headers
}
