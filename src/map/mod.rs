//! The journey file. In: YAML text. Out: a checked [`DesignedMap`], or all of its faults at once, each with line,
//! column, finding, what is allowed and a hint. Reads no file: paths are only labels for messages.
//!
//! `file` is the format as written (and its JSON Schema), `check` what the words mean together, `designed` the result.

pub mod arcs;
mod check;
pub mod designed;
mod file;
pub mod glob;
pub mod value;
mod versions;
pub mod written;

#[cfg(test)]
mod tests;

pub use designed::*;
pub use file::{DeviationKind, json_schema};
pub use versions::Loaded;

use crate::yaml::Faults;

/// One journey file.
pub fn parse(label: &str, text: &str) -> Result<DesignedMap, Faults> {
    check::check(label, text).map(|(map, _)| map)
}

/// Several journey files, (label, text) each; versions of one map come together.
pub fn load(files: &[(String, String)]) -> Result<Vec<MapVersions>, Faults> {
    load_with_warnings(files).map(|loaded| loaded.maps)
}

/// Like [`load`], with what `tropa check` should tell although it is no fault.
pub fn load_with_warnings(files: &[(String, String)]) -> Result<Loaded, Faults> {
    versions::load(files)
}
