//! What goes out to other tools and comes in from them: variants, exports opened by tools that others wrote, imports,
//! discovery. By the binary, on a demo shop of its own and on a real log.

#[path = "../support/python.rs"]
mod python;
#[path = "../conformance/random.rs"]
mod random;
#[allow(dead_code)]
#[path = "../support/shop.rs"]
mod shop;
mod variants;
#[allow(dead_code)]
mod world;
mod written;
