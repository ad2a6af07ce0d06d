//! Strict JSON (RFC 8259) into values, with the keys that stand twice. It never builds a pointer unless it reports one.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::{Parsed, SyntaxError, char_boundary, pointer};

/// Levels of arrays and objects in a message body. Over it 400.
const MESSAGE_DEPTH_MAX: usize = 128;
/// Levels of arrays and objects in a document that is JSON. Over it the document is refused.
const DOCUMENT_DEPTH_MAX: usize = 512;
/// Members that stand twice which are told. Over it the rest is left out.
const DUPLICATES_MAX: usize = 100;

/// Reads a message body: any JSON value, UTF-8, nothing before or after it but white space.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, SyntaxError> {
    let text =
        std::str::from_utf8(bytes).map_err(|error| SyntaxError::new("the text is not UTF-8", error.valid_up_to()))?;
    if text.starts_with('\u{feff}') {
        return Err(SyntaxError::new("JSON must not begin with a byte order mark", 0));
    }
    parse_text(text, MESSAGE_DEPTH_MAX)
}

/// Reads a document that people wrote.
pub(super) fn parse_document(text: &str) -> Result<Parsed, SyntaxError> {
    parse_text(text, DOCUMENT_DEPTH_MAX)
}

fn parse_text(text: &str, depth_max: usize) -> Result<Parsed, SyntaxError> {
    let mut duplicate_keys = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // The seed counts levels itself, for serde_json knows one limit only.
    deserializer.disable_recursion_limit();
    let seed = Node { link: &Link::Root, depth_left: depth_max, depth_max, duplicate_keys: &mut duplicate_keys };
    let value = seed.deserialize(&mut deserializer).map_err(|error| located(&error, text))?;
    deserializer.end().map_err(|error| located(&error, text))?;
    Ok(Parsed { value, duplicate_keys })
}

/// One value to be read, and how it was reached.
struct Node<'a> {
    link: &'a Link<'a>,
    depth_left: usize,
    depth_max: usize,
    duplicate_keys: &'a mut Vec<String>,
}

enum Link<'a> {
    Root,
    Key(&'a Link<'a>, &'a str),
    Index(&'a Link<'a>, usize),
}

impl Link<'_> {
    fn pointer(&self, last: &str) -> String {
        let mut tokens = vec![last.to_owned()];
        let mut link = self;
        loop {
            link = match link {
                Link::Root => break,
                Link::Key(above, key) => {
                    tokens.push((*key).to_owned());
                    above
                }
                Link::Index(above, index) => {
                    tokens.push(index.to_string());
                    above
                }
            };
        }
        let mut text = String::new();
        tokens.iter().rev().for_each(|token| pointer::push(&mut text, token));
        text
    }
}

impl Node<'_> {
    fn below<E: de::Error>(&self) -> Result<usize, E> {
        let depth_max = self.depth_max;
        self.depth_left
            .checked_sub(1)
            .ok_or_else(|| E::custom(format_args!("the nesting is deeper than {depth_max} levels")))
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let depth_left = self.below()?;
        let mut items = Vec::new();
        loop {
            let link = Link::Index(self.link, items.len());
            let duplicate_keys = &mut *self.duplicate_keys;
            let node = Node { link: &link, depth_left, depth_max: self.depth_max, duplicate_keys };
            match access.next_element_seed(node)? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let depth_left = self.below()?;
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let link = Link::Key(self.link, &key);
            let duplicate_keys = &mut *self.duplicate_keys;
            let node = Node { link: &link, depth_left, depth_max: self.depth_max, duplicate_keys };
            let value = access.next_value_seed(node)?;
            match object.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(mut entry) => {
                    if self.duplicate_keys.len() < DUPLICATES_MAX {
                        self.duplicate_keys.push(self.link.pointer(entry.key()));
                    }
                    entry.insert(value);
                }
            }
        }
        Ok(Value::Object(object))
    }
}

/// serde_json tells line and column only; the text tells the offset.
fn located(error: &serde_json::Error, text: &str) -> SyntaxError {
    let (line, column) = (error.line(), error.column());
    let line_start = match line.checked_sub(2) {
        Some(breaks) => {
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').nth(breaks).map_or(0, |(at, _)| at + 1)
        }
        None => 0,
    };
    let message = error.to_string();
    let message = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message);
    let message = if message == "number out of range" {
        "the number is beyond the range of a 64-bit float".to_owned()
    } else {
        message.replace("EOF while", "unexpected end while")
    };
    let at_end = error.is_eof();
    let offset = if at_end { text.len() } else { (line_start + column).saturating_sub(1) };
    SyntaxError::new(message, char_boundary(text, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_read() {
        for text in [
            "null",
            " true\n",
            "-0.0",
            "18446744073709551615",
            "-9223372036854775808",
            "\"\\ud83d\\ude00/\"",
            "[]",
            "{\"\":[{}]}",
        ] {
            let parsed = parse(text.as_bytes()).unwrap();
            assert_eq!(parsed.value, serde_json::from_str::<Value>(text).unwrap(), "{text}");
            assert!(parsed.duplicate_keys.is_empty());
        }
    }

    #[test]
    fn the_last_of_two_equal_keys_counts_and_both_are_reported() {
        let parsed = parse(br#"{"a":1,"b":[{"x/y":1,"x/y":{"k":1,"k":2}}],"a":3}"#).unwrap();
        assert_eq!(parsed.value, serde_json::json!({"a": 3, "b": [{"x/y": {"k": 2}}]}));
        assert_eq!(parsed.duplicate_keys, ["/b/0/x~1y/k", "/b/0/x~1y", "/a"]);
    }

    #[test]
    fn what_is_not_json_is_refused_at_its_place() {
        let cases: &[(&[u8], &str, usize)] = &[
            (b"", "unexpected end while parsing a value", 0),
            (b"  ", "unexpected end while parsing a value", 2),
            (b"{\"a\": 1", "unexpected end while parsing an object", 7),
            (b"{\n  \"a\": nope}", "expected ident", 10),
            (b"[1,]", "trailing comma", 3),
            (b"{'a': 1}", "key must be a string", 1),
            (b"1 2", "trailing characters", 2),
            (b"01", "invalid number", 1),
            (b"NaN", "expected value", 0),
            (b"1e400", "the number is beyond the range of a 64-bit float", 4),
            (b"\"\xff\"", "the text is not UTF-8", 1),
            (b"\xef\xbb\xbf1", "JSON must not begin with a byte order mark", 0),
        ];
        for (bytes, message, offset) in cases {
            let error = parse(bytes).unwrap_err();
            assert_eq!((error.message.as_str(), error.offset), (*message, *offset), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(128).as_bytes()).is_ok());
        assert_eq!(parse(nested(129).as_bytes()).unwrap_err().message, "the nesting is deeper than 128 levels");
        assert!(parse_document(&nested(512)).is_ok());
        assert!(parse_document(&nested(513)).is_err());
        assert!(parse(&b"[".repeat(1_000_000)).is_err());
        assert!(parse(&b"{\"a\":".repeat(1_000_000)).is_err());
    }
}
