//! Re-keying: events and facts under the strongest identifier of another order of kinds. In: the sets as they stand and
//! the order that shall hold. Out: both tables made anew beside the old ones and put in their place whole. A crash at
//! any moment leaves tables that the next start can begin from again: facts follow from events, events from themselves,
//! and nothing is marked done before both are exchanged.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{Clickhouse, WarehouseError};
use crate::aggregate::{moment, quote};
use crate::decode::payload_hash;
use crate::identity::Keying;
use crate::time::Timestamp;

/// Events read and written together.
const PART: u64 = 200_000;
const EVENTS: &str = "events_rekeyed";
const FACTS: &str = "identity_facts_rekeyed";

#[derive(Row, Serialize, Deserialize, Clone, PartialEq)]
struct KeyedEvent {
    node: String,
    occurred_at: i64,
    source: String,
    generation: u32,
    event_id: String,
    revision: i64,
    payload_hash: u128,
    name: String,
    sequence: Option<i64>,
    identifiers: Vec<String>,
    properties: String,
    session: String,
    plausible: bool,
    received_at: i64,
    first_seen_at: i64,
}

const EVENT_COLUMNS: &str = "node, occurred_at, source, generation, event_id, revision, payload_hash, name, sequence, identifiers, properties, session, plausible, received_at, first_seen_at";

#[derive(Row, Serialize, Deserialize)]
struct KeyedFact {
    kind: String,
    a: String,
    b: String,
    source: String,
    generation: u32,
    day: i32,
    statement: (i64, String),
    first_seen_at: i64,
}

const FACT_COLUMNS: &str = "kind, a, b, source, generation, day, statement, first_seen_at";

#[derive(Row, Deserialize)]
struct Text {
    text: String,
}

#[derive(Row, Deserialize)]
struct Number {
    number: u64,
}

impl KeyedEvent {
    /// The event as it would be decoded under `keying`, as far as its identifiers are known.
    fn under(mut self, keying: &Keying) -> Self {
        let declared = keying.arrange(&mut self.identifiers);
        self.node = if declared > 0 { self.identifiers[0].clone() } else { String::new() };
        let nodes = self.identifiers[..declared].iter().map(String::as_str);
        // What is stored was canonical once, so it can be written so again.
        if let Ok(hash) = payload_hash(&self.name, nodes, &self.properties) {
            self.payload_hash = hash;
        }
        self
    }

    fn facts<'a>(&'a self, keying: &'a Keying) -> impl Iterator<Item = KeyedFact> + 'a {
        let mut identifiers = self.identifiers.clone();
        let declared = keying.arrange(&mut identifiers);
        identifiers.truncate(declared);
        identifiers.into_iter().skip(1).map(|b| KeyedFact {
            kind: "link".to_owned(),
            a: self.node.clone(),
            b,
            source: self.source.clone(),
            generation: self.generation,
            day: Timestamp::from_micros(self.occurred_at).utc_day().0,
            statement: (self.occurred_at, self.event_id.clone()),
            first_seen_at: self.first_seen_at,
        })
    }
}

impl Clickhouse {
    /// The order that events and facts are keyed in; `None`: nobody has said so yet.
    pub async fn keying(&self) -> Result<Option<String>, WarehouseError> {
        let query = "SELECT argMax(keying, place) AS text FROM keyings HAVING count() > 0";
        Ok(self.fetch::<Text>(query).await?.into_iter().next().map(|r| r.text))
    }

    /// Notes that every row is keyed in this order.
    pub async fn note_keying(&self, keying: &Keying) -> Result<(), WarehouseError> {
        let text = quote(&keying.as_text());
        self.execute(&format!(
            "INSERT INTO keyings (place, keying) SELECT (SELECT max(place) + 1 FROM keyings), {text}"
        ))
        .await
    }

    /// Fingerprints of the keys that the store's identifiers are made with; none: nobody has said so yet.
    pub async fn identifier_keys(&self) -> Result<Vec<String>, WarehouseError> {
        let rows = self.fetch::<Text>("SELECT DISTINCT fingerprint AS text FROM identifier_keys").await?;
        Ok(rows.into_iter().map(|row| row.text).collect())
    }

    pub async fn note_identifier_key(&self, fingerprint: &str) -> Result<(), WarehouseError> {
        self.execute(&format!("INSERT INTO identifier_keys (fingerprint) SELECT {}", quote(fingerprint))).await
    }

    pub async fn count_events(&self) -> Result<u64, WarehouseError> {
        let rows = self.fetch::<Number>("SELECT count() AS number FROM events").await?;
        Ok(rows.first().map_or(0, |r| r.number))
    }

    /// Puts every event and every link fact under the strongest identifier of `keying`; returns how many events changed.
    pub async fn rekey(&self, keying: &Keying, done: impl Fn(u64)) -> Result<u64, WarehouseError> {
        if self.cluster.is_some() {
            return Err(WarehouseError::Schema(
                "the kinds of identifiers stand in another order than the tables of this cluster, and a cluster is not keyed anew\n  \
                 hint: put the old order back, or read everything again into another database"
                    .to_owned(),
            ));
        }
        self.beside("events", EVENTS).await?;
        self.beside("identity_facts", FACTS).await?;
        let parts = self.count_events().await?.div_ceil(PART).max(1);
        let mut changed = 0;
        for part in 0..parts {
            // Events without identifiers all lie under node '': they are spread by their ids.
            let query = format!(
                "SELECT {EVENT_COLUMNS} FROM events WHERE cityHash64(node, if(node = '', event_id, '')) % {parts} = {part}"
            );
            let before = self.fetch::<KeyedEvent>(&query).await?;
            let events: Vec<KeyedEvent> = before.iter().cloned().map(|e| e.under(keying)).collect();
            changed += before.iter().zip(&events).filter(|(old, new)| old != new).count() as u64;
            self.insert_all(EVENTS, &events).await?;
            // The table keeps the earliest statement of each.
            let facts: Vec<KeyedFact> = events.iter().flat_map(|e| e.facts(keying)).collect();
            self.insert_all(FACTS, &facts).await?;
            done(events.len() as u64);
        }
        self.execute(&format!(
            "INSERT INTO {FACTS} ({FACT_COLUMNS}) SELECT {FACT_COLUMNS} FROM identity_facts FINAL \
             WHERE kind != 'link' OR (source, statement.2) NOT IN (SELECT source, event_id FROM events)"
        ))
        .await?;
        self.execute(&format!("EXCHANGE TABLES events AND {EVENTS}")).await?;
        self.execute(&format!("EXCHANGE TABLES identity_facts AND {FACTS}")).await?;
        for old in [EVENTS, FACTS] {
            self.drop_table(old).await?;
        }
        Ok(changed)
    }

    /// An empty table of the same shape, settings and comment; what an earlier try left there goes.
    async fn beside(&self, table: &str, copy: &str) -> Result<(), WarehouseError> {
        self.drop_table(copy).await?;
        self.execute(&format!("CREATE TABLE {copy} AS {table}")).await?;
        if self.fsync {
            self.execute(&format!("ALTER TABLE {copy} MODIFY SETTING fsync_after_insert = 1")).await?;
        }
        let comment = format!(
            "SELECT comment AS text FROM system.tables WHERE database = currentDatabase() AND name = {}",
            quote(table)
        );
        for row in self.fetch::<Text>(&comment).await? {
            self.execute(&format!("ALTER TABLE {copy} MODIFY COMMENT {}", quote(&row.text))).await?;
        }
        Ok(())
    }

    pub(super) async fn drop_table(&self, table: &str) -> Result<(), WarehouseError> {
        // A server guards large tables against being dropped by mistake; these are our own copies. Not SYNC: the embedded
        // engine never ends waiting for it.
        self.execute(&format!("DROP TABLE IF EXISTS {table} SETTINGS max_table_size_to_drop = 0")).await
    }

    /// A stretch of a partition was read again since `began`: what was said about its records before goes.
    pub async fn forget_older_letters(
        &self,
        source: &str,
        (topic, partition): (&str, i32),
        offsets: std::ops::Range<i64>,
        began: Timestamp,
    ) -> Result<(), WarehouseError> {
        let condition = format!(
            "source = {} AND topic = {} AND partition = {partition} AND offset >= {} AND offset < {} AND received_at < {}",
            quote(source),
            quote(topic),
            offsets.start,
            offsets.end,
            moment(began)
        );
        self.delete("dead_letters", &condition).await
    }
}
