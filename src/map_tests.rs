//! The tests inside a journey file. In: one version of a map and one of its tests. Out: whether the events give the
//! journeys that the test expects. Pure: identity is taken from the test's own ids, under guards that join whatever the
//! test says is one person.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Config, Kind};
use crate::conformance::{Deviation, Followed, Judges};
use crate::decode;
use crate::event::Event;
use crate::identity::{Identity, facts_of};
use crate::journey::{self, CustomerEvent, FoldContext, Journey, Mode, SourceInfo};
use crate::map::{DesignedMap, MapTest, MapVersions};
use crate::time::Timestamp;
use crate::touchpoint::{self, Rules};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestResult {
    Passed,
    Failed(Vec<String>),
}

/// Runs one test under the version of the file it stands in. `kinds`: those of the config, else [`default_kinds`].
///
/// [`default_kinds`]: crate::config::default_kinds
pub fn run(map: &Arc<DesignedMap>, test: &MapTest, kinds: &[Kind]) -> TestResult {
    let config = decode::for_tests(test, kinds);
    let versions = MapVersions { id: map.id.clone(), versions: vec![map.clone()], fingerprint: String::new() };
    let events: Vec<Event> = decode::test_events(&config, test);
    let as_of = test.as_of.unwrap_or_else(|| latest(&events));
    let journeys = journeys(&config, &versions, &events);
    let mut differences = compare(map, test, &journeys, as_of);
    if let Some(expected) = &test.expect.deviations {
        differences.extend(deviations(&versions, expected, journeys.first()));
    }
    if differences.is_empty() { TestResult::Passed } else { TestResult::Failed(differences) }
}

fn latest(events: &[Event]) -> Timestamp {
    events.iter().map(|e| e.occurred_at).max().unwrap_or(Timestamp::MIN)
}

/// All journeys of all customers, in order of entry.
fn journeys(config: &Config, versions: &MapVersions, events: &[Event]) -> Vec<Journey> {
    let rules = Rules::compile(versions, config);
    let mut identity = Identity::new(config);
    let nodes: Vec<_> = events.iter().map(Event::node).filter(|n| !n.is_empty()).collect();
    identity.apply(events.iter().flat_map(facts_of), nodes);
    let mut by_customer: BTreeMap<Arc<str>, Vec<CustomerEvent>> = BTreeMap::new();
    for event in events {
        let ids = event.identifiers.iter().map(|i| &*i.node);
        let Some(customer) = identity.customer_of(ids, event.occurred_at.utc_day()) else { continue };
        let properties = touchpoint::parse_properties(&event.properties);
        let matched = rules.match_event(event, &properties);
        let seen = CustomerEvent::of(event, Arc::from(""), matched, rules.said(&properties));
        by_customer.entry(customer).or_default().push(seen);
    }
    // The version under test holds for all of its events, whenever it becomes valid.
    let mode = Mode::Version(versions.newest().version);
    let sources = SourceInfo::of(config);
    let context = FoldContext { map: versions, mode, sources: &sources, max_visits: usize::MAX };
    let mut all: Vec<Journey> = by_customer
        .iter()
        .flat_map(|(customer, events)| journey::fold(&context, customer, &events.iter().collect::<Vec<_>>()).journeys)
        .collect();
    all.sort_by_key(|j| (j.entry_at, j.id));
    all
}

fn compare(map: &DesignedMap, test: &MapTest, journeys: &[Journey], as_of: Timestamp) -> Vec<String> {
    let expect = &test.expect;
    let mut differences = Vec::new();
    let mut differ = |what: &str, expected: String, found: String| {
        if expected != found {
            differences.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    if let Some(n) = expect.journeys {
        differ("journeys", n.to_string(), journeys.len().to_string());
    }
    let first = journeys.first();
    if let Some(outcome) = &expect.outcome {
        differ("outcome", outcome.clone(), first.map_or("none", |j| j.outcome(as_of).as_str()).to_owned());
    }
    if let Some(reason) = &expect.reason {
        let found = first.and_then(|j| match &j.decision {
            journey::Decision::Ended { reason, .. } => Some(reason.to_string()),
            _ => None,
        });
        differ("reason", reason.clone(), found.unwrap_or_else(|| "none".to_owned()));
    }
    if let Some(persona) = &expect.persona {
        let found = first.map_or("none", |j| map.persona(j.persona));
        differ("persona", persona.clone(), found.to_owned());
    }
    let touchpoint = |i: u16| map.touchpoints[usize::from(i)].id.to_string();
    let stage = |i: u16| map.stages[usize::from(i)].id.to_string();
    if let Some(path) = &expect.path {
        let found: Vec<String> =
            first.map(|j| j.visits.iter().map(|v| touchpoint(v.touchpoint)).collect()).unwrap_or_default();
        differ("path", list(path), list(&found));
    }
    if let Some(stages) = &expect.stages {
        let found: Vec<String> = first.map(|j| j.entries.iter().map(|e| stage(e.stage)).collect()).unwrap_or_default();
        differ("stages", list(stages), list(&found));
    }
    differences
}

/// In any order; those that the map accepts are deviations as well.
fn deviations(versions: &MapVersions, expected: &[String], first: Option<&Journey>) -> Option<String> {
    let found = first.map(|journey| Judges::new(Arc::new(versions.clone())).follow(journey));
    if let Some(Err(why)) = found.as_ref().map(Followed::fitness) {
        return Some(format!("deviations: expected {}, not evaluated: {}", list(expected), why.as_str()));
    }
    let words = |d: &Deviation| d.words(versions.newest());
    let mut found: Vec<String> = found.iter().flat_map(Followed::deviations).map(words).collect();
    let mut expected = expected.to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    (found != expected).then(|| format!("deviations: expected {}, found {}", list(&expected), list(&found)))
}

fn list(words: &[String]) -> String {
    format!("[{}]", words.join(", "))
}
