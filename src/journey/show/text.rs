//! The customer on a terminal. In: what is shown. Out: lines of plain text, times in the map's zone.

use std::collections::BTreeMap;
use std::fmt::{Result, Write};

use super::{Judged, Shown, rule};
use crate::journey::graph::{JourneyGraph, elapsed};
use crate::journey::{Fate, Journey};
use crate::time::Timestamp;

pub fn text(shown: &Shown<'_>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_all(shown, &mut out);
    out
}

fn write_all(shown: &Shown<'_>, out: &mut String) -> Result {
    let zone = &shown.map.newest().zone_name;
    writeln!(out, "{} under map `{}` as of {}, times in {zone}", shown.customer, shown.map.id, shown.as_of)?;
    write_facts(shown, out)?;
    if shown.journeys.oversized {
        writeln!(out, "\nmore mapped events than `max_visits`: no journeys")?;
    } else if shown.journeys.journeys.is_empty() {
        writeln!(out, "\nno journey")?;
    }
    for (i, journey) in shown.journeys.journeys.iter().enumerate() {
        write_journey(shown, (journey, shown.judged.get(i)), out)?;
    }
    write_events(shown, out)
}

fn write_facts(shown: &Shown<'_>, out: &mut String) -> Result {
    if shown.facts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nidentity")?;
    for fact in shown.facts {
        let refused = fact.refused.as_ref().map_or_else(String::new, |guard| format!(", refused by `{guard}`"));
        let sign = if fact.refused.is_some() { "/" } else { "=" };
        let (a, b, source, event, day) = (&fact.a, &fact.b, &fact.source, &fact.event_id, fact.day);
        writeln!(out, "  {a} {sign} {b}  ({source} event {event} on {day}{refused})")?;
    }
    Ok(())
}

fn write_journey(shown: &Shown<'_>, (journey, judged): (&Journey, Option<&Judged>), out: &mut String) -> Result {
    let map = shown.version(journey);
    let key = journey.key.as_ref().map_or_else(String::new, |key| format!(" `{key}`"));
    let (attempt, entered, id) = (journey.attempt, journey.entry_date, journey.id);
    writeln!(out, "\njourney {attempt}{key}, version {}, entered {entered}, id {id:032x}", map.version)?;
    writeln!(out, "  {}", shown.verdict(journey))?;
    if !map.personas.is_empty() {
        writeln!(out, "  persona {}", map.persona(journey.persona))?;
    }
    if let Some(judged) = judged {
        write_judged(judged, out)?;
    }
    for note in notes(journey) {
        writeln!(out, "  {note}")?;
    }
    let mut entry = None;
    let graph = JourneyGraph::of(journey);
    for (step, visit) in graph.walk() {
        if entry.replace(visit.entry) != Some(visit.entry) {
            let stage = &map.stages[usize::from(visit.stage)];
            writeln!(out, "  {}", titled(&stage.id, stage.title.get("")))?;
        }
        let touchpoint = &map.touchpoints[usize::from(visit.touchpoint)];
        let since = step.map_or_else(String::new, |step| format!("+{}", elapsed(step.elapsed)));
        write!(out, "    {}  {since:<8}", clock(shown, visit.at))?;
        write!(out, "  {}", titled(&touchpoint.id, touchpoint.title.get("")))?;
        if let Some(problem) = &touchpoint.problem {
            write!(out, ", problem {}", problem.id)?;
        }
        if let Some(score) = visit.score {
            write!(out, ", score {score:+}")?;
        }
        if visit.failed {
            write!(out, ", failed")?;
        }
        if let Some(channel) = &visit.channel {
            write!(out, ", by {channel}")?;
        }
        let (source, event) = (shown.source(visit.source), &visit.event_id);
        writeln!(out, "  <- {source} event {event}: {}", rule(touchpoint, visit.alternative))?;
        for fact in shown.stated_by(visit) {
            let sign = if fact.refused.is_some() { "/" } else { "=" };
            writeln!(out, "{:34}{} {sign} {}", "", fact.a, fact.b)?;
        }
    }
    Ok(())
}

fn write_judged(judged: &Judged, out: &mut String) -> Result {
    let strays = if judged.follows { "follows the map" } else { "does not follow the map" };
    match judged.fitness {
        Ok(fitness) => writeln!(out, "  {strays}, fitness {fitness:.2}")?,
        Err(why) => writeln!(out, "  not evaluated: {why}")?,
    }
    for deviation in &judged.deviations {
        let accepted = if deviation.accepted { ", accepted" } else { "" };
        writeln!(out, "    {}, {} in {}{accepted}", deviation.words, deviation.place, deviation.stage)?;
    }
    Ok(())
}

fn notes(journey: &Journey) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(value) = journey.value {
        notes.push(format!("value {value} {}", journey.currency.as_deref().unwrap_or("")).trim_end().to_owned());
    }
    if journey.order_ambiguous {
        notes.push("order ambiguous: visits of one moment whose order nobody knows".to_owned());
    }
    if journey.left_truncated {
        notes.push("may have begun before the sources were observed".to_owned());
    }
    if !journey.clean {
        notes.push("events that no touchpoint takes lie inside".to_owned());
    }
    notes
}

/// Where the events went that are no visits of a journey.
fn write_events(shown: &Shown<'_>, out: &mut String) -> Result {
    let mut elsewhere: BTreeMap<(Fate, &str), u64> = BTreeMap::new();
    for count in shown.journeys.coverage.iter().filter(|c| c.fate != Fate::InJourney) {
        *elsewhere.entry((count.fate, &count.rule)).or_default() += count.count;
    }
    if elsewhere.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nother events")?;
    for ((fate, rule), count) in elsewhere {
        let rule = if rule.is_empty() { String::new() } else { format!(" by `{rule}`") };
        writeln!(out, "  {} {count}{rule}", fate.as_str())?;
    }
    for unmapped in &shown.journeys.unmapped {
        let space = if unmapped.path.is_empty() { "" } else { " " };
        let (source, name, path) = (shown.source(unmapped.source), &unmapped.name, &unmapped.path);
        writeln!(out, "    {source} {name}{space}{path}: {}", unmapped.count)?;
    }
    Ok(())
}

fn titled(id: &str, title: Option<&str>) -> String {
    match title {
        Some(title) if title != id => format!("{title} [{id}]"),
        _ => id.to_owned(),
    }
}

/// The time on the clocks of the map's zone.
fn clock(shown: &Shown<'_>, t: Timestamp) -> String {
    match t.to_jiff() {
        Some(moment) => {
            let there = moment.to_zoned_datetime(shown.map.newest().time_zone.clone());
            there.strftime("%Y-%m-%d %H:%M:%S%.f").to_string()
        }
        None => t.to_string(),
    }
}
