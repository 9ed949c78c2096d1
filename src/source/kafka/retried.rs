//! Records of a retry topic: dead letters that are tried again. In: a dead letter of the table, or a record of the topic.
//! Out: a record whose headers say where the original stood, or the original's place from those headers. The topic is the
//! source's own: whoever else reads the raw topic never sees a record twice.

use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};

use crate::event::Position;
use crate::time::Timestamp;

const SOURCE: &str = "tropa.source";
const TOPIC: &str = "tropa.topic";
const PARTITION: &str = "tropa.partition";
const OFFSET: &str = "tropa.offset";
const RECEIVED: &str = "tropa.received_at";

/// Where the original stood, and when it was received first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Original {
    pub source: String,
    pub position: Position,
    pub received_at: Timestamp,
}

impl Original {
    pub fn headers(&self) -> OwnedHeaders {
        let all = [
            (SOURCE, self.source.clone()),
            (TOPIC, self.position.topic.to_string()),
            (PARTITION, self.position.partition.to_string()),
            (OFFSET, self.position.offset.to_string()),
            (RECEIVED, self.received_at.micros().to_string()),
        ];
        all.into_iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value.as_bytes()) })
        })
    }

    /// `None`: somebody else has written this record.
    pub fn of(message: &BorrowedMessage<'_>) -> Option<Self> {
        let headers = message.headers()?;
        let text = |key: &str| {
            let value = headers.iter().find(|h| h.key == key)?.value?;
            std::str::from_utf8(value).ok().map(str::to_owned)
        };
        Some(Self {
            source: text(SOURCE)?,
            position: Position {
                topic: text(TOPIC)?.into(),
                partition: text(PARTITION)?.parse().ok()?,
                offset: text(OFFSET)?.parse().ok()?,
            },
            received_at: Timestamp::from_micros(text(RECEIVED)?.parse().ok()?),
        })
    }
}
