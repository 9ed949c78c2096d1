//! The comparison for people and programs. In: a [`Comparison`] and the designed map it is about. Out: text for a
//! terminal, JSON for programs, Markdown, one self-contained HTML file, and the map as a picture. Pure: nothing is computed
//! here that is not in the comparison.

mod form; //     the forms in which a comparison is given
mod html;
mod html_tables;
mod json;
mod json_gap;
mod json_lost;
mod json_personas;
mod links; //    from a served page to the other forms
mod markdown;
mod number;
pub mod picture;
mod scene;
mod section;
#[cfg(test)]
mod tests;
mod text;
pub mod variants;
mod words;

pub use form::Form;
pub use html::{escape, html};
pub use json::{for_sheets, json};
pub use links::Links;
pub use markdown::markdown;
pub use section::deviation_words;
pub use text::text;
pub use words::Language;
