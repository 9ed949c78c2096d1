//! One side of the comparison on the positions of the scene: the designed map, or the real one. In: a [`Comparison`] and its
//! [`Scene`]. Out: a [`Drawing`] of arcs, their labels, and stages.

use super::font::{clip, wrapped};
use super::labels::apart;
use super::{Drawing, DrawnArc, DrawnStage, Kind, Mark, Point, StageLook, Words, look};
use crate::compare::cell::Told;
use crate::compare::{Comparison, TransitionLine, TransitionMark};
use crate::report::number::{count, limit, optional_seconds, rate, rate_short, share};
use crate::report::scene::{BOX_HEIGHT, BOX_WIDTH, Scene, StageBox};
use crate::report::text::name;
use crate::report::words::Language;

/// So many lines fit below a stage's name, and so wide.
const LINES: usize = 6;
const ROOM: f64 = BOX_WIDTH - 16.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Designed,
    Real,
}

/// One drawing. Whatever is left out of it, the rest stands where it stood.
pub fn side(c: &Comparison, scene: &Scene, side: Side, l: Language) -> Drawing {
    // A line's width would tell what its label must not.
    let walked = |t: &TransitionLine| Told::of(t.transitions).least();
    let most = c.transitions.iter().filter(|t| t.mark != TransitionMark::Boundary).map(walked).max();
    let mut marks = Vec::new();
    let mut labels = Vec::new();
    for arc in &scene.arcs {
        let t = &c.transitions[arc.transition];
        if !is_of(side, t) {
            continue;
        }
        let (short, long) = arc_words(c, t, side, l);
        let shown = side == Side::Designed || c.shows_transition(&t.from, &t.to);
        labels.push((shown, arc.label, short));
        if !shown {
            continue;
        }
        let mark = match (side, t.mark) {
            (Side::Designed, TransitionMark::Unused) => TransitionMark::Planned,
            (_, mark) => mark,
        };
        let width = match (side, most) {
            (Side::Real, Some(most)) if most > 0 => 1.2 + 8.0 * (walked(t) as f64 / most as f64).sqrt(),
            _ => look::arc(mark).width,
        };
        let (curve, head) = pointed(arc.curve, width);
        let title = format!("{} → {}: {long}", name(c, &t.from, l), name(c, &t.to, l));
        marks.push(Mark::Arc(DrawnArc { mark, curve, width, head: Some(head), title }));
    }
    let boxes: Vec<Point> = scene.stages.iter().map(|b| (b.x, b.y)).collect();
    let placed = apart(labels, &boxes).into_iter().filter(|(shown, _)| *shown);
    marks.extend(placed.map(|(_, words)| Mark::Words(words)));
    marks.extend(scene.stages.iter().map(|b| Mark::Stage(stage(c, b, side, l))));
    let title = match side {
        Side::Designed => l.pick("Designed journey map", "Задуманная карта пути"),
        Side::Real => l.pick("Real journey map", "Реальная карта пути"),
    };
    Drawing { width: scene.width, height: scene.height, title: title.to_owned(), language: l.code(), marks }
}

/// The designed map shows what was designed; the real one what was walked, and faintly what was not.
fn is_of(side: Side, t: &TransitionLine) -> bool {
    match side {
        Side::Designed => t.mark != TransitionMark::Unplanned,
        Side::Real => t.mark != TransitionMark::Forbidden || t.transitions > 0,
    }
}

/// The curve up to the arrow's head, and the head: it grows with the line, so that a thick one has a direction too.
fn pointed(curve: [Point; 4], width: f64) -> ([Point; 4], [Point; 3]) {
    let [start, first, second, tip] = curve;
    let (dx, dy) = (tip.0 - second.0, tip.1 - second.1);
    let length = dx.hypot(dy).max(f64::MIN_POSITIVE);
    let (dx, dy) = (dx / length, dy / length);
    let (long, half) = (6.0 + 0.9 * width, 3.4 + 0.5 * width);
    let back = |p: Point, by: f64| (p.0 - dx * by, p.1 - dy * by);
    let base = back(tip, long);
    let corner = |by: f64| (base.0 - dy * by, base.1 + dx * by);
    let end = long * 0.95;
    ([start, first, back(second, end), back(tip, end)], [tip, corner(half), corner(-half)])
}

/// (short label on the arc, sentence for the tooltip)
fn arc_words(c: &Comparison, t: &TransitionLine, side: Side, l: Language) -> (String, String) {
    let (sign, word) = (look::sign(t.mark), l.mark(t.mark));
    match side {
        Side::Designed if t.mark == TransitionMark::Forbidden => (format!("{sign}{word}"), word.to_owned()),
        Side::Designed => {
            let target = t.target_share.map(|s| format!("≥ {}", share(s).replace(".0 %", " %")));
            let within = t.within.map(|d| format!("≤ {}", limit(Some(d), l)));
            let parts: Vec<String> = [target, within].into_iter().flatten().collect();
            let long =
                if parts.is_empty() { l.pick("allowed", "допустим").to_owned() } else { parts.join(", ") };
            (parts.join("\n"), long)
        }
        Side::Real => {
            let figure = t.share.value().filter(|_| t.transitions > 0).map_or_else(|| count(t.transitions), share);
            let mut text = format!("{sign}{figure}");
            let p50 = optional_seconds(t.time_p50, l);
            let mut long = format!("{word}, {} × , {}, p50 {p50}", count(t.transitions), rate(&t.share));
            if let Some(stray) = on_the_way(c, t, l) {
                text.push_str(&format!("\n▲ {stray}"));
                long.push_str(&format!("; {stray}"));
            }
            (text, long)
        }
    }
}

/// The most frequent deviation of those who do go this way: too slow, too fast, too often.
fn on_the_way(c: &Comparison, t: &TransitionLine, l: Language) -> Option<String> {
    let place = format!("{} {}", t.from, t.to);
    let timed = |kind: &str| matches!(kind, "too_slow" | "too_fast" | "repeated");
    let own = c.deviations.iter().filter(|d| d.place == place && timed(&d.kind));
    let most = own.max_by_key(|d| (Told::of(d.journeys).least(), std::cmp::Reverse(&d.kind)))?;
    Some(format!("{} {}", l.deviation(&most.kind), rate_short(&most.share)))
}

/// Journeys that stray in a stage, of those decided there; none where nobody does.
fn straying(c: &Comparison, stage: &str) -> Option<f64> {
    let (_, _, f) = c.following.stages.iter().find(|s| s.0 == stage)?;
    let (straying, following) = (Told::of(f.straying).count()?, Told::of(f.following).count()?);
    (straying > 0).then(|| straying as f64 / (straying + following) as f64)
}

fn stage(c: &Comparison, b: &StageBox, side: Side, l: Language) -> DrawnStage {
    let s = &c.stages[b.stage];
    let name = s.title.get(l.code()).unwrap_or(&s.id);
    let designed = side == Side::Designed;
    let aside = !designed && !c.shows_stage(&s.id);
    let stray = straying(c, &s.id).filter(|_| !designed && !aside);
    let face = |kind| (look::face(kind).size, look::face(kind).bold);
    let mut title = name.to_owned();
    let mut lines = Vec::new();
    if designed {
        if let Some(d) = s.expected_max_time {
            lines.push(format!("{} {}", l.pick("no longer than", "не дольше"), limit(Some(d), l)));
        }
        for expectation in s.expectations.iter().filter_map(|e| e.get(l.code())) {
            title.push_str(&format!("; {expectation}"));
            lines.extend(wrapped(expectation, ROOM, face(Kind::Fact)));
        }
    } else if aside {
        let words = l.pick("on no path that is shown", "нет на показанных вариантах");
        lines.extend(wrapped(words, ROOM, face(Kind::Fact)));
    } else {
        lines = measured(c, b.stage, l);
    }
    if lines.len() > LINES {
        lines.truncate(LINES);
        lines[LINES - 1].push('…');
    }
    let at = |x: f64, y: f64| (b.x + x, b.y + y);
    let mut words = vec![Words { kind: Kind::Name, at: at(10.0, 20.0), text: clip(name, ROOM, face(Kind::Name)) }];
    if !l.role(s.role).is_empty() {
        words.push(Words { kind: Kind::Role, at: at(BOX_WIDTH - 8.0, -5.0), text: l.role(s.role).to_owned() });
    }
    if let Some(part) = stray {
        lines.push(format!("▲ {} {}", l.pick("stray here", "отклонились"), share(part)));
    }
    let last = lines.len();
    words.extend(lines.into_iter().enumerate().map(|(i, text)| {
        let kind = if stray.is_some() && i + 1 == last { Kind::Strays } else { Kind::Fact };
        Words { kind, at: at(10.0, 39.0 + 15.5 * i as f64), text: clip(&text, ROOM, face(kind)) }
    }));
    let look = StageLook { role: s.role, designed, strays: stray.is_some(), aside };
    DrawnStage { look, at: (b.x, b.y), size: (BOX_WIDTH, BOX_HEIGHT), title, words }
}

/// What was measured in a stage, over all journeys.
fn measured(c: &Comparison, stage: usize, l: Language) -> Vec<String> {
    let s = &c.stages[stage];
    let entered = format!("{} {}", count(s.entered), l.pick("journeys", "путей"));
    if s.role == crate::map::Role::Exit {
        return vec![entered];
    }
    vec![
        entered,
        format!("{} {}", l.pick("go on", "идут дальше"), rate_short(&s.conversion)),
        format!("{} {}", l.pick("lost here", "потери"), rate_short(&s.drop_off_rate)),
        format!("p50 {}", optional_seconds(s.time_p50, l)),
        format!("p90 {}", optional_seconds(s.time_p90, l)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_ends_where_its_arc_ends_and_is_wider_than_its_line() {
        let arc = [(0.0, 0.0), (20.0, 0.0), (80.0, 0.0), (100.0, 0.0)];
        for width in [1.6, 9.2] {
            let (curve, [tip, left, right]) = pointed(arc, width);
            assert_eq!(tip, (100.0, 0.0));
            assert!((left.1 - right.1).abs() > width + 3.0, "{left:?} {right:?}");
            assert!(curve[3].0 < tip.0 && curve[3].0 > left.0, "the line goes into the head and not through it");
        }
    }
}
