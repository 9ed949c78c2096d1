//! Faults with real processes, a real broker and a real engine: processes killed at every step, workers that come and go,
//! servers that go away. In: the demo's shop, its log distorted. Out: nothing but tables that are what they must be. Each
//! has a short form, part of the suite, and a long one (`TROPA_LONG=1`; `make kill-long`, `roles-long`, `outage-long`).

#[allow(dead_code)] // Each test binary uses its share of it.
#[path = "../support/broker.rs"]
mod broker;
#[path = "../support/exchange.rs"]
mod exchange;
#[path = "../support/python.rs"]
mod python;
#[allow(dead_code)]
#[path = "../support/running.rs"]
mod running;
#[allow(dead_code)]
#[path = "../support/shop.rs"]
mod shop;

mod check;
mod engine;
mod faulty;
mod group;
mod kills;
mod log;
mod orders;
mod outages;
mod workers;

/// Whether the long form was asked for.
fn long() -> bool {
    std::env::var("TROPA_LONG").is_ok_and(|v| v == "1")
}

/// The long forms one at a time; the short ones mostly wait, and go side by side.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn turn() -> Option<std::sync::MutexGuard<'static, ()>> {
    long().then(|| TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}
