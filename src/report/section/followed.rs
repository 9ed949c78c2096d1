//! How many follow the map and how closely: over all, by stage, by version of the map and by entry date. In: a
//! [`Comparison`]. Out: tables in which share, fitness, precision, `design_use` and coverage stand together.

use super::{Section, heads};
use crate::compare::{Comparison, Followed, Mean, Rate};
use crate::map::{Role, Text};
use crate::report::number::{count, rate, rate_note, share};
use crate::report::words::Language;

pub(super) fn headline(c: &Comparison, l: Language) -> Section {
    let (f, certain) = (&c.following, &c.following.certain);
    let row = |words: &str, of: &dyn Fn(&Followed) -> String| vec![words.to_owned(), of(&f.overall), of(certain)];
    let rows = vec![
        row(l.pick("follow the map", "следуют карте"), &|f| with_note(&f.share, l)),
        row(l.pick("decided journeys", "решённых путей"), &|f| count(f.decided)),
        row(l.pick("… follow", "… следуют"), &|f| count(f.following)),
        row(l.pick("… stray", "… отклоняются"), &|f| count(f.straying)),
        row(l.pick("… not evaluated", "… не оценены"), &|f| count(f.not_evaluated)),
        row(l.pick("went a forbidden way", "прошли запрещённым путём"), &|f| count(f.forbidden)),
        row(l.pick("how closely they follow (fitness)", "насколько близко (fitness)"), &|f| {
            mean(f.fitness)
        }),
        row(l.pick("… those who completed", "… дошедшие до цели"), &|f| mean(f.completed)),
        row(l.pick("… those who ended with a reason", "… завершившие с причиной"), &|f| {
            mean(f.ended)
        }),
        row(l.pick("… those who dropped", "… ушедшие молча"), &|f| mean(f.dropped)),
        row(
            l.pick(
                "does the map describe only what happens (precision)",
                "описывает ли карта только то, что бывает (precision)",
            ),
            &|f| three(f.precision),
        ),
        row(l.pick("… as other tools count it (ETC)", "… как считают другие (ETC)"), &|f| {
            three(f.precision_by_prefix)
        }),
        row(
            l.pick("part of the design in use (design_use)", "используемая часть замысла (design_use)"),
            &|f| design(f, l),
        ),
        row(
            l.pick("journeys without an unmapped event (coverage)", "пути без событий вне карты (coverage)"),
            &|f| rate(&f.clean),
        ),
    ];
    let mut notes = Vec::new();
    let mut note = |n: u64, en: &'static str, ru: &'static str| {
        if n > 0 {
            notes.push(format!("{} {}", count(n), l.pick(en, ru)));
        }
    };
    note(f.immature, "journeys of immature entry dates are left out", "путей с несозревшей датой входа не учтены");
    note(f.order_ambiguous, "journeys rest on a tie of order", "путей зависят от ничьей в порядке событий");
    note(
        f.ambiguous_type,
        "journeys have another best alignment with other deviations",
        "путей допускают другое столь же хорошее толкование отклонений",
    );
    note(
        f.paths.cut_journeys,
        "journeys on rare paths are in neither precision nor design_use",
        "путей редких вариантов не входят в precision и design_use",
    );
    if f.overall.not_evaluated > 0 && !c.stages.iter().any(|s| matches!(s.role, Role::Success | Role::Exit)) {
        let words = l.pick(
            "no stage of the map is success or exit: no way through it ends, so whether a journey follows cannot be told",
            "на карте нет этапа успеха или выхода: ни один путь по ней не кончается, поэтому следование оценить нельзя",
        );
        notes.push(words.to_owned());
    }
    if f.in_flight.n > 0 {
        let words = l.pick("on their way, fitness so far", "ещё в пути, fitness пока");
        notes.push(format!("{} {words} {}", count(f.in_flight.n), mean(f.in_flight)));
    }
    Section {
        title: l.pick("Do people follow the map? (conformance)", "Следуют ли люди карте? (conformance)").to_owned(),
        notes,
        head: heads(&[
            l.pick("decided journeys, mature entry dates", "решённые пути, созревшие даты входа"),
            l.pick("all", "все"),
            l.pick("order certain", "порядок ясен"),
        ]),
        rows,
        words: 1,
        folded: false,
    }
}

pub(super) fn stages(c: &Comparison, l: Language) -> Section {
    let row = |(id, title, f): &(String, Text, Followed)| {
        (f.decided > 0).then(|| followed_row(title.get(l.code()).unwrap_or(id).to_owned(), f, l))
    };
    Section {
        title: l.pick("Where they follow it", "Где следуют").to_owned(),
        notes: vec![
            l.pick(
                "journeys that entered the stage or have a deviation there; follow: none there that is not accepted",
                "пути, вошедшие на этап или отклонившиеся там; следуют: без непринятых отклонений на этом этапе",
            )
            .to_owned(),
        ],
        head: followed_heads(l, l.pick("stage", "этап")),
        rows: c.following.stages.iter().filter_map(row).collect(),
        words: 1,
        folded: false,
    }
}

pub(super) fn versions(c: &Comparison, l: Language) -> Section {
    Section {
        title: l.pick("By version of the map", "По версиям карты").to_owned(),
        head: followed_heads(l, l.pick("version", "версия")),
        rows: c.following.versions.iter().map(|(v, f)| followed_row(v.to_string(), f, l)).collect(),
        words: 1,
        ..Section::default()
    }
}

pub(super) fn days(c: &Comparison, l: Language) -> Section {
    let rows = c.following.days.iter().map(|d| {
        let mut row = followed_row(d.entry_date.to_string(), &d.followed, l);
        row.push(count(d.followed.order_ambiguous));
        row.push(if d.mature { "–".to_owned() } else { count(d.followed.immature) });
        row
    });
    let mut head = followed_heads(l, l.pick("entry date", "дата входа"));
    head.extend(heads(&[l.pick("on a tie", "по ничьей"), l.pick("not mature yet", "не созрели")]));
    Section {
        title: l.pick("Follow the map, by entry date", "Следуют карте, по дате входа").to_owned(),
        notes: vec![
            l.pick(
                "precision and design_use are of that day's own decided journeys: a few of them walk little of what the map allows, so both are low on days with few journeys, whatever the map is like. A date that is not mature yet has bounds and neither of them",
                "precision и design_use считаются по решённым путям самого дня: немногие пути проходят лишь малую часть разрешённого картой, поэтому в дни с малым числом путей оба показателя низкие, какой бы ни была карта. У несозревшей даты — границы и ни того, ни другого",
            )
            .to_owned(),
        ],
        head,
        rows: rows.collect(),
        words: 1,
        folded: true,
    }
}

pub(super) fn followed_heads(l: Language, first: &str) -> Vec<String> {
    heads(&[
        first,
        l.pick("journeys", "путей"),
        l.pick("follow", "следуют"),
        l.pick("forbidden", "запрещено"),
        l.pick("not evaluated", "не оценены"),
        "fitness",
        "precision",
        "design_use",
        l.pick("coverage", "покрытие"),
    ])
}

pub(super) fn followed_row(first: String, f: &Followed, l: Language) -> Vec<String> {
    let cells = [
        count(f.decided),
        rate(&f.share),
        count(f.forbidden),
        count(f.not_evaluated),
        mean(f.fitness),
        three(f.precision),
        design(f, l),
        rate(&f.clean),
    ];
    std::iter::once(first).chain(cells).collect()
}

fn with_note(r: &Rate, l: Language) -> String {
    match rate_note(r, l) {
        note if note.is_empty() => rate(r),
        note => format!("{} ({note})", rate(r)),
    }
}

/// Fitness and the like: three digits, as the field writes them.
fn three(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"))
}

fn mean(m: Mean) -> String {
    three(m.value)
}

fn design(f: &Followed, l: Language) -> String {
    let used = &f.design_use;
    match used.share() {
        None => "–".to_owned(),
        Some(part) => format!("{} ({} {} {})", share(part), used.used, l.pick("of", "из"), used.designed),
    }
}
