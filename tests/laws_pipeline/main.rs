//! The law of the figures, as property tests of the whole pipeline.

mod design;
mod naive;
mod on_a_shelf;
mod plan;
mod shelf;
mod world;
