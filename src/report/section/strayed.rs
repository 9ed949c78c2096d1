//! Where people stray from the map, what goes with it, and what is accepted. In: a [`Comparison`]. Out: the tables of
//! deviations and of accepted ones.

use super::{Section, basis, heads};
use crate::compare::cell::Told;
use crate::compare::{Comparison, DeviationLine, Joined, SIGNIFICANT};
use crate::map::Text;
use crate::report::number::{count, rate, seconds, signed_points};
use crate::report::text::name;
use crate::report::words::Language;

pub(super) fn deviations(c: &Comparison, l: Language, most: usize) -> Section {
    let several = c.following.versions.len() > 1;
    let row = |d: &DeviationLine| {
        let words = words(&d.kind, &d.titles, d.joined, l);
        vec![
            if several { format!("{words} [{} {}]", l.pick("version", "версия"), d.version) } else { words },
            name(c, &d.stage, l),
            count(d.journeys),
            count(d.customers),
            rate(&d.share),
            rate(&d.drop_offs),
            rate(&d.of_drop_offs),
            money(&d.at_stake),
            conversion(d, l),
            time_to_goal(d, l),
            match d.accepted {
                0 => "–".to_owned(),
                n if Told::of(n).count() == Some(d.journeys) => l.pick("yes", "да").to_owned(),
                n => format!("{} {}", count(n), l.pick("of them", "из них")),
            },
            d.examples.iter().map(|e| e.chars().take(8).collect::<String>()).collect::<Vec<_>>().join(" "),
        ]
    };
    let rest = c.deviations.iter().skip(most).count() as u64 + c.deviations_cut;
    let mut notes = vec![
        basis(l),
        l.pick(
            "conversion and time to goal: those with it less those without it, all undecided at the same moment; an association, no effect. *: significant after Benjamini-Hochberg over the table",
            "конверсия и время до цели: с отклонением минус без него, все не решены в тот же момент; связь, не причина. *: значимо с поправкой Бенджамини-Хохберга по таблице",
        )
        .to_owned(),
    ];
    if rest > 0 {
        let words = l.pick("further deviations are not shown (other)", "других отклонений не показаны (прочее)");
        notes.push(format!("{} {words}", count(rest)));
    }
    Section {
        title: l.pick("Where they stray (deviations)", "Где отклоняются (deviations)").to_owned(),
        notes,
        head: heads(&[
            l.pick("deviation", "отклонение"),
            l.pick("stage", "этап"),
            l.pick("journeys", "путей"),
            l.pick("customers", "клиентов"),
            l.pick("share (mature)", "доля (созр.)"),
            l.pick("then lost (mature)", "затем ушли (созр.)"),
            l.pick("of all lost (mature)", "среди ушедших (созр.)"),
            l.pick("at stake", "под угрозой"),
            l.pick("conversion (mature)", "конверсия (созр.)"),
            l.pick("time to goal (mature)", "время до цели (созр.)"),
            l.pick("accepted", "принято"),
            l.pick("examples", "примеры"),
        ]),
        rows: c.deviations.iter().take(most).map(row).collect(),
        words: 2,
        folded: false,
    }
}

pub(super) fn accepted(c: &Comparison, l: Language) -> Section {
    let rows = c.accepted.iter().map(|a| {
        vec![
            words(&a.kind, &a.titles, a.joined, l),
            a.reason.get(l.code()).unwrap_or_default().to_owned(),
            l.accepted(a.state).to_owned(),
            a.until.map_or_else(|| "–".to_owned(), |until| until.to_string()),
            count(a.accepted),
            count(a.not_accepted),
        ]
    });
    Section {
        title: l.pick("Accepted deviations", "Принятые отклонения").to_owned(),
        head: heads(&[
            l.pick("deviation", "отклонение"),
            l.pick("why", "почему"),
            l.pick("state", "состояние"),
            l.pick("until", "до"),
            l.pick("journeys", "путей"),
            l.pick("not covered", "не покрыто"),
        ]),
        rows: rows.collect(),
        words: 3,
        ..Section::default()
    }
}

/// `left out: Approval (missing)`.
pub fn words(kind: &str, titles: &[Text], joined: Joined, l: Language) -> String {
    let titles: Vec<&str> = titles.iter().map(|t| t.get(l.code()).unwrap_or_default()).collect();
    let between = match joined {
        Joined::One => "",
        Joined::Choice => " / ",
        Joined::Change => " → ",
    };
    format!("{}: {} ({kind})", l.deviation(kind), titles.join(between))
}

fn money(values: &[(String, f64)]) -> String {
    let some: Vec<String> = values
        .iter()
        .filter(|v| v.1 != 0.0)
        .map(|(currency, amount)| format!("{} {currency}", count(amount.max(0.0).round() as u64)))
        .collect();
    if some.is_empty() { "–".to_owned() } else { some.join(", ") }
}

fn star(p: Option<f64>) -> &'static str {
    if p.is_some_and(|p| p <= SIGNIFICANT) { " *" } else { "" }
}

fn no_association(d: &DeviationLine, l: Language) -> String {
    let words = if d.after_decision {
        l.pick("comes after the decision", "случается после решения")
    } else {
        l.pick("not enough data", "мало данных")
    };
    words.to_owned()
}

fn conversion(d: &DeviationLine, l: Language) -> String {
    let Some(a) = &d.association else { return no_association(d, l) };
    let (value, low, high) = a.conversion;
    format!(
        "{} ({} … {}){}",
        signed_points(value),
        signed_points(low),
        signed_points(high),
        star(a.conversion_adjusted_p)
    )
}

fn time_to_goal(d: &DeviationLine, l: Language) -> String {
    let a = d.association.as_ref();
    let Some(t) = a.and_then(|a| a.time_to_goal) else { return no_association(d, l) };
    let signed = |v: f64| format!("{}{}", if v < 0.0 { "−" } else { "+" }, seconds(v.abs(), l));
    let p = a.and_then(|a| a.time_adjusted_p);
    format!("{} ({} … {}){}", signed(t.value), signed(t.low), signed(t.high), star(p))
}
