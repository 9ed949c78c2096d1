//! The comparison for a terminal: a head that says what is counted, a table of stages, one of transitions, and the gap
//! report. In: a [`Comparison`]. Out: text without colour.

use std::fmt::Write;

use super::number::{UNTOLD, count, rate, share};
use super::section::{self, Section};
use super::words::Language;
use crate::compare::cell::Told;
use crate::compare::{Comparison, Rate, TransitionLine, TransitionMark};

/// Deviations on a screen; the rest is said in words.
const DEVIATIONS: usize = 15;

/// Plain text, one language, no colour.
pub fn text(c: &Comparison, language: Language) -> String {
    let l = language;
    let p = &c.population;
    let mut out = String::new();
    let title = c.title.get(l.code()).unwrap_or(&c.map);
    line(&mut out, format_args!("{title} ({}, version {})", c.map, c.version));
    line(
        &mut out,
        format_args!("{} {}   {} {}", l.pick("as of", "на момент"), c.as_of, l.pick("zone", "зона"), c.zone),
    );
    line(&mut out, format_args!("{}: {}", section::people(p, l), outcomes(c, l)));
    line(
        &mut out,
        format_args!("{} {}   {}", l.pick("overall conversion", "общая конверсия"), rate(&c.overall), maturity(c, l)),
    );
    if p.order_ambiguous > 0 {
        line(
            &mut out,
            format_args!(
                "{}",
                match l {
                    Language::English =>
                        format!("{} journeys have visits whose order rests on a tie", count(p.order_ambiguous)),
                    Language::Russian =>
                        format!("путей, где порядок событий решён ничьей: {}", count(p.order_ambiguous)),
                }
            ),
        );
    }
    for note in caveats(c, l) {
        line(&mut out, format_args!("{note}"));
    }
    line(&mut out, format_args!("{}", section::basis(l)));
    out.push('\n');

    for section in section::plain(c, l) {
        grid(&mut out, &section);
        out.push('\n');
    }
    let gap = section::sections(c, l, DEVIATIONS);
    for section in gap.iter().filter(|section| !section.folded).chain(&section::measured(c, l)) {
        line(&mut out, format_args!("{}", section.title));
        section.notes.iter().for_each(|note| line(&mut out, format_args!("  {note}")));
        grid(&mut out, section);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// What became of the journeys, in one line.
pub fn outcomes(c: &Comparison, l: Language) -> String {
    let p = &c.population;
    [
        (p.completed, l.pick("completed", "дошли")),
        (p.ended, l.pick("ended", "завершили с причиной")),
        (p.dropped, l.pick("dropped", "ушли")),
        (p.in_flight, l.pick("in flight", "в пути")),
    ]
    .map(|(n, word)| format!("{} {word}", count(n)))
    .join(", ")
}

/// How many entry dates the rates rest on.
pub(super) fn maturity(c: &Comparison, l: Language) -> String {
    let p = &c.population;
    match (p.mature_dates, p.left_out) {
        (0, _) => l
            .pick(
                "no entry date is mature yet: rates are bounds of what they may become",
                "ни одна дата входа не созрела: показаны границы возможных значений",
            )
            .to_owned(),
        (_, 0) => l.pick("all entry dates are mature", "все даты входа созрели").to_owned(),
        (_, left) => format!(
            "{} {} {} ({}: {})",
            l.pick("rates leave out", "в долях не учтены"),
            count(left),
            l.pick("journeys whose entry date is not mature yet", "путей, чья дата входа ещё не созрела"),
            l.pick("entry dates", "дат входа"),
            count(p.immature_dates)
        ),
    }
}

/// What must be said of all figures.
pub(super) fn caveats(c: &Comparison, l: Language) -> Vec<String> {
    [older_versions(c, l), untold(c.min_cell, l)].into_iter().flatten().collect()
}

/// Counts of few people are not told, nor what would tell them.
pub(super) fn untold(n: u64, l: Language) -> Option<String> {
    (n > 1).then(|| match l {
        Language::English => format!(
            "counts of journeys, customers and visits below {n} are told as <{n}, and as ≥{n} where a count would tell such a \
             one; what rests on them is left out ({UNTOLD})"
        ),
        Language::Russian => format!(
            "числа путей, клиентов и посещений меньше {n} показаны как <{n}, а числа, по которым их можно вычислить, — как ≥{n}; \
             всё, что на них основано, не показано ({UNTOLD})"
        ),
    })
}

/// What lies beside another design than it was walked under, and how much of it.
fn older_versions(c: &Comparison, l: Language) -> Option<String> {
    let p = &c.population;
    if p.older_versions == 0 {
        return None;
    }
    let (of, all, version) = (count(p.older_versions), count(p.entered), c.version);
    let part = match (Told::of(p.older_versions).count(), Told::of(p.entered).count()) {
        (Some(older), Some(all)) => share(older as f64 / all.max(1) as f64),
        _ => UNTOLD.to_owned(),
    };
    Some(match l {
        Language::English => format!(
            "{of} of {all} journeys ({part}) began under an older version of the map: stages, transitions, promises and the \
             drawn maps lay them beside version {version}; who follows the map and where they stray is told of each journey \
             under its own version"
        ),
        Language::Russian => format!(
            "{of} из {all} путей ({part}) начались по более старой версии карты: этапы, переходы, обещания и нарисованные карты \
             показывают их рядом с версией {version}; следование карте и отклонения каждого пути — по его собственной версии"
        ),
    })
}

/// A transition's share is one of decided journeys: what is in flight has none.
pub(super) fn share_of(t: &TransitionLine) -> &Rate {
    if t.to == "in_flight" { &Rate::None } else { &t.share }
}

/// A mark that reads without colour.
pub(super) fn mark(mark: TransitionMark, l: Language) -> String {
    let sign = match mark {
        TransitionMark::Planned => "=",
        TransitionMark::Unplanned => "+",
        TransitionMark::Unused => "-",
        TransitionMark::Forbidden => "x",
        TransitionMark::Boundary => "|",
    };
    format!("{sign} {}", l.mark(mark))
}

/// The title of a stage, or the word for `start` and the outcomes.
pub(super) fn name(c: &Comparison, id: &str, l: Language) -> String {
    match c.stages.iter().find(|s| s.id == id) {
        Some(stage) => stage.title.get(l.code()).unwrap_or(id).to_owned(),
        None => l.boundary(id).map_or_else(|| id.to_owned(), |word| format!("({word})")),
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

/// Words to the left, numbers to the right, widths by characters.
fn grid(out: &mut String, section: &Section) {
    let Section { head, rows, words, .. } = section;
    let width = |i: usize| rows.iter().map(|r| r[i].chars().count()).chain([head[i].chars().count()]).max();
    let widths: Vec<usize> = (0..head.len()).map(|i| width(i).unwrap_or_default()).collect();
    let rule: Vec<String> = widths.iter().map(|w| "─".repeat(*w)).collect();
    for cells in [head, &rule].into_iter().chain(rows) {
        let mut row = String::new();
        for (i, cell) in cells.iter().enumerate() {
            let pad = " ".repeat(widths[i] - cell.chars().count());
            row.push_str(&if i < *words { format!("{cell}{pad}  ") } else { format!("{pad}{cell}  ") });
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
}
