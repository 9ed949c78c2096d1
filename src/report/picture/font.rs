//! Letters that every machine has, because the program brings them: DejaVu Sans, cut down (`font/`). In: text. Out: glyphs,
//! widths and outlines; and which letters the font lacks.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};

use super::{Drawing, Mark, Point};

/// The family as other programs know it, and what stands in for it where it is not there; Verdana is drawn as widely.
pub const FAMILY: &str = "'DejaVu Sans',Verdana,'Noto Sans',Arial,sans-serif";

const REGULAR: &[u8] = include_bytes!("font/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("font/DejaVuSans-Bold.ttf");

pub const fn bytes(bold: bool) -> &'static [u8] {
    if bold { BOLD } else { REGULAR }
}

/// `None` would be a broken build: a test opens both.
fn font(bold: bool) -> Option<&'static FontRef<'static>> {
    static FONTS: LazyLock<[Option<FontRef<'static>>; 2]> =
        LazyLock::new(|| [FontRef::new(REGULAR).ok(), FontRef::new(BOLD).ok()]);
    FONTS[usize::from(bold)].as_ref()
}

/// A letter: its glyph (0: the font has none, an empty box stands for it), where it stands in the text, and how far it
/// moves on, in parts of the size.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    pub glyph: u32,
    pub range: Range<usize>,
    pub advance: f64,
}

pub fn letters(text: &str, bold: bool) -> Vec<Letter> {
    let Some(font) = font(bold) else { return Vec::new() };
    let (charmap, metrics) = (font.charmap(), font.glyph_metrics(Size::unscaled(), LocationRef::default()));
    let em = f64::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
    text.char_indices()
        .map(|(at, c)| {
            let glyph = charmap.map(c).unwrap_or(GlyphId::NOTDEF);
            // A letter that another font draws is at most as wide as it is tall.
            let known = metrics.advance_width(glyph).filter(|_| glyph != GlyphId::NOTDEF);
            let advance = known.map_or(1.0, |units| f64::from(units) / em);
            Letter { glyph: glyph.to_u32(), range: at..at + c.len_utf8(), advance }
        })
        .collect()
}

/// How wide a line of letters is.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    letters(text, bold).iter().map(|l| l.advance * size).sum()
}

/// A piece of an outline, in parts of the size; upwards is negative, as in pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Piece {
    Move(Point),
    Line(Point),
    Quad(Point, Point),
    Cubic(Point, Point, Point),
    Close,
}

/// The outline of a glyph.
pub fn outline(glyph: u32, bold: bool) -> Vec<Piece> {
    let Some(font) = font(bold) else { return Vec::new() };
    let em = font.metrics(Size::unscaled(), LocationRef::default()).units_per_em;
    let mut pen = Pen { em: f64::from(em), pieces: Vec::new() };
    if let Some(outline) = font.outline_glyphs().get(GlyphId::new(glyph)) {
        // Fails for broken fonts only.
        outline.draw(DrawSettings::unhinted(Size::unscaled(), LocationRef::default()), &mut pen).ok();
    }
    pen.pieces
}

struct Pen {
    em: f64,
    pieces: Vec<Piece>,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> Point {
        (f64::from(x) / self.em, -f64::from(y) / self.em)
    }
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.pieces.push(Piece::Move(self.at(x, y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.pieces.push(Piece::Line(self.at(x, y)));
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.pieces.push(Piece::Quad(self.at(cx, cy), self.at(x, y)));
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        self.pieces.push(Piece::Cubic(self.at(ax, ay), self.at(bx, by), self.at(x, y)));
    }

    fn close(&mut self) {
        self.pieces.push(Piece::Close);
    }
}

/// Letters of a drawing that the font lacks.
pub fn missing(drawing: &Drawing) -> Vec<char> {
    let lacks = |text: &str| {
        let letters = letters(text, false);
        text.chars().zip(letters).filter(|(_, l)| l.glyph == 0).map(|(c, _)| c).collect::<Vec<_>>()
    };
    let all: BTreeSet<char> = drawing.marks.iter().flat_map(Mark::words).flat_map(|words| lacks(&words.text)).collect();
    all.into_iter().collect()
}

/// Lines of at most this width, broken between words; only a word that is wider is cut.
pub fn wrapped(text: &str, most: f64, (size, bold): (f64, bool)) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        if let Some(line) = lines.last_mut() {
            let longer = format!("{line} {word}");
            if width(&longer, size, bold) <= most {
                *line = longer;
                continue;
            }
        }
        lines.push(clip(word, most, (size, bold)));
    }
    lines
}

/// At most this width, with an ellipsis where something was cut.
pub fn clip(text: &str, most: f64, (size, bold): (f64, bool)) -> String {
    if width(text, size, bold) <= most {
        return text.to_owned();
    }
    let room = most - width("…", size, bold);
    let mut taken = 0.0;
    let fits = letters(text, bold).into_iter().take_while(|l| {
        taken += l.advance * size;
        taken <= room
    });
    let end = fits.last().map_or(0, |l| l.range.end);
    format!("{}…", text[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_fonts_open_and_have_latin_greek_and_cyrillic_letters_and_every_sign_of_a_picture() {
        let text = "Aa0Zzßéżășĳ ΑαΩ АаЯяЁёЇїҐґЎў →▲✕∅≥≤…–−·“”«»№€\u{a0}";
        for bold in [false, true] {
            assert!(font(bold).is_some());
            let without = text.chars().zip(letters(text, bold)).find(|(_, letter)| letter.glyph == 0);
            assert_eq!(without, None);
            assert!(!outline(letters("Щ", bold)[0].glyph, bold).is_empty());
        }
        assert_eq!(letters("漢", false)[0].glyph, 0);
    }

    #[test]
    fn letters_are_as_wide_as_the_font_says() {
        // DejaVu Sans: `m` is 1995 of 2048, `i` 569.
        assert!((width("mi", 2048.0, false) - 2564.0).abs() < 1e-6);
        assert!(width("mi", 10.0, true) > width("mi", 10.0, false));
    }

    #[test]
    fn long_words_break_between_words_and_lose_nothing() {
        let (text, face) = ("See at once what is on offer and what it costs", (12.0, false));
        let lines = wrapped(text, 150.0, face);
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line, 12.0, false) <= 150.0), "{lines:?}");
        assert_eq!(lines.join(" "), text);
        let cut = wrapped("Bestellbestätigungsmailzustellung", 150.0, face);
        assert!(cut.len() == 1 && cut[0].starts_with("Bestellbest") && cut[0].ends_with('…'), "{cut:?}");
        assert!(width(&cut[0], 12.0, false) <= 150.0);
    }
}
