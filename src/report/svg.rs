//! The scene as inline SVG: the designed map or the real one, on the same positions. Line style and label carry every
//! meaning; colour only repeats it.

use std::fmt::Write;

use super::html::escape;
use super::number::{count, limit, optional_seconds, rate, rate_short, share};
use super::scene::{BOX_HEIGHT, BOX_WIDTH, Scene};
use super::words::Language;
use crate::compare::{Comparison, TransitionMark};

/// So many lines fit below a stage's name.
const LINES: usize = 6;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Designed,
    Real,
}

/// One drawing. `id` makes its arrow heads unique on the page.
pub fn svg(c: &Comparison, scene: &Scene, side: Side, language: Language, id: &str) -> String {
    let mut out = String::new();
    let label = match side {
        Side::Designed => language.pick("Designed journey map", "Задуманная карта пути"),
        Side::Real => language.pick("Real journey map", "Реальная карта пути"),
    };
    let (w, h) = (scene.width, scene.height);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        r#"<svg class="map {class}" viewBox="0 0 {w:.0} {h:.0}" role="img" aria-label="{label}" style="min-width:{least:.0}px;max-width:{greatest:.0}px"><defs><marker id="{id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse" markerUnits="userSpaceOnUse"><path d="M0,0 L8,4 L0,8 z" fill="context-stroke"/></marker></defs>"#,
        class = if side == Side::Designed { "designed" } else { "real" },
        // Letters stay between nine and fourteen pixels; a wider map is scrolled.
        least = w * 0.83,
        greatest = w * 1.15,
    );
    let most = c.transitions.iter().filter(|t| t.mark != TransitionMark::Boundary).map(|t| t.transitions).max();
    let mut labels = Vec::new();
    for arc in &scene.arcs {
        let t = &c.transitions[arc.transition];
        if !drawn(t.mark, t.transitions, side) {
            continue;
        }
        let width = match (side, most) {
            (Side::Real, Some(most)) if most > 0 => 1.2 + 8.0 * (t.transitions as f64 / most as f64).sqrt(),
            _ => 1.6,
        };
        let class =
            if side == Side::Designed && t.mark == TransitionMark::Unused { "planned" } else { t.mark.as_str() };
        let words = arc_words(c, arc.transition, side, language);
        let title = escape(&format!(
            "{} → {}: {}",
            super::text::name(c, &t.from, language),
            super::text::name(c, &t.to, language),
            words.1
        ));
        let _ = write!(
            out,
            r#"<g class="arc {class}"><title>{title}</title><path d="{}" stroke-width="{width:.1}" marker-end="url(#{id})"/></g>"#,
            arc.path
        );
        labels.push((arc.label, words.0));
    }
    let boxes: Vec<(f64, f64)> = scene.stages.iter().map(|b| (b.x, b.y)).collect();
    for (x, y, text) in apart(labels, &boxes) {
        let _ = write!(out, r#"<text class="arc-label" x="{x:.0}" y="{y:.0}">{}</text>"#, escape(&text));
    }
    for b in &scene.stages {
        stage_box(&mut out, c, b, side, language);
    }
    out.push_str("</svg>");
    out
}

/// Lines of labels where none covers another or a stage: each moves down, then up, until it has room.
fn apart(labels: Vec<((f64, f64), String)>, boxes: &[(f64, f64)]) -> Vec<(f64, f64, String)> {
    const LINE: f64 = 13.0;
    let half = |text: &str| text.chars().count() as f64 * 3.3 + 2.0;
    let mut placed: Vec<(f64, f64, String)> = Vec::new();
    for ((x, y), text) in labels {
        for (i, line) in text.lines().enumerate() {
            // The first line stands on the arc, a second one below it.
            let wish = if i == 0 { y - 4.0 } else { y + 13.0 };
            let covered = |y: f64| {
                let own = half(line);
                placed.iter().any(|(px, py, other)| (px - x).abs() < own + half(other) && (py - y).abs() < LINE)
                    || boxes.iter().any(|(bx, by)| {
                        x + own > *bx && x - own < bx + BOX_WIDTH && y > *by && y - 10.0 < by + BOX_HEIGHT
                    })
            };
            let tries = (0..8).flat_map(|n| [f64::from(n) * LINE, f64::from(-n) * LINE]);
            let free = tries.map(|shift| wish + shift).find(|y| !covered(*y));
            placed.push((x, free.unwrap_or(wish), line.to_owned()));
        }
    }
    placed
}

/// The designed map shows what was designed; the real one what was walked, and faintly what was not.
fn drawn(mark: TransitionMark, transitions: u64, side: Side) -> bool {
    match side {
        Side::Designed => mark != TransitionMark::Unplanned,
        Side::Real => mark != TransitionMark::Forbidden || transitions > 0,
    }
}

/// (short label on the arc, sentence for the tooltip)
fn arc_words(c: &Comparison, transition: usize, side: Side, l: Language) -> (String, String) {
    let t = &c.transitions[transition];
    let word = l.mark(t.mark);
    match side {
        Side::Designed if t.mark == TransitionMark::Forbidden => (format!("✕ {word}"), word.to_owned()),
        Side::Designed => {
            let target = t.target_share.map(|s| format!("≥ {}", share(s).replace(".0 %", " %")));
            let within = t.within.map(|d| format!("≤ {}", limit(Some(d), l)));
            let parts: Vec<String> = [target, within].into_iter().flatten().collect();
            let long =
                if parts.is_empty() { l.pick("allowed", "допустим").to_owned() } else { parts.join(", ") };
            (parts.join("\n"), long)
        }
        Side::Real => {
            let sign = match t.mark {
                TransitionMark::Unplanned => "+ ",
                TransitionMark::Forbidden => "✕ ",
                TransitionMark::Unused => "∅ ",
                _ => "",
            };
            let p50 = optional_seconds(t.time_p50, l);
            let mut text =
                format!("{sign}{}", if t.transitions == 0 { "0".to_owned() } else { rate_or_count(c, transition) });
            let mut long = format!("{word}, {} × , {}, p50 {p50}", count(t.transitions), rate(&t.share));
            if let Some(stray) = on_the_way(c, &t.from, &t.to, l) {
                text.push_str(&format!("\n▲ {stray}"));
                long.push_str(&format!("; {stray}"));
            }
            (text, long)
        }
    }
}

/// The most frequent deviation of those who do go this way: too slow, too fast, too often.
fn on_the_way(c: &Comparison, from: &str, to: &str, l: Language) -> Option<String> {
    let place = format!("{from} {to}");
    let timed = |kind: &str| matches!(kind, "too_slow" | "too_fast" | "repeated");
    let own = c.deviations.iter().filter(|d| d.place == place && timed(&d.kind));
    let most = own.max_by_key(|d| (d.journeys, std::cmp::Reverse(&d.kind)))?;
    Some(format!("{} {}", l.deviation(&most.kind), rate_short(&most.share)))
}

/// Journeys that stray in a stage, of those decided there; none where nobody does.
fn straying(c: &Comparison, stage: &str) -> Option<f64> {
    let (_, _, f) = c.following.stages.iter().find(|s| s.0 == stage)?;
    (f.straying > 0).then(|| f.straying as f64 / (f.straying + f.following) as f64)
}

fn rate_or_count(c: &Comparison, transition: usize) -> String {
    let t = &c.transitions[transition];
    t.share.value().map_or_else(|| count(t.transitions), share)
}

fn stage_box(out: &mut String, c: &Comparison, b: &super::scene::StageBox, side: Side, l: Language) {
    let s = &c.stages[b.stage];
    let title = s.title.get(l.code()).unwrap_or(&s.id);
    let role = l.role(s.role);
    let class = match s.role {
        crate::map::Role::Success => "success",
        crate::map::Role::Exit => "exit",
        crate::map::Role::Entry => "entry",
        crate::map::Role::None => "",
    };
    let mut whole = title.to_owned();
    let mut lines: Vec<String> = match side {
        Side::Designed => {
            let mut lines = Vec::new();
            if let Some(d) = s.expected_max_time {
                lines.push(format!("{} {}", l.pick("no longer than", "не дольше"), limit(Some(d), l)));
            }
            for expectation in s.expectations.iter().filter_map(|e| e.get(l.code())) {
                whole.push_str(&format!("; {expectation}"));
                lines.extend(wrapped(expectation, 22));
            }
            lines
        }
        Side::Real if class == "exit" => vec![format!("{} {}", count(s.entered), l.pick("journeys", "путей"))],
        Side::Real => vec![
            format!("{} {}", count(s.entered), l.pick("journeys", "путей")),
            format!("{} {}", l.pick("go on", "идут дальше"), rate_short(&s.conversion)),
            format!("{} {}", l.pick("lost here", "потери"), rate_short(&s.drop_off_rate)),
            format!("p50 {}", optional_seconds(s.time_p50, l)),
            format!("p90 {}", optional_seconds(s.time_p90, l)),
        ],
    };
    if lines.len() > LINES {
        lines.truncate(LINES);
        lines[LINES - 1] = format!("{}…", clip(&lines[LINES - 1], 21).trim_end_matches('…'));
    }
    let (x, y) = (b.x, b.y);
    let stray = straying(c, &s.id).filter(|_| side == Side::Real);
    let class = if stray.is_some() { format!("{class} strays") } else { class.to_owned() };
    let _ = write!(
        out,
        r#"<g class="stage {class}"><title>{}</title><rect x="{x:.0}" y="{y:.0}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="10"/><text class="name" x="{:.0}" y="{:.0}">{}</text>"#,
        escape(&whole),
        x + 10.0,
        y + 20.0,
        escape(&clip(title, 19)),
    );
    if !role.is_empty() {
        let _ = write!(out, r#"<text class="role" x="{:.0}" y="{:.0}">{role}</text>"#, x + BOX_WIDTH - 8.0, y - 5.0);
    }
    for (i, line) in lines.iter().enumerate() {
        let _ = write!(
            out,
            r#"<text class="fact" x="{:.0}" y="{:.0}">{}</text>"#,
            x + 10.0,
            y + 39.0 + 15.5 * i as f64,
            escape(line)
        );
    }
    if let Some(stray) = stray {
        let _ = write!(
            out,
            r#"<text class="fact strays" x="{:.0}" y="{:.0}">▲ {} {}</text>"#,
            x + 10.0,
            y + 39.0 + 15.5 * lines.len() as f64,
            l.pick("stray here", "отклонились"),
            share(stray)
        );
    }
    out.push_str("</g>");
}

/// Lines of at most `n` characters, broken between words; only a word that is longer is cut.
fn wrapped(text: &str, n: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= n => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(clip(word, n)),
        }
    }
    lines
}

/// At most `n` characters, with an ellipsis where something was cut; the whole stands in the tooltip.
fn clip(text: &str, n: usize) -> String {
    if text.chars().count() <= n {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(n - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_of_a_stage_break_between_words_and_lose_nothing() {
        let text = "See at once what is on offer and what it costs";
        let lines = wrapped(text, 22);
        assert!(lines.iter().all(|line| line.chars().count() <= 22), "{lines:?}");
        assert_eq!(lines.join(" "), text);
        assert_eq!(wrapped("Bestellbestätigungsmailzustellung", 22), ["Bestellbestätigungsma…"]);
    }

    #[test]
    fn labels_that_would_cover_each_other_or_a_stage_move_apart() {
        let here = (100.0, 50.0);
        let placed = apart(vec![(here, "12.5 %".into()), (here, "3.1 %".into()), (here, "+ 0.4 %".into())], &[]);
        for (i, a) in placed.iter().enumerate() {
            for b in &placed[..i] {
                assert!((a.1 - b.1).abs() >= 13.0, "{a:?} covers {b:?}");
            }
        }
        let below = apart(vec![((100.0, 100.0), "12.5 %".into())], &[(40.0, 20.0)]);
        assert!(below[0].1 - 10.0 >= 20.0 + BOX_HEIGHT || below[0].1 <= 20.0, "{below:?} lies on the stage");
    }
}
