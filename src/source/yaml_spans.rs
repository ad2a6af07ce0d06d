//! Spans of a YAML text, up to where it breaks if it does. It never makes values.

use std::collections::HashMap;

use granit_parser::{Event, Parser, Span};

use super::spans::{Builder, Kind, Spans};

/// Finds the span of every key and value.
pub(super) fn scan(text: &str) -> Spans {
    let mut builder = Builder::default();
    let mut anchors = HashMap::new();
    // A key that is a container makes no member; its events are passed over.
    let mut levels_in_key = 0_usize;
    for event in Parser::new_from_str(text).map_while(Result::ok) {
        let (event, span) = event;
        let range = span.byte_range().unwrap_or(0..0);
        match &event {
            Event::SequenceStart(..) | Event::MappingStart(..) if levels_in_key > 0 || builder.wants_key() => {
                levels_in_key += 1
            }
            Event::SequenceEnd | Event::MappingEnd if levels_in_key > 0 => {
                levels_in_key -= 1;
                if levels_in_key == 0 {
                    builder.key(String::new(), range);
                }
            }
            _ if levels_in_key > 0 => {}
            Event::Scalar(value, ..) if builder.wants_key() => {
                let name = if range.is_empty() { String::new() } else { value.to_string() };
                builder.key(name, range);
            }
            Event::Alias(_) if builder.wants_key() => builder.key(String::new(), range),
            Event::Scalar(_, _, anchor, _) => {
                anchors.insert(*anchor, builder.leaf(range, Kind::Scalar));
            }
            Event::Alias(anchor) => {
                let kind = anchors.get(anchor).map_or(Kind::Scalar, |target| Kind::Alias(*target));
                builder.leaf(range, kind);
            }
            Event::SequenceStart(_, anchor, _) => {
                anchors.insert(*anchor, builder.begin(start(&span), Kind::Sequence(Vec::new())));
            }
            Event::MappingStart(_, anchor, _) => {
                anchors.insert(*anchor, builder.begin(start(&span), Kind::Mapping(Vec::new())));
            }
            Event::SequenceEnd | Event::MappingEnd => builder.end(range.end),
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    builder.finish()
}

fn start(span: &Span) -> usize {
    span.byte_range().map_or(0, |range| range.start)
}

#[cfg(test)]
mod tests {
    use crate::source::{Focus, SourceFile};

    #[test]
    fn pointers_lead_to_keys_and_values() {
        let text = "# top\na: 1\nlist:\n  - name: x\n    in: path\n  - [1, {k: v}]\nbase: &base\n  type: object\n  text: |\n    more\n    lines\nuse: *base\nmix:\n  <<: *base\n  own:\n\"200\": 'é'\na: 2\n";
        let file = SourceFile::new("t.yaml", text);
        for (pointer, key, value) in [
            ("", "a: 1", "a: 1"),
            ("/a", "a", "2"),
            ("/list", "list", "list"),
            ("/list/0", "name: x", "name: x"),
            ("/list/0/in", "in", "path"),
            ("/list/1", "[1, {k: v}]", "[1, {k: v}]"),
            ("/list/1/1/k", "k", "v"),
            ("/list/7", "list", "list"),
            ("/base", "base", "base"),
            ("/base/text", "text", "more"),
            ("/use", "use", "*base"),
            ("/use/type", "type", "object"),
            ("/mix/type", "type", "object"),
            ("/mix/own", "own", "own"),
            ("/mix/own/x", "own", "own"),
            ("/200", "\"200\"", "'é'"),
        ] {
            assert_eq!(&text[file.span(pointer, Focus::Key)], key, "{pointer}");
            assert_eq!(&text[file.span(pointer, Focus::Value)], value, "{pointer}");
        }
    }

    #[test]
    fn spans_of_odd_documents_do_not_panic() {
        for text in [
            "",
            "&a {<<: *a}",
            "&a [*a]",
            "? [a, {b: c}]\n: 1\nd: 2",
            "a: b: c",
            "- - -",
            "*x",
            "a: [",
            "--- 1\n--- 2",
            "é: {é",
            "a: &b {<<: [*b, *b]}",
        ] {
            let file = SourceFile::new("t.yaml", text);
            for pointer in ["", "/a", "/a/x", "/d", "/0/0/0", "/é/é", "/x"] {
                assert!(text.get(file.span(pointer, Focus::Value)).is_some(), "{text} {pointer}");
            }
        }
    }
}
