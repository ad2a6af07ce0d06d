//! The number formats of OpenAPI's format registry, as a keyword: `format` callbacks see strings only.

use super::exact_number::{self, ROUNDED_TO_I64_MIN};
use super::lower::NUMBER_FORMAT;
use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Number, Value};

/// A range of numbers with a name.
pub(crate) struct NumberFormat {
    name: String,
}

/// Makes the keyword of one schema.
#[expect(clippy::unnecessary_wraps, reason = "the signature is the engine's")]
pub(crate) fn factory<'a>(
    _: &'a Map<String, Value>,
    value: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    Ok(Box::new(NumberFormat { name: value.as_str().unwrap_or_default().to_owned() }))
}

impl NumberFormat {
    /// The keyword of the document that stands behind an internal one.
    pub(crate) fn shown_keyword(keyword: &str) -> &str {
        if keyword == NUMBER_FORMAT { "format" } else { keyword }
    }

    fn covers(&self, number: &Number) -> bool {
        let within = |low: i128, high: i128| integer(number).is_some_and(|integer| (low..=high).contains(&integer));
        match self.name.as_str() {
            "int8" => within(i8::MIN.into(), i8::MAX.into()),
            "int16" => within(i16::MIN.into(), i16::MAX.into()),
            "int32" => within(i32::MIN.into(), i32::MAX.into()),
            "int64" => within(i64::MIN.into(), i64::MAX.into()),
            "uint8" => within(0, u8::MAX.into()),
            "uint16" => within(0, u16::MAX.into()),
            "uint32" => within(0, u32::MAX.into()),
            "uint64" => within(0, u64::MAX.into()),
            "float" => number.as_f64().is_some_and(|value| value.abs() <= f64::from(f32::MAX)),
            _ => true,
        }
    }
}

/// The number as an integer, if it is one: `1.0` is, by JSON Schema.
fn integer(number: &Number) -> Option<i128> {
    if let Some(value) = exact_number::integer(number) {
        return Some(value);
    }
    // A literal that is exactly -2^63 comes as an integer; one that only rounds to it lies outside.
    let value = number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() < 1e30)?;
    if value == ROUNDED_TO_I64_MIN {
        return Some(i128::from(i64::MIN) - 1);
    }
    #[expect(clippy::cast_possible_truncation, reason = "integral and far within i128")]
    Some(value as i128)
}

impl<'i> Keyword<'i> for NumberFormat {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if Keyword::is_valid(self, instance) {
            return Ok(());
        }
        Err(ValidationError::custom(format!("{instance} is no `{}`", self.name)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        match instance {
            Value::Number(number) => self.covers(number),
            _ => true,
        }
    }
}
