//! Limits that the schema engine compares as 64-bit floats although both sides are integers of 64 bits.
//!
//! Everything else within 64 bits it compares exactly. What lies beyond is kept as a float by the reader of messages,
//! so there is nothing exact left to compare; the document is told so at load ([`is_rounded`]).

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Number, Value};

/// A `multipleOf` that a float cannot hold.
pub(super) const MULTIPLE_OF: &str = "x-exact-multipleOf";
/// A `minimum` of -2^63, which greater magnitudes are rounded to.
pub(super) const MINIMUM: &str = "x-exact-minimum";

/// Integers up to here are floats, too.
const FLOAT_INTEGER_MAX: i128 = 1 << 53;
/// -2^63 as a float. The integer itself is read as an integer, so a float of this value was a smaller number.
pub(super) const ROUNDED_TO_I64_MIN: f64 = -9_223_372_036_854_775_808.0;

/// The keyword of the document that an internal one stands for.
pub(super) fn shown_keyword(keyword: &str) -> Option<&str> {
    keyword.strip_prefix("x-exact-")
}

/// What has to be compared exactly: the internal keyword and its limit, and whether it takes the place of the other.
pub(super) fn exact(keyword: &str, limit: &Value) -> Option<(&'static str, bool)> {
    let limit = integer(limit.as_number()?)?;
    match keyword {
        "multipleOf" if limit > FLOAT_INTEGER_MAX => Some((MULTIPLE_OF, true)),
        "minimum" if limit == i128::from(i64::MIN) => Some((MINIMUM, false)),
        _ => None,
    }
}

/// Whether a limit of a schema is beyond what is kept exactly.
pub(super) fn is_rounded(keyword: &str, limit: &Value) -> bool {
    let about_numbers =
        matches!(keyword, "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" | "const");
    let beyond =
        |value: &Value| value.is_f64() && value.as_f64().is_some_and(|value| value.abs() >= ROUNDED_TO_I64_MIN.abs());
    about_numbers && beyond(limit) || keyword == "enum" && limit.as_array().into_iter().flatten().any(beyond)
}

/// The number if it is written as an integer, and within 64 bits.
pub(super) fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// The keyword `multipleOf` of a large integer.
struct MultipleOf(i128);

/// The keyword `minimum` of -2^63.
struct Minimum;

/// Makes the `multipleOf` of one schema.
#[expect(clippy::unnecessary_wraps, reason = "the signature is the engine's")]
pub(super) fn multiple_of<'a>(
    _: &'a Map<String, Value>,
    value: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    let step = value.as_number().and_then(integer).filter(|step| *step > 0).unwrap_or(1);
    Ok(Box::new(MultipleOf(step)))
}

/// Makes the `minimum` of one schema.
#[expect(clippy::unnecessary_wraps, reason = "the signature is the engine's")]
pub(super) fn minimum<'a>(
    _: &'a Map<String, Value>,
    _: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    Ok(Box::new(Minimum))
}

impl<'i> Keyword<'i> for MultipleOf {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if Keyword::is_valid(self, instance) {
            return Ok(());
        }
        Err(ValidationError::custom(format!("{instance} is no multiple of {}", self.0)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        let Value::Number(number) = instance else { return true };
        match integer(number) {
            Some(value) => value % self.0 == 0,
            #[expect(clippy::cast_possible_truncation, reason = "integral and within i128")]
            None => number
                .as_f64()
                .is_some_and(|value| value.fract() == 0.0 && value.abs() < 1e38 && (value as i128) % self.0 == 0),
        }
    }
}

impl<'i> Keyword<'i> for Minimum {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if Keyword::is_valid(self, instance) {
            return Ok(());
        }
        Err(ValidationError::custom(format!("{instance} is less than {}", i64::MIN)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        !instance.is_f64() || instance.as_f64() != Some(ROUNDED_TO_I64_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn limits_that_floats_cannot_hold_are_told_apart_from_those_that_nothing_here_can() {
        assert_eq!(exact("multipleOf", &json!(9_007_199_254_740_993_u64)), Some((MULTIPLE_OF, true)));
        assert_eq!(exact("minimum", &json!(i64::MIN)), Some((MINIMUM, false)));
        for (keyword, limit) in [("multipleOf", json!(7)), ("multipleOf", json!(0.01)), ("minimum", json!(-1))] {
            assert_eq!(exact(keyword, &limit), None, "{keyword} {limit}");
        }
        for (keyword, limit) in [("maximum", json!(2e19)), ("minimum", json!(-1e19)), ("enum", json!(["a", 1e20]))] {
            assert!(is_rounded(keyword, &limit), "{keyword} {limit}");
        }
        for (keyword, limit) in [("maximum", json!(u64::MAX)), ("maximum", json!(1.5)), ("default", json!(1e20))] {
            assert!(!is_rounded(keyword, &limit), "{keyword} {limit}");
        }
    }
}
