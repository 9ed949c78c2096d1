//! Identity: the examples of the semantics, its laws on random facts, and a naive oracle in another language.

mod cases;
mod laws;
mod oracle;
mod orders;
mod world;
