//! The figures of the HTML page as tables that scroll in their own box. In: a [`Comparison`] or a [`Section`] of the gap
//! report. Out: HTML, added to the page.

use std::fmt::Write;

use super::html::escape;
use super::number::{count, limit, optional_seconds, rate, rate_note, share};
use super::section::{Section, stage_heads, transition_heads};
use super::text::{mark, name, share_of};
use super::words::Language;
use crate::compare::{Comparison, Rate};

/// A table of the gap report; a long one is folded.
pub(super) fn section_table(out: &mut String, section: &Section) {
    let title = escape(&section.title);
    // Writing to a String cannot fail.
    let _ = if section.folded {
        write!(out, "<details><summary>{title}</summary>")
    } else {
        write!(out, "<h2>{title}</h2>")
    };
    for note in &section.notes {
        let _ = write!(out, "<p class=\"note\">{}</p>", escape(note));
    }
    let head: Vec<String> = section.head.iter().map(|h| escape(h)).collect();
    open_grid(out, &title, &head, section.words);
    for row in &section.rows {
        out.push_str("<tr>");
        for (i, cell) in row.iter().enumerate() {
            let class = if i < section.words { " class=\"l\"" } else { "" };
            let _ = write!(out, "<td{class}>{}</td>", escape(&kept(cell)));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    if section.folded {
        out.push_str("</details>");
    }
}

pub(super) fn stage_table(out: &mut String, c: &Comparison, l: Language) {
    open_table(out, l.pick("Stages", "Этапы"), &stage_heads(l), 1);
    for s in &c.stages {
        let title = s.title.get(l.code()).unwrap_or(&s.id);
        let role = l.role(s.role);
        let role = if role.is_empty() { String::new() } else { format!(" <small>({role})</small>") };
        let _ = write!(out, "<tr><td>{}{role}</td>", escape(title));
        for cell in [count(s.entered), count(s.progressed), count(s.ended), count(s.dropped), count(s.in_flight)] {
            let _ = write!(out, "<td>{}</td>", escape(&cell));
        }
        rate_cell(out, &s.conversion, l);
        rate_cell(out, &s.drop_off_rate, l);
        for cell in [optional_seconds(s.time_p50, l), optional_seconds(s.time_p90, l), limit(s.expected_max_time, l)] {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

pub(super) fn transition_table(out: &mut String, c: &Comparison, l: Language) {
    open_table(out, l.pick("Transitions", "Переходы"), &transition_heads(l), 3);
    for t in &c.transitions {
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"l\">{}</td><td class=\"l\">{}</td><td>{}</td>",
            escape(&name(c, &t.from, l)),
            escape(&name(c, &t.to, l)),
            mark(t.mark, l),
            escape(&count(t.transitions))
        );
        rate_cell(out, share_of(t), l);
        let target = t.target_share.map_or_else(|| "–".to_owned(), share);
        for cell in [target, optional_seconds(t.time_p50, l), optional_seconds(t.time_p90, l), limit(t.within, l)] {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

/// Opens a table whose first `texts` columns are left-aligned.
fn open_table(out: &mut String, caption: &str, heads: &[&str], texts: usize) {
    let _ = write!(out, "<h2>{caption}</h2>");
    open_grid(out, caption, heads, texts);
}

fn open_grid(out: &mut String, caption: &str, heads: &[impl std::fmt::Display], texts: usize) {
    let _ =
        write!(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table><thead><tr>");
    for (i, head) in heads.iter().enumerate() {
        let class = if i < texts { " class=\"l\"" } else { "" };
        let _ = write!(out, "<th scope=\"col\"{class}>{head}</th>");
    }
    out.push_str("</tr></thead><tbody>");
}

/// A rate; what it rests on is a tooltip, and small print where nothing can point (see `report.css`).
fn rate_cell(out: &mut String, r: &Rate, l: Language) {
    let basis = match r {
        Rate::Point { n, low, high, .. } => {
            let bounds = escape(&format!("{} – {}", share(*low), share(*high)));
            format!("<small class=\"basis\">{bounds}, n = {}</small>", count(*n))
        }
        Rate::Immature { entered, .. } => format!("<small class=\"basis\">n = {}</small>", count(*entered)),
        Rate::None | Rate::Untold => String::new(),
    };
    let _ = write!(out, "<td title=\"{}\">{}{}</td>", escape(&rate_note(r, l)), kept(&escape(&rate(r))), kept(&basis));
}

/// A number stays on one line with its unit where a narrow cell breaks the rest.
fn kept(text: &str) -> String {
    text.replace(" %", "\u{a0}%").replace(" pp", "\u{a0}pp")
}
