//! What to do when a statement fails. In: the failure. Out: another try, for ever, where it passes by itself (100 ms to
//! 30 s, full jitter); a smaller insert, where the batch is too large for the warehouse; or an error where the data or the
//! statement is at fault. Says once when trouble begins and ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clickhouse::error::Error;
use tracing::{info, warn};

use super::WarehouseError;
use super::full_disk::{FullDisk, is_full};
use crate::health::{Condition, Health};

/// Codes of ClickHouse that pass by themselves: time-outs, too many queries or parts, memory, network, replicas.
const PASSING: [u32; 12] = [159, 202, 209, 210, 241, 242, 243, 252, 285, 286, 319, 999];

/// Failures in a row after which the breaker opens: one probe per `PROBE`.
const BREAKER: u32 = 5;
const PROBE: Duration = Duration::from_secs(5);
/// Out of memory so often with one batch means that the batch is at fault, not the moment.
const OUT_OF_MEMORY: u32 = 2;
const LEAST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(30);

/// What became of an insert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Inserted {
    Done,
    /// Not as one block; in parts it may be.
    TooLarge,
}

/// Shared by all statements of a client, so that one outage is one message.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    failures: Arc<AtomicU32>,
    url: Arc<str>,
    /// How long to try; `None`: for ever.
    patience: Option<Duration>,
    health: Health,
    full_disk: FullDisk,
}

impl Retry {
    pub fn new(url: &str) -> Self {
        Self {
            failures: Arc::default(),
            url: Arc::from(url),
            patience: None,
            health: Health::default(),
            full_disk: FullDisk::default(),
        }
    }

    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// Who is to know whether the warehouse answers.
    pub fn watched_by(self, health: Health) -> Self {
        Self { health, ..self }
    }

    pub fn unreachable(&self, error: &Error) -> WarehouseError {
        WarehouseError::Unreachable { url: self.url.to_string(), error: causes(error) }
    }

    pub async fn until_done<T, F, A>(&self, mut attempt: F) -> Result<T, WarehouseError>
    where
        F: FnMut() -> A,
        A: Future<Output = Result<T, Error>>,
    {
        let began = tokio::time::Instant::now();
        loop {
            match attempt().await {
                Ok(done) => {
                    self.answers();
                    return Ok(done);
                }
                Err(error) => self.wait_out(error, began).await?,
            }
        }
    }

    /// The same for an insert that can be made in parts.
    pub async fn insert<F, A>(&self, mut attempt: F) -> Result<Inserted, WarehouseError>
    where
        F: FnMut() -> A,
        A: Future<Output = Result<(), Error>>,
    {
        let began = tokio::time::Instant::now();
        let mut out_of_memory = 0;
        loop {
            let error = match attempt().await {
                Ok(()) => {
                    self.answers();
                    return Ok(Inserted::Done);
                }
                Err(error) => error,
            };
            out_of_memory += u32::from(is_out_of_memory(&error));
            if too_many_partitions(&error) || out_of_memory >= OUT_OF_MEMORY {
                self.health.metrics().warehouse_split();
                return Ok(Inserted::TooLarge);
            }
            self.wait_out(error, began).await?;
        }
    }

    fn answers(&self) {
        self.full_disk.is_over(&self.url);
        if self.failures.swap(0, Ordering::Relaxed) > 0 {
            self.health.metrics().warehouse_answers();
            self.health.clear(&Condition::Warehouse);
            info!(url = %self.url, "the warehouse answers again");
        }
    }

    /// Returns when it is time for another try.
    async fn wait_out(&self, error: Error, began: tokio::time::Instant) -> Result<(), WarehouseError> {
        if !passes(&error) {
            return Err(refused(error));
        }
        if self.patience.is_some_and(|most| began.elapsed() >= most) {
            return Err(match error {
                Error::BadResponse(_) => refused(error),
                error => self.unreachable(&error),
            });
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if self.patience.is_none() {
            self.health.metrics().warehouse_retry(failures > BREAKER);
            let what = if matches!(error, Error::BadResponse(_)) { "refuses for now" } else { "does not answer" };
            let text = format!("the warehouse at {} {what}: {}", self.url, causes(&error));
            self.health.raise(Condition::Warehouse, text.as_str());
            if !self.full_disk.is_said_by(&text, &self.url) && failures == 1 {
                warn!("{text}; waiting for it, nothing is lost");
            }
        }
        tokio::time::sleep(pause(failures)).await;
        Ok(())
    }
}

fn pause(failures: u32) -> Duration {
    if failures > BREAKER {
        return PROBE.mul_f64(0.8 + 0.4 * rand::random::<f64>());
    }
    let ceiling = LEAST.saturating_mul(1 << failures.min(16)).min(MOST);
    LEAST.max(ceiling.mul_f64(rand::random::<f64>()))
}

/// More partitions in one block than ClickHouse takes: the batch is at fault, not the moment.
fn too_many_partitions(error: &Error) -> bool {
    matches!(error, Error::BadResponse(text) if code(text) == Some(252) && text.contains("single INSERT block"))
}

fn is_out_of_memory(error: &Error) -> bool {
    matches!(error, Error::BadResponse(text) if code(text) == Some(241))
}

fn passes(error: &Error) -> bool {
    match error {
        Error::Network(_) | Error::TimedOut => true,
        Error::BadResponse(_) if too_many_partitions(error) => false,
        Error::BadResponse(text) => match code(text) {
            Some(code) => PASSING.contains(&code) || is_full(text),
            None => text.is_empty() || text.contains("502") || text.contains("503") || text.contains("504"),
        },
        _ => false,
    }
}

/// The code in `Code: 60. DB::Exception: …`.
fn code(text: &str) -> Option<u32> {
    let rest = &text[text.find("Code: ")? + 6..];
    rest[..rest.find(|c: char| !c.is_ascii_digit())?].parse().ok()
}

/// An error with all of its causes: the outermost alone says only that something failed.
fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

pub(super) fn refused(error: Error) -> WarehouseError {
    match error {
        Error::BadResponse(text) => WarehouseError::Refused(text.trim().to_owned()),
        other => WarehouseError::Refused(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_parts_passes_and_too_many_partitions_does_not() {
        let error = |text: &str| Error::BadResponse(text.to_owned());
        assert!(passes(&error("Code: 252. DB::Exception: Too many parts (3001)")));
        assert!(!passes(&error(
            "Code: 252. DB::Exception: Too many partitions for single INSERT block (more than 100)"
        )));
        assert!(!passes(&error("Code: 60. DB::Exception: Table tropa.x does not exist")));
        assert!(passes(&Error::TimedOut));
    }
}
