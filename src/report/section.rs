//! The gap report as tables of cells in one language. In: a [`Comparison`]. Out: [`Section`]s that text, HTML and Markdown
//! lay out each in its own way, so that all three show the same figures.

use super::number::{count, limit, optional_seconds, rate, rate_note, seconds, share, signed_points};
use super::text::{mark, name, share_of};
use super::words::Language;
use crate::compare::{
    Comparison, DeviationLine, Expectation, Followed, Joined, Mean, Rate, SIGNIFICANT, Unit, Unmeasured, Why,
};
use crate::map::Text;

/// A table with what must be said about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    pub title: String,
    pub notes: Vec<String>,
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// So many columns are words.
    pub words: usize,
    /// Long, and of use to few: folded where a format can fold, else left out.
    pub folded: bool,
}

/// The gap report, at most `most` deviations.
pub fn sections(c: &Comparison, l: Language, most: usize) -> Vec<Section> {
    let mut all = vec![headline(c, l), stages(c, l)];
    if c.following.versions.len() > 1 {
        all.push(versions(c, l));
    }
    all.extend([
        deviations(c, l, most),
        accepted(c, l),
        expectations(c, l),
        unmeasured(c, l),
        emotions(c, l),
        days(c, l),
    ]);
    all.retain(|section| !section.rows.is_empty());
    all
}

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
        head: heads(&[
            l.pick("stage", "этап"),
            l.pick("entered", "вошли"),
            l.pick("progressed", "прошли"),
            l.pick("ended", "с причиной"),
            l.pick("dropped", "ушли"),
            l.pick("in flight", "в пути"),
            l.pick("conversion", "конверсия"),
            l.pick("drop-off", "потери"),
            l.pick("time p50", "время p50"),
            "p90",
            l.pick("expected", "ожидание"),
        ]),
        rows: stages.collect(),
        words: 1,
        ..Section::default()
    };
    let transitions = Section {
        title: l.pick("Transitions", "Переходы").to_owned(),
        head: heads(&[
            l.pick("from", "откуда"),
            l.pick("to", "куда"),
            l.pick("mark", "отметка"),
            l.pick("count", "число"),
            l.pick("share", "доля"),
            l.pick("target", "цель"),
            l.pick("time p50", "время p50"),
            "p90",
            l.pick("within", "не дольше"),
        ]),
        rows: transitions.collect(),
        words: 3,
        ..Section::default()
    };
    [stages, transitions]
}

fn heads(words: &[&str]) -> Vec<String> {
    words.iter().map(|&w| w.to_owned()).collect()
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

fn headline(c: &Comparison, l: Language) -> Section {
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

fn followed_heads(l: Language, first: &str) -> Vec<String> {
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

fn followed_row(first: String, f: &Followed, l: Language) -> Vec<String> {
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

fn stages(c: &Comparison, l: Language) -> Section {
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

fn versions(c: &Comparison, l: Language) -> Section {
    Section {
        title: l.pick("By version of the map", "По версиям карты").to_owned(),
        head: followed_heads(l, l.pick("version", "версия")),
        rows: c.following.versions.iter().map(|(v, f)| followed_row(v.to_string(), f, l)).collect(),
        words: 1,
        ..Section::default()
    }
}

fn days(c: &Comparison, l: Language) -> Section {
    let rows = c.following.days.iter().map(|d| {
        vec![
            d.entry_date.to_string(),
            count(d.decided),
            rate(&d.share),
            count(d.forbidden),
            count(d.not_evaluated),
            mean(d.fitness),
            if d.mature { l.pick("mature", "созрела") } else { l.pick("not yet", "ещё нет") }.to_owned(),
        ]
    });
    Section {
        title: l.pick("Follow the map, by entry date", "Следуют карте, по дате входа").to_owned(),
        head: heads(&[
            l.pick("entry date", "дата входа"),
            l.pick("decided", "решено"),
            l.pick("follow", "следуют"),
            l.pick("forbidden", "запрещено"),
            l.pick("not evaluated", "не оценены"),
            "fitness",
            l.pick("mature", "созрела"),
        ]),
        rows: rows.collect(),
        words: 1,
        folded: true,
        ..Section::default()
    }
}

/// `left out: Approval (missing)`.
pub fn deviation_words(d: &DeviationLine, l: Language) -> String {
    let titles: Vec<&str> = d.titles.iter().map(|t| t.get(l.code()).unwrap_or_default()).collect();
    let between = match d.joined {
        Joined::One => "",
        Joined::Choice => " / ",
        Joined::Change => " → ",
    };
    format!("{}: {} ({})", l.deviation(&d.kind), titles.join(between), d.kind)
}

fn deviations(c: &Comparison, l: Language, most: usize) -> Section {
    let several = c.following.versions.len() > 1;
    let row = |d: &DeviationLine| {
        let words = deviation_words(d, l);
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
                n if n == d.journeys => l.pick("yes", "да").to_owned(),
                n => format!("{} {}", count(n), l.pick("of them", "из них")),
            },
            d.examples.iter().map(|e| e.chars().take(8).collect::<String>()).collect::<Vec<_>>().join(" "),
        ]
    };
    let rest = c.deviations.iter().skip(most).count() as u64 + c.deviations_cut;
    let mut notes = vec![
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
            l.pick("share", "доля"),
            l.pick("then lost", "затем ушли"),
            l.pick("of all lost", "среди ушедших"),
            l.pick("at stake", "под угрозой"),
            l.pick("conversion", "конверсия"),
            l.pick("time to goal", "время до цели"),
            l.pick("accepted", "принято"),
            l.pick("examples", "примеры"),
        ]),
        rows: c.deviations.iter().take(most).map(row).collect(),
        words: 2,
        folded: false,
    }
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

fn accepted(c: &Comparison, l: Language) -> Section {
    let rows = c.accepted.iter().map(|a| {
        vec![
            format!("{}: {} ({})", l.deviation(&a.kind), a.place.replace(' ', " → "), a.kind),
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

fn quantity(unit: Unit, value: f64, l: Language) -> String {
    match unit {
        Unit::Share => share(value),
        Unit::Seconds => seconds(value, l),
        Unit::Emotion => format!("{value:+.2}"),
    }
}

fn expectations(c: &Comparison, l: Language) -> Section {
    let row = |e: &Expectation| {
        let of: Vec<String> = e.of.iter().map(|id| name(c, id, l)).collect();
        let by = if e.by.is_empty() || matches!(e.expected, crate::compare::Expected::Kpi(_)) {
            quantile_of(&e.by)
        } else {
            Some(e.by.as_str())
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

fn quantile_of(metric: &str) -> Option<&'static str> {
    match metric.rsplit('_').next() {
        Some("p50") => Some("p50"),
        Some("p90") => Some("p90"),
        _ => None,
    }
}

fn emotions(c: &Comparison, l: Language) -> Section {
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

fn unmeasured(c: &Comparison, l: Language) -> Section {
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
