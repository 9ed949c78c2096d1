//! After a drop-off: where people went, and whose trail looks broken. In: random logs of single customers, and whole shops
//! in which links between trails were cut on purpose. Out: what the program tells, held against a second telling that knows
//! neither its rules nor its order of work.

mod broken;
#[path = "../support/shop.rs"]
#[allow(dead_code)]
mod shop;
mod went;
