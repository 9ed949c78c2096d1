//! The comparison for a terminal: a head that says what is counted, a table of stages, a table of transitions.

use std::fmt::Write;

use super::number::{count, limit, optional_seconds, rate};
use super::words::Language;
use crate::compare::{Comparison, Rate, TransitionLine, TransitionMark};

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
    line(
        &mut out,
        format_args!(
            "{} {} {} {} {}",
            count(p.entered),
            l.pick("journeys of", "путей у"),
            count(p.customers),
            l.pick("customers:", "клиентов:"),
            [
                (p.completed, l.pick("completed", "дошли")),
                (p.ended, l.pick("ended", "завершили с причиной")),
                (p.dropped, l.pick("dropped", "ушли")),
                (p.in_flight, l.pick("in flight", "в пути")),
            ]
            .map(|(n, word)| format!("{} {word}", count(n)))
            .join(", ")
        ),
    );
    line(
        &mut out,
        format_args!("{} {}   {}", l.pick("overall conversion", "общая конверсия"), rate(&c.overall), maturity(c, l)),
    );
    if p.order_ambiguous > 0 {
        line(
            &mut out,
            format_args!(
                "{} {}",
                count(p.order_ambiguous),
                l.pick(
                    "journeys have visits whose order rests on a tie",
                    "путей содержат события, чей порядок решён ничьей"
                )
            ),
        );
    }
    out.push('\n');

    let head = [
        l.pick("stage", "этап"),
        l.pick("entered", "вошли"),
        l.pick("progressed", "прошли"),
        l.pick("ended", "с причиной"),
        l.pick("dropped", "ушли"),
        l.pick("in flight", "в пути"),
        l.pick("conversion", "конверсия"),
        l.pick("drop-off", "потери"),
        l.pick("time p50", "время p50"),
        "p90",
        l.pick("expected", "ожидание"),
    ];
    let rows = c.stages.iter().map(|s| {
        let title = s.title.get(l.code()).unwrap_or(&s.id);
        let role = l.role(s.role);
        [
            if role.is_empty() { title.to_owned() } else { format!("{title} [{role}]") },
            count(s.entered),
            count(s.progressed),
            count(s.ended),
            count(s.dropped),
            count(s.in_flight),
            rate(&s.conversion),
            rate(&s.drop_off_rate),
            optional_seconds(s.time_p50, l),
            optional_seconds(s.time_p90, l),
            limit(s.expected_max_time, l),
        ]
    });
    table(&mut out, &head, rows.collect());
    out.push('\n');

    let head = [
        l.pick("from", "откуда"),
        l.pick("to", "куда"),
        l.pick("mark", "отметка"),
        l.pick("count", "число"),
        l.pick("share", "доля"),
        l.pick("target", "цель"),
        l.pick("time p50", "время p50"),
        "p90",
        l.pick("within", "не дольше"),
    ];
    let rows = c.transitions.iter().map(|t| {
        [
            name(c, &t.from, l),
            name(c, &t.to, l),
            mark(t.mark, l),
            count(t.transitions),
            rate(share_of(t)),
            t.target_share.map_or_else(|| "–".to_owned(), super::number::share),
            optional_seconds(t.time_p50, l),
            optional_seconds(t.time_p90, l),
            limit(t.within, l),
        ]
    });
    table(&mut out, &head, rows.collect());
    out
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

/// First columns to the left, numbers to the right, widths by characters.
fn table<const N: usize>(out: &mut String, head: &[&str; N], rows: Vec<[String; N]>) {
    let width =
        |i: usize| rows.iter().map(|r| r[i].chars().count()).chain([head[i].chars().count()]).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(width).collect();
    let left = |i: usize| rows.iter().all(|r| !r[i].starts_with(|c: char| c.is_ascii_digit() || c == '–' || c == '<'));
    let lefts: Vec<bool> = (0..N).map(left).collect();
    let print = |out: &mut String, cells: &[&str]| {
        let mut row = String::new();
        for (i, cell) in cells.iter().enumerate() {
            let pad = " ".repeat(widths[i] - cell.chars().count());
            row.push_str(&if lefts[i] { format!("{cell}{pad}  ") } else { format!("{pad}{cell}  ") });
        }
        out.push_str(row.trim_end());
        out.push('\n');
    };
    print(out, head);
    print(
        out,
        &widths.iter().map(|w| "─".repeat(*w)).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>(),
    );
    for row in &rows {
        print(out, &row.each_ref().map(String::as_str));
    }
}
