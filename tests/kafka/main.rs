//! Through a real Kafka broker: the same tables as through files, whatever happens on the way.

#[path = "../support/broker.rs"]
mod broker;
#[path = "../support/shop.rs"]
mod shop;

mod again;
mod backup;
mod kill;
mod letters;
mod membership;
mod same_tables;
mod stream;
mod waiting;
