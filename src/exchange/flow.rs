//! The nodes and flows of one BPMN process. In: its XML. Out: what of it a map can be made of, with every element that is
//! outside of the subset named by its id and line.

use roxmltree::Node;

use super::bpmn::NAMESPACE;
use super::draft::place;
use crate::yaml::{self, Fault, Faults, Fields, Written};

/// BPMN's own namespace.
pub const MODEL: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";

/// What is read. All else is named and refused.
pub const SUBSET: &str = "read are: one process; start and end events; tasks of every kind; sub-processes of tasks, in any order or \
                          one after the other; loops of one of these; exclusive gateways; sequence flows";

const TASKS: [&str; 9] = [
    "task",
    "userTask",
    "serviceTask",
    "sendTask",
    "receiveTask",
    "manualTask",
    "scriptTask",
    "businessRuleTask",
    "callActivity",
];
const STAGES: [&str; 2] = ["subProcess", "adHocSubProcess"];
/// Says nothing about order.
const SILENT: [&str; 16] = [
    "extensionElements",
    "documentation",
    "incoming",
    "outgoing",
    "laneSet",
    "textAnnotation",
    "association",
    "group",
    "dataObject",
    "dataObjectReference",
    "dataStoreReference",
    "ioSpecification",
    "property",
    "completionCondition",
    "multiInstanceLoopCharacteristics",
    "standardLoopCharacteristics",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Start,
    /// `true`: an exit.
    End(bool),
    Gateway,
    Task,
    Stage,
}

/// A node of a process or sub-process.
#[derive(Clone, Debug)]
pub struct Element<'a, 'i> {
    pub kind: Kind,
    pub id: String,
    pub name: String,
    /// What our own export put beside it.
    pub carries: Option<Fields>,
    pub node: Node<'a, 'i>,
}

#[derive(Clone, Debug)]
pub struct Arc<'a, 'i> {
    pub from: String,
    pub to: String,
    pub carries: Option<Fields>,
    pub node: Node<'a, 'i>,
}

#[derive(Clone, Debug, Default)]
pub struct Process<'a, 'i> {
    pub elements: Vec<Element<'a, 'i>>,
    pub arcs: Vec<Arc<'a, 'i>>,
}

impl<'a, 'i> Process<'a, 'i> {
    /// The nodes below `parent`.
    pub fn of(label: &str, parent: Node<'a, 'i>, faults: &mut Faults) -> Self {
        let mut out = Self::default();
        for node in parent.children().filter(|n| n.is_element() && n.tag_name().namespace() == Some(MODEL)) {
            let name = node.tag_name().name();
            let attribute = |key: &str| node.attribute(key).unwrap_or_default().trim().to_owned();
            let kind = match name {
                "sequenceFlow" => {
                    let (from, to) = (attribute("sourceRef"), attribute("targetRef"));
                    let carries = carried(label, node, "what", faults);
                    out.arcs.push(Arc { from, to, carries, node });
                    continue;
                }
                "startEvent" => Kind::Start,
                "endEvent" => Kind::End(is_exit(node)),
                "exclusiveGateway" => Kind::Gateway,
                _ if TASKS.contains(&name) => Kind::Task,
                _ if STAGES.contains(&name) => Kind::Stage,
                _ if SILENT.contains(&name) => continue,
                _ => {
                    let message = format!("`{name}` `{}` is not read", attribute("id"));
                    faults.push(Fault::new(label, place(node), message).help(SUBSET));
                    continue;
                }
            };
            let carries = carried(label, node, "what", faults);
            out.elements.push(Element { kind, id: attribute("id"), name: attribute("name"), carries, node });
        }
        for arc in &out.arcs {
            for end in [&arc.from, &arc.to].into_iter().filter(|end| out.element(end).is_none()) {
                // A node that was refused has its own fault.
                if parent.children().all(|n| n.attribute("id") != Some(end)) {
                    let message = format!(
                        "`sequenceFlow` `{}` names `{end}`, which is not there",
                        arc.node.attribute("id").unwrap_or_default()
                    );
                    faults.push(Fault::new(label, place(arc.node), message));
                }
            }
        }
        out
    }

    pub fn element(&self, id: &str) -> Option<&Element<'a, 'i>> {
        self.elements.iter().find(|e| e.id == id)
    }

    /// Stages and ends that are reached from a node through gateways alone, each with what the way there carries.
    pub fn onward(&self, from: &str) -> Vec<(String, Option<Fields>, bool)> {
        let mut found: Vec<(String, Option<Fields>, bool)> = Vec::new();
        let mut seen = vec![from.to_owned()];
        let mut waiting = vec![(from.to_owned(), None, false)];
        while let Some((at, carries, chosen)) = waiting.pop() {
            let default = self.element(&at).and_then(|e| e.node.attribute("default"));
            for arc in self.arcs.iter().filter(|a| a.from == at).rev() {
                let carries = arc.carries.clone().or_else(|| carries.clone());
                let chosen = chosen || (default.is_some() && default == arc.node.attribute("id"));
                match self.element(&arc.to).map(|e| e.kind) {
                    Some(Kind::Gateway) if seen.contains(&arc.to) => {}
                    Some(Kind::Gateway) => {
                        seen.push(arc.to.clone());
                        waiting.push((arc.to.clone(), carries, chosen));
                    }
                    Some(_) if found.iter().any(|(to, ..)| *to == arc.to) => {}
                    Some(_) => found.push((arc.to.clone(), carries, chosen)),
                    None => {}
                }
            }
        }
        // In the order in which the flows are written.
        found.sort_by_key(|(to, ..)| self.arcs.iter().position(|a| a.to == *to));
        found
    }
}

/// Ends that are no success.
fn is_exit(node: Node<'_, '_>) -> bool {
    let exits =
        ["errorEventDefinition", "cancelEventDefinition", "terminateEventDefinition", "escalationEventDefinition"];
    node.children().any(|n| exits.contains(&n.tag_name().name()))
}

/// What our own export put beside an element.
pub fn carried(label: &str, node: Node<'_, '_>, name: &str, faults: &mut Faults) -> Option<Fields> {
    let beside = node.children().find(|n| n.has_tag_name((MODEL, "extensionElements")))?;
    let ours = beside.children().find(|n| n.has_tag_name((NAMESPACE, name)))?;
    match yaml::read(label, ours.text().unwrap_or_default()) {
        Ok(read) => match Written::from(&read) {
            Written::Map(fields) => Some(fields),
            _ => None,
        },
        Err(_) => {
            let message = format!(
                "the extension element `tropa:{name}` of `{}` cannot be read",
                node.attribute("id").unwrap_or_default()
            );
            faults.push(
                Fault::new(label, place(ours), message)
                    .help("it is written by `tropa export`; take it out to go without it"),
            );
            None
        }
    }
}
