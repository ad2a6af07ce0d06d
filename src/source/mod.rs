//! Text files and where things stand in them: parsing JSON and YAML, and finding the bytes that a JSON Pointer
//! leads to. The lowest room: it knows neither diagnostics nor what a file is for, and reads no file system.

pub(crate) mod json;
mod json_spans;
pub(crate) mod pointer;
mod scalar;
mod spans;
mod yaml;
mod yaml_spans;
pub(crate) mod yaml_text;

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use serde_json::Value;
use spans::Spans;

/// A text with the name that people know it by.
pub struct SourceFile {
    name: String,
    text: String,
    format: Format,
    lines: OnceLock<Lines>,
    spans: OnceLock<Spans>,
    /// Where parsing failed: every pointer then leads there.
    broken_at: OnceLock<usize>,
    /// Line and column of pointers that were asked for, of keys and of values: refusals name the same ones again and again.
    places: [RwLock<HashMap<String, (usize, usize)>>; 2],
}

/// What a text held.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The value; of two equal keys the last one counts.
    pub value: Value,
    /// JSON Pointers of the keys that stand more than once in their mapping.
    pub duplicate_keys: Vec<String>,
}

/// Why a text could not be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// One sentence, lower case.
    pub message: String,
    /// Where, in bytes.
    pub offset: usize,
}

/// Which half of a member is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Focus {
    /// The member's name.
    Key,
    /// The member's value.
    Value,
}

/// A place in a file.
#[derive(Clone)]
pub struct Location {
    /// The file.
    pub file: Arc<SourceFile>,
    /// JSON Pointer (RFC 6901) to a value in it.
    pub pointer: String,
    /// Whether the value or its key is meant.
    pub focus: Focus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Yaml,
}

impl SourceFile {
    /// A file; a byte order mark at the text's beginning is left out.
    ///
    /// The format follows the name's extension; without `.json`, `.yaml` or `.yml` a text that begins with `{` or `[` is JSON.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let (name, mut text) = (name.into(), text.into());
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let format = Format::of(&name, &text);
        Self::of_format(name, text, format)
    }

    fn of_format(name: String, text: String, format: Format) -> Arc<Self> {
        let (lines, spans, broken_at) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Arc::new(Self { name, text, format, lines, spans, broken_at, places: Default::default() })
    }

    /// A file that is JSON whatever its name says.
    pub(crate) fn json(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Self::of_format(name.into(), text.into(), Format::Json)
    }

    /// The name shown to people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads the text.
    ///
    /// # Errors
    /// The text is not well-formed JSON or YAML 1.2 (core schema), goes over a limit, or holds what JSON cannot say.
    /// From then on, every pointer leads to the place of the error.
    pub fn parse(&self) -> Result<Parsed, SyntaxError> {
        let result = match self.format {
            Format::Json => json::parse_document(&self.text),
            Format::Yaml => yaml::parse(&self.text),
        };
        result.inspect_err(|error| {
            // A second parse fails at the same place.
            let _ = self.broken_at.set(error.offset);
        })
    }

    /// The bytes of the key or the value at `pointer`, or at its nearest ancestor that exists; at most one line, for carets.
    ///
    /// A container that does not fit on a line is shown by its key, or else by its first line.
    pub fn span(&self, pointer: &str, focus: Focus) -> Range<usize> {
        if let Some(offset) = self.broken_at.get() {
            let start = char_boundary(&self.text, *offset);
            let width = self.text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
            return start..start + width;
        }
        let spans = self.spans.get_or_init(|| match self.format {
            Format::Json => json_spans::scan(&self.text),
            Format::Yaml => yaml_spans::scan(&self.text),
        });
        spans.find(&self.text, pointer, focus)
    }

    /// Line and column of the byte at `offset`, from 1, columns in characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = char_boundary(&self.text, offset);
        let lines = self.lines.get_or_init(|| Lines::of(&self.text));
        let line = lines.starts.partition_point(|start| *start <= offset).max(1);
        let start = lines.starts.get(line - 1).copied().unwrap_or(0);
        let column = lines.characters(&self.text, offset) - lines.characters(&self.text, start);
        (line, column + 1)
    }
}

/// Where the lines of a text begin, and how many characters there are before places in it: a line may be the whole text.
#[derive(Debug)]
struct Lines {
    starts: Vec<usize>,
    /// The characters before every so many bytes, and in all.
    before: Vec<usize>,
}

impl Lines {
    const STEP: usize = 4_096;

    fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        let end: &[u8] = &[];
        let steps = text.as_bytes().chunks(Self::STEP).chain([end]).scan(0, |before, step| {
            let here = *before;
            *before += beginnings(step);
            Some(here)
        });
        Self { starts, before: steps.collect() }
    }

    /// How many characters there are before a byte that begins one, or the text's end.
    fn characters(&self, text: &str, offset: usize) -> usize {
        let step = offset / Self::STEP;
        let rest = text.as_bytes().get(step * Self::STEP..offset).map_or(0, beginnings);
        self.before.get(step).map_or(0, |before| before + rest)
    }
}

/// How many characters begin in a piece of UTF-8.
fn beginnings(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// `offset`, or the nearest place before it that is not inside a character of `text`, or its end.
pub(crate) fn char_boundary(text: &str, offset: usize) -> usize {
    let mut boundary = offset.min(text.len());
    while !text.is_char_boundary(boundary) {
        boundary -= 1;
    }
    boundary
}

impl Format {
    fn of(name: &str, text: &str) -> Self {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        if extension.eq_ignore_ascii_case("json") {
            Self::Json
        } else if ["yaml", "yml"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
            Self::Yaml
        } else if text.trim_start().starts_with(['{', '[']) {
            Self::Json
        } else {
            Self::Yaml
        }
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile").field("name", &self.name).field("format", &self.format).finish_non_exhaustive()
    }
}

impl SyntaxError {
    pub(crate) fn new(message: impl Into<String>, offset: usize) -> Self {
        Self { message: message.into(), offset }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}

impl Location {
    /// The place of the key or the value at `pointer`.
    pub fn new(file: Arc<SourceFile>, pointer: impl Into<String>, focus: Focus) -> Self {
        Self { file, pointer: pointer.into(), focus }
    }

    /// The bytes to underline.
    pub fn span(&self) -> Range<usize> {
        self.file.span(&self.pointer, self.focus)
    }

    /// Line and column, from 1, columns in characters.
    pub fn line_column(&self) -> (usize, usize) {
        const PLACES_MAX: usize = 4_096;
        let places = &self.file.places[usize::from(self.focus == Focus::Value)];
        let known = places.read().unwrap_or_else(PoisonError::into_inner).get(&self.pointer).copied();
        known.unwrap_or_else(|| {
            let found = self.file.line_column(self.span().start);
            let mut places = places.write().unwrap_or_else(PoisonError::into_inner);
            if places.len() < PLACES_MAX {
                places.insert(self.pointer.clone(), found);
            }
            found
        })
    }
}

impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        self.file.name == other.file.name && self.pointer == other.pointer && self.focus == other.focus
    }
}

impl Eq for Location {}

impl Hash for Location {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.file.name, &self.pointer, self.focus).hash(state);
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({:?} {:?} {:?})", self.file.name, self.pointer, self.focus)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.file.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_however_long_the_line_is() {
        let text = format!("ä\n{}\n{}", "ö€𝄞x".repeat(3_000), "é".repeat(4_096));
        let file = SourceFile::new("a.json", text.clone());
        let mut place = (1, 1);
        for (offset, character) in text.char_indices() {
            assert_eq!(file.line_column(offset), place, "{offset}");
            place = if character == '\n' { (place.0 + 1, 1) } else { (place.0, place.1 + 1) };
        }
        assert_eq!(file.line_column(text.len()), place);
        assert_eq!(SourceFile::new("b.json", "x".repeat(8_192)).line_column(8_192), (1, 8_193));
        assert_eq!(SourceFile::new("c.json", "").line_column(0), (1, 1));
    }

    #[test]
    fn the_format_follows_the_extension_then_the_text() {
        for (name, text, format) in [
            ("a.json", "a: 1", Format::Json),
            ("a.YML", "{}", Format::Yaml),
            ("a.yaml", "[1]", Format::Yaml),
            ("request body", "\n {\"a\": 1}", Format::Json),
            ("request body", "\u{feff}[]", Format::Json),
            ("stdin", "openapi: 3.1.0", Format::Yaml),
        ] {
            assert_eq!(SourceFile::new(name, text).format, format, "{name} {text}");
        }
    }

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let file = SourceFile::new("a.yaml", "\u{feff}é: 1\r\nb: ü\n");
        for (offset, place) in
            [(0, (1, 1)), (1, (1, 1)), (2, (1, 2)), (7, (2, 1)), (10, (2, 4)), (12, (2, 5)), (13, (3, 1)), (99, (3, 1))]
        {
            assert_eq!(file.line_column(offset), place, "{offset}");
        }
        assert_eq!(SourceFile::new("", "").line_column(7), (1, 1));
    }

    #[test]
    fn in_a_broken_file_every_pointer_leads_to_the_error() {
        for (name, text, place) in
            [("a.json", "{\n  \"a\": é}", "a.json:2:8"), ("a.yaml", "a: 1\nb: [1\n", "a.yaml:2:4"), ("b", "[", "b:1:2")]
        {
            let file = SourceFile::new(name, text);
            let error = file.parse().unwrap_err();
            assert_eq!(Location::new(file, "/a/b", Focus::Value).to_string(), place, "{error}");
        }
    }

    #[test]
    fn a_location_is_its_file_name_pointer_and_focus() {
        let at = |text: &str, focus| Location::new(SourceFile::new("a.yaml", text), "/a", focus);
        assert_eq!(at("a: 1", Focus::Value), at("\na: 1", Focus::Value));
        assert_ne!(at("a: 1", Focus::Value), at("a: 1", Focus::Key));
        assert_eq!(at("a: 1", Focus::Value).to_string(), "a.yaml:1:4");
    }
}
