//! Members of the sets that operators write, beside the facts that events state. In: orders, once they are resolved. Out:
//! plain values. All of these sets only grow, so any order of arrival gives the same customers.

use std::sync::Arc;

use super::{Fact, Outside};
use crate::time::Day;

/// What takes statements of events back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// Cancels every statement that `a` and `b` are one, up to and with a UTC day.
    Revoke { a: Arc<str>, b: Arc<str>, day: Day },
    /// `a` and `b` never end in one customer.
    Forbid { a: Arc<str>, b: Arc<str> },
}

/// Somebody is forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Follows from the content, so that the same order twice is one erasure.
    pub id: Arc<str>,
    /// Every event and fact that names one of these is covered, up to and with `until`.
    pub identifiers: Vec<Arc<str>>,
    pub until: Day,
    /// Anonymous events of these devices on these days are covered, too: the function gave them to the erased customer
    /// when the order was carried out.
    pub days: Vec<(Arc<str>, Day)>,
}

impl Erasure {
    pub fn new(mut identifiers: Vec<Arc<str>>, until: Day, mut days: Vec<(Arc<str>, Day)>) -> Self {
        identifiers.sort_unstable();
        identifiers.dedup();
        days.retain(|(node, day)| *day <= until && identifiers.binary_search(node).is_err());
        days.sort_unstable();
        days.dedup();
        let mut hash = blake3::Hasher::new();
        hash.update(&until.0.to_le_bytes());
        for (text, day) in identifiers.iter().map(|i| (i, None)).chain(days.iter().map(|(n, d)| (n, Some(d.0)))) {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
            hash.update(&day.unwrap_or(i32::MIN).to_le_bytes());
        }
        Self { id: Arc::from(&hash.finalize().to_hex()[..16]), identifiers, until, days }
    }
}

/// Everything that identity follows from.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    pub facts: Vec<Fact>,
    /// Identifiers of events inside the function, also of those that state no fact.
    pub nodes: Vec<Arc<str>>,
    pub undos: Vec<Undo>,
    pub outside: Outside,
}
