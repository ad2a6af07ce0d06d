//! Whether a regular expression (ECMA-262) can be used by the engine, and the repairs that keep its meaning.

use jsonschema::PatternOptions;
use serde_json::json;
use std::collections::HashMap;

/// Bytes of a compiled expression. Over it the pattern is not used.
const REGEX_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Steps of the backtracking engine for one match; only look-around and back-references need it. Over it the value is refused.
const REGEX_STEPS_MAX: usize = 50_000;

/// The options under which every pattern is compiled.
pub(crate) fn pattern_options() -> PatternOptions<jsonschema::FancyRegex> {
    PatternOptions::fancy_regex().size_limit(REGEX_BYTES_MAX).backtrack_limit(REGEX_STEPS_MAX)
}

/// What has been found out about the patterns of one contract.
#[derive(Default)]
pub(crate) struct Patterns {
    known: HashMap<String, Result<String, String>>,
}

impl Patterns {
    /// The pattern, or one with the same meaning that the engine can compile; else why not.
    pub(crate) fn usable(&mut self, pattern: &str) -> Result<String, String> {
        if let Some(known) = self.known.get(pattern) {
            return known.clone();
        }
        let repaired = repaired(pattern);
        let usable = match compiles(pattern) {
            Ok(()) => Ok(pattern.to_owned()),
            Err(_) if compiles(&repaired).is_ok() => Ok(repaired),
            Err(reason) => Err(reason),
        };
        self.known.insert(pattern.to_owned(), usable.clone());
        usable
    }
}

fn compiles(pattern: &str) -> Result<(), String> {
    let built = jsonschema::options().with_pattern_options(pattern_options()).build(&json!({ "pattern": pattern }));
    built.map(|_| ()).map_err(|_| "it is no regular expression, or needs what the engine lacks".to_owned())
}

/// ECMA-262 Annex B lets some characters stand unescaped that both engines refuse: a `-` beside a class
/// in a set, `[^]` for any character, braces that are no quantifier, and needless escapes.
fn repaired(pattern: &str) -> String {
    let characters: Vec<char> = pattern.chars().collect();
    let mut output = String::with_capacity(pattern.len() + 8);
    let (mut index, mut in_set) = (0, false);
    while let Some(&character) = characters.get(index) {
        let next = characters.get(index + 1).copied();
        match character {
            '\\' => {
                let escaped = next.unwrap_or('\\');
                if escaped.is_ascii_alphanumeric() || !needless(escaped) {
                    output.push('\\');
                }
                output.push(escaped);
                index += 1;
            }
            '[' if !in_set && next == Some('^') && characters.get(index + 2) == Some(&']') => {
                output.push_str("[\\s\\S]");
                index += 2;
            }
            '[' if !in_set => {
                in_set = true;
                output.push('[');
                if next == Some('^') {
                    output.push('^');
                    index += 1;
                }
            }
            '[' => output.push_str("\\["),
            ']' if in_set => {
                in_set = false;
                output.push(']');
            }
            '-' if in_set && beside_class(&characters, index) => output.push_str("\\-"),
            '&' | '~' if in_set && next == Some(character) => {
                output.push('\\');
                output.push(character);
            }
            '{' if !in_set && !is_quantifier(&characters, index) => output.push_str("\\{"),
            '}' if !in_set && !closes_quantifier(&characters, index) => output.push_str("\\}"),
            ']' => output.push_str("\\]"),
            other => output.push(other),
        }
        index += 1;
    }
    output
}

/// Escapes that ECMA-262 takes as the character itself outside of the `u` flag.
fn needless(escaped: char) -> bool {
    matches!(escaped, '\'' | '"' | ' ' | ':' | ';' | '=' | '@' | '<' | '>' | '!' | '%' | '_' | '`' | ',')
        || !escaped.is_ascii()
}

fn beside_class(characters: &[char], index: usize) -> bool {
    let class = |at: usize| {
        characters.get(at) == Some(&'\\') && matches!(characters.get(at + 1), Some('w' | 'W' | 'd' | 'D' | 's' | 'S'))
    };
    class(index + 1) || index >= 2 && class(index - 2)
}

fn is_quantifier(characters: &[char], index: usize) -> bool {
    let Some(rest) = characters.get(index + 1..) else { return false };
    let Some(end) = rest.iter().position(|character| *character == '}') else { return false };
    let body: String = rest.iter().take(end).collect();
    let (low, high) = body.split_once(',').unwrap_or((&body, ""));
    let digits = |text: &str| text.chars().all(|character| character.is_ascii_digit());
    index > 0 && !low.is_empty() && digits(low) && digits(high)
}

fn closes_quantifier(characters: &[char], index: usize) -> bool {
    let Some(before) = characters.get(..index) else { return false };
    // `\p{L}` and `\u{1F600}` close a brace, too.
    before.iter().rposition(|character| *character == '{').is_some_and(|open| {
        is_quantifier(characters, open)
            || open >= 2
                && characters.get(open - 2) == Some(&'\\')
                && matches!(characters.get(open - 1), Some('p' | 'P' | 'u' | 'x' | 'k'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annex_b_habits_are_repaired_and_nonsense_is_refused() {
        let mut patterns = Patterns::default();
        for pattern in [
            "^[\\w-.]+$",
            "[^]",
            "^{a}$",
            "a\\:b",
            "^[\\w-]+$",
            "^\\d{3}$",
            "[[]",
            "^\\p{L}+$",
            "(?=a)a",
            "x]",
            "[a&&b]",
            "\\@",
        ] {
            assert!(patterns.usable(pattern).is_ok(), "{pattern}");
        }
        for pattern in ["[", "(", "*a", "a{2,1}"] {
            assert!(patterns.usable(pattern).is_err(), "{pattern}");
        }
    }
}
