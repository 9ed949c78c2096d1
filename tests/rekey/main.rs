//! A changed config recomputes everything: a store that was filled under one config and started under another holds the
//! same rows as one that has only ever known the second.

mod dump;
mod order;
mod sources;
#[path = "../support/store.rs"]
mod store;
