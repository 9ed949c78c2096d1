//! The comparison as one self-contained HTML file: the designed and the real map on the same positions, the figures as
//! tables, in every language the journey file's titles have. No script, no request to anywhere. A page that is served leads to
//! the same figures in other forms.

use std::fmt::Write;

use super::html_tables::{section_table, stage_table, transition_table};
use super::links::Links;
use super::number::{count, rate, rate_note};
use super::picture::{self, Side};
use super::scene::{Scene, scene};
use super::section::{basis, measured, sections};
use super::text::{caveats, maturity};
use super::words::Language;
use crate::compare::Comparison;

/// Deviations on a page; the rest is said in words.
const DEVIATIONS: usize = 50;

/// The whole page. `languages` must not be empty; the first is shown first. `links`: of a page that is served.
pub fn html(c: &Comparison, languages: &[Language], links: Option<&Links>) -> String {
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
        section(&mut out, c, &scene, (*l, links));
        out.push_str("</section>");
    }
    out.push_str("</main></body></html>\n");
    out
}

fn section(out: &mut String, c: &Comparison, scene: &Scene, (l, links): (Language, Option<&Links>)) {
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
    out.extend(links.map(|links| links.html(l)));
    out.push_str("<div class=\"cards\">");
    let cards = [
        (count(p.entered), l.pick("journeys", "путей")),
        (count(p.customers), l.pick("customers", "клиентов")),
        (rate(&c.overall), l.pick("reach the goal (mature)", "доходят до цели (созр.)")),
        (rate(&c.following.overall.share), l.pick("follow the map (mature)", "следуют карте (созр.)")),
        (count(p.completed), l.pick("completed", "дошли до цели")),
        (count(p.ended), l.pick("ended, with a reason", "завершили с причиной")),
        (count(p.dropped), l.pick("dropped, in silence", "ушли молча")),
        (count(p.in_flight), l.pick("in flight: not lost", "в пути: не потеряны")),
    ];
    for (figure, words) in cards {
        let _ = write!(out, "<div class=\"card\"><b>{}</b><span>{words}</span></div>", escape(&figure));
    }
    let _ = write!(
        out,
        "</div><p class=\"note\">{}; {}: {}</p>",
        escape(&maturity(c, l)),
        l.pick("reach the goal", "доходят до цели"),
        escape(&rate_note(&c.overall, l))
    );
    for note in caveats(c, l) {
        let _ = write!(out, "<p class=\"note\">{}</p>", escape(&note));
    }

    for (side, heading) in picture::sides(l) {
        let class = if side == Side::Designed { "designed" } else { "real" };
        let _ = write!(
            out,
            "<h2>{heading}</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{heading}\">{}</div>",
            picture::inline(&picture::side(c, scene, side, l), class)
        );
    }
    legend(out, l);
    for note in picture::notes(c, scene, l) {
        let _ = write!(out, "<p class=\"note\">{}</p>", escape(&note));
    }
    for gap in sections(c, l, DEVIATIONS) {
        section_table(out, &gap);
    }
    let _ = write!(out, "<p class=\"note\">{}</p>", escape(&basis(l)));
    let _ = write!(
        out,
        "<p class=\"note basis\">{}</p>",
        l.pick(
            "below a rate: its bounds with 95 % confidence and the journeys it rests on",
            "под долей: её границы с уверенностью 95 % и число путей, по которым она посчитана"
        )
    );
    stage_table(out, c, l);
    transition_table(out, c, l);
    for table in measured(c, l) {
        section_table(out, &table);
    }
}

fn legend(out: &mut String, l: Language) {
    out.push_str("<ul class=\"legend\">");
    for (sample, words) in picture::legend(l) {
        let _ = write!(out, "<li>{}{}</li>", picture::sample(&sample), escape(&words));
    }
    out.push_str("</ul>");
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
