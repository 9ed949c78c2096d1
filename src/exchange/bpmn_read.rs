//! BPMN 2.0 -> draft of a journey file. In: the XML of one process of the subset that [`super::flow`] reads. Out: a draft, or
//! every fault with its element and line. A sub-process is a stage and its tasks are touchpoints; a task outside of one is
//! a stage with one touchpoint. What is drawn to go back to itself needs no word: touchpoints may repeat. Structure is what
//! the drawing says; all else is what our own export put beside it.

use std::collections::BTreeSet;

use super::draft::{Draft, TAIL, fault, head, id_of, parse_xml, place};
use super::flow::{Arc, Element, Kind, MODEL, Process, SUBSET, carried};
use crate::yaml::{Fault, Faults, Fields, Position, Written};

pub fn read(label: &str, text: &str) -> Result<Draft, Faults> {
    let document = parse_xml(label, text)?;
    let mut faults = Faults::new();
    let all = document.descendants().filter(|n| n.has_tag_name((MODEL, "process")));
    let processes: Vec<_> = all.collect();
    let &[process] = processes.as_slice() else {
        let at = processes.get(1).map_or(Position::default(), |p| place(*p));
        return Err(fault(label, at, format!("the file has {} processes", processes.len()), SUBSET));
    };
    let mut whole = carried(label, process, "map", &mut faults).unwrap_or_default();
    let found = Process::of(label, process, &mut faults);
    let mut reading =
        Reading { label, found: &found, stages: Vec::new(), touchpoints: Vec::new(), faults, taken: Ids::default() };
    reading.stages(&found);
    let draft = reading.draft(&mut whole, process.attribute("name").or(process.attribute("id")).unwrap_or("journey"));
    reading.faults.or(draft)
}

#[derive(Default)]
struct Ids {
    stages: BTreeSet<String>,
    touchpoints: BTreeSet<String>,
}

/// A stage as found: the id of its element, its fields, its place if our own export said so.
struct Found {
    element: String,
    fields: Fields,
    place: Option<u64>,
}

struct Reading<'r, 'a, 'i> {
    label: &'r str,
    found: &'r Process<'a, 'i>,
    stages: Vec<Found>,
    touchpoints: Vec<(Option<u64>, Fields)>,
    faults: Faults,
    taken: Ids,
}

impl<'a, 'i> Reading<'_, 'a, 'i> {
    fn stages(&mut self, found: &Process<'a, 'i>) {
        for element in &found.elements {
            match element.kind {
                Kind::Stage => {
                    let inside = Process::of(self.label, element.node, &mut self.faults);
                    let mut fields = fields(element, &mut self.taken.stages);
                    let stage = id(&fields);
                    let tasks = self.order(element, &inside, &mut fields);
                    let again = is_repeated(element, found);
                    if again && tasks.len() > 1 && fields.get("sequence") == Some(&Written::Bool(true)) {
                        let message =
                            format!("`{}` is repeated whole, and its tasks stand one after the other", element.id);
                        let help = format!(
                            "a map repeats single touchpoints, or those of a stage in any order: leave out the flows inside \
                             of it, or draw the loop around one task; {SUBSET}"
                        );
                        self.faults.push(Fault::new(self.label, place(element.node), message).help(help));
                    }
                    self.push(element, fields);
                    tasks.iter().for_each(|task| self.task(task, &stage, again || is_repeated(task, &inside)));
                }
                Kind::Task => {
                    let fields = fields(element, &mut self.taken.stages);
                    let stage = id(&fields);
                    self.push(element, fields);
                    self.task(element, &stage, is_repeated(element, found));
                }
                Kind::Start | Kind::End(_) | Kind::Gateway => {}
            }
        }
    }

    fn push(&mut self, element: &Element<'_, '_>, mut fields: Fields) {
        let place = take_place(&mut fields);
        self.stages.push(Found { element: element.id.clone(), fields, place });
    }

    /// `again`: it is drawn to be repeated.
    fn task(&mut self, element: &Element<'_, '_>, stage: &str, again: bool) {
        let mut fields = fields(element, &mut self.taken.touchpoints);
        let once = matches!(fields.get("max_repeats"), Some(Written::Number(n)) if n.as_u64() == Some(1));
        if again && once {
            fields.remove("max_repeats");
        }
        if fields.get("max_repeats").is_none() {
            fields.put_some("max_repeats", most_repeats(element));
        }
        let place = take_place(&mut fields);
        let at = 1 + usize::from(fields.get("title").is_some());
        fields.0.insert(at.min(fields.0.len()), ("stage".to_owned(), stage.into()));
        self.touchpoints.push((place, fields));
    }

    /// The tasks of a stage: as they stand, or one after the other where flows say so.
    fn order<'e>(
        &mut self,
        of: &Element<'a, 'i>,
        inside: &'e Process<'a, 'i>,
        stage: &mut Fields,
    ) -> Vec<&'e Element<'a, 'i>> {
        let tasks: Vec<&Element<'a, 'i>> = inside.elements.iter().filter(|e| e.kind == Kind::Task).collect();
        for element in inside.elements.iter().filter(|e| matches!(e.kind, Kind::Gateway | Kind::Stage)) {
            let message = format!("`{}` `{}` stands inside of `{}`", element.node.tag_name().name(), element.id, of.id);
            self.faults.push(Fault::new(self.label, place(element.node), message).help(SUBSET));
        }
        let between =
            |a: &&Arc<'_, '_>| a.from != a.to && [&a.from, &a.to].iter().all(|end| tasks.iter().any(|t| t.id == **end));
        let arcs: Vec<&Arc<'a, 'i>> = inside.arcs.iter().filter(between).collect();
        if arcs.is_empty() {
            return tasks;
        }
        let next = |id: &str| arcs.iter().filter(|a| a.from == id).map(|a| &a.to).collect::<Vec<_>>();
        let first: Vec<&&Element<'_, '_>> = tasks.iter().filter(|t| arcs.iter().all(|a| a.to != t.id)).collect();
        let mut chain: Vec<&Element<'a, 'i>> = first.first().map(|t| **t).into_iter().collect();
        while let Some(last) = chain.last()
            && let [to] = next(&last.id)[..]
            && let Some(task) = tasks.iter().find(|t| t.id == *to)
            && chain.iter().all(|t| t.id != task.id)
        {
            chain.push(task);
        }
        if first.len() == 1 && chain.len() == tasks.len() && arcs.len() + 1 == tasks.len() {
            stage.remove("sequence");
            stage.put("sequence", true);
            return chain;
        }
        let arc = arcs[0];
        let message = format!("the tasks of `{}` do not stand one after the other", of.id);
        let help = format!("the flow `{}` is among them; {SUBSET}", arc.node.attribute("id").unwrap_or_default());
        self.faults.push(Fault::new(self.label, place(arc.node), message).help(help));
        tasks
    }

    fn draft(&mut self, whole: &mut Fields, name: &str) -> Draft {
        let mut draft = Draft::default();
        let forbidden = whole.remove("forbidden");
        for key in TAIL {
            draft.tail.put_some(key, whole.remove(key));
        }
        draft.head = if whole.is_empty() {
            head(&id_of(name, &mut BTreeSet::new()), Some(name))
        } else {
            retitled(whole.clone(), name)
        };
        let mut transitions: Vec<(Option<u64>, Fields)> = self.arcs();
        if let Some(Written::List(list)) = forbidden {
            for one in list {
                let Written::Map(mut fields) = one else { continue };
                let place = take_place(&mut fields);
                transitions.push((place, fields));
            }
        }
        let free = |t: &(Option<u64>, Fields)| t.1.get("kind").and_then(Written::text) != Some("forbidden");
        let unlisted = |t: &(Option<u64>, Fields)| t.1.get("listed") == Some(&Written::Bool(false));
        draft.by_order = transitions.iter().filter(|t| free(t)).all(unlisted);
        for (_, fields) in &mut transitions {
            fields.remove("listed");
        }
        self.sort();
        self.entry(&mut draft);
        transitions.sort_by_key(|(place, _)| place.unwrap_or(u64::MAX));
        self.touchpoints.sort_by_key(|(place, _)| place.unwrap_or(u64::MAX));
        draft.stages = self.stages.drain(..).map(|s| s.fields).collect();
        draft.touchpoints = self.touchpoints.drain(..).map(|(_, fields)| fields).collect();
        draft.transitions = transitions.into_iter().map(|(_, fields)| fields).collect();
        draft
    }

    fn stage_of(&self, element: &str) -> Option<usize> {
        self.stages.iter().position(|s| s.element == element)
    }

    /// Arcs between stages; and what ends there are becomes the role of a stage, or a stage of its own.
    fn arcs(&mut self) -> Vec<(Option<u64>, Fields)> {
        let mut out = Vec::new();
        for s in 0..self.stages.len() {
            let mut onward = self.found.onward(&self.stages[s].element);
            onward.retain(|(to, ..)| *to != self.stages[s].element);
            let several = onward.len() > 1;
            for (to, carries, chosen) in &onward {
                let Some(target) = self.found.element(to) else { continue };
                let end = match target.kind {
                    Kind::End(exit) => {
                        // Our own: the stage says it itself.
                        if target.carries.is_some() {
                            continue;
                        }
                        if !several && self.stages[s].fields.get("role").is_none() {
                            self.stages[s].fields.put("role", if exit { "exit" } else { "success" });
                            continue;
                        }
                        self.end_stage(target, exit)
                    }
                    Kind::Start => continue,
                    _ => self.stage_of(to),
                };
                let Some(end) = end else { continue };
                let mut rest = carries.clone().unwrap_or_default();
                let place = take_place(&mut rest);
                let mut fields = Fields::default();
                fields.put("from", id(&self.stages[s].fields));
                fields.put("to", id(&self.stages[end].fields));
                if rest.get("kind").is_none() {
                    fields.put("kind", if several && !chosen { "allowed" } else { "expected" });
                }
                fields.0.extend(rest.0);
                out.push((place, fields));
            }
        }
        out
    }

    /// An end that a stage leads to only now and then.
    fn end_stage(&mut self, end: &Element<'_, '_>, exit: bool) -> Option<usize> {
        if let Some(known) = self.stage_of(&end.id) {
            return Some(known);
        }
        let mut fields = fields(end, &mut self.taken.stages);
        fields.put("role", if exit { "exit" } else { "success" });
        let stage = id(&fields);
        self.push(end, fields);
        self.task(end, &stage, false);
        Some(self.stages.len() - 1)
    }

    /// Stages in the order that our own export gave; new ones behind what leads to them, exits last.
    fn sort(&mut self) {
        let start = self.found.elements.iter().find(|e| e.kind == Kind::Start).map(|e| e.id.clone());
        let mut order: Vec<String> = Vec::new();
        let mut waiting: std::collections::VecDeque<String> = start.into_iter().collect();
        while let Some(at) = waiting.pop_front() {
            for (to, ..) in self.found.onward(&at) {
                if !order.contains(&to) {
                    order.push(to.clone());
                    waiting.push_back(to);
                }
            }
        }
        let walked = |s: &Found| order.iter().position(|o| *o == s.element).unwrap_or(usize::MAX);
        let exit = |s: &Found| s.fields.get("role").and_then(Written::text) == Some("exit");
        let mut stages = std::mem::take(&mut self.stages);
        stages.sort_by_key(|s| (s.place.is_none(), s.place, exit(s), walked(s)));
        let new = stages.partition_point(|s| s.place.is_some());
        let added = stages.split_off(new);
        for stage in added {
            let before =
                stages.iter().rposition(|s| self.found.onward(&s.element).iter().any(|(to, ..)| *to == stage.element));
            match before {
                Some(at) if stages.iter().any(|s| s.place.is_some()) => stages.insert(at + 1, stage),
                _ => stages.push(stage),
            }
        }
        self.stages = stages;
    }

    /// Where the start leads.
    fn entry(&mut self, draft: &mut Draft) {
        let mut open = Vec::new();
        for start in self.found.elements.iter().filter(|e| e.kind == Kind::Start) {
            open.extend(self.found.onward(&start.id).into_iter().filter_map(|(to, ..)| self.stage_of(&to)));
        }
        if open.is_empty() {
            let at = self.found.elements.first().map_or(Position::default(), |e| place(e.node));
            let message = "no start event leads to a task or sub-process";
            self.faults.push(Fault::new(self.label, at, message).help("a journey begins where the start event leads"));
            return;
        }
        open.sort_unstable();
        open.dedup();
        let role = |s: &Found| s.fields.get("role").and_then(Written::text).map(str::to_owned);
        let named: Vec<usize> =
            (0..self.stages.len()).filter(|&s| role(&self.stages[s]).as_deref() == Some("entry")).collect();
        let default = if named.is_empty() { vec![0] } else { named };
        if open != default {
            let ids: Vec<Written> = open.iter().map(|&s| id(&self.stages[s].fields).into()).collect();
            let at = draft
                .head
                .0
                .iter()
                .position(|(key, _)| AFTER_ENTRY.contains(&key.as_str()))
                .unwrap_or(draft.head.0.len());
            draft.head.0.insert(at, ("entry".to_owned(), Written::List(ids)));
        }
    }
}

/// Keys that stand behind `entry` in a journey file.
const AFTER_ENTRY: [&str; 10] = [
    "journey_key",
    "after_goal",
    "drop_off",
    "maturity",
    "min_n",
    "dimensions",
    "exclude",
    "support",
    "personas",
    "channels",
];

/// A flow leads back to it without another task between, or it carries the sign of a loop.
fn is_repeated(element: &Element<'_, '_>, of: &Process<'_, '_>) -> bool {
    loop_of(element).is_some() || of.onward(&element.id).iter().any(|(to, ..)| *to == element.id)
}

fn loop_of<'a, 'i>(element: &Element<'a, 'i>) -> Option<roxmltree::Node<'a, 'i>> {
    element.node.children().find(|n| n.has_tag_name((MODEL, "standardLoopCharacteristics")))
}

/// How often a task may be repeated, where its loop says so.
fn most_repeats(element: &Element<'_, '_>) -> Option<u32> {
    loop_of(element)?.attribute("loopMaximum")?.trim().parse().ok().filter(|most| *most > 0)
}

fn id(fields: &Fields) -> String {
    fields.get("id").and_then(Written::text).unwrap_or_default().to_owned()
}

fn take_place(fields: &mut Fields) -> Option<u64> {
    match fields.remove("place") {
        Some(Written::Number(n)) => n.as_u64(),
        _ => None,
    }
}

/// What our export said of an element, else an id out of its name.
fn fields(element: &Element<'_, '_>, taken: &mut BTreeSet<String>) -> Fields {
    let name = if element.name.is_empty() { &element.id } else { &element.name };
    match element.carries.clone().filter(|c| c.get("id").is_some()) {
        Some(carries) => {
            taken.insert(id(&carries));
            retitled(carries, name)
        }
        None => {
            let mut out = Fields::default();
            out.put("id", id_of(name, taken));
            out.put_some("title", Some(name.as_str()).filter(|n| !n.is_empty()));
            out
        }
    }
}

/// A name that was changed in the drawing is the title from then on.
fn retitled(mut fields: Fields, name: &str) -> Fields {
    let own = id(&fields);
    let known = match fields.get("title") {
        None => name == own,
        Some(Written::Text(title)) => title == name,
        Some(Written::Map(titles)) => titles.0.iter().any(|(_, title)| title.text() == Some(name)),
        Some(_) => false,
    };
    if !known && !name.is_empty() {
        match fields.0.iter_mut().find(|(key, _)| key == "title") {
            Some((_, title)) => *title = name.into(),
            None => fields.0.insert(1.min(fields.0.len()), ("title".to_owned(), name.into())),
        }
    }
    fields
}
