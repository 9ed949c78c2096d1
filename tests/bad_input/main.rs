//! Bad input, through the binary that people run and the real engine: each broken record becomes a dead letter with its
//! place, reason and detail; the good ones around it are kept; the counts reconcile; nothing panics.

mod fuzz;
mod lines;
mod packed;
mod piped;
mod rows;
mod segment;
mod values;
mod world;
