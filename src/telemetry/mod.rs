//! Logs and counts. In: what happens. Out: lines on standard error (plain on a terminal, JSON off it), so that standard
//! output holds results only; and figures, see [`Telemetry`].

mod counts;

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

pub use counts::Telemetry;

/// Call once, before anything is logged. `TROPA_LOG` filters (`info` unless set; `tropa=debug` for more).
pub fn start(quiet: bool) {
    let default = if quiet { "warn" } else { "info" };
    // The Kafka client's own lines only matter when something is wrong, and then we say it in our words.
    let filter = EnvFilter::try_from_env("TROPA_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("{default},librdkafka=off,rdkafka=off,hyper=warn")));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).compact().init();
    } else {
        builder.json().flatten_event(true).init();
    }
}
