//! A map as a Mermaid flowchart: stages with their touchpoints, and the arcs of the model. In: a map. Out: text.

use std::fmt::Write;

use crate::map::arcs::{arcs, is_exit, is_success};
use crate::map::{DesignedMap, Text, TransitionKind};

pub fn mermaid(map: &DesignedMap, language: &str) -> String {
    let mut out = String::from("flowchart LR\n");
    let of = |text: &Text, id: &str| label(text.get(language).unwrap_or(id));
    // Writing to a String cannot fail.
    let _ = writeln!(out, "  start((start))");
    for (s, stage) in map.stages.iter().enumerate() {
        let _ = writeln!(out, "  subgraph s{s}[\"{}\"]", of(&stage.title, &stage.id));
        for (t, touchpoint) in map.touchpoints.iter().enumerate().filter(|(_, t)| usize::from(t.stage) == s) {
            let name = of(&touchpoint.title, &touchpoint.id);
            // Ends round, problems and surveys as notes, all others as boxes.
            let (open, close) = match () {
                () if touchpoint.is_beside() => (">", "]"),
                () if is_success(map, touchpoint) || is_exit(map, touchpoint) => ("([", "])"),
                () => ("[", "]"),
            };
            let _ = writeln!(out, "    t{t}{open}\"{name}\"{close}");
        }
        let _ = writeln!(out, "  end");
    }
    for (s, _) in map.entry.iter().enumerate().filter(|(_, open)| **open) {
        let _ = writeln!(out, "  start --> s{s}");
    }
    for (from, to) in arcs(map) {
        let listed = map.transitions.iter().find(|t| (t.from, t.to) == (from, to));
        let arrow = if listed.is_some_and(|t| t.kind == TransitionKind::Allowed) { "-.->" } else { "-->" };
        let _ = writeln!(out, "  s{from} {arrow} s{to}");
    }
    for t in map.transitions.iter().filter(|t| t.kind == TransitionKind::Forbidden) {
        let _ = writeln!(out, "  s{} --x|forbidden| s{}", t.from, t.to);
    }
    out
}

/// Inside quotes; what would end them stands as an entity.
fn label(text: &str) -> String {
    let escape = |c: char| match c {
        '"' => "#quot;".to_owned(),
        '#' => "#35;".to_owned(),
        '<' => "#lt;".to_owned(),
        '>' => "#gt;".to_owned(),
        '\n' | '\r' => " ".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}
