//! Who walks the map (personas). In: a [`Comparison`]. Out: a table of personas with their outcomes, one of how they follow
//! the map, and one of stages.

use super::followed::{followed_heads, followed_row};
use super::{Section, heads};
use crate::compare::{Comparison, Felt, PersonaLine, PersonaStageLine};
use crate::report::number::{count, rate};
use crate::report::text::name;
use crate::report::words::Language;

/// None, if the map knows no persona.
pub(super) fn personas(c: &Comparison, l: Language) -> [Section; 3] {
    [who(c, l), follow(c, l), stages(c, l)]
}

fn who(c: &Comparison, l: Language) -> Section {
    let row = |p: &PersonaLine| {
        vec![
            title(c, p.persona.as_deref(), l),
            count(p.customers),
            count(p.entered),
            count(p.completed),
            count(p.ended),
            count(p.dropped),
            count(p.in_flight),
            rate(&p.overall),
        ]
    };
    Section {
        title: l.pick("Who walks it (personas)", "Кто проходит путь (персоны)").to_owned(),
        notes: vec![
            l.pick(
                "a persona is a rule over what is known of the customer when the journey begins; the first that holds",
                "персона — правило о том, что известно о клиенте в начале пути; первое подходящее",
            )
            .to_owned(),
        ],
        head: heads(&[
            l.pick("persona", "персона"),
            l.pick("customers", "клиентов"),
            l.pick("journeys", "путей"),
            l.pick("completed", "дошли"),
            l.pick("ended", "с причиной"),
            l.pick("dropped", "ушли"),
            l.pick("in flight", "в пути"),
            l.pick("reach the goal", "доходят до цели"),
        ]),
        rows: c.personas.iter().map(row).collect(),
        words: 1,
        ..Section::default()
    }
}

fn follow(c: &Comparison, l: Language) -> Section {
    let own = c.personas.iter().filter(|p| p.followed.decided > 0);
    Section {
        title: l.pick("Personas: do they follow the map?", "Персоны: следуют ли карте?").to_owned(),
        head: followed_heads(l, l.pick("persona", "персона")),
        rows: own.map(|p| followed_row(title(c, p.persona.as_deref(), l), &p.followed, l)).collect(),
        words: 1,
        ..Section::default()
    }
}

fn stages(c: &Comparison, l: Language) -> Section {
    let row = |s: &PersonaStageLine| {
        vec![
            title(c, s.persona.as_deref(), l),
            name(c, &s.stage, l),
            count(s.customers),
            count(s.entered),
            count(s.dropped),
            count(s.ended),
            rate(&s.conversion),
            rate(&s.drop_off_rate),
            emotion(&s.emotion, l),
        ]
    };
    Section {
        title: l.pick("Personas, stage by stage", "Персоны по этапам").to_owned(),
        head: heads(&[
            l.pick("persona", "персона"),
            l.pick("stage", "этап"),
            l.pick("customers", "клиентов"),
            l.pick("entered", "вошли"),
            l.pick("dropped", "ушли"),
            l.pick("ended", "с причиной"),
            l.pick("conversion", "конверсия"),
            l.pick("drop-off rate", "доля потерь"),
            l.pick("emotion (95 %)", "эмоция (95 %)"),
        ]),
        rows: c.persona_stages.iter().map(row).collect(),
        words: 2,
        ..Section::default()
    }
}

fn emotion(felt: &Felt, l: Language) -> String {
    match (felt.n, felt.mean, felt.interval) {
        (0, ..) => "–".to_owned(),
        (_, Some(mean), Some((low, high))) => format!("{mean:+.2} ({low:+.2} … {high:+.2})"),
        _ => l.pick("not enough data", "мало данных").to_owned(),
    }
}

/// In words, whoever is of none included.
pub(super) fn title(c: &Comparison, persona: Option<&str>, l: Language) -> String {
    let Some(id) = persona else {
        return l.pick("(not told by an older program)", "(старая программа не сообщила)").to_owned();
    };
    if id == crate::map::OTHER {
        return l.pick("(other)", "(прочие)").to_owned();
    }
    let own = c.personas.iter().find(|p| p.persona.as_deref() == Some(id));
    own.and_then(|p| p.title.get(l.code())).unwrap_or(id).to_owned()
}
