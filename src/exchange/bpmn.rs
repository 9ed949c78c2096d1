//! A map as BPMN 2.0, with a drawing. In: a map. Out: XML that other tools open. A stage is an ad-hoc sub-process (its tasks
//! come in any order and may repeat, as in a map), a touchpoint a task, an arc a sequence flow, a choice of arcs an exclusive
//! gateway. What BPMN cannot say stands in extension elements beside what it belongs to, so that the file read again gives
//! the same map, and whoever draws in it keeps the rest.

use super::xml::Xml;
use crate::map::arcs::{arcs, is_end};
use crate::map::written::{head, stage, tail, touchpoint, transition};
use crate::map::{DesignedMap, Role, StageIx, Text, Transition, TransitionKind};
use crate::yaml::{Fields, Written};

/// Namespace of the extension elements.
pub const NAMESPACE: &str = "urn:tropa:journey:v1";

/// A flow between two nodes, with what it carries.
struct Flow {
    from: String,
    to: String,
    carries: Option<Fields>,
}

pub fn bpmn(map: &DesignedMap, language: &str) -> String {
    let flows = flows(map);
    let mut xml = Xml::document();
    xml.open(
        "bpmn:definitions",
        &[
            ("xmlns:bpmn", "http://www.omg.org/spec/BPMN/20100524/MODEL"),
            ("xmlns:bpmndi", "http://www.omg.org/spec/BPMN/20100524/DI"),
            ("xmlns:dc", "http://www.omg.org/spec/DD/20100524/DC"),
            ("xmlns:di", "http://www.omg.org/spec/DD/20100524/DI"),
            ("xmlns:tropa", NAMESPACE),
            ("id", "definitions"),
            ("targetNamespace", NAMESPACE),
        ],
    );
    xml.open(
        "bpmn:process",
        &[("id", "journey"), ("name", shown(&map.title, &map.id, language)), ("isExecutable", "false")],
    );
    extension(&mut xml, "map", whole(map));
    let node = |xml: &mut Xml, name: &str, id: &str, label: &str, carries: Option<Fields>| {
        xml.open(name, &[("id", id), ("name", label)]);
        if let Some(fields) = carries {
            extension(xml, "what", fields);
        }
        ends_of(xml, id, &flows);
    };
    node(&mut xml, "bpmn:startEvent", "start", "", None);
    xml.close("bpmn:startEvent");
    for gateway in gateways(&flows) {
        node(&mut xml, "bpmn:exclusiveGateway", &gateway, "", None);
        xml.close("bpmn:exclusiveGateway");
    }
    for (s, of) in map.stages.iter().enumerate() {
        let mut carries = stage(map, of);
        carries.put("place", s as u64);
        node(
            &mut xml,
            "bpmn:adHocSubProcess",
            &format!("stage_{s}"),
            shown(&of.title, &of.id, language),
            Some(carries),
        );
        for (t, of) in map.touchpoints.iter().enumerate().filter(|(_, t)| usize::from(t.stage) == s) {
            let mut carries = touchpoint(map, of);
            carries.remove("stage");
            carries.put("place", t as u64);
            let id = format!("touchpoint_{t}");
            node(&mut xml, "bpmn:task", &id, shown(&of.title, &of.id, language), Some(carries));
            xml.close("bpmn:task");
        }
        xml.close("bpmn:adHocSubProcess");
    }
    for s in (0..map.stages.len() as StageIx).filter(|&s| is_end(map, s)) {
        // The stage says itself whether it completes or ends journeys.
        node(&mut xml, "bpmn:endEvent", &format!("end_{s}"), "", Some(Fields::default()));
        if map.stages[usize::from(s)].role == Role::Exit {
            xml.empty("bpmn:errorEventDefinition", &[("id", &format!("why_{s}"))]);
        }
        xml.close("bpmn:endEvent");
    }
    for (i, flow) in flows.iter().enumerate() {
        let id = format!("flow_{i}");
        let attributes = [("id", id.as_str()), ("sourceRef", &flow.from), ("targetRef", &flow.to)];
        match &flow.carries {
            None => xml.empty("bpmn:sequenceFlow", &attributes),
            Some(fields) => {
                xml.open("bpmn:sequenceFlow", &attributes);
                extension(&mut xml, "what", fields.clone());
                xml.close("bpmn:sequenceFlow");
            }
        }
    }
    xml.close("bpmn:process");
    draw(&mut xml, map, &flows);
    xml.close("bpmn:definitions");
    xml.done()
}

/// The name that people see.
pub fn shown<'a>(text: &'a Text, id: &'a str, language: &str) -> &'a str {
    text.get(language).unwrap_or(id)
}

fn extension(xml: &mut Xml, name: &str, fields: Fields) {
    xml.open("bpmn:extensionElements", &[]);
    xml.text(&format!("tropa:{name}"), &[], &Written::Map(fields).on_one_line());
    xml.close("bpmn:extensionElements");
}

/// What stands neither in stages nor touchpoints nor flows: the head and tail of the file, and forbidden transitions.
fn whole(map: &DesignedMap) -> Fields {
    let mut out = head(map);
    out.remove("entry");
    out.0.extend(tail(map).0);
    let forbidden = map.transitions.iter().enumerate().filter(|(_, t)| t.kind == TransitionKind::Forbidden);
    out.put_list("forbidden", forbidden.map(|(place, t)| carried(map, place, t)));
    out
}

fn carried(map: &DesignedMap, place: usize, t: &Transition) -> Fields {
    let mut out = transition(map, t);
    out.put("place", place as u64);
    out
}

/// Start to entries, stage to stage, stage to end; through a gateway where a node has several.
fn flows(map: &DesignedMap) -> Vec<Flow> {
    let mut direct: Vec<Flow> = Vec::new();
    for (s, _) in map.entry.iter().enumerate().filter(|(_, open)| **open) {
        direct.push(Flow { from: "start".to_owned(), to: format!("stage_{s}"), carries: None });
    }
    for (from, to) in arcs(map) {
        let listed =
            map.transitions.iter().position(|t| (t.from, t.to) == (from, to) && t.kind != TransitionKind::Forbidden);
        let carries = match listed {
            Some(place) => {
                let mut fields = carried(map, place, &map.transitions[place]);
                fields.remove("from");
                fields.remove("to");
                fields
            }
            // It follows from the order of stages.
            None => Fields(vec![("listed".to_owned(), false.into())]),
        };
        direct.push(Flow { from: format!("stage_{from}"), to: format!("stage_{to}"), carries: Some(carries) });
    }
    for s in (0..map.stages.len() as StageIx).filter(|&s| is_end(map, s)) {
        direct.push(Flow { from: format!("stage_{s}"), to: format!("end_{s}"), carries: None });
    }
    let several = |node: &str| direct.iter().filter(|f| f.from == node).count() > 1;
    let mut nodes: Vec<String> = direct.iter().map(|f| f.from.clone()).filter(|n| several(n)).collect();
    nodes.dedup();
    nodes.sort();
    nodes.dedup();
    let mut out: Vec<Flow> =
        nodes.iter().map(|n| Flow { from: n.clone(), to: format!("choice_{n}"), carries: None }).collect();
    out.extend(direct.into_iter().map(|f| match nodes.contains(&f.from) {
        true => Flow { from: format!("choice_{}", f.from), ..f },
        false => f,
    }));
    out
}

fn gateways(flows: &[Flow]) -> Vec<String> {
    flows.iter().map(|f| &f.to).filter(|to| to.starts_with("choice_")).cloned().collect()
}

/// Names of the flows that come and go, as the format wants them inside the node.
fn ends_of(xml: &mut Xml, node: &str, flows: &[Flow]) {
    for (name, of) in [("bpmn:incoming", (|f| &f.to) as fn(&Flow) -> &String), ("bpmn:outgoing", |f| &f.from)] {
        for (i, _) in flows.iter().enumerate().filter(|(_, f)| of(f) == node) {
            xml.text(name, &[], &format!("flow_{i}"));
        }
    }
}

/// A rectangle of the drawing.
#[derive(Clone, Copy)]
struct Shape {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

const TOP: usize = 100;
const COLUMN: usize = 320;
const STAGE_WIDTH: usize = 180;
const TASK: Shape = Shape { x: 20, y: 40, width: 140, height: 60 };

/// Stages from left to right, ends below them; arcs to the next stage straight, others below.
fn draw(xml: &mut Xml, map: &DesignedMap, flows: &[Flow]) {
    let tasks = |s: usize| map.touchpoints.iter().filter(|t| usize::from(t.stage) == s).count();
    let height = |s: usize| 60 + tasks(s).max(1) * (TASK.height + 20);
    let lowest = (0..map.stages.len()).map(height).max().unwrap_or_default() + TOP;
    let shape = |node: &str| -> Shape {
        let number = |prefix: &str| node.strip_prefix(prefix).and_then(|n| n.parse::<usize>().ok());
        let left = |s: usize| 120 + s * COLUMN;
        if let Some(s) = number("stage_") {
            return Shape { x: left(s), y: TOP, width: STAGE_WIDTH, height: height(s) };
        }
        if let Some(s) = number("end_") {
            return Shape { x: left(s) + STAGE_WIDTH + 52, y: TOP + 130, width: 36, height: 36 };
        }
        if let Some(s) = number("choice_stage_") {
            return Shape { x: left(s) + STAGE_WIDTH + 45, y: TOP + 25, width: 50, height: 50 };
        }
        let start = node == "start";
        Shape {
            x: if start { 0 } else { 50 },
            y: if start { TOP + 32 } else { TOP + 25 },
            width: if start { 36 } else { 50 },
            height: if start { 36 } else { 50 },
        }
    };
    xml.open("bpmndi:BPMNDiagram", &[("id", "drawing")]);
    xml.open("bpmndi:BPMNPlane", &[("id", "plane"), ("bpmnElement", "journey")]);
    let put = |xml: &mut Xml, node: &str, at: Shape, expanded: bool| {
        let id = format!("shape_{node}");
        let mut attributes = vec![("id", id.as_str()), ("bpmnElement", node)];
        if expanded {
            attributes.push(("isExpanded", "true"));
        }
        xml.open("bpmndi:BPMNShape", &attributes);
        let [x, y, width, height] = [at.x, at.y, at.width, at.height].map(|n| n.to_string());
        xml.empty("dc:Bounds", &[("x", &x), ("y", &y), ("width", &width), ("height", &height)]);
        xml.close("bpmndi:BPMNShape");
    };
    put(xml, "start", shape("start"), false);
    gateways(flows).iter().for_each(|g| put(xml, g, shape(g), false));
    for s in 0..map.stages.len() {
        let at = shape(&format!("stage_{s}"));
        put(xml, &format!("stage_{s}"), at, true);
        let own = map.touchpoints.iter().enumerate().filter(|(_, t)| usize::from(t.stage) == s);
        for (i, (t, _)) in own.enumerate() {
            let place = Shape { x: at.x + TASK.x, y: at.y + TASK.y + i * (TASK.height + 20), ..TASK };
            put(xml, &format!("touchpoint_{t}"), place, false);
        }
        if is_end(map, s as StageIx) {
            put(xml, &format!("end_{s}"), shape(&format!("end_{s}")), false);
        }
    }
    for (i, flow) in flows.iter().enumerate() {
        let (from, to) = (shape(&flow.from), shape(&flow.to));
        let (id, of) = (format!("edge_{i}"), format!("flow_{i}"));
        xml.open("bpmndi:BPMNEdge", &[("id", &id), ("bpmnElement", &of)]);
        let (begin, end) =
            ((from.x + from.width, from.y + from.height.min(100) / 2), (to.x, to.y + to.height.min(100) / 2));
        let near = to.x > from.x && to.x - from.x <= COLUMN;
        let points = if near || to.x == from.x + from.width + 52 {
            vec![begin, end]
        } else {
            // Each on a line of its own below the stages.
            let below = lowest + 20 + i * 12;
            let (right, left) = (begin.0 + 8, to.x.saturating_sub(12));
            vec![begin, (right, begin.1), (right, below), (left, below), (left, end.1), end]
        };
        for (x, y) in points {
            xml.empty("di:waypoint", &[("x", &x.to_string()), ("y", &y.to_string())]);
        }
        xml.close("bpmndi:BPMNEdge");
    }
    xml.close("bpmndi:BPMNPlane");
    xml.close("bpmndi:BPMNDiagram");
}
