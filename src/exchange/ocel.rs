//! Journeys as OCEL 2.0 in JSON. In: journeys, one after the other. Out: the head with all types, the objects of each
//! customer (the customer, its journeys, what their keys name), the events of each journey, and what stands between.
//! An event is a visit; its type is the touchpoint.

use rustc_hash::FxHashSet;
use serde_json::{Value, json};

use crate::aggregate::exported::ExportedJourney;
use crate::map::MapVersions;

/// Attributes that never change carry this moment, as the format asks.
const EVER: &str = "1970-01-01T00:00:00Z";

/// What has been written, so that commas stand where they must and nothing stands twice.
#[derive(Debug)]
pub struct Ocel {
    /// Type of what a journey's key names, such as `application_id`.
    key_type: Option<String>,
    /// Keys that were written, by hash: two customers may name the same.
    keys: FxHashSet<[u8; 16]>,
    objects: u64,
    events: u64,
    customer: Option<String>,
}

impl Ocel {
    /// With the head, up to the first object.
    pub fn begin(map: &MapVersions) -> (Self, String) {
        let key = map.newest().journey_key.as_ref();
        let key_type = key.map(|key| match key.parts.last().map(|p| &**p) {
            Some(last) if !matches!(last, "customer" | "journey") => last.to_owned(),
            _ => key.written.to_string(),
        });
        let attribute = |(name, kind): (&str, &str)| json!({ "name": name, "type": kind });
        let journey = [
            ("outcome", "string"),
            ("reason", "string"),
            ("map_version", "integer"),
            ("attempt", "integer"),
            ("fitness", "float"),
            ("follows_map", "boolean"),
            ("value", "float"),
            ("currency", "string"),
        ];
        let mut objects = vec![
            json!({ "name": "customer", "attributes": [] }),
            json!({ "name": "journey", "attributes": journey.map(attribute) }),
        ];
        objects.extend(key_type.iter().map(|name| json!({ "name": name, "attributes": [] })));
        let mut names: Vec<&str> = map.versions.iter().flat_map(|v| v.touchpoints.iter().map(|t| &*t.id)).collect();
        names.sort_unstable();
        names.dedup();
        let event = [
            ("stage", "string"),
            ("channel", "string"),
            ("source", "string"),
            ("event_id", "string"),
            ("failed", "boolean"),
        ];
        let events: Vec<Value> =
            names.iter().map(|name| json!({ "name": name, "attributes": event.map(attribute) })).collect();
        let head = format!(
            "{{\"objectTypes\": {},\n\"eventTypes\": {},\n\"objects\": [",
            Value::from(objects),
            Value::from(events)
        );
        (Self { key_type, keys: FxHashSet::default(), objects: 0, events: 0, customer: None }, head)
    }

    /// What stands between the last object and the first event.
    pub const BETWEEN: &'static str = "\n],\n\"events\": [";
    pub const TAIL: &'static str = "\n]}\n";

    fn key_id(&self, journey: &ExportedJourney) -> Option<(String, &str)> {
        let kind = self.key_type.as_deref().filter(|_| !journey.key.is_empty())?;
        Some((format!("{kind}:{}", journey.key), kind))
    }

    /// The journey, with its customer and its key where they are new. A customer's journeys come one after the other.
    pub fn objects(&mut self, journey: &ExportedJourney) -> String {
        let mut out = String::new();
        if self.customer.as_deref() != Some(&journey.customer) {
            self.customer = Some(journey.customer.clone());
            let object =
                json!({ "id": customer_id(journey), "type": "customer", "attributes": [], "relationships": [] });
            push(&mut out, &mut self.objects, &object);
        }
        let key = self.key_id(journey).map(|(id, kind)| (id, kind.to_owned()));
        if let Some((id, kind)) = &key {
            let mut short = [0; 16];
            short.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
            if self.keys.insert(short) {
                let object = json!({ "id": id, "type": kind, "attributes": [], "relationships": [] });
                push(&mut out, &mut self.objects, &object);
            }
        }
        let all = [
            ("outcome", Some(json!(journey.outcome))),
            ("reason", Some(json!(journey.reason)).filter(|_| !journey.reason.is_empty())),
            ("map_version", Some(json!(journey.map_version))),
            ("attempt", Some(json!(journey.attempt))),
            ("fitness", journey.fitness.map(|f| json!(f))),
            ("follows_map", journey.fitness.map(|_| json!(journey.follows))),
            ("value", journey.value.map(|v| json!(v))),
            ("currency", journey.value.map(|_| json!(journey.currency))),
        ];
        let attributes: Vec<Value> = all
            .into_iter()
            .filter_map(|(name, value)| Some(json!({ "name": name, "time": EVER, "value": value? })))
            .collect();
        let mut relationships = vec![json!({ "objectId": customer_id(journey), "qualifier": "walked by" })];
        relationships.extend(key.map(|(id, _)| json!({ "objectId": id, "qualifier": "about" })));
        let object =
            json!({ "id": journey.id, "type": "journey", "attributes": attributes, "relationships": relationships });
        push(&mut out, &mut self.objects, &object);
        out
    }

    pub fn events(&mut self, journey: &ExportedJourney) -> String {
        let mut out = String::new();
        let key = self.key_id(journey).map(|(id, _)| id);
        for (i, step) in journey.steps.iter().enumerate() {
            let mut relationships = vec![
                json!({ "objectId": journey.id, "qualifier": "visit of" }),
                json!({ "objectId": customer_id(journey), "qualifier": "made by" }),
            ];
            relationships.extend(key.iter().map(|id| json!({ "objectId": id, "qualifier": "about" })));
            let strings = [
                ("stage", &step.stage),
                ("channel", &step.channel),
                ("source", &step.source),
                ("event_id", &step.event_id),
            ];
            let mut attributes: Vec<Value> = strings
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| json!({ "name": name, "value": value }))
                .collect();
            attributes.push(json!({ "name": "failed", "value": step.failed }));
            let event = json!({
                "id": format!("{}.{}", journey.id, i + 1),
                "type": step.touchpoint,
                "time": step.at.to_string(),
                "attributes": attributes,
                "relationships": relationships,
            });
            push(&mut out, &mut self.events, &event);
        }
        out
    }
}

/// A customer and the object its key names may share a name.
fn customer_id(journey: &ExportedJourney) -> String {
    format!("customer:{}", journey.customer)
}

fn push(out: &mut String, count: &mut u64, item: &Value) {
    out.push_str(if *count == 0 { "\n" } else { ",\n" });
    out.push_str(&item.to_string());
    *count += 1;
}
