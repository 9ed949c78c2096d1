//! Numbers for a proposal. In: measured values. Out: quantiles by nearest rank, and lengths of time that a person would say.

use std::time::Duration;

/// By nearest rank; the list gets sorted.
pub fn quantile(values: &mut [f64], q: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let rank = (q * values.len() as f64).ceil().max(1.0) as usize;
    Some(values[rank.min(values.len()) - 1])
}

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
/// Lengths that people say.
const SAID: [u64; 24] = [
    60,
    300,
    600,
    1_800,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    3 * DAY,
    5 * DAY,
    7 * DAY,
    10 * DAY,
    14 * DAY,
    21 * DAY,
    30 * DAY,
    45 * DAY,
    60 * DAY,
    90 * DAY,
    180 * DAY,
    365 * DAY,
    730 * DAY,
];

/// The shortest of them that is not shorter.
pub fn said(seconds: f64) -> Duration {
    let found = SAID.iter().find(|s| **s as f64 >= seconds);
    Duration::from_secs(found.copied().unwrap_or(730 * DAY))
}

/// `12.3 %`.
pub fn percent(part: u64, of: u64) -> String {
    if of == 0 { "–".to_owned() } else { format!("{:.1} %", part as f64 * 100.0 / of as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_by_nearest_rank_and_lengths_are_rounded_up() {
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.5), Some(2.0));
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.9), Some(4.0));
        assert_eq!(quantile(&mut [], 0.9), None);
        assert_eq!(said(90_000.0), Duration::from_secs(2 * DAY));
        assert_eq!(said(0.0), Duration::from_secs(60));
    }
}
