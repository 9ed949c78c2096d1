//! The commands as a newcomer meets them: exact words, exit codes, formats. By the binary, in a folder of its own.

mod cells;
mod check;
mod days;
mod deviations;
mod discover;
mod explain;
mod following;
mod gap;
mod help;
mod lost;
mod orders;
mod personas;
mod picture;
mod promises;
mod rebuild;
mod shop;
mod shown;
mod store;
mod world;
