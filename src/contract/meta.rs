//! The document against the official OpenAPI meta-schemas (the OpenAPI Initiative's, Apache-2.0, in `openapi/meta`).

use super::document::{Document, Version};
use super::pattern::pattern_options;
use super::schema::{keyword_of, message_of, shown};
use crate::diagnostic::{Diagnostic, Location, Severity, code};
use crate::source::{Focus, pointer};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Value, json};

/// Findings of `check` that come from meta-schemas, for one document. Over it the rest is left out.
const FINDINGS_MAX: usize = 200;
/// Alternatives nested in one another.
const NESTING_MAX: usize = 24;

/// Where the document's structure is not what its version of the specification says.
pub(super) fn check(document: &Document) -> Vec<Diagnostic> {
    let (name, text) = match document.version {
        Version::V30 => ("3.0", include_str!("../../openapi/meta/3.0.json")),
        Version::V31 => ("3.1", include_str!("../../openapi/meta/3.1.json")),
        Version::V32 => ("3.2", include_str!("../../openapi/meta/3.2.json")),
    };
    let validator = match compiled(text) {
        Ok(validator) => validator,
        Err(reason) => {
            let message = format!("the meta-schema of OpenAPI {name} cannot be used: {reason}");
            return vec![Diagnostic::new(code::CONTRACT_STRUCTURE, message)];
        }
    };
    let mut findings = Vec::new();
    for error in validator.iter_errors(document.whole()).take(FINDINGS_MAX) {
        report(document, &error, 0, &mut findings);
    }
    findings
}

fn compiled(text: &str) -> Result<Validator, String> {
    let mut schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    correct(&mut schema);
    let options = jsonschema::options().with_pattern_options(pattern_options()).should_validate_formats(false);
    options.build(&schema).map_err(|error| error.to_string())
}

/// An error, or, where alternatives failed, the errors of the one that was meant.
fn report(document: &Document, error: &ValidationError<'_>, depth: usize, findings: &mut Vec<Diagnostic>) {
    if let ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } = error.kind()
        && depth < NESTING_MAX
        && let Some(branch) = meant(error.instance(), context)
    {
        for inner in branch {
            report(document, inner, depth + 1, findings);
        }
        return;
    }
    let keyword = keyword_of(error);
    let at = error.instance_path().as_str();
    let mut add = |message: String, place: Location| {
        let finding = Diagnostic::new(code::CONTRACT_STRUCTURE, message)
            .severity(Severity::Warning)
            .keyword(keyword.clone())
            .in_file(place);
        if !findings.contains(&finding) && findings.len() < FINDINGS_MAX {
            findings.push(finding);
        }
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                let place = document.location(&pointer::join(at, name), Focus::Key);
                add(format!("unexpected property `{name}`"), place);
            }
        }
        _ => add(message_of(error, &keyword, &shown(error.instance())), document.location(at, Focus::Value)),
    }
}

/// The schema of 3.1 takes a path item with `$ref` for a Reference Object; its successors, and the text of 3.1.1,
/// let other fields stand beside it.
fn correct(schema: &mut Value) {
    let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) else { return };
    if let Some(either) = definitions.get_mut("path-item-or-reference") {
        *either = json!({ "$ref": "#/$defs/path-item" });
        if let Some(properties) = definitions.get_mut("path-item").and_then(|item| item.get_mut("properties")) {
            properties["$ref"] = json!({ "type": "string", "format": "uri-reference" });
        }
    }
}

/// Of a choice between an object and a reference, the one that the value looks like; else that with the fewest errors.
fn meant<'e>(instance: &Value, context: &'e [Vec<ValidationError<'static>>]) -> Option<&'e [ValidationError<'static>]> {
    let is_reference = instance.get("$ref").is_some();
    let misses_reference = |branch: &&Vec<ValidationError<'static>>| {
        branch
            .iter()
            .any(|error| matches!(error.kind(), ValidationErrorKind::Required { property } if property == "$ref"))
    };
    let candidates = context.iter().filter(|branch| is_reference || !misses_reference(branch));
    candidates.min_by_key(|branch| branch.len()).map(Vec::as_slice)
}
