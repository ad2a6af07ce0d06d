//! JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902).

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
    for (index, operation) in operations.0.iter().enumerate() {
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
