//! How long a process that was told to stop goes on. In: the flag, the bound, what is away. Out: the end of the wait; until
//! then it says regularly what it waits for.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::warn;

use crate::health::{Condition, Health};

/// Between two lines about the wait.
const SAY: Duration = Duration::from_secs(5);

/// Returns when `grace` has passed since the process was told to stop; never, if it is not.
pub(super) async fn over(mut stop: watch::Receiver<bool>, grace: Duration, health: &Health) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        return std::future::pending().await;
    }
    health.raise(Condition::Draining, "told to stop; what was taken is written and committed first");
    let deadline = Instant::now() + grace;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(SAY)).await;
        let left = deadline.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            warn!("stopping, and still waiting: {}; {} s left", awaited(health), left.as_secs() + 1);
        }
    }
}

/// What a stop waits for, in words.
pub(super) fn awaited(health: &Health) -> String {
    let away = |(condition, why): (Condition, String)| match condition {
        Condition::Warehouse | Condition::Kafka(_) | Condition::DeadLetterTopic(_) => Some(why),
        _ => None,
    };
    let reasons: Vec<String> = health.reasons().into_iter().filter_map(away).collect();
    if reasons.is_empty() { "what was taken is being written".to_owned() } else { reasons.join("; ") }
}
