//! Variants for people and programs: a table for the screen, JSON (`variants/v1`), CSV. In: [`Variants`]. Out: text.

use std::fmt::Write;

use serde_json::{Value, json as object};

use super::number::{UNTOLD, count, optional_seconds, share};
use super::text::untold;
use super::words::Language;
use crate::aggregate::variants::{Variant, Variants, VariantsOfVersion};
use crate::compare::cell::Told;

/// For the screen: figures above, the path below them.
pub fn text(v: &Variants, l: Language) -> String {
    let mut out = String::new();
    let journeys = v.versions.iter().map(|of| Told::of(of.journeys).count()).sum::<Option<u64>>();
    let journeys = journeys.map_or_else(|| UNTOLD.to_owned(), count);
    let of = match v.path_of.as_str() {
        "stages" => l.pick("paths of stages", "пути по этапам"),
        _ => l.pick("paths of touchpoints", "пути по точкам касания"),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{} ({}): {of}, {} {}", v.map, l.pick("variants", "варианты"), journeys, journeys_word(l));
    let _ = writeln!(out, "{} {}", l.pick("as of", "на момент"), v.as_of);
    if let Some(note) = untold(v.min_cell, l) {
        let _ = writeln!(out, "{note}");
    }
    for of in &v.versions {
        let _ = writeln!(
            out,
            "\n{} {}: {} {}",
            l.pick("version", "версия"),
            of.version,
            count(of.journeys),
            journeys_word(l)
        );
        for (i, variant) in of.top.iter().enumerate() {
            let _ = writeln!(out, "{:>4}. {}", i + 1, figures(of, variant, l));
            let _ = writeln!(out, "      {}", joined(&variant.path));
            if let Some(example) = variant.examples.first() {
                let words = l.pick("such as", "например");
                let _ = writeln!(out, "      {words} {} {} {}", example.journey, l.pick("of", "у"), example.customer);
            }
        }
        if let Some(other) = &of.other {
            let words = l.pick("other paths", "других путей");
            let _ = writeln!(out, "      {} ({} {words})", figures(of, other, l), count(other.paths));
        }
    }
    out
}

const fn journeys_word(l: Language) -> &'static str {
    l.pick("journeys", "путей")
}

fn joined(path: &[String]) -> String {
    path.join(" → ")
}

fn figures(of: &VariantsOfVersion, v: &Variant, l: Language) -> String {
    let outcomes = [("completed", v.completed), ("ended", v.ended), ("dropped", v.dropped), ("in_flight", v.in_flight)];
    let outcomes: Vec<String> = outcomes
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(id, n)| format!("{} {}", l.boundary(id).unwrap_or(id), count(*n)))
        .collect();
    let mut parts = vec![format!(
        "{} ({})",
        count(v.journeys),
        part(v.journeys, of.journeys).map_or_else(|| UNTOLD.to_owned(), share)
    )];
    parts.push(outcomes.join(", "));
    if v.to_goal_p50.is_some() {
        let (p50, p90) = (optional_seconds(v.to_goal_p50, l), optional_seconds(v.to_goal_p90, l));
        parts.push(format!("{} p50 {p50}, p90 {p90}", l.pick("to the goal", "до цели")));
    }
    parts.push(match (fitness(v), v.following) {
        (None, _) if Told::of(v.evaluated).count().is_none() => UNTOLD.to_owned(),
        (None, _) => l.pick("not evaluated", "не оценены").to_owned(),
        (Some(fitness), following) => {
            let words = match following {
                0 => l.pick("does not follow the map", "не по карте").to_owned(),
                n if Told::of(n).count() == Some(v.journeys) => l.pick("follows the map", "по карте").to_owned(),
                n => format!("{} {}", count(n), l.pick("follow the map", "по карте")),
            };
            format!("{words}, {} {fitness:.2}", l.pick("fitness", "соответствие"))
        }
    });
    parts.join("; ")
}

fn part(n: u64, of: u64) -> Option<f64> {
    let (n, of) = (Told::of(n).count()?, Told::of(of).count()?);
    (of > 0).then(|| n as f64 / of as f64)
}

/// Mean over those evaluated.
fn fitness(v: &Variant) -> Option<f64> {
    let evaluated = Told::of(v.evaluated).count()?;
    (evaluated > 0).then(|| v.fitness_sum / evaluated as f64)
}

/// One JSON document; shares are of the version's journeys, times are in seconds.
pub fn json(v: &Variants) -> Value {
    let one = |of: &VariantsOfVersion, variant: &Variant| {
        object!({
            "path": variant.path,
            "paths": variant.paths,
            "journeys": variant.journeys,
            "share": part(variant.journeys, of.journeys),
            "customers": variant.customers,
            "completed": variant.completed,
            "ended": variant.ended,
            "dropped": variant.dropped,
            "in_flight": variant.in_flight,
            "time_to_goal": { "p50": variant.to_goal_p50, "p90": variant.to_goal_p90 },
            "evaluated": variant.evaluated,
            "fitness": fitness(variant),
            "following": variant.following,
            "examples": variant.examples.iter()
                .map(|e| object!({ "journey": e.journey, "customer": e.customer }))
                .collect::<Vec<_>>(),
        })
    };
    super::json::told(
        v.min_cell,
        object!({
            "schema": "variants/v1",
            "map": v.map,
            "reading": v.reading,
            "as_of": v.as_of.to_string(),
            "path_of": v.path_of.as_str(),
            "versions": v.versions.iter().map(|of| object!({
                "version": of.version,
                "journeys": of.journeys,
                "variants": of.top.iter().map(|variant| one(of, variant)).collect::<Vec<_>>(),
                "other": of.other.as_ref().map(|other| one(of, other)),
            })).collect::<Vec<_>>(),
        }),
    )
}

/// A number that programs read, or what may be told of it.
fn cell(n: u64) -> String {
    Told::of(n).count().map_or_else(|| count(n), |n| n.to_string())
}

const HEAD: [&str; 17] = [
    "map",
    "version",
    "place",
    "path",
    "paths",
    "journeys",
    "share",
    "customers",
    "completed",
    "ended",
    "dropped",
    "in_flight",
    "time_to_goal_p50",
    "time_to_goal_p90",
    "fitness",
    "following",
    "example",
];

/// A header and one row for each variant; the row of what is cut has `other` for its place.
pub fn csv(v: &Variants) -> Result<String, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(HEAD)?;
    let number = |n: Option<f64>| n.map_or_else(String::new, |n| n.to_string());
    for of in &v.versions {
        let top = of.top.iter().enumerate().map(|(i, variant)| ((i + 1).to_string(), variant));
        for (place, x) in top.chain(of.other.iter().map(|other| ("other".to_owned(), other))) {
            let counts = [x.customers, x.completed, x.ended, x.dropped, x.in_flight].map(cell);
            let mut row = vec![v.map.clone(), of.version.to_string(), place, x.path.join(" ")];
            row.extend([x.paths.to_string(), cell(x.journeys), number(part(x.journeys, of.journeys))]);
            row.extend(counts);
            row.extend([number(x.to_goal_p50), number(x.to_goal_p90), number(fitness(x)), cell(x.following)]);
            row.push(x.examples.first().map_or_else(String::new, |e| e.journey.clone()));
            out.write_record(&row)?;
        }
    }
    let bytes = out.into_inner().map_err(|e| e.into_error())?;
    // Only texts were written.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
