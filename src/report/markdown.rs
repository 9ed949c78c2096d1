//! The comparison as Markdown, for wikis, tickets and mails. In: a [`Comparison`]. Out: headings and tables in one
//! language, the same cells as on the screen.

use std::fmt::Write;

use super::number::rate;
use super::section::{self, Section, measured, plain, sections};
use super::text::{caveats, maturity, outcomes};
use super::words::Language;
use crate::compare::Comparison;

/// Deviations in a document.
const DEVIATIONS: usize = 50;

pub fn markdown(c: &Comparison, l: Language) -> String {
    let p = &c.population;
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# {}\n", cell(c.title.get(l.code()).unwrap_or(&c.map)));
    let _ = writeln!(
        out,
        "`{}`, {} {}, {} {} ({})\n",
        c.map,
        l.pick("version", "версия"),
        c.version,
        l.pick("as of", "на момент"),
        c.as_of,
        c.zone
    );
    let _ = writeln!(out, "{}: {}\n", section::people(p, l), outcomes(c, l));
    let _ = writeln!(
        out,
        "{} **{}**; {}\n",
        l.pick("Overall conversion", "Общая конверсия"),
        rate(&c.overall),
        maturity(c, l)
    );
    for note in caveats(c, l) {
        let _ = writeln!(out, "{}\n", cell(&note));
    }
    let gap = sections(c, l, DEVIATIONS);
    for section in gap.iter().filter(|s| !s.folded).chain(&plain(c, l)).chain(&measured(c, l)) {
        table(&mut out, section);
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn table(out: &mut String, section: &Section) {
    let _ = writeln!(out, "## {}\n", cell(&section.title));
    for note in &section.notes {
        let _ = writeln!(out, "{}\n", cell(note));
    }
    let row = |cells: &[String]| format!("| {} |\n", cells.iter().map(|c| cell(c)).collect::<Vec<_>>().join(" | "));
    out.push_str(&row(&section.head));
    let rule = |i: usize| if i < section.words { "---" } else { "---:" };
    let _ = writeln!(out, "| {} |", (0..section.head.len()).map(rule).collect::<Vec<_>>().join(" | "));
    section.rows.iter().for_each(|cells| out.push_str(&row(cells)));
    out.push('\n');
}

/// Text that stays in its cell and is no markup.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '<' | '\\' | '[' | ']' | '#' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays_in_its_cell() {
        let section = Section {
            title: "a".to_owned(),
            head: vec!["x|y".to_owned(), "n".to_owned()],
            rows: vec![vec!["b_c\n<d>".to_owned(), "1".to_owned()]],
            words: 1,
            ..Section::default()
        };
        let mut out = String::new();
        table(&mut out, &section);
        assert_eq!(out, "## a\n\n| x\\|y | n |\n| --- | ---: |\n| b\\_c \\<d> | 1 |\n\n");
    }
}
