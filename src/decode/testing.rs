//! Events of a journey file's own tests. In: a test as written. Out: a config that declares just the sources and kinds
//! it names, and its events. Every identifier counts as a person's, so that what a test calls one person is one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::identifiers::IdentifierKey;
use crate::config::{
    Class, Config, Decoder, IdentifierConfig, Input, Kind, Normalise, SegmentDecoder, Source, WarehouseConfig,
};
use crate::event::{Event, KindId, SourceId};
use crate::map::MapTest;

/// The config of one test. `kinds`: how values are written alike, where one of them is named.
pub fn for_tests(test: &MapTest, kinds: &[Kind]) -> Config {
    let kind_names: BTreeSet<&str> = test.events.iter().flat_map(|e| e.ids.keys()).map(String::as_str).collect();
    let source_names: BTreeSet<&str> = test.events.iter().map(|e| e.source.as_str()).collect();
    let kind = |(i, name): (usize, &&str)| Kind {
        name: Arc::from(*name),
        class: Class::Person,
        priority: i as u32 + 1,
        unique: false,
        limit: u32::MAX,
        max_partners: u32::MAX,
        normalise: kinds.iter().find(|k| *k.name == **name).map_or(Normalise::Trim, |k| k.normalise),
        blocked: Vec::new(),
        blocked_patterns: Vec::new(),
    };
    let none = Decoder::Segment(SegmentDecoder { anonymous: KindId(0), user: KindId(0), traits: Vec::new() });
    let decoder = Arc::new(none);
    Config {
        data: PathBuf::new(),
        warehouse: WarehouseConfig::Embedded { listen: 0, database: String::new(), fsync: false },
        maps: Vec::new(),
        identifiers: IdentifierConfig {
            raw: true,
            key: None,
            kinds: kind_names.iter().enumerate().map(kind).collect(),
        },
        sources: source_names.iter().map(|name| Source::of_file(name, decoder.clone(), Input::None)).collect(),
        decoders: std::collections::BTreeMap::new(),
        max_visits: usize::MAX,
        min_cell: 0,
        refresh: Duration::ZERO,
        flush_records: 1,
        flush_interval: Duration::ZERO,
        roles: None,
        cache_bytes: u64::MAX,
        listen: None,
        grace: std::time::Duration::from_secs(30),
        fingerprint: String::new(),
    }
}

/// The events of one test, in its order.
pub fn test_events(config: &Config, test: &MapTest) -> Vec<Event> {
    let key = IdentifierKey::raw();
    let mut events = Vec::new();
    for (i, written) in test.events.iter().enumerate() {
        let found: Vec<(KindId, String)> =
            written.ids.iter().filter_map(|(kind, value)| config.kind_id(kind).map(|k| (k, value.clone()))).collect();
        let (identifiers, blocked) = key.identifiers(config, &found);
        let properties =
            if written.props.is_null() { Value::Object(serde_json::Map::new()) } else { written.props.clone() };
        events.push(Event {
            source: config.source_id(&written.source).unwrap_or(SourceId(0)),
            event_id: Arc::from(format!("{i:06}")),
            generation: 1,
            revision: None,
            name: Arc::from(written.event.as_str()),
            occurred_at: written.at,
            received_at: written.at,
            sequence: None,
            identifiers,
            properties: Arc::from(properties.to_string()),
            session: None,
            payload_hash: i as u128,
            plausible: true,
            blocked,
        });
    }
    events
}
