//! What the references of a document lead to.

use super::loader::{Loader, Reference};
use super::{Document, MOUNT, REFERENCE_HOPS_MAX, Unresolved, Version};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::pointer;
use fluent_uri::{Uri, UriRef};
use percent_encoding::{AsciiSet, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::OnceLock;

impl Loader<'_> {
    pub(super) fn finish(mut self, version: Version) -> (Document, Vec<Diagnostic>) {
        self.tree = mounted(std::mem::take(&mut self.tree), std::mem::take(&mut self.mounted).into_iter());
        let mut targets = HashMap::new();
        let mut dynamic_targets = HashMap::new();
        for reference in &self.references {
            let target = self.target(reference);
            let table = if reference.dynamic { &mut dynamic_targets } else { &mut targets };
            table.insert(reference.holder.clone(), target);
        }
        // A pointer may lead through an object that is itself a reference.
        let through: Vec<(String, String)> = targets
            .iter()
            .filter_map(|(holder, target)| {
                let target = target.as_ref().ok()?;
                pointer::find(&self.tree, target).is_none().then(|| (holder.clone(), target.clone()))
            })
            .collect();
        for (holder, target) in through {
            let found = walk_through(&self.tree, &targets, &target).ok_or_else(|| self.nowhere(&target));
            targets.insert(holder, found);
        }
        let mut mapping_targets = HashMap::new();
        for mapping in &self.mappings {
            if let Some(target) = self.mapping(mapping) {
                mapping_targets.insert((mapping.holder.clone(), mapping.text.clone()), target);
            }
        }
        let document = Document {
            tree: self.tree,
            kept: None,
            whole: OnceLock::new(),
            version,
            files: self.files,
            targets,
            dynamic_targets,
            identified: self.identified,
            mapping_targets,
        };
        (document, self.findings)
    }

    /// The pointer that a reference names; whether anything stands there is looked at later.
    pub(super) fn target(&self, reference: &Reference) -> Result<String, Unresolved> {
        let missing = Unresolved::missing;
        let uri = resolve(&reference.base, &reference.text)
            .ok_or_else(|| missing(format!("`{}` is no URI reference", reference.text)))?;
        let (resource, fragment) = uri.as_str().split_once('#').unwrap_or((uri.as_str(), ""));
        let root = match self.resources.get(resource) {
            Some(Ok(root)) => root,
            Some(Err(reason)) => return Err(reason.clone()),
            None => return Err(missing(format!("`{resource}` was not read"))),
        };
        let fragment =
            percent_decode_str(fragment).decode_utf8().map_err(|_| missing("the fragment is not UTF-8".to_owned()))?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return Ok(format!("{root}{fragment}"));
        }
        self.anchors
            .get(&(resource.to_owned(), fragment.to_string()))
            .cloned()
            .ok_or_else(|| missing(format!("there is no anchor `{fragment}`")))
    }

    pub(super) fn nowhere(&self, target: &str) -> Unresolved {
        let mut parent = target;
        while let Some((above, name)) = pointer::parent(parent) {
            if let Some(Value::Object(object)) = pointer::find(&self.tree, above) {
                let name = pointer::unescape(name);
                let hint = did_you_mean(&name, object.keys().map(String::as_str));
                let hint = hint.map(|hint| format!("; did you mean `{hint}`?")).unwrap_or_default();
                return Unresolved::missing(format!("nothing stands at `{}`{hint}", shown(target)));
            }
            parent = above;
        }
        Unresolved::missing(format!("nothing stands at `{}`", shown(target)))
    }

    /// A mapping value is a reference, or the name of a schema under `components`.
    pub(super) fn mapping(&self, mapping: &Reference) -> Option<String> {
        let named = pointer::join("/components/schemas", &mapping.text);
        if pointer::find(&self.tree, &named).is_some() {
            return Some(named);
        }
        self.target(mapping).ok().filter(|target| pointer::find(&self.tree, target).is_some())
    }
}

/// A pointer as its own file has it.
pub(crate) fn shown(pointer: &str) -> &str {
    let mounted = pointer.strip_prefix('/').and_then(|rest| rest.strip_prefix(MOUNT)?.strip_prefix('/'));
    mounted.map_or(pointer, |rest| rest.find('/').and_then(|start| rest.get(start..)).unwrap_or_default())
}

pub(super) fn resolve(base: &Uri<String>, reference: &str) -> Option<Uri<String>> {
    // Many documents write braces and spaces plainly in pointers.
    const REPAIRED: &AsciiSet = &percent_encoding::CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'`')
        .add(b'{')
        .add(b'}')
        .add(b'^')
        .add(b'|')
        .add(b'\\')
        .add(b'[')
        .add(b']');
    match UriRef::parse(reference) {
        Ok(parsed) => parsed.resolve_against(base).ok(),
        Err(_) => {
            let repaired = utf8_percent_encode(reference, REPAIRED).to_string();
            UriRef::parse(repaired.as_str()).ok()?.resolve_against(base).ok()
        }
    }
}

/// The root file's value with those of further files in it.
pub(super) fn mounted(mut root: Value, further: impl Iterator<Item = Value>) -> Value {
    let files: Map<String, Value> =
        further.enumerate().map(|(index, value)| ((index + 1).to_string(), value)).collect();
    if let Value::Object(root) = &mut root
        && !files.is_empty()
    {
        root.insert(MOUNT.to_owned(), Value::Object(files));
    }
    root
}

/// Walks a pointer, following references on the way.
fn walk_through(tree: &Value, targets: &HashMap<String, Result<String, Unresolved>>, target: &str) -> Option<String> {
    let mut at = String::new();
    let mut hops = 0;
    for token in pointer::tokens(target) {
        while pointer::find(tree, &pointer::join(&at, &token)).is_none() {
            hops += 1;
            at.clone_from(targets.get(&at)?.as_ref().ok()?);
            if hops > REFERENCE_HOPS_MAX {
                return None;
            }
        }
        pointer::push(&mut at, &token);
    }
    Some(at)
}
