//! A planned journey of CJML -> draft of a journey file. In: XML. Out: a draft, or every fault with its line. A phase is a
//! stage, a planned touchpoint a touchpoint, in the order in which they stand; the last stage is the goal. What CJML cannot
//! say (rules for events, exits, limits) is left for whoever goes on with the file.

use std::collections::BTreeSet;

use roxmltree::Node;

use super::draft::{Draft, fault, head, id_of, parse_xml, place};
use crate::yaml::{Fault, Faults, Fields, Position, Written};

const SUBSET: &str =
    "read are: one `plannedJourney` with `phases` and `touchpoints` of `plannedCommunicationPoint` and `plannedAction`";

pub fn read(label: &str, text: &str) -> Result<Draft, Faults> {
    let document = parse_xml(label, text)?;
    let planned: Vec<Node<'_, '_>> = document.descendants().filter(|n| is(*n, "plannedJourney")).collect();
    let &[journey] = planned.as_slice() else {
        let at = planned.get(1).map_or(Position::default(), |n| place(*n));
        return Err(fault(label, at, format!("the file has {} planned journeys", planned.len()), SUBSET));
    };
    let mut faults = Faults::new();
    let title =
        words(journey, "journeyTitle").or_else(|| words(journey, "journeyID")).unwrap_or_else(|| "journey".to_owned());
    let id = words(journey, "journeyID").unwrap_or_else(|| title.clone());
    let mut draft = Draft { head: head(&kept(&id, &mut BTreeSet::new()), Some(&title)), ..Draft::default() };
    let (mut stages, mut ids, mut touchpoints) = (Stages::default(), BTreeSet::new(), Vec::new());
    for phase in journey.descendants().filter(|n| is(*n, "phase")) {
        let key = phase.attribute("phaseID").unwrap_or_default();
        let title = phase.text().map(str::trim).filter(|t| !t.is_empty()).unwrap_or(key);
        stages.add(if key.is_empty() { title } else { key }, title);
    }
    let mut channels: Vec<(String, String)> = Vec::new();
    let list = journey.children().find(|n| is(*n, "touchpoints"));
    for point in list.into_iter().flat_map(|l| l.children()).filter(Node::is_element) {
        let name = point.tag_name().name();
        let said = words(point, "touchpointID").unwrap_or_default();
        if !matches!(name, "plannedCommunicationPoint" | "plannedAction") {
            let message = format!("`{name}` `{said}` is not read");
            faults.push(Fault::new(label, place(point), message).help(SUBSET));
            continue;
        }
        let title =
            words(point, "initiatorLabel").or_else(|| words(point, "receiverLabel")).unwrap_or_else(|| said.clone());
        if title.is_empty() {
            let message = format!("a `{name}` has neither an id nor a label");
            faults.push(Fault::new(label, place(point), message).help("allowed: `touchpointID`, or `initiatorLabel`"));
            continue;
        }
        let id = kept(if said.is_empty() { &title } else { &said }, &mut ids);
        let phases = stages.named(point);
        if phases.len() > 1 {
            let list: Vec<String> = phases.iter().map(|p| format!("`{p}`")).collect();
            let message = format!("`{name}` `{id}` belongs to {} phases: {}", phases.len(), list.join(", "));
            faults.push(Fault::new(label, place(point), message).help(
                "allowed: one phase for each touchpoint; what is met in several is one touchpoint in each, with an id of its own",
            ));
            continue;
        }
        let stage = match (phases.first(), touchpoints.last()) {
            (Some(phase), _) => stages.of(phase),
            // It belongs to the phase that goes on, or is a stage of its own where there are none.
            (None, Some((before, _))) if stages.phases => *before,
            (None, _) => stages.add(&id, &title),
        };
        let mut fields = Fields::default();
        fields.put("id", id.as_str());
        fields.put_some("title", Some(title.as_str()).filter(|t| *t != id));
        fields.put("stage", stages.list[stage].0.as_str());
        let named = point.descendants().filter(|n| is(*n, "channelName")).filter_map(|n| n.text()).map(str::trim);
        fields.put_list("channels", named.filter(|c| !c.is_empty()).map(|c| channel(c, &mut channels)));
        touchpoints.push((stage, fields));
    }
    if touchpoints.is_empty() && faults.is_empty() {
        return Err(fault(label, place(journey), "the planned journey has no touchpoints", SUBSET));
    }
    if !channels.is_empty() {
        let about = |(id, title): &(String, String)| {
            let mut about = Fields::default();
            about.put_some("title", Some(title.as_str()).filter(|t| t != id));
            (id.clone(), Written::Map(about))
        };
        draft.head.put("channels", Fields(channels.iter().map(about).collect()));
    }
    // A phase in which nothing is planned is no stage.
    let used = |s: usize| touchpoints.iter().filter(|(of, _)| *of == s).count();
    let last = (0..stages.list.len()).rev().find(|&s| used(s) > 0);
    for (s, (id, title)) in stages.list.iter().enumerate().filter(|(s, _)| used(*s) > 0) {
        let mut fields = Fields::default();
        fields.put("id", id.as_str());
        fields.put_some("title", Some(title.as_str()).filter(|t| t != id));
        if Some(s) == last {
            fields.put("role", "success");
        }
        if used(s) > 1 {
            fields.put("sequence", true);
        }
        draft.stages.push(fields);
    }
    draft.touchpoints = touchpoints.into_iter().map(|(_, fields)| fields).collect();
    faults.or(draft)
}

/// Stages by what the file calls them: id and title.
#[derive(Default)]
struct Stages {
    keys: Vec<String>,
    list: Vec<(String, String)>,
    taken: BTreeSet<String>,
    /// The file has phases.
    phases: bool,
}

impl Stages {
    fn add(&mut self, key: &str, title: &str) -> usize {
        self.keys.push(key.to_owned());
        self.list.push((kept(key, &mut self.taken), title.to_owned()));
        self.list.len() - 1
    }

    /// The phases that a touchpoint names, each once. One that is written with spaces is known by them, else they part several.
    fn named<'a>(&self, point: Node<'a, '_>) -> Vec<&'a str> {
        let mut found: Vec<&str> = Vec::new();
        for written in point.descendants().filter_map(|n| n.attribute("phaseIDref")).map(str::trim) {
            let whole = self.keys.iter().any(|key| key == written);
            let parts = if whole { vec![written] } else { written.split_whitespace().collect() };
            for phase in parts.into_iter().filter(|p| !p.is_empty()) {
                if !found.contains(&phase) {
                    found.push(phase);
                }
            }
        }
        found
    }

    fn of(&mut self, phase: &str) -> usize {
        self.phases = true;
        let known = self.keys.iter().position(|k| k == phase);
        known.unwrap_or_else(|| self.add(phase, phase))
    }
}

/// An id that is one already stays as it is.
fn kept(text: &str, taken: &mut BTreeSet<String>) -> String {
    let usable = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'));
    if usable && !text.is_empty() && taken.insert(text.to_owned()) {
        return text.to_owned();
    }
    id_of(text, taken)
}

fn channel(name: &str, channels: &mut Vec<(String, String)>) -> String {
    if let Some((id, _)) = channels.iter().find(|(_, title)| title == name) {
        return id.clone();
    }
    let mut taken = channels.iter().map(|(id, _)| id.clone()).collect();
    let id = kept(name, &mut taken);
    channels.push((id.clone(), name.to_owned()));
    id
}

/// Any namespace: the language has had several.
fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.tag_name().name() == name
}

fn words(node: Node<'_, '_>, name: &str) -> Option<String> {
    let found = node.descendants().find(|n| is(*n, name))?;
    found.text().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
}
