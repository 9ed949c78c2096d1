//! Maps and journeys for other tools, and maps from them. In: a [`crate::map::DesignedMap`], journeys of the store, a
//! comparison; or another tool's file. Out: its text, piece by piece where it can be large; or a journey file. Pure: who
//! reads and writes files stands outside.
//!
//! ```text
//!  DesignedMap ─> bpmn · mermaid · cjml (planned)          bpmn · cjml · table ─> Draft ─> journey file
//!  journeys ────> xes · ocel · cjml (actual)
//!  comparison ──> xlsx
//! ```

pub mod bpmn; //        a map as BPMN 2.0
pub mod bpmn_read; //   BPMN 2.0 -> draft
pub mod cjml; //        planned and actual journeys as CJML
pub mod cjml_read; //   planned journeys of CJML -> draft
pub mod draft; //       a journey file in the making
mod flow; //            the nodes and flows of a BPMN process
pub mod mermaid; //     a map as a Mermaid flowchart
pub mod ocel; //        journeys as OCEL 2.0
pub mod table; //       rows of a table -> draft
pub mod xes; //         journeys as XES
pub mod xlsx; //        a comparison as a workbook
mod xml; //             XML, well-formed by construction

pub use draft::Draft;
