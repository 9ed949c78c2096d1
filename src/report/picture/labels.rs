//! Labels of arcs where none covers another or a stage. In: wished places and texts. Out: one line of letters each.

use super::font::width;
use super::{Kind, Point, Words, look};
use crate::report::scene::{BOX_HEIGHT, BOX_WIDTH};

const LINE: f64 = 13.0;

/// Lines of labels, each with what it belongs to: it moves down, then up, until it has room.
pub fn apart<T: Copy>(labels: Vec<(T, Point, String)>, boxes: &[Point]) -> Vec<(T, Words)> {
    // On paper the letters are a little larger than on a screen (`report.css`).
    let size = look::face(Kind::Label).size + 1.0;
    let half = |text: &str| width(text, size, false) / 2.0 + 2.0;
    let mut placed: Vec<(T, Words)> = Vec::new();
    for (of, (x, y), text) in labels {
        for (i, line) in text.lines().enumerate() {
            // The first line stands on the arc, a second one below it.
            let wish = if i == 0 { y - 4.0 } else { y + LINE };
            let own = half(line);
            let covered = |y: f64| {
                let on_label = placed.iter().any(|(_, other)| {
                    (other.at.0 - x).abs() < own + half(&other.text) && (other.at.1 - y).abs() < LINE
                });
                on_label
                    || boxes.iter().any(|(bx, by)| {
                        x + own > *bx && x - own < bx + BOX_WIDTH && y > *by && y - 10.0 < by + BOX_HEIGHT
                    })
            };
            let tries = (0..8).flat_map(|n| [f64::from(n) * LINE, f64::from(-n) * LINE]);
            let free = tries.map(|shift| wish + shift).find(|y| !covered(*y));
            placed.push((of, Words { kind: Kind::Label, at: (x, free.unwrap_or(wish)), text: line.to_owned() }));
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_cover_each_other_or_a_stage_move_apart() {
        let here = (100.0, 50.0);
        let labels = ["12.5 %", "3.1 %", "+ 0.4 %"].map(|text| ((), here, text.to_owned()));
        let placed = apart(labels.to_vec(), &[]);
        for (i, (_, a)) in placed.iter().enumerate() {
            for (_, b) in &placed[..i] {
                assert!((a.at.1 - b.at.1).abs() >= LINE, "{a:?} covers {b:?}");
            }
        }
        let below = &apart(vec![((), (100.0, 100.0), "12.5 %".to_owned())], &[(40.0, 20.0)])[0].1;
        assert!(below.at.1 - 10.0 >= 20.0 + BOX_HEIGHT || below.at.1 <= 20.0, "{below:?} lies on the stage");
    }
}
