//! The model as a Petri net for other tools. In: an [`Automaton`]. Out: PNML whose labelled runs from the initial marking
//! to the final marking of an end are exactly the model's runs to that end: a place for each state, a transition for each
//! step, and for each end a place `end_K` that a silent transition fills.

use std::fmt::Write;

use super::automaton::{Automaton, StateId};
use super::model::End;
use crate::map::DesignedMap;

/// More states than this make a net that no tool would open.
pub const MOST_STATES: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("map `{map}` has more than {MOST_STATES} states as a Petri net: fewer `max_repeats` and debts make it smaller")]
pub struct TooManyStates {
    map: String,
}

/// Name of an end as the law writes it: `success won`, `exit lost`.
pub fn end_name(map: &DesignedMap, end: End) -> String {
    let touchpoint = |t: u16| &map.touchpoints[usize::from(t)].id;
    let stage = |s: u16| &map.stages[usize::from(s)].id;
    match end {
        End::Goal(t) => format!("success {}", touchpoint(t)),
        End::SuccessStage(s) => format!("success {}", stage(s)),
        End::ExitTouchpoint(t) => format!("exit {}", touchpoint(t)),
        End::ExitStage(s) => format!("exit {}", stage(s)),
    }
}

pub fn pnml(map: &DesignedMap, automaton: &mut Automaton) -> Result<String, TooManyStates> {
    let (mut places, mut transitions) = (String::new(), String::new());
    let (mut at, mut number) = (0, 0);
    let mut join = |from: &str, to: &str, label: Option<&str>| {
        let silent = r#"<toolspecific tool="ProM" version="6.4" activity="$invisible$" localNodeID="0"/>"#;
        let (text, more) = label.map_or(("silent", silent), |label| (label, ""));
        write!(
            transitions,
            "<transition id=\"t{number}\"><name><text>{text}</text></name>{more}</transition>\n\
             <arc id=\"i{number}\" source=\"{from}\" target=\"t{number}\"/><arc id=\"o{number}\" source=\"t{number}\" target=\"{to}\"/>\n"
        )
        .ok();
        number += 1;
    };
    while at < automaton.len() {
        if at >= MOST_STATES {
            return Err(TooManyStates { map: map.id.to_string() });
        }
        let id = at as StateId;
        let marking = if id == automaton.start() { "<initialMarking><text>1</text></initialMarking>" } else { "" };
        writeln!(places, "<place id=\"s{id}\"><name><text>s{id}</text></name>{marking}</place>").ok();
        for (symbol, next) in automaton.steps(id).to_vec() {
            let touchpoint = automaton.model().step(symbol).touchpoint;
            join(&format!("s{id}"), &format!("s{next}"), Some(&map.touchpoints[usize::from(touchpoint)].id));
        }
        if let Some(end) = automaton.end(id) {
            join(&format!("s{id}"), &format!("end_{end}"), None);
        }
        at += 1;
    }
    let mut finals = String::new();
    for (k, &end) in automaton.model().ends.iter().enumerate() {
        writeln!(places, "<place id=\"end_{k}\"><name><text>{}</text></name></place>", end_name(map, end)).ok();
        write!(finals, "<marking><place idref=\"end_{k}\"><text>1</text></place></marking>").ok();
    }
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<pnml><net id=\"{id}\" type=\"http://www.pnml.org/version-2009/grammar/pnmlcoremodel\">\n\
         <page id=\"p\">\n{places}{transitions}</page>\n<finalmarkings>{finals}</finalmarkings></net></pnml>\n",
        id = map.id
    ))
}
