//! Strings: by format, by pattern, by length.

use super::Generator;
use super::merge::Merged;

/// Characters of one string that can be asked for.
const LENGTH_MAX: u64 = 100_000;
const WORDS: [&str; 8] = ["string", "lorem", "ipsum", "dolor", "sit", "amet", "elit", "tempor"];

impl Generator<'_> {
    pub(super) fn text(&mut self, merged: &Merged) -> Option<String> {
        if merged.length_min > merged.length_max || merged.length_min > LENGTH_MAX {
            return None;
        }
        if let Some(pattern) = merged.patterns.first() {
            return self.by_pattern(pattern, merged);
        }
        let number = if self.plain() { 0 } else { self.random() };
        if let Some(text) = merged.format.as_deref().and_then(|format| formatted(format, number))
            && (merged.length_min..=merged.length_max).contains(&(text.chars().count() as u64))
        {
            return Some(text);
        }
        let index = usize::try_from(number % WORDS.len() as u64).unwrap_or(0);
        let mut text = WORDS.get(index).copied().unwrap_or("string").to_owned();
        if self.attempt >= 1_000 {
            // Another string than those before is wanted.
            text.push_str(&number.to_string());
        }
        let mut length = text.chars().count() as u64;
        while length < merged.length_min {
            text.push(char::from(b'a' + u8::try_from(length % 26).unwrap_or(0)));
            length += 1;
        }
        let longest = usize::try_from(merged.length_max).unwrap_or(usize::MAX);
        if text.chars().count() > longest && self.attempt >= 1_000 {
            text = text.chars().rev().collect();
        }
        Some(text.chars().take(longest).collect())
    }

    fn by_pattern(&mut self, pattern: &str, merged: &Merged) -> Option<String> {
        const STRETCHES: [u64; 10] = [0, 1, 2, 3, 5, 8, 16, 32, 64, 256];
        let fits = |text: &String| (merged.length_min..=merged.length_max).contains(&(text.chars().count() as u64));
        let readable = if self.plain() { 1 } else { 0 };
        let start = usize::try_from(if self.attempt == 0 { readable } else { self.random() % 4 }).unwrap_or(0);
        let order = (start..STRETCHES.len()).chain(0..start);
        let mut last = None;
        for index in order {
            let made = self.matching(pattern, STRETCHES.get(index).copied().unwrap_or(0));
            if made.as_ref().is_some_and(fits) {
                return made;
            }
            last = last.or(made);
        }
        // Just long enough, for patterns that repeat one piece.
        let exact = self.matching(pattern, merged.length_min);
        exact.filter(fits).or(last)
    }
}

/// A value in a format; readable for 0, varied otherwise.
fn formatted(format: &str, number: u64) -> Option<String> {
    let small = number % 28 + 1;
    let hex = |salt: u64, digits: u32| {
        format!(
            "{:0>width$x}",
            (number.rotate_left(7).wrapping_mul(salt | 1)) & ((1_u64 << (digits * 4)) - 1),
            width = digits as usize
        )
    };
    let text = match format {
        "date-time" if number == 0 => "2022-01-16T06:26:49Z".to_owned(),
        "date-time" => format!("2022-02-{small:02}T06:{:02}:49Z", number % 60),
        "date" if number == 0 => "2022-01-16".to_owned(),
        "date" => format!("2022-02-{small:02}"),
        "time" => format!("06:{:02}:49Z", if number == 0 { 26 } else { number % 60 }),
        "duration" => format!("P{small}D"),
        "uuid" if number == 0 => "19b458d0-2b50-491c-8f13-65ec12f3978e".to_owned(),
        "uuid" => format!("{}-{}-4{}-8{}-{}", hex(3, 8), hex(5, 4), hex(7, 3), hex(11, 3), hex(13, 12)),
        "email" | "idn-email" => {
            if number == 0 {
                "user@example.com".to_owned()
            } else {
                format!("user{}@example.com", number % 1_000)
            }
        }
        "hostname" | "idn-hostname" => {
            if number == 0 {
                "example.com".to_owned()
            } else {
                format!("host{}.example.com", number % 1_000)
            }
        }
        "ipv4" => format!("192.0.2.{small}"),
        "ipv6" => format!("2001:db8::{small:x}"),
        "uri" | "iri" | "url" => {
            if number == 0 {
                "https://example.com/".to_owned()
            } else {
                format!("https://example.com/{}", number % 1_000)
            }
        }
        "uri-reference" | "iri-reference" => format!("/{}", number % 1_000),
        "uri-template" => "/things/{id}".to_owned(),
        "json-pointer" => format!("/{}", number % 1_000),
        "relative-json-pointer" => format!("{}", number % 10),
        "regex" => "^[a-z]+$".to_owned(),
        "byte" | "base64url" => {
            if number == 0 {
                "bW9jaw==".to_owned()
            } else {
                "aW5zdGFuY2U=".to_owned()
            }
        }
        "char" => char::from(b'a' + u8::try_from(number % 26).unwrap_or(0)).to_string(),
        "password" => "********".to_owned(),
        "int64" | "int32" => small.to_string(),
        _ => return None,
    };
    Some(text)
}
