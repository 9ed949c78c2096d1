//! The config file. In: YAML text (with `${VAR:-default}` filled in by the caller's lookup). Out: a checked [`Config`],
//! or all of its faults at once. Reads no file and no environment itself.

mod check;
pub mod checked;
mod decoders;
mod file;
mod operating;

pub use check::{default_kinds, parse};
pub use checked::*;
pub use file::json_schema;
