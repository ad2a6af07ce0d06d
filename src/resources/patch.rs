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

/// Applies a patch to a copy.
pub(super) fn apply(current: &Value, patch: &Value, is_json_patch: bool) -> Patched {
    let mut value = current.clone();
    if !is_json_patch {
        json_patch::merge(&mut value, patch);
        return Patched::Done(value);
    }
    let operations: json_patch::Patch = match serde_json::from_value(patch.clone()) {
        Ok(operations) => operations,
        Err(error) => {
            return Patched::Conflict { at: String::new(), reason: format!("the body is no JSON Patch: {error}") };
        }
    };
    match json_patch::patch(&mut value, &operations) {
        Ok(()) => Patched::Done(value),
        Err(error) => Patched::Conflict {
            at: format!("/{}", error.operation),
            reason: format!("operation {} of the patch cannot be applied: {}", error.operation, error.kind),
        },
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
            assert_eq!(apply(&current, &patch, false), Patched::Done(merged), "{patch}");
        }
    }

    #[test]
    fn json_patches_are_applied_whole_or_not_at_all() {
        let current = json!({ "a": [1, 2] });
        let patch = json!([{ "op": "test", "path": "/a/0", "value": 1 }, { "op": "remove", "path": "/a/0" }, { "op": "add", "path": "/b", "value": {} }]);
        assert_eq!(apply(&current, &patch, true), Patched::Done(json!({ "a": [2], "b": {} })));
        for (patch, at) in [
            (json!([{ "op": "remove", "path": "/a" }, { "op": "test", "path": "/a", "value": 1 }]), "/1"),
            (json!([{ "op": "remove", "path": "/x" }]), "/0"),
            (json!({ "op": "remove" }), ""),
        ] {
            assert!(
                matches!(apply(&current, &patch, true), Patched::Conflict { at: found, .. } if found == at),
                "{patch}"
            );
        }
    }
}
