//! Which paths are shown, and what is hidden. In: an [`Explained`]. Out: one sentence, and a table of paths.

use super::{Section, heads};
use crate::compare::{Comparison, Explained};
use crate::report::number::{count, share};
use crate::report::text::name;
use crate::report::words::Language;

/// `shows 7 of 212 paths, 80.4 % of 1 532 journeys; hidden: …`
pub fn sentence(e: &Explained, l: Language) -> String {
    let (shown, all) = (e.paths.len() as u64, e.paths.len() as u64 + e.hidden_paths);
    let carried = e.carried().unwrap_or(1.0);
    let (transitions, stages) = (count(e.hidden_transitions.len() as u64), count(e.hidden_stages.len() as u64));
    let (shown, all, journeys) = (count(shown), count(all), count(e.journeys + e.hidden_journeys));
    let (carried, rest, hidden) = (share(carried), share(1.0 - carried), count(e.hidden_paths));
    match l {
        Language::English => format!(
            "shows {shown} of {all} paths of stages, {carried} of {journeys} journeys; hidden: {hidden} paths, {rest}; \
             arcs hidden: {transitions}, stages hidden: {stages}; figures are of all journeys"
        ),
        Language::Russian => format!(
            "показано вариантов (по этапам): {shown} из {all}, это {carried} из {journeys} путей; скрыто вариантов: {hidden}, \
             это {rest}; скрыто переходов: {transitions}, этапов: {stages}; показатели по всем путям"
        ),
    }
}

pub(super) fn paths(c: &Comparison, e: &Explained, l: Language, most: usize) -> Section {
    let all = e.journeys + e.hidden_journeys;
    let several = c.following.versions.len() > 1;
    let mut together = 0;
    let rows = e.paths.iter().take(most).map(|p| {
        together += p.journeys;
        let part = |n: u64| share(n as f64 / all.max(1) as f64);
        let path: Vec<String> = p.path.iter().map(|id| name(c, id, l)).collect();
        let mut words = path.join(" → ");
        if several {
            words.push_str(&format!(" [{} {}]", l.pick("version", "версия"), p.version));
        }
        vec![words, count(p.journeys), part(p.journeys), part(together)]
    });
    let rows = rows.collect();
    let mut notes = vec![sentence(e, l)];
    let rest = e.paths.len().saturating_sub(most) as u64;
    if rest > 0 {
        notes.push(format!(
            "{} {}",
            count(rest),
            l.pick("further paths are shown, and stand in no row here", "показанных вариантов не вошли в таблицу")
        ));
    }
    Section {
        title: format!(
            "{} {} {}",
            l.pick("The paths that carry", "Варианты, на которые приходится"),
            share(e.share.value()),
            l.pick("of the journeys (variants)", "путей (variants)")
        ),
        notes,
        head: heads(&[
            l.pick("path", "вариант"),
            l.pick("journeys", "путей"),
            l.pick("share", "доля"),
            l.pick("together", "вместе"),
        ]),
        rows,
        words: 1,
        folded: false,
    }
}
