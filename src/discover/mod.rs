//! A journey file out of data alone. In: trails, the events of customers in order. Out: a proposal that the check accepts,
//! every part with what was counted for it; or what a given map lacks. Nothing here knows what people meant: names, exits
//! and goals are guesses, marked as such.
//!
//! ```text
//!  trails ─ classes ─> walks ─ counts ─ stages ─> shape ─ proposal ─> journey file
//!                                                      └─ missing ──> parts to paste
//! ```

mod classes; //  events that are worth a touchpoint, with URL templates
mod counts; //   what comes first, what follows what, what comes last
mod missing; //  what a given map lacks
mod proposal; // the journey file
mod shape; //    stages, arcs between them, ends
mod units; //    quantiles, lengths as people say them

pub use classes::{Class, Classes};
pub use missing::{Missing, Placed, missing};
pub use proposal::{Proposal, propose};

use std::time::Duration;

pub use crate::aggregate::trails::{Happening, Trail};
use crate::map::glob::Glob;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Id of the map that is proposed.
    pub id: String,
    /// Names of events that are looked at; none: all.
    pub events: Vec<Glob>,
    /// Names of events that are a success.
    pub goals: Vec<Glob>,
    /// `props.order_id`, as it is to stand in the file.
    pub key: Option<String>,
    /// Least share of a stage's entries that makes a transition.
    pub share: f64,
    /// Least share of trails in which an event is worth a touchpoint.
    pub least: f64,
    /// Which quantile becomes a time limit.
    pub quantile: f64,
    /// How long a silence ends a journey; none: by the gaps there are.
    pub silence: Option<Duration>,
}

impl Asked {
    fn looks_at(&self, event: &Happening) -> bool {
        self.events.is_empty() || self.events.iter().any(|g| g.matches(&event.name))
    }
}
