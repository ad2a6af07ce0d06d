//! `$ref` and `$dynamicRef`, and the schemas that must be resources of their own for the second.

use super::direction::Hidden;
use super::{Lowering, SCHEMA_DEPTH_MAX, reference_text};
use crate::contract::document::{Document, Unresolved, Version, shown};
use crate::source::{Focus, pointer};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};

impl Lowering<'_> {
    pub(super) fn references(
        &mut self,
        at: &str,
        object: &Map<String, Value>,
        hidden: &Hidden,
        depth: usize,
        lowered: &mut Map<String, Value>,
    ) {
        if object.contains_key("$ref") {
            match self.schema_target(at) {
                Ok(target) => {
                    if let Some(inlined) = self.inlined(&target, hidden, depth) {
                        lowered.insert("allOf".to_owned(), json!([inlined]));
                    } else {
                        lowered.insert("$ref".to_owned(), Value::String(reference_text(&target)));
                        self.queue.push(target);
                    }
                }
                Err(reason) => self.broken_reference(at, "$ref", reason),
            }
        }
        match self.document.dynamic_target(at).cloned() {
            None => {}
            Some(Err(reason)) => self.broken_reference(at, "$dynamicRef", reason),
            Some(Ok(target)) => {
                // Only an anchor's name is looked for in the dynamic scope; a pointer is a plain reference.
                let named = object.get("$dynamicRef").and_then(Value::as_str).and_then(|text| text.split_once('#'));
                let dynamic = named.and_then(|(_, anchor)| self.dynamic_text(&target, anchor));
                let text = dynamic.unwrap_or_else(|| reference_text(&target));
                let keyword = if text.starts_with('#') { "$ref" } else { "$dynamicRef" };
                if keyword == "$ref" && lowered.contains_key("$ref") {
                    let both = lowered.entry("allOf").or_insert_with(|| json!([]));
                    if let Value::Array(both) = both {
                        both.push(json!({ "$ref": text }));
                    }
                } else {
                    lowered.insert(keyword.to_owned(), Value::String(text));
                }
                self.queue.push(target);
            }
        }
        if let (Some(anchor), Some(_)) = (object.get("$dynamicAnchor"), &self.inside) {
            lowered.insert("$dynamicAnchor".to_owned(), anchor.clone());
        }
        if let Some((uri, _)) = self.resources.iter().find(|(_, root)| *root == at) {
            lowered.insert("$id".to_owned(), Value::String(uri.clone()));
        }
    }

    /// A reference chain may pass only through schemas; each hop stays a `$ref`, so one hop is enough.
    fn schema_target(&self, at: &str) -> Result<String, Unresolved> {
        match self.document.target(at) {
            Some(Ok(target))
                if self.document.at(target).is_some_and(|found| found.is_object() || found.is_boolean()) =>
            {
                self.document.follow(at)?;
                Ok(target.clone())
            }
            Some(Ok(target)) => Err(Unresolved::missing(format!("no schema stands at `{}`", shown(target)))),
            Some(Err(reason)) => Err(reason.clone()),
            None => Err(Unresolved::missing("a `$ref` is a string")),
        }
    }

    fn broken_reference(&mut self, at: &str, keyword: &str, reason: Unresolved) {
        self.found(reason.finding(), &pointer::join(at, keyword), Focus::Value);
    }

    /// The dynamic form of a reference to a `$dynamicAnchor`.
    fn dynamic_text(&self, target: &str, anchor: &str) -> Option<String> {
        if self.document.at(target)?.get("$dynamicAnchor")?.as_str()? != anchor {
            return None;
        }
        let (uri, _) = self
            .resources
            .iter()
            .filter(|(_, root)| target == *root || target.starts_with(&format!("{root}/")))
            .max_by_key(|(_, root)| root.len())?;
        Some(format!("{uri}#{anchor}"))
    }

    /// A referenced schema that requires a name which only its surroundings mark as hidden needs a copy of its own here.
    pub(super) fn inlined(&mut self, target: &str, hidden: &Hidden, depth: usize) -> Option<Value> {
        const INLINE_DEPTH_MAX: usize = 32;
        if hidden.possible.is_empty() && !hidden.suspended || depth > INLINE_DEPTH_MAX {
            return None;
        }
        let schema = self.document.at(target)?;
        let mut own = Hidden::default();
        self.hide(target, schema.as_object()?, &mut own);
        let required = schema.get("required").and_then(Value::as_array)?;
        let differs = |name: &str| match hidden.suspended {
            true => own.possible.contains(name),
            false => hidden.possible.contains(name) && !own.possible.contains(name),
        };
        let needed = required.iter().filter_map(Value::as_str).any(differs);
        needed.then(|| self.schema(target, schema, hidden, depth + 1))
    }
}

/// Schemas that hold a `$dynamicAnchor` become resources, so that the dynamic scope can tell them apart.
pub(super) fn dynamic_resources(document: &Document, roots: &[String]) -> BTreeMap<String, String> {
    let mut resources = BTreeMap::new();
    let identified = document.identified.iter().map(|(at, uri)| (at.as_str(), Some(uri.as_str())));
    let plain = roots.iter().map(|root| (root.as_str(), None));
    let mut taken: HashSet<&str> = HashSet::new();
    for (at, uri) in identified.chain(plain) {
        let holds =
            document.version > Version::V30 && document.at(at).is_some_and(|schema| holds_dynamic_anchor(schema, 0));
        if holds && taken.insert(at) {
            let number = resources.len();
            resources.insert(uri.map_or_else(|| format!("mock:/resource/{number}"), ToOwned::to_owned), at.to_owned());
        }
    }
    resources
}

fn holds_dynamic_anchor(schema: &Value, depth: usize) -> bool {
    if depth > SCHEMA_DEPTH_MAX {
        return false;
    }
    match schema {
        Value::Object(object) => {
            object.get("$dynamicAnchor").is_some_and(Value::is_string)
                || object.iter().any(|(key, member)| {
                    !matches!(key.as_str(), "enum" | "const" | "default" | "examples")
                        && holds_dynamic_anchor(member, depth + 1)
                })
        }
        Value::Array(items) => items.iter().any(|item| holds_dynamic_anchor(item, depth + 1)),
        _ => false,
    }
}
