//! Does a journey follow the designed map (semantics.md, "Conformance"). In: a [`crate::map::DesignedMap`] and a
//! journey's path. Out: the best alignment of the path with a run of the map, what it costs, and the deviations it tells
//! of. Pure; what is remembered of paths seen before changes no result.
//!
//! ```text
//!  DesignedMap ─ Model ─ State ─ Automaton ─┐
//!           Journey ───────────────── path ─┴─ Search ─> Alignment ─> Deviations ─> Verdict
//! ```

pub mod align; //       the best alignments of a path
mod automaton; //       the model's states, made when met
mod design_use; //      how much of the design people use
pub mod deviation; //   what an alignment says in words
mod journey; //         a journey: its path, its times, its channels
mod judge; //           paths judged before are not judged again
mod model; //           the designed map as a process model
mod pnml; //            the model as a Petri net
mod precision; //       does the map describe only what happens
mod state; //           where a run stands

pub use align::{Alignment, BOUND, Move, NotEvaluated, Search};
pub use automaton::{Automaton, StateId};
pub use design_use::{DesignUse, DesignedArcs, design_use, design_use_by_stage};
pub use deviation::{Deviation, Place, deviations};
pub use journey::{Followed, Judges, is_accepted};
pub use judge::{Fitness, Judge, Verdict};
pub use model::{End, Model, Symbol, end_of};
pub use pnml::{TooManyStates, end_name};
pub use precision::{Precision, Steps, Traces, Walked, precision};
