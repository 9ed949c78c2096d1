//! Where people went after a drop-off: what was lost at each stage, by what followed. In: a [`Scope`], the mature entry
//! dates. Out: a SELECT and its shape. A drop-off is one of the drop-off rate: dropped or ended, attributed to the last
//! stage entered that is no exit. What followed is told by the fold (`journey/after.rs`); here it is counted.

use super::Scope;
use super::select::live;
use super::walk::mature;
use crate::time::Day;

/// Drop-offs of one stage that went one way, by what exactly followed; the rarest of a way stand in no row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LostCount {
    pub stage: String,
    /// A word of `Went`; empty: the row was computed by a program that did not tell.
    pub went: String,
    /// Touchpoint, rule, channel, event or stage, as `After` says; of an exit reason the touchpoint.
    pub name: String,
    pub path: String,
    pub journeys: u64,
    /// Ids of three journeys.
    pub examples: Vec<String>,
    /// Journeys of that stage and way altogether, and how many different things followed.
    pub of_way: u64,
    pub things: u64,
}

/// At most `most` rows of each stage and way.
pub fn lost(scope: &Scope<'_>, days: &[Day], most: usize) -> String {
    let live = live(scope, &["id", "reason", "e_stage", "e_exit", "after", "after_name", "after_path"]);
    let each = format!(
        "SELECT id, e_stage[arrayLastIndex(x -> x = 0, e_exit)] AS stage, outcome = 'ended' AS by_exit, if(by_exit, 'exit_reason', l.after) AS went, \
         if(by_exit, reason, l.after_name) AS name, if(by_exit, '', l.after_path) AS path \
         FROM ({live}) AS l WHERE outcome IN ('dropped', 'ended') AND has(e_exit, 0) AND {}",
        mature(days)
    );
    format!(
        "SELECT toString(stage) AS stage, toString(went) AS went, toString(name) AS name, toString(path) AS path, journeys, examples, \
         sum(journeys) OVER (PARTITION BY stage, went) AS of_way, count() OVER (PARTITION BY stage, went) AS things FROM \
         (SELECT stage, went, name, path, count() AS journeys, groupArraySorted(3)(id) AS examples FROM ({each}) GROUP BY stage, went, name, path) \
         ORDER BY stage, went, journeys DESC, name, path LIMIT {most} BY stage, went"
    )
}
