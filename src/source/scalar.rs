//! YAML 1.2's core schema (§10.3.2): which JSON value a scalar's text stands for. It never sees quotes, anchors or places.

use serde_json::{Number, Value};

/// The value of a plain scalar without a tag.
pub(super) fn resolve(text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Ok(Value::Null),
        "true" | "True" | "TRUE" => Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => Ok(Value::Bool(false)),
        _ if !text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) => Ok(text.into()),
        _ => Ok(number(text)?.map_or_else(|| text.into(), Value::Number)),
    }
}

/// The value of a scalar with the core schema's tag `!!kind`.
pub(super) fn tagged(kind: &str, text: &str) -> Result<Value, String> {
    let value = if kind == "str" { Value::String(text.to_owned()) } else { resolve(text)? };
    let value = match (kind, value) {
        ("str", value @ Value::String(_)) | ("null", value @ Value::Null) | ("bool", value @ Value::Bool(_)) => {
            Some(value)
        }
        ("int", Value::Number(number)) if !is_float(text) => Some(Value::Number(number)),
        ("float", Value::Number(number)) => number.as_f64().and_then(Number::from_f64).map(Value::Number),
        _ => None,
    };
    value.ok_or_else(|| format!("`{text}` is no `!!{kind}`"))
}

fn number(text: &str) -> Result<Option<Number>, String> {
    let (negative, unsigned) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(format!("`{text}` has no counterpart in JSON; quote it if a string is meant"));
    }
    if let Some((digits, radix)) = radix_digits(text) {
        return Ok(Some(
            u64::from_str_radix(digits, radix).map_or_else(|_| large(digits, radix), |number| Ok(number.into()))?,
        ));
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let exact =
            if negative { text.parse::<i64>().map(Number::from) } else { unsigned.parse::<u64>().map(Number::from) };
        return exact.map_or_else(|_| float(text), Ok).map(Some);
    }
    if is_float(text) { float(text).map(Some) } else { Ok(None) }
}

/// The digits after `0o` or `0x`, which take no sign.
fn radix_digits(text: &str) -> Option<(&str, u32)> {
    let (digits, radix) = match text.split_at_checked(2)? {
        ("0o", digits) => (digits, 8),
        ("0x", digits) => (digits, 16),
        _ => return None,
    };
    (!digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))).then_some((digits, radix))
}

fn large(digits: &str, radix: u32) -> Result<Number, String> {
    let value = digits
        .chars()
        .filter_map(|digit| digit.to_digit(radix))
        .fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit));
    Number::from_f64(value).ok_or_else(out_of_range)
}

fn float(text: &str) -> Result<Number, String> {
    text.parse().ok().and_then(Number::from_f64).ok_or_else(out_of_range)
}

fn out_of_range() -> String {
    "the number is beyond the range of a 64-bit float".to_owned()
}

/// Whether `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?` matches, and it is no integer.
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
        && !(whole.is_empty() && fraction.is_none_or(str::is_empty))
        && (fraction.is_some() || exponent.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_scalars_follow_the_core_schema_to_the_letter() {
        for (texts, value) in [
            (&["", "~", "null", "Null", "NULL"][..], Value::Null),
            (&["true", "True", "TRUE"], json!(true)),
            (&["false", "False", "FALSE"], json!(false)),
            (&["17", "017", "+17", "0o21", "0x11"], json!(17)),
            (&["0", "-0", "+0", "00"], json!(0)),
            (&["18446744073709551615", "0xffffffffffffffff"], json!(u64::MAX)),
            (&["-9223372036854775808"], json!(i64::MIN)),
            (&["18446744073709551616", "0x10000000000000000"], json!(18_446_744_073_709_551_616.0_f64)),
            (&["1.5", "+1.5", "15e-1", "15E-1", "1.50"], json!(1.5)),
            (&["1.", "1e0", "1.e0"], json!(1.0)),
            (&[".5", "0.5"], json!(0.5)),
        ] {
            for text in texts {
                assert_eq!(resolve(text), Ok(value.clone()), "{text}");
            }
        }
        for text in [
            "no",
            "on",
            "yes",
            "y",
            "nULL",
            "tRUE",
            "1_000",
            "0b1",
            "-0x1",
            "0o8",
            "0x",
            "0xg",
            "2020-01-01",
            "1:30",
            "-",
            "+",
            ".",
            "-.",
            ".e1",
            "1e",
            "1e+",
            "e1",
            "1.2.3",
            "--1",
            "+-1",
            "٣",
            "inf",
            "nan",
            "+.nan",
            "1 ",
            "3.1.0-x",
            "...",
            "NaN",
            "infinity",
            "-infinity",
        ] {
            assert_eq!(resolve(text), Ok(json!(text)), "{text}");
        }
        for text in
            [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e400", &"9".repeat(400), &format!("0x{}", "f".repeat(400))]
        {
            assert!(resolve(text).is_err(), "{text}");
        }
    }

    #[test]
    fn core_tags_hold_or_are_refused() {
        assert_eq!(tagged("str", "017"), Ok(json!("017")));
        assert_eq!(tagged("int", "017"), Ok(json!(17)));
        assert_eq!(tagged("float", "1"), Ok(json!(1.0)));
        assert_eq!(tagged("null", ""), Ok(Value::Null));
        assert_eq!(tagged("bool", "true"), Ok(json!(true)));
        for (kind, text) in
            [("int", "1.0"), ("int", "x"), ("float", "x"), ("null", "0"), ("bool", "yes"), ("seq", ""), ("map", "")]
        {
            assert_eq!(tagged(kind, text), Err(format!("`{text}` is no `!!{kind}`")));
        }
    }
}
