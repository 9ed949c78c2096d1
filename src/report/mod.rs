//! The comparison for people and programs. In: a [`Comparison`] and the designed map it is about. Out: text for a
//! terminal, JSON for programs, Markdown, one self-contained HTML file, and the map as a picture. Pure: nothing is computed
//! here that is not in the comparison.

mod html;
mod html_tables;
mod json;
mod json_gap;
mod json_lost;
mod json_personas;
mod markdown;
mod number;
pub mod picture;
mod scene;
mod section;
mod text;
pub mod variants;
mod words;

pub use html::{escape, html};
pub use json::json;
pub use markdown::markdown;
pub use text::text;
pub use words::Language;
