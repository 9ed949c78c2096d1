//! A real Apache Kafka broker for a test process, started by the project's own script; topics and records for it. Shared
//! by the tests that run at one time, stopped with the last of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

pub struct Broker {
    dir: PathBuf,
    pub address: String,
    _folder: Option<tempfile::TempDir>,
}

/// A listener with TLS and SCRAM-SHA-512 for `localhost`.
pub struct Secure {
    pub address: String,
    /// Holds `ca.pem`, which has signed the broker's certificate, and `other-ca.pem`, which has not.
    pub tls: PathBuf,
}

static RUNNING: Mutex<Weak<Broker>> = Mutex::new(Weak::new());

fn script(arguments: &[&str], port: Option<u16>) -> String {
    script_with(arguments, port.map(|p| ("TROPA_KAFKA_PORT", p.to_string())))
}

fn script_with(arguments: &[&str], variable: Option<(&str, String)>) -> String {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/dev/kafka/kafka.sh"));
    if let Some((name, value)) = variable {
        command.env(name, value);
    }
    let out = command.args(arguments).output().expect("the broker's script runs");
    assert!(out.status.success(), "kafka.sh {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text").trim().to_owned()
}

impl Broker {
    /// The one that runs, or a new one.
    pub fn shared() -> Arc<Self> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(broker) = running.upgrade() {
            return broker;
        }
        let broker = Arc::new(Self::start(None));
        *running = Arc::downgrade(&broker);
        broker
    }

    /// One of its own, on a port that somebody is waiting for.
    pub fn start(port: Option<u16>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = folder.path().join("kafka");
        let address = script(&["start", &dir.display().to_string()], port);
        Self { dir, address, _folder: Some(folder) }
    }

    /// The broker ends; its data stays.
    pub fn goes_away(&self) {
        script(&["stop", &self.dir.display().to_string()], None);
    }

    /// kill -9; its data stays as it is.
    #[allow(dead_code)] // Each test binary uses its share of it.
    pub fn is_killed(&self) {
        let pid = std::fs::read_to_string(self.dir.join("pid")).expect("the script writes it");
        let killed = Command::new("kill").args(["-KILL", pid.trim()]).status().expect("kill runs");
        assert!(killed.success(), "the broker's process {pid} is not there");
        while Command::new("kill")
            .args(["-0", pid.trim()])
            .stderr(std::process::Stdio::null())
            .status()
            .expect("kill runs")
            .success()
        {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// It is there again, at the same address.
    pub fn comes_back(&self) {
        script(&["start", &self.dir.display().to_string()], None);
    }

    /// One with a second listener, see [`Secure`].
    pub fn with_tls() -> (Self, Secure) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = folder.path().join("kafka");
        let address = script_with(&["start", &dir.display().to_string()], Some(("TROPA_KAFKA_TLS", "1".to_owned())));
        let tls = dir.join("tls");
        let secure = std::fs::read_to_string(tls.join("address")).expect("the script writes it").trim().to_owned();
        (Self { dir, address, _folder: Some(folder) }, Secure { address: secure, tls })
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address);
        config
    }

    pub fn topic(&self, name: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let made = runtime.block_on(admin.create_topics([&topic], &AdminOptions::new())).expect("the broker answers");
        made[0].as_ref().unwrap_or_else(|e| panic!("{e:?}"));
    }

    /// What retention does in time: the records of partition 0 before an offset are gone.
    pub fn expire(&self, topic: &str, before: i64) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("an admin client");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(before)).expect("an offset");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(admin.delete_records(&list, &AdminOptions::new())).expect("the broker answers");
    }

    /// Everything a topic holds, partition by partition.
    pub fn records(&self, topic: &str) -> Vec<Record> {
        let mut config = self.client();
        config.set("group.id", "reading").set("enable.partition.eof", "true");
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(30)).expect("the broker answers");
        let mut list = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            list.add_partition_offset(topic, partition.id(), Offset::Beginning).expect("an offset");
        }
        consumer.assign(&list).expect("assigned");
        let (mut records, mut ended) = (Vec::new(), 0);
        while ended < list.count() {
            match consumer.poll(Duration::from_secs(60)).expect("a record or an end") {
                Ok(message) => records.push(Record::of(&message)),
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => panic!("{error}"),
            }
        }
        records.sort_by_key(|r| (r.partition, r.offset));
        records
    }

    /// The offset that a group has committed for a partition; 0: none.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> i64 {
        let mut config = self.client();
        config.set("group.id", group);
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition);
        let answered = Instant::now() + Duration::from_secs(60);
        let committed = loop {
            match consumer.committed_offsets(list.clone(), Duration::from_secs(30)) {
                Ok(committed) => break committed,
                // A group finds its coordinator at the second try, where it is new.
                Err(error) => assert!(Instant::now() < answered, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        committed.elements()[0].offset().to_raw().unwrap_or(0).max(0)
    }

    fn producer(&self, settings: &[(&str, &str)]) -> ThreadedProducer<DefaultProducerContext> {
        let mut config = self.client();
        config.set("linger.ms", "5");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config.create().expect("a producer")
    }

    /// Records with keys, acknowledged before this returns.
    pub fn produce<'a>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>,
        codec: &str,
    ) {
        let producer = self.producer(&[("compression.codec", codec)]);
        send(&producer, topic, records);
        producer.flush(Duration::from_secs(30)).expect("acknowledged");
    }

    /// The same as one transaction: the log then ends with a record that no consumer is ever given.
    pub fn produce_in_a_transaction<'a>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>,
    ) {
        let producer = self.producer(&[("transactional.id", "test")]);
        producer.init_transactions(Duration::from_secs(30)).expect("transactions");
        producer.begin_transaction().expect("a transaction");
        send(&producer, topic, records);
        producer.commit_transaction(Duration::from_secs(30)).expect("committed");
    }
}

/// A record as it stands in a topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<String>,
    pub payload: Option<String>,
    pub headers: BTreeMap<String, String>,
}

impl Record {
    fn of(message: &BorrowedMessage<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = message.headers().into_iter().flat_map(|h| h.iter());
        Self {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(text),
            payload: message.payload().map(text),
            headers: headers.map(|h| (h.key.to_owned(), h.value.map(text).unwrap_or_default())).collect(),
        }
    }
}

fn send<'a>(
    producer: &ThreadedProducer<DefaultProducerContext>,
    topic: &str,
    records: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>,
) {
    for (key, payload) in records {
        let mut record = BaseRecord::to(topic).key(key);
        record.payload = payload;
        while let Err((error, back)) = producer.send(record) {
            assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
            std::thread::sleep(Duration::from_millis(10));
            record = back;
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        script(&["stop", &self.dir.display().to_string()], None);
    }
}
