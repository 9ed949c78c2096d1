//! The comparison as one self-contained HTML file: the designed and the real map on the same positions, the figures as
//! tables, in every language the journey file's titles have. No script, no request to anywhere.

use std::fmt::Write;

use super::number::{count, limit, optional_seconds, rate, rate_note, share};
use super::scene::{Scene, scene};
use super::section::{Section, sections};
use super::svg::{Side, svg};
use super::text::{mark, maturity, name, share_of};
use super::words::Language;
use crate::compare::{Comparison, Rate};

/// Deviations on a page; the rest is said in words.
const DEVIATIONS: usize = 50;

/// The whole page. `languages` must not be empty; the first is shown first.
pub fn html(c: &Comparison, languages: &[Language]) -> String {
    let first = languages.first().copied().unwrap_or(Language::English);
    let title = escape(c.title.get(first.code()).unwrap_or(&c.map));
    let mut out = String::with_capacity(64 * 1024);
    let mut choose = String::new();
    // Writing to a String cannot fail.
    for l in languages {
        let code = l.code();
        let _ = write!(choose, "#show-{code}:checked~.language-{code}{{display:block}}");
    }
    let _ = write!(
        out,
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title} · Tropa</title><style>{}{choose}</style></head><body><main>",
        first.code(),
        include_str!("report.css"),
    );
    for l in languages {
        let checked = if *l == first { " checked" } else { "" };
        let _ = write!(
            out,
            "<input type=\"radio\" name=\"language\" id=\"show-{0}\"{checked} aria-label=\"{1}\"{2}>",
            l.code(),
            l.name(),
            if languages.len() < 2 { " hidden" } else { "" },
        );
        if languages.len() > 1 {
            let _ = write!(out, "<label for=\"show-{}\"> {}&ensp;</label>", l.code(), l.name());
        }
    }
    let scene = scene(c);
    for l in languages {
        let _ = write!(out, "<section class=\"language language-{0}\" lang=\"{0}\">", l.code());
        section(&mut out, c, &scene, *l);
        out.push_str("</section>");
    }
    out.push_str("</main></body></html>\n");
    out
}

fn section(out: &mut String, c: &Comparison, scene: &Scene, l: Language) {
    let p = &c.population;
    let title = escape(c.title.get(l.code()).unwrap_or(&c.map));
    let _ = write!(
        out,
        "<h1>{title}</h1><p class=\"sub\">{} · {} {} · {} {} ({}) · {} {}</p>",
        escape(&c.map),
        l.pick("version", "версия"),
        c.version,
        l.pick("as of", "на момент"),
        c.as_of,
        escape(&c.zone),
        l.pick("unit: journeys, by entry date; reading", "единица: пути, по дате входа; расчёт"),
        escape(&c.reading),
    );
    out.push_str("<div class=\"cards\">");
    let cards = [
        (count(p.entered), l.pick("journeys", "путей")),
        (count(p.customers), l.pick("customers", "клиентов")),
        (rate(&c.overall), l.pick("reach the goal", "доходят до цели")),
        (rate(&c.following.overall.share), l.pick("follow the map", "следуют карте")),
        (count(p.completed), l.pick("completed", "дошли до цели")),
        (count(p.ended), l.pick("ended, with a reason", "завершили с причиной")),
        (count(p.dropped), l.pick("dropped, in silence", "ушли молча")),
        (count(p.in_flight), l.pick("in flight: not lost", "в пути: не потеряны")),
    ];
    for (figure, words) in cards {
        let _ = write!(out, "<div class=\"card\"><b>{figure}</b><span>{words}</span></div>");
    }
    let _ = write!(
        out,
        "</div><p class=\"note\">{}; {}: {}</p>",
        escape(&maturity(c, l)),
        l.pick("reach the goal", "доходят до цели"),
        escape(&rate_note(&c.overall, l))
    );

    for (side, heading) in [
        (Side::Designed, l.pick("As designed", "Как задумано")),
        (Side::Real, l.pick("As people walk it", "Как ходят люди")),
    ] {
        let id = format!("head-{}-{}", l.code(), if side == Side::Designed { "d" } else { "r" });
        let _ = write!(
            out,
            "<h2>{heading}</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{heading}\">{}</div>",
            svg(c, scene, side, l, &id)
        );
    }
    legend(out, l);
    if scene.hidden.0 > 0 {
        let _ = write!(
            out,
            "<p class=\"note\">{}: {} {} ({} {}).</p>",
            l.pick("other", "прочее"),
            scene.hidden.0,
            l.pick("arcs are not drawn, all stand in the table", "переходов не нарисованы, все есть в таблице"),
            count(scene.hidden.1),
            l.pick("transitions", "переходов"),
        );
    }
    for gap in sections(c, l, DEVIATIONS) {
        section_table(out, &gap);
    }
    stage_table(out, c, l);
    transition_table(out, c, l);
    coverage_table(out, c, l);
}

/// A table of the gap report; a long one is folded.
fn section_table(out: &mut String, section: &Section) {
    let title = escape(&section.title);
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
            let _ = write!(out, "<td{class}>{}</td>", escape(cell));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    if section.folded {
        out.push_str("</details>");
    }
}

fn legend(out: &mut String, l: Language) {
    out.push_str("<ul class=\"legend\">");
    use crate::compare::TransitionMark as Mark;
    for m in [Mark::Planned, Mark::Unplanned, Mark::Forbidden, Mark::Unused] {
        let _ = write!(
            out,
            "<li><svg viewBox=\"0 0 38 10\" aria-hidden=\"true\"><g class=\"arc {}\"><path d=\"M0,5 L38,5\" stroke-width=\"3\"/></g></svg>{}</li>",
            m.as_str(),
            mark(m, l)
        );
    }
    let _ = write!(
        out,
        "<li><svg viewBox=\"0 0 38 14\" aria-hidden=\"true\"><g class=\"stage strays\"><rect x=\"2\" y=\"2\" width=\"34\" height=\"10\" rx=\"3\"/></g></svg>▲ {}</li></ul>",
        l.pick("some stray from the design here", "здесь отклоняются от замысла")
    );
}

fn stage_table(out: &mut String, c: &Comparison, l: Language) {
    let heads = [
        l.pick("stage", "этап"),
        l.pick("entered", "вошли"),
        l.pick("progressed", "прошли дальше"),
        l.pick("ended", "с причиной"),
        l.pick("dropped", "ушли"),
        l.pick("in flight", "в пути"),
        l.pick("conversion", "конверсия"),
        l.pick("drop-off rate", "доля потерь"),
        l.pick("time in stage p50", "время на этапе p50"),
        "p90",
        l.pick("expected", "ожидание"),
    ];
    open_table(out, l.pick("Stages", "Этапы"), &heads, 1);
    for s in &c.stages {
        let title = s.title.get(l.code()).unwrap_or(&s.id);
        let role = l.role(s.role);
        let role = if role.is_empty() { String::new() } else { format!(" <small>({role})</small>") };
        let _ = write!(out, "<tr><td>{}{role}</td>", escape(title));
        for cell in [count(s.entered), count(s.progressed), count(s.ended), count(s.dropped), count(s.in_flight)] {
            let _ = write!(out, "<td>{cell}</td>");
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

fn transition_table(out: &mut String, c: &Comparison, l: Language) {
    let heads = [
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
    open_table(out, l.pick("Transitions", "Переходы"), &heads, 3);
    for t in &c.transitions {
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"l\">{}</td><td class=\"l\">{}</td><td>{}</td>",
            escape(&name(c, &t.from, l)),
            escape(&name(c, &t.to, l)),
            mark(t.mark, l),
            count(t.transitions)
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

fn coverage_table(out: &mut String, c: &Comparison, l: Language) {
    let heads = [
        l.pick("source", "источник"),
        l.pick("records", "записей"),
        l.pick("skipped", "пропущено"),
        l.pick("rejected", "отклонено"),
        l.pick("events", "событий"),
        l.pick("mapped", "на карте"),
        l.pick("outside a journey", "вне пути"),
        l.pick("excluded", "исключено"),
        l.pick("unmapped", "не на карте"),
        l.pick("no identifier", "без идентификатора"),
    ];
    open_table(out, l.pick("What was measured", "Что измерено"), &heads, 1);
    for s in &c.coverage {
        let _ = write!(out, "<tr><td>{}</td>", escape(&s.source));
        let cells = [
            s.records,
            s.skipped,
            s.rejected,
            s.distinct,
            s.mapped,
            s.outside,
            s.excluded,
            s.unmapped,
            s.no_identifier,
        ];
        for n in cells {
            let _ = write!(out, "<td>{}</td>", count(n));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    if c.unmapped.is_empty() {
        return;
    }
    let heads =
        [l.pick("source", "источник"), l.pick("event", "событие"), l.pick("path", "путь"), l.pick("events", "событий")];
    open_table(out, l.pick("Most frequent events on no map", "Частые события вне карты"), &heads, 3);
    for u in c.unmapped.iter().take(20) {
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"l\">{}</td><td class=\"l\">{}</td><td>{}</td></tr>",
            escape(&u.source),
            escape(&u.name),
            escape(&u.path),
            count(u.events)
        );
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

fn rate_cell(out: &mut String, r: &Rate, l: Language) {
    let _ = write!(out, "<td title=\"{}\">{}</td>", escape(&rate_note(r, l)), rate(r));
}

/// Text as it may stand in HTML and in its attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
