//! The gap report as tables of cells in one language. In: a [`Comparison`]. Out: [`Section`]s that text, HTML and Markdown
//! lay out each in its own way, so that all three show the same figures.

pub mod explained;
mod followed;
mod measured;
mod lost;
mod personas;
mod plain;
mod promised;
mod strayed;
mod unmeasured;

use super::number::count;
use super::words::Language;
use crate::compare::{Comparison, Population};

pub use measured::measured;
pub use plain::{plain, stage_heads, transition_heads};
pub use strayed::words as deviation_words;

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
    let mut all: Vec<Section> = c.explained.iter().map(|e| explained::paths(c, e, l, most)).collect();
    all.extend([followed::headline(c, l), followed::stages(c, l)]);
    if c.following.versions.len() > 1 {
        all.push(followed::versions(c, l));
    }
    all.extend([
        strayed::deviations(c, l, most),
        strayed::accepted(c, l),
        promised::expectations(c, l),
        lost::lost(c, l),
        lost::broken(c, l),
        unmeasured::unmeasured(c, l),
        promised::emotions(c, l),
    ]);
    all.extend(personas::personas(c, l));
    all.push(followed::days(c, l));
    all.retain(|section| !section.rows.is_empty());
    all
}

/// How many journeys of how many customers. In Russian a number decides the ending of the word after it, so it stands last.
pub fn people(p: &Population, l: Language) -> String {
    let (journeys, customers) = (count(p.entered), count(p.customers));
    match l {
        Language::English => format!("{journeys} journeys of {customers} customers"),
        Language::Russian => format!("путей {journeys}, клиентов {customers}"),
    }
}

/// What counts and shares that stand side by side are of: not the same journeys.
pub fn basis(l: Language) -> String {
    l.pick(
        "(mature): of decided journeys of mature entry dates. All other counts are over all entry dates: no share here is one of them divided by another",
        "(созр.): из решённых путей созревших дат входа. Остальные числа по всем датам входа: доли не получить их делением",
    )
    .to_owned()
}

fn heads(words: &[&str]) -> Vec<String> {
    words.iter().map(|&w| w.to_owned()).collect()
}
