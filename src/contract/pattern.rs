//! Whether a regular expression (ECMA-262) can be used by the engine, and the repairs that keep its meaning.

use jsonschema::{Draft, PatternOptions, Registry};
use serde_json::json;
use std::collections::HashMap;

/// Bytes of a compiled regular expression. Over it the pattern is not used.
const REGEX_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Steps of the backtracking engine for one match of a regular expression; only look-around and back-references need it. Over it the value is refused.
const REGEX_STEPS_MAX: usize = 50_000;

/// The draft of a schema that is nothing but a reference. The engine compiles the meta-schema of a schema's draft before the
/// schema, and this one's is the smallest by far; what the reference leads to is of its own draft.
pub(super) const WRAPPER: Draft = Draft::Draft4;

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
        let translated = translated(pattern);
        let usable = match compiles(&translated) {
            Ok(()) => Ok(translated),
            Err(_) if compiles(pattern).is_ok() => Ok(pattern.to_owned()),
            Err(reason) => Err(reason),
        };
        self.known.insert(pattern.to_owned(), usable.clone());
        usable
    }
}

/// What judges whether texts, as JSON strings, match a lowered pattern; `None` if it cannot be used.
pub(crate) fn pattern_validator(pattern: &str) -> Option<jsonschema::Validator> {
    const URI: &str = "urn:pattern";
    let registry = Registry::new().draft(Draft::Draft202012).add(URI, json!({ "pattern": pattern })).ok()?;
    let registry = registry.prepare().ok()?;
    let options = jsonschema::options().with_draft(WRAPPER).with_registry(&registry);
    options.with_pattern_options(pattern_options()).build(&json!({ "$ref": URI })).ok()
}

fn compiles(pattern: &str) -> Result<(), String> {
    let built = pattern_validator(pattern).map(|_| ());
    built.ok_or_else(|| "it is no regular expression, or needs what the engine lacks".to_owned())
}

/// The pattern in the engine's own syntax, where that differs from ECMA-262's: escapes that mean something
/// else there, `[]` and `[^]`, and what Annex B lets stand unescaped (a `-` beside a class in a set, braces
/// that are no quantifier, needless escapes).
fn translated(pattern: &str) -> String {
    let characters: Vec<char> = pattern.chars().collect();
    let mut output = String::with_capacity(pattern.len() + 8);
    let (mut index, mut in_set) = (0, false);
    while let Some(&character) = characters.get(index) {
        let next = characters.get(index + 1).copied();
        match character {
            '\\' => index += escape(&characters, index, in_set, &mut output),
            '[' if !in_set && next == Some(']') => {
                output.push_str("[^\\s\\S]");
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
            '-' if in_set && next == Some('-') && index > 0 && characters.get(index - 1) != Some(&'[') => {
                output.push_str("-\\-");
                index += 1;
            }
            '&' | '~' | '-' if in_set && next == Some(character) => {
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

/// Writes the escape at `index`; gives how many characters after the backslash it took.
fn escape(characters: &[char], index: usize, in_set: bool, output: &mut String) -> usize {
    let Some(&escaped) = characters.get(index + 1) else {
        output.push('\\');
        return 0;
    };
    match escaped {
        // The engine's `\b` knows Unicode words; ECMA-262's knows ASCII ones.
        'b' | 'B' if !in_set => {
            output.push_str(&format!("(?-u:\\{escaped})"));
            1
        }
        'b' => {
            output.push_str("\\x08");
            1
        }
        '0' if !characters.get(index + 2).is_some_and(char::is_ascii_digit) => {
            output.push_str("\\x00");
            1
        }
        'u' => match surrogate_pair(characters, index) {
            Some(character) => {
                output.push_str(&format!("\\x{{{:X}}}", u32::from(character)));
                11
            }
            None => {
                output.push_str("\\u");
                1
            }
        },
        '/' => {
            output.push('/');
            1
        }
        syntax if syntax.is_ascii_alphanumeric() || "^$\\.*+?()[]{}|-".contains(syntax) => {
            output.push('\\');
            output.push(syntax);
            1
        }
        set_syntax @ ('&' | '~') if in_set => {
            output.push('\\');
            output.push(set_syntax);
            1
        }
        // Any other escape is the character itself; the engine gives some of them a meaning, such as `\<`.
        plain => {
            output.push(plain);
            1
        }
    }
}

/// The character that two `\uXXXX` in a row stand for together.
fn surrogate_pair(characters: &[char], index: usize) -> Option<char> {
    let unit = |at: usize| {
        let digits: String = characters.get(at + 2..at + 6)?.iter().collect();
        (characters.get(at) == Some(&'\\') && characters.get(at + 1) == Some(&'u'))
            .then(|| u16::from_str_radix(&digits, 16).ok())
            .flatten()
    };
    let pair = [unit(index)?, unit(index + 6)?];
    char::decode_utf16(pair).next()?.ok().filter(|character| u32::from(*character) > 0xFFFF)
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
