//! Stages and transitions as the map has them, designed beside measured. In: a [`Comparison`]. Out: two tables.

use super::{Section, basis, heads};
use crate::compare::Comparison;
use crate::report::number::{count, limit, optional_seconds, rate, share};
use crate::report::text::{mark, name, share_of};
use crate::report::words::Language;

/// Stages and transitions, designed and measured.
pub fn plain(c: &Comparison, l: Language) -> [Section; 2] {
    let stages = c.stages.iter().map(|s| {
        let title = s.title.get(l.code()).unwrap_or(&s.id);
        let role = l.role(s.role);
        vec![
            if role.is_empty() { title.to_owned() } else { format!("{title} [{role}]") },
            count(s.entered),
            count(s.progressed),
            count(s.ended),
            count(s.dropped),
            count(s.in_flight),
            rate(&s.conversion),
            rate(&s.drop_off_rate),
            optional_seconds(s.time_p50, l),
            optional_seconds(s.time_p90, l),
            limit(s.expected_max_time, l),
        ]
    });
    let transitions = c.transitions.iter().map(|t| {
        vec![
            name(c, &t.from, l),
            name(c, &t.to, l),
            mark(t.mark, l),
            count(t.transitions),
            rate(share_of(t)),
            t.target_share.map_or_else(|| "–".to_owned(), share),
            optional_seconds(t.time_p50, l),
            optional_seconds(t.time_p90, l),
            limit(t.within, l),
        ]
    });
    let stages = Section {
        title: l.pick("Stages", "Этапы").to_owned(),
        notes: vec![basis(l)],
        head: heads(&stage_heads(l)),
        rows: stages.collect(),
        words: 1,
        ..Section::default()
    };
    let transitions = Section {
        title: l.pick("Transitions", "Переходы").to_owned(),
        notes: vec![basis(l)],
        head: heads(&transition_heads(l)),
        rows: transitions.collect(),
        words: 3,
        ..Section::default()
    };
    [stages, transitions]
}

/// Columns of the stages, on the screen as on the page.
pub fn stage_heads(l: Language) -> [&'static str; 11] {
    [
        l.pick("stage", "этап"),
        l.pick("entered", "вошли"),
        l.pick("progressed", "прошли дальше"),
        l.pick("ended", "с причиной"),
        l.pick("dropped", "ушли"),
        l.pick("in flight", "в пути"),
        l.pick("conversion (mature)", "конверсия (созр.)"),
        l.pick("drop-off rate (mature)", "доля потерь (созр.)"),
        l.pick("time p50", "время p50"),
        "p90",
        l.pick("expected", "ожидание"),
    ]
}

/// Columns of the transitions, on the screen as on the page.
pub fn transition_heads(l: Language) -> [&'static str; 9] {
    [
        l.pick("from", "откуда"),
        l.pick("to", "куда"),
        l.pick("mark", "отметка"),
        l.pick("count", "число"),
        l.pick("share (mature)", "доля (созр.)"),
        l.pick("target", "цель"),
        l.pick("time p50", "время p50"),
        "p90",
        l.pick("within", "не дольше"),
    ]
}
