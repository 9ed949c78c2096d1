//! One layout for the designed and the real map: where every stage and arc stands. In: the comparison. Out: a
//! [`Scene`] in pixels. Both drawings take their positions from it, so they lie on each other; what is left out of one
//! (`--explain`) moves nothing.

use crate::compare::cell::Told;
use crate::compare::{Comparison, TransitionMark};
use crate::map::Role;

pub const BOX_WIDTH: f64 = 180.0;
pub const BOX_HEIGHT: f64 = 128.0;
const COLUMN: f64 = 252.0;
const MARGIN: f64 = 28.0;
/// Room above the row of stages for arcs that go forward past a stage.
const LIFT: f64 = 34.0;
/// At most this many arcs are drawn; the rest is said in words.
const MOST_ARCS: usize = 40;

/// A stage's box: its column is its place among the stages, exits stand in a second row.
#[derive(Clone, Debug, PartialEq)]
pub struct StageBox {
    pub stage: usize,
    pub x: f64,
    pub y: f64,
}

/// An arc between two stages as a cubic curve, and where its label stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Arc {
    /// Index into `Comparison::transitions`.
    pub transition: usize,
    /// Its start, two controls, its end.
    pub curve: [(f64, f64); 4],
    pub label: (f64, f64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub width: f64,
    pub height: f64,
    pub stages: Vec<StageBox>,
    pub arcs: Vec<Arc>,
    /// Transitions that there is no arc for: the least walked of very many.
    pub cut: Vec<usize>,
}

/// Lays the stages out in file order and routes the arcs: to the next stage straight, past stages above, back below.
pub fn scene(c: &Comparison) -> Scene {
    let mut column = 0.0;
    let mut last_column: f64 = 0.0;
    let exits = c.stages.iter().any(|s| s.role == Role::Exit);
    let mut chosen: Vec<usize> = (0..c.transitions.len())
        .filter(|&i| c.transitions[i].mark != TransitionMark::Boundary)
        .filter(|&i| c.transitions[i].from != c.transitions[i].to)
        .collect();
    let total = chosen.len();
    chosen.sort_by_key(|&i| {
        let t = &c.transitions[i];
        (!t.mark_is_designed(), std::cmp::Reverse(Told::of(t.transitions).least()), i)
    });
    let cut: Vec<usize> = chosen.split_off(MOST_ARCS.min(total));
    chosen.sort_unstable();
    let span = |i: usize| -> f64 {
        let at = |id: &str| c.stages.iter().position(|s| s.id == id).unwrap_or_default() as f64;
        (at(&c.transitions[i].to) - at(&c.transitions[i].from)).abs()
    };
    let highest = chosen.iter().map(|&i| span(i)).fold(1.0, f64::max);
    let above = MARGIN + LIFT * highest.min(6.0);
    let below = LIFT * highest.min(6.0);

    let mut stages = Vec::with_capacity(c.stages.len());
    let mut exit_column = 1.0;
    for (stage, line) in c.stages.iter().enumerate() {
        if line.role == Role::Exit {
            let x = MARGIN + exit_column * COLUMN;
            stages.push(StageBox { stage, x, y: above + BOX_HEIGHT + below + 24.0 });
            last_column = last_column.max(exit_column);
            exit_column += 1.0;
        } else {
            stages.push(StageBox { stage, x: MARGIN + column * COLUMN, y: above });
            last_column = last_column.max(column);
            column += 1.0;
        }
    }
    let mut slots: std::collections::BTreeMap<(usize, usize), usize> = std::collections::BTreeMap::new();
    let arcs = chosen
        .iter()
        .filter_map(|&i| {
            let t = &c.transitions[i];
            let from = stages.iter().find(|b| c.stages[b.stage].id == t.from)?;
            let to = stages.iter().find(|b| c.stages[b.stage].id == t.to)?;
            let key = (from.stage.min(to.stage), from.stage.max(to.stage));
            let slot = slots.entry(key).or_default();
            *slot += 1;
            let (curve, label) = route(from, to, (above, *slot as f64));
            Some(Arc { transition: i, curve, label })
        })
        .collect();
    Scene {
        width: MARGIN * 2.0 + last_column * COLUMN + BOX_WIDTH,
        height: above + BOX_HEIGHT + below + MARGIN + if exits { BOX_HEIGHT + 24.0 } else { 0.0 },
        stages,
        arcs,
        cut,
    }
}

fn route(from: &StageBox, to: &StageBox, (row, slot): (f64, f64)) -> ([(f64, f64); 4], (f64, f64)) {
    let columns = ((to.x - from.x) / COLUMN).abs().min(6.0);
    let middle = |b: &StageBox| b.x + BOX_WIDTH / 2.0;
    let curve = |x1: f64, y1: f64, c1: (f64, f64), c2: (f64, f64), x2: f64, y2: f64| {
        let at = |a: f64, b: f64, c: f64, d: f64| (a + 3.0 * b + 3.0 * c + d) / 8.0;
        ([(x1, y1), c1, c2, (x2, y2)], (at(x1, c1.0, c2.0, x2), at(y1, c1.1, c2.1, y2)))
    };
    let same_row = (from.y - to.y).abs() < 1.0;
    if !same_row {
        // To an exit below, or back up from it: leave from the bottom, arrive at the top.
        let (y1, y2) = if to.y > from.y { (from.y + BOX_HEIGHT, to.y) } else { (from.y, to.y + BOX_HEIGHT) };
        let bend = (y2 - y1) / 2.0;
        let (x1, x2) = (middle(from) + 26.0, middle(to) + (from.x - to.x).signum() * 20.0);
        return curve(x1, y1, (x1, y1 + bend), (x2, y2 - bend), x2, y2);
    }
    if to.x > from.x && columns < 1.5 {
        let (x1, x2, y) = (from.x + BOX_WIDTH, to.x, from.y + BOX_HEIGHT / 2.0 + (slot - 1.0) * 14.0);
        return curve(x1, y, (x1 + 20.0, y), (x2 - 20.0, y), x2, y);
    }
    let forward = to.x > from.x;
    let (y, lift) = if forward && (from.y - row).abs() < 1.0 {
        (from.y, -LIFT * columns * 1.25)
    } else {
        (from.y + BOX_HEIGHT, LIFT * columns * 1.05)
    };
    let shift = if forward { 14.0 } else { -14.0 };
    let (x1, x2) = (middle(from) + shift, middle(to) - shift);
    curve(x1, y, (x1, y + lift), (x2, y + lift), x2, y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arcs_forward_pass_above_and_arcs_back_pass_below() {
        let a = StageBox { stage: 0, x: 0.0, y: 100.0 };
        let c = StageBox { stage: 2, x: 2.0 * COLUMN, y: 100.0 };
        assert!(route(&a, &c, (100.0, 1.0)).1.1 < 100.0);
        assert!(route(&c, &a, (100.0, 1.0)).1.1 > 100.0 + BOX_HEIGHT);
    }
}
