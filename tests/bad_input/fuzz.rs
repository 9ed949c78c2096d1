//! Whatever the bytes: no reader and no decoder panics, each record has one verdict, and the counts add up.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use proptest::prelude::*;
use tropa::config::{self, FileFormat};
use tropa::decode::{Decoding, IdentifierKey};
use tropa::event::{Admission, Admit, Position, RawPayload, RawRecord, SourceId};
use tropa::source::file::{self, FileRead};
use tropa::source::{Counters, DecodedBatch};
use tropa::time::Timestamp;

const CONFIG: &str = "schema: config/v1
sources:
  plain: { decoder: { name: n, time: t, id: i, sequence: s, revision: r, session: w, ids: { user: u, cookie: c } } }
  bare: { decoder: { name: { const: x }, time: { from: t, format: unix_ms }, sequence: line, ids: { phone: u } } }
  pattern: { decoder: { name: { from: n, lookup: { a: b }, other: c }, time: { from: t, format: '%d.%m.%Y %H:%M', zone: Europe/Moscow } } }
  several: { decoder: { id: { join: [i, u] }, events: [ { name: n, time: t }, { name: { const: y }, time: s, when: { n: a } } ] } }
  segment: { decoder: { segment: { traits: { email: email } } } }
";

fn decoding() -> (usize, Decoding) {
    let config = config::parse("fuzz.yaml", CONFIG, &|_| None, Path::new(".")).unwrap_or_else(|f| panic!("{f}"));
    (config.sources.len(), Decoding::new(Arc::new(config), IdentifierKey::from_text("key")))
}

fn moment() -> Timestamp {
    Timestamp::parse("2026-06-01").expect("a day")
}

fn admit(decoding: &Decoding, source: usize, payload: RawPayload<'_>) -> Admission {
    let position = Position { topic: Arc::from("fuzz"), partition: 0, offset: 0 };
    let source = SourceId(source as u16);
    decoding.admit(&RawRecord { source, position: &position, line: 1, payload, received_at: moment() })
}

/// Values that decoders trip over, in JSON.
fn value() -> impl Strategy<Value = String> {
    let times = [
        "2026-01-01T10:00:00Z",
        "2026-01-01 10:00",
        "01.02.2026 10:00",
        "-009999-01-01",
        "9999-12-31T23:59:60Z",
        "24:00",
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| format!("{n:e}")),
        (any::<u64>(), 0..400_i32).prop_map(|(n, e)| format!("{n}e{e}")),
        prop::sample::select(times.to_vec()).prop_map(|t| format!("\"{t}\"")),
        ".*".prop_map(|t| serde_json::Value::String(t).to_string()),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|l| format!("[{}]", l.join(","))),
            prop::collection::vec(inner, 0..3).prop_map(|l| format!(
                "{{{}}}",
                l.iter().enumerate().map(|(i, v)| format!("\"k{i}\":{v}")).collect::<Vec<_>>().join(",")
            )),
        ]
    })
}

fn record() -> impl Strategy<Value = String> {
    let keys = [
        "n",
        "t",
        "i",
        "s",
        "r",
        "w",
        "u",
        "c",
        "type",
        "event",
        "timestamp",
        "userId",
        "properties",
        "traits",
        "context",
        "messageId",
    ];
    prop::collection::vec((prop::sample::select(keys.to_vec()), value()), 0..8).prop_map(|fields| {
        let fields: Vec<String> = fields.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

/// Bytes like those of files: pieces that mean something to one reader or another.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "\n",
        "\r\n",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\t",
        ":",
        "\"n\":\"a\"",
        "\"t\":\"2026-01-01T10:00:00Z\"",
        "n,t,i\n",
        "a,2026-01-01,1\n",
        "\u{feff}",
        "\0",
        "\"\"",
        "1e999",
    ];
    let piece = prop_oneof![
        4 => prop::sample::select(pieces.to_vec()).prop_map(|p| p.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => record().prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_get_a_verdict_from_every_decoder(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (sources, decoding) = decoding();
        let header: Vec<String> = ["n", "t", "i"].iter().map(|c| (*c).to_owned()).collect();
        for source in 0..sources {
            admit(&decoding, source, RawPayload::Json(&bytes));
            let third = bytes.len() / 3;
            let cells = [&bytes[..third], &bytes[third..2 * third], &bytes[2 * third..]];
            admit(&decoding, source, RawPayload::Row { header: &header, cells: &cells, text: &bytes });
        }
    }

    #[test]
    fn any_record_is_an_event_with_a_usable_time_or_has_a_reason(text in record()) {
        let (sources, decoding) = decoding();
        for source in 0..sources {
            match admit(&decoding, source, RawPayload::Json(text.as_bytes())) {
                Admission::Emit(events) => {
                    prop_assert!(!events.is_empty());
                    for event in events {
                        prop_assert!(event.occurred_at.is_usable() && !event.name.is_empty() && !event.event_id.is_empty());
                        prop_assert!(serde_json::from_str::<serde_json::Value>(&event.properties).is_ok_and(|p| p.is_object()));
                    }
                }
                Admission::Drop(_) => {}
                Admission::Reject(rejection) => prop_assert!(!rejection.detail.is_empty()),
            }
        }
    }

    #[test]
    fn any_file_is_read_to_its_end_in_every_format(bytes in bytes(), packed in any::<bool>(), limit in 4..400_usize, flush in 1..5_usize) {
        let (_, decoding) = decoding();
        let mut stored = tempfile::NamedTempFile::new().expect("a temporary file");
        let content = if packed {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(&bytes).expect("in memory");
            let mut packed = packer.finish().expect("in memory");
            packed.truncate(packed.len().saturating_sub(bytes.first().map_or(0, |b| usize::from(*b) % 20)));
            packed
        } else {
            bytes
        };
        stored.write_all(&content).expect("writable");
        let path = stored.path().display().to_string();
        for format in [FileFormat::Auto, FileFormat::Ndjson, FileFormat::JsonArray, FileFormat::Csv { separator: b',' }] {
            let what = FileRead {
                path: &path, source: SourceId(0), format, max_record_bytes: limit, flush_records: flush, flush_interval: None, received_at: moment(), generation: 1, limits: tropa::config::DeadLetterLimits::NONE };
            let (mut all, mut letters, mut events, mut finished) = (Counters::default(), 0, 0, false);
            file::read(&what, &decoding, &Arc::new(AtomicU64::new(0)), |batch: DecodedBatch| {
                for progress in &batch.progress {
                    all.add(&progress.counters);
                    finished = progress.finished;
                }
                letters += batch.dead_letters.len() as u64;
                events += batch.events.len() as u64;
                ControlFlow::Continue(())
            })
            .expect("the file can be read");
            prop_assert!(finished);
            prop_assert_eq!(all.records, all.decoded + all.skipped + all.rejected);
            prop_assert_eq!((all.rejected, all.decoded), (letters, events));
        }
    }
}
