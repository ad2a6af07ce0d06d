//! A JSON value as YAML that people like to read, and that every YAML 1.2 reader takes for the same value.

use serde_json::Value;
use std::fmt::Write as _;

/// The text, with a line break at its end.
pub(crate) fn write(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => block(value, 0, &mut text),
        Value::Array(items) if !items.is_empty() => block(value, 0, &mut text),
        value => {
            scalar(value, &mut text);
            text.push('\n');
        }
    }
    text
}

/// A mapping or sequence that is not empty, from the beginning of a line.
fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(members) => {
            for (index, (name, value)) in members.iter().enumerate() {
                if index > 0 {
                    pad(indent, text);
                }
                // A longer key needs a question mark before it, and the value on a line of its own.
                let explicit = name.len() > KEY_BYTES_MAX;
                if explicit {
                    text.push_str("? ");
                }
                string(name, text);
                if explicit {
                    text.push('\n');
                    pad(indent, text);
                }
                text.push(':');
                after(value, indent, text);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    pad(indent, text);
                }
                text.push('-');
                match item {
                    Value::Object(members) if !members.is_empty() => {
                        text.push(' ');
                        block(item, indent + 2, text);
                    }
                    item => after(item, indent, text),
                }
            }
        }
        _ => {}
    }
}

/// YAML 1.2 §7.4: an implicit key has at most 1024 characters; escapes make up to six of one byte.
const KEY_BYTES_MAX: usize = 128;

/// What follows a colon or a dash.
fn after(value: &Value, indent: usize, text: &mut String) {
    let nested = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        text.push('\n');
        pad(indent + 2, text);
        block(value, indent + 2, text);
    } else {
        text.push(' ');
        scalar(value, text);
        text.push('\n');
    }
}

fn pad(indent: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', indent));
}

fn scalar(value: &Value, text: &mut String) {
    match value {
        Value::String(value) => string(value, text),
        Value::Object(_) => text.push_str("{}"),
        Value::Array(_) => text.push_str("[]"),
        other => {
            let _ = write!(text, "{other}");
        }
    }
}

/// Plain where no reader, of YAML 1.1 neither, could take it for anything else; else in double quotes.
fn string(value: &str, text: &mut String) {
    let safe = |character: char| character.is_ascii_alphanumeric() || "_-/.".contains(character);
    let word = value.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && value.split(' ').all(|word| !word.is_empty() && word.chars().all(safe));
    const MEANT_OTHERWISE: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    if word && !MEANT_OTHERWISE.iter().any(|known| value.eq_ignore_ascii_case(known)) {
        text.push_str(value);
        return;
    }
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            // Neither printable in YAML, nor kept by readers that fold lines.
            '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{a0}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::write;
    use crate::source::SourceFile;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn it_reads_as_people_write_it() {
        let value = json!({
            "credentials": { "client_id": "a-1", "scopes": ["read:*", "no"] },
            "resources": { "/v1/things": [{ "id": 1, "empty": {}, "none": [], "text": "two words" }, [[1.5], null]] },
            "": true
        });
        let text = "credentials:
  client_id: a-1
  scopes:
    - \"read:*\"
    - \"no\"
resources:
  /v1/things:
    - id: 1
      empty: {}
      none: []
      text: two words
    -
      -
        - 1.5
      - null
\"\": true
";
        assert_eq!(write(&value), text);
        assert_eq!(write(&json!({})), "{}\n");
        assert_eq!(write(&json!("x")), "x\n");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            any::<String>(),
            "[ -~]{0,12}",
            "[\\n\\t\\r \u{85}\u{a0}\u{2028}\u{feff}:#,'\"-]{0,6}",
            "(null|~|0x1|1e3|\\.5|=|<<|---|\\.\\.\\.|on|- a|a: b|k\\{200\\})",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has finite numbers only", |number| number.is_finite()).prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        let key = prop_oneof![text, "[a-c\\PC]{120,300}"];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn what_is_written_is_read_again() {
        proptest!(ProptestConfig::with_cases(2_000), |(value in any_value())| {
            let text = write(&value);
            let read = SourceFile::new("written.yaml", text.as_str()).parse();
            prop_assert_eq!(read.map(|parsed| parsed.value), Ok(value), "{}", text);
        });
    }
}
