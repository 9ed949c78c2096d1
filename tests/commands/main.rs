//! The commands as a newcomer meets them: exact words, exit codes, formats. By the binary, in a folder of its own.

mod check;
mod discover;
mod explain;
mod gap;
mod help;
mod lost;
mod orders;
mod picture;
mod rebuild;
mod store;
mod world;
