//! What goes out to other tools and comes in from them: variants, exports opened by tools that others wrote, imports,
//! discovery. By the binary, on a demo shop of its own and on a real log.

#[path = "../support/data.rs"]
mod data;
mod discover;
mod exports;
mod imports;
mod moments;
#[path = "../support/python.rs"]
mod python;
#[path = "../conformance/random.rs"]
mod random;
mod repeats;
#[allow(dead_code)]
#[path = "../support/shop.rs"]
mod shop;
mod variants;
mod world;
mod written;
