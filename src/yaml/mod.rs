//! YAML files that people edit (journey files, the config). In: their text. Out: a tree whose every value knows its
//! line and column, checked against the JSON Schema of the type it is meant for, or all faults at once, each as people
//! read it. Reads no file and no environment: paths are labels, variables come from the caller.
//!
//! ```text
//! text ── read ──> Node ── substitute ──> Node ── check (schema) ──> Node ── into_value ──> the type as written
//!          └ syntax, double keys   └ unset variables    └ unknown keys, types, words, limits
//! ```
//!
//! One definition serves all: the type as written derives `JsonSchema`, the schema is what editors get and what the
//! tree is walked against, and only then serde fills the type.

mod check;
mod fault;
mod node;
mod read;
mod scalar;
mod shapes;
mod substitute;
mod wording;
mod write;

pub use check::{check, fill, fill_partly};
pub use fault::{Fault, Faults, Position, allowed, nearest, quoted_list};
pub use node::{Content, Entry, Node};
pub use read::read;
pub use shapes::{OneOrMany, Scalar};
pub use substitute::substitute;
pub use write::{Fields, Written, write};
