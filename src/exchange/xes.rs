//! Journeys as an XES log (IEEE 1849). In: journeys, one after the other. Out: head, one trace for each journey, tail.
//! An event is a visit; its name is the touchpoint.

use super::xml::Xml;
use crate::aggregate::exported::{ExportedJourney, Step};

/// Opens the log.
pub fn head(map: &str) -> String {
    let mut xml = Xml::document();
    xml.open("log", &[("xes.version", "1849-2016"), ("xes.features", ""), ("xmlns", "http://www.xes-standard.org/")]);
    for (name, prefix, uri) in [
        ("Concept", "concept", "http://www.xes-standard.org/concept.xesext"),
        ("Time", "time", "http://www.xes-standard.org/time.xesext"),
    ] {
        xml.empty("extension", &[("name", name), ("prefix", prefix), ("uri", uri)]);
    }
    xml.open("global", &[("scope", "trace")]);
    xml.empty("string", &[("key", "concept:name"), ("value", "journey")]);
    xml.close("global");
    xml.open("global", &[("scope", "event")]);
    xml.empty("string", &[("key", "concept:name"), ("value", "touchpoint")]);
    xml.empty("date", &[("key", "time:timestamp"), ("value", "1970-01-01T00:00:00Z")]);
    xml.close("global");
    xml.empty("classifier", &[("name", "Touchpoint"), ("keys", "concept:name")]);
    xml.empty("string", &[("key", "concept:name"), ("value", map)]);
    xml.done()
}

pub const TAIL: &str = "</log>\n";

pub fn trace(journey: &ExportedJourney) -> String {
    let mut xml = Xml::piece();
    xml.open("trace", &[]);
    let string = |xml: &mut Xml, key: &str, value: &str| {
        if !value.is_empty() {
            xml.empty("string", &[("key", key), ("value", value)]);
        }
    };
    string(&mut xml, "concept:name", &journey.id);
    string(&mut xml, "customer", &journey.customer);
    string(&mut xml, "journey_key", &journey.key);
    string(&mut xml, "outcome", &journey.outcome);
    string(&mut xml, "reason", &journey.reason);
    xml.empty("int", &[("key", "map_version"), ("value", &journey.map_version.to_string())]);
    xml.empty("int", &[("key", "attempt"), ("value", &journey.attempt.to_string())]);
    if let Some(fitness) = journey.fitness {
        xml.empty("float", &[("key", "fitness"), ("value", &fitness.to_string())]);
        xml.empty("boolean", &[("key", "follows_map"), ("value", &journey.follows.to_string())]);
    }
    if let Some(value) = journey.value {
        xml.empty("float", &[("key", "value"), ("value", &value.to_string())]);
        string(&mut xml, "currency", &journey.currency);
    }
    journey.steps.iter().for_each(|step| event(&mut xml, step));
    xml.close("trace");
    xml.done()
}

fn event(xml: &mut Xml, step: &Step) {
    xml.open("event", &[]);
    let strings = [
        ("concept:name", &step.touchpoint),
        ("stage", &step.stage),
        ("channel", &step.channel),
        ("source", &step.source),
        ("event_id", &step.event_id),
    ];
    for (key, value) in strings.into_iter().filter(|(_, value)| !value.is_empty()) {
        xml.empty("string", &[("key", key), ("value", value)]);
    }
    xml.empty("date", &[("key", "time:timestamp"), ("value", &step.at.to_string())]);
    for (key, holds) in [("failed", step.failed), ("beside_model", step.beside)] {
        if holds {
            xml.empty("boolean", &[("key", key), ("value", "true")]);
        }
    }
    xml.close("event");
}
