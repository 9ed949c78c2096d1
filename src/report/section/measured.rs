//! What became of the events of each source, and what no rule matches. In: a [`Comparison`]. Out: two tables.

use super::{Section, heads};
use crate::compare::Comparison;
use crate::report::number::count;
use crate::report::words::Language;

/// Events on no map in a table; programs get more.
const UNMAPPED: usize = 20;

/// Those that have a row.
pub fn measured(c: &Comparison, l: Language) -> Vec<Section> {
    let mut all = vec![coverage(c, l), unmapped(c, l)];
    all.retain(|section| !section.rows.is_empty());
    all
}

fn coverage(c: &Comparison, l: Language) -> Section {
    let row = |s: &crate::compare::Coverage| {
        let counts = [
            s.records,
            s.skipped,
            s.rejected,
            s.distinct,
            s.mapped,
            s.outside,
            s.excluded,
            s.unmapped,
            s.no_identifier,
        ];
        std::iter::once(s.source.clone()).chain(counts.map(count)).collect()
    };
    Section {
        title: l.pick("What was measured", "Что измерено").to_owned(),
        head: heads(&[
            l.pick("source", "источник"),
            l.pick("records", "записей"),
            l.pick("skipped", "пропущено"),
            l.pick("rejected", "отклонено"),
            l.pick("events", "событий"),
            l.pick("mapped", "на карте"),
            l.pick("outside a journey", "вне пути"),
            l.pick("excluded", "исключено"),
            l.pick("unmapped", "не на карте"),
            l.pick("no identifier", "без идентификатора"),
        ]),
        rows: c.coverage.iter().map(row).collect(),
        words: 1,
        ..Section::default()
    }
}

fn unmapped(c: &Comparison, l: Language) -> Section {
    let rows = c.unmapped.iter().take(UNMAPPED);
    Section {
        title: l.pick("Most frequent events on no map", "Частые события вне карты").to_owned(),
        head: heads(&[
            l.pick("source", "источник"),
            l.pick("event", "событие"),
            l.pick("path", "путь"),
            l.pick("events", "событий"),
        ]),
        rows: rows.map(|u| vec![u.source.clone(), u.name.clone(), u.path.clone(), count(u.events)]).collect(),
        words: 3,
        ..Section::default()
    }
}
