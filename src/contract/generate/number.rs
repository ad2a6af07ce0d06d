//! Numbers within bounds, and multiples of decimals without rounding.

use super::Generator;
use super::merge::Merged;
use serde_json::{Number, Value};

/// Decimal places that a step may have.
const PLACES_MAX: usize = 12;

impl Generator<'_> {
    pub(super) fn number(&mut self, merged: &Merged, integer: bool) -> Option<Value> {
        let integer = integer || merged.number_format.as_deref().is_some_and(|format| format.contains("int"));
        if let Some(step) = merged.multiples.first() {
            return self.multiple(step, merged, integer);
        }
        if integer { self.integer(merged) } else { self.fraction(merged) }
    }

    fn integer(&mut self, merged: &Merged) -> Option<Value> {
        let (low, high) = integer_bounds(merged);
        if low > high {
            return None;
        }
        let value = if self.ordinal.is_some() {
            let start = if merged.minimum.is_some() { low } else { 1.clamp(low, high) };
            let count = u64::try_from(high - start + 1).unwrap_or(u64::MAX);
            start + i128::from(self.digit(count).unwrap_or(0))
        } else if self.plain() {
            // The most readable one: 1 where it is allowed, else the bound nearest to it.
            1.clamp(low, high)
        } else {
            let span = u128::try_from(high - low).ok()?.min(1_000);
            low.clamp(i128::from(i64::MIN), i128::from(i64::MAX)).max(if low < -1_000_000 {
                0.min(high - 1_000).max(low)
            } else {
                low
            }) + i128::try_from(u128::from(self.random()) % (span + 1)).ok()?
        };
        // A forbidden value gives way to its neighbours.
        let beside = (0..=merged.forbidden.len() as i128).flat_map(|step| [value + step, value - step]);
        beside
            .filter(|value| (low..=high).contains(value))
            .filter_map(number)
            .find(|value| !merged.forbidden.contains(value))
    }

    fn fraction(&mut self, merged: &Merged) -> Option<Value> {
        let (low, low_exclusive) = merged.minimum.unwrap_or((f64::NEG_INFINITY, false));
        let (high, high_exclusive) = merged.maximum.unwrap_or((f64::INFINITY, false));
        let fits = |value: f64| {
            (if low_exclusive { value > low } else { value >= low })
                && (if high_exclusive { value < high } else { value <= high })
        };
        let turn = match self.ordinal {
            Some(_) => self.digit(10_000).unwrap_or(0),
            None => self.random() % 10_000,
        };
        #[expect(clippy::cast_precision_loss, reason = "any number will do")]
        let random = turn as f64 / 100.0;
        let span = if low.is_finite() && high.is_finite() { high - low } else { 100.0 };
        let start = if low.is_finite() {
            low
        } else if high.is_finite() {
            high - span
        } else {
            0.0
        };
        let mut candidates = vec![
            start + span * random / 100.0,
            1.5,
            1.0,
            0.0,
            low,
            high,
            low + span / 2.0,
            low + 1.0,
            high - 1.0,
            -1.0,
        ];
        if self.plain() {
            candidates.rotate_left(1);
        }
        let forbidden = |value: f64| merged.forbidden.iter().any(|other| other.as_f64() == Some(value));
        let value = candidates.into_iter().find(|value| value.is_finite() && fits(*value) && !forbidden(*value))?;
        // A whole number is written as one.
        #[expect(clippy::cast_possible_truncation, reason = "integral and small")]
        if value.fract() == 0.0 && value.abs() < 1e15 {
            return Some(Value::from(value as i64));
        }
        Number::from_f64(value).map(Value::Number)
    }

    /// A multiple of `step` within the bounds, reckoned in whole units of the step's last decimal place.
    fn multiple(&mut self, step: &str, merged: &Merged, integer: bool) -> Option<Value> {
        let (mut unit, mut places) = scaled(step)?;
        for other in merged.multiples.iter().skip(1) {
            // Both in units of the finer one's last place.
            let (mut other, other_places) = scaled(other)?;
            let finer = places.max(other_places);
            unit = unit.checked_mul(10_i128.checked_pow(u32::try_from(finer - places).ok()?)?)?;
            other = other.checked_mul(10_i128.checked_pow(u32::try_from(finer - other_places).ok()?)?)?;
            (unit, places) = (least_common(unit, other)?, finer);
        }
        let scale = 10_i128.checked_pow(u32::try_from(places).ok()?)?;
        if integer {
            unit = least_common(unit, scale)?;
        }
        let low = lower_units(merged, scale).unwrap_or(if self.plain() { unit } else { 0 });
        let mut units = low.div_euclid(unit) * unit;
        if units < low {
            units += unit;
        }
        let upper = upper_units(merged, scale);
        if merged.minimum.is_none() && upper.is_some_and(|upper| units > upper) {
            units = upper?.div_euclid(unit) * unit;
        }
        if !self.plain() {
            let turn = match self.ordinal {
                Some(_) => {
                    let count = upper.map_or(u64::MAX, |upper| u64::try_from((upper - units) / unit + 1).unwrap_or(1));
                    self.digit(count).unwrap_or(0)
                }
                None => self.random() % 10,
            };
            let varied = units.checked_add(unit.checked_mul(i128::from(turn))?)?;
            if upper.is_none_or(|upper| varied <= upper) {
                units = varied;
            }
        }
        decimal(units, places)
    }
}

fn number(value: i128) -> Option<Value> {
    i64::try_from(value).map(Value::from).ok().or_else(|| u64::try_from(value).map(Value::from).ok())
}

fn integer_bounds(merged: &Merged) -> (i128, i128) {
    #[expect(clippy::cast_possible_truncation, reason = "bounded before")]
    let floor = |value: f64| value.clamp(-1e20, 1e20).floor() as i128;
    let low = merged.exact_minimum.or_else(|| {
        merged.minimum.map(|(limit, exclusive)| -floor(-limit) + i128::from(exclusive && limit.fract() == 0.0))
    });
    let high = merged.exact_maximum.or_else(|| {
        merged.maximum.map(|(limit, exclusive)| floor(limit) - i128::from(exclusive && limit.fract() == 0.0))
    });
    let (format_low, format_high) = match merged.number_format.as_deref() {
        Some("int8") => (i128::from(i8::MIN), i128::from(i8::MAX)),
        Some("int16") => (i128::from(i16::MIN), i128::from(i16::MAX)),
        Some("int32") => (i128::from(i32::MIN), i128::from(i32::MAX)),
        Some("uint8" | "uint16" | "uint32" | "uint64") => (0, 255),
        _ => (i128::from(i64::MIN), i128::from(u64::MAX)),
    };
    (low.map_or(format_low, |low| low.max(format_low)), high.map_or(format_high, |high| high.min(format_high)))
}

/// The bound in units of 1/scale, rounded into the range.
fn lower_units(merged: &Merged, scale: i128) -> Option<i128> {
    let (limit, exclusive) = merged.minimum?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the validator has the last word")]
    let units = merged.exact_minimum.map_or_else(
        || (limit * scale as f64).round() as i128 + i128::from(exclusive),
        |exact| if exclusive { (exact - 1) * scale + 1 } else { exact * scale },
    );
    Some(units)
}

fn upper_units(merged: &Merged, scale: i128) -> Option<i128> {
    let (limit, exclusive) = merged.maximum?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the validator has the last word")]
    let units = merged.exact_maximum.map_or_else(
        || (limit * scale as f64).round() as i128 - i128::from(exclusive),
        |exact| if exclusive { (exact + 1) * scale - 1 } else { exact * scale },
    );
    Some(units)
}

/// A decimal literal as a whole number of its last place.
fn scaled(text: &str) -> Option<(i128, usize)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let places = i32::try_from(fraction.len()).ok()? - exponent;
    if places <= 0 {
        return Some((digits.checked_mul(10_i128.checked_pow(u32::try_from(-places).ok()?)?)?, 0))
            .filter(|(units, _)| *units > 0);
    }
    let places = usize::try_from(places).ok()?;
    (digits > 0 && places <= PLACES_MAX).then_some((digits, places))
}

fn decimal(units: i128, places: usize) -> Option<Value> {
    if places == 0 {
        return number(units);
    }
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    let text = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
    serde_json::from_str(&text).ok()
}

fn least_common(a: i128, b: i128) -> Option<i128> {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x).checked_mul(b)
}
