//! A drawing as PNG. In: a [`Drawing`]. Out: the bytes of an image on white, two pixels for each unit, and fewer where it
//! would be more than 16,384 pixels wide or tall.

use tiny_skia::{Color, FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, StrokeDash, Transform};

use super::canvas::{Canvas, outlines, paint};
use super::font::Piece;
use super::look::{Face, Ink, Line};
use super::{Drawing, PictureError};

/// Pixels for each unit: letters stay sharp on fine screens and on paper.
const SCALE: f64 = 2.0;
/// Viewers open no larger ones.
const MOST: f64 = 16_384.0;

pub fn png(drawing: &Drawing) -> Result<Vec<u8>, PictureError> {
    let scale = SCALE.min(MOST / drawing.width.max(drawing.height));
    let size = |units: f64, scale: f64| (units * scale).round() as u32;
    let (width, height) = (size(drawing.width, scale), size(drawing.height, scale));
    let too_large = || PictureError::TooLarge {
        width: u64::from(size(drawing.width, 1.0)),
        height: u64::from(size(drawing.height, 1.0)),
        most: MOST as u64,
    };
    // With less than a pixel for each unit nobody reads the letters.
    let pixels = Some(scale).filter(|scale| *scale >= 1.0).and_then(|_| Pixmap::new(width, height));
    let mut pixels = pixels.ok_or_else(too_large)?;
    pixels.fill(Color::WHITE);
    let mut image = Image { pixels, scale: Transform::from_scale(scale as f32, scale as f32) };
    paint(drawing, &mut image);
    image.pixels.encode_png().map_err(|error| PictureError::Png(error.to_string()))
}

struct Image {
    pixels: Pixmap,
    scale: Transform,
}

impl Canvas for Image {
    fn fill(&mut self, outline: &[Piece], ink: Ink, opacity: f32) {
        if let Some(path) = path(outline) {
            self.pixels.fill_path(&path, &colour(ink, opacity), FillRule::Winding, self.scale, None);
        }
    }

    fn stroke(&mut self, outline: &[Piece], line: Line, opacity: f32) {
        let stroke = tiny_skia::Stroke {
            width: line.width as f32,
            line_join: LineJoin::Round,
            dash: StrokeDash::new(line.dash.to_vec(), 0.0),
            ..tiny_skia::Stroke::default()
        };
        if let Some(path) = path(outline) {
            self.pixels.stroke_path(&path, &colour(line.ink, opacity), &stroke, self.scale, None);
        }
    }

    fn write(&mut self, text: &str, at: (f64, f64), face: Face) {
        self.fill(&outlines(text, at, face), face.ink, 1.0);
    }
}

fn colour(ink: Ink, opacity: f32) -> Paint<'static> {
    let (r, g, b) = ink.rgb();
    let mut paint = Paint::default();
    paint.set_color_rgba8(r, g, b, (opacity * 255.0).round() as u8);
    paint
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

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: f64) -> Result<(u32, u32), PictureError> {
        let image = png(&Drawing { width, height: 10.0, ..Drawing::default() })?;
        // Of the first chunk, as every PNG has it.
        let number = |at: usize| u32::from_be_bytes([image[at], image[at + 1], image[at + 2], image[at + 3]]);
        Ok((number(16), number(20)))
    }

    #[test]
    fn a_unit_has_two_pixels_fewer_where_viewers_would_not_open_it_and_never_less_than_one() {
        assert_eq!(size(100.0).expect("small"), (200, 20));
        assert_eq!(size(16_384.0).expect("wide"), (16_384, 10));
        let error = size(16_400.0).expect_err("too wide").to_string();
        assert!(
            error.starts_with("the picture is 16400 x 10 pixels, too large to be painted\n  allowed: at most 16384")
        );
    }
}
