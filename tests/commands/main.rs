//! The commands as a newcomer meets them: exact words, exit codes, formats. By the binary, in a folder of its own.

mod check;
mod days;
mod explain;
mod gap;
mod help;
mod lost;
mod orders;
mod personas;
mod picture;
mod rebuild;
mod store;
mod world;
