//! The funnel by persona. In: a [`Scope`], the mature entry dates. Out: SELECTs and their shapes. Figures are those of the
//! journeys and stages as everywhere, once over all entry dates and once over mature ones; customers are counted once each,
//! so they are no sum of days.

use super::select::{OF_ENTERED, live, stage_entries};
use super::walk::mature;
use super::{JourneyDay, Scope, StageDay};
use crate::time::Day;

/// Journeys of one persona. Of both days only the counts named in [`journeys`] stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PersonaCount {
    /// Id of a persona or `other`; empty: computed by an older program.
    pub persona: String,
    pub customers: u64,
    pub all: JourneyDay,
    pub mature: JourneyDay,
}

/// Journeys of one persona that entered one stage. Of both days only the counts named in [`stages`] stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PersonaStageCount {
    pub persona: String,
    pub stage: String,
    pub customers: u64,
    pub all: StageDay,
    pub mature: StageDay,
}

/// In each list: entered, completed, ended, dropped, in_flight, completed_open.
pub fn journeys(scope: &Scope<'_>, days: &[Day]) -> String {
    let counts = |when: &str| {
        let outcome = |word: &str| format!("countIf({when} AND outcome = '{word}')");
        let words = ["completed", "ended", "dropped", "in_flight"].map(outcome).join(", ");
        format!("[countIf({when}), {words}, countIf({when} AND completed_and_open)]")
    };
    format!(
        "SELECT who, uniqExact(customer) AS customers, {} AS counts, {} AS mature_counts FROM \
         (SELECT toString(l.persona) AS who, customer, outcome, completed_and_open, {} AS is_mature FROM ({}) AS l) GROUP BY who ORDER BY who",
        counts("1"),
        counts("is_mature"),
        mature(days),
        live(scope, &["persona"])
    )
}

/// In each list the figures of `OF_ENTERED`.
pub fn stages(scope: &Scope<'_>, days: &[Day]) -> String {
    let counts = |when: &str| {
        let figures = OF_ENTERED.map(|(_, which)| format!("countIf({when} AND {which})"));
        format!("[{}]", figures.join(", "))
    };
    format!(
        "SELECT who, place, uniqExact(customer) AS customers, {} AS counts, {} AS mature_counts FROM \
         (SELECT toString(s.persona) AS who, toString(s.stage) AS place, customer, outcome, completed_and_open, went_on, stood_here, {} AS is_mature \
          FROM ({}) AS s WHERE is_first) GROUP BY who, place ORDER BY who, place",
        counts("1"),
        counts("is_mature"),
        mature(days),
        stage_entries(scope, &["persona"])
    )
}
