//! What may not be measured at all, told from what people do. In: a [`Comparison`]. Out: a table of touchpoints with the
//! unmapped events that look like them.

use super::{Section, heads};
use crate::compare::{Comparison, Unmeasured, Why};
use crate::report::number::count;
use crate::report::text::name;
use crate::report::words::Language;

pub(super) fn unmeasured(c: &Comparison, l: Language) -> Section {
    let row = |u: &Unmeasured| {
        let why = match &u.why {
            Why::NeverSeen => l.pick("never seen", "ни разу не встречалась").to_owned(),
            Why::OnlySince(day) => format!("{} {day}", l.pick("only since", "только с")),
            Why::OnlyUntil(day) => format!("{} {day}", l.pick("only until", "только до")),
            Why::OnlyThrough(channel) => format!("{} {channel}", l.pick("only through", "только через")),
        };
        let alike: Vec<String> =
            u.alike.iter().map(|e| format!("{} {} ({})", e.name, e.path, count(e.events))).collect();
        vec![
            u.title.get(l.code()).unwrap_or(&u.touchpoint).to_owned(),
            name(c, &u.stage, l),
            why,
            if alike.is_empty() { "–".to_owned() } else { alike.join(", ") },
            count(u.visits),
        ]
    };
    Section {
        title: l
            .pick(
                "We may not be measuring this (instrumentation gap)",
                "Возможно, это не измеряется (пробелы в сборе данных)",
            )
            .to_owned(),
        notes: vec![
            l.pick(
                "deviations there may be missing events, not behaviour",
                "отклонения здесь могут быть потерянными событиями, а не поведением",
            )
            .to_owned(),
        ],
        head: heads(&[
            l.pick("touchpoint", "точка контакта"),
            l.pick("stage", "этап"),
            l.pick("why", "почему"),
            l.pick("unmapped events like it", "похожие события вне карты"),
            l.pick("visits", "посещений"),
        ]),
        rows: c.unmeasured.iter().map(row).collect(),
        words: 4,
        folded: false,
    }
}
