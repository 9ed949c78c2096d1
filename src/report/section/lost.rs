//! Where people went after a drop-off, and which drop-offs look like broken identity. In: a [`Comparison`]. Out: two tables.

use super::{Section, heads};
use crate::aggregate::broken::Untold;
use crate::compare::{BrokenStage, Comparison, LostThing, LostWay};
use crate::report::number::{count, rate, seconds, share};
use crate::report::text::name;
use crate::report::words::Language;

pub(super) fn lost(c: &Comparison, l: Language) -> Section {
    let rows = c.lost.iter().flat_map(|stage| {
        let title = stage.title.get(l.code()).unwrap_or(&stage.stage).to_owned();
        stage.ways.iter().map(move |way| {
            vec![
                title.clone(),
                l.went(way.went).to_owned(),
                count(way.journeys),
                rate(&way.share),
                count(stage.journeys),
                things(way, l),
                way.examples.iter().map(|e| e.chars().take(8).collect::<String>()).collect::<Vec<_>>().join(" "),
            ]
        })
    });
    let mut notes = vec![
        l.pick(
            "dropped or ended with a reason, mature entry dates; each counts for the first line that holds, in this order. What followed is looked for as long as the silence that makes a drop-off; who came back, ever since",
            "ушли молча или завершили с причиной, созревшие даты входа; каждый путь считается в первой подходящей строке. Продолжение ищется столько же, сколько длится молчание до потери; возвращение — за всё время",
        )
        .to_owned(),
    ];
    if !c.knows_support {
        notes.push(
            l.pick(
                "the map has no `support` rule: contacts with support are not told apart",
                "на карте нет правила `support`: обращения в поддержку не выделены",
            )
            .to_owned(),
        );
    }
    notes.extend(untold(c, l).map(str::to_owned));
    Section {
        title: l.pick("Where people went after a drop-off", "Куда ушли те, кого потеряли").to_owned(),
        notes,
        head: heads(&[
            l.pick("stage", "этап"),
            l.pick("went", "что было дальше"),
            l.pick("journeys", "путей"),
            l.pick("share", "доля"),
            l.pick("of drop-offs", "из потерянных"),
            l.pick("most often", "чаще всего"),
            l.pick("examples", "примеры"),
        ]),
        rows: rows.collect(),
        words: 2,
        ..Section::default()
    }
}

/// `Order cancelled 30, other 2`.
fn things(way: &LostWay, l: Language) -> String {
    let thing = |t: &LostThing| {
        let words = t.title.get(l.code()).unwrap_or(&t.name);
        let page = if t.path.is_empty() { String::new() } else { format!(" {}", t.path) };
        format!("{words}{page} {}", count(t.journeys))
    };
    let mut all: Vec<String> = way.things.iter().filter(|t| !t.name.is_empty()).map(thing).collect();
    let shown: u64 = way.things.iter().map(|t| t.journeys).sum();
    if shown < way.journeys {
        all.push(format!("{} {}", l.pick("other", "прочее"), count(way.journeys - shown)));
    }
    if all.is_empty() { "–".to_owned() } else { all.join(", ") }
}

pub(super) fn broken(c: &Comparison, l: Language) -> Section {
    let row = |b: &BrokenStage| {
        let next = c.broken.steps.iter().filter(|s| s.from == b.stage);
        let next = next.map(|s| {
            let within = seconds(s.within.as_secs_f64(), l);
            format!("{} ({} {within})", name(c, &s.to, l), l.pick("within", "за"))
        });
        let whole = |v: f64| count(v.round() as u64);
        vec![
            b.title.get(l.code()).unwrap_or(&b.stage).to_owned(),
            next.collect::<Vec<_>>().join(", "),
            count(b.drop_offs),
            count(b.anonymous),
            count(b.begun),
            count(b.matches),
            format!("{:.1}", b.by_chance),
            format!("{} ({} … {})", whole(b.estimate.0), whole(b.estimate.1.floor()), whole(b.estimate.2.ceil())),
            rate(&b.drop_off_rate),
            b.without.map_or_else(
                || "–".to_owned(),
                |(value, low, high)| format!("{} ({} … {})", share(value), share(low), share(high)),
            ),
        ]
    };
    Section {
        title: l
            .pick("Drop-offs that look like broken identity", "Потери, похожие на разрыв идентификации")
            .to_owned(),
        notes: vec![
            l.pick(
                "an anonymous trail ends, and soon after another begins at the next stage. What begins a week earlier or later at the same hour follows by chance and is taken off. It assumes that those who lose their identity take as long as others, and that nothing else begins in the middle just then: an estimate, no proof",
                "анонимный след обрывается, и вскоре другой начинается на следующем этапе. Совпадения неделей раньше или позже в тот же час — случайность и вычтены. Предполагается, что потерявшие идентификацию тратят столько же времени, что и другие, и ничто иное не начинается с середины именно тогда: оценка, не доказательство",
            )
            .to_owned(),
        ],
        head: heads(&[
            l.pick("stage", "этап"),
            l.pick("next stage", "следующий этап"),
            l.pick("drop-offs", "потерь"),
            l.pick("anonymous", "анонимных"),
            l.pick("begin there", "начинаются там"),
            l.pick("ends before them", "обрывов перед ними"),
            l.pick("by chance", "случайно"),
            l.pick("look broken (95 %)", "похожи на разрыв (95 %)"),
            l.pick("drop-off rate", "доля потерь"),
            l.pick("without them", "без них"),
        ]),
        rows: c.broken.stages.iter().map(row).collect(),
        words: 2,
        ..Section::default()
    }
}

/// Why there is no table.
fn untold(c: &Comparison, l: Language) -> Option<&'static str> {
    Some(match c.broken.untold? {
        Untold::NobodyIsAnonymous => l.pick(
            "drop-offs that look like broken identity cannot be told: no kind of identifier is a device, so nobody is anonymous",
            "потери, похожие на разрыв идентификации, не оценить: ни один вид идентификатора не устройство, анонимных нет",
        ),
        Untold::NoMiddle => l.pick(
            "drop-offs that look like broken identity cannot be told: the design leads to no stage that opens no journey",
            "потери, похожие на разрыв идентификации, не оценить: замысел не ведёт ни на один этап, с которого путь не начинается",
        ),
        Untold::TooShort => l.pick(
            "drop-offs that look like broken identity cannot be told yet: mature entry dates span too little time",
            "потери, похожие на разрыв идентификации, пока не оценить: созревшие даты входа охватывают слишком мало времени",
        ),
    })
}
