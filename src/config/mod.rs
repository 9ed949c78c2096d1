//! The config file. In: YAML text (with `${VAR:-default}` filled in by the caller's lookup). Out: a checked [`Config`],
//! or all of its faults at once. Reads no file and no environment itself.

pub mod checked;
pub use checked::*;
