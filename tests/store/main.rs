//! A store that is looked after: `tropa verify`, clean where the tables are right and every seeded fault by name where they
//! are not; `tropa backup` and `tropa restore`; tables of another program; a full disk.

#[path = "../support/data.rs"]
#[allow(dead_code)]
mod data;
#[path = "../support/shop.rs"]
mod shop;

mod backup;
mod beside;
mod cluster;
mod disk;
mod faults;
mod schema;
