//! What customers did, event by event, for discovery. In: how many customers, and the property that parts their journeys.
//! Out: [`Trail`]s; the events are those that every figure rests on, each once.

use std::collections::HashMap;
use std::sync::Arc;

use clickhouse::Row;
use serde::Deserialize;

use super::{Clickhouse, WarehouseError};
use crate::aggregate::quote;
use crate::aggregate::trails::{Happening, Trail};
use crate::identity::Outside;
use crate::map::PropertyPath;
use crate::time::Timestamp;
use crate::touchpoint::path::event_path;

/// When, its order within that moment, source, name, event id, and its page.
type EventRow = (i64, (u8, i64), String, String, String, (String, String));

#[derive(Row, Deserialize)]
struct TrailRow {
    customer: String,
    events: Vec<EventRow>,
}

impl Clickhouse {
    /// The trails of so many customers, the same ones every time.
    pub async fn trails(
        &self,
        outside: &Outside,
        key: Option<&PropertyPath>,
        customers: u32,
    ) -> Result<Vec<Trail>, WarehouseError> {
        let rows = self.fetch::<TrailRow>(&self.trails_query(outside, key, customers)?).await?;
        let mut words: HashMap<String, Arc<str>> = HashMap::new();
        let mut word = |text: String| words.entry(text).or_insert_with_key(|t| Arc::from(t.as_str())).clone();
        let trail = |r: TrailRow| Trail {
            customer: r.customer.into(),
            events: r
                .events
                .into_iter()
                .map(|(at, _, source, name, event_id, (path, url))| Happening {
                    at: Timestamp::from_micros(at),
                    source: word(source),
                    name: word(name),
                    event_id: event_id.into(),
                    path: word(page(&path, &url)),
                })
                .collect(),
        };
        Ok(rows.into_iter().map(trail).collect())
    }

    fn trails_query(
        &self,
        outside: &Outside,
        key: Option<&PropertyPath>,
        customers: u32,
    ) -> Result<String, WarehouseError> {
        let inside = self.inside(outside)?;
        let parts = |k: &PropertyPath| k.parts.iter().map(|p| quote(p)).collect::<Vec<_>>().join(", ");
        let facts = self.config()?.sources.iter().filter(|s| s.facts_only).map(|s| quote(&s.name)).collect::<Vec<_>>();
        let telling = if facts.is_empty() { "1".to_owned() } else { format!("source NOT IN ({})", facts.join(", ")) };
        // What has no key is no journey of its own; what a fold takes for one is told by `map::value`.
        let keyed = if key.is_some() { "e.5 != ''" } else { "1" };
        let key = key.map_or_else(
            || "''".to_owned(),
            |k| {
                let of = format!("(properties, {})", parts(k));
                format!(
                    "multiIf(JSONType{of} = 'String', JSONExtractString{of}, JSONType{of} IN ('Null', 'Array', 'Object'), '', JSONExtractRaw{of})"
                )
            },
        );
        // An event's customer is that of its first identifier that has one; on a day apart, the day's row decides. Of copies
        // the winner is as in a fold.
        Ok(format!(
            "WITH now AS (SELECT node, has_day, day, argMax(customer, version) AS customer FROM identity GROUP BY node, has_day, day), \
             copies AS (SELECT source, event_id, argMin((occurred_at, sequence, name, identifiers, {key}, JSONExtractString(properties, 'path'), JSONExtractString(properties, 'url')), \
               (-toInt128(revision), occurred_at, payload_hash)) AS e FROM events WHERE {inside} AND {telling} GROUP BY source, event_id), \
             parts AS (SELECT source, event_id, e, i, if(empty(e.4), '', e.4[i]) AS node, toDate32(e.1) AS day \
               FROM copies ARRAY JOIN arrayEnumerate(if(empty(e.4), [''], e.4)) AS i), \
             named AS (SELECT p.source AS source, p.event_id AS event_id, any(p.e) AS e, \
               arrayFirst(x -> x != '', arrayMap(t -> t.2, arraySort(groupArray((p.i, if(d.customer != '', d.customer, n.customer)))))) AS customer \
               FROM parts AS p \
               LEFT JOIN (SELECT node, customer FROM now WHERE has_day = 0) AS n ON p.node = n.node \
               LEFT JOIN (SELECT node, day, customer FROM now WHERE has_day = 1) AS d ON p.node = d.node AND p.day = d.day \
               GROUP BY source, event_id) \
             SELECT customer, arraySort(groupArray((toUnixTimestamp64Micro(e.1), (isNotNull(e.2), ifNull(e.2, 0)), toString(source), e.3, event_id, (e.6, e.7)))) AS events \
             FROM named WHERE {keyed} AND customer != '' AND customer IN (SELECT DISTINCT customer FROM named WHERE customer != '' ORDER BY cityHash64(customer), customer LIMIT {customers}) \
             GROUP BY customer, e.5 ORDER BY customer, e.5"
        ))
    }
}

/// As rules see it.
fn page(path: &str, url: &str) -> String {
    if path.is_empty() && url.is_empty() {
        return String::new();
    }
    let properties = [("path", path), ("url", url)].map(|(k, v)| (k.to_owned(), serde_json::Value::from(v)));
    event_path(&properties.into_iter().collect()).map_or_else(String::new, |p| p.into_owned())
}
