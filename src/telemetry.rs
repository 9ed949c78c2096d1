//! Logs: plain lines on a terminal, JSON off it, both on standard error, so that standard output holds results only.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

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

/// A progress bar over bytes or customers; hidden where nobody looks.
pub fn bar(total: u64, what: &'static str, unit: BarUnit) -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(total);
    let template = match unit {
        BarUnit::Bytes => "{msg:28} {bar:32} {bytes:>10} of {total_bytes} {eta:>4}",
        BarUnit::Count => "{msg:28} {bar:32} {human_pos:>10} of {human_len} {eta:>4}",
    };
    if let Ok(style) = indicatif::ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    }
    bar
}

#[derive(Clone, Copy, Debug)]
pub enum BarUnit {
    Bytes,
    Count,
}
