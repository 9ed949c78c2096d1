//! Progress bars on long work, on standard error, hidden where nobody looks.

use std::io::IsTerminal;

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
