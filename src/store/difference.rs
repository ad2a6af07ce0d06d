//! What is different between two states, and inside two representations.

use super::State;
use crate::contract::Prepared;
use crate::source::pointer;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What became of one path. Where neither is there, the path is now known not to exist.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) path: String,
    pub(crate) before: Option<Prepared>,
    pub(crate) after: Option<Prepared>,
}

impl Difference {
    /// JSON Pointers of the members that are others, where there is something on both sides.
    pub(crate) fn pointers(&self) -> Vec<String> {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => members_changed(&before.value, &after.value),
            _ => Vec::new(),
        }
    }

    /// The control plane's form; a side that is not there is left out. `shown` is what may be seen of a value.
    pub(crate) fn to_json(&self, shown: impl Fn(&Value) -> Value) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("path".to_owned(), json!(self.path));
        for (name, side) in [("before", &self.before), ("after", &self.after)] {
            if let Some(side) = side {
                members.insert(name.to_owned(), shown(&side.value));
            }
        }
        members.insert("pointers".to_owned(), json!(self.pointers()));
        members
    }
}

impl State {
    /// What is different in `other`, in the order of the paths. A collection that refers to items is the list of
    /// their paths; items of its own speak for themselves.
    pub(crate) fn differences(&self, other: &Self) -> Vec<Difference> {
        let mut paths: BTreeSet<&str> = BTreeSet::new();
        for state in [self, other] {
            paths.extend(state.resources().keys().map(String::as_str));
            paths.extend(state.collections().map(|(path, _)| path));
            paths.extend(state.gone().iter().map(String::as_str));
        }
        let changed = paths.into_iter().filter_map(|path| {
            let (before, after) = (self.said(path), other.said(path));
            let same = match (&before, &after) {
                (Some(before), Some(after)) => before.value == after.value,
                (None, None) => self.gone().contains(path) || !other.gone().contains(path),
                _ => false,
            };
            (!same).then(|| Difference { path: path.to_owned(), before, after })
        });
        changed.collect()
    }

    /// The representation at a path, or the paths that a collection refers to.
    fn said(&self, path: &str) -> Option<Prepared> {
        if let Some(found) = self.resource(path) {
            return Some(found.clone());
        }
        let is_own = |item: &str| item.rsplit_once('/').is_some_and(|(above, _)| above == path);
        let items: Vec<&str> = self.collection(path)?.iter().filter(|item| !is_own(item)).collect();
        (!items.is_empty()).then(|| Prepared::json(json!(items)))
    }
}

/// JSON Pointers of what differs between two values: inside objects, and inside arrays of one length.
pub(crate) fn members_changed(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(before, after, "", &mut found);
    found
}

fn compare(before: &Value, after: &Value, at: &str, found: &mut Vec<String>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(before), Value::Object(after)) => {
            let added = after.keys().filter(|name| !before.contains_key(*name));
            for name in before.keys().chain(added) {
                let inner = pointer::join(at, name);
                match (before.get(name), after.get(name)) {
                    (Some(before), Some(after)) => compare(before, after, &inner, found),
                    _ => found.push(inner),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                compare(before, after, &pointer::join(at, &index.to_string()), found);
            }
        }
        _ => found.push(at.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Change, State};
    use super::members_changed;
    use crate::contract::Prepared;
    use serde_json::json;

    #[test]
    fn pointers_lead_to_what_differs() {
        for (before, after, pointers) in [
            (json!({ "a": 1 }), json!({ "a": 1 }), &[][..]),
            (json!({ "a": 1, "b": { "c": [1, 2] } }), json!({ "a": 2, "b": { "c": [1, 3] } }), &["/a", "/b/c/1"]),
            (json!({ "a": 1 }), json!({ "b": 1 }), &["/a", "/b"]),
            (json!({ "l": [1] }), json!({ "l": [1, 2] }), &["/l"]),
            (json!({ "x/y~": 1 }), json!({ "x/y~": null }), &["/x~1y~0"]),
            (json!(1), json!("1"), &[""]),
        ] {
            assert_eq!(members_changed(&before, &after), pointers, "{before} {after}");
        }
    }

    #[test]
    fn states_differ_in_resources_references_and_deletions() {
        let mut before = State::default();
        let put = |path: &str, value: i32| Change::Put(path.to_owned(), Prepared::json(json!(value)));
        let link = |collection: &str, item: &str| Change::Link { collection: collection.into(), item: item.into() };
        before.apply(vec![put("/a", 1), put("/items/1", 1), link("/items", "/items/1"), put("/b", 1)]);
        let mut after = before.clone();
        after.apply(vec![
            put("/a", 2),
            put("/items/2", 1),
            link("/items", "/items/2"),
            link("/groups/1/items", "/items/2"),
            Change::Remove("/b".to_owned()),
            Change::Remove("/never".to_owned()),
        ]);
        let text = |before: &State, after: &State| -> Vec<String> {
            let side = |side: &Option<Prepared>| side.as_ref().map_or("-".to_owned(), |side| side.value.to_string());
            before
                .differences(after)
                .iter()
                .map(|found| format!("{} {} {}", found.path, side(&found.before), side(&found.after)))
                .collect()
        };
        let expected = ["/a 1 2", "/b 1 -", r#"/groups/1/items - ["/items/2"]"#, "/items/2 - 1", "/never - -"];
        assert_eq!(text(&before, &after), expected);
        assert!(text(&after, &after).is_empty());
    }
}
