//! A drawing as PDF. In: a [`Drawing`]. Out: the bytes of a document of one page, three quarters of a point for each unit, as
//! of CSS pixels; its letters are text that can be searched and copied, in fonts that it brings.

use krilla::color::rgb;
use krilla::geom::{Path, PathBuilder, Point, Transform};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, LineJoin, StrokeDash};
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use krilla::{Data, Document};

use super::canvas::{Canvas, paint};
use super::font::{Piece, bytes, letters};
use super::look::{Face, Ink, Line};
use super::{Drawing, PictureError};

const SCALE: f64 = 0.75;
/// No viewer has to open a longer page.
const MOST: f64 = 14_400.0;

pub fn pdf(drawing: &Drawing) -> Result<Vec<u8>, PictureError> {
    let wrong = |what: &str| PictureError::Pdf(what.to_owned());
    let font = |bold| Font::new(Data::from(bytes(bold)), 0).ok_or_else(|| wrong("its font does not open"));
    let fonts = [font(false)?, font(true)?];
    let scale = SCALE.min(MOST / drawing.width.max(drawing.height));
    let size = |units: f64| (units * scale) as f32;
    let page = PageSettings::from_wh(size(drawing.width), size(drawing.height));
    let page = page.ok_or_else(|| wrong("a page has a width and a height"))?;
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new().title(drawing.title.clone()).language(drawing.language.to_owned()).creator("Tropa".to_owned()),
    );
    let mut page = document.start_page_with(page);
    let mut sheet = Sheet { surface: page.surface(), fonts };
    sheet.surface.push_transform(&Transform::from_scale(scale as f32, scale as f32));
    paint(drawing, &mut sheet);
    sheet.surface.pop();
    drop(sheet);
    page.finish();
    document.finish().map_err(|error| PictureError::Pdf(format!("{error:?}")))
}

struct Sheet<'a> {
    surface: Surface<'a>,
    /// Not bold, bold.
    fonts: [Font; 2],
}

impl Canvas for Sheet<'_> {
    fn fill(&mut self, outline: &[Piece], ink: Ink, opacity: f32) {
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(filled(ink, opacity)));
        self.draw(outline);
    }

    fn stroke(&mut self, outline: &[Piece], line: Line, opacity: f32) {
        let dash = StrokeDash { array: line.dash.to_vec(), offset: 0.0 };
        self.surface.set_fill(None);
        self.surface.set_stroke(Some(krilla::paint::Stroke {
            paint: colour(line.ink).into(),
            width: line.width as f32,
            line_join: LineJoin::Round,
            opacity: part(opacity),
            dash: Some(dash).filter(|dash| !dash.array.is_empty()),
            ..krilla::paint::Stroke::default()
        }));
        self.draw(outline);
    }

    fn write(&mut self, text: &str, at: (f64, f64), face: Face) {
        let glyph = |l: super::font::Letter| {
            KrillaGlyph::new(GlyphId::new(l.glyph), l.advance as f32, 0.0, 0.0, 0.0, l.range, None)
        };
        let glyphs: Vec<KrillaGlyph> = letters(text, face.bold).into_iter().map(glyph).collect();
        let font = self.fonts[usize::from(face.bold)].clone();
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(filled(face.ink, 1.0)));
        let start = Point::from_xy(at.0 as f32, at.1 as f32);
        self.surface.draw_glyphs(start, &glyphs, font, text, face.size as f32, false);
    }
}

impl Sheet<'_> {
    fn draw(&mut self, outline: &[Piece]) {
        if let Some(path) = path(outline) {
            self.surface.draw_path(&path);
        }
    }
}

fn colour(ink: Ink) -> rgb::Color {
    let (r, g, b) = ink.rgb();
    rgb::Color::new(r, g, b)
}

fn part(opacity: f32) -> NormalizedF32 {
    NormalizedF32::new(opacity).unwrap_or(NormalizedF32::ONE)
}

fn filled(ink: Ink, opacity: f32) -> Fill {
    Fill { paint: colour(ink).into(), opacity: part(opacity), ..Fill::default() }
}

/// `None`: there is nothing to paint, as of a space.
fn path(outline: &[Piece]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for piece in outline {
        let xy = |p: (f64, f64)| (p.0 as f32, p.1 as f32);
        match *piece {
            Piece::Move(p) => path.move_to(xy(p).0, xy(p).1),
            Piece::Line(p) => path.line_to(xy(p).0, xy(p).1),
            Piece::Quad(a, p) => path.quad_to(xy(a).0, xy(a).1, xy(p).0, xy(p).1),
            Piece::Cubic(a, b, p) => path.cubic_to(xy(a).0, xy(a).1, xy(b).0, xy(b).1, xy(p).0, xy(p).1),
            Piece::Close => path.close(),
        }
    }
    path.finish()
}
