//! Values as text: how a rule compares, and what a key or a dimension holds. `true` equals "true", 1 equals "1" and 1.0
//! (numbers are written as RFC 8785 writes them, so that a value's text does not depend on who wrote the JSON).

use std::borrow::Cow;

use serde_json::{Number, Value};

/// A text, number or truth value as text; `None` for null, lists and objects.
pub fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Number(number) => Some(Cow::Owned(number_text(number))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A finite number, also one that was written as text.
pub fn as_number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    number.filter(|n| n.is_finite())
}

fn number_text(number: &Number) -> String {
    match number.as_f64() {
        // Whole numbers that a double holds exactly lose their `.0`.
        Some(n) if number.is_f64() && n.fract() == 0.0 && n.abs() < 9_007_199_254_740_992.0 => format!("{}", n as i64),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_have_one_text_however_they_are_written() {
        let text = |v: Value| as_text(&v).map(Cow::into_owned);
        assert_eq!(text(json!(1.0)), text(json!("1")));
        assert_eq!(text(json!(true)), text(json!("true")));
        assert_eq!(text(json!(0.5)).as_deref(), Some("0.5"));
        assert_eq!(text(json!(u64::MAX)).as_deref(), Some("18446744073709551615"));
        assert_eq!(text(json!(null)), None);
        assert_eq!(
            (as_number(&json!(" 12.5 ")), as_number(&json!("nan")), as_number(&json!([1]))),
            (Some(12.5), None, None)
        );
    }
}
