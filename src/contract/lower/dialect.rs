//! What OpenAPI says differently from JSON Schema 2020-12, and numbers that the schema engine would round.

use super::direction::Hidden;
use super::{Lowering, NUMBER_FORMAT};
use crate::contract::document::Version;
use crate::contract::exact_number;
use crate::diagnostic::{Diagnostic, Severity, code, did_you_mean};
use crate::source::{Focus, pointer};
use serde_json::{Map, Value, json};

/// The keywords of OpenAPI 3.0's dialect (OAS 3.0.4 §4.7.24).
pub(super) const KEYWORDS_30: &[&str] = &[
    "$ref",
    "title",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
    "enum",
    "type",
    "allOf",
    "oneOf",
    "anyOf",
    "not",
    "items",
    "properties",
    "additionalProperties",
    "description",
    "format",
    "default",
    "nullable",
    "discriminator",
    "readOnly",
    "writeOnly",
    "xml",
    "externalDocs",
    "example",
    "deprecated",
];

impl Lowering<'_> {
    /// In 3.0 a `$ref` stands alone: its siblings are ignored (OAS 3.0.4 §4.7.23).
    pub(super) fn reference_30(
        &mut self,
        at: &str,
        object: &Map<String, Value>,
        hidden: &Hidden,
        depth: usize,
    ) -> Value {
        let ignored: Vec<&str> = object
            .keys()
            .map(String::as_str)
            .filter(|key| !matches!(*key, "$ref" | "description" | "summary") && !key.starts_with("x-"))
            .collect();
        if let Some(first) = ignored.first() {
            let finding = Diagnostic::new(
                code::CONTRACT_KEYWORD_IGNORED,
                format!("`{}` beside a `$ref` has no effect in OpenAPI 3.0", ignored.join("`, `")),
            )
            .help("wrap the reference: `allOf: [{$ref: …}]`");
            self.found(finding, &pointer::join(at, first), Focus::Key);
        }
        let mut lowered = Map::new();
        self.references(at, object, hidden, depth, &mut lowered);
        Value::Object(lowered)
    }

    pub(super) fn warn_of_foreign_keywords(&mut self, at: &str, object: &Map<String, Value>) {
        for keyword in object.keys() {
            if KEYWORDS_30.contains(&keyword.as_str()) || keyword.starts_with("x-") {
                continue;
            }
            let finding = Diagnostic::new(
                code::CONTRACT_KEYWORD_IGNORED,
                format!("OpenAPI 3.0 has no keyword `{keyword}`; it has no effect"),
            );
            let finding = match did_you_mean(keyword, KEYWORDS_30.iter().copied()) {
                Some(close) => finding.help(format!("did you mean `{close}`?")),
                None => finding,
            };
            self.found(finding, &pointer::join(at, keyword), Focus::Key);
        }
    }

    /// What OpenAPI says differently from JSON Schema 2020-12.
    pub(super) fn dialect(&self, object: &Map<String, Value>, lowered: &mut Map<String, Value>) {
        if let Some(
            format @ ("int32" | "int64" | "uint32" | "uint64" | "int8" | "int16" | "uint8" | "uint16" | "float"
            | "double"),
        ) = object.get("format").and_then(Value::as_str)
        {
            lowered.insert(NUMBER_FORMAT.to_owned(), Value::String(format.to_owned()));
        }
        if self.document.version != Version::V30 {
            return;
        }
        lowered.remove("nullable");
        if object.get("nullable") == Some(&Value::Bool(true))
            && let Some(Value::String(name)) = object.get("type")
        {
            lowered.insert("type".to_owned(), json!([name, "null"]));
        }
        for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            match object.get(exclusive) {
                Some(Value::Bool(true)) => {
                    lowered.remove(exclusive);
                    if let Some(limit) = lowered.remove(bound) {
                        lowered.insert(exclusive.to_owned(), limit);
                    }
                }
                Some(Value::Bool(false)) => {
                    lowered.remove(exclusive);
                }
                _ => {}
            }
        }
    }

    /// Puts limits that the schema engine would round under keywords that do not.
    pub(super) fn exact_numbers(&mut self, at: &str, lowered: &mut Map<String, Value>) {
        let mut exact = Vec::new();
        let mut rounded = Vec::new();
        for (keyword, limit) in lowered.iter() {
            exact.extend(exact_number::exact(keyword, limit).map(|found| (keyword.clone(), limit.clone(), found)));
            rounded.extend(exact_number::is_rounded(keyword, limit).then(|| keyword.clone()));
        }
        for (keyword, limit, (internal, replaces)) in exact {
            lowered.insert(internal.to_owned(), limit);
            if replaces {
                lowered.shift_remove(&keyword);
            }
        }
        for keyword in rounded {
            let message = format!("`{keyword}` has a number beyond 64 bits, which is compared as a 64-bit float");
            let finding = Diagnostic::new(code::CONTRACT_UNSUPPORTED, message).severity(Severity::Warning);
            self.found(finding, &pointer::join(at, &keyword), Focus::Value);
        }
    }
}
