//! The journey file. In: YAML text. Out: a checked [`DesignedMap`], or all of its faults at once, each with line,
//! column, finding, what is allowed and a hint. Reads no file: paths are only labels for messages.

pub mod designed;
pub use designed::*;
