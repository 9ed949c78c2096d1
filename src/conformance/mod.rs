//! Does a journey follow the designed map (semantics.md, "Conformance"). In: a [`crate::map::DesignedMap`] and a
//! journey's path. Out: the best alignment of the path with a run of the map, what it costs, and the deviations it tells
//! of. Pure; what is remembered of paths seen before changes no result.
//!
//! ```text
//!  DesignedMap ─ Model ─ State ─ Automaton ─┐
//!                                 path ─────┴─ Search ─> Alignment ─> Deviations
//! ```

pub mod align; //       the best alignments of a path
mod automaton; //       the model's states, made when met
pub mod deviation; //   what an alignment says in words
mod judge; //           paths judged before are not judged again
mod model; //           the designed map as a process model
mod state; //           where a run stands

pub use align::{Alignment, BOUND, Move, NotEvaluated, Search};
pub use automaton::{Automaton, StateId};
pub use deviation::{Deviation, Kind, Place, deviations};
pub use judge::{Fitness, Judge, Verdict};
pub use model::{End, Model, Symbol, end_of};
