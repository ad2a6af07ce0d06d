//! Strings: by format, by pattern, by length; where these meet, by a search for what satisfies all.

use super::Generator;
use super::format::{formatted, grammar};
use super::merge::Merged;
use super::pattern::{Conjunct, conjuncts};
use super::search::Rule;

/// Characters of one string that a schema can ask an instance for. Over it none is made.
const LENGTH_MAX: u64 = 100_000;
const WORDS: [&str; 8] = ["string", "lorem", "ipsum", "dolor", "sit", "amet", "elit", "tempor"];
/// How often repetitions repeat beyond their least.
const STRETCHES: [u64; 10] = [0, 1, 2, 3, 5, 8, 16, 32, 64, 256];

impl Generator<'_> {
    pub(super) fn text(&mut self, merged: &Merged) -> Option<String> {
        if merged.length_min > merged.length_max || merged.length_min > LENGTH_MAX {
            return None;
        }
        let number = match self.ordinal {
            Some(ordinal) => ordinal.wrapping_add(1),
            None if self.plain() => 0,
            None => self.random(),
        };
        let fits = |text: &str| (merged.length_min..=merged.length_max).contains(&(text.chars().count() as u64));
        let readable = merged.format.as_deref().and_then(|format| formatted(format, number));
        if merged.patterns.is_empty() && merged.unpatterns.is_empty() {
            let unruled = merged.format.as_deref().and_then(grammar).is_none();
            let word = || unruled.then(|| self.word(merged, number));
            if let Some(text) = readable.clone().filter(|text| fits(text)).or_else(word) {
                // A text of its own takes all digits of the wanted instance's number.
                self.ordinal = self.ordinal.map(|_| 0);
                return Some(text);
            }
        }
        let plain: Option<&String> = merged.patterns.first().filter(|_| merged.patterns.len() == 1);
        let alone = merged.unpatterns.is_empty() && merged.format.as_deref().and_then(grammar).is_none();
        let conjuncts: Vec<Conjunct> = self.conjuncts(merged);
        if let Some(pattern) = plain.filter(|_| alone && conjuncts.len() == 1 && self.ordinal.is_none())
            && let Some(text) = self.stretched(pattern, merged)
        {
            return Some(text);
        }
        self.searched(merged, &conjuncts, readable, number)
    }

    /// A word of the wanted length.
    fn word(&self, merged: &Merged, number: u64) -> String {
        let index = usize::try_from(number % WORDS.len() as u64).unwrap_or(0);
        let mut text = WORDS.get(index).copied().unwrap_or("string").to_owned();
        if self.ordinal.is_some() {
            // Another string than those before is wanted.
            text.push_str(&number.to_string());
        }
        let mut length = text.chars().count() as u64;
        while length < merged.length_min {
            text.push(char::from(b'a' + u8::try_from(length % 26).unwrap_or(0)));
            length += 1;
        }
        let longest = usize::try_from(merged.length_max).unwrap_or(usize::MAX);
        if text.chars().count() > longest && number > 0 {
            // The end is what differs; short ones count through the letters.
            let mut rest = number - 1;
            return (0..longest)
                .map(|_| {
                    let letter = char::from(b'a' + u8::try_from(rest % 26).unwrap_or(0));
                    rest /= 26;
                    letter
                })
                .collect();
        }
        text.chars().take(longest).collect()
    }

    fn conjuncts(&self, merged: &Merged) -> Vec<Conjunct> {
        let mut all: Vec<Conjunct> = merged.patterns.iter().flat_map(|pattern| conjuncts(pattern)).collect();
        all.extend(merged.unpatterns.iter().map(|pattern| Conjunct { pattern: pattern.clone(), holds: false }));
        if let Some(grammar) = merged.format.as_deref().and_then(grammar) {
            all.push(Conjunct { pattern: grammar.to_owned(), holds: true });
        }
        all
    }

    /// A match of one pattern whose length fits, found by repeating its repetitions more or less often.
    fn stretched(&mut self, pattern: &str, merged: &Merged) -> Option<String> {
        let fits = |text: &String| (merged.length_min..=merged.length_max).contains(&(text.chars().count() as u64));
        let readable = if self.plain() { 1 } else { 0 };
        let start = usize::try_from(if self.attempt == 0 { readable } else { self.random() % 4 }).unwrap_or(0);
        for index in (start..STRETCHES.len()).chain(0..start) {
            let made = self.matching(pattern, STRETCHES.get(index).copied().unwrap_or(0));
            if made.as_ref().is_some_and(fits) {
                return made;
            }
        }
        // Just long enough, for patterns that repeat one piece.
        self.matching(pattern, merged.length_min).filter(fits)
    }

    /// A string that satisfies all conditions together, as near to a readable one as they let it be.
    fn searched(
        &mut self,
        merged: &Merged,
        conjuncts: &[Conjunct],
        readable: Option<String>,
        number: u64,
    ) -> Option<String> {
        let mut rules: Vec<Rule> = Vec::new();
        for conjunct in conjuncts {
            rules.extend(self.rule(conjunct));
        }
        let fits = |text: &str| (merged.length_min..=merged.length_max).contains(&(text.chars().count() as u64));
        let mut hints: Vec<String> = readable.into_iter().collect();
        for pattern in &merged.patterns {
            hints.extend(self.matching(pattern, 1));
        }
        let word = self.word(merged, number);
        if let Some(piece) = hints.first().cloned() {
            // What an unanchored pattern leaves open is filled with a word.
            let missing = usize::try_from(merged.length_min).unwrap_or(0).saturating_sub(piece.chars().count());
            let filler: String = word.chars().cycle().take(missing).collect();
            hints.push(format!("{piece}{filler}"));
            hints.push(format!("{filler}{piece}"));
        }
        hints.push(word);
        if let Some(found) = hints.iter().find(|hint| fits(hint) && self.holds(&mut rules, hint)) {
            return Some(found.clone());
        }
        let hint = hints.first().cloned().unwrap_or_default();
        self.search(&mut rules, (merged.length_min, merged.length_max), &hint)
    }
}
