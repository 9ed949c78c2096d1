//! The law of the figures, as property tests of the whole pipeline.

mod design;
mod interrupted;
mod naive;
mod on_a_shelf;
mod on_the_engine;
mod plan;
mod shelf;
#[path = "../support/store.rs"]
mod store;
mod tables;
mod totals;
mod world;
