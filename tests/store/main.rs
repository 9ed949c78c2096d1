//! A store that is looked after: `tropa verify`, clean where the tables are right and every seeded fault by name where they
//! are not; `tropa backup` and `tropa restore`.

#[path = "../support/shop.rs"]
mod shop;

mod backup;
mod beside;
mod faults;
