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
                let (mut named, mut described) = (None, None);
                for (key, value) in members {
                    match (key.as_str(), value) {
                        ("properties", Value::Object(properties)) => {
                            let secret = properties.iter().filter(|(_, schema)| is_password(document, schema));
                            names.extend(secret.map(|(name, _)| name.as_str()));
                        }
                        ("name", Value::String(name)) => named = Some(name),
                        ("schema", schema) => described = Some(schema),
                        _ => {}
                    }
                    if value.is_object() || value.is_array() {
                        left.push(value);
                    }
                }
                names.extend(
                    named.filter(|_| described.is_some_and(|schema| is_password(document, schema))).map(String::as_str),
                );
            }
            _ => {}
        }
    }
    Secrets::new(names)
}

/// Whether a schema, or the one that it refers to within the document, has the format `password`.
fn is_password(document: &Document, schema: &Value) -> bool {
    let says = |schema: &Value| text_of(schema, "format") == Some("password");
    let target = || text_of(schema, "$ref").and_then(|uri| uri.strip_prefix('#'));
    says(schema) || target().and_then(|at| document.at(at)).is_some_and(says)
}

/// The text of a keyword, found without a hash: every property of a document is asked.
fn text_of<'s>(schema: &'s Value, keyword: &str) -> Option<&'s str> {
    schema.as_object()?.iter().find(|(known, _)| *known == keyword).and_then(|(_, value)| value.as_str())
}
