//! What the journey file promises against what was measured, and the measured emotions. In: a [`Comparison`]. Out: the gap
//! table and the table of emotions.

use super::{Section, heads, personas};
use crate::compare::{Comparison, Expectation, Expected, Unit};
use crate::report::number::{count, seconds, share};
use crate::report::text::name;
use crate::report::words::Language;

pub(super) fn expectations(c: &Comparison, l: Language) -> Section {
    let row = |e: &Expectation| {
        let of: Vec<String> = e.of.iter().map(|id| name(c, id, l)).collect();
        let persona = matches!(e.expected, Expected::EmotionOfPersona).then(|| personas::title(c, Some(&e.by), l));
        let by = if e.by.is_empty() || matches!(e.expected, crate::compare::Expected::Kpi(_)) {
            quantile_of(&e.by)
        } else {
            persona.as_deref().or(Some(e.by.as_str()))
        };
        let words = l.expected(e.expected);
        let between = if matches!(e.expected, crate::compare::Expected::Kpi(_)) { ": " } else { " → " };
        let sign = if e.at_least { "≥" } else { "≤" };
        vec![
            of.join(between),
            by.map_or_else(|| words.to_owned(), |by| format!("{words}, {by}")),
            format!("{sign} {}", quantity(e.unit, e.target, l)),
            e.measured.map_or_else(|| "–".to_owned(), |v| quantity(e.unit, v, l)),
            e.interval.map_or_else(
                || "–".to_owned(),
                |(low, high)| format!("{} … {}", quantity(e.unit, low, l), quantity(e.unit, high, l)),
            ),
            count(e.n),
            l.verdict(e.verdict).to_owned(),
        ]
    };
    Section {
        title: l
            .pick("Is what was promised kept? (gap table)", "Выполнено ли обещанное? (таблица разрывов)")
            .to_owned(),
        notes: vec![
            l.pick(
                "a time limit is held to nine of ten journeys: p90, or p10 where nothing may come sooner",
                "предел времени проверяется по девяти из десяти путей: p90, или p10, если нельзя раньше",
            )
            .to_owned(),
        ],
        head: heads(&[
            l.pick("of", "что"),
            l.pick("expectation", "ожидание"),
            l.pick("promised", "обещано"),
            l.pick("measured", "измерено"),
            l.pick("95 % interval", "интервал 95 %"),
            "n",
            l.pick("verdict", "вердикт"),
        ]),
        rows: c.expectations.iter().map(row).collect(),
        words: 2,
        folded: false,
    }
}

pub(super) fn emotions(c: &Comparison, l: Language) -> Section {
    let rows = c.emotions.iter().map(|e| {
        vec![
            name(c, &e.stage, l),
            e.touchpoint.clone().unwrap_or_else(|| l.pick("(the stage)", "(этап)").to_owned()),
            count(e.n),
            e.mean.map_or_else(|| l.pick("not enough data", "мало данных").to_owned(), |m| format!("{m:+.2}")),
            e.interval.map_or_else(|| "–".to_owned(), |(low, high)| format!("{low:+.2} … {high:+.2}")),
        ]
    });
    Section {
        title: l.pick("Measured emotion, −2 … +2", "Измеренные эмоции, −2 … +2").to_owned(),
        head: heads(&[
            l.pick("stage", "этап"),
            l.pick("touchpoint", "точка контакта"),
            "n",
            l.pick("mean", "среднее"),
            l.pick("95 % interval", "интервал 95 %"),
        ]),
        rows: rows.collect(),
        words: 2,
        ..Section::default()
    }
}

fn quantity(unit: Unit, value: f64, l: Language) -> String {
    match unit {
        Unit::Share => share(value),
        Unit::Seconds => seconds(value, l),
        Unit::Emotion => format!("{value:+.2}"),
    }
}

fn quantile_of(metric: &str) -> Option<&'static str> {
    match metric.rsplit('_').next() {
        Some("p50") => Some("p50"),
        Some("p90") => Some("p90"),
        _ => None,
    }
}
