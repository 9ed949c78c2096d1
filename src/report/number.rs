//! Numbers as people read them: counts with thin groups, or what may be told of them, shares, lengths of time, rates with
//! their interval or bounds.

use std::time::Duration;

use super::words::Language;
use crate::compare::Rate;
use crate::compare::cell::Told;

/// Stands for what must not be told.
pub const UNTOLD: &str = "***";

/// `12 345`, groups parted by a no-break space; `<5` and `≥5` where no more may be told.
pub fn count(n: u64) -> String {
    match Told::of(n) {
        Told::Count(n) => grouped(n),
        Told::Below(bound) => format!("<{}", grouped(bound)),
        Told::AtLeast(bound) => format!("≥{}", grouped(bound)),
    }
}

fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(c);
    }
    out
}

/// `12.3 %`.
pub fn share(value: f64) -> String {
    let percent = value * 100.0;
    if percent > 0.0 && percent < 0.1 { "<0.1 %".to_owned() } else { format!("{percent:.1} %") }
}

/// A difference of shares in percentage points: `+4.2 pp`.
pub fn signed_points(value: f64) -> String {
    format!("{}{:.1} pp", if value < 0.0 { "−" } else { "+" }, (value * 100.0).abs())
}

/// A rate as a point, or as bounds where it is immature.
pub fn rate(rate: &Rate) -> String {
    match rate {
        Rate::Point { value, .. } => share(*value),
        Rate::Immature { low, high, .. } => format!("{} … {}", share(*low), share(*high)),
        Rate::None => "–".to_owned(),
        Rate::Untold => UNTOLD.to_owned(),
    }
}

/// The same without decimals that a small box has no room for: `50 … 100 %`.
pub fn rate_short(rate: &Rate) -> String {
    match rate {
        Rate::Immature { low, high, .. } => format!("{:.0} … {:.0} %", low * 100.0, high * 100.0),
        other => self::rate(other),
    }
}

/// What a rate rests on, for a tooltip or a note.
pub fn rate_note(rate: &Rate, language: Language) -> String {
    match rate {
        Rate::Point { n, low, high, .. } => {
            let words = language.pick("with 95 % confidence", "с уверенностью 95 %");
            format!("{words} {} – {}, n = {}", share(*low), share(*high), count(*n))
        }
        Rate::Immature { entered, .. } => {
            let (before, after) = (
                language.pick("bounds over", "границы по"),
                language.pick("journeys, not all decided yet", "путям, не все решены"),
            );
            format!("{before} {} {after}", count(*entered))
        }
        Rate::None | Rate::Untold => String::new(),
    }
}

/// Seconds as the two largest units: `3d 4h`, `12m`, `40s`.
pub fn seconds(value: f64, language: Language) -> String {
    let total = value.round() as u64;
    let units = [
        (86_400, language.pick("d", "д")),
        (3_600, language.pick("h", "ч")),
        (60, language.pick("m", "мин")),
        (1, language.pick("s", "с")),
    ];
    let Some(first) = units.iter().position(|(size, _)| total >= *size) else {
        return if value > 0.0 { format!("<1{}", units[3].1) } else { format!("0{}", units[3].1) };
    };
    let (size, name) = units[first];
    let mut out = format!("{}{name}", total / size);
    if let Some((small, small_name)) = units.get(first + 1) {
        let rest = total % size / small;
        if rest > 0 {
            out.push_str(&format!(" {rest}{small_name}"));
        }
    }
    out
}

pub fn optional_seconds(value: Option<f64>, language: Language) -> String {
    value.map_or_else(|| "–".to_owned(), |v| seconds(v, language))
}

pub fn limit(value: Option<Duration>, language: Language) -> String {
    value.map_or_else(|| "–".to_owned(), |d| seconds(d.as_secs_f64(), language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(count(1_234_567), "1\u{a0}234\u{a0}567");
        assert_eq!(count(12), "12");
        assert_eq!(share(0.4986), "49.9 %");
        assert_eq!(share(0.0001), "<0.1 %");
        assert_eq!(seconds(273_600.0, Language::English), "3d 4h");
        assert_eq!(seconds(0.0, Language::English), "0s");
        assert_eq!(seconds(3_600.0, Language::Russian), "1ч");
    }
}
