//! What those who run a process see and do: health and figures over HTTP, changed files, a stop while the warehouse is
//! away, batches that are too large for it. By the binary, with a real engine.

#[path = "../support/exchange.rs"]
mod exchange;
#[path = "../support/running.rs"]
mod running;

mod letters;
mod pages;
mod parts;
mod proxy;
mod reload;
mod stop;
mod watch;
