//! Strings that match a regular expression.

use super::Generator;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Characters of one made string.
const LENGTH_MAX: usize = 20_000;
/// Expressions nested in one another.
const NESTING_MAX: u32 = 64;

impl Generator<'_> {
    /// A string that likely matches; `stretch` says how often repetitions repeat beyond their least.
    pub(super) fn matching(&mut self, pattern: &str, stretch: u64) -> Option<String> {
        let parse = |pattern: &str| {
            regex_syntax::ParserBuilder::new().utf8(false).nest_limit(NESTING_MAX).build().parse(pattern).ok()
        };
        // The parser knows no look-around; without it the expression is mostly the same.
        let hir = parse(pattern).or_else(|| parse(&without_look_around(pattern)))?;
        let mut text = String::new();
        self.write(&hir, stretch, &mut text)?;
        Some(text)
    }

    fn write(&mut self, hir: &Hir, stretch: u64, text: &mut String) -> Option<()> {
        self.steps = self.steps.saturating_sub(1);
        if text.len() > LENGTH_MAX || self.steps == 0 {
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

/// The expression without its look-ahead and look-behind groups.
fn without_look_around(pattern: &str) -> String {
    let mut output = String::new();
    let mut rest = pattern;
    while let Some(start) = ["(?=", "(?!", "(?<=", "(?<!"].iter().filter_map(|group| rest.find(group)).min() {
        output.push_str(&rest[..start]);
        let (mut depth, mut escaped, mut end) = (0_usize, false, rest.len());
        for (index, character) in rest[start..].char_indices() {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '(' => depth += 1,
                ')' => {
                    depth -= 1;
                    if depth == 0 {
                        end = start + index + 1;
                        break;
                    }
                }
                _ => {}
            }
        }
        rest = &rest[end..];
    }
    output.push_str(rest);
    output
}
