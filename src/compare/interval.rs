//! What chance alone would do: intervals and tests, each by its published formula. In: counts, samples as histograms. Out:
//! numbers. 95 % everywhere.

use super::rates::wilson;
use crate::aggregate::Histogram;

/// The normal quantile at 97.5 %.
pub const Z: f64 = 1.959_963_984_540_054;

/// p1 - p2 and its interval from the two Wilson intervals (Newcombe 1998, Statistics in Medicine 17:873-890, method 10).
pub fn difference_of_shares((hits1, n1): (u64, u64), (hits2, n2): (u64, u64)) -> Option<(f64, f64, f64)> {
    if n1 == 0 || n2 == 0 {
        return None;
    }
    let (p1, p2) = (hits1 as f64 / n1 as f64, hits2 as f64 / n2 as f64);
    let ((l1, u1), (l2, u2)) = (wilson(hits1, n1), wilson(hits2, n2));
    let d = p1 - p2;
    let low = d - ((p1 - l1).powi(2) + (u2 - p2).powi(2)).sqrt();
    let high = d + ((u1 - p1).powi(2) + (p2 - l2).powi(2)).sqrt();
    Some((d, low, high))
}

/// Whether two shares differ: Pearson's chi-square with one degree of freedom, without continuity correction. None if
/// there is nothing to tell apart: all or none succeeded.
pub fn p_of_shares((hits1, n1): (u64, u64), (hits2, n2): (u64, u64)) -> Option<f64> {
    let (n1, n2) = (n1 as f64, n2 as f64);
    let pooled = (hits1 + hits2) as f64 / (n1 + n2);
    let variance = pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2);
    (variance > 0.0).then(|| two_sided((hits1 as f64 / n1 - hits2 as f64 / n2) / variance.sqrt()))
}

/// P(|N(0,1)| >= |z|).
pub fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// Which of these are significant when one in twenty of those called so may be chance (Benjamini and Hochberg 1995, J. R.
/// Statist. Soc. B 57:289-300): adjusted p-values, in the order given.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
    let mut adjusted = vec![1.0; p.len()];
    let mut least: f64 = 1.0;
    for (from_top, &i) in order.iter().enumerate() {
        let rank = (p.len() - from_top) as f64;
        least = least.min(p[i] * p.len() as f64 / rank);
        adjusted[i] = least;
    }
    adjusted
}

/// The median by order statistics, and the variance of it (Price and Bonett 2002, J. Stat. Comput. Simul. 72:119-124).
fn median_and_variance(sample: &Histogram) -> Option<(f64, f64)> {
    let n = sample.n();
    if n < 5 {
        return None;
    }
    let at = |rank: u64| sample.at_rank(rank);
    let median = (at(n.div_ceil(2))? + at(n / 2 + 1)?) / 2.0;
    let c = ((n as f64 + 1.0) / 2.0 - (n as f64).sqrt()).round().max(1.0) as u64;
    let z = quantile_beyond(binomial_half_below(n, c));
    let half = (at(n - c + 1)? - at(c)?) / (2.0 * z);
    Some((median, half * half))
}

/// P(X < c) of X ~ Binomial(n, 1/2).
fn binomial_half_below(n: u64, c: u64) -> f64 {
    let ln_n = libm::lgamma(n as f64 + 1.0);
    let term = |k: u64| {
        let ln = ln_n - libm::lgamma(k as f64 + 1.0) - libm::lgamma((n - k) as f64 + 1.0);
        (ln - n as f64 * std::f64::consts::LN_2).exp()
    };
    // Terms below 1e-18 of the sum come first: far below the middle they add nothing.
    let from = c.saturating_sub(12 * (n as f64).sqrt() as u64 + 12);
    (from..c).map(term).sum()
}

/// z > 0 with P(N(0,1) > z) = `tail`, by halving.
fn quantile_beyond(tail: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if two_sided(middle) / 2.0 > tail { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The difference of two medians, first less second: value, interval, p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianDifference {
    pub value: f64,
    pub low: f64,
    pub high: f64,
    pub p: Option<f64>,
}

pub fn difference_of_medians(first: &Histogram, second: &Histogram) -> Option<MedianDifference> {
    let ((m1, v1), (m2, v2)) = (median_and_variance(first)?, median_and_variance(second)?);
    let (value, error) = (m1 - m2, (v1 + v2).sqrt());
    let p = (error > 0.0).then(|| two_sided(value / error));
    Some(MedianDifference { value, low: value - Z * error, high: value + Z * error, p })
}

/// A quantile and its interval by order statistics: ranks where the binomial's normal limits lie (Hahn and Meeker 1991,
/// Statistical Intervals, 5.2).
pub fn quantile_with_interval(sample: &Histogram, q: f64) -> Option<(f64, f64, f64)> {
    let n = sample.n();
    let value = sample.quantile(q)?;
    let spread = Z * (n as f64 * q * (1.0 - q)).sqrt();
    let middle = n as f64 * q;
    let low = ((middle - spread).floor().max(0.0) as u64).max(1);
    let high = ((middle + spread).ceil() as u64 + 1).min(n);
    // Outer edges: whatever stands in a bucket may be anywhere in it, and a limit inside of one is not decided.
    Some((value, sample.around_rank(low)?.0, sample.around_rank(high)?.1))
}

/// The mean of `n` values with this sum and sum of squares, and its interval by Student's t.
pub fn mean_with_interval(n: u64, sum: f64, squares: f64) -> Option<(f64, f64, f64)> {
    if n < 2 {
        return None;
    }
    let count = n as f64;
    let mean = sum / count;
    let variance = ((squares - count * mean * mean) / (count - 1.0)).max(0.0);
    let half = t_quantile(n - 1) * (variance / count).sqrt();
    Some((mean, mean - half, mean + half))
}

/// Student's t at 97.5 %: expansion around the normal (Abramowitz and Stegun 1964, 26.7.5), exact below five degrees.
fn t_quantile(degrees: u64) -> f64 {
    const EXACT: [f64; 4] = [12.706_204_736, 4.302_652_730, 3.182_446_305, 2.776_445_105];
    if let Some(exact) = EXACT.get(degrees as usize - 1) {
        return *exact;
    }
    let (v, z) = (degrees as f64, Z);
    let g1 = (z.powi(3) + z) / 4.0;
    let g2 = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let g3 = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    let g4 = (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5) - 1920.0 * z.powi(3) - 945.0 * z) / 92_160.0;
    z + g1 / v + g2 / v.powi(2) + g3 / v.powi(3) + g4 / v.powi(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: SciPy 1.17.1, printed once: stats.binomtest(..).proportion_ci("wilson") put into Newcombe's formula;
    // chi2_contingency(correction=False); false_discovery_control; t.ppf; t.interval; binom.cdf; numpy.median.

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{found} is not {wanted}");
    }

    #[test]
    fn the_difference_of_two_shares_has_newcombe_s_interval() {
        let (d, low, high) = difference_of_shares((56, 70), (48, 80)).unwrap();
        near(d, 0.2);
        near(low, 0.052431472402364815);
        near(high, 0.3338726540369059);
        let (d, low, high) = difference_of_shares((0, 30), (3, 40)).unwrap();
        near(d, -0.075);
        near(low, -0.19864233524310543);
        near(high, 0.04870281642511205);
        assert_eq!(difference_of_shares((0, 0), (3, 40)), None);
    }

    #[test]
    fn two_shares_are_told_apart_by_chi_square() {
        near(p_of_shares((56, 70), (48, 80)).unwrap(), 0.008045081368196585);
        near(p_of_shares((0, 30), (3, 40)).unwrap(), 0.12522304763344574);
        assert_eq!(p_of_shares((30, 30), (40, 40)), None, "all succeeded: nothing to tell apart");
    }

    #[test]
    fn adjusted_p_values_are_those_of_benjamini_and_hochberg() {
        let adjusted = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.005, 0.5]);
        for (found, wanted) in adjusted.into_iter().zip([0.025, 0.05, 0.05, 0.025, 0.5]) {
            near(found, wanted);
        }
        assert!(benjamini_hochberg(&[]).is_empty());
    }

    #[test]
    fn means_have_student_s_interval() {
        let sample = [1.5, -2.0, 0.0, 1.0, 1.0, 2.0, -1.0, 0.5];
        let squares = sample.iter().map(|x| x * x).sum();
        let (mean, low, high) = mean_with_interval(8, sample.iter().sum(), squares).unwrap();
        near(mean, 0.375);
        assert!((low + 0.7365800141405587).abs() < 2e-4 && (high - 1.4865800141405587).abs() < 2e-4, "{low} {high}");
        for (degrees, wanted) in [(1, 12.706204736), (4, 2.776445105), (5, 2.570582), (29, 2.045230), (200, 1.971896)] {
            assert!((t_quantile(degrees) - wanted).abs() < 1e-3, "{degrees}: {}", t_quantile(degrees));
        }
        assert_eq!(mean_with_interval(1, 1.0, 1.0), None);
    }

    #[test]
    fn medians_differ_by_what_their_order_statistics_say() {
        near(binomial_half_below(30, 10), 0.021386972628533847);
        assert!((binomial_half_below(1000, 450) - 0.0006958707972110504).abs() < 1e-12);
        near(quantile_beyond(0.021386972628533847), 2.025910615085826);
        let first = Histogram(vec![(1000, 4), (1100, 10), (1150, 9), (1200, 7), (1300, 3)]);
        let second = Histogram(vec![(1000, 9), (1050, 12), (1120, 10), (1250, 4)]);
        let found = difference_of_medians(&first, &second).unwrap();
        near(found.value, 16.975262784735257);
        near(found.low, 10.017584878570373);
        near(found.high, 23.93294069090014);
        assert!((found.p.unwrap() - 1.7364808472546648e-06).abs() < 1e-12);
        assert_eq!(difference_of_medians(&Histogram(vec![(1000, 4)]), &second), None, "four are too few");
    }

    #[test]
    fn a_quantile_lies_inside_its_interval_and_the_interval_holds_the_binomial_s_limits() {
        let sample = Histogram((0..100).map(|k| (1000 + k, 1)).collect());
        let (value, low, high) = quantile_with_interval(&sample, 0.5).unwrap();
        let rank = |v: f64| (1..=100).find(|&r| sample.around_rank(r).is_some_and(|(a, b)| a <= v && v <= b)).unwrap();
        let (low, high) = (low * 1.01, high / 1.01);
        // Ranks 40 and 61 of 100: P(40 <= X < 61) = 0.9648 of X ~ Binomial(100, 1/2), by stats.binom.
        assert_eq!((rank(value), rank(low), rank(high)), (50, 40, 61));
        assert_eq!(quantile_with_interval(&Histogram::default(), 0.5), None);
        // All of five minutes: a limit of five minutes lies inside.
        let five = (1.02_f64.ln().recip() * 300_f64.ln()).floor() as i32 + 1000;
        let (_, low, high) = quantile_with_interval(&Histogram(vec![(five, 38)]), 0.9).unwrap();
        assert!(low <= 300.0 && 300.0 <= high && high / low < 1.021, "{low} {high}");
    }
}
