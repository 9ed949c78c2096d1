//! Through a real Kafka broker: the same tables as through files, whatever happens on the way.

#[path = "../support/broker.rs"]
mod broker;
#[path = "../support/exchange.rs"]
mod exchange;
#[path = "../operations/proxy.rs"]
mod proxy;
#[allow(dead_code)] // Each test binary uses its share of it.
#[path = "../support/running.rs"]
mod running;
#[path = "../support/shop.rs"]
mod shop;

mod again;
mod backup;
mod connected;
mod cuts;
mod engine;
mod grace;
mod kill;
mod letters;
mod membership;
mod poison;
mod rebuild;
mod roles;
mod same_tables;
mod secure;
mod stream;
mod waiting;
mod writer;
