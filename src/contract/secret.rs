//! What a contract says is secret: the keys of its security schemes, and what has the format `password`.

use super::Contract;
use super::document::Document;
use super::security::{Scheme, SchemeKind};
use crate::diagnostic::{Diagnostic, Place, code};
use crate::message::{MASK, Secrets};
use serde_json::Value;
use std::sync::Arc;

impl Contract {
    /// The names of secrets.
    pub(crate) fn secrets(&self) -> &Arc<Secrets> {
        &self.secrets
    }

    /// Takes what was sent as a secret out of diagnostics: they go into reports, and back in replies that others keep.
    pub(super) fn conceal(&self, mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
        // These name the parameter, and have no value to tell.
        let nameless = [code::PARAMETER_MISSING, code::PARAMETER_UNKNOWN];
        for diagnostic in found.iter_mut().filter(|diagnostic| !nameless.contains(&diagnostic.code)) {
            let Some(Place::Message { pointer, .. }) = &diagnostic.place else { continue };
            if self.secrets().are_at(pointer) {
                diagnostic.message = format!("{}; the value is secret", diagnostic.code.entry().title);
                diagnostic.actual = diagnostic.actual.take().map(|_| MASK.to_owned());
                diagnostic.help = None;
            }
        }
        found
    }
}

pub(super) fn secrets(document: &Document, schemes: &[Scheme]) -> Secrets {
    let mut names: Vec<&str> = Vec::new();
    names.extend(schemes.iter().filter_map(|scheme| match &scheme.kind {
        SchemeKind::ApiKey { name, .. } => Some(name.as_str()),
        _ => None,
    }));
    let mut left = vec![document.whole()];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(members) => {
                let properties = members.get("properties").and_then(Value::as_object).into_iter().flatten();
                names.extend(
                    properties.filter(|(_, schema)| is_password(document, schema)).map(|(name, _)| name.as_str()),
                );
                if let (Some(Value::String(name)), Some(schema)) = (members.get("name"), members.get("schema"))
                    && is_password(document, schema)
                {
                    names.push(name);
                }
                left.extend(members.values());
            }
            _ => {}
        }
    }
    Secrets::new(names)
}

/// Whether a schema, or the one that it refers to within the document, has the format `password`.
fn is_password(document: &Document, schema: &Value) -> bool {
    let says = |schema: &Value| schema.get("format").is_some_and(|format| format == "password");
    let target = || schema.get("$ref").and_then(Value::as_str).and_then(|uri| uri.strip_prefix('#'));
    says(schema) || target().and_then(|at| document.at(at)).is_some_and(says)
}
