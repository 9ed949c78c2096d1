//! Rows of `identity` held against what the facts say. In: assignments of both. Out: those that differ.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Assignment;
use crate::time::Day;

/// A row of `identity` that does not say what the facts say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Displaced {
    pub node: Arc<str>,
    pub day: Option<Day>,
    /// `None`: there is no row; `Some(None)`: a row that says "no customer".
    pub stands: Option<Option<Arc<str>>>,
    pub should: Option<Arc<str>>,
}

/// Where stored assignments differ from what the facts say. Both sides are of the same nodes.
pub fn displaced(should: impl IntoIterator<Item = Assignment>, stored: Vec<Assignment>) -> Vec<Displaced> {
    let mut stored: FxHashMap<_, _> = stored.into_iter().map(|a| ((a.node, a.day), a.customer)).collect();
    let mut wrong = Vec::new();
    for Assignment { node, day, customer: should } in should {
        let stands = stored.remove(&(node.clone(), day));
        if stands.as_ref() != Some(&should) {
            wrong.push(Displaced { node, day, stands, should });
        }
    }
    let ghosts = stored.into_iter().filter(|(_, customer)| customer.is_some());
    wrong.extend(ghosts.map(|((node, day), stands)| Displaced { node, day, stands: Some(stands), should: None }));
    wrong
}
