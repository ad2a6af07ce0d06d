//! Discriminators: names for branches, and, if asked for, the choice among them.

use super::{Lowering, SELECTED, SELECTION, reference_pointer, reference_text};
use crate::contract::document::Version;
use crate::source::pointer;
use serde_json::{Map, Value, json};

impl Lowering<'_> {
    /// Makes the values of a discriminator's mapping references into the tree.
    pub(super) fn mapping(&self, at: &str, lowered: &mut Map<String, Value>) {
        let Some(Value::Object(discriminator)) = lowered.get_mut("discriminator") else { return };
        if self.document.version < Version::V32 {
            discriminator.shift_remove("defaultMapping");
        }
        let values = discriminator.iter_mut().flat_map(|(field, value)| match (field.as_str(), value) {
            ("mapping", Value::Object(mapping)) => mapping.values_mut().collect::<Vec<&mut Value>>(),
            ("defaultMapping", value) => vec![value],
            _ => Vec::new(),
        });
        for value in values {
            if let Some(target) = value.as_str().and_then(|text| self.document.mapping_target(at, text)) {
                *value = Value::String(reference_text(target));
            }
        }
    }

    /// Lets the discriminating property decide which branch counts.
    pub(super) fn select(&self, lowered: &mut Map<String, Value>) {
        let Some(property) = lowered
            .get("discriminator")
            .and_then(|found| found.get("propertyName"))
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
        else {
            return;
        };
        let keyword = if lowered.contains_key("oneOf") { "oneOf" } else { "anyOf" };
        let Some(Value::Array(branches)) = lowered.get(keyword) else { return };
        let mut conditions = Vec::new();
        let mut names = Vec::new();
        for reference in branches.iter().filter_map(|branch| branch.get("$ref").and_then(Value::as_str)) {
            let branch_names = branch_names(lowered, reference);
            conditions.push(json!({
                "if": { "properties": { property.as_str(): { "enum": branch_names } } },
                "then": { "$ref": reference },
            }));
            names.extend(branch_names);
        }
        let mapped = json!({ "properties": { property.as_str(): { "enum": names } } });
        let default = default_branch(lowered).map(|reference| json!({ "$ref": reference }));
        conditions.push(match &default {
            Some(default) => json!({ "if": mapped, "else": default }),
            None => mapped,
        });
        let branches = lowered.shift_remove(keyword).unwrap_or_default();
        let unnamed = match default {
            Some(default) => json!({ "if": { "type": "object" }, "then": default, "else": { keyword: branches } }),
            None => json!({ keyword: branches }),
        };
        // What does not name a branch is judged as it would be without a discriminator.
        let selection = json!({
            SELECTION: true,
            "if": { "type": "object", "required": [property.as_str()] },
            "then": { "allOf": conditions },
            "else": unnamed,
        });
        lowered.insert(SELECTED.to_owned(), branches);
        if let Value::Array(all) = lowered.entry("allOf").or_insert_with(|| json!([])) {
            all.push(selection);
        }
    }
}

/// The branch for instances whose discriminating property is absent or names none (OAS 3.2.0, Discriminator Object).
pub(crate) fn default_branch(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("discriminator")?.get("defaultMapping")?.as_str()
}

/// The values of the discriminating property that name a branch: its keys in the mapping, and the schema's own name.
pub(crate) fn branch_names(schema: &Map<String, Value>, reference: &str) -> Vec<String> {
    let mapping = schema.get("discriminator").and_then(|found| found.get("mapping")).and_then(Value::as_object);
    let mapped = mapping
        .into_iter()
        .flatten()
        .filter(|(_, target)| target.as_str() == Some(reference))
        .map(|(name, _)| name.clone());
    let mut names: Vec<String> = mapped.collect();
    let pointer = reference_pointer(reference).unwrap_or_default();
    if let Some(own) = pointer::tokens(&pointer).last() {
        let own = own.into_owned();
        let elsewhere = mapping.is_some_and(|mapping| mapping.contains_key(&own));
        if !names.contains(&own) && !elsewhere {
            names.push(own);
        }
    }
    names
}
