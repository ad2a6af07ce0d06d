//! Spans of a JSON text that is already known to be well-formed; of any other text, the spans up to where it breaks.

use std::ops::Range;

use super::spans::{Builder, Kind, Spans};

/// Finds the span of every key and value.
pub(super) fn scan(text: &str) -> Spans {
    let bytes = text.as_bytes();
    let mut builder = Builder::default();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                builder.begin(at, if *byte == b'{' { Kind::Mapping(Vec::new()) } else { Kind::Sequence(Vec::new()) });
                at += 1;
            }
            b'}' | b']' => {
                at += 1;
                builder.end(at);
            }
            b'"' => {
                let span = at..string_end(bytes, at);
                at = span.end;
                if builder.wants_key() {
                    builder.key(unquoted(text, &span), span);
                } else {
                    builder.leaf(span, Kind::Scalar);
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => at += 1,
            _ => {
                let rest = bytes.get(at..).unwrap_or_default();
                let length = rest.iter().position(|byte| b" \t\r\n,:{}[]\"".contains(byte)).unwrap_or(rest.len());
                builder.leaf(at..at + length, Kind::Scalar);
                at += length;
            }
        }
    }
    builder.finish()
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn unquoted(text: &str, span: &Range<usize>) -> String {
    text.get(span.clone()).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::source::{Focus, SourceFile};

    #[test]
    fn pointers_lead_to_keys_and_values() {
        let text = r#"{
  "a": 1, "b\"\u002f~": [true, {"c": "x"}, "é"],
  "long": {
    "d": null
  },
  "a": 22
}"#;
        let file = SourceFile::new("t.json", text);
        for (pointer, key, value) in [
            ("", "{", "{"),
            ("/a", "\"a\"", "22"),
            ("/b\"~1~0", r#""b\"\u002f~""#, r#"[true, {"c": "x"}, "é"]"#),
            ("/b\"~1~0/0", "true", "true"),
            ("/b\"~1~0/1", r#"{"c": "x"}"#, r#"{"c": "x"}"#),
            ("/b\"~1~0/1/c", "\"c\"", "\"x\""),
            ("/b\"~1~0/2", "\"é\"", "\"é\""),
            ("/b\"~1~0/02", r#""b\"\u002f~""#, r#"[true, {"c": "x"}, "é"]"#),
            ("/long", "\"long\"", "\"long\""),
            ("/long/d", "\"d\"", "null"),
            ("/long/absent/too", "\"long\"", "\"long\""),
            ("/absent", "{", "{"),
        ] {
            assert_eq!(&text[file.span(pointer, Focus::Key)], key, "{pointer}");
            assert_eq!(&text[file.span(pointer, Focus::Value)], value, "{pointer}");
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in ["", "]", "}{", "{\"a", "{\"a\\", "\"", "{\"a\":", "[1,{2:é", ":::", "é", "{\"\\ud800\":1}"] {
            let file = SourceFile::new("t.json", text);
            for pointer in ["", "/", "/a", "a", "/0", "/~"] {
                let span = file.span(pointer, Focus::Value);
                assert!(text.get(span).is_some(), "{text} {pointer}");
            }
        }
    }
}
