//! How things look. In: what a mark means. Out: its ink, dashes, widths and letters. The page repeats the inks as variables
//! (`report.css`), because it also has dark ones; dashes and sizes stand here alone.

use super::{Kind, StageLook};
use crate::compare::TransitionMark;
use crate::map::Role;

/// Colours by meaning, for white paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Strong,
    Soft,
    Plan,
    Unplanned,
    Bad,
    Good,
    Paper,
    Ground,
}

impl Ink {
    pub const fn rgb(self) -> (u8, u8, u8) {
        match self {
            Self::Strong => (0x1c, 0x24, 0x30),
            Self::Soft => (0x5b, 0x66, 0x75),
            Self::Plan => (0x2b, 0x6c, 0xb0),
            Self::Unplanned => (0xb7, 0x79, 0x1f),
            Self::Bad => (0xc5, 0x30, 0x30),
            Self::Good => (0x2f, 0x85, 0x5a),
            Self::Paper => (0xff, 0xff, 0xff),
            Self::Ground => (0xf5, 0xf7, 0xfa),
        }
    }

    pub fn hex(self) -> String {
        let (r, g, b) = self.rgb();
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

/// A line: solid where `dash` is empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub ink: Ink,
    pub dash: &'static [f32],
    pub width: f64,
}

/// Arcs let what they cross shine through.
pub const ARC_OPACITY: f32 = 0.75;

/// The line of an arc, but for its width, which counts.
pub const fn arc(mark: TransitionMark) -> Line {
    let (ink, dash): (Ink, &[f32]) = match mark {
        TransitionMark::Planned | TransitionMark::Boundary => (Ink::Plan, &[]),
        TransitionMark::Unplanned => (Ink::Unplanned, &[9.0, 5.0]),
        TransitionMark::Forbidden => (Ink::Bad, &[12.0, 3.0, 2.5, 3.0, 2.5, 3.0]),
        TransitionMark::Unused => (Ink::Soft, &[1.5, 6.0]),
    };
    Line { ink, dash, width: 1.6 }
}

/// The sign before an arc's figure, and in the legend.
pub const fn sign(mark: TransitionMark) -> &'static str {
    match mark {
        TransitionMark::Planned | TransitionMark::Boundary => "",
        TransitionMark::Unplanned => "+ ",
        TransitionMark::Forbidden => "✕ ",
        TransitionMark::Unused => "∅ ",
    }
}

/// The outline of a stage.
pub const fn stage(look: StageLook) -> Line {
    let (ink, width, own): (Ink, f64, &[f32]) = match look.role {
        _ if look.aside => (Ink::Soft, 1.0, &[2.0, 3.0]),
        Role::Success => (Ink::Good, 3.0, &[]),
        Role::Exit => (Ink::Bad, 1.3, &[7.0, 4.0]),
        Role::Entry if look.strays => (Ink::Unplanned, 2.4, &[]),
        Role::Entry => (Ink::Strong, 2.4, &[]),
        Role::None if look.strays => (Ink::Unplanned, 1.3, &[]),
        Role::None => (Ink::Strong, 1.3, &[]),
    };
    Line { ink, dash: if look.strays { &[12.0, 4.0, 2.0, 4.0] } else { own }, width }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Middle,
    Right,
}

/// Letters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    pub size: f64,
    pub bold: bool,
    pub ink: Ink,
    pub align: Align,
    /// Paper around the letters, so that they read on a line.
    pub halo: f64,
}

pub const fn face(kind: Kind) -> Face {
    let (size, bold, ink) = match kind {
        Kind::Title => (22.0, true, Ink::Strong),
        Kind::Heading => (16.0, true, Ink::Strong),
        Kind::Name => (13.0, true, Ink::Strong),
        Kind::Strays => (12.0, true, Ink::Strong),
        Kind::Note | Kind::Fact => (12.0, false, Ink::Soft),
        Kind::Role => (11.0, false, Ink::Soft),
        Kind::Label => (11.0, false, Ink::Strong),
    };
    let align = match kind {
        Kind::Label => Align::Middle,
        Kind::Role => Align::Right,
        _ => Align::Left,
    };
    Face { size, bold, ink, align, halo: if matches!(kind, Kind::Label) { 4.0 } else { 0.0 } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_every_kind_of_arc_has_a_dash_and_a_sign_of_its_own() {
        use TransitionMark::{Forbidden, Planned, Unplanned, Unused};
        let all = [Planned, Unplanned, Forbidden, Unused];
        for (i, a) in all.iter().enumerate() {
            for b in &all[..i] {
                assert_ne!(arc(*a).dash, arc(*b).dash, "{a:?} and {b:?}");
                assert_ne!(sign(*a), sign(*b), "{a:?} and {b:?}");
            }
            // Painters take pairs of on and off.
            assert!(arc(*a).dash.len().is_multiple_of(2));
        }
    }

    #[test]
    fn without_colour_a_stage_where_some_stray_an_exit_and_one_set_aside_differ_from_any_other() {
        let plain = StageLook::default();
        let looks = [
            plain,
            StageLook { strays: true, ..plain },
            StageLook { role: Role::Exit, ..plain },
            StageLook { aside: true, ..plain },
        ];
        for (i, a) in looks.iter().enumerate() {
            assert!(looks[..i].iter().all(|b| stage(*a).dash != stage(*b).dash), "{a:?}");
        }
    }

    #[test]
    fn the_page_has_the_same_inks_by_day() {
        let css = include_str!("../report.css");
        let day = css.split('}').next().expect("the first rule");
        for (name, ink) in [
            ("ink", Ink::Strong),
            ("soft", Ink::Soft),
            ("plan", Ink::Plan),
            ("un", Ink::Unplanned),
            ("bad", Ink::Bad),
            ("good", Ink::Good),
            ("ground", Ink::Ground),
        ] {
            assert!(day.contains(&format!("--{name}:{}", ink.hex())), "{name} in {day}");
        }
        assert!(day.contains("--paper:#fff"));
    }
}
