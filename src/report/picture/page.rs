//! The picture that stands alone: what it is about, both maps one below the other, what lines and signs mean, and what is
//! not shown. In: a [`Comparison`]. Out: a [`Drawing`] in one language. The HTML page takes its legend and notes from here.

use super::font::{width, wrapped};
use super::look::{self, sign};
use super::side::{Side, side};
use super::{Drawing, DrawnArc, DrawnStage, Kind, Mark, Point, StageLook, Words};
use crate::compare::cell::Told;
use crate::compare::{Comparison, TransitionMark};
use crate::report::number::{UNTOLD, count, rate};
use crate::report::scene::{Scene, scene};
use crate::report::section::{self, explained};
use crate::report::text::{caveats, maturity, outcomes};
use crate::report::words::Language;

const MARGIN: f64 = 28.0;
/// Narrower than this the words above would be a column.
const LEAST: f64 = 640.0;
const LINE: f64 = 17.0;
/// A sample in the legend.
pub const SAMPLE: (f64, f64) = (38.0, 14.0);

pub fn picture(c: &Comparison, l: Language) -> Drawing {
    let scene = scene(c);
    let page = scene.width.max(LEAST);
    let title = c.title.get(l.code()).unwrap_or(&c.map).to_owned();
    let mut marks = Vec::new();
    let mut y = 8.0;
    paragraph(&mut marks, &mut y, Kind::Title, &title, page);
    for line in head(c, l) {
        paragraph(&mut marks, &mut y, Kind::Note, &line, page);
    }
    for (which, heading) in sides(l) {
        y += 14.0;
        paragraph(&mut marks, &mut y, Kind::Heading, heading, page);
        let drawing = side(c, &scene, which, l);
        marks.extend(drawing.marks.into_iter().map(|mark| mark.moved((0.0, y))));
        y += drawing.height;
    }
    let mut x = MARGIN;
    y += LINE;
    for (sample, words) in legend(l) {
        let wide = SAMPLE.0 + 8.0 + width(&words, look::face(Kind::Note).size, false);
        if x > MARGIN && x + wide > page - MARGIN {
            (x, y) = (MARGIN, y + LINE);
        }
        marks.push(sample.moved((x, y - SAMPLE.1 + 3.0)));
        marks.push(Mark::Words(Words { kind: Kind::Note, at: (x + SAMPLE.0 + 8.0, y), text: words }));
        x += wide + 24.0;
    }
    y += 4.0;
    for note in notes(c, &scene, l) {
        paragraph(&mut marks, &mut y, Kind::Note, &note, page);
    }
    Drawing { width: page, height: (y + 20.0).ceil(), title, language: l.code(), marks }
}

/// Both maps with their headings, as on the HTML page.
pub const fn sides(l: Language) -> [(Side, &'static str); 2] {
    [
        (Side::Designed, l.pick("As designed", "Как задумано")),
        (Side::Real, l.pick("As people walk it", "Как ходят люди")),
    ]
}

fn paragraph(marks: &mut Vec<Mark>, y: &mut f64, kind: Kind, text: &str, page: f64) {
    let face = look::face(kind);
    for line in wrapped(text, page - 2.0 * MARGIN, (face.size, face.bold)) {
        *y += face.size + 5.0;
        marks.push(Mark::Words(Words { kind, at: (MARGIN, *y), text: line }));
    }
}

/// Which map, which journeys, which moment, and what became of them.
fn head(c: &Comparison, l: Language) -> Vec<String> {
    let p = &c.population;
    let period = match (p.first_entry, p.last_entry) {
        (Some(first), Some(last)) => {
            format!("{} {first} … {last}", l.pick("journeys that began", "пути, начавшиеся"))
        }
        _ => l.pick("no journeys", "путей нет").to_owned(),
    };
    let mut lines = vec![
        format!(
            "{}, {} {} · {period} · {} {} ({})",
            c.map,
            l.pick("version", "версия"),
            c.version,
            l.pick("as of", "на момент"),
            c.as_of,
            c.zone,
        ),
        format!(
            "{}: {} · {} {} · {} {}",
            section::people(p, l),
            outcomes(c, l),
            l.pick("reach the goal:", "доходят до цели:"),
            rate(&c.overall),
            l.pick("follow the map:", "следуют карте:"),
            rate(&c.following.overall.share),
        ),
        maturity(c, l),
    ];
    lines.extend(caveats(c, l));
    lines
}

/// What each line means, by its dashes and sign before its colour.
pub fn legend(l: Language) -> Vec<(Mark, String)> {
    use TransitionMark::{Forbidden, Planned, Unplanned, Unused};
    let middle = SAMPLE.1 / 2.0;
    let across: [Point; 4] = [0.0, 13.0, 25.0, SAMPLE.0].map(|x| (x, middle));
    let mut all: Vec<(Mark, String)> = [Planned, Unplanned, Forbidden, Unused]
        .map(|mark| {
            let arc = DrawnArc { mark, curve: across, width: 3.0, head: None, title: String::new() };
            (Mark::Arc(arc), format!("{}{}", sign(mark), l.mark(mark)))
        })
        .into();
    let look = StageLook { strays: true, ..StageLook::default() };
    let stage = DrawnStage { look, at: (2.0, 2.0), size: (34.0, 10.0), title: String::new(), words: Vec::new() };
    let words = l.pick("some stray from the design here", "здесь отклоняются от замысла");
    all.push((Mark::Stage(stage), format!("▲ {words}")));
    all
}

/// What the figures are of, and what is not shown.
pub fn notes(c: &Comparison, scene: &Scene, l: Language) -> Vec<String> {
    let mut all = vec![
        l.pick(
            "on an arc: the share of those who leave the stage, the wider the more transitions; unit: journeys, by entry date; shares are of decided journeys of mature entry dates, counts of all",
            "на стрелке: доля среди покидающих этап, чем шире, тем больше переходов; единица: пути, по дате входа; доли — из решённых путей созревших дат входа, числа — по всем",
        )
        .to_owned(),
    ];
    let undrawn = scene.cut.iter().map(|&i| &c.transitions[i]);
    let undrawn: Vec<u64> = undrawn.filter(|t| c.shows_transition(&t.from, &t.to)).map(|t| t.transitions).collect();
    // Where one of them must not be told, their sum would tell it.
    let together = undrawn.iter().map(|n| Told::of(*n).count()).sum::<Option<u64>>();
    if !undrawn.is_empty() {
        all.push(format!(
            "{}: {} {} ({} {})",
            l.pick("other", "прочее"),
            undrawn.len(),
            l.pick(
                "arcs are not drawn, the report's table has all",
                "переходов не нарисованы, все есть в таблице отчёта"
            ),
            together.map_or_else(|| UNTOLD.to_owned(), count),
            l.pick("transitions", "переходов"),
        ));
    }
    all.extend(c.explained.as_ref().map(|e| explained::sentence(e, l)));
    all
}
