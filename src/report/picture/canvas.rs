//! A drawing, stroke by stroke. In: a [`Drawing`], and a [`Canvas`] that can fill, stroke and write. Out: the painted canvas.

use super::font::{Piece, letters, outline, width};
use super::look::{self, Align, Face, Ink, Line};
use super::{Drawing, DrawnArc, DrawnStage, Mark, Words};

pub trait Canvas {
    fn fill(&mut self, outline: &[Piece], ink: Ink, opacity: f32);
    /// Corners are round, ends are not.
    fn stroke(&mut self, outline: &[Piece], line: Line, opacity: f32);
    /// A line of letters that begins at `at`, on its base line.
    fn write(&mut self, text: &str, at: (f64, f64), face: Face);
}

pub fn paint(drawing: &Drawing, canvas: &mut impl Canvas) {
    for mark in &drawing.marks {
        match mark {
            Mark::Arc(of) => arc(canvas, of),
            Mark::Stage(of) => stage(canvas, of),
            Mark::Words(of) => words(canvas, of),
        }
    }
}

fn arc(canvas: &mut impl Canvas, of: &DrawnArc) {
    let line = Line { width: of.width, ..look::arc(of.mark) };
    let [start, first, second, end] = of.curve;
    canvas.stroke(&[Piece::Move(start), Piece::Cubic(first, second, end)], line, look::ARC_OPACITY);
    if let Some([tip, left, right]) = of.head {
        let head = [Piece::Move(tip), Piece::Line(left), Piece::Line(right), Piece::Close];
        canvas.fill(&head, line.ink, look::ARC_OPACITY);
    }
}

fn stage(canvas: &mut impl Canvas, of: &DrawnStage) {
    let outline = rounded(of);
    canvas.fill(&outline, of.paper(), 1.0);
    canvas.stroke(&outline, look::stage(of.look), 1.0);
    of.words.iter().for_each(|w| words(canvas, w));
}

fn words(canvas: &mut impl Canvas, of: &Words) {
    let face = look::face(of.kind);
    let wide = || width(&of.text, face.size, face.bold);
    let x = match face.align {
        Align::Left => of.at.0,
        Align::Middle => of.at.0 - wide() / 2.0,
        Align::Right => of.at.0 - wide(),
    };
    let at = (x, of.at.1);
    if face.halo > 0.0 {
        let around = Line { ink: Ink::Paper, dash: &[], width: face.halo };
        canvas.stroke(&outlines(&of.text, at, face), around, 1.0);
    }
    canvas.write(&of.text, at, face);
}

/// The outlines of a line of letters.
pub fn outlines(text: &str, at: (f64, f64), face: Face) -> Vec<Piece> {
    let mut x = at.0;
    let mut all = Vec::new();
    for letter in letters(text, face.bold) {
        let place = |p: (f64, f64)| (x + p.0 * face.size, at.1 + p.1 * face.size);
        all.extend(outline(letter.glyph, face.bold).into_iter().map(|piece| match piece {
            Piece::Move(p) => Piece::Move(place(p)),
            Piece::Line(p) => Piece::Line(place(p)),
            Piece::Quad(a, p) => Piece::Quad(place(a), place(p)),
            Piece::Cubic(a, b, p) => Piece::Cubic(place(a), place(b), place(p)),
            Piece::Close => Piece::Close,
        }));
        x += letter.advance * face.size;
    }
    all
}

/// A box with round corners.
fn rounded(of: &DrawnStage) -> Vec<Piece> {
    let ((x, y), (w, h), r) = (of.at, of.size, of.corner());
    // How far the controls of a quarter of a circle stand from its corner.
    let k = r * (1.0 - 0.552_284_75);
    let (right, low) = (x + w, y + h);
    vec![
        Piece::Move((x + r, y)),
        Piece::Line((right - r, y)),
        Piece::Cubic((right - k, y), (right, y + k), (right, y + r)),
        Piece::Line((right, low - r)),
        Piece::Cubic((right, low - k), (right - k, low), (right - r, low)),
        Piece::Line((x + r, low)),
        Piece::Cubic((x + k, low), (x, low - k), (x, low - r)),
        Piece::Line((x, y + r)),
        Piece::Cubic((x, y + k), (x + k, y), (x + r, y)),
        Piece::Close,
    ]
}
