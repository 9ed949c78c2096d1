//! Dead letters in their table: who leaves it, and who is in it. In: positions, or what is asked for. Out: fewer rows, or
//! the letters with all that is needed to try them again.

use clickhouse::Row;
use serde::Deserialize;

use super::rows::ReplayedRow;
use super::{Clickhouse, WarehouseError};
use crate::aggregate::quote;
use crate::config::Config;
use crate::source::Recovered;

/// Keys of one statement.
const KEYS: usize = 5_000;

/// A dead letter as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Row, Deserialize)]
pub struct StoredLetter {
    pub source: String,
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub line: u64,
    pub reason: String,
    #[serde(with = "serde_bytes_of_string")]
    pub payload: Vec<u8>,
    pub columns: Vec<String>,
    #[serde(with = "serde_bytes_of_string")]
    pub record_key: Vec<u8>,
    /// Microseconds since 1970.
    pub received_at: i64,
    /// The payload is all of the record.
    pub complete: bool,
}

/// Which dead letters are meant; empty: all.
#[derive(Clone, Debug, Default)]
pub struct LetterFilter {
    pub source: Option<String>,
    pub reason: Option<String>,
    pub limit: Option<u64>,
}

impl LetterFilter {
    /// Dead letters for people, as a query.
    pub fn list(&self) -> String {
        format!(
            "SELECT source, topic, partition, offset, line, reason, detail, received_at, \
             if(length(payload) = payload_bytes, 'yes', 'no') AS whole, substring(payload, 1, 200) AS record \
             FROM dead_letters FINAL {}",
            self.as_sql()
        )
    }

    /// As the end of a SELECT.
    fn as_sql(&self) -> String {
        let is = |column: &str, value: &Option<String>| value.as_ref().map(|v| format!("{column} = {}", quote(v)));
        let conditions: Vec<String> =
            [is("source", &self.source), is("reason", &self.reason)].into_iter().flatten().collect();
        let condition = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
        let limit = self.limit.map_or_else(String::new, |n| format!(" LIMIT {n}"));
        format!("WHERE {condition} ORDER BY source, topic, partition, offset{limit}")
    }
}

impl Clickhouse {
    /// Letters of files and topics that are read from their beginning: those that are still dead letters come again.
    pub async fn forget_dead_letters(&self, files: &[(String, String)]) -> Result<(), WarehouseError> {
        if files.is_empty() {
            return Ok(());
        }
        let list: Vec<String> = files.iter().map(|(s, t)| format!("({}, {})", quote(s), quote(t))).collect();
        for table in ["dead_letters", "replayed_letters"] {
            self.delete(table, &format!("(source, topic) IN ({})", list.join(", "))).await?;
        }
        Ok(())
    }

    /// Notes letters that have become events, then takes them out of the table: a crash in between leaves a row that the
    /// next replay takes out.
    pub(super) async fn forget_replayed(&self, list: &[Recovered], config: &Config) -> Result<(), WarehouseError> {
        let rows: Vec<ReplayedRow> = list.iter().map(|r| ReplayedRow::of(r, config)).collect();
        self.insert_all("replayed_letters", &rows).await?;
        for chunk in rows.chunks(KEYS) {
            let keys: Vec<String> = chunk.iter().map(ReplayedRow::key).collect();
            let keys = keys.join(", ");
            self.execute(&format!("DELETE FROM dead_letters WHERE (source, topic, partition, offset) IN ({keys})"))
                .await?;
        }
        Ok(())
    }

    /// Dead letters in the order they were read.
    pub async fn dead_letters(&self, filter: &LetterFilter) -> Result<Vec<StoredLetter>, WarehouseError> {
        self.fetch::<StoredLetter>(&format!(
            "SELECT toString(source) AS source, topic, partition, offset, line, toString(reason) AS reason, payload, columns, \
             record_key, toUnixTimestamp64Micro(received_at) AS received_at, length(payload) = payload_bytes AS complete \
             FROM dead_letters FINAL {}",
            filter.as_sql()
        ))
        .await
    }
}

/// A String column may hold any bytes.
mod serde_bytes_of_string {
    use serde::Deserializer;
    use serde::de::{Error, Visitor};

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}
