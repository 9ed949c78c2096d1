//! The map as a picture: the designed and the real one on the positions of one scene. In: a [`Comparison`]. Out: a
//! [`Drawing`], which is written as SVG (on the HTML page, or standing alone), painted as PNG, and written as PDF. What is
//! drawn is decided once; line style and label carry every meaning, colour only repeats it.

mod canvas; //  a drawing, stroke by stroke
mod font; //    letters that every machine has: their widths and outlines
mod labels; //  no label covers another, or a stage
mod look; //    ink, dashes and letters by meaning
mod page; //    both maps, the head, the legend and the notes
mod pdf;
mod png;
mod side; //    the designed map, or the real one
mod svg;

pub use font::missing;
pub use page::{legend, notes, picture, sides};
pub use pdf::pdf;
pub use png::png;
pub use side::{Side, side};
pub use svg::{inline, sample, standing};

use crate::compare::TransitionMark;
use crate::map::Role;

pub type Point = (f64, f64);

/// A picture in units of one pixel of a screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    pub width: f64,
    pub height: f64,
    /// What it shows, for those who do not see it.
    pub title: String,
    pub language: &'static str,
    /// Later ones lie on earlier ones.
    pub marks: Vec<Mark>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    Arc(DrawnArc),
    Stage(DrawnStage),
    Words(Words),
}

#[derive(Clone, Debug, PartialEq)]
pub struct DrawnArc {
    pub mark: TransitionMark,
    /// A cubic curve: its start, two controls, its end.
    pub curve: [Point; 4],
    pub width: f64,
    /// The arrow's tip and its two other corners.
    pub head: Option<[Point; 3]>,
    pub title: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DrawnStage {
    pub look: StageLook,
    pub at: Point,
    pub size: (f64, f64),
    pub title: String,
    pub words: Vec<Words>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageLook {
    pub role: Role,
    /// On the designed map.
    pub designed: bool,
    /// Some stray from the design here.
    pub strays: bool,
    /// On no path that is shown.
    pub aside: bool,
}

/// One line of letters; `at` is on its base line.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    pub kind: Kind,
    pub at: Point,
    pub text: String,
}

/// What letters are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Title,
    Heading,
    Note,
    /// Of a stage.
    Name,
    Role,
    Fact,
    Strays,
    /// Of an arc.
    Label,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error(
        "the picture is {width} x {height} pixels, too large to be painted\n  allowed: at most {most} on a side\n  \
         hint: `--format svg` or `--format pdf`, which have no pixels"
    )]
    TooLarge { width: u64, height: u64, most: u64 },
    #[error("the picture cannot be written as PNG: {0}")]
    Png(String),
    #[error("the picture cannot be written as PDF: {0}")]
    Pdf(String),
}

impl DrawnStage {
    fn corner(&self) -> f64 {
        (self.size.1 / 4.0).min(10.0)
    }

    fn paper(&self) -> look::Ink {
        if self.look.designed { look::Ink::Ground } else { look::Ink::Paper }
    }
}

impl Mark {
    /// The same elsewhere.
    fn moved(mut self, by: Point) -> Self {
        let shift = |p: &mut Point| *p = (p.0 + by.0, p.1 + by.1);
        match &mut self {
            Self::Arc(arc) => {
                arc.curve.iter_mut().for_each(shift);
                arc.head.iter_mut().flatten().for_each(shift);
            }
            Self::Stage(stage) => {
                shift(&mut stage.at);
                stage.words.iter_mut().for_each(|w| shift(&mut w.at));
            }
            Self::Words(words) => shift(&mut words.at),
        }
        self
    }

    /// Every line of letters in it.
    fn words(&self) -> &[Words] {
        match self {
            Self::Arc(_) => &[],
            Self::Stage(stage) => &stage.words,
            Self::Words(words) => std::slice::from_ref(words),
        }
    }
}
