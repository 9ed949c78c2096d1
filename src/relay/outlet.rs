//! Where a stage announces over Kafka. In: messages. Out: the same in a topic, acknowledged by all its replicas in order;
//! a message that is too large goes as several.

use std::collections::{BTreeMap, VecDeque};
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord};

use super::wire::Wire;
use super::{LONGEST, MESSAGE_BYTES, RelayError, client};
use crate::config::{Config, RolesConfig};
use crate::stage::{Outlet, Partition, Ticket};

/// One past the last message that the log holds of each partition, as far as this outlet has heard.
pub type Upto = Arc<Mutex<BTreeMap<Partition, i64>>>;

pub struct TopicOutlet<T> {
    producer: FutureProducer,
    config: Arc<Config>,
    topic: String,
    partitions: Partition,
    inputs: Arc<str>,
    next: Ticket,
    under_way: VecDeque<(Ticket, DeliveryFuture)>,
    upto: Upto,
    message: PhantomData<fn(T)>,
}

impl<T: Wire> TopicOutlet<T> {
    /// `inputs`: what this process works with; receivers must work with the same.
    pub fn new(
        config: Arc<Config>,
        roles: &RolesConfig,
        (topic, partitions): (String, Partition),
        inputs: Arc<str>,
    ) -> Result<Self, RelayError> {
        let producer = client(roles)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("message.max.bytes", LONGEST)
            // What was announced is announced: it waits for the broker as long as it takes.
            .set("message.timeout.ms", "0")
            .create()
            .map_err(|e| RelayError::Kafka(e.to_string()))?;
        Ok(Self {
            producer,
            config,
            topic,
            partitions,
            inputs,
            next: 0,
            under_way: VecDeque::new(),
            upto: Upto::default(),
            message: PhantomData,
        })
    }

    pub fn upto(&self) -> Upto {
        self.upto.clone()
    }

    /// The message in pieces that Kafka takes, in order.
    fn pieces(&self, message: &T) -> Result<Vec<Vec<u8>>, RelayError> {
        let mut waiting = vec![(message.encode(&self.config, &self.inputs)?, message.halves())];
        let mut pieces = Vec::new();
        while let Some((bytes, halves)) = waiting.pop() {
            match halves {
                Some([first, second]) if bytes.len() > MESSAGE_BYTES => {
                    for half in [second, first] {
                        waiting.push((half.encode(&self.config, &self.inputs)?, half.halves()));
                    }
                }
                _ => pieces.push(bytes),
            }
        }
        Ok(pieces)
    }

    async fn produce(&mut self, partition: Partition, bytes: &[u8]) -> Result<(), RelayError> {
        loop {
            let record = FutureRecord::<[u8], [u8]>::to(&self.topic).partition(i32::from(partition)).payload(bytes);
            match self.producer.send_result(record) {
                Ok(delivery) => {
                    self.under_way.push_back((self.next, delivery));
                    return Ok(());
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err((error, _)) => return Err(RelayError::Kafka(error.to_string())),
            }
        }
    }
}

impl<T: Wire> Outlet<T> for TopicOutlet<T> {
    type Error = RelayError;

    fn partitions(&self) -> Partition {
        self.partitions
    }

    async fn announce(&mut self, partition: Partition, message: T) -> Result<Ticket, RelayError> {
        let pieces = self.pieces(&message)?;
        drop(message);
        for bytes in pieces {
            self.produce(partition, &bytes).await?;
        }
        self.next += 1;
        Ok(self.next - 1)
    }

    async fn settled(&mut self) -> Result<Ticket, RelayError> {
        let Some((ticket, delivery)) = self.under_way.front_mut() else { return std::future::pending().await };
        let ticket = *ticket;
        let delivered = delivery.await;
        self.under_way.pop_front();
        match delivered {
            Ok(Ok(delivery)) => {
                let mut upto = self.upto.lock().unwrap_or_else(PoisonError::into_inner);
                let partition = Partition::try_from(delivery.partition).unwrap_or_default();
                let next = upto.entry(partition).or_default();
                *next = (*next).max(delivery.offset + 1);
                // Settled is what no message is under way of.
                Ok(self.under_way.front().map_or(self.next, |(first, _)| (*first).min(self.next)).max(ticket))
            }
            Ok(Err((error, _))) => Err(RelayError::Kafka(error.to_string())),
            Err(_) => Err(RelayError::Kafka("the producer is gone".to_owned())),
        }
    }
}
