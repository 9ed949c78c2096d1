//! The commands as a newcomer meets them: exact words, exit codes, formats. By the binary, in a folder of its own.

mod cells;
mod check;
mod deviations;
mod discover;
mod explain;
mod following;
mod gap;
mod help;
mod lost;
mod orders;
mod picture;
mod promises;
mod rebuild;
mod shop;
mod shown;
mod store;
mod world;
