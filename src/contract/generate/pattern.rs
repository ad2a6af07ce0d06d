//! Strings that match a regular expression.

use super::Generator;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Characters of a string made from one pattern. Over it none is made.
const LENGTH_MAX: usize = 20_000;
/// Expressions nested in one another in a pattern. Over it no string is made from it.
const NESTING_MAX: u32 = 64;

impl Generator<'_> {
    /// A string that likely matches; `stretch` says how often repetitions repeat beyond their least.
    pub(super) fn matching(&mut self, pattern: &str, stretch: u64) -> Option<String> {
        // The parser knows neither look-around nor back-references; without them the expression is mostly the same.
        let hir = parse(pattern).or_else(|| parse(&plain_syntax(pattern)))?;
        let mut text = String::new();
        self.write(&hir, stretch, &mut text)?;
        Some(text)
    }

    fn write(&mut self, hir: &Hir, stretch: u64, text: &mut String) -> Option<()> {
        if text.len() > LENGTH_MAX || !self.spend(1) {
            return None;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
            HirKind::Class(class) => text.push(self.member_of(class)?),
            HirKind::Capture(capture) => self.write(&capture.sub, stretch, text)?,
            HirKind::Concat(parts) => {
                for part in parts {
                    self.write(part, stretch, text)?;
                }
            }
            HirKind::Alternation(branches) => {
                let index = self.choose(branches.len());
                self.write(branches.get(index)?, stretch, text)?;
            }
            HirKind::Repetition(repetition) => {
                let least = u64::from(repetition.min);
                let most = repetition.max.map_or(u64::MAX, u64::from);
                for _ in 0..least.saturating_add(stretch).min(most) {
                    self.write(&repetition.sub, stretch.min(1), text)?;
                }
            }
        }
        Some(())
    }

    /// A character of a class: letters and digits before others, ASCII before the rest.
    fn member_of(&mut self, class: &Class) -> Option<char> {
        let holds = |character: char| match class {
            Class::Unicode(class) => {
                class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&character))
            }
            Class::Bytes(class) => u8::try_from(character)
                .is_ok_and(|byte| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&byte))),
        };
        let mut candidates: Vec<char> =
            ('a'..='z').chain('A'..='Z').chain('0'..='9').filter(|character| holds(*character)).collect();
        if candidates.is_empty() {
            candidates = ('!'..='~').chain([' ', '\t', '\n']).filter(|character| holds(*character)).collect();
        }
        if candidates.is_empty() {
            return match class {
                Class::Unicode(class) => class.ranges().first().map(regex_syntax::hir::ClassUnicodeRange::start),
                Class::Bytes(_) => None,
            };
        }
        let index =
            if self.plain() { 0 } else { usize::try_from(self.random() % candidates.len() as u64).unwrap_or(0) };
        candidates.get(index).copied()
    }
}

fn parse(pattern: &str) -> Option<Hir> {
    regex_syntax::ParserBuilder::new().utf8(false).nest_limit(NESTING_MAX).build().parse(pattern).ok()
}

/// One expression of several that a string must match, or must not.
pub(super) struct Conjunct {
    pub(super) pattern: String,
    pub(super) holds: bool,
}

/// A pattern as expressions without look-around: what looks ahead from the start becomes one of its own.
pub(super) fn conjuncts(pattern: &str) -> Vec<Conjunct> {
    let mut found = Vec::new();
    let anchored = pattern.starts_with('^');
    let anchor = if anchored { "^" } else { "" };
    let mut rest = pattern.strip_prefix('^').unwrap_or(pattern);
    while let Some(holds) = if rest.starts_with("(?=") {
        Some(true)
    } else if rest.starts_with("(?!") {
        Some(false)
    } else {
        None
    } {
        let end = group_end(rest);
        let Some(inner) = rest.get(3..end.saturating_sub(1)) else { break };
        // Nothing is known of where an unanchored expression begins that must not go on in some way.
        if holds || anchored {
            found.push(Conjunct { pattern: plain_syntax(&format!("{anchor}(?:{inner})")), holds });
        }
        rest = &rest[end..];
    }
    found.push(Conjunct { pattern: plain_syntax(&format!("{anchor}{rest}")), holds: true });
    found
}

/// The expression without look-around, and with groups themselves in place of references to them.
fn plain_syntax(pattern: &str) -> String {
    without_look_around(&without_back_references(pattern))
}

/// Where the group that the text begins with ends.
fn group_end(text: &str) -> usize {
    let (mut depth, mut escaped, mut set) = (0_usize, false, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => set = true,
            ']' => set = false,
            '(' if !set => depth += 1,
            ')' if !set => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// The expression without its look-ahead and look-behind groups.
fn without_look_around(pattern: &str) -> String {
    let mut output = String::new();
    let mut rest = pattern;
    while let Some(start) = ["(?=", "(?!", "(?<=", "(?<!"].iter().filter_map(|group| rest.find(group)).min() {
        output.push_str(&rest[..start]);
        rest = &rest[start + group_end(&rest[start..])..];
    }
    output.push_str(rest);
    output
}

/// The expression with each `\1` replaced by the group that it refers to: what it matches is near to what is wanted.
fn without_back_references(pattern: &str) -> String {
    let mut groups: Vec<&str> = Vec::new();
    let mut output = String::new();
    let mut characters = pattern.char_indices().peekable();
    let mut set = false;
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => {
                let Some((_, escaped)) = characters.next() else { break };
                let number = escaped.to_digit(10).filter(|number| *number > 0 && !set);
                match number.and_then(|number| groups.get(number as usize - 1)) {
                    Some(group) => output.push_str(&format!("(?:{group})")),
                    None => output.extend(['\\', escaped]),
                }
                continue;
            }
            '[' => set = true,
            ']' => set = false,
            '(' if !set => {
                let rest = &pattern[index..];
                let named = rest.starts_with("(?<") && !rest.starts_with("(?<=") && !rest.starts_with("(?<!");
                if !rest.starts_with("(?") || named {
                    let body = if named { rest.find('>').map_or(1, |end| end + 1) } else { 1 };
                    groups.push(rest.get(body..group_end(rest).saturating_sub(1)).unwrap_or_default());
                }
            }
            _ => {}
        }
        output.push(character);
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_ahead_from_the_start_becomes_an_expression_of_its_own() {
        let parts = |pattern: &str| -> Vec<(String, bool)> {
            conjuncts(pattern).into_iter().map(|part| (part.pattern, part.holds)).collect()
        };
        let part = |pattern: &str, holds| (pattern.to_owned(), holds);
        assert_eq!(
            parts("^(?=.*[A-Z)])(?!x).{2,}$"),
            [part("^(?:.*[A-Z)])", true), part("^(?:x)", false), part("^.{2,}$", true)]
        );
        assert_eq!(parts("^(a|b)\\1$"), [part("^(a|b)(?:a|b)$", true)]);
        assert_eq!(parts("a(?=b)"), [part("a", true)]);
    }
}
