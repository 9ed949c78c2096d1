//! One journey as a graph: visits are nodes, steps are edges with the time between them. In: a [`Journey`]. Out: its path,
//! its stages, its steps and a drawing for Graphviz. Built where a journey's shape is asked for, and stored nowhere.

use std::fmt::Write;
use std::time::Duration;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::{Journey, Visit};
use crate::map::{DesignedMap, MapVersions};

/// From one visit to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub elapsed: Duration,
    /// It leads into another stage entry.
    pub changes_stage: bool,
}

#[derive(Debug)]
pub struct JourneyGraph<'a> {
    journey: &'a Journey,
    graph: DiGraph<&'a Visit, Step>,
}

impl<'a> JourneyGraph<'a> {
    pub fn of(journey: &'a Journey) -> Self {
        let n = journey.visits.len();
        let mut graph = DiGraph::with_capacity(n, n.saturating_sub(1));
        let mut previous: Option<(NodeIndex, &Visit)> = None;
        for visit in &journey.visits {
            let node = graph.add_node(visit);
            if let Some((from, before)) = previous {
                let micros = visit.at.micros().saturating_sub(before.at.micros());
                let elapsed = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
                graph.add_edge(from, node, Step { elapsed, changes_stage: visit.entry != before.entry });
            }
            previous = Some((node, visit));
        }
        Self { journey, graph }
    }

    /// The visits from the first to the last, each with the step that led to it.
    pub fn walk(&self) -> impl Iterator<Item = (Option<Step>, &'a Visit)> {
        let mut next = self.graph.externals(Direction::Incoming).next().map(|node| (None, node));
        std::iter::from_fn(move || {
            let (step, node) = next.take()?;
            next = self.graph.edges(node).next().map(|edge| (Some(*edge.weight()), edge.target()));
            self.graph.node_weight(node).map(|visit| (step, *visit))
        })
    }

    /// Ids of the touchpoints, visit by visit.
    pub fn path<'m>(&self, map: &'m MapVersions) -> Vec<&'m str> {
        let map = self.version(map);
        self.walk().map(|(_, visit)| &*map.touchpoints[usize::from(visit.touchpoint)].id).collect()
    }

    /// Ids of the stages, entry by entry.
    pub fn stage_path<'m>(&self, map: &'m MapVersions) -> Vec<&'m str> {
        let map = self.version(map);
        let entered = self.walk().filter(|(step, _)| step.is_none_or(|step| step.changes_stage));
        entered.map(|(_, visit)| &*map.stages[usize::from(visit.stage)].id).collect()
    }

    /// A digraph for Graphviz: stage entries are boxes around their visits; the verdict stands at the end.
    pub fn dot(&self, map: &MapVersions, verdict: &str, behind: &dyn Fn(&Visit) -> Vec<String>) -> String {
        let map = self.version(map);
        let mut dot = format!("digraph {} {{\n", quoted(&format!("{} {}", map.id, self.journey.attempt)));
        dot.push_str("  rankdir=LR; node [shape=box, style=rounded]; edge [fontsize=10];\n");
        // Writing to a String cannot fail.
        let _ = self.write_entries(&mut dot, map, behind);
        let _ = self.write_steps(&mut dot, verdict);
        dot.push_str("}\n");
        dot
    }

    fn write_entries(
        &self,
        dot: &mut String,
        map: &DesignedMap,
        behind: &dyn Fn(&Visit) -> Vec<String>,
    ) -> std::fmt::Result {
        for (i, entry) in self.journey.entries.iter().enumerate() {
            let stage = &map.stages[usize::from(entry.stage)];
            writeln!(dot, "  subgraph cluster_{i} {{")?;
            writeln!(dot, "    label={};", quoted(stage.title.get("").unwrap_or(&stage.id)))?;
            for node in self.graph.node_indices().filter(|&node| self.graph[node].entry == i) {
                let visit = self.graph[node];
                let touchpoint = &map.touchpoints[usize::from(visit.touchpoint)];
                let title = touchpoint.title.get("").unwrap_or(&touchpoint.id);
                let style = if visit.beside { ", style=\"rounded,dashed\"" } else { "" };
                let label = [vec![title.to_owned(), visit.at.to_string()], behind(visit)].concat().join("\n");
                writeln!(dot, "    v{} [label={}{style}];", node.index(), quoted(&label))?;
            }
            writeln!(dot, "  }}")?;
        }
        Ok(())
    }

    fn write_steps(&self, dot: &mut String, verdict: &str) -> std::fmt::Result {
        for edge in self.graph.edge_references() {
            let (from, to) = (edge.source().index(), edge.target().index());
            writeln!(dot, "  v{from} -> v{to} [label={}];", quoted(&elapsed(edge.weight().elapsed)))?;
        }
        writeln!(dot, "  end [label={}, shape=plaintext];", quoted(verdict))?;
        if let Some(last) = self.graph.externals(Direction::Outgoing).next() {
            writeln!(dot, "  v{} -> end;", last.index())?;
        }
        Ok(())
    }

    fn version<'m>(&self, map: &'m MapVersions) -> &'m DesignedMap {
        &map.versions[self.journey.version_ix]
    }
}

/// A Graphviz string: quotes and backslashes escaped, lines broken with `\n`.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// The two largest units: `2d 3h`, `10m`, `1m 20s`, `350ms`.
pub(super) fn elapsed(d: Duration) -> String {
    const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let seconds = d.as_secs();
    if seconds == 0 {
        return if d.is_zero() { "0s".to_owned() } else { format!("{}ms", d.as_millis()) };
    }
    let largest = UNITS.iter().position(|&(_, size)| seconds >= size).unwrap_or(UNITS.len() - 1);
    let mut rest = seconds;
    let mut words = String::new();
    for (unit, size) in UNITS.iter().skip(largest).take(2) {
        let n = rest / size;
        rest %= size;
        if n > 0 {
            let space = if words.is_empty() { "" } else { " " };
            words.push_str(&format!("{space}{n}{unit}"));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_times_show_their_two_largest_units() {
        let words = |seconds| elapsed(Duration::from_secs(seconds));
        assert_eq!(words(0), "0s");
        assert_eq!(words(86_400 * 2 + 3_600 * 3 + 59), "2d 3h");
        assert_eq!(words(600), "10m");
        assert_eq!(words(80), "1m 20s");
        assert_eq!(words(86_400 + 59), "1d");
        assert_eq!(elapsed(Duration::from_millis(350)), "350ms");
    }

    #[test]
    fn text_is_escaped_for_graphviz() {
        assert_eq!(quoted("a \"b\"\\\nc"), r#""a \"b\"\\\nc""#);
    }
}
