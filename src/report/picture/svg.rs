//! A drawing as SVG. In: a [`Drawing`]. Out: text, to stand in an HTML page, whose style may recolour it, or alone: with its
//! own colours, and without anything from elsewhere.

use std::fmt::Write;

use super::font::FAMILY;
use super::look::{self, Align, Ink};
use super::page::SAMPLE;
use super::{Drawing, DrawnArc, DrawnStage, Kind, Mark, Point, Words};
use crate::map::Role;
use crate::report::html::escape;

/// Inside an HTML page.
pub fn inline(drawing: &Drawing, class: &str) -> String {
    let (w, h) = (drawing.width, drawing.height);
    let mut out = format!(
        r#"<svg class="map {class}" viewBox="0 0 {w:.0} {h:.0}" role="img" aria-label="{}" style="min-width:{least:.0}px;max-width:{greatest:.0}px">"#,
        escape(&drawing.title),
        // Letters stay between nine and fourteen pixels; a wider map is scrolled.
        least = w * 0.83,
        greatest = w * 1.15,
    );
    drawing.marks.iter().for_each(|m| mark(&mut out, m));
    out.push_str("</svg>");
    out
}

/// A file of its own.
pub fn standing(drawing: &Drawing) -> String {
    let (w, h, title) = (drawing.width, drawing.height, escape(&drawing.title));
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w:.0}\" height=\"{h:.0}\" viewBox=\"0 0 {w:.0} {h:.0}\" role=\"img\" xml:lang=\"{}\" font-family=\"{}\"><title>{title}</title><rect width=\"100%\" height=\"100%\" fill=\"{}\"/>\n",
        drawing.language,
        escape(FAMILY),
        Ink::Paper.hex(),
    );
    for m in &drawing.marks {
        mark(&mut out, m);
        out.push('\n');
    }
    out.push_str("</svg>\n");
    out
}

/// A sample of the legend, beside words that say what it is.
pub fn sample(of: &Mark) -> String {
    let mut out = format!("<svg viewBox=\"0 0 {} {}\" aria-hidden=\"true\">", SAMPLE.0, SAMPLE.1);
    mark(&mut out, of);
    out.push_str("</svg>");
    out
}

fn mark(out: &mut String, mark: &Mark) {
    match mark {
        Mark::Arc(of) => arc(out, of),
        Mark::Stage(of) => stage(out, of),
        Mark::Words(of) => words(out, of),
    }
}

fn title(out: &mut String, text: &str) {
    if !text.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(out, "<title>{}</title>", escape(text));
    }
}

fn arc(out: &mut String, of: &DrawnArc) {
    let line = look::arc(of.mark);
    let _ = write!(out, "<g class=\"arc {}\">", of.mark.as_str());
    title(out, &of.title);
    let [a, b, c, d] = of.curve;
    let _ = write!(
        out,
        r#"<path d="M{} C{} {} {}" fill="none" stroke="{}" stroke-opacity="{}" stroke-width="{:.1}"{}/>"#,
        point(a),
        point(b),
        point(c),
        point(d),
        line.ink.hex(),
        look::ARC_OPACITY,
        of.width,
        dashes(line.dash)
    );
    if let Some([tip, left, right]) = of.head {
        let _ = write!(
            out,
            r#"<path class="head" d="M{} L{} L{} z" fill="{}" fill-opacity="{}"/>"#,
            point(tip),
            point(left),
            point(right),
            line.ink.hex(),
            look::ARC_OPACITY
        );
    }
    out.push_str("</g>");
}

fn stage(out: &mut String, of: &DrawnStage) {
    let role = match of.look.role {
        Role::Success => "success",
        Role::Exit => "exit",
        Role::Entry => "entry",
        Role::None => "",
    };
    let classes = ["stage", role, if of.look.aside { "aside" } else { "" }, if of.look.strays { "strays" } else { "" }];
    let classes: Vec<&str> = classes.into_iter().filter(|c| !c.is_empty()).collect();
    let _ = write!(out, "<g class=\"{}\">", classes.join(" "));
    title(out, &of.title);
    let line = look::stage(of.look);
    let ((x, y), (w, h)) = (of.at, of.size);
    let _ = write!(
        out,
        r#"<rect x="{x:.0}" y="{y:.0}" width="{w}" height="{h}" rx="{}" fill="{}" stroke="{}" stroke-width="{}"{}/>"#,
        of.corner(),
        of.paper().hex(),
        line.ink.hex(),
        line.width,
        dashes(line.dash)
    );
    of.words.iter().for_each(|w| words(out, w));
    out.push_str("</g>");
}

fn words(out: &mut String, of: &Words) {
    let class = match of.kind {
        Kind::Title => "title",
        Kind::Heading => "heading",
        Kind::Note => "note",
        Kind::Name => "name",
        Kind::Role => "role",
        Kind::Fact => "fact",
        Kind::Strays => "fact strays",
        Kind::Label => "arc-label",
    };
    let face = look::face(of.kind);
    let (x, y) = of.at;
    let _ = write!(
        out,
        r#"<text class="{class}" x="{x:.1}" y="{y:.1}" font-size="{}" fill="{}""#,
        face.size,
        face.ink.hex()
    );
    if face.bold {
        out.push_str(" font-weight=\"bold\"");
    }
    match face.align {
        Align::Left => {}
        Align::Middle => out.push_str(" text-anchor=\"middle\""),
        Align::Right => out.push_str(" text-anchor=\"end\""),
    }
    if face.halo > 0.0 {
        let (paper, wide) = (Ink::Paper.hex(), face.halo);
        let _ = write!(out, r#" paint-order="stroke" stroke="{paper}" stroke-width="{wide}" stroke-linejoin="round""#);
    }
    let _ = write!(out, ">{}</text>", escape(&of.text));
}

fn point(p: Point) -> String {
    format!("{:.1},{:.1}", p.0, p.1)
}

fn dashes(dash: &[f32]) -> String {
    if dash.is_empty() {
        return String::new();
    }
    let list: Vec<String> = dash.iter().map(f32::to_string).collect();
    format!(" stroke-dasharray=\"{}\"", list.join(" "))
}
