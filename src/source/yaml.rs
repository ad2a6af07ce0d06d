//! YAML 1.2 (core schema) into JSON values: anchors, merge keys, limits. It never resolves scalars or keeps spans itself.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::{Parsed, SyntaxError, char_boundary, pointer, scalar};

/// Levels of mappings and sequences in YAML, also through aliases. Over it the document is refused.
const DEPTH_MAX: usize = 256;
/// Nodes of a YAML document in memory, anchored copies included. Over it the document is refused.
const NODES_MAX: usize = 5_000_000;
/// Nodes that the aliases of a YAML document add. Over it the document is refused: it is a "billion laughs".
const ALIAS_NODES_MAX: usize = 1_000_000;
/// Bytes of text that weigh as much as one node.
const NODE_BYTES: usize = 64;

/// Reads the only document of a text; an empty text is null.
pub(super) fn parse(text: &str) -> Result<Parsed, SyntaxError> {
    let mut loader = Loader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let offset = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
            SyntaxError::new(error.info(), char_boundary(text, offset))
        })?;
        let range = span.byte_range().unwrap_or(0..0);
        loader.event(event, range.is_empty()).map_err(|message| SyntaxError::new(message, range.start))?;
    }
    let value = loader.root.map_or(Value::Null, |node| node.value);
    Ok(Parsed { value, duplicate_keys: loader.duplicate_keys })
}

#[derive(Default)]
struct Loader {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    duplicate_keys: Vec<String>,
    documents: usize,
    nodes: usize,
    alias_nodes: usize,
}

/// A finished value with what its copies cost.
#[derive(Clone)]
struct Node {
    value: Value,
    /// Nodes in it, text counted by its length.
    weight: usize,
    /// Levels of containers in it.
    height: usize,
}

/// A container whose end has not come yet.
struct Open {
    content: Content,
    anchor: usize,
    weight: usize,
    height: usize,
}

enum Content {
    Sequence(Vec<Value>),
    Mapping { members: Map<String, Value>, key: Option<Key>, merged: Option<Vec<Value>> },
}

enum Key {
    Name(String),
    Merge,
}

impl Loader {
    fn event(&mut self, event: Event<'_>, implicit: bool) -> Result<(), String> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 { Err("the file holds more than one YAML document".to_owned()) } else { Ok(()) }
            }
            Event::Scalar(text, style, anchor, tag) if self.wants_key() => {
                self.key(if implicit { "" } else { &text }, style, anchor, tag.as_deref())
            }
            Event::Alias(id) if self.wants_key() => self.alias_key(id),
            Event::SequenceStart(..) | Event::MappingStart(..) if self.wants_key() => {
                Err("a mapping's key must be a scalar".to_owned())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let weight = weight_of(&text);
                let value = scalar_value(text.into_owned(), style, tag.as_deref())?;
                self.charge(weight)?;
                self.finish(Node { value, weight, height: 0 }, anchor)
            }
            Event::Alias(id) => {
                let node = self.anchored(id)?;
                self.finish(node, 0)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(Content::Sequence(Vec::new()), anchor, tag.as_deref(), "seq")
            }
            Event::MappingStart(_, anchor, tag) => {
                let content = Content::Mapping { members: Map::new(), key: None, merged: None };
                self.begin(content, anchor, tag.as_deref(), "map")
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Mapping { key: None, .. }, .. }))
    }

    /// A key is its text, whatever a value of that text would be: `200` and `"200"` are one name.
    fn key(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>) -> Result<(), String> {
        if let Some(tag) = tag.filter(|tag| !is_non_specific(tag)) {
            core_kind(tag)?;
        }
        let weight = weight_of(text);
        if anchor != 0 {
            self.charge(weight)?;
            self.anchors.insert(anchor, Node { value: scalar_value(text.to_owned(), style, tag)?, weight, height: 0 });
        }
        let merge = text == "<<" && style == ScalarStyle::Plain && tag.is_none();
        self.set_key(if merge { Key::Merge } else { Key::Name(text.to_owned()) }, weight)
    }

    fn alias_key(&mut self, id: usize) -> Result<(), String> {
        let node = self.anchored(id)?;
        let name = match node.value {
            Value::String(text) => text,
            Value::Array(_) | Value::Object(_) => return Err("a mapping's key must be a scalar".to_owned()),
            other => other.to_string(),
        };
        self.set_key(Key::Name(name), node.weight)
    }

    fn set_key(&mut self, name: Key, key_weight: usize) -> Result<(), String> {
        self.charge(key_weight)?;
        if let Some(Open { content: Content::Mapping { key, .. }, weight, .. }) = self.open.last_mut() {
            *key = Some(name);
            *weight += key_weight;
        }
        Ok(())
    }

    fn begin(&mut self, content: Content, anchor: usize, tag: Option<&Tag>, kind: &str) -> Result<(), String> {
        if let Some(tag) = tag.filter(|tag| !is_non_specific(tag))
            && core_kind(tag)? != kind
        {
            return Err(format!("the tag `{}` does not fit this value", tag.original()));
        }
        self.charge(1)?;
        self.open.push(Open { content, anchor, weight: 1, height: 0 });
        self.check_depth(0)
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(Open { content, anchor, weight, height }) = self.open.pop() else { return Ok(()) };
        let value = match content {
            Content::Sequence(items) => Value::Array(items),
            Content::Mapping { mut members, merged, .. } => {
                for (name, value) in merged.into_iter().flatten().flat_map(merge_members) {
                    members.entry(name).or_insert(value);
                }
                Value::Object(members)
            }
        };
        self.finish(Node { value, weight, height: height + 1 }, anchor)
    }

    /// Puts a complete value where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        self.check_depth(node.height)?;
        if anchor != 0 {
            self.charge(node.weight)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.weight = open.weight.saturating_add(node.weight);
        open.height = open.height.max(node.height);
        match &mut open.content {
            Content::Sequence(items) => items.push(node.value),
            Content::Mapping { members, key, merged } => match key.take() {
                Some(Key::Merge) => {
                    check_merge(&node.value)?;
                    if let Some(merged) = merged {
                        merged.push(node.value);
                        self.report_duplicate("<<");
                    } else {
                        *merged = Some(vec![node.value]);
                    }
                }
                Some(Key::Name(name)) => match members.entry(name) {
                    Entry::Vacant(entry) => {
                        entry.insert(node.value);
                    }
                    Entry::Occupied(mut entry) => {
                        let name = entry.key().clone();
                        entry.insert(node.value);
                        self.report_duplicate(&name);
                    }
                },
                None => {}
            },
        }
        Ok(())
    }

    fn report_duplicate(&mut self, name: &str) {
        let mut text = String::new();
        for open in self.open.iter().rev().skip(1).rev() {
            match &open.content {
                Content::Sequence(items) => pointer::push(&mut text, &items.len().to_string()),
                Content::Mapping { key: Some(Key::Name(name)), .. } => pointer::push(&mut text, name),
                Content::Mapping { .. } => pointer::push(&mut text, "<<"),
            }
        }
        pointer::push(&mut text, name);
        self.duplicate_keys.push(text);
    }

    /// A copy of the value behind an anchor.
    fn anchored(&mut self, id: usize) -> Result<Node, String> {
        let node = self.anchors.get(&id).ok_or("the alias stands inside the value that it names")?;
        self.alias_nodes = self.alias_nodes.saturating_add(node.weight);
        if self.alias_nodes > ALIAS_NODES_MAX {
            return Err(format!("the aliases expand to more than {ALIAS_NODES_MAX} nodes"));
        }
        Ok(node.clone())
    }

    fn charge(&mut self, weight: usize) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(weight);
        if self.nodes > NODES_MAX { Err(format!("the file holds more than {NODES_MAX} nodes")) } else { Ok(()) }
    }

    fn check_depth(&self, height: usize) -> Result<(), String> {
        if self.open.len() + height > DEPTH_MAX {
            Err(format!("the nesting is deeper than {DEPTH_MAX} levels"))
        } else {
            Ok(())
        }
    }
}

fn weight_of(text: &str) -> usize {
    1 + text.len() / NODE_BYTES
}

fn scalar_value(text: String, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    match tag {
        Some(tag) if is_non_specific(tag) => Ok(Value::String(text)),
        Some(tag) => scalar::tagged(core_kind(tag)?, &text),
        None if style == ScalarStyle::Plain => scalar::resolve(&text),
        None => Ok(Value::String(text)),
    }
}

/// The lone `!`: a value of its kind, and no number (YAML 1.2 §6.9.1).
fn is_non_specific(tag: &Tag) -> bool {
    tag.original() == "!"
}

fn core_kind(tag: &Tag) -> Result<&str, String> {
    tag.core_suffix().ok_or_else(|| format!("the tag `{}` is not of YAML's core schema", tag.original()))
}

fn check_merge(value: &Value) -> Result<(), String> {
    let fits = match value {
        Value::Array(items) => items.iter().all(Value::is_object),
        other => other.is_object(),
    };
    if fits { Ok(()) } else { Err("`<<` takes a mapping or a list of mappings".to_owned()) }
}

/// The members that a merge key's value adds; the first mapping of a list goes before the others.
fn merge_members(value: Value) -> Vec<(String, Value)> {
    match value {
        Value::Array(items) => items.into_iter().flat_map(merge_members).collect(),
        Value::Object(members) => members.into_iter().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_become_json() {
        for (text, value) in [
            ("", Value::Null),
            ("# only a comment\n", Value::Null),
            ("---\n", Value::Null),
            ("a: 017\nb: no\nc: '1'\nd: \"\\u00e9\"\ne:\n", json!({"a": 17, "b": "no", "c": "1", "d": "é", "e": null})),
            (
                "responses:\n  200: ok\n  0x1: hex\n  true: t\n  ~: n\n  '': e",
                json!({"responses": {"200": "ok", "0x1": "hex", "true": "t", "~": "n", "": "e"}}),
            ),
            ("- |\n  a\n  b\n- >-\n  c\n  d\n- [1, {x: }]", json!(["a\nb\n", "c d", [1, {"x": null}]])),
            (
                "a: !!str 1\nb: !!int '1'\nc: ! 1\nd: !!map {}\ne: !!seq []\nf: !!float 1",
                json!({"a": "1", "b": 1, "c": "1", "d": {}, "e": [], "f": 1.0}),
            ),
            (
                "a: &x {k: 1}\nb: *x\nc: [*x]\n&k key: 1\nd: {*k : 2}",
                json!({"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}], "key": 1, "d": {"key": 2}}),
            ),
            (
                "a: &x {k: 1, m: 1}\nb: {<<: *x, k: 2}\nc: {<<: [*x, {k: 3, n: 4}]}\nd: {'<<': 1}",
                json!({"a": {"k": 1, "m": 1}, "b": {"k": 2, "m": 1}, "c": {"k": 1, "m": 1, "n": 4}, "d": {"<<": 1}}),
            ),
            ("{\"a\": [1, 2.5, \"\\/\"]}", json!({"a": [1, 2.5, "/"]})),
        ] {
            let parsed = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((parsed.value, parsed.duplicate_keys), (value, vec![]), "{text}");
        }
    }

    #[test]
    fn keys_that_stand_twice_are_reported() {
        let parsed = parse("a: 1\nb:\n  - x\n  - c/d: 1\n    c/d: 2\na: 3\ne: {<<: {}, <<: {}}").unwrap();
        assert_eq!(parsed.value, json!({"a": 3, "b": ["x", {"c/d": 2}], "e": {}}));
        assert_eq!(parsed.duplicate_keys, ["/b/1/c~1d", "/a", "/e/<<"]);
    }

    #[test]
    fn what_json_cannot_hold_is_refused_at_its_place() {
        for (text, message, offset) in [
            ("a: 1\n---\nb: 2", "the file holds more than one YAML document", 5),
            ("a: .inf", "`.inf` has no counterpart in JSON; quote it if a string is meant", 3),
            ("a: !!int x", "`x` is no `!!int`", 9),
            ("a: !point {}", "the tag `!point` is not of YAML's core schema", 10),
            ("a: !!seq {}", "the tag `!!seq` does not fit this value", 9),
            ("? [a]\n: 1", "a mapping's key must be a scalar", 2),
            ("a: &a [*a]", "the alias stands inside the value that it names", 7),
            ("a: {<<: 1}", "`<<` takes a mapping or a list of mappings", 8),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.offset), (message, offset), "{text}");
        }
        for text in ["a: [1", "a: *b", "a: b: c", "a: 'x", "a: \"\\q\""] {
            let error = parse(text).unwrap_err();
            assert!(!error.message.is_empty() && error.offset <= text.len(), "{text}: {error:?}");
        }
    }

    #[test]
    fn laughs_and_depth_are_bounded() {
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        (1..12).for_each(|n| laughs += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", ")));
        assert_eq!(parse(&laughs).unwrap_err().message, "the aliases expand to more than 1000000 nodes");
        let long = format!("a: &a {}\nb: [{}]", "x".repeat(1 << 20), vec!["*a"; 1000].join(", "));
        assert_eq!(parse(&long).unwrap_err().message, "the aliases expand to more than 1000000 nodes");
        let mut tower = format!("- &a0 {}{}\n", "[".repeat(200), "]".repeat(200));
        (1..9).for_each(|n| tower += &format!("- &a{n} {}*a{}{}\n", "[".repeat(200), n - 1, "]".repeat(200)));
        assert_eq!(parse(&tower).unwrap_err().message, "the nesting is deeper than 256 levels");
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"- ".repeat(100_000)).is_err());
    }
}
