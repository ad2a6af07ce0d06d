//! JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902).

use crate::source::pointer;
use serde_json::Value;

/// What a patch makes of a value.
#[derive(Debug, PartialEq)]
pub(super) enum Patched {
    Done(Value),
    /// The patch does not fit the value: a `test` fails, or a path leads nowhere.
    Conflict {
        /// JSON Pointer into the patch.
        at: String,
        reason: String,
    },
}

/// Values that the operations of one JSON Patch move in arrays and copy, together: one that copies a value into itself
/// doubles it. Over it the patch is refused.
const WORK_MAX: usize = 10_000_000;
/// Levels of arrays and objects that a JSON Patch leaves where it writes. Over it the patch is refused.
const DEPTH_MAX: usize = 128;

/// What a merge patch makes of a value.
pub(super) fn merged(current: &Value, patch: &Value) -> Value {
    let mut value = current.clone();
    json_patch::merge(&mut value, patch);
    value
}

/// Applies a JSON Patch to a copy.
pub(super) fn apply(current: &Value, patch: &Value) -> Patched {
    let operations: json_patch::Patch = match serde_json::from_value(patch.clone()) {
        Ok(operations) => operations,
        Err(error) => {
            return Patched::Conflict { at: String::new(), reason: format!("the body is no JSON Patch: {error}") };
        }
    };
    let mut value = current.clone();
    let mut work = 0_usize;
    for (index, operation) in operations.0.iter().enumerate() {
        let (more, depth) = cost(&value, operation);
        work = work.saturating_add(more);
        if work > WORK_MAX || depth > DEPTH_MAX {
            let reason = format!("operation {index} of the patch moves or copies too much, or nests too deeply");
            return Patched::Conflict { at: format!("/{index}"), reason };
        }
        // RFC 6902 §4.6 compares numbers by value, which `1` and `1.0` share.
        if let json_patch::PatchOperation::Test(test) = operation
            && value.pointer(test.path.as_str()).is_some_and(|found| is_equal(found, &test.value))
        {
            continue;
        }
        if let Err(error) = json_patch::patch(&mut value, std::slice::from_ref(operation)) {
            let reason = format!("operation {index} of the patch cannot be applied: {}", error.kind);
            return Patched::Conflict { at: format!("/{index}"), reason };
        }
    }
    Patched::Done(value)
}

/// What an operation costs, and how deep what it leaves is at its path.
fn cost(value: &Value, operation: &json_patch::PatchOperation) -> (usize, usize) {
    use json_patch::PatchOperation::{Add, Copy, Move, Remove, Replace, Test};
    let siblings = |path: &str| {
        let around = pointer::parent(path).and_then(|(above, _)| value.pointer(above));
        around.and_then(Value::as_array).map_or(0, Vec::len)
    };
    let found = |path: &str| value.pointer(path).map_or((0, 0), extent);
    let path = operation.path().as_str();
    let (work, depth) = match operation {
        Add(added) => (siblings(path), extent(&added.value).1),
        Replace(replaced) => (0, extent(&replaced.value).1),
        Remove(_) => (siblings(path), 0),
        Copy(copy) => {
            let (size, depth) = found(copy.from.as_str());
            (siblings(path).saturating_add(size), depth)
        }
        Move(moved) => {
            let (size, depth) = found(moved.from.as_str());
            (siblings(path).saturating_add(siblings(moved.from.as_str())).saturating_add(size), depth)
        }
        Test(_) => return (1, 0),
    };
    (work.saturating_add(1), pointer::tokens(path).count() + depth)
}

/// How many values there are in one, texts counting by their length, and how deep they are.
fn extent(value: &Value) -> (usize, usize) {
    let text = |text: &str| 1 + text.len() / 64;
    let inner = |(size, depth): (usize, usize), value: &Value| {
        let (more, below) = extent(value);
        (size + more, depth.max(below + 1))
    };
    match value {
        Value::Array(items) => items.iter().fold((1, 1), inner),
        Value::Object(members) => {
            let names = members.keys().map(|name| text(name)).sum::<usize>();
            members.values().fold((1 + names, 1), inner)
        }
        Value::String(value) => (text(value), 0),
        _ => (1, 0),
    }
}

fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64() && (one.is_f64() || other.is_f64())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| is_equal(one, other)))
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merge_patches_follow_the_table_of_their_specification() {
        for (current, patch, merged) in [
            (json!({ "a": "b" }), json!({ "a": "c" }), json!({ "a": "c" })),
            (json!({ "a": "b" }), json!({ "b": "c" }), json!({ "a": "b", "b": "c" })),
            (json!({ "a": "b" }), json!({ "a": null }), json!({})),
            (json!({ "a": [1] }), json!({ "a": { "b": null } }), json!({ "a": {} })),
            (json!({ "e": null }), json!({ "a": 1 }), json!({ "e": null, "a": 1 })),
            (json!([1, 2]), json!({ "a": "b", "c": null }), json!({ "a": "b" })),
        ] {
            assert_eq!(super::merged(&current, &patch), merged, "{patch}");
        }
    }

    #[test]
    fn what_a_patch_moves_and_copies_and_nests_is_bounded() {
        let copy = json!({ "op": "copy", "from": "/a", "path": "/a/0" });
        let insert = json!({ "op": "add", "path": "/a/0", "value": 1 });
        let nest = json!({ "op": "copy", "from": "", "path": "/b" });
        for operation in [copy, insert, nest] {
            let patch = Value::Array(vec![operation.clone(); 10_000]);
            let outcome = apply(&json!({ "a": [1, 2] }), &patch);
            assert!(matches!(outcome, Patched::Conflict { .. }), "{operation}");
        }
        let deep: Vec<Value> =
            (1..200).map(|depth| json!({ "op": "add", "path": "/a".repeat(depth), "value": {} })).collect();
        assert!(matches!(apply(&json!({}), &Value::Array(deep)), Patched::Conflict { at, .. } if at == "/127"));
    }

    #[test]
    fn json_patches_are_applied_whole_or_not_at_all() {
        let current = json!({ "a": [1, 2] });
        let patch = json!([{ "op": "test", "path": "/a/0", "value": 1 }, { "op": "remove", "path": "/a/0" }, { "op": "add", "path": "/b", "value": {} }]);
        assert_eq!(apply(&current, &patch), Patched::Done(json!({ "a": [2], "b": {} })));
        for (patch, at) in [
            (json!([{ "op": "remove", "path": "/a" }, { "op": "test", "path": "/a", "value": 1 }]), "/1"),
            (json!([{ "op": "remove", "path": "/x" }]), "/0"),
            (json!({ "op": "remove" }), ""),
        ] {
            assert!(matches!(apply(&current, &patch), Patched::Conflict { at: found, .. } if found == at), "{patch}");
        }
    }
}
